//! `purse-conformance`: holds the shipping card to the standard's listings, and says what it has tried.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use purse_conformance::mutants;
use purse_conformance::run;

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
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Run(options) => run::run(&options),
        Task::Mutants(options) => mutants::mutants(&options),
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
