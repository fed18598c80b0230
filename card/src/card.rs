//! The card: what it remembers, how a command passes through it, and the state it is in.

use apdu_spec::command::apdu::LONGEST_RESPONSE;
use apdu_spec::command::{Command, CommandName, Request};
use apdu_spec::cryptography::Engine;
use apdu_spec::curve::Curve;
use apdu_spec::element::Sequence;
use apdu_spec::file::{FLAG_DISPOSABLE, File};
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::number::PartyNumber;
use apdu_spec::record::{RecordRole, RecordState};
use apdu_spec::status::StatusWord;
use apdu_spec::wire::Writer;

use crate::keys::Keys;
use crate::memory::Memory;
use crate::personalisation::Personalisation;
use crate::stack::{stack_of_wiping, wipe_stack};
use crate::store::{Identity, PowerUpError, Store};

/// The card application in either role, over a memory and an AES engine.
///
/// `WINDOW` is the number of records of EF.LOG, `EXCEPTIONS` the number of places in EF.EXC (section 4).
///
/// [`Card::process`] answers one command; everything that the answer says is committed when it returns. Send the
/// answer, then call [`Card::finish`], which does the work that a payment need not wait for.
#[derive(Debug)]
pub struct Card<M: Memory, E: Engine + Curve, const WINDOW: usize, const EXCEPTIONS: usize> {
    pub(crate) store: Store<M, WINDOW, EXCEPTIONS>,
    pub(crate) engine: E,
    pub(crate) keys: Keys<E>,
    pub(crate) session: Session,
    pub(crate) personalisation: Personalisation,
    halted: bool,
    /// How far down the stack the command under way may have left keys or the PIN.
    left_on_stack: usize,
}

/// What is lost at reset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Session {
    /// The current file; DF.PURSE or an EF below it while the application is selected.
    pub(crate) file: File,
    /// The PIN has been verified since the application was selected.
    pub(crate) pin_verified: bool,
}

impl Session {
    pub(crate) const NEW: Self = Self { file: File::Master, pin_verified: false };

    pub(crate) fn is_selected(self) -> bool {
        self.file == File::Purse || self.file.parent() == File::Purse
    }
}

/// How far down the stack a command leaves keys and PIN, in bytes, by measure: a test looks for them there, and finds
/// some with half of it.
const DEPTH: usize = 4096;

/// How far down the stack a command leaves keys or the PIN: nothing where it works with none and does not write, for
/// then no page is built, and no keys are copied.
const fn depth<C: Curve>(command: CommandName) -> usize {
    match command {
        CommandName::Select
        | CommandName::ReadBinary
        | CommandName::ReadRecord
        | CommandName::GetData
        | CommandName::GetBalance
        | CommandName::ReadEntry => 0,
        CommandName::VerifyCertificate => DEPTH.saturating_add(C::DEPTH),
        CommandName::Verify
        | CommandName::ChangePin
        | CommandName::Initialize
        | CommandName::Credit
        | CommandName::Debit
        | CommandName::UpdateParameter
        | CommandName::GetProof
        | CommandName::Acknowledge
        | CommandName::Decline
        | CommandName::Reverse
        | CommandName::Lock
        | CommandName::Unlock
        | CommandName::StoreData => DEPTH,
    }
}

/// How a command ends: the status word that goes with an answer, or the one that goes alone.
pub(crate) type Outcome = Result<StatusWord, StatusWord>;

impl<M: Memory, E: Engine + Curve, const WINDOW: usize, const EXCEPTIONS: usize>
    Card<M, E, WINDOW, EXCEPTIONS>
{
    /// Free places that a merchant SAM keeps for what must still be possible when it asks for no more payments:
    /// 16 of 512, fewer in a small window (section 7, "Log window").
    pub const RESERVE: usize = {
        let quarter = WINDOW / 4;
        if quarter > 16 {
            16
        } else if quarter < 2 {
            2
        } else {
            quarter
        }
    };

    /// Bytes of stack that [`Card::process`] and [`Card::finish`] take at most, below whoever calls them, on a card that
    /// has been personalised: what they need for their work, and what they overwrite there afterwards. Whoever builds a
    /// card compares it with what the linker gives the stack, so that no command runs into what lies below:
    ///
    /// ```text
    /// const _: () = assert!(Purse::STACK_OF_POWER_UP + OWN <= STACK && Purse::STACK_OF_COMMANDS + OWN <= STACK);
    /// ```
    pub const STACK_OF_COMMANDS: usize = stack_of_wiping(DEPTH.saturating_add(E::DEPTH));

    /// The same of [`Card::power_up`], and of [`Card::process`] on a blank card: keys pass through more hands there, and the card
    /// itself does.
    pub const STACK_OF_POWER_UP: usize =
        stack_of_wiping(Self::DEPTH_OF_KEYS).saturating_add(size_of::<Self>().saturating_mul(4));

    /// As [`DEPTH`], where the card gets its keys, by power-up or STORE DATA: all of them pass through several hands, and
    /// the private one through the curve.
    const DEPTH_OF_KEYS: usize = {
        let (card, curve) = (size_of::<Self>().saturating_mul(4), E::DEPTH);
        DEPTH.saturating_add(if card > curve { card } else { curve })
    };

    /// Decides what the last operation before power went came to, makes that durable, and is then ready.
    ///
    /// # Errors
    /// The memory failed, or what it holds is damaged; it comes back unwritten.
    pub fn power_up(memory: M, engine: E) -> Result<Self, (M, PowerUpError)> {
        let card = Self::start(memory, engine);
        wipe_stack(Self::DEPTH_OF_KEYS);
        card
    }

    #[inline(never)]
    fn start(memory: M, engine: E) -> Result<Self, (M, PowerUpError)> {
        let store = Store::power_up(memory)?;
        let keys = Keys::new(&engine, &store);
        Ok(Self {
            store,
            engine,
            keys,
            session: Session::NEW,
            personalisation: Personalisation::new(),
            halted: false,
            left_on_stack: 0,
        })
    }

    /// Answers one command APDU; gives the length of the response APDU with its status word.
    pub fn process(&mut self, command: &[u8], response: &mut [u8; LONGEST_RESPONSE]) -> usize {
        let was_blank = self.store.is_blank();
        self.left_on_stack = 0;
        let length = self.answer(command, response);
        if self.left_on_stack > 0 {
            wipe_stack(if was_blank { Self::DEPTH_OF_KEYS } else { self.left_on_stack });
        }
        length
    }

    #[inline(never)]
    fn answer(&mut self, command: &[u8], response: &mut [u8; LONGEST_RESPONSE]) -> usize {
        let mut answer = Writer::new(response);
        let outcome =
            if self.halted { Err(StatusWord::MemoryFailure) } else { self.execute(command, &mut answer) };
        self.halted |= outcome == Err(StatusWord::MemoryFailure);
        let status = outcome.unwrap_or_else(|status| {
            answer.clear();
            status
        });
        answer.put(&status.emit()).finish().unwrap_or(0)
    }

    /// After the response has been sent: seals what it rests on and makes room for the next command. A failure shows
    /// at the next command (6581).
    pub fn finish(&mut self) {
        let before = self.store.builds();
        self.complete();
        // A page that was built has had all that it keeps on the stack.
        if self.store.builds() != before {
            wipe_stack(DEPTH);
        }
    }

    #[inline(never)]
    fn complete(&mut self) {
        self.halted |= self.store.finish().is_err();
    }

    /// A warm reset: the session is lost, the memory kept. A card whose memory failed needs [`Card::power_up`].
    pub fn reset(&mut self) {
        self.session = Session::NEW;
        self.keys.part_from_peer();
        self.personalisation = Personalisation::new();
    }

    /// The number that personalisation gave the card; none while it is blank.
    pub fn number(&self) -> Option<PartyNumber> {
        self.store.identity().map(|identity| identity.number)
    }

    /// The memory below.
    pub fn memory(&self) -> &M {
        self.store.memory()
    }

    /// The memory below, for a driver's own use; the card must not find other content in it.
    pub fn memory_mut(&mut self) -> &mut M {
        self.store.memory_mut()
    }

    /// Gives the memory back, as power off does.
    pub fn into_memory(self) -> M {
        self.store.into_memory()
    }

    fn execute(&mut self, command: &[u8], answer: &mut Writer<'_>) -> Outcome {
        let request = Request::parse(command)?;
        self.left_on_stack = depth::<E>(request.row.command);
        self.gate(&request)?;
        match request.command()? {
            Command::Select(selection, control) => self.select(&request, selection, control, answer),
            Command::ReadBinary(file, offset) => self.read_binary(file, offset, &request, answer),
            Command::ReadRecord(file, number) => self.read_record(file, number, answer),
            Command::GetData(tag) => self.get_data(tag, &request, answer),
            Command::Verify(pin) => self.verify(pin.as_ref()),
            Command::ChangePin(old, new) => self.change_pin(&old, &new),
            Command::VerifyCertificate(certificate) => self.verify_certificate(&certificate),
            Command::Initialize(data) => self.initialize(&data, answer),
            Command::Credit(voucher) => self.credit(&voucher, answer),
            Command::Debit(data) => self.debit(&data, answer),
            Command::UpdateParameter(script) => self.update_parameter(&script),
            Command::GetProof(sequence) => self.get_proof(sequence, answer),
            Command::GetBalance(pocket) => self.get_balance(pocket, answer),
            Command::ReadEntry(sequence) => self.read_entry(sequence, answer),
            Command::Acknowledge(sequence, ack) => self.acknowledge(sequence, ack),
            Command::Decline(voucher) => self.decline(&voucher, answer),
            Command::Reverse(sequence, nack) => self.reverse(sequence, nack),
            Command::Lock => self.set_lock(true),
            Command::Unlock => self.set_lock(false),
            Command::StoreData(last, number, data) => self.store_data(last, number, data),
        }
    }

    /// Selection and life cycle, before any data is looked at (section 6, order of checks).
    fn gate(&self, request: &Request<'_>) -> Result<(), StatusWord> {
        let free = [CommandName::Select, CommandName::ReadBinary].contains(&request.row.command);
        if !free && !self.session.is_selected() {
            return Err(StatusWord::ConditionsOfUse);
        }
        let life_cycle = self.life_cycle();
        if request.row.is_allowed(life_cycle) || self.personalisation.is_repeat(request) {
            Ok(())
        } else if life_cycle == LifeCycle::Locked {
            Err(StatusWord::SecurityStatus)
        } else {
            Err(StatusWord::ConditionsOfUse)
        }
    }

    /// The life cycle byte, derived (section 5).
    pub(crate) fn life_cycle(&self) -> LifeCycle {
        let (Some(identity), Some(parameters)) = (self.store.identity(), self.store.parameters()) else {
            return LifeCycle::Blank;
        };
        if parameters.terminated || identity.flags & FLAG_DISPOSABLE != 0 && self.is_used_up() {
            LifeCycle::Terminated
        } else if parameters.blocked {
            LifeCycle::Blocked
        } else if parameters.locked {
            LifeCycle::Locked
        } else {
            LifeCycle::Active
        }
    }

    /// The holder's flag, also while the card is blocked.
    pub(crate) fn is_locked(&self) -> bool {
        self.store.parameters().is_some_and(|parameters| parameters.locked)
    }

    pub(crate) fn is_disposable(&self) -> bool {
        self.store.identity().is_some_and(|identity| identity.flags & FLAG_DISPOSABLE != 0)
    }

    /// Every balance is 0 and no payer record in the log is open.
    pub(crate) fn is_used_up(&self) -> bool {
        let empty = self.store.state().pockets.iter().all(|pocket| pocket.balance.0 == 0);
        empty && self.sequences().all(|sequence| !self.is_open_payment(sequence))
    }

    pub(crate) fn is_open_payment(&self, sequence: Sequence) -> bool {
        self.store
            .standing(sequence)
            .is_some_and(|standing| standing.role == RecordRole::Payer && standing.state == RecordState::Open)
    }

    /// What personalisation gave the card; a blank card's commands end before they ask.
    pub(crate) fn identity(&self) -> Result<&Identity, StatusWord> {
        self.store.identity().ok_or(StatusWord::ConditionsOfUse)
    }
}
