//! `purse-verify`: looks at what must hold, for as long as it is given, and says what it has looked at.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use purse_verification::faults;
use purse_verification::run::{self, Options};

/// Looks at what must hold of the purse, on the code that ships.
#[derive(Debug, Parser)]
#[command(name = "purse-verify", version)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Explores states and tears commands, and prints a table.
    Run(Options),
    /// Seeds every fault of the list, one at a time, into a copy of the code, and looks whether it is found.
    Hunt(faults::Options),
    /// Looks for one seeded fault; only in a copy that `hunt` has made.
    #[command(hide = true)]
    Seek {
        /// Its number.
        fault: u32,
        /// Without it: so far nothing must be found.
        #[arg(long)]
        control: Option<u64>,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Run(options) => run::run(&options),
        Task::Hunt(options) => faults::hunt(&options),
        Task::Seek { fault, control } => faults::seek(fault, control),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("purse-verify: {error}");
            ExitCode::from(2)
        }
    }
}
