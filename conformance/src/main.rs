//! `purse-conformance`: holds the shipping card to the standard's listings, and says what it has tried.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use purse_conformance::run;
use purse_conformance::{faults, mutants};

/// Holds the shipping card to the standard's listings.
#[derive(Debug, Parser)]
#[command(name = "purse-conformance", version)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Gives the same commands to the card and to the reference card, and prints a table.
    Run(run::Options),
    /// Changes the text in each place, and looks whether its checks or the card's answers find it.
    Mutants(mutants::Options),
    /// Seeds every fault of the list, one at a time, into a copy of the card, and looks whether the comparison finds it.
    Faults(faults::Options),
    /// Looks for one seeded fault, or for none; only in a copy that `faults` has made.
    #[command(hide = true)]
    Seek {
        /// Its number.
        #[arg(long)]
        fault: Option<u32>,
        /// What histories are generated from.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Run(options) => run::run(&options),
        Task::Mutants(options) => mutants::mutants(&options),
        Task::Faults(options) => faults::hunt(&options),
        Task::Seek { fault, seed } => faults::seek(fault, seed),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("purse-conformance: {error}");
            ExitCode::from(2)
        }
    }
}
