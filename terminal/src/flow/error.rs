//! What can end a process.

use apdu_spec::element::{Amount, Currency, Expiry, Role, Sequence};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::status::StatusWord;

use crate::client::{CardError, Failure};
use crate::issuer::{IssuerError, StoreError};

/// Whose card an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Party {
    /// The holder's purse.
    Purse,
    /// The purse that is paid by another purse.
    Receiver,
    /// The merchant's SAM.
    Sam,
}

impl Party {
    /// As a word in a sentence.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Purse => "purse",
            Self::Receiver => "receiving purse",
            Self::Sam => "merchant SAM",
        }
    }

    /// Of a card of this role.
    pub const fn of(role: Role) -> Self {
        match role {
            Role::Purse => Self::Purse,
            Role::Merchant => Self::Sam,
        }
    }
}

/// Why a process did not come to its end. But for [`FlowError::OutcomeUnknown`] no value of this transaction has moved;
/// an earlier one that the process found open may have been finished on its way.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FlowError {
    /// A card, or the way to it.
    #[error("{}: {source}", .party.name())]
    Card {
        /// Whose.
        party: Party,
        /// What happened.
        source: CardError,
    },
    /// The issuer.
    #[error("issuer: {0}")]
    Issuer(#[from] IssuerError),
    /// A purse was offered as a SAM, or the other way round.
    #[error("this card is a {}, not a {}", Party::of(*.found).name(), .wanted.name())]
    WrongRole {
        /// What was wanted.
        wanted: Party,
        /// What it is.
        found: Role,
    },
    /// The card has not been personalised.
    #[error("this card is blank")]
    Blank,
    /// The card is past its last month.
    #[error("the {} has expired (last month of validity {})", .party.name(), month(*.expiry))]
    Expired {
        /// Whose.
        party: Party,
        /// Its last month.
        expiry: Expiry,
    },
    /// A card without key and certificate pays no purse and is paid by none.
    #[error("purse {0} has no key pair, and takes part in no transfer")]
    NoKeyPair(PartyNumber),
    /// A purse whose certificate is past its last month.
    #[error("the certificate of purse {number} has expired (last month of validity {})", month(*.expiry))]
    CertificateExpired {
        /// Whose.
        number: PartyNumber,
        /// Its last month.
        expiry: Expiry,
    },
    /// Payer and payee are one card, or a letter is not for this one.
    #[error("{0}")]
    WrongPurse(&'static str),
    /// What the payer was asked for is of an earlier offer: it was never debited and never will be, or is over long since.
    #[error("the request is too late: the payer's card has paid or been paid since its offer")]
    Outrun(PayDetails),
    /// The card has no pocket for this currency.
    #[error("the card has no pocket for currency {:03}", .0.numeric())]
    NoPocket(Currency),
    /// The card has no room for so much of this currency, minor units.
    #[error("the card's pocket for currency {:03} may hold no more than {} minor units", .0.numeric(), .1.0)]
    Full(Currency, Amount),
    /// The card takes no loads.
    #[error("the card is a disposable one and takes no loads")]
    Disposable,
    /// The exchange has given the account its other currency, which is still to be loaded.
    #[error("the exchange is half done: {source}; run `purse recover`")]
    ExchangeHalfDone {
        /// What is in the account: of this currency.
        currency: Currency,
        /// Minor units.
        amount: Amount,
        /// What came in between.
        source: Box<FlowError>,
    },
    /// The SAM does not have a record any more that the issuer has not had yet.
    #[error("the merchant SAM's record {0}, which the issuer still needs, has left its log")]
    RecordGone(Sequence),
    /// Value may have moved, or is on its way. The cards know; recovery finds out and finishes it.
    #[error("the outcome is unknown: {source}; run `purse recover`")]
    OutcomeUnknown {
        /// What was under way.
        pay_details: PayDetails,
        /// What came in between.
        source: Box<FlowError>,
    },
    /// The issuer has the collection's val, but the records that it was given do not account for it.
    #[error("the issuer waits for the merchant SAM's records; the collection is in flight")]
    CollectionWaits(PayDetails),
}

impl FlowError {
    pub(super) fn card(party: Party) -> impl Fn(CardError) -> Self + Copy {
        move |source| Self::Card { party, source }
    }

    pub(super) fn unknown(self, pay_details: &PayDetails) -> Self {
        match self {
            Self::OutcomeUnknown { .. } => self,
            source => Self::OutcomeUnknown { pay_details: *pay_details, source: Box::new(source) },
        }
    }

    /// A failure that leaves open whether the card has executed its command, or has heard of it at all: the outcome
    /// is unknown then. A refusal is certain.
    pub(super) fn in_doubt(self, pay_details: &PayDetails) -> Self {
        let is_away = matches!(&self, Self::Card { source, .. } if source.is_away());
        match self.failure() {
            Failure::NoCard | Failure::OutcomeUnknown => self.unknown(pay_details),
            _ if is_away => self.unknown(pay_details),
            _ => self,
        }
    }

    /// Status word of a card's refusal.
    pub fn status_code(&self) -> Option<u16> {
        match self {
            Self::Card { source, .. } => source.status_code(),
            Self::OutcomeUnknown { source, .. } | Self::ExchangeHalfDone { source, .. } => {
                source.status_code()
            }
            // To GET DATA.
            Self::NoKeyPair(_) => Some(StatusWord::ReferenceNotFound.code()),
            // To DEBIT.
            Self::Outrun(_) => Some(StatusWord::ConditionsOfUse.code()),
            _ => None,
        }
    }

    /// Whether a card has refused, for certain: it has said so in a word of the standard.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            Self::Card { source, .. } => source.status().is_some() && !source.may_have_happened(),
            Self::OutcomeUnknown { source, .. } => source.is_refusal(),
            Self::NoKeyPair(_) => true,
            _ => false,
        }
    }

    /// What it comes to.
    pub fn failure(&self) -> Failure {
        match self {
            Self::Card { source, .. } => match source.failure() {
                // Where value could have moved the flow has said so itself.
                Failure::OutcomeUnknown => Failure::NoCard,
                failure => failure,
            },
            Self::Issuer(
                IssuerError::Unanswered(_)
                | IssuerError::Store(StoreError::Database(_) | StoreError::Damaged(_)),
            )
            | Self::RecordGone(_) => Failure::Other,
            Self::Issuer(_) => Failure::IssuerDeclined,
            Self::WrongRole { .. }
            | Self::Blank
            | Self::Expired { .. }
            | Self::NoKeyPair(_)
            | Self::CertificateExpired { .. }
            | Self::WrongPurse(_)
            | Self::Outrun(_)
            | Self::NoPocket(_)
            | Self::Full(..)
            | Self::Disposable => Failure::Terminal,
            Self::OutcomeUnknown { .. } | Self::CollectionWaits(_) | Self::ExchangeHalfDone { .. } => {
                Failure::OutcomeUnknown
            }
        }
    }
}

fn month(Expiry([year, month]): Expiry) -> String {
    format!("20{year:02x}-{month:02x}")
}
