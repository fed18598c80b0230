//! What the store knows of its log without reading it: where each record lies and what became of it.

use apdu_spec::element::{Kind, Sequence};
use apdu_spec::record::{RecordRole, RecordState};

use super::coding::{Brief, REFUNDED, REVERSED, RecordBrief, SETTLED, Single};

/// A slot of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Location {
    page: u16,
    slot: u16,
}

impl Location {
    #[expect(clippy::cast_possible_truncation, reason = "a layout has no more pages and no more slots")]
    pub(super) const fn new(page: usize, slot: usize) -> Self {
        Self { page: page as u16, slot: slot as u16 }
    }

    pub(super) fn page(self) -> usize {
        self.page.into()
    }

    pub(super) fn slot(self) -> usize {
        self.slot.into()
    }
}

/// What a record of the log is and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What the card did.
    pub role: RecordRole,
    /// What the transaction is.
    pub kind: Kind,
    /// What became of it.
    pub state: RecordState,
}

/// A record that is in the log.
#[derive(Clone, Copy, Debug)]
struct Place {
    location: Location,
    role: RecordRole,
    kind: Kind,
    flags: u8,
}

impl Place {
    fn new(record: &RecordBrief, location: Location) -> Self {
        Self { location, role: record.role, kind: record.kind, flags: record.flags }
    }

    /// Reversed, else refunded, else settled, else open; whoever did not pay is settled from the start (section 4).
    fn state(self) -> RecordState {
        match self.role {
            RecordRole::Payer if self.flags & REVERSED != 0 => RecordState::Reversed,
            RecordRole::Payer if self.flags & REFUNDED != 0 => RecordState::Refunded,
            RecordRole::Payer if self.flags & SETTLED == 0 => RecordState::Open,
            RecordRole::Payer | RecordRole::Payee | RecordRole::Declined | RecordRole::Reversal => {
                RecordState::Settled
            }
        }
    }

    /// Whether the log may not lose it (section 7, "Log window").
    fn is_open_exceptional(self) -> bool {
        is_exceptional(self.role, self.kind) && self.state() == RecordState::Open
    }

    fn is_settled_collection(self) -> bool {
        self.role == RecordRole::Payer && self.kind == Kind::Unload && self.state() == RecordState::Settled
    }
}

/// Whether an open record of this role and kind moves to EF.EXC.
pub(super) const fn is_exceptional(role: RecordRole, kind: Kind) -> bool {
    matches!(role, RecordRole::Payer) && matches!(kind, Kind::Transfer | Kind::Unload | Kind::Refund)
}

/// How a page is built anew, which decides what must be kept of its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Build {
    /// The head again, at its own position.
    Same,
    /// The next position, from the page that leaves.
    Next,
}

/// An image that no store has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Inconsistent;

/// The index. Records of the window are found by their sequence, exceptions are few.
#[derive(Debug)]
pub(super) struct Index<const WINDOW: usize, const EXCEPTIONS: usize> {
    /// Sequence of the card's first record.
    first: u32,
    /// The next record's sequence, as a number: one above the last possible one at the end.
    next: u32,
    window: [Option<Place>; WINDOW],
    /// Open exceptional records older than the window, oldest first, none at the end.
    exceptions: [Option<(Sequence, Place)>; EXCEPTIONS],
    open_exceptional: usize,
    last_settled_collection: Option<Sequence>,
    singles: [Option<Location>; Single::COUNT],
}

impl<const WINDOW: usize, const EXCEPTIONS: usize> Index<WINDOW, EXCEPTIONS> {
    /// Of a log whose first and next record have these sequences; to be filled by [`Self::replay`].
    pub(super) const fn new(first: Sequence, next: Sequence) -> Self {
        const { assert!(WINDOW > 0, "the newest record is the card's state") };
        Self {
            first: first.0,
            next: next.0,
            window: [None; WINDOW],
            exceptions: [None; EXCEPTIONS],
            open_exceptional: 0,
            last_settled_collection: None,
            singles: [None; Single::COUNT],
        }
    }

    pub(super) const fn next(&self) -> Sequence {
        Sequence(self.next)
    }

    pub(super) const fn open_exceptional(&self) -> usize {
        self.open_exceptional
    }

    pub(super) fn single(&self, single: Single) -> Option<Location> {
        self.singles.get(single as usize).copied().flatten()
    }

    fn in_window(&self, sequence: Sequence) -> bool {
        self.next.checked_sub(sequence.0).is_some_and(|age| age > 0 && age as usize <= WINDOW)
    }

    fn place_mut(&mut self, sequence: Sequence) -> Option<&mut Option<Place>> {
        self.window.get_mut(sequence.0 as usize % WINDOW)
    }

    fn find(&self, sequence: Sequence) -> Option<Place> {
        if self.in_window(sequence) {
            self.window.get(sequence.0 as usize % WINDOW).copied().flatten()
        } else {
            self.exceptions.iter().flatten().find(|(of, _)| *of == sequence).map(|(_, place)| *place)
        }
    }

    fn find_mut(&mut self, sequence: Sequence) -> Option<&mut Place> {
        if self.in_window(sequence) {
            self.place_mut(sequence)?.as_mut()
        } else {
            self.exceptions.iter_mut().flatten().find(|(of, _)| *of == sequence).map(|(_, place)| place)
        }
    }

    pub(super) fn standing(&self, sequence: Sequence) -> Option<Standing> {
        self.find(sequence).map(|place| Standing { role: place.role, kind: place.kind, state: place.state() })
    }

    pub(super) fn location(&self, sequence: Sequence) -> Option<Location> {
        self.find(sequence).map(|place| place.location)
    }

    /// The flags that a copy of this record carries from now on.
    pub(super) fn flags(&self, sequence: Sequence) -> Option<u8> {
        self.find(sequence).map(|place| place.flags)
    }

    pub(super) fn exceptions(&self) -> impl Iterator<Item = Sequence> + '_ {
        self.exceptions.iter().flatten().map(|(sequence, _)| *sequence)
    }

    /// Newest first.
    pub(super) fn window(&self) -> impl Iterator<Item = Sequence> + use<WINDOW, EXCEPTIONS> {
        let oldest = self.next.saturating_sub(u32::try_from(WINDOW).unwrap_or(u32::MAX)).max(self.first);
        (oldest..self.next).rev().map(Sequence)
    }

    pub(super) fn free_places(&self) -> usize {
        let after =
            self.last_settled_collection.map_or(self.first, |collection| collection.0.saturating_add(1));
        WINDOW.saturating_sub(self.next.saturating_sub(after) as usize)
    }

    /// Takes over an entry that has just been programmed.
    pub(super) fn append(&mut self, entry: &Brief, location: Location) -> Result<(), Inconsistent> {
        if let Brief::Record(record) = entry {
            self.next = record.sequence.0.checked_add(1).ok_or(Inconsistent)?;
            // Its place is that of the record which leaves the window.
            let leaving = self.place_mut(record.sequence).and_then(Option::take);
            if let Some(place) = leaving.filter(|place| place.is_open_exceptional()) {
                let age = u32::try_from(WINDOW).map_err(|_| Inconsistent)?;
                let sequence = record.sequence.0.checked_sub(age).ok_or(Inconsistent)?;
                self.insert_exception(Sequence(sequence), place)?;
            }
        }
        self.replay(entry, location)
    }

    /// Takes over an entry that has been found in memory, in the order of positions and slots.
    ///
    /// A copy of a record carries what was known of it when it was copied, and marks and reversals are behind the
    /// copies that do not know of them: so this order gives the right states, and never more open exceptional
    /// records at once than there have been.
    pub(super) fn replay(&mut self, entry: &Brief, location: Location) -> Result<(), Inconsistent> {
        match entry {
            Brief::Single(single) => {
                if let Some(place) = self.singles.get_mut(*single as usize) {
                    *place = Some(location);
                }
            }
            Brief::Mark(sequence) => self.close(*sequence, SETTLED),
            Brief::Record(record) => {
                let place = Place::new(record, location);
                self.insert(record.sequence, place)?;
                match (record.role, record.kind, record.reference) {
                    (RecordRole::Reversal, _, Some(debit)) => self.close(debit, REVERSED),
                    (RecordRole::Payee, Kind::Refund, Some(purchase)) => self.close(purchase, REFUNDED),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn insert(&mut self, sequence: Sequence, place: Place) -> Result<(), Inconsistent> {
        if self.in_window(sequence) {
            let free = self.place_mut(sequence).filter(|free| free.is_none()).ok_or(Inconsistent)?;
            *free = Some(place);
        } else if place.is_open_exceptional() {
            self.insert_exception(sequence, place)?;
        } else {
            return Ok(());
        }
        self.open_exceptional =
            self.open_exceptional.saturating_add(usize::from(place.is_open_exceptional()));
        if place.is_settled_collection() {
            self.last_settled_collection = self.last_settled_collection.max(Some(sequence));
        }
        Ok(())
    }

    fn insert_exception(&mut self, sequence: Sequence, place: Place) -> Result<(), Inconsistent> {
        if self.exceptions().any(|other| other == sequence) {
            return Err(Inconsistent);
        }
        let free = self.exceptions.iter_mut().find(|free| free.is_none()).ok_or(Inconsistent)?;
        *free = Some((sequence, place));
        self.sort_exceptions();
        Ok(())
    }

    fn sort_exceptions(&mut self) {
        self.exceptions
            .sort_unstable_by_key(|exception| exception.map_or(Sequence::NONE, |(sequence, _)| sequence));
    }

    /// What became of a payment. Records that are gone need it no more.
    fn close(&mut self, sequence: Sequence, flag: u8) {
        let in_window = self.in_window(sequence);
        let Some(place) = self.find_mut(sequence) else { return };
        let was_open = place.is_open_exceptional();
        place.flags |= flag;
        let place = *place;
        if was_open && !place.is_open_exceptional() {
            self.open_exceptional = self.open_exceptional.saturating_sub(1);
            if !in_window {
                let gone = self
                    .exceptions
                    .iter_mut()
                    .find(|exception| exception.is_some_and(|(of, _)| of == sequence));
                if let Some(gone) = gone {
                    *gone = None;
                }
                self.sort_exceptions();
            }
        }
        if place.is_settled_collection() {
            self.last_settled_collection = self.last_settled_collection.max(Some(sequence));
        }
    }

    /// Whether every record that should be there has been replayed.
    pub(super) fn is_complete(&self) -> bool {
        self.window().all(|sequence| self.find(sequence).is_some())
    }

    /// Whether an entry must live on when its page is built anew.
    ///
    /// A mark, and a reversal that has left the window, matter as long as a copy of their record lies in the log
    /// that does not know of them. Such a copy is never at a later position than they are. So they are nothing any
    /// more where they lie in the oldest page: that copy is in the same page, and either gets its flags now or goes.
    /// Where the head is built again, it may be in an older page.
    pub(super) fn keeps(&self, entry: &Brief, location: Location, build: Build) -> bool {
        match entry {
            Brief::Single(single) => self.single(*single) == Some(location),
            Brief::Mark(sequence) => {
                build == Build::Same
                    && self.location(*sequence).is_none_or(|copy| copy.page() != location.page())
            }
            Brief::Record(record) => {
                self.location(record.sequence) == Some(location)
                    || build == Build::Same && record.role == RecordRole::Reversal
            }
        }
    }

    /// Takes over where a copy of an entry lies now.
    pub(super) fn relocate(&mut self, entry: &Brief, location: Location) {
        match entry {
            Brief::Single(single) => {
                if let Some(place) = self.singles.get_mut(*single as usize) {
                    *place = Some(location);
                }
            }
            Brief::Mark(_) => {}
            Brief::Record(record) => {
                if let Some(place) = self.find_mut(record.sequence) {
                    place.location = location;
                }
            }
        }
    }
}
