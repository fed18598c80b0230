//! `hotlist …`

use std::path::PathBuf;

use clap::Subcommand;

/// `hotlist …`
#[derive(Debug, Subcommand)]
pub(crate) enum HotListCommand {
    /// Put a purse, or all numbers of a range, on the list: terminals that have it take none of them any more
    Add {
        /// 16 digits
        #[arg(value_name = "NUMBER")]
        number: String,
        /// The last number of a range
        #[arg(long, value_name = "NUMBER")]
        to: Option<String>,
    },
    /// Take a purse, or all numbers of a range, off the list
    Remove {
        /// 16 digits
        #[arg(value_name = "NUMBER")]
        number: String,
        /// The last number of a range
        #[arg(long, value_name = "NUMBER")]
        to: Option<String>,
    },
    /// Show the list that this terminal has
    Show,
    /// Write the list, signed by the issuer, for other terminals
    Export {
        /// A new file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Take a list over, if the issuer has signed it and it is not older than the one that is here
    Import {
        /// Where it is
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}
