//! The command line. One file for each family of commands; the flows themselves are the library's.
//!
//! Only what goes on until it is stopped (`card serve`, `till`) has a signal handler: whatever a card or the issuer has
//! said is on the disk before it is said, and whatever has not been said can be asked for again (`purse recover`). So
//! Ctrl-C, a kill and a power cut are the same thing, and the tests use the last two.

mod aes_count;
mod arguments;
mod audit;
mod bench;
mod census;
mod collect;
mod context;
mod control;
mod convert;
mod curve_count;
mod demo;
mod doctor;
mod exchange;
mod explain;
mod failure;
mod fault;
mod holder;
mod hot_list;
mod init;
#[cfg(feature = "pcsc")]
mod interrupt;
mod issues;
#[cfg(feature = "pcsc")]
mod letters;
mod manual;
mod meter;
mod money;
mod new_card;
mod output;
mod patience;
mod pending;
mod pin;
mod place;
mod proof;
mod reader_bench;
mod readers;
mod receipt;
mod recovery;
mod run;
mod serve;
mod served;
mod snapshot;
mod spec;
mod sums;
mod taps;
mod till;
mod transfer;
mod transfer_bench;
mod view;
mod watch;
mod whereabouts;
mod words;

use std::process::ExitCode;
#[cfg(feature = "pcsc")]
use std::time::Duration;

use clap::Parser;
use clap::error::ErrorKind;

use arguments::{Arguments, CardCommand, Command, ExchangeArguments, PinCommand, PocketCommand};
use context::Context;
use failure::Failure;
use output::{Console, Reply};

/// Runs the program.
pub(crate) fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return ExitCode::from(usage(&error)),
    };
    let console = Console::new(arguments.global.json);
    let name = arguments.command.name();
    let code = match run(arguments, console).and_then(|reply| console.reply(name, reply)) {
        Ok(code) => code,
        Err(failure) => console.failure(Some(name), &failure),
    };
    ExitCode::from(code)
}

/// A command line that is none. A program that asked for JSON gets JSON; help is help.
fn usage(error: &clap::Error) -> u8 {
    let wants_json = std::env::args_os().skip(1).take_while(|word| word != "--").any(|word| word == "--json");
    let is_error = !matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    if wants_json && is_error {
        let message = error.render().to_string();
        let lines = message.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:"));
        let message = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
        let message = message.trim_start_matches("error: ");
        return Console::new(true).failure(None, &Failure::usage(message));
    }
    // To stdout for help, to stderr for errors; nobody may be listening.
    let _ = error.print();
    u8::try_from(error.exit_code()).unwrap_or(failure::ExitCode::Usage as u8)
}

fn run(arguments: Arguments, console: Console) -> Result<Reply, Failure> {
    let Arguments { global, command } = arguments;
    match command {
        Command::Init { currency } => return init::init(&global, &currency),
        Command::Demo => return demo::demo(console),
        Command::Bench { time, .. } if global.reader.is_none() => return bench::bench(time),
        Command::Doctor { reader_conf } => return Ok(doctor::doctor(&reader_conf)),
        Command::Readers => return readers::readers(),
        Command::Explain(arguments) => return explain::explain(&arguments),
        Command::Spec { command } => return spec::spec(&command),
        Command::Run(arguments) => return run::run(&arguments, console),
        Command::Completions { shell } => return manual::completions(shell),
        Command::Man { out } => return manual::manual(out.as_deref()),
        _ => {}
    }
    let global = match &command {
        Command::Transfer(arguments) => arguments.global(global),
        _ => global,
    };
    let context = Context::open(&global, console)?;
    with_context(&context, command).map_err(|failure| context.with_readers(failure))
}

fn with_context(context: &Context, command: Command) -> Result<Reply, Failure> {
    match command {
        Command::Card(CardCommand::New { name: Some(name), typed }) => new_card::new(context, &name, &typed),
        Command::Card(CardCommand::New { name: None, typed }) => new_card::new_in_reader(context, &typed),
        Command::Card(CardCommand::Withdraw { number }) => issues::withdraw(context, &number),
        Command::Card(CardCommand::List) => view::list(context),
        Command::Card(CardCommand::Show { name }) => view::show(context, name.as_deref()),
        Command::Card(CardCommand::Serve { name, place }) => serve::serve(context, &name, &place),
        Command::Balance { watch: false } => view::balance(context),
        Command::Balance { watch: true } => watch::watch(context),
        Command::History { count } => view::history(context, count),
        Command::Load(amount) => money::load(context, context.money(&amount)?),
        Command::Pay(amount) => money::pay(context, context.money(&amount)?),
        Command::Transfer(arguments) => transfer::transfer(context, &arguments),
        Command::Proof(command) => proof::proof(context, &command),
        Command::HotList(command) => hot_list::hot_list(context, &command),
        Command::Refund(amount) => money::refund(context, context.money(&amount)?),
        Command::Unload(amount) => money::unload(context, context.money(&amount)?),
        Command::Collect { even_empty, currency } => {
            let only = currency.as_deref().map(Context::denomination_of).transpose()?;
            collect::collect(context, even_empty, only)
        }
        Command::Till { amount, count, again } => till::till(context, context.money(&amount)?, count, again),
        #[cfg(feature = "pcsc")]
        Command::Bench { time, purchases } => {
            reader_bench::bench(context, Duration::from_millis(time), purchases)
        }
        #[cfg(not(feature = "pcsc"))]
        Command::Bench { .. } => Err(Failure::no_readers()),
        Command::Recover => recovery::recover(context),
        Command::Resolve { unclaimed } => recovery::resolve(context, unclaimed),
        Command::Audit => audit::audit(context),
        Command::Exchange(ExchangeArguments { amount, from, to }) => {
            exchange::exchange(context, &amount, &from, &to)
        }
        Command::Rate(command) => exchange::rate(context, &command),
        Command::Control(command) => control::control(context, command),
        Command::Pocket(PocketCommand::Add { code, limits, way }) => {
            control::add_pocket(context, &code, &limits, &way)
        }
        Command::Pin(PinCommand::Change { new_pin_file }) => holder::change_pin(context, new_pin_file),
        Command::Lock => holder::set_lock(context, true),
        Command::Pin(PinCommand::Unblock) => holder::unblock_pin(context),
        Command::Unlock { by_issuer: true } => holder::clear_lock(context),
        Command::Unlock { by_issuer: false } => holder::set_lock(context, false),
        Command::Apdu { commands } => holder::raw(context, &commands),
        Command::Init { .. }
        | Command::Demo
        | Command::Doctor { .. }
        | Command::Readers
        | Command::Explain(_)
        | Command::Spec { .. }
        | Command::Run(_)
        | Command::Completions { .. }
        | Command::Man { .. } => unreachable!("these need no home and are done above"),
    }
}
