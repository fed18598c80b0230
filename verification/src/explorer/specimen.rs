//! A card at rest: its memory, as it was found, and what it abstractly is.

use apdu_spec::command::apdu::LONGEST_RESPONSE;
use apdu_spec::command::{Command, Selection};
use apdu_spec::file::APPLICATION;
use apdu_spec::number::PartyNumber;
use apdu_spec::status::StatusWord;
use purse_card::Card;
use purse_card::memory::Geometry;
use purse_card::store::minimum_pages;
use purse_terminal::simulated_memory::SimulatedMemory;
use purse_tests::scheme::Profile;

use super::meeting::Shown;
use super::message::Order;
use crate::content::Content;
use crate::curve::Remembering;

/// The card that ships, on a memory in RAM.
pub type Shipped<const WINDOW: usize, const EXCEPTIONS: usize> =
    Card<SimulatedMemory, Remembering, WINDOW, EXCEPTIONS>;

/// What makes two cards at rest the same: which of the parties it is, what it holds, and its session. The application
/// is always selected.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    /// Place among the parties.
    pub party: usize,
    /// What it holds.
    pub content: Content,
    /// The PIN has been verified.
    pub verified: bool,
    /// The purse whose certificate has been verified.
    pub peer: Option<PartyNumber>,
}

impl Identity {
    /// The same with no session.
    pub(super) fn without_session(&self) -> Self {
        Self { verified: false, peer: None, ..self.clone() }
    }

    /// Powers such a card up on its memory, and brings it into the same session.
    ///
    /// If it refuses the certificate that it took before, it has met nobody; [`Self::meets`] finds that.
    ///
    /// # Panics
    /// If it does not take its own PIN.
    pub(super) fn boot<const WINDOW: usize, const EXCEPTIONS: usize>(
        &self,
        memory: SimulatedMemory,
    ) -> Shipped<WINDOW, EXCEPTIONS> {
        let [blocked, _, terminated] = self.content.flags;
        let mut card = boot(memory, self.verified && !blocked && !terminated);
        self.meets(&mut card);
        card
    }

    /// Whether a card meets the purse that this one has met.
    pub(super) fn meets<const WINDOW: usize, const EXCEPTIONS: usize>(
        &self,
        card: &mut Shipped<WINDOW, EXCEPTIONS>,
    ) -> bool {
        self.peer.is_none_or(|peer| process(card, &Shown::of(peer).command()).1 == StatusWord::Success)
    }
}

/// The memory of one card of that identity: the first that was met, with its unstable cells.
#[derive(Clone, Debug)]
pub(super) struct Image(SimulatedMemory);

impl Image {
    /// Keeps a memory with its power off.
    pub(super) fn of(memory: &SimulatedMemory) -> Self {
        let mut memory = memory.clone();
        memory.power_off();
        Self(memory)
    }

    /// Such a memory with its power on; what is unstable reads as this chance wants it.
    pub(super) fn memory(&self, chance: u64) -> SimulatedMemory {
        let mut memory = self.0.clone();
        memory.reseed(chance);
        memory.power_on();
        memory
    }
}

/// Slots of a page: few, so that pages end all the time.
const SLOTS: usize = 5;

/// The smallest memory for such a card.
///
/// # Panics
/// Never: a page of five slots is enough for every window.
pub fn smallest<const WINDOW: usize, const EXCEPTIONS: usize>(unit: usize, atomic: bool) -> Geometry {
    let header = 40_usize.next_multiple_of(unit) + 2 * unit;
    let slot = 160_usize.next_multiple_of(unit) + if atomic { 0 } else { unit };
    let shape = Geometry { unit, page_size: header + SLOTS * slot, pages: 1, atomic };
    let pages = minimum_pages(shape, WINDOW, EXCEPTIONS).expect("a page holds slots");
    Geometry { pages, ..shape }
}

/// An answer: data, then the status word.
pub type Response = (Vec<u8>, StatusWord);

/// Sends a command; what can wait has not been done yet.
///
/// # Panics
/// On a status word that is none of the standard's.
pub fn process<const WINDOW: usize, const EXCEPTIONS: usize>(
    card: &mut Shipped<WINDOW, EXCEPTIONS>,
    command: &[u8],
) -> Response {
    let mut response = [0; LONGEST_RESPONSE];
    let length = card.process(command, &mut response);
    let (data, status) = response[..length].split_at(length - StatusWord::LENGTH);
    let code = u16::from_be_bytes(status.try_into().expect("two bytes"));
    (data.to_vec(), StatusWord::from_code(code).expect("a status word of the standard"))
}

/// Powers a card up, selects its application, and verifies its PIN if its session had that.
///
/// # Panics
/// If the card does not start or does not take its own PIN: it did when it was met first.
pub fn boot<const WINDOW: usize, const EXCEPTIONS: usize>(
    memory: SimulatedMemory,
    verified: bool,
) -> Shipped<WINDOW, EXCEPTIONS> {
    let started = Shipped::<WINDOW, EXCEPTIONS>::power_up(memory, Remembering);
    let mut card = started.map_err(|(_, error)| error).expect("a card at rest starts");
    select(&mut card);
    if verified {
        let (_, status) = process(&mut card, &Order::Verify(true).bytes());
        assert_eq!(status, StatusWord::Success, "a card takes its own PIN: {:?}", card.number());
        card.finish();
    }
    card
}

/// Selects the application; a blocked and a terminated card answer with a warning.
pub fn select<const WINDOW: usize, const EXCEPTIONS: usize>(card: &mut Shipped<WINDOW, EXCEPTIONS>) {
    let select = Command::Select(Selection::Application(&APPLICATION), false).emit();
    process(card, select.as_bytes());
}

/// A card that has just been personalised by STORE DATA.
///
/// # Panics
/// If a block is refused.
pub fn personalised<const WINDOW: usize, const EXCEPTIONS: usize>(
    geometry: Geometry,
    profile: &Profile,
) -> SimulatedMemory {
    let blank = SimulatedMemory::new(geometry, 1);
    let started = Shipped::<WINDOW, EXCEPTIONS>::power_up(blank, Remembering);
    let mut card = started.map_err(|(_, error)| error).expect("a blank memory is a blank card");
    select(&mut card);
    let blocks = profile.blocks();
    for (place, block) in blocks.iter().enumerate() {
        let number = u8::try_from(place).expect("few blocks");
        let command = Command::StoreData(place + 1 == blocks.len(), number, block).emit();
        let (_, status) = process(&mut card, command.as_bytes());
        assert_eq!(status, StatusWord::Success, "block {place}");
        card.finish();
    }
    card.into_memory()
}
