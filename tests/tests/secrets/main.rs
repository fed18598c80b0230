//! Keys, session keys and PINs: where they are, and that they are nowhere else.

#[path = "../cli/support/mod.rs"]
mod cli_support;
mod memory;
mod output;
mod responses;
mod timing;
