//! An example scheme: one purse, one merchant SAM, their issuer with books in memory. The document's runs and vectors and
//! `purse run` are of it. Every key and number is fixed, and no secret of anybody.

use apdu_spec::cryptography::{Engine as _, KeyBytes, KeyPurpose, card_key};
use apdu_spec::element::{Amount, Currency, Expiry, KeyVersion, Role, Time};
use apdu_spec::number::PartyNumber;
use apdu_spec::personalisation::{CardProfile, IdentityGroup, PocketGroup};
use apdu_spec::pin::PinBlock;
use apdu_spec::pocket::{Limits, PocketParameters};
use apdu_spec::software::Software;
use purse_reference::value::Value;

use super::AtHand;
use crate::client::{CardError, Client};
use crate::issuer::{Funding, Issuer, IssuerError, Keyring, MasterKeys, MemoryStore, NewCard};
use crate::transport::Transport;

/// PIN of the purse.
pub const PIN: &str = "1234";
/// PIN of the SAM's operator.
pub const OPERATOR_PIN: &str = "9999";
/// The holder's account, with 100.00.
pub const HOLDER: &str = "holder";
/// The merchant's account.
const MERCHANT: &str = "merchant";
/// Version of every key.
pub const VERSION: KeyVersion = KeyVersion(1);
/// When everything happens: 2027-01-15T08:00:00Z.
pub const TIME: Time = Time(1_800_000_000);
/// The month of that time, YYMM in BCD.
const MONTH: i64 = 0x2701;
/// The last month of validity of both cards.
pub const EXPIRY: Expiry = Expiry([0x30, 0x12]);

/// Why there is no example: a mistake of this program.
#[derive(Debug, thiserror::Error)]
pub enum ExampleError {
    /// A card does not take its profile.
    #[error(transparent)]
    Card(#[from] CardError),
    /// The issuer does not take a card or an account.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    /// A number, a currency or a PIN that is none.
    #[error("the example is no example: {0}")]
    Form(&'static str),
}

/// The number of a card of this role, or of the issuer.
///
/// # Errors
/// A mistake of this program.
pub fn number(role: Option<Role>) -> Result<PartyNumber, ExampleError> {
    let place = match role {
        None => 0,
        Some(Role::Purse) => 1,
        Some(Role::Merchant) => 2,
    };
    PartyNumber::with_check_digit(955_500_000_000_000 + place).ok_or(ExampleError::Form("a number"))
}

/// The euro.
///
/// # Errors
/// A mistake of this program.
pub fn currency() -> Result<Currency, ExampleError> {
    Currency::from_numeric(978).map_err(|_| ExampleError::Form("a currency"))
}

/// A PIN block of these digits.
///
/// # Errors
/// These are no PIN.
pub fn pin(digits: &str) -> Result<PinBlock, ExampleError> {
    PinBlock::from_digits(digits).map_err(|_| ExampleError::Form("a PIN"))
}

/// A master key: its label, then 11, 22, ... CC.
pub fn master(purpose: KeyPurpose) -> KeyBytes {
    let mut bytes = [0; KeyBytes::LENGTH];
    let filling = (1_u8..).map(|number| number * 0x11);
    for (byte, value) in bytes.iter_mut().zip(purpose.label().into_iter().chain(filling)) {
        *byte = value;
    }
    KeyBytes(bytes)
}

/// A card's key.
pub fn key(purpose: KeyPurpose, card: PartyNumber) -> KeyBytes {
    card_key(&Software, &mut Software.load(&master(purpose)), purpose, card, VERSION)
}

/// What a card may hold and spend, in cents.
const fn limits(role: Role) -> Limits {
    match role {
        Role::Purse => Limits {
            maximum_balance: Amount(15_000),
            maximum_debit: Amount(10_000),
            debit_without_pin: Amount(2_500),
            total_without_pin: Amount(5_000),
            maximum_transfer: Amount(5_000),
            offline_receipts: Amount(15_000),
        },
        Role::Merchant => Limits {
            maximum_balance: Amount(1_000_000),
            maximum_debit: Amount(10_000),
            debit_without_pin: Amount(0),
            total_without_pin: Amount(0),
            maximum_transfer: Amount(0),
            offline_receipts: Amount(1_000_000),
        },
    }
}

/// Calls `with` with everything that a card is personalised with.
///
/// # Errors
/// What `with` ends with, or a mistake of this program.
pub fn with_profile<T, E: From<ExampleError>>(
    role: Role,
    flags: u8,
    with: impl FnOnce(&CardProfile<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let card = number(Some(role))?;
    let masters = [(VERSION, master(KeyPurpose::Payment))];
    let parameters = PocketParameters { currency: currency()?, exponent: 2, limits: limits(role) };
    with(&CardProfile {
        identity: IdentityGroup {
            role,
            number: card,
            key_version: VERSION,
            expiry: EXPIRY,
            issuer: number(None)?,
            flags,
        },
        pockets: [Some(PocketGroup { parameters, balance: Amount::ZERO }), None, None, None, None],
        keys: KeyPurpose::ALL.map(|purpose| key(purpose, card)),
        masters: if role == Role::Merchant { &masters } else { &[] },
        pin: pin(if role == Role::Purse { PIN } else { OPERATOR_PIN })?,
        key_pair: None,
    })
}

/// Personalises a blank card over APDUs, as `purse card new` does.
///
/// # Errors
/// The card does not take it.
pub fn personalise(transport: &mut dyn Transport, role: Role) -> Result<(), ExampleError> {
    let mut client = Client::select(transport)?;
    with_profile(role, 0, |profile| Ok(client.personalise(profile, &Software)?))
}

/// The issuer, which knows both cards.
///
/// # Errors
/// A mistake of this program.
pub fn issuer() -> Result<Issuer<MemoryStore, Software>, ExampleError> {
    let keys = MasterKeys {
        load: master(KeyPurpose::Load),
        payment: master(KeyPurpose::Payment),
        tac: master(KeyPurpose::Tac),
        administration: master(KeyPurpose::Administration),
    };
    let keyring = Keyring::from([(VERSION, keys)]);
    let mut issuer = Issuer::new(MemoryStore::new(), Software, number(None)?, keyring);
    issuer.register_account(HOLDER, currency()?, 10_000)?;
    issuer.register_account(MERCHANT, currency()?, 0)?;
    for (role, account) in [(Role::Purse, HOLDER), (Role::Merchant, MERCHANT)] {
        issuer.register_card(&NewCard {
            number: number(Some(role))?,
            role,
            key_version: VERSION,
            account,
            pockets: &[(currency()?, Amount::ZERO)],
            funding: Funding::Account,
        })?;
    }
    Ok(issuer)
}

/// Tells a process everything that it may ask for. `card` is whose payments a recovery brings to their end; no digits
/// where no PIN is asked for.
///
/// # Errors
/// These digits are no PIN, or a mistake of this program.
pub fn told<'a>(
    at_hand: AtHand<'a>,
    amount: Amount,
    card: Role,
    digits: Option<&str>,
) -> Result<AtHand<'a>, ExampleError> {
    let payer_pin = match digits {
        None => Vec::new(),
        Some(digits) => pin(digits)?.emit().to_vec(),
    };
    Ok(at_hand
        .told("AMOUNT", Value::Number(amount.0.into()))
        .told("CURRENCY", Value::Bytes(currency()?.0.to_vec()))
        .told("TIME", Value::Number(TIME.0.into()))
        .told("MONTH", Value::Number(MONTH))
        .told("ACCOUNT", Value::Bytes(HOLDER.as_bytes().to_vec()))
        .told("ISSUER.NUMBER", Value::Bytes(number(None)?.0.to_vec()))
        .told("CARD", Value::Bytes(number(Some(card))?.0.to_vec()))
        .told("PIN", Value::Bytes(payer_pin)))
}
