//! The example scheme that every vector and every run of the document uses: numbers, master keys, limits, all fixed.

use apdu_spec::cryptography::{Engine as _, KeyPurpose, Session};
use apdu_spec::element::{Currency, Kind, Role};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::personalisation::CardProfile;
use apdu_spec::pin::PinBlock;
use apdu_spec::software::Software;
use purse_terminal::process::example;

pub(crate) use purse_terminal::process::example::{EXPIRY, OPERATOR_PIN, PIN, TIME, VERSION, key, master};

use crate::Outcome;

/// A card of the example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Purse,
    Sam,
}

impl Who {
    pub(crate) const fn role(self) -> Role {
        match self {
            Self::Purse => Role::Purse,
            Self::Sam => Role::Merchant,
        }
    }

    pub(crate) fn number(self) -> Outcome<PartyNumber> {
        Ok(example::number(Some(self.role()))?)
    }
}

/// The issuer.
pub(crate) fn issuer() -> Outcome<PartyNumber> {
    Ok(example::number(None)?)
}

/// The one currency that is used, the euro.
pub(crate) fn currency() -> Outcome<Currency> {
    Ok(example::currency()?)
}

/// A PIN block.
pub(crate) fn pin(digits: &str) -> Outcome<PinBlock> {
    Ok(example::pin(digits)?)
}

/// Which key a transaction's session key comes from: purpose and card.
pub(crate) const fn pair(pay_details: &PayDetails) -> (KeyPurpose, PartyNumber) {
    match pay_details.kind {
        Kind::Load => (KeyPurpose::Load, pay_details.to),
        Kind::Unload => (KeyPurpose::Load, pay_details.from),
        Kind::Purchase => (KeyPurpose::Payment, pay_details.from),
        Kind::Refund | Kind::Transfer => (KeyPurpose::Payment, pay_details.to),
    }
}

/// The session of a transaction.
pub(crate) fn session(pay_details: &PayDetails) -> Session<'static, Software> {
    let (purpose, number) = pair(pay_details);
    Session::new(&Software, &mut Software.load(&key(purpose, number)), pay_details)
}

/// Calls `with` with everything that a card is personalised with.
pub(crate) fn with_profile<T>(
    who: Who,
    flags: u8,
    with: impl FnOnce(&CardProfile<'_>) -> Outcome<T>,
) -> Outcome<T> {
    example::with_profile(who.role(), flags, with)
}
