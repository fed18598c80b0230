//! `purse`: the command line of the purse.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
