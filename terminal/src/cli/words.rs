//! How things are called, for a person and in JSON.

use apdu_spec::element::{Currency, Expiry, Kind, Role, Time};
use purse_terminal::amount::{Denomination, format_minor};
use serde_json::{Value, json};

/// What nobody here has a word for.
pub(crate) const UNKNOWN: &str = "unknown";

/// What a card is, for a person.
pub(crate) const fn role(role: Role) -> &'static str {
    match role {
        Role::Purse => "purse",
        Role::Merchant => "merchant's SAM",
    }
}

/// What a card is, in JSON and on the command line.
pub(crate) const fn role_code(role: Role) -> &'static str {
    match role {
        Role::Purse => "purse",
        Role::Merchant => "merchant",
    }
}

/// What a transaction is, seen from a card of this role.
pub(crate) const fn kind(kind: Kind, role: Role) -> &'static str {
    match (kind, role) {
        (Kind::Unload, Role::Merchant) => "collection",
        _ => kind.name(),
    }
}

/// Letters of a currency; its number where ISO 4217 does not know it.
pub(crate) fn currency(currency: Currency) -> String {
    Denomination::from_element(currency)
        .map_or_else(|_| format!("{:03}", currency.numeric()), |denomination| denomination.code().to_owned())
}

/// Minor units of a currency with its digits; as they are where ISO 4217 does not know it.
pub(crate) fn decimal(code: Currency, minor: i128) -> String {
    let exponent = Denomination::from_element(code).map_or(0, Denomination::exponent);
    format_minor(minor, exponent)
}

/// `3.50 EUR`
pub(crate) fn money(code: Currency, minor: i128) -> String {
    format!("{} {}", decimal(code, minor), currency(code))
}

/// `2031-11`
pub(crate) fn expiry(expiry: Expiry) -> String {
    let Expiry([year, month]) = expiry;
    format!("20{year:02x}-{month:02x}")
}

/// `2026-11-23 15:32:36Z`
pub(crate) fn time(time: Time) -> String {
    jiff::Timestamp::from_second(i64::from(time.0))
        .map_or_else(|_| time.0.to_string(), |time| time.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}

/// Money in JSON: exact decimals as text, for a number would be rounded by many a reader.
pub(crate) fn amount(code: Currency, minor: impl Into<i128>) -> Value {
    json!(decimal(code, minor.into()))
}
