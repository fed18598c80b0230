//! The standard of the purse: data elements, files, commands, states and authenticators.
//!
//! Everything here is modelled on EN 1546 (inter-sector electronic purse), ISO/IEC 7816-3 and 7816-4,
//! and NIST SP 800-38B and SP 800-108r1. It is the only place where the standard's numbers stand: the
//! card, the terminal, the documents and the tests read them from here. No std, no alloc.
#![no_std]
#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

#[cfg(test)]
#[macro_use]
extern crate std;

pub mod answer_to_reset;
pub mod certificate;
pub mod command;
pub mod cryptography;
pub mod curve;
pub mod data_element;
pub mod element;
pub mod file;
pub mod life_cycle;
pub mod message;
pub mod number;
pub mod parameter;
pub mod pay_details;
pub mod personalisation;
pub mod pin;
pub mod pocket;
pub mod process;
pub mod record;
#[cfg(feature = "software")]
pub mod software;
pub mod status;
pub mod status_block;
pub mod tag;
pub mod wire;
