//! `exchange` and `rate …`.

use clap::{Args, Subcommand};

/// What is to be exchanged.
#[derive(Args, Clone, Debug)]
pub(crate) struct ExchangeArguments {
    /// How much of the first currency, in exact decimals: 10.00
    #[arg(value_name = "AMOUNT", allow_negative_numbers = true)]
    pub(crate) amount: String,
    /// What is given, letters of ISO 4217
    #[arg(value_name = "FROM")]
    pub(crate) from: String,
    /// What it becomes
    #[arg(value_name = "TO")]
    pub(crate) to: String,
}

/// `rate …`
#[derive(Debug, Subcommand)]
pub(crate) enum RateCommand {
    /// Set what one of the first currency becomes in the second; the way back has a rate of its own
    Set {
        /// Letters of ISO 4217
        #[arg(value_name = "FROM")]
        from: String,
        /// Letters of ISO 4217
        #[arg(value_name = "TO")]
        to: String,
        /// In exact decimals: 1.0850
        #[arg(value_name = "RATE", allow_negative_numbers = true)]
        rate: String,
    },
    /// Show all rates
    List,
}
