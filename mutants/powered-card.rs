//! `powered-card` of the tests, over the changed card.
#![allow(
    clippy::pedantic,
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "what a card's tests share, of which this program needs a part"
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

#[path = "../tests/src/bin/powered-card.rs"]
mod powered_card;

fn main() -> std::io::Result<()> {
    powered_card::main()
}
