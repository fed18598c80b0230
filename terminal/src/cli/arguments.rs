//! What can be typed: global options, commands, and what the help says of them.

mod card;
mod control;
mod exchange;
mod explain;
mod hot_list;
mod names;
mod transfer;

use std::path::{Path, PathBuf};

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};

pub(crate) use card::{CardCommand, NewCardArguments, RoleArgument, ServeArguments};
pub(crate) use control::{ControlCommand, LimitArguments, PocketCommand, WayArguments};
pub(crate) use exchange::{ExchangeArguments, RateCommand};
pub(crate) use explain::ExplainArguments;
pub(crate) use hot_list::HotListCommand;
pub(crate) use transfer::{ProofCommand, TransferArguments};

/// Shown at the end of `--help` and in the manual page.
const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  something else went wrong; `audit` and `demo`: it does not add up
  2  usage: the command line, an amount, or a home that is not there
  3  no reader, card or smart card service, or it went away before anything
     could have happened, or is in use or damaged; `doctor`: there is a problem
  4  the card refused: the message gives the status word and its meaning
  5  authentication failed: a PIN wrong, blocked or missing, or a wrong MAC
  6  the outcome is unknown: run `purse recover`, with the same --reader and
     --sam-reader
  7  the issuer declined

PINs:
  A PIN is asked for when a card needs it and stdin is a terminal. Otherwise it
  comes from --pin-file or the environment variable PURSE_PIN; the PIN of a
  SAM's operator from --operator-pin-file or PURSE_OPERATOR_PIN. Never from an
  argument: other programs can read those.

Faults, virtual cards only; for one in a reader give them to `card serve`:
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
#[command(next_help_heading = "Options of every command")]
pub(crate) struct GlobalArguments {
    /// The home: scheme, issuer's ledger and virtual cards [default: `purse` in the user's data directory]
    #[arg(long, global = true, value_name = "DIR", env = "PURSE_HOME",
        value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub(crate) home: Option<PathBuf>,
    /// The virtual card to use [default: card]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) card: Option<String>,
    /// The merchant's SAM to use, a virtual card too [default: sam]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) sam: Option<String>,
    /// Use the card in this reader: its exact name, or a part of it that only one reader (with a card) has
    #[arg(long, global = true, value_name = "READER", conflicts_with = "card")]
    pub(crate) reader: Option<String>,
    /// Use the merchant's SAM in this reader, named as for --reader
    #[arg(long, global = true, value_name = "READER", conflicts_with = "sam")]
    pub(crate) sam_reader: Option<String>,
    /// Wait up to so many seconds for a card in each reader
    #[arg(long, global = true, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) wait: Option<u64>,
    /// Have the cards in readers alone while connected to them; an error where another program has one
    #[arg(long, global = true)]
    pub(crate) exclusive: bool,
    /// Print one JSON document on stdout, also for errors; `till`, `card serve` and `balance --watch`: one line for
    /// each event
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
    /// The name of the virtual card to use.
    pub(crate) fn card(&self) -> &str {
        self.card.as_deref().unwrap_or("card")
    }

    /// The name of the SAM to use.
    pub(crate) fn sam(&self) -> &str {
        self.sam.as_deref().unwrap_or("sam")
    }

    /// The home that was named, if any: an empty name is none.
    pub(crate) fn home(&self) -> Option<&Path> {
        self.home.as_deref().filter(|home| !home.as_os_str().is_empty())
    }
}

/// An amount of money as it was typed; only its currency says what it means.
#[derive(Args, Clone, Debug)]
pub(crate) struct AmountArgument {
    /// How much, in exact decimals of the currency: 3.50
    #[arg(value_name = "AMOUNT", allow_negative_numbers = true)]
    pub(crate) amount: String,
    #[command(flatten)]
    pub(crate) currency: CurrencyArgument,
}

/// Which of the card's pockets.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct CurrencyArgument {
    /// The pocket's currency, letters of ISO 4217 [default: the scheme's]
    #[arg(long, value_name = "CODE")]
    pub(crate) currency: Option<String>,
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
    /// Make, list and show cards, and put virtual ones into a reader
    #[command(subcommand)]
    Card(CardCommand),
    /// Show what is on the card, in each of its currencies
    Balance {
        /// Show it of every card that comes into --reader, until Ctrl-C
        ///
        /// With --wait, it ends when no card has come for so many seconds. With --json, each card is one line.
        #[arg(long)]
        watch: bool,
    },
    /// Load the card from its holder's account
    Load(AmountArgument),
    /// Pay the merchant
    Pay(AmountArgument),
    /// Pay another purse: no bank, no merchant; payer and payee are virtual cards, in readers, or held to one in turn
    Transfer(TransferArguments),
    /// Carry what one purse has to say to another: letters in files or QR codes, through any terminal
    #[command(subcommand)]
    Proof(ProofCommand),
    /// Purses that terminals take no more: the issuer's list, signed, and what is on it
    #[command(subcommand, name = "hotlist")]
    HotList(HotListCommand),
    /// Take money back from the merchant, against an earlier purchase; needs the operator's PIN
    Refund(AmountArgument),
    /// Return money to the holder's account
    Unload(AmountArgument),
    /// Collect what the merchant's SAM has taken, for the merchant's account
    Collect {
        /// Also if there is nothing: the issuer then knows that no earlier payment is still with the SAM
        #[arg(long)]
        even_empty: bool,
        /// Only this currency, letters of ISO 4217 [default: all that the SAM has]
        #[arg(long, value_name = "CODE")]
        currency: Option<String>,
    },
    /// Exchange money on the card for that of another of its currencies, at the issuer's rate
    ///
    /// The one pocket is unloaded and the other loaded. What is less than the smallest amount of the other currency is the
    /// issuer's. Interrupted anywhere, the money is on the card, in its account or on the way, and `purse recover`
    /// finishes it.
    Exchange(ExchangeArguments),
    /// The issuer's exchange rates, `[rates]` of scheme.toml
    #[command(subcommand)]
    Rate(RateCommand),
    /// What the issuer changes on the card: limits, block, expiry, ... by signed scripts
    #[command(subcommand)]
    Control(ControlCommand),
    /// The card's currencies
    #[command(subcommand)]
    Pocket(PocketCommand),
    /// Show the card's last transactions, newest first
    History {
        /// How many; a purse remembers its last 32, and what was still open when it was older
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
        count: u32,
    },
    /// Finish what was interrupted: on the card, the SAM, and with the issuer
    Recover,
    /// Change the card's PIN, or give it its tries back
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
    /// Say what bytes are, field by field, in the standard's names
    ///
    /// A command, a response, a status word, a log record, an FCI: whatever crosses, and what a card holds. Every reading
    /// that fits is shown, the likeliest first. No card and no home are needed. A PIN in an argument can be read by other
    /// programs: give it on standard input.
    Explain(ExplainArguments),
    /// Print the standard's table of commands, or all of one command
    Spec {
        /// Its name in the standard, in capitals or not: `debit`, `get-proof`
        #[arg(value_name = "COMMAND")]
        command: Vec<String>,
    },
    /// Step through a process of the standard, or one command of the card, on reference cards
    ///
    /// Each line of the listing as it is executed, each value that it gives, each change of memory, each APDU. The cards
    /// execute the standard's text; they, their issuer and all keys are an example that is made anew each time. No home is
    /// needed. A command is shown as it comes up first in the story of the example.
    Run(RunArguments),
    /// Wait for cards in --reader and take the same payment from each, until Ctrl-C
    ///
    /// A card that has paid does not pay this till again. A payment for which the card wants its PIN is not taken.
    /// Ctrl-C in mid-payment brings that payment to its end first; a second Ctrl-C ends at once. With --wait, the till
    /// closes when no card has come for so many seconds. With --json, each card is one line, and so is the closing.
    Till {
        #[command(flatten)]
        amount: AmountArgument,
        /// Close after so many payments
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        count: Option<u64>,
        /// Let a card that has paid pay again once it has been taken away
        #[arg(long)]
        again: bool,
    },
    /// List the readers: what is in each, whether a program has it, its protocol and answer to reset
    Readers,
    /// Ask the issuer for what cannot be settled between the cards, and bring its answer to the card
    Resolve {
        /// Close transfers and refunds too, whose payees are gone for good: the issuer books them as unclaimed
        #[arg(long)]
        unclaimed: bool,
    },
    /// Count everything: the issuer's float has to be what purses and SAMs hold and what is in flight
    Audit,
    /// See what stands between this machine and a card in a reader, and what to do about it
    Doctor {
        /// Where pcscd's readers that are not on USB are configured
        #[arg(long, value_name = "DIR", default_value = "/etc/reader.conf.d",
            value_parser = OsStringValueParser::new().map(PathBuf::from))]
        reader_conf: PathBuf,
    },
    /// Play the whole story in a fresh temporary home, with virtual cards and their real memory and APDUs
    Demo,
    /// Count APDUs, bytes, program operations and AES blocks of every flow, and measure purchases per second
    ///
    /// With --reader: measure the way to the card there (round trips of SELECT, beside those of an echo card that is
    /// plugged into a free slot of vpcd), and purchases, which take real money from the card.
    Bench {
        /// How long to measure
        #[arg(long, value_name = "MILLISECONDS", default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1..=600_000))]
        time: u64,
        /// With --reader: how many purchases of the smallest amount to make
        #[arg(long, value_name = "N", default_value_t = 50)]
        purchases: u32,
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

/// What is to be run, and how.
#[derive(Args, Clone, Debug)]
pub(crate) struct RunArguments {
    /// A process (load, purchase, refund, unload, collection, recovery) or a command: `debit`, `get-proof`
    #[arg(required = true, value_name = "LISTING")]
    pub(crate) listing: Vec<String>,
    /// Wait for Enter after each line
    #[arg(long)]
    pub(crate) step: bool,
    /// Only the process itself: not what the cards do within its commands
    #[arg(long)]
    pub(crate) brief: bool,
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
