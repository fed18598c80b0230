//! The table of what a run has come to.

use serde::Serialize;

use crate::property::Violation;

/// A property, or what another program has counted.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    pub(super) property: String,
    pub(super) looked_at: u64,
    pub(super) violations: u64,
}

/// One scope.
#[derive(Debug, Serialize)]
pub(super) struct ScopeLine {
    pub(super) scope: &'static str,
    pub(super) states: u64,
    pub(super) expanded: u64,
    pub(super) level: u32,
    pub(super) complete_level: u32,
    pub(super) complete_states: u64,
    pub(super) cards: u64,
    pub(super) books: u64,
    pub(super) commands: u64,
    pub(super) power_ups: u64,
    pub(super) equal_cards_compared: u64,
    pub(super) recoveries: u64,
}

/// One kind of memory.
#[derive(Debug, Serialize)]
pub(super) struct TearLine {
    pub(super) memory: &'static str,
    pub(super) states: u64,
    pub(super) commands: u64,
    pub(super) power_ups: u64,
    pub(super) repeats: u64,
    pub(super) continued: u64,
    pub(super) every_first_cut: bool,
    pub(super) every_second_cut: bool,
    pub(super) random: u64,
}

/// All of a run.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    pub(super) minutes: f64,
    pub(super) seed: u64,
    pub(super) next_seed: u64,
    pub(super) states: u64,
    pub(super) expanded: u64,
    pub(super) power_ups: u64,
    pub(super) scopes: Vec<ScopeLine>,
    pub(super) tears: Vec<TearLine>,
    pub(super) properties: Vec<Line>,
    pub(super) violations: Vec<Violation>,
}

/// Prints it.
pub(super) fn print(summary: &Summary) {
    println!("\nstates of real cards, issuer and attacker");
    println!(
        "{:26} {:>11} {:>11} {:>6} {:>20} {:>8} {:>8} {:>11} {:>9} {:>9}",
        "scope", "found", "expanded", "level", "complete", "cards", "books", "recoveries", "compared", "cuts"
    );
    for line in &summary.scopes {
        let complete = format!("level {}: {}", line.complete_level, line.complete_states);
        println!(
            "{:26} {:>11} {:>11} {:>6} {complete:>20} {:>8} {:>8} {:>11} {:>9} {:>9}",
            line.scope,
            line.states,
            line.expanded,
            line.level,
            line.cards,
            line.books,
            line.recoveries,
            line.equal_cards_compared,
            line.power_ups
        );
    }
    println!("\npower-ups after cuts, one command at a time");
    println!(
        "{:20} {:>11} {:>11} {:>11} {:>7} {:>9} {:>11} {:>12} {:>11}",
        "memory",
        "power-ups",
        "repeats",
        "continued",
        "states",
        "commands",
        "first cuts",
        "second cuts",
        "at random"
    );
    let every = |complete: bool| if complete { "every" } else { "not all" };
    for line in &summary.tears {
        println!(
            "{:20} {:>11} {:>11} {:>11} {:>7} {:>9} {:>11} {:>12} {:>11}",
            line.memory,
            line.power_ups,
            line.repeats,
            line.continued,
            line.states,
            line.commands,
            every(line.every_first_cut),
            every(line.every_second_cut),
            line.random
        );
    }
    println!("\n{:50} {:>14} {:>11}", "property", "looked at", "violations");
    for line in &summary.properties {
        println!("{:50} {:>14} {:>11}", line.property, line.looked_at, line.violations);
    }
    for violation in &summary.violations {
        println!("\n{}: {}", violation.property, violation.place);
    }
    println!(
        "\n{} states found, {} of them expanded, {} power-ups after cuts, {} violations, {:.1} minutes; seed {}, others \
         with seed {}",
        summary.states,
        summary.expanded,
        summary.power_ups,
        summary.properties.iter().map(|line| line.violations).sum::<u64>(),
        summary.minutes,
        summary.seed,
        summary.next_seed
    );
}
