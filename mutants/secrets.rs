//! Those that look for keys and PIN in the memory of another process, and measure the stack that is overwritten. Only they
//! notice what is not wiped.
#![allow(
    clippy::pedantic,
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "what a card's tests share, of which these need a part"
)]

// What the files below know as the crates `purse_terminal` and `purse_tests` is here.
extern crate self as purse_terminal;
extern crate self as purse_tests;

#[path = "../terminal/src/simulated_memory/mod.rs"]
pub mod simulated_memory;

#[path = "../tests/src/bench_card.rs"]
pub mod bench_card;
#[path = "../tests/src/scheme.rs"]
pub mod scheme;
#[path = "../tests/src/steps.rs"]
pub mod steps;

/// The program of `powered-card.rs`.
const POWERED_CARD: &str = env!("CARGO_BIN_EXE_powered-changed-card");

#[path = "../tests/tests/secrets/memory.rs"]
mod memory;
#[path = "../tests/tests/card/stack.rs"]
mod stack;
