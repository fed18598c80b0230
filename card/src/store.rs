//! The card's store (section 9): one log in non-volatile memory, one commit point.
//!
//! Everything that the card must not forget is an entry of a log that goes round a few pages; see the module `page`
//! for their layout. An entry is committed when its program has ended. Its seal follows after the response, and room
//! for the next one is made then too, so that a payment programs one entry and erases nothing. What a payment asks
//! for is kept at hand in RAM; reading memory is for power-up, for a record's text and for making room.
//!
//! What this store does beyond section 9:
//! - A page has a *retire* unit, programmed before the page is erased. Without it a head whose header is damaged
//!   looks like a spare page whose erase was cut, and the card would go back to an older state.
//! - A copy of a record carries all that is known of it (settled, reversed, refunded), so that marks and old
//!   reversals need never be carried to the next position.

mod coding;
mod entry;
mod index;
mod page;
mod power_up;
mod room;

use apdu_spec::certificate::Certificate;
use apdu_spec::cryptography::Chain;
use apdu_spec::element::{DataError, Sequence};
use apdu_spec::personalisation::KeyPair;
use apdu_spec::pocket::POCKETS;
use apdu_spec::record::RecordRole;
use zeroize::Zeroize;

use coding::{Brief, CONTENT, Content, Single, decode_certificate, encode_certificate, is_secret};
use index::{Index, Location, is_exceptional};
use page::{FEWEST_SLOTS, Header, Layout, MOST_INITIAL, Pages};

use crate::memory::{Geometry, Memory, MemoryFailure};

pub use entry::{
    Administration, Entry, Identity, Masters, Parameters, Pin, PocketState, Record, TransferKey,
};
pub use index::Standing;
pub use power_up::PowerUpError;

/// The page to which entries are appended.
#[derive(Clone, Copy, Debug)]
struct Head {
    page: usize,
    position: u64,
    write_number: u64,
    /// Entries in it; the next one goes into this slot.
    used: usize,
}

impl Head {
    const fn next_position(&self) -> u64 {
        self.position.saturating_add(1)
    }
}

/// The card's state after its newest record, or as it was personalised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Every pocket.
    pub pockets: [PocketState; POCKETS],
    /// The last credited load, [`Sequence::NONE`] before the first.
    pub last_load: Sequence,
    /// Highest script of the log.
    pub administration: Administration,
    /// H of a merchant SAM.
    pub chain: Chain,
}

impl State {
    fn initial(identity: &Identity) -> Self {
        Self {
            pockets: identity.balances.map(|balance| PocketState { balance, ..PocketState::default() }),
            last_load: Sequence::NONE,
            ..Self::default()
        }
    }

    fn after(record: &Record) -> Self {
        let Record { pockets, last_load, administration, chain, .. } = *record;
        Self { pockets, last_load, administration, chain }
    }
}

/// Pages that a log needs, so that room can always be made; none where a page is too small or the geometry is not
/// one that [`Geometry`] allows.
///
/// All that must be kept at once is the window, the exceptions, and one identity, parameter and PIN entry, with the
/// masters of a SAM or the two entries of a purse's key pair; the live pages need one slot more, and one page is spare. Marks and old reversals need no slots of their own: they
/// are never carried to the next position. With many more pages than this each one is erased the less often, because
/// little of it must be kept when it leaves.
pub const fn minimum_pages(geometry: Geometry, window: usize, exceptions: usize) -> Option<usize> {
    match Layout::of(geometry) {
        Some(layout) => {
            // No key pair fits where a page has fewer slots.
            let singles = if layout.slots < MOST_INITIAL { FEWEST_SLOTS } else { Single::MOST };
            let kept = window.saturating_add(exceptions).saturating_add(singles);
            Some((kept / layout.slots).saturating_add(2))
        }
        None => None,
    }
}

/// The store: `WINDOW` records in EF.LOG, `EXCEPTIONS` places in EF.EXC (section 4).
#[derive(Debug)]
pub struct Store<M, const WINDOW: usize, const EXCEPTIONS: usize> {
    pages: Pages<M>,
    /// None on a blank card.
    head: Option<Head>,
    /// The newest entry has no seal yet.
    unsealed: bool,
    /// A write has failed: what memory holds is not known any more.
    stopped: bool,
    index: Index<WINDOW, EXCEPTIONS>,
    identity: Option<Identity>,
    parameters: Option<Parameters>,
    masters: Option<Masters>,
    pin: Option<Pin>,
    state: State,
}

impl<M: Memory, const WINDOW: usize, const EXCEPTIONS: usize> Store<M, WINDOW, EXCEPTIONS> {
    /// Whether the card has not been personalised.
    pub const fn is_blank(&self) -> bool {
        self.head.is_none()
    }

    /// What personalisation gave the card; none while blank.
    pub const fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// The newest parameters; none while blank.
    pub const fn parameters(&self) -> Option<&Parameters> {
        self.parameters.as_ref()
    }

    /// The newest masters; none while blank and on a purse.
    pub const fn masters(&self) -> Option<&Masters> {
        self.masters.as_ref()
    }

    /// The newest PIN entry; none while blank.
    pub const fn pin(&self) -> Option<&Pin> {
        self.pin.as_ref()
    }

    /// The card's private key and its issuer's public one, read anew each time; none where it has no key pair.
    ///
    /// # Errors
    /// [`MemoryFailure::Unreadable`] if it has become so since power-up.
    pub fn transfer_key(&self) -> Result<Option<TransferKey>, MemoryFailure> {
        self.read_single(Single::PrivateKey, TransferKey::decode)
    }

    /// The certificate of the card's key, read anew each time; none where it has no key pair.
    ///
    /// # Errors
    /// [`MemoryFailure::Unreadable`] if it has become so since power-up.
    pub fn certificate(&self) -> Result<Option<Certificate>, MemoryFailure> {
        self.read_single(Single::Certificate, decode_certificate)
    }

    fn read_single<T>(
        &self,
        single: Single,
        decode: impl FnOnce(&Content) -> Result<T, DataError>,
    ) -> Result<Option<T>, MemoryFailure> {
        let Some(location) = self.index.single(single) else { return Ok(None) };
        let mut content = [0; CONTENT];
        let read = Self::read_at(&self.pages, location, &mut content);
        let decoded = read.and_then(|()| decode(&content).map_err(|_| MemoryFailure::Unreadable));
        content.zeroize();
        decoded.map(Some)
    }

    /// Sequence of the next record; [`Sequence::NONE`] when none is left.
    pub const fn next_sequence(&self) -> Sequence {
        self.index.next()
    }

    /// The state after the newest record.
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// What a record of the log, exceptions included, is and what became of it; none if the log has it no more or
    /// not yet.
    pub fn standing(&self, sequence: Sequence) -> Option<Standing> {
        self.index.standing(sequence)
    }

    /// A record of the log, exceptions included; none if the log has it no more or not yet.
    ///
    /// # Errors
    /// [`MemoryFailure::Unreadable`] if it has become so since power-up.
    pub fn record(&self, sequence: Sequence) -> Result<Option<Record>, MemoryFailure> {
        let (Some(location), Some(flags)) = (self.index.location(sequence), self.index.flags(sequence))
        else {
            return Ok(None);
        };
        let mut content = [0; CONTENT];
        Self::read_at(&self.pages, location, &mut content)?;
        let record = Record::decode(&content).map_err(|_| MemoryFailure::Unreadable)?;
        if record.sequence != sequence {
            return Err(MemoryFailure::Unreadable);
        }
        Ok(Some(Record { settled: flags & coding::SETTLED != 0, ..record }))
    }

    /// Open transfers, unloads and refunds older than the window, oldest first: EF.EXC.
    pub fn exceptions(&self) -> impl Iterator<Item = Sequence> + '_ {
        self.index.exceptions()
    }

    /// Open transfers, unloads and refunds in the window and older.
    pub const fn open_exceptional(&self) -> usize {
        self.index.open_exceptional()
    }

    /// Places of the window that no record after the last settled collection takes (section 7, "Log window").
    pub fn free_places(&self) -> usize {
        self.index.free_places()
    }

    /// Sequences of the window, newest first: EF.LOG.
    pub fn window_sequences(&self) -> impl Iterator<Item = Sequence> + use<M, WINDOW, EXCEPTIONS> {
        self.index.window()
    }

    /// The highest script counter of log, parameters, masters and PIN, with its MAC.
    pub fn administration(&self) -> Administration {
        let parameters = self.parameters.as_ref().map(|parameters| parameters.administration);
        let masters = self.masters.as_ref().map(|masters| masters.administration);
        let pin = self.pin.as_ref().map(|pin| pin.administration);
        [parameters, masters, pin]
            .into_iter()
            .flatten()
            .fold(self.state.administration, Administration::highest)
    }

    /// Rises with each page that is built.
    pub(crate) fn builds(&self) -> u64 {
        self.head.map_or(0, |head| head.write_number)
    }

    /// The memory.
    pub const fn memory(&self) -> &M {
        &self.pages.memory
    }

    /// The memory, to arm a fault or take its power. Whoever writes to it must power the store up again.
    pub const fn memory_mut(&mut self) -> &mut M {
        &mut self.pages.memory
    }

    /// Gives the memory back.
    pub fn into_memory(self) -> M {
        self.pages.memory
    }

    /// Makes a blank card a card, all or nothing: the entries are one page, which counts from its commit on.
    ///
    /// # Errors
    /// [`MemoryFailure::Refused`] if the card is not blank, is to have masters and a key pair both, or a key pair on
    /// pages of four slots; otherwise the memory's.
    pub fn personalise(
        &mut self,
        identity: &Identity,
        parameters: &Parameters,
        masters: Option<&Masters>,
        pin: &Pin,
        key_pair: Option<&KeyPair>,
    ) -> Result<(), MemoryFailure> {
        self.guard(|store| {
            if !store.is_blank() || masters.is_some() && key_pair.is_some() {
                return Err(MemoryFailure::Refused);
            }
            let mut contents: [Option<Content>; MOST_INITIAL] = [
                Some(identity.encode()),
                Some(parameters.encode()),
                masters.map(Masters::encode),
                Some(pin.encode()),
                None,
            ];
            if let ([_, _, third, _, fifth], Some(pair)) = (&mut contents, key_pair) {
                let key = TransferKey { private_key: pair.private_key.clone(), issuer_key: pair.issuer_key };
                *third = Some(key.encode());
                *fifth = Some(encode_certificate(&pair.certificate));
            }
            let built = store.build_first(&contents, identity.first_sequence);
            for content in contents.iter_mut().flatten() {
                content.zeroize();
            }
            built?;
            store.identity = Some(identity.clone());
            store.parameters = Some(*parameters);
            // A purse keeps the empty place that it has: another one would bring along what was on the stack.
            if let Some(masters) = masters {
                store.masters = Some(masters.clone());
            }
            store.pin = Some(pin.clone());
            store.state = State::initial(identity);
            store.make_room()
        })
    }

    /// Appends an entry: when this returns, it is committed. What [`Self::finish`] left to do is done first; after
    /// it, this is one program of the memory and nothing else.
    ///
    /// # Errors
    /// [`MemoryFailure::Refused`] if the entry does not belong here, and nothing has changed. After any other
    /// failure the entry may have been committed or not, the store answers as before it, and writes no more.
    pub fn commit(&mut self, entry: Entry) -> Result<(), MemoryFailure> {
        self.guard(|store| {
            store.admit(&entry)?;
            store.complete()?;
            let Some(Head { page, write_number, used, .. }) = store.head else {
                return Err(MemoryFailure::Refused);
            };
            let mut content = entry.encode();
            let programmed = store.pages.program(page, used, write_number, &content);
            if is_secret(&content) {
                content.zeroize();
            }
            programmed?;
            store
                .index
                .append(&entry.brief(), Location::new(page, used))
                .map_err(|_| MemoryFailure::Range)?;
            store.head = store.head.map(|head| Head { used: used.saturating_add(1), ..head });
            store.unsealed = !store.pages.layout.atomic;
            match entry {
                Entry::Record(record) => store.state = State::after(&record),
                Entry::Mark(_) => {}
                Entry::Pin(pin) => store.pin = Some(pin),
                Entry::Parameters(parameters) => store.parameters = Some(parameters),
                Entry::Masters(masters) => store.masters = Some(masters),
            }
            Ok(())
        })
    }

    /// What can wait until the response is out: the seal of the newest entry, and room for the next one. Nothing if
    /// both are there.
    ///
    /// # Errors
    /// The memory's. What has been committed stays so.
    pub fn finish(&mut self) -> Result<(), MemoryFailure> {
        self.guard(Self::complete)
    }

    fn complete(&mut self) -> Result<(), MemoryFailure> {
        if let Some(head) = self.head.filter(|_| self.unsealed) {
            self.pages.seal(head.page, head.used.saturating_sub(1))?;
            self.unsealed = false;
        }
        self.make_room()
    }

    /// Stops the store for good at the first failure.
    fn guard(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<(), MemoryFailure>,
    ) -> Result<(), MemoryFailure> {
        if self.stopped {
            return Err(MemoryFailure::Stopped);
        }
        let written = write(self);
        self.stopped = !matches!(written, Ok(()) | Err(MemoryFailure::Refused));
        written
    }

    /// Whether an entry belongs into this log.
    fn admit(&self, entry: &Entry) -> Result<(), MemoryFailure> {
        let belongs = !self.is_blank()
            && match entry {
                Entry::Record(record) => {
                    let exceptional = is_exceptional(record.role, record.pay_details.kind);
                    record.sequence == self.next_sequence()
                        && record.sequence <= Sequence::LAST
                        && !record.settled
                        && !(exceptional && self.open_exceptional() >= EXCEPTIONS)
                }
                Entry::Mark(sequence) => {
                    self.standing(*sequence).is_some_and(|standing| standing.role == RecordRole::Payer)
                }
                Entry::Pin(_) | Entry::Parameters(_) | Entry::Masters(_) => true,
            };
        if belongs { Ok(()) } else { Err(MemoryFailure::Refused) }
    }

    /// Builds the first page, of the entries of personalisation.
    fn build_first(&mut self, contents: &[Option<Content>], first: Sequence) -> Result<(), MemoryFailure> {
        let page = 0;
        let header = Header {
            form: Self::FORM,
            initial: contents.iter().flatten().count(),
            position: 0,
            write_number: 1,
        };
        let slots = self.pages.layout.slots;
        if header.initial > slots {
            return Err(MemoryFailure::Refused);
        }
        self.pages.open(page, &header)?;
        for (slot, content) in (0..slots).zip(contents.iter().flatten()) {
            self.pages.program(page, slot, header.write_number, content)?;
        }
        self.pages.commit(page)?;
        self.index = Index::new(first, first);
        for (slot, content) in (0..slots).zip(contents.iter().flatten()) {
            let brief = Brief::of(content).map_err(|_| MemoryFailure::Range)?;
            self.index.replay(&brief, Location::new(page, slot)).map_err(|_| MemoryFailure::Range)?;
        }
        self.head = Some(Head { page, position: 0, write_number: header.write_number, used: header.initial });
        Ok(())
    }

    /// Pages that are the log; one more is spare.
    const fn live_pages(&self) -> u64 {
        self.pages.layout.live_pages()
    }
}
