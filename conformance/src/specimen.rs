//! The shipping card on the bench, in the sizes of this crate, and the abstract memory of what it holds.

use std::fmt;

use apdu_spec::command::apdu::LONGEST_RESPONSE;
use apdu_spec::personalisation::KeyPair;
use purse_card::Card;
use purse_card::memory::Geometry;
use purse_card::store::{Identity, Masters, Parameters, Pin, Store, minimum_pages};
use purse_reference::memory::{Memory, Sizes};
use purse_terminal::simulated_memory::{Cut, SimulatedMemory};

use crate::content;
use crate::curve::Remembering;

/// A card with its power on, of whatever size.
pub trait Specimen: fmt::Debug + Send {
    /// Answers a command; what can wait has not been done yet.
    fn process(&mut self, command: &[u8]) -> Vec<u8>;
    /// Does what can wait.
    fn finish(&mut self);
    /// Its memory.
    fn memory(&self) -> &SimulatedMemory;
    /// Lets the power fail later.
    fn cut(&mut self, cut: Cut);
    /// A warm reset.
    fn reset(&mut self);
    /// Its memory, without power.
    fn into_memory(self: Box<Self>) -> SimulatedMemory;
}

impl<const WINDOW: usize, const EXCEPTIONS: usize> Specimen
    for Card<SimulatedMemory, Remembering, WINDOW, EXCEPTIONS>
{
    fn process(&mut self, command: &[u8]) -> Vec<u8> {
        let mut response = [0; LONGEST_RESPONSE];
        let length = Self::process(self, command, &mut response);
        response[..length].to_vec()
    }

    fn finish(&mut self) {
        Self::finish(self);
    }

    fn memory(&self) -> &SimulatedMemory {
        Self::memory(self)
    }

    fn cut(&mut self, cut: Cut) {
        self.memory_mut().cut(cut);
    }

    fn reset(&mut self) {
        Self::reset(self);
    }

    fn into_memory(self: Box<Self>) -> SimulatedMemory {
        let mut memory = Self::into_memory(*self);
        memory.power_off();
        memory
    }
}

/// Window and exceptions of a card here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// 4 records, 2 exceptions.
    Four,
    /// 6 records, 3 exceptions.
    Six,
    /// 8 records, 2 exceptions.
    Eight,
    /// 12 records, 2 exceptions: the smallest whose reserve is more than the least.
    Twelve,
    /// 260 records, 260 exceptions: more than a file's control information can say.
    Many,
}

/// Runs an expression with the constants of a shape.
macro_rules! with_shape {
    ($shape:expr, $window:ident, $exceptions:ident, $body:expr) => {
        match $shape {
            Shape::Four => {
                const $window: usize = 4;
                const $exceptions: usize = 2;
                $body
            }
            Shape::Six => {
                const $window: usize = 6;
                const $exceptions: usize = 3;
                $body
            }
            Shape::Eight => {
                const $window: usize = 8;
                const $exceptions: usize = 2;
                $body
            }
            Shape::Twelve => {
                const $window: usize = 12;
                const $exceptions: usize = 2;
                $body
            }
            Shape::Many => {
                const $window: usize = 260;
                const $exceptions: usize = 260;
                $body
            }
        }
    };
}

impl Shape {
    /// As the reference card has it.
    pub fn sizes(self) -> Sizes {
        let number = |size: usize| u32::try_from(size).unwrap_or(u32::MAX);
        with_shape!(self, W, X, Sizes { window: number(W), exceptions: number(X) })
    }

    /// A blank memory of pages so small that room has to be made again and again.
    ///
    /// # Panics
    /// Never: a page of six slots is enough.
    pub fn memory(self) -> SimulatedMemory {
        let shape = Geometry { unit: 8, page_size: 1072, pages: 0, atomic: false };
        let pages = with_shape!(self, W, X, minimum_pages(shape, W, X)).expect("a page holds slots");
        SimulatedMemory::new(Geometry { pages, ..shape }, 1)
    }

    /// Powers a card up on this memory.
    ///
    /// # Errors
    /// It does not start.
    pub fn boot(self, mut memory: SimulatedMemory) -> Result<Box<dyn Specimen>, String> {
        memory.power_on();
        with_shape!(self, W, X, {
            let card = Card::<_, _, W, X>::power_up(memory, Remembering);
            card.map(|card| Box::new(card) as Box<dyn Specimen>)
                .map_err(|(_, error)| format!("the card does not start: {error:?}"))
        })
    }

    /// The abstract memory of what a memory holds, and that memory after its power-up.
    ///
    /// # Errors
    /// The store does not start on it.
    pub fn content(self, mut memory: SimulatedMemory) -> Result<(Memory, SimulatedMemory), String> {
        memory.power_on();
        with_shape!(self, W, X, {
            let store = Store::<_, W, X>::power_up(memory)
                .map_err(|(_, error)| format!("the store does not start: {error:?}"))?;
            let found = content::of(&store, self.sizes());
            Ok((found, store.into_memory()))
        })
    }

    /// A memory that a store has been personalised on.
    ///
    /// # Panics
    /// If a blank memory is none.
    pub fn personalised(self, (identity, parameters, masters, pin, key_pair): &Parts) -> SimulatedMemory {
        with_shape!(self, W, X, {
            let store = Store::<_, W, X>::power_up(self.memory());
            let mut store = store.map_err(|(_, error)| error).expect("the memory is sound");
            store
                .personalise(identity, parameters, masters.as_ref(), pin, key_pair.as_ref())
                .expect("the card is blank");
            store.into_memory()
        })
    }
}

/// What a store is personalised with.
pub type Parts = (Identity, Parameters, Option<Masters>, Pin, Option<KeyPair>);
