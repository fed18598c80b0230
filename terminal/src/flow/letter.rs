//! What one purse has to say to another, on its way between terminals that do not meet: in a file, in a picture, or in
//! the memory of a terminal with one reader.
//!
//! A letter is whole in itself. It names its sender by the certificate that the other card must verify, and carries what
//! the sender's card has said; nothing in it is secret. Cards check requests and payments by their authenticators; for
//! what ack and nack are about they look into their own records, and so must whoever takes the letter's word for it.

use apdu_spec::certificate::Certificate;
use apdu_spec::command::Voucher;
use apdu_spec::cryptography::Authenticator;
use apdu_spec::curve::Curve as _;
use apdu_spec::element::{Amount, Currency, DataError, Kind, Sequence, Time};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::software::Software;
use apdu_spec::wire::Reader;
use data_encoding::BASE32_NOPAD;

/// What a letter's text begins with.
pub const PREFIX: &str = "PURSE1:";
/// Bytes of SHA-256 at the end: for those who copy by hand.
pub const CHECK: usize = 4;

/// A letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Whose card it is from.
    pub sender: Certificate,
    /// What it says.
    pub content: Content,
}

/// What a letter says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Who the sender is, and nothing else.
    Introduction,
    /// The payer would pay; what the payee's INITIALIZE needs.
    Offer {
        /// The payer's next one.
        sequence: Sequence,
        /// Names the pocket.
        currency: Currency,
        /// What it would pay.
        amount: Amount,
        /// The payer's terminal's clock.
        time: Time,
    },
    /// The payee asks for it.
    Request(PayDetails, Authenticator),
    /// The payer has debited it.
    Payment(Voucher),
    /// The payee has credited it: ack.
    Credited(PayDetails, Authenticator),
    /// The payee never will: nack.
    Declined(PayDetails, Authenticator),
}

/// Why a text is no letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LetterError {
    /// It begins with something else.
    #[error("it does not begin with {PREFIX}")]
    Prefix,
    /// Not the characters of base 32, too few, too many, or one of them is another.
    #[error("it has been copied wrongly, or not all of it")]
    Copied,
    /// A value that no letter has.
    #[error("it says what no letter of this version says")]
    Content,
}

impl From<DataError> for LetterError {
    fn from(_: DataError) -> Self {
        Self::Content
    }
}

impl Content {
    const fn code(&self) -> u8 {
        match self {
            Self::Introduction => 0,
            Self::Offer { .. } => 1,
            Self::Request(..) => 2,
            Self::Payment(_) => 3,
            Self::Credited(..) => 4,
            Self::Declined(..) => 5,
        }
    }

    /// In a word.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Introduction => "introduction",
            Self::Offer { .. } => "offer",
            Self::Request(..) => "request",
            Self::Payment(_) => "payment",
            Self::Credited(..) => "credited",
            Self::Declined(..) => "declined",
        }
    }

    fn put(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Introduction => {}
            Self::Offer { sequence, currency, amount, time } => {
                bytes.extend(sequence.emit());
                bytes.extend(currency.0);
                bytes.extend(amount.emit());
                bytes.extend(time.emit());
            }
            Self::Payment(voucher) => bytes.extend(voucher.emit()),
            Self::Request(pay_details, authenticator)
            | Self::Credited(pay_details, authenticator)
            | Self::Declined(pay_details, authenticator) => {
                bytes.extend(pay_details.emit());
                bytes.extend(authenticator.0);
            }
        }
    }

    fn take(code: u8, reader: &mut Reader<'_>) -> Result<Self, LetterError> {
        let mut sealed = || -> Result<(PayDetails, Authenticator), DataError> {
            Ok((PayDetails::parse(&reader.take()?)?, Authenticator(reader.take()?)))
        };
        Ok(match code {
            0 => Self::Introduction,
            1 => Self::Offer {
                sequence: Sequence::parse(reader.take()?),
                currency: Currency(reader.take()?),
                amount: Amount::parse(reader.take()?),
                time: Time::parse(reader.take()?),
            },
            2 => sealed().map(|(pay_details, req)| Self::Request(pay_details, req))?,
            3 => Self::Payment(Voucher::parse(reader.slice(Voucher::LENGTH)?)?),
            4 => sealed().map(|(pay_details, ack)| Self::Credited(pay_details, ack))?,
            5 => sealed().map(|(pay_details, nack)| Self::Declined(pay_details, nack))?,
            _ => return Err(LetterError::Content),
        })
    }
}

impl Letter {
    /// What the money in it is about; none in an introduction and an offer.
    pub const fn pay_details(&self) -> Option<&PayDetails> {
        match &self.content {
            Content::Introduction | Content::Offer { .. } => None,
            Content::Payment(voucher) => Some(&voucher.pay_details),
            Content::Request(pay_details, _)
            | Content::Credited(pay_details, _)
            | Content::Declined(pay_details, _) => Some(pay_details),
        }
    }

    /// Whose card it is for; none where it is for whoever comes.
    pub const fn addressee(&self) -> Option<PartyNumber> {
        match &self.content {
            Content::Introduction | Content::Offer { .. } => None,
            Content::Payment(voucher) => Some(voucher.pay_details.to),
            Content::Request(pay_details, _)
            | Content::Credited(pay_details, _)
            | Content::Declined(pay_details, _) => Some(pay_details.from),
        }
    }

    /// Whether it is about a transfer, and the sender is the party of the pay details whose word this is.
    fn is_consistent(&self) -> bool {
        let sender = self.sender.body.number;
        if self.pay_details().is_some_and(|pay_details| pay_details.kind != Kind::Transfer) {
            return false;
        }
        match &self.content {
            Content::Introduction | Content::Offer { .. } => true,
            Content::Payment(voucher) => voucher.pay_details.from == sender,
            Content::Request(pay_details, _)
            | Content::Credited(pay_details, _)
            | Content::Declined(pay_details, _) => pay_details.to == sender,
        }
    }

    /// As one line of text: letters, digits and a colon, as a QR code holds them best.
    pub fn text(&self) -> String {
        let mut bytes = vec![self.content.code()];
        bytes.extend(self.sender.emit());
        self.content.put(&mut bytes);
        let check = Software.hash(&bytes);
        bytes.extend(check.iter().take(CHECK));
        format!("{PREFIX}{}", BASE32_NOPAD.encode(&bytes))
    }

    /// From its text; blanks and new lines in it are for the reader.
    pub fn parse(text: &str) -> Result<Self, LetterError> {
        let dense: String = text.split_whitespace().collect::<String>().to_ascii_uppercase();
        let encoded = dense.strip_prefix(PREFIX).ok_or(LetterError::Prefix)?;
        let bytes = BASE32_NOPAD.decode(encoded.as_bytes()).map_err(|_| LetterError::Copied)?;
        let (said, check) = bytes.split_last_chunk::<CHECK>().ok_or(LetterError::Copied)?;
        if !Software.hash(said).starts_with(check) {
            return Err(LetterError::Copied);
        }
        let mut reader = Reader::new(said);
        let code = reader.byte()?;
        let sender = Certificate::parse(reader.slice(Certificate::LENGTH)?)?;
        let letter = Self { sender, content: Content::take(code, &mut reader)? };
        reader.end()?;
        if letter.is_consistent() { Ok(letter) } else { Err(LetterError::Content) }
    }
}
