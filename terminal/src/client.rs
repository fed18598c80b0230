//! Typed commands to a card, and what can go wrong with them. Nothing that a card answers is trusted further than it
//! must be, and nothing that it can answer makes the terminal panic or wait for ever.

mod card;
pub(crate) mod control;
mod error;
mod journal;
mod personalise;
mod phase;

pub use card::Client;
pub use error::{CardError, Failure};
pub(crate) use journal::MOST_ENTRIES;
pub use journal::OpenRecords;
