//! The standard, executed.
//!
//! `apdu-spec/processes` writes each command of the card, and each process across parties, in a language like BASIC.
//! Here that text is parsed, checked, and run: [`card::ReferenceCard`] answers APDUs by it.

pub mod card;
pub mod check;
pub mod compile;
pub mod language;
pub mod machine;
pub mod memory;
pub mod process;
pub mod program;
pub mod session;
pub mod standard;
pub mod value;
