//! The example scheme that every vector and every run of the document uses: numbers, master keys, limits, all fixed.

use apdu_spec::cryptography::{Engine as _, KeyBytes, KeyPurpose, Session};
use apdu_spec::curve::{Curve as _, SharedSecret, pair_key};
use apdu_spec::element::{Currency, Kind, Role};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::personalisation::CardProfile;
use apdu_spec::pin::PinBlock;
use apdu_spec::software::Software;
use purse_terminal::process::example;

pub(crate) use purse_terminal::process::example::{
    EXPIRY, ISSUER_KEY, OPERATOR_PIN, PIN, TIME, VERSION, issuer_private_key, key, key_pair, master,
    private_key,
};

use crate::Outcome;

/// A card of the example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Purse,
    /// Another purse, with which the first one has to do in a transfer.
    Peer,
    Sam,
}

impl Who {
    pub(crate) const fn role(self) -> Role {
        match self {
            Self::Purse | Self::Peer => Role::Purse,
            Self::Sam => Role::Merchant,
        }
    }

    pub(crate) fn number(self) -> Outcome<PartyNumber> {
        Ok(match self {
            Self::Peer => example::other_purse()?,
            Self::Purse | Self::Sam => example::number(Some(self.role()))?,
        })
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

/// Which card key a transaction's session key comes from: purpose and card; none in a transfer.
pub(crate) const fn pair(pay_details: &PayDetails) -> Option<(KeyPurpose, PartyNumber)> {
    match pay_details.kind {
        Kind::Load => Some((KeyPurpose::Load, pay_details.to)),
        Kind::Unload => Some((KeyPurpose::Load, pay_details.from)),
        Kind::Purchase => Some((KeyPurpose::Payment, pay_details.from)),
        Kind::Refund => Some((KeyPurpose::Payment, pay_details.to)),
        Kind::Transfer => None,
    }
}

/// What two purses have in common, Z, and the pair key that it gives them.
pub(crate) fn agreed(pay_details: &PayDetails) -> Outcome<(SharedSecret, KeyBytes)> {
    let PayDetails { from, to, .. } = *pay_details;
    let public = key_pair(to)?.certificate.body.public_key;
    let shared = Software.agree(&private_key(from), &public).ok_or("two keys")?;
    let key = pair_key(&Software, &shared, from, to);
    Ok((shared, key))
}

/// The session of a transaction.
pub(crate) fn session(pay_details: &PayDetails) -> Outcome<Session<'static, Software>> {
    let key = match pair(pay_details) {
        Some((purpose, number)) => key(purpose, number),
        None => agreed(pay_details)?.1,
    };
    Ok(Session::new(&Software, &mut Software.load(&key), pay_details))
}

/// Calls `with` with everything that a card is personalised with.
pub(crate) fn with_profile<T>(
    who: Who,
    flags: u8,
    with: impl FnOnce(&CardProfile<'_>) -> Outcome<T>,
) -> Outcome<T> {
    example::with_profile(who.role(), flags, with)
}
