//! An example scheme: one purse, one merchant SAM, their issuer with books in memory. The document's runs and vectors and
//! `purse run` are of it. Every key and number is fixed, and no secret of anybody.

use apdu_spec::certificate::{Certificate, CertificateBody};
use apdu_spec::cryptography::{Engine as _, KeyBytes, KeyPurpose, card_key};
use apdu_spec::curve::{Curve as _, PrivateKey};
use apdu_spec::element::{Amount, Currency, Expiry, KeyVersion, Role, Time};
use apdu_spec::number::PartyNumber;
use apdu_spec::personalisation::{CardProfile, IdentityGroup, KeyPair, PocketGroup};
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

/// The number of another purse, which the first one meets in a transfer.
///
/// # Errors
/// A mistake of this program.
pub fn other_purse() -> Result<PartyNumber, ExampleError> {
    PartyNumber::with_check_digit(955_500_000_000_003).ok_or(ExampleError::Form("a number"))
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

/// Index of the issuer's key that certificates are signed with.
pub const ISSUER_KEY: u8 = 1;

/// The issuer's private key for certificates: 32 bytes, C1, C2, ... E0.
pub fn issuer_private_key() -> PrivateKey {
    counting_from(0xC1)
}

/// A purse's private key: 32 bytes that count on from the last digits of its number, 18, 19, ... 37 for 95...18.
pub fn private_key(purse: PartyNumber) -> PrivateKey {
    let [.., last] = purse.0;
    counting_from(last)
}

fn counting_from(first: u8) -> PrivateKey {
    let mut bytes = [0; PrivateKey::LENGTH];
    for (byte, value) in bytes.iter_mut().zip(first..) {
        *byte = value;
    }
    PrivateKey(bytes)
}

/// A purse's key pair, with the issuer's certificate.
///
/// # Errors
/// A mistake of this program.
pub fn key_pair(purse: PartyNumber) -> Result<KeyPair, ExampleError> {
    let (private_key, issuer) = (private_key(purse), issuer_private_key());
    let public = |private| Software.public_key(private).ok_or(ExampleError::Form("a private key"));
    let public_key = public(&private_key)?;
    let body = CertificateBody {
        issuer_key: ISSUER_KEY,
        role: Role::Purse,
        number: purse,
        expiry: EXPIRY,
        public_key,
    };
    let signature = Software::sign(&issuer, &body.emit()).ok_or(ExampleError::Form("a private key"))?;
    let certificate = Certificate { body, signature };
    Ok(KeyPair { issuer_key: public(&issuer)?, private_key, certificate })
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
    with_profile_of(number(Some(role))?, role, flags, with)
}

/// The same of a card with another number.
///
/// # Errors
/// What `with` ends with, or a mistake of this program.
pub fn with_profile_of<T, E: From<ExampleError>>(
    card: PartyNumber,
    role: Role,
    flags: u8,
    with: impl FnOnce(&CardProfile<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let key_pair = if role == Role::Purse { Some(key_pair(card)?) } else { None };
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
        key_pair: key_pair.as_ref(),
    })
}

/// Personalises a blank card over APDUs, as `purse card new` does.
///
/// # Errors
/// The card does not take it.
pub fn personalise(transport: &mut dyn Transport, role: Role) -> Result<(), ExampleError> {
    personalise_as(transport, number(Some(role))?, role)
}

/// The same of a card with another number.
///
/// # Errors
/// The card does not take it.
pub fn personalise_as(
    transport: &mut dyn Transport,
    card: PartyNumber,
    role: Role,
) -> Result<(), ExampleError> {
    let mut client = Client::select(transport)?;
    with_profile_of(card, role, 0, |profile| Ok(client.personalise(profile, &Software)?))
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

/// Tells a process everything that it may ask for. `cards` are those whose payments a recovery brings to their end; no
/// digits where no PIN is asked for.
///
/// # Errors
/// These digits are no PIN, or a mistake of this program.
pub fn told<'a>(
    at_hand: AtHand<'a>,
    amount: Amount,
    cards: &[PartyNumber],
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
        .told("CARDS", Value::Bytes(cards.iter().flat_map(|number| number.0).collect()))
        .told("PIN", Value::Bytes(payer_pin)))
}
