//! Takes an input apart.

use purse_terminal::simulated_memory::{Cut, Flight};

/// What is left of an input. Behind its end everything reads zero.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.slice(1).first().copied().unwrap_or(0)
    }

    pub(super) fn number(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// As many bytes as there are, at most so many.
    pub(super) fn slice(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    pub(super) const fn rest(self) -> &'a [u8] {
        self.0
    }

    /// One of a list.
    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::from(self.byte()) % from.len()]
    }

    /// Something right with a few bytes taken out or put in.
    pub(super) fn edited(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        for _ in 0..8 {
            if self.is_empty() {
                break;
            }
            let place = usize::from(self.number()) % bytes.len().max(1);
            let form = self.byte();
            let removed = usize::from(form & 3);
            let inserted = self.slice(usize::from(form >> 2 & 15));
            let end = (place + removed).min(bytes.len());
            bytes.splice(place..end, inserted.iter().copied());
        }
        bytes
    }

    /// A loss of power within one of the next operations of a memory.
    pub(super) fn cut(&mut self) -> Cut {
        Cut {
            operation: u64::from(self.byte() % 24),
            units: usize::from(self.byte() % 32),
            flight: self.pick(&Flight::ALL),
        }
    }
}
