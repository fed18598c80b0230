//! `card …`: cards are made, listed, shown and served.

use apdu_spec::element::Role;
use clap::{Args, Subcommand, ValueEnum};

/// `card …`
#[derive(Debug, Subcommand)]
pub(crate) enum CardCommand {
    /// Make a virtual card, or a purse of the blank card in --reader; its PIN is 1234 if none is given
    New {
        /// Its name; none for the card in --reader
        #[arg(required_unless_present = "reader", conflicts_with = "reader")]
        name: Option<String>,
        #[command(flatten)]
        typed: NewCardArguments,
    },
    /// Give back the value of a disposable card that was being made in a reader, and never was
    ///
    /// Only if that card is known to be blank still, or destroyed: what it holds would be made of nothing.
    Withdraw {
        /// Its number, as `purse audit` has it
        number: String,
    },
    /// List the home's cards
    List,
    /// Show everything that a card says of itself
    Show {
        /// Its name, as for --card; none for the card in --reader
        #[arg(conflicts_with_all = ["reader", "card"])]
        name: Option<String>,
    },
    /// Put a virtual card into a PC/SC reader without hardware, vsmartcard's vpcd, until Ctrl-C
    ///
    /// Every program of this machine then finds it as a chip card there; no other `purse` can open its file meanwhile.
    /// vpcd has two slots, at ports 35963 and 35964, and the card connects to the first that no other card of this home
    /// has. A reversed vpcd (DEVICENAME `127.0.0.1:0x8C7B` in /etc/reader.conf.d/vpcd), which connects to the card, is
    /// waited for with --listen; but vpcd 3.3, Debian 12's, takes pcscd down with it when a slot has no card or a card
    /// leaves.
    Serve {
        /// Its name
        name: String,
        #[command(flatten)]
        place: ServeArguments,
    },
}

/// What a new card is to be.
#[derive(Args, Clone, Debug)]
pub(crate) struct NewCardArguments {
    /// What it is
    #[arg(long, value_enum, default_value_t = RoleArgument::Purse)]
    pub(crate) role: RoleArgument,
    /// Leave the virtual card blank, to be personalised in a reader (`purse card serve`) in the same role
    #[arg(long, conflicts_with = "reader")]
    pub(crate) blank: bool,
    /// A disposable purse: it comes with --value, takes no load, and ends its own life when it is empty
    #[arg(long, requires = "value", conflicts_with = "blank")]
    pub(crate) disposable: bool,
    /// What a disposable purse comes with, from the holder's account: 20.00
    #[arg(long, value_name = "AMOUNT", requires = "disposable", allow_negative_numbers = true)]
    pub(crate) value: Option<String>,
}

/// Where and how `card serve` meets vpcd.
#[derive(Args, Clone, Debug)]
pub(crate) struct ServeArguments {
    /// vpcd's port [default: the first of its slots, 35963 and 35964, that no card of this home is served to]
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// The machine on which vpcd runs
    #[arg(long, value_name = "HOST", default_value = "127.0.0.1", conflicts_with = "listen")]
    pub(crate) host: String,
    /// Wait for a reversed vpcd, on 127.0.0.1 alone; port 0 is any free one
    #[arg(long)]
    pub(crate) listen: bool,
    /// Speak T=0, with GET RESPONSE, instead of T=1
    #[arg(long)]
    pub(crate) t0: bool,
}

/// What a new card is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleArgument {
    /// A holder's purse
    Purse,
    /// A merchant's security module (SAM)
    Merchant,
}

impl RoleArgument {
    /// In the standard's terms.
    pub(crate) const fn role(self) -> Role {
        match self {
            Self::Purse => Role::Purse,
            Self::Merchant => Role::Merchant,
        }
    }
}
