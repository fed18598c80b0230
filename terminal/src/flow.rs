//! One process of section 7 a file, each a fixed order of APDUs. Whatever is interrupted, wherever, is finished by
//! [`recovery`], which needs nothing but the cards and the issuer: no flow keeps a state of its own.

#![allow(clippy::similar_names, reason = "payer and payee are the standard's words")]

pub mod collection;
mod desk;
mod error;
pub mod exchange;
mod guard;
mod handover;
pub mod history;
pub mod letter;
pub mod load;
mod payees;
pub mod purchase;
pub mod recovery;
pub mod refund;
pub mod relay;
pub mod resolve;
pub mod scripts;
pub mod settlement;
pub mod transfer;
pub mod unload;

pub use desk::IssuerDesk;
pub use error::{FlowError, Party};
pub use guard::is_expired;
