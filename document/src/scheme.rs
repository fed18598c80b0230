//! The example scheme that every vector and every run of the document uses: numbers, master keys, limits, all fixed.

use apdu_spec::cryptography::{Engine as _, KeyBytes, KeyPurpose, Session, card_key};
use apdu_spec::element::{Amount, Currency, Expiry, KeyVersion, Kind, Role, Time};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::personalisation::{CardProfile, IdentityGroup, PocketGroup};
use apdu_spec::pin::PinBlock;
use apdu_spec::pocket::{Limits, PocketParameters};
use apdu_spec::software::Software;

use crate::Outcome;

/// Version of all keys.
pub(crate) const VERSION: KeyVersion = KeyVersion(1);
/// When everything happens: 2027-01-15T08:00:00Z.
pub(crate) const TIME: Time = Time(1_800_000_000);
/// The last month of validity of every card.
pub(crate) const EXPIRY: Expiry = Expiry([0x30, 0x12]);
/// PIN of the purse.
pub(crate) const PIN: &str = "1234";
/// PIN of the operator of the merchant SAM.
pub(crate) const OPERATOR_PIN: &str = "9999";

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

    const fn place(self) -> u64 {
        match self {
            Self::Purse => 1,
            Self::Sam => 2,
        }
    }

    pub(crate) fn number(self) -> Outcome<PartyNumber> {
        party(self.place())
    }
}

/// A party by its place among the numbers.
pub(crate) fn party(place: u64) -> Outcome<PartyNumber> {
    Ok(PartyNumber::with_check_digit(955_500_000_000_000 + place).ok_or("a number has 15 digits")?)
}

/// The issuer.
pub(crate) fn issuer() -> Outcome<PartyNumber> {
    party(0)
}

/// The one currency that is used, the euro.
pub(crate) fn currency() -> Outcome<Currency> {
    Ok(Currency::from_numeric(978).map_err(|_| "978 is a code")?)
}

/// A PIN block.
pub(crate) fn pin(digits: &str) -> Outcome<PinBlock> {
    Ok(PinBlock::from_digits(digits).map_err(|_| "a PIN has 4 to 12 digits")?)
}

/// A master key: its label, then 11, 22, ... CC.
pub(crate) fn master(purpose: KeyPurpose) -> KeyBytes {
    let mut bytes = [0; KeyBytes::LENGTH];
    let filling = (1_u8..).map(|number| number * 0x11);
    for (byte, value) in bytes.iter_mut().zip(purpose.label().into_iter().chain(filling)) {
        *byte = value;
    }
    KeyBytes(bytes)
}

/// A card's key.
pub(crate) fn key(purpose: KeyPurpose, number: PartyNumber) -> KeyBytes {
    card_key(&Software, &mut Software.load(&master(purpose)), purpose, number, VERSION)
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

/// What a purse may hold and spend.
const PURSE_LIMITS: Limits = Limits {
    maximum_balance: Amount(15_000),
    maximum_debit: Amount(10_000),
    debit_without_pin: Amount(2_500),
    total_without_pin: Amount(5_000),
    maximum_transfer: Amount(5_000),
    offline_receipts: Amount(15_000),
};

/// What a merchant SAM may hold and refund.
const SAM_LIMITS: Limits = Limits {
    maximum_balance: Amount(1_000_000),
    maximum_debit: Amount(10_000),
    debit_without_pin: Amount(0),
    total_without_pin: Amount(0),
    maximum_transfer: Amount(0),
    offline_receipts: Amount(1_000_000),
};

/// Calls `with` with everything that a card is personalised with.
pub(crate) fn with_profile<T>(
    who: Who,
    flags: u8,
    with: impl FnOnce(&CardProfile<'_>) -> Outcome<T>,
) -> Outcome<T> {
    let number = who.number()?;
    let (limits, digits) = match who {
        Who::Purse => (PURSE_LIMITS, PIN),
        Who::Sam => (SAM_LIMITS, OPERATOR_PIN),
    };
    let parameters = PocketParameters { currency: currency()?, exponent: 2, limits };
    let masters = [(VERSION, master(KeyPurpose::Payment))];
    with(&CardProfile {
        identity: IdentityGroup {
            role: who.role(),
            number,
            key_version: VERSION,
            expiry: EXPIRY,
            issuer: issuer()?,
            flags,
        },
        pockets: [Some(PocketGroup { parameters, balance: Amount::ZERO }), None, None, None, None],
        keys: KeyPurpose::ALL.map(|purpose| key(purpose, number)),
        masters: if who == Who::Sam { &masters } else { &[] },
        pin: pin(digits)?,
    })
}
