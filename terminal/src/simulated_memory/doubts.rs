//! What a cut has left in doubt: units that read otherwise at each power-up, or not at all.

use super::Flight;

/// A unit in doubt: where it is and what the cut made of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doubt {
    /// The unit, counted over the whole memory.
    pub(super) unit: usize,
    pub(super) flight: Flight,
    /// Its place in the interrupted operation.
    pub(super) place: usize,
}

impl Doubt {
    /// Whether it reads as it likes.
    pub(super) const fn is_unstable(&self) -> bool {
        matches!(self.flight, Flight::Unstable | Flight::AllUnstable)
    }
}

/// All of them in the order of their units, and for each what it was and what it should have become. They are copied
/// with their memory millions of times, so the bytes lie in one piece.
#[derive(Clone, Debug)]
pub(super) struct Doubts {
    /// Bytes of a unit.
    length: usize,
    list: Vec<Doubt>,
    bytes: Vec<u8>,
}

impl Doubts {
    pub(super) const fn new(length: usize) -> Self {
        Self { length, list: Vec::new(), bytes: Vec::new() }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Each with its old and its new bytes.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Doubt, &[u8], &[u8])> {
        self.list.iter().zip(self.bytes.chunks_exact(2 * self.length)).map(|(doubt, bytes)| {
            let (old, new) = bytes.split_at(self.length);
            (doubt, old, new)
        })
    }

    /// How many come before a unit.
    fn before(&self, unit: usize) -> usize {
        self.list.partition_point(|doubt| doubt.unit < unit)
    }

    /// Whether any unit from one up to, and without, another one cannot be read.
    pub(super) fn is_unreadable(&self, from: usize, to: usize) -> bool {
        let mut of_range = self.list[self.before(from)..].iter().take_while(|doubt| doubt.unit < to);
        of_range.any(|doubt| doubt.flight == Flight::Unreadable)
    }

    /// A unit is in doubt from now on, whatever it was before.
    pub(super) fn insert(&mut self, doubt: Doubt, old: &[u8], new: &[u8]) {
        self.remove(doubt.unit, doubt.unit + 1);
        let place = self.before(doubt.unit);
        self.list.insert(place, doubt);
        let at = place * 2 * self.length;
        self.bytes.splice(at..at, old.iter().chain(new).copied());
    }

    /// No unit from one up to, and without, another one is in doubt any more.
    pub(super) fn remove(&mut self, from: usize, to: usize) {
        let (from, to) = (self.before(from), self.before(to));
        if from < to {
            self.bytes.drain(from * 2 * self.length..to * 2 * self.length);
            self.list.drain(from..to);
        }
    }
}
