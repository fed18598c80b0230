//! Cards in readers: which reader, what is in it, and the way to its card through the system's PC/SC service.
//!
//! The service, its driver or a card can hang, so every call into it is made by a thread that can be given up. What is
//! given up ends by itself when its call comes back, or with the process.

pub mod answer_to_reset;
pub mod choice;
pub mod procedure;

#[cfg(feature = "pcsc")]
mod connection;
#[cfg(feature = "pcsc")]
mod errors;
#[cfg(feature = "pcsc")]
mod in_reader;
#[cfg(feature = "pcsc")]
mod service;
#[cfg(feature = "pcsc")]
mod worker;

#[cfg(feature = "pcsc")]
pub use in_reader::{Connect, InReader, Sharing};
#[cfg(feature = "pcsc")]
pub use service::{ANSWER_LIMIT, Service, Waiting};

/// What stands in a slot of a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Occupancy {
    /// Nothing.
    Empty,
    /// A card that has answered its reset.
    Card {
        /// Its answer to reset.
        answer_to_reset: Vec<u8>,
        /// Who has it.
        holder: Holder,
    },
    /// A card that does not answer its reset: none of ours, or the wrong way round.
    Mute,
    /// The reader itself is gone or does not answer.
    Unavailable,
}

/// Who has a card. The service does not tell which program it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Nobody.
    Nobody,
    /// Other programs, which share it.
    Shared,
    /// Another program, which shares it with nobody.
    Exclusive,
}

/// A reader; one with several slots is several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// As the service calls it.
    pub name: String,
    /// What is in it.
    pub occupancy: Occupancy,
}

impl Reader {
    /// Whether a card is in it that this program can have.
    pub const fn has_free_card(&self) -> bool {
        matches!(self.occupancy, Occupancy::Card { holder: Holder::Nobody | Holder::Shared, .. })
    }
}
