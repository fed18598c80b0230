//! A card on the bench: simulated memory, power, raw APDUs.

use apdu_spec::command::apdu::LONGEST_RESPONSE;
use apdu_spec::command::{Command, Selection};
use apdu_spec::cryptography::KeyPurpose;
use apdu_spec::element::{Amount, Expiry, Role, Sequence};
use apdu_spec::file::{APPLICATION, IdentityFile};
use apdu_spec::pin::{PinBlock, TRIES};
use apdu_spec::pocket::{POCKETS, PocketParameters};
use apdu_spec::record::LogRecord;
use apdu_spec::software::Software;
use apdu_spec::status::StatusWord;
use purse_card::Card;
use purse_card::memory::Geometry;
use purse_card::store::{Administration, Identity, Masters, Parameters, Pin, Store, minimum_pages};
use purse_terminal::simulated_memory::SimulatedMemory;

use crate::scheme::{Profile, VERSION, eur, issuer, master, own_key, pin};

/// A card with its power on. `WINDOW` records, `EXCEPTIONS` places in EF.EXC.
#[derive(Debug)]
pub struct BenchCard<const WINDOW: usize, const EXCEPTIONS: usize> {
    /// The card itself.
    pub card: Card<SimulatedMemory, Software, WINDOW, EXCEPTIONS>,
}

/// A purse or SAM of common size.
pub type CommonCard = BenchCard<32, 8>;

/// An answer, split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Data.
    pub data: Vec<u8>,
    /// SW1 SW2, one of the standard's.
    pub status: StatusWord,
}

impl<const WINDOW: usize, const EXCEPTIONS: usize> BenchCard<WINDOW, EXCEPTIONS> {
    /// Units of 8 bytes and pages of 2 KiB, as many as the store needs, and one more.
    pub fn memory() -> SimulatedMemory {
        let shape = Geometry { unit: 8, page_size: 2048, pages: 0, atomic: false };
        let pages = minimum_pages(shape, WINDOW, EXCEPTIONS).expect("a page holds slots") + 1;
        SimulatedMemory::new(Geometry { pages, ..shape }, 1)
    }

    /// A blank memory with as few bytes as so many slots in a page need, so that pages are built all the time.
    ///
    /// # Panics
    /// Where no card can be on it.
    pub fn small_memory(slots: usize) -> SimulatedMemory {
        let shape = Geometry { unit: 8, page_size: 40 + 8 + 8 + slots * 168, pages: 0, atomic: false };
        let pages = minimum_pages(shape, WINDOW, EXCEPTIONS).expect("a page holds slots");
        SimulatedMemory::new(Geometry { pages, ..shape }, 1)
    }

    /// Not personalised yet, nothing selected.
    pub fn blank() -> Self {
        Self::on(Self::memory())
    }

    /// Powers a card up on this memory.
    pub fn on(memory: SimulatedMemory) -> Self {
        let card = Card::power_up(memory, Software).map_err(|(_, error)| error).expect("the memory is sound");
        Self { card }
    }

    /// Personalised by STORE DATA, the application selected.
    pub fn new(profile: &Profile) -> Self {
        let mut bench = Self::blank();
        bench.select();
        bench.personalise(profile);
        bench.select();
        bench
    }

    /// Personalised through the store, so that its first transaction has this sequence; the application selected. It
    /// has the euro pocket only.
    pub fn beginning_at(profile: &Profile, first_sequence: u32) -> Self {
        let mut balances = [Amount::ZERO; POCKETS];
        balances[0] = profile.balance;
        let identity = Identity {
            role: profile.role,
            number: profile.number,
            key_version: VERSION,
            issuer: issuer(),
            flags: profile.flags,
            keys: KeyPurpose::ALL.map(|purpose| own_key(purpose, profile.number, VERSION)),
            balances,
            first_sequence: Sequence(first_sequence),
        };
        let mut pockets = [PocketParameters::UNUSED; POCKETS];
        pockets[0] = PocketParameters { currency: eur(), exponent: 2, limits: profile.limits };
        let administration = Administration::default();
        let parameters = Parameters {
            expiry: Expiry([0x30, 0x12]),
            pockets,
            blocked: false,
            locked: false,
            terminated: false,
            administration,
        };
        let mut masters = Masters::default();
        masters.keys[0] = Some((VERSION, master(KeyPurpose::Payment, VERSION)));
        let masters = Some(masters).filter(|_| profile.role == Role::Merchant);
        let pin = Pin { block: pin(profile.pin).emit(), tries: TRIES, limit: TRIES, administration };
        let store = Store::<_, WINDOW, EXCEPTIONS>::power_up(Self::memory());
        let mut store = store.map_err(|(_, error)| error).expect("the memory is sound");
        store
            .personalise(&identity, &parameters, masters.as_ref(), &pin, profile.key_pair.as_ref())
            .expect("the card is blank");
        let mut bench = Self::on(store.into_memory());
        bench.select();
        bench
    }

    /// Sends the blocks of STORE DATA; each must succeed.
    pub fn personalise(&mut self, profile: &Profile) {
        let blocks = profile.blocks();
        for (place, block) in blocks.iter().enumerate() {
            let number = u8::try_from(place).expect("few blocks");
            let answer = self.send(&Command::StoreData(place + 1 == blocks.len(), number, block));
            assert_eq!(answer.status, StatusWord::Success, "block {place}");
        }
    }

    /// Sends raw bytes, takes the answer, and lets the card finish.
    pub fn transmit(&mut self, command: &[u8]) -> Answer {
        let answer = self.process(command);
        self.card.finish();
        answer
    }

    /// Sends raw bytes and takes the answer; the card has not done its work after it yet.
    pub fn process(&mut self, command: &[u8]) -> Answer {
        let mut response = [0; LONGEST_RESPONSE];
        let length = self.card.process(command, &mut response);
        let (data, status) = response[..length].split_at(length - StatusWord::LENGTH);
        let code = u16::from_be_bytes(status.try_into().expect("two bytes"));
        let status =
            StatusWord::from_code(code).unwrap_or_else(|| panic!("no status word of ours: {code:04X}"));
        Answer { data: data.to_vec(), status }
    }

    /// Sends a command.
    pub fn send(&mut self, command: &Command<'_>) -> Answer {
        self.transmit(command.emit().as_bytes())
    }

    /// Sends a command that must succeed.
    #[track_caller]
    pub fn succeed(&mut self, command: &Command<'_>) -> Vec<u8> {
        let answer = self.send(command);
        assert_eq!(answer.status, StatusWord::Success, "{:?}", command.name());
        answer.data
    }

    /// Sends a command that must end with this status word, say nothing else, and change nothing in the memory.
    #[track_caller]
    pub fn refuse(&mut self, command: &Command<'_>, status: StatusWord) {
        let answer = self.unwritten(command.emit().as_bytes());
        assert_eq!(answer, Answer { data: Vec::new(), status }, "{:?}", command.name());
    }

    /// The same for raw bytes.
    #[track_caller]
    pub fn refuse_bytes(&mut self, command: &[u8], status: StatusWord) {
        let answer = self.unwritten(command);
        assert_eq!(answer, Answer { data: Vec::new(), status }, "{command:02X?}");
    }

    /// Sends a command that must succeed without changing the memory, as every repeat does.
    #[track_caller]
    pub fn repeat(&mut self, command: &Command<'_>) -> Vec<u8> {
        let answer = self.unwritten(command.emit().as_bytes());
        assert_eq!(answer.status, StatusWord::Success, "{:?}", command.name());
        answer.data
    }

    /// Sends raw bytes that must not change the memory, whatever the card answers.
    #[track_caller]
    pub fn unwritten(&mut self, command: &[u8]) -> Answer {
        let before = self.card.memory().counts();
        let answer = self.transmit(command);
        assert_eq!(self.card.memory().counts(), before, "{command:02X?} wrote to the memory");
        answer
    }

    /// SELECT of the application; gives the status word.
    pub fn select(&mut self) -> StatusWord {
        self.send(&Command::Select(Selection::Application(&APPLICATION), true)).status
    }

    /// VERIFY that must succeed.
    #[track_caller]
    pub fn verify(&mut self, pin: PinBlock) {
        self.succeed(&Command::Verify(Some(pin)));
    }

    /// EF.ID.
    pub fn identity(&mut self) -> IdentityFile {
        let data = self.succeed(&Command::ReadBinary(Some(0x15), 0));
        IdentityFile::parse(&data.try_into().expect("EF.ID is as long as it is")).expect("EF.ID holds")
    }

    /// Balance of pocket 0.
    pub fn balance(&mut self) -> Amount {
        self.identity().status.balance
    }

    /// The next sequence.
    pub fn sequence(&mut self) -> Sequence {
        self.identity().status.sequence
    }

    /// READ ENTRY that must succeed.
    #[track_caller]
    pub fn entry(&mut self, sequence: u32) -> LogRecord {
        let data = self.succeed(&Command::ReadEntry(Sequence(sequence)));
        LogRecord::parse(&data.try_into().expect("50 bytes")).expect("a record")
    }

    /// Another card with the same memory, nothing selected.
    #[must_use]
    pub fn copied(&self) -> Self {
        Self::on(self.card.memory().clone())
    }

    /// Takes the power away and gives it back; the application is selected again.
    #[must_use]
    pub fn power_cycled(self) -> Self {
        let mut memory = self.card.into_memory();
        memory.power_off();
        memory.power_on();
        let mut bench = Self::on(memory);
        bench.select();
        bench
    }
}
