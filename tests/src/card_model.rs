//! A model of the card: sections 5 to 7 of the protocol word for word, over a list of records. It knows no memory, no
//! pages and no power; what a command must come to, it says before the card is asked.

mod payee;
mod payer;
mod reading;
mod script;
mod session;
mod view;

use apdu_spec::command::{Command, Request};
use apdu_spec::cryptography::{Chain, Tac, chain};
use apdu_spec::cryptography::{Engine as _, KeyPurpose};
use apdu_spec::element::{Amount, Currency, Expiry, KeyVersion, Kind, Role, Sequence};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::personalisation::KeyPair;
use apdu_spec::pin::{PinBlock, TRIES};
use apdu_spec::pocket::{POCKETS, PocketParameters};
use apdu_spec::record::{RecordRole, RecordState};
use apdu_spec::software::Software;
use apdu_spec::status::StatusWord as Status;

use crate::bench_card::Answer;
use crate::scheme::{OTHER_VERSION, Profile, VERSION, eur, own_key, pin, usd};

pub use view::View;

/// Sizes of a card's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Records of EF.LOG.
    pub window: usize,
    /// Places of EF.EXC.
    pub exceptions: usize,
}

impl Sizes {
    /// Places that a SAM keeps back: a quarter of the window, at least 2 and at most 16.
    const fn reserve(self) -> usize {
        match self.window / 4 {
            0..=2 => 2,
            quarter @ 3..=16 => quarter,
            _ => 16,
        }
    }
}

/// One transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What was agreed on.
    pub pay_details: PayDetails,
    /// What the card did.
    pub role: RecordRole,
    /// What became of it.
    pub state: RecordState,
    /// Balance of its pocket after it.
    pub balance: u32,
    /// The payer's.
    pub tac: Tac,
}

/// One currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pocket {
    /// Currency, exponent and limits.
    pub parameters: PocketParameters,
    /// What it holds.
    pub balance: u32,
    /// Debited without PIN since the last PIN.
    pub without_pin: u32,
    /// Received or restored offline since the last load or unload.
    pub offline: u32,
}

/// What a card remembers without power.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Every transaction that there has been, by sequence; those that the log no longer has, too.
    pub entries: Vec<Entry>,
    /// Every pocket.
    pub pockets: [Pocket; POCKETS],
    /// Sequence of the last credited load.
    last_load: Option<usize>,
    /// ISO 9564 block of the PIN.
    pub pin: [u8; PinBlock::LENGTH],
    /// PIN tries left.
    pub tries: u8,
    /// The highest script that was accepted: counter and MAC.
    script: (u32, [u8; 8]),
    expiry: Expiry,
    locked: bool,
    blocked: bool,
    terminated: bool,
    /// Key versions of the PAYM masters of a SAM.
    masters: Vec<KeyVersion>,
    chain: Chain,
}

/// A card as it should be.
#[derive(Clone, Debug)]
pub struct Model {
    role: Role,
    number: PartyNumber,
    sizes: Sizes,
    /// What outlives a loss of power.
    pub state: State,
    selected: bool,
    /// The PIN has been verified in this session.
    pub verified: bool,
    key_pair: Option<KeyPair>,
    /// The purse whose certificate has been verified in this session.
    peer: Option<PartyNumber>,
}

/// What a command must come to.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// The answer; none for a command that only reads what [`View`] compares anyway.
    pub answer: Option<Answer>,
    /// Whether something must be written; nothing may be where this is false.
    pub writes: bool,
    /// The state of the memory before.
    pub before: State,
    /// A state that the command passes on its way, which a cut may leave.
    pub between: Option<State>,
}

/// How a command ends, and what it passed on its way.
struct Execution {
    answer: Result<Option<Answer>, Status>,
    between: Option<State>,
}

impl From<Result<Vec<u8>, Status>> for Execution {
    fn from(outcome: Result<Vec<u8>, Status>) -> Self {
        let answer = outcome.map(|data| Some(Answer { data, status: Status::Success }));
        Self { answer, between: None }
    }
}

impl Model {
    /// A card of this profile as [`Profile::groups`] personalises it, the application selected.
    pub fn new(profile: &Profile, sizes: Sizes) -> Self {
        let unused = Pocket { parameters: PocketParameters::UNUSED, balance: 0, without_pin: 0, offline: 0 };
        let pocket = |currency, Amount(balance)| {
            let parameters = PocketParameters { currency, exponent: 2, limits: profile.limits };
            Pocket { parameters, balance, ..unused }
        };
        let pockets = [pocket(eur(), profile.balance), pocket(usd(), Amount::ZERO), unused, unused, unused];
        let state = State {
            entries: Vec::new(),
            pockets,
            last_load: None,
            pin: pin(profile.pin).emit(),
            tries: TRIES,
            script: (0, [0; 8]),
            expiry: Expiry([0x30, 0x12]),
            locked: false,
            blocked: false,
            terminated: false,
            masters: if profile.role == Role::Merchant { vec![VERSION, OTHER_VERSION] } else { Vec::new() },
            chain: Chain::default(),
        };
        Self {
            role: profile.role,
            number: profile.number,
            sizes,
            state,
            selected: true,
            verified: false,
            key_pair: profile.key_pair.clone(),
            peer: None,
        }
    }

    /// A reset, or a loss of power.
    pub fn reset(&mut self) {
        self.selected = false;
        self.verified = false;
        self.peer = None;
    }

    /// The same card with another memory, after a SELECT of the application.
    #[must_use]
    pub fn with(&self, state: State) -> Self {
        Self { state, selected: true, verified: false, peer: None, ..self.clone() }
    }

    /// Counter of the highest script that was accepted.
    pub const fn counter(&self) -> u32 {
        self.state.script.0
    }

    /// Purse or SAM.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Its number.
    pub const fn number(&self) -> PartyNumber {
        self.number
    }

    /// Its next sequence.
    pub fn next(&self) -> u32 {
        u32::try_from(self.state.entries.len()).expect("a history is short")
    }

    /// Does what the command must do, and says what must come of it.
    pub fn answer(&mut self, command: &[u8]) -> Prediction {
        let before = self.state.clone();
        let Execution { answer, between } = match Request::parse(command) {
            Ok(request) => self.execute(&request),
            Err(status) => Err(status).into(),
        };
        let answer = answer.unwrap_or_else(|status| Some(Answer { data: Vec::new(), status }));
        Prediction { answer, writes: self.state != before || between.is_some(), before, between }
    }

    fn execute(&mut self, request: &Request<'_>) -> Execution {
        if let Err(status) = self.gate(request.row.command) {
            return Err(status).into();
        }
        let command = match request.command() {
            Ok(command) => command,
            Err(status) => return Err(status).into(),
        };
        match command {
            Command::Select(selection, control) => {
                let room = request.expected.unwrap_or(256);
                return Execution { answer: self.select(selection, control, room).map(Some), between: None };
            }
            Command::ReadBinary(..) | Command::ReadRecord(..) | Command::GetData(_) => {
                return Execution { answer: Ok(None), between: None };
            }
            Command::Verify(None) => self.ask_for_tries(),
            Command::Verify(Some(block)) => return self.present(&block, None),
            Command::ChangePin(old, new) => return self.present(&old, Some(&new)),
            Command::VerifyCertificate(certificate) => self.verify_certificate(&certificate),
            Command::Initialize(data) => self.initialize(&data),
            Command::Credit(voucher) => self.credit(&voucher),
            Command::Debit(data) => self.debit(&data),
            Command::UpdateParameter(script) => return self.update_parameter(&script),
            Command::GetProof(sequence) => self.proof(sequence),
            Command::GetBalance(pocket) => self.balance(pocket),
            Command::ReadEntry(sequence) => self.read_entry(sequence),
            Command::Acknowledge(sequence, ack) => self.acknowledge(sequence, ack),
            Command::Decline(voucher) => self.decline(&voucher),
            Command::Reverse(sequence, nack) => self.reverse(sequence, nack),
            Command::Lock => self.set_lock(true),
            Command::Unlock => self.set_lock(false),
            Command::StoreData(..) => unreachable!("never in the life cycle of a card that is one"),
        }
        .into()
    }

    /// The key that both sides use, or none that this card has (6A88).
    fn check_version(&self, kind: Kind, version: KeyVersion) -> Result<(), Status> {
        let held = match (kind, self.role) {
            (Kind::Purchase | Kind::Refund, Role::Merchant) => self.state.masters.contains(&version),
            (Kind::Transfer, _) => version == KeyVersion::NONE,
            _ => version == VERSION,
        };
        if held { Ok(()) } else { Err(Status::ReferenceNotFound) }
    }

    /// A transfer is spoken of only with the peer of the session.
    fn check_peer(&self, kind: Kind, number: PartyNumber) -> Result<(), Status> {
        let is_present = kind != Kind::Transfer || self.peer == Some(number);
        if is_present { Ok(()) } else { Err(Status::ConditionsOfUse) }
    }

    fn pocket(&self, currency: Currency) -> Result<usize, Status> {
        let is_it = |pocket: &Pocket| currency != Currency::NONE && pocket.parameters.currency == currency;
        self.state.pockets.iter().position(is_it).ok_or(Status::ReferenceNotFound)
    }

    /// Whether the log has the record of this sequence: in the window, or in EF.EXC.
    pub fn is_in_log(&self, place: usize) -> bool {
        self.is_in_window(place) || self.is_open_exceptional(place)
    }

    fn is_in_window(&self, place: usize) -> bool {
        place < self.state.entries.len() && place + self.sizes.window >= self.state.entries.len()
    }

    fn is_open(&self, place: usize) -> bool {
        let record = self.state.entries.get(place);
        record.is_some_and(|record| (record.role, record.state) == (RecordRole::Payer, RecordState::Open))
    }

    /// Transfers, unloads and refunds may not be lost while they are open.
    fn is_open_exceptional(&self, place: usize) -> bool {
        self.is_open(place) && self.state.entries[place].pay_details.kind != Kind::Purchase
    }

    /// EF.EXC.
    fn exceptions(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.state.entries.len())
            .filter(|place| self.is_open_exceptional(*place) && !self.is_in_window(*place))
    }

    /// What a SAM's log has room for (6A84): a place is free if it does not lie after the last settled collection.
    fn check_places(&self, needed: usize) -> Result<(), Status> {
        let settled = |entry: &Entry| {
            (entry.role, entry.state, entry.pay_details.kind)
                == (RecordRole::Payer, RecordState::Settled, Kind::Unload)
        };
        let taken = self.state.entries.iter().rev().take_while(|entry| !settled(entry)).count();
        if self.role == Role::Merchant && self.sizes.window.saturating_sub(taken) < needed {
            return Err(Status::NoRoom);
        }
        Ok(())
    }

    /// What a command about an own payment meets: not reached yet or another's 6985, gone 6A88.
    fn payment(&self, sequence: Sequence) -> Result<(usize, Entry), Status> {
        let place = sequence.0 as usize;
        let entry = *self.state.entries.get(place).ok_or(Status::ConditionsOfUse)?;
        if !self.is_in_log(place) {
            return Err(Status::ReferenceNotFound);
        }
        if entry.role == RecordRole::Payer { Ok((place, entry)) } else { Err(Status::ConditionsOfUse) }
    }

    fn is_used_up(&self) -> bool {
        let in_log = (0..self.state.entries.len()).filter(|place| self.is_in_log(*place));
        self.state.pockets.iter().all(|pocket| pocket.balance == 0)
            && in_log.into_iter().all(|place| !self.is_open(place))
    }
}

impl State {
    /// One record, with the chain of a SAM.
    fn append(&mut self, card: (Role, PartyNumber), pay_details: PayDetails, role: RecordRole, tac: Tac) {
        if card.0 == Role::Merchant {
            let mut key = Software.load(&own_key(KeyPurpose::Tac, card.1, VERSION));
            self.chain = chain(&Software, &mut key, self.chain, role, &pay_details, tac);
        }
        let state = if role == RecordRole::Payer { RecordState::Open } else { RecordState::Settled };
        let pocket = self.pockets.iter().find(|pocket| pocket.parameters.currency == pay_details.currency);
        let balance = pocket.map_or(0, |pocket| pocket.balance);
        self.entries.push(Entry { pay_details, role, state, balance, tac });
    }
}
