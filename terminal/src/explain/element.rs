//! What the value of a data element means (section 2 of the protocol).

use apdu_spec::cryptography::{Authenticator, KeyBytes, Tac};
use apdu_spec::element::{Amount, Currency, Expiry, KeyVersion, Kind, Role, Sequence, Time};
use apdu_spec::file::FLAG_DISPOSABLE;
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::number::PartyNumber;
use apdu_spec::parameter::{self, Resolution};
use apdu_spec::pin::PinBlock;
use apdu_spec::pocket::POCKETS;
use apdu_spec::record::{RecordRole, RecordState};
use apdu_spec::status_block;
use apdu_spec::tag;

use super::cursor::bytes_of;
use crate::amount::{Denomination, format_minor};

/// A data element of fixed length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    Kind,
    KeyVersion,
    Currency,
    Exponent,
    Amount,
    Number,
    Sequence,
    Time,
    Tac,
    Authenticator,
    Version,
    LifeCycle,
    Role,
    RecordRole,
    RecordState,
    Expiry,
    Flags,
    Counter,
    ParameterId,
    Pocket,
    Resolution,
    Tries,
    PinBlock,
    Key,
    /// Tag of two bytes and length of a data object.
    Header,
    Opaque(u8),
}

/// What amounts are counted in, once that has been read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Money {
    currency: Option<Currency>,
    exponent: Option<u8>,
}

/// More digits than this behind the point has no currency; they are not worth a line of zeros.
const MOST_DIGITS: u8 = 9;

impl Element {
    /// The element that the command table calls so.
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "key version" => Self::KeyVersion,
            "currency" => Self::Currency,
            "exponent" => Self::Exponent,
            "amount" | "balance" | "maximum balance" => Self::Amount,
            "from" | "to" | "own number" | "peer number" => Self::Number,
            "from sequence" | "to sequence" | "own sequence" => Self::Sequence,
            "time" => Self::Time,
            "TAC" => Self::Tac,
            "req" | "val" | "ack" | "nack" => Self::Authenticator,
            "role" => Self::RecordRole,
            "peer role" => Self::Role,
            "peer expiry" => Self::Expiry,
            "version" => Self::Version,
            "body header" | "signature header" => Self::Header,
            "state" => Self::RecordState,
            "counter" => Self::Counter,
            "PIN block" | "old PIN block" | "new PIN block" => Self::PinBlock,
            _ => return None,
        })
    }

    /// Bytes on the wire.
    pub(super) const fn length(self) -> usize {
        match self {
            Self::Kind
            | Self::KeyVersion
            | Self::Exponent
            | Self::Version
            | Self::LifeCycle
            | Self::Role
            | Self::RecordRole
            | Self::RecordState
            | Self::Flags
            | Self::ParameterId
            | Self::Pocket
            | Self::Resolution
            | Self::Tries => 1,
            Self::Currency => Currency::LENGTH,
            Self::Expiry => Expiry::LENGTH,
            Self::Amount => Amount::LENGTH,
            Self::Sequence => Sequence::LENGTH,
            Self::Time => Time::LENGTH,
            Self::Counter => size_of::<u32>(),
            Self::Number => PartyNumber::LENGTH,
            Self::Tac => Tac::LENGTH,
            Self::Authenticator => Authenticator::LENGTH,
            Self::PinBlock => PinBlock::LENGTH,
            Self::Key => KeyBytes::LENGTH,
            Self::Header => 3,
            Self::Opaque(length) => length as usize,
        }
    }

    /// Whether nobody may see it who has not asked for it.
    pub(super) const fn is_secret(self) -> bool {
        matches!(self, Self::PinBlock | Self::Key)
    }

    /// What these bytes mean, none where they stand for themselves. `name` tells authenticators apart.
    pub(super) fn meaning(self, name: &str, bytes: &[u8], money: &mut Money) -> Option<String> {
        let &first = bytes.first()?;
        let known = |name: Option<&str>, what: &str| {
            Some(name.map_or_else(|| format!("not a {what} of the standard"), str::to_owned))
        };
        match self {
            Self::Kind => known(Kind::parse(first).ok().map(Kind::name), "kind"),
            Self::LifeCycle => known(LifeCycle::parse(first).ok().map(LifeCycle::name), "life cycle"),
            Self::Role => known(Role::parse(first).ok().map(Role::name), "role"),
            Self::RecordRole => {
                known(RecordRole::parse(first).ok().map(RecordRole::name), "role of a record")
            }
            Self::RecordState => {
                known(RecordState::parse(first).ok().map(RecordState::name), "state of a record")
            }
            Self::ParameterId => known(parameter::name(first), "parameter"),
            Self::Resolution => known(Resolution::parse(first).ok().map(Resolution::name), "resolution"),
            Self::Version => Some(if first == status_block::VERSION {
                "of the standard".to_owned()
            } else {
                "not this standard".to_owned()
            }),
            Self::KeyVersion => Some(match KeyVersion(first) {
                KeyVersion::NONE => "none".to_owned(),
                KeyVersion(version) => version.to_string(),
            }),
            Self::Exponent => {
                money.exponent = Some(first);
                Some(format!("digits behind the point: {first}"))
            }
            Self::Currency => Some(currency(Currency(array(bytes)?), money)),
            Self::Amount => Some(money.amount(Amount::parse(array(bytes)?))),
            Self::Number => Some(number(array(bytes)?)),
            Self::Sequence => Some(sequence(Sequence::parse(array(bytes)?))),
            Self::Counter => Some(u32::from_be_bytes(array(bytes)?).to_string()),
            Self::Time => time(Time::parse(array(bytes)?)),
            Self::Expiry => Some(expiry(Expiry(array(bytes)?))),
            Self::Flags => Some(flags(first)),
            Self::Pocket if usize::from(first) < POCKETS => Some(format!("pocket {first}")),
            Self::Pocket => Some("no card has this pocket".to_owned()),
            Self::Tries => Some(first.to_string()),
            Self::Tac if Tac(array(bytes)?) == Tac::NONE => Some("none: the issuer pays".to_owned()),
            Self::Tac => Some("the payer's certificate for the issuer".to_owned()),
            Self::Authenticator => authenticator(name).map(str::to_owned),
            // What it says is the secret; its form is not.
            Self::PinBlock => Some(match PinBlock::parse(array(bytes)?) {
                Ok(_) => "ISO 9564 format 2".to_owned(),
                Err(_) => "malformed: not ISO 9564 format 2".to_owned(),
            }),
            Self::Header => header(array(bytes)?),
            Self::Key | Self::Opaque(_) => None,
        }
    }
}

impl Money {
    /// `3.50 EUR`; minor units where nothing says of what.
    fn amount(self, Amount(minor): Amount) -> String {
        let denomination = self.currency.and_then(|currency| Denomination::from_element(currency).ok());
        let exponent = self.exponent.or(denomination.map(Denomination::exponent));
        match (exponent, self.currency.filter(|currency| *currency != Currency::NONE)) {
            (Some(exponent @ ..=MOST_DIGITS), Some(currency)) => {
                format!("{} {}", format_minor(minor.into(), exponent), letters(currency))
            }
            _ => format!("minor units: {minor}"),
        }
    }
}

fn array<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}

fn iso(currency: Currency) -> Option<iso_currency::Currency> {
    if currency.is_valid() { iso_currency::Currency::from_numeric(currency.numeric()) } else { None }
}

fn letters(currency: Currency) -> String {
    iso(currency).map_or_else(|| hex::encode(currency.0), |known| known.code().to_owned())
}

fn currency(code: Currency, money: &mut Money) -> String {
    *money = Money { currency: Some(code), exponent: None };
    match iso(code) {
        Some(known) => format!("{}, {}", known.code(), known.name()),
        None if code == Currency::NONE => "none".to_owned(),
        None => "not a currency of ISO 4217".to_owned(),
    }
}

fn number(bytes: [u8; 8]) -> String {
    match PartyNumber::parse(bytes) {
        Ok(number) => number.to_string(),
        Err(_) if PartyNumber(bytes) == PartyNumber::NONE => "none".to_owned(),
        Err(_) => "nobody's: its digits or its check digit are wrong".to_owned(),
    }
}

fn sequence(sequence: Sequence) -> String {
    match sequence {
        Sequence::NONE => "none yet".to_owned(),
        _ if sequence >= Sequence::EXHAUSTED => format!("{sequence}, for what is open alone"),
        _ => sequence.to_string(),
    }
}

fn time(Time(seconds): Time) -> Option<String> {
    jiff::Timestamp::from_second(seconds.into()).ok().map(|time| time.to_string())
}

fn expiry(expiry: Expiry) -> String {
    let Expiry([year, month]) = expiry;
    if expiry.is_valid() { format!("20{year:02x}-{month:02x}") } else { "not a month".to_owned() }
}

fn flags(flags: u8) -> String {
    match flags {
        0 => "none".to_owned(),
        FLAG_DISPOSABLE => "disposable".to_owned(),
        _ => "with flags that the standard does not have".to_owned(),
    }
}

/// Of which data object, and how long it is.
fn header([high, low, length]: [u8; 3]) -> Option<String> {
    let name = tag::name(u16::from_be_bytes([high, low]))?;
    Some(format!("{name}, {}", bytes_of(length.into())))
}

/// Whose word an authenticator is.
fn authenticator(name: &str) -> Option<&'static str> {
    match name {
        "req" => Some("the payee asks"),
        "val" => Some("the payer has debited"),
        "ack" => Some("the payee has credited"),
        "nack" => Some("the payee never will credit"),
        "MAC" => Some("the issuer's, under ADMN"),
        _ => None,
    }
}
