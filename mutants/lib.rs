//! The tests of the card, its store and the standard once more, as one crate with nothing of the terminal below it but
//! its simulated memory: a changed line in `card` is built, linked and tested in two or three seconds. See
//! `.cargo/mutants.toml`. These files live in `tests`, where `cargo test` runs them and every lint holds.
#![cfg(test)]
#![allow(
    clippy::all,
    clippy::pedantic,
    dead_code,
    unreachable_pub,
    reason = "clippy only sees that it builds: a card's test must use nothing else of the terminal"
)]

// What the files below know as the crates `purse_terminal` and `purse_tests` is here.
extern crate self as purse_terminal;
extern crate self as purse_tests;

#[path = "../terminal/src/simulated_memory/mod.rs"]
pub mod simulated_memory;

#[path = "../tests/src/bench_card.rs"]
pub mod bench_card;
#[path = "../tests/src/rows.rs"]
pub mod rows;
#[path = "../tests/src/scheme.rs"]
pub mod scheme;
#[path = "../tests/src/stage.rs"]
pub mod stage;
#[path = "../tests/src/steps.rs"]
pub mod steps;
#[path = "../tests/src/store_data.rs"]
pub mod store_data;

mod quick;

#[cfg(feature = "thorough")]
mod thorough;
