//! What can be typed: global options, commands, and what the help says of them.

use std::path::{Path, PathBuf};

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Shown at the end of `--help` and in the manual page.
const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  something else went wrong; `audit` and `demo`: it does not add up
  2  usage: the command line, an amount, or a home that is not there
  3  no reader or card, or it is in use or damaged
  4  the card refused: the message gives the status word and its meaning
  5  authentication failed: a PIN wrong, blocked or missing, or a wrong MAC
  6  the outcome is unknown: run `purse recover`
  7  the issuer declined

PINs:
  A PIN is asked for when a card needs it and stdin is a terminal. Otherwise it
  comes from --pin-file or the environment variable PURSE_PIN; the PIN of a
  SAM's operator from --operator-pin-file or PURSE_OPERATOR_PIN. Never from an
  argument: other programs can read those.

Faults, virtual cards only:
  --cut N and --lose N count over all cards of the command together, in the
  order in which things happen, from when the cards have started. --cut: the
  operation is left half done, and the card has no power until the command has
  ended. --lose: the card has done what it was told, and is pulled out before
  its response (SELECT's counts too) gets through. A command that does less
  than N of them meets no fault.";

/// An electronic purse on a smart card: load it, pay with it, take refunds, unload and collect, and see every cent
/// accounted for.
#[derive(Debug, Parser)]
#[command(name = "purse", version, max_term_width = 110, after_help = EXIT_CODES, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: GlobalArguments,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct GlobalArguments {
    /// The home: scheme, issuer's ledger and virtual cards [default: `purse` in the user's data directory]
    #[arg(long, global = true, value_name = "DIR", env = "PURSE_HOME",
        value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub(crate) home: Option<PathBuf>,
    /// The virtual card to use
    #[arg(long, global = true, value_name = "NAME", default_value = "card")]
    pub(crate) card: String,
    /// The merchant's SAM to use, a virtual card too [default: sam]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) sam: Option<String>,
    /// Print one JSON document on stdout, also for errors
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print every APDU, with names and meanings but no PIN and no key, on stderr or to FILE
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "-"
    )]
    pub(crate) trace: Option<PathBuf>,
    /// Answer every question with yes
    #[arg(long, global = true)]
    pub(crate) yes: bool,
    /// The card's PIN is in this file [env: PURSE_PIN holds the PIN itself]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) pin_file: Option<PathBuf>,
    /// The PIN of the SAM's operator is in this file [env: PURSE_OPERATOR_PIN holds the PIN itself]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) operator_pin_file: Option<PathBuf>,
    /// Fault: power fails at the Nth program or erase operation of the command's cards
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) cut: Option<u64>,
    /// Fault: the Nth response of the command's cards never arrives
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) lose: Option<u64>,
}

impl GlobalArguments {
    /// The name of the SAM to use.
    pub(crate) fn sam(&self) -> &str {
        self.sam.as_deref().unwrap_or("sam")
    }

    /// The home that was named, if any: an empty name is none.
    pub(crate) fn home(&self) -> Option<&Path> {
        self.home.as_deref().filter(|home| !home.as_os_str().is_empty())
    }
}

/// An amount of money as it was typed; only the scheme's currency says what it means.
#[derive(Args, Clone, Debug)]
pub(crate) struct AmountArgument {
    /// How much, in exact decimals of the currency: 3.50
    #[arg(value_name = "AMOUNT", allow_negative_numbers = true)]
    pub(crate) amount: String,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a home: a scheme, its issuer with a holder's account of 100 and a merchant's, a purse and a SAM
    Init {
        /// Letters of ISO 4217
        #[arg(long, value_name = "CODE", default_value = "EUR")]
        currency: String,
    },
    /// Make, list and show virtual cards
    #[command(subcommand)]
    Card(CardCommand),
    /// Show what is on the card
    Balance,
    /// Load the card from its holder's account
    Load(AmountArgument),
    /// Pay the merchant
    Pay(AmountArgument),
    /// Take money back from the merchant, against an earlier purchase; needs the operator's PIN
    Refund(AmountArgument),
    /// Return money to the holder's account
    Unload(AmountArgument),
    /// Collect what the merchant's SAM has taken, for the merchant's account
    Collect {
        /// Also if there is nothing: the issuer then knows that no earlier payment is still with the SAM
        #[arg(long)]
        even_empty: bool,
    },
    /// Show the card's log, newest first
    History,
    /// Finish what was interrupted: on the card, the SAM, and with the issuer
    Recover,
    /// Change the card's PIN
    #[command(subcommand)]
    Pin(PinCommand),
    /// Lock the card: it shows no balance and pays nothing; needs the PIN
    Lock,
    /// Unlock the card; needs the PIN, or the issuer
    Unlock {
        /// By a script of the issuer's, without the PIN
        #[arg(long)]
        by_issuer: bool,
    },
    /// Send commands as they are, all in one session, and show the responses with their status words
    ///
    /// A PIN in an argument can be read by other programs: use test cards only.
    Apdu {
        /// One command APDU each, in hexadecimal
        #[arg(required = true, value_name = "HEX")]
        commands: Vec<String>,
    },
    /// Ask the issuer for what cannot be settled between the cards, and bring its answer to the card
    Resolve,
    /// Count everything: the issuer's float has to be what purses and SAMs hold and what is in flight
    Audit,
    /// Play the whole story in a fresh temporary home, with real cards' memory and real APDUs
    Demo,
    /// Count APDUs, bytes, program operations and AES blocks of every flow, and measure purchases per second
    Bench {
        /// How long to measure
        #[arg(long, value_name = "MILLISECONDS", default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1..=600_000))]
        time: u64,
    },
    /// Print the completions of a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write one for every command
    Man {
        /// Write the pages into this directory
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

/// `card …`
#[derive(Debug, Subcommand)]
pub(crate) enum CardCommand {
    /// Make a virtual card; its PIN is 1234 if none is given
    New {
        /// Its name
        name: String,
        /// What it is
        #[arg(long, value_enum, default_value_t = RoleArgument::Purse)]
        role: RoleArgument,
    },
    /// List the home's cards
    List,
    /// Show everything that a card says of itself
    Show {
        /// Its name
        name: String,
    },
}

/// `pin …`
#[derive(Debug, Subcommand)]
pub(crate) enum PinCommand {
    /// Change the PIN from the old one to a new one
    Change {
        /// The new PIN is in this file [env: PURSE_NEW_PIN holds the PIN itself]
        #[arg(long, value_name = "FILE")]
        new_pin_file: Option<PathBuf>,
    },
    /// Give the PIN its three tries back, by a script of the issuer's
    Unblock,
}

/// What a new card is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleArgument {
    /// A holder's purse
    Purse,
    /// A merchant's security module (SAM)
    Merchant,
}

impl Command {
    /// The name in JSON documents.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Init { .. } => "init",
            Self::Card(CardCommand::New { .. }) => "card new",
            Self::Card(CardCommand::List) => "card list",
            Self::Card(CardCommand::Show { .. }) => "card show",
            Self::Balance => "balance",
            Self::Load(_) => "load",
            Self::Pay(_) => "pay",
            Self::Refund(_) => "refund",
            Self::Unload(_) => "unload",
            Self::Collect { .. } => "collect",
            Self::History => "history",
            Self::Recover => "recover",
            Self::Pin(PinCommand::Change { .. }) => "pin change",
            Self::Pin(PinCommand::Unblock) => "pin unblock",
            Self::Lock => "lock",
            Self::Unlock { .. } => "unlock",
            Self::Apdu { .. } => "apdu",
            Self::Resolve => "resolve",
            Self::Audit => "audit",
            Self::Demo => "demo",
            Self::Bench { .. } => "bench",
            Self::Completions { .. } => "completions",
            Self::Man { .. } => "man",
        }
    }
}
