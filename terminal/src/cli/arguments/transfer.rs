//! What can be typed behind `transfer` and `proof`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{AmountArgument, CurrencyArgument, GlobalArguments};

/// `transfer`
#[derive(Args, Clone, Debug)]
pub(crate) struct TransferArguments {
    /// How much, in exact decimals of the currency: 3.50; none with --taps: go on with what was begun
    #[arg(value_name = "AMOUNT", allow_negative_numbers = true, required_unless_present = "taps")]
    pub(crate) amount: Option<String>,
    #[command(flatten)]
    pub(crate) currency: CurrencyArgument,
    /// The payee's virtual card
    #[arg(long, value_name = "NAME", conflicts_with_all = ["sam", "sam_reader"])]
    pub(crate) to_card: Option<String>,
    /// The payee's card in this reader, named as for --reader
    #[arg(long, value_name = "READER", conflicts_with_all = ["to_card", "sam", "sam_reader"])]
    pub(crate) to_reader: Option<String>,
    /// One reader for both: payer and payee are held to --reader in turn, with a prompt for each
    ///
    /// What crosses between them is kept in the home: a transfer that was broken off goes on with the same command without
    /// AMOUNT.
    #[arg(long, conflicts_with_all = ["to_card", "to_reader", "sam", "sam_reader"])]
    pub(crate) taps: bool,
    /// With --taps: forget what was begun. Value that the payer's card has debited stays in its log
    #[arg(long, requires = "taps")]
    pub(crate) abandon: bool,
}

impl TransferArguments {
    /// The amount, if there is one.
    pub(crate) fn amount(&self) -> Option<AmountArgument> {
        let currency = self.currency.clone();
        self.amount.clone().map(|amount| AmountArgument { amount, currency })
    }

    /// The same command line for a context of two cards: the payee is where a SAM would be.
    pub(crate) fn global(&self, global: GlobalArguments) -> GlobalArguments {
        GlobalArguments { sam: self.to_card.clone(), sam_reader: self.to_reader.clone(), ..global }
    }
}

/// `proof …`
#[derive(Debug, Subcommand)]
pub(crate) enum ProofCommand {
    /// Write who the card is, for the terminal of somebody who has paid it and could not finish
    Export {
        #[command(flatten)]
        output: LetterOutput,
    },
    /// Let the card carry out letters, and write its answers
    ///
    /// A letter is one line of text, from FILE or standard input. An introduction is answered with the payments that the
    /// card has open to that purse; an offer with a request, a request with a payment, a payment with the payee's word
    /// that it has it or never will. A letter may be lost, doubled, or come twice.
    Import {
        /// Where the letters are; - is standard input
        #[arg(value_name = "FILE", default_value = "-")]
        file: PathBuf,
        #[command(flatten)]
        output: LetterOutput,
    },
    /// Offer a transfer to a purse that is elsewhere: the first letter
    Offer {
        #[command(flatten)]
        amount: AmountArgument,
        #[command(flatten)]
        output: LetterOutput,
    },
}

/// Where letters go.
#[derive(Args, Clone, Debug)]
pub(crate) struct LetterOutput {
    /// Write the letters into this new file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Show each as a QR code too
    #[arg(long)]
    pub(crate) qr: bool,
}
