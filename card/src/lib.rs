//! The card application of the purse: one state machine for a holder's purse and a merchant's SAM, over ISO/IEC 7816
//! APDUs. No std, no alloc, no panic that input can reach.
//!
//! A command passes through `Request::parse` (the table), the gate (selection, life cycle), its handler, and the
//! store, whose one commit comes before the answer.
#![no_std]
#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

mod card;
mod files;
mod keys;
mod ledger;
pub mod memory;
mod payee;
mod payer;
mod peer;
mod personalisation;
mod pin;
mod script;
mod stack;
pub mod store;
pub mod transmission;

pub use card::Card;
pub use stack::wipe_stack;
pub use store::PowerUpError;
