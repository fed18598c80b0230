//! `control …` and `pocket …`: what the issuer changes on a card.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// How a script gets to its card. Without any of these it is brought to the card at hand now.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct WayArguments {
    /// Write the signed script to this new file; `purse control apply` brings it to the card
    #[arg(long, value_name = "FILE", conflicts_with = "queue")]
    pub(crate) out: Option<PathBuf>,
    /// Let it wait in the issuer's books until the card is loaded, or `purse control deliver`
    #[arg(long)]
    pub(crate) queue: bool,
    /// For the card of this number, which need not be here; with --out or --queue
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["card", "reader"])]
    pub(crate) number: Option<String>,
}

/// Limits of a pocket, in exact decimals of its currency.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct LimitArguments {
    /// The most that it may hold
    #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true)]
    pub(crate) balance: Option<String>,
    /// The most of one payment
    #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true)]
    pub(crate) debit: Option<String>,
    /// The most of one payment without the PIN
    #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true)]
    pub(crate) debit_without_pin: Option<String>,
    /// The most of all payments without the PIN since the last one with it
    #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true)]
    pub(crate) total_without_pin: Option<String>,
    /// The most of one transfer to another purse
    #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true)]
    pub(crate) transfer: Option<String>,
    /// The most that it takes offline (refunds, purchases taken back, transfers) between two loads or unloads
    #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true)]
    pub(crate) offline_receipts: Option<String>,
}

/// `pocket …`
#[derive(Debug, Subcommand)]
pub(crate) enum PocketCommand {
    /// Give the card another currency, by a script of the issuer's; --sam or --sam-reader: give it to the SAM
    ///
    /// It takes the next free of the card's five places. Limits that are not given are the scheme's, in as many major
    /// units. A merchant's SAM needs the pocket too, to be paid in that currency.
    Add {
        /// Letters of ISO 4217
        #[arg(value_name = "CODE")]
        code: String,
        #[command(flatten)]
        limits: LimitArguments,
        #[command(flatten)]
        way: WayArguments,
    },
}

/// `control …`
#[derive(Debug, Subcommand)]
pub(crate) enum ControlCommand {
    /// Change the limits of one of the card's pockets; those that are not given stay
    Limits {
        /// The pocket's currency, letters of ISO 4217 [default: the scheme's]
        #[arg(long, value_name = "CODE")]
        currency: Option<String>,
        #[command(flatten)]
        limits: LimitArguments,
        #[command(flatten)]
        way: WayArguments,
    },
    /// Block the card: it pays and takes nothing, and still finishes what it owes
    Block {
        #[command(flatten)]
        way: WayArguments,
    },
    /// Let a blocked card work again
    Unblock {
        #[command(flatten)]
        way: WayArguments,
    },
    /// Give the PIN its tries back
    UnblockPin {
        #[command(flatten)]
        way: WayArguments,
    },
    /// Lift the holder's lock
    ClearLock {
        #[command(flatten)]
        way: WayArguments,
    },
    /// Give the card another last month of validity
    Expiry {
        /// Year and month: 2031-11
        #[arg(value_name = "YYYY-MM")]
        month: String,
        #[command(flatten)]
        way: WayArguments,
    },
    /// End the card's life, for good; it has to be empty, with nothing open
    Terminate {
        #[command(flatten)]
        way: WayArguments,
    },
    /// Make a SAM forget the keys of one version, so that purses under it cannot pay it any more
    ForgetKeys {
        /// 1 to 255
        version: u8,
        #[command(flatten)]
        way: WayArguments,
    },
    /// Bring the script in a file to its card; again, it changes nothing
    Apply {
        /// Written by --out
        file: PathBuf,
    },
    /// Bring the card all scripts that wait for it
    Deliver,
    /// Show the scripts that were ordered, of the card that is named or of all, and what became of them
    List {
        /// Only those of the card of this number, which need not be here
        #[arg(long, value_name = "NUMBER", conflicts_with_all = ["card", "reader"])]
        number: Option<String>,
    },
}

impl ControlCommand {
    /// The name in JSON documents.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Limits { .. } => "control limits",
            Self::Block { .. } => "control block",
            Self::Unblock { .. } => "control unblock",
            Self::UnblockPin { .. } => "control unblock-pin",
            Self::ClearLock { .. } => "control clear-lock",
            Self::Expiry { .. } => "control expiry",
            Self::Terminate { .. } => "control terminate",
            Self::ForgetKeys { .. } => "control forget-keys",
            Self::Apply { .. } => "control apply",
            Self::Deliver => "control deliver",
            Self::List { .. } => "control list",
        }
    }
}
