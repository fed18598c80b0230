//! Keys, session keys and PINs: where they are, and that they are nowhere else.

#[path = "../cli/support/mod.rs"]
mod cli_support;
mod memory;
mod output;
mod responses;
mod timing;

/// A card in a process of its own.
const POWERED_CARD: &str = env!("CARGO_BIN_EXE_powered-card");
