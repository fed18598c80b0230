//! Everything of fixed shape that crosses the wire: what is read is written as the same bytes.

use apdu_spec::certificate::Certificate;
use apdu_spec::command::response::parse_authenticator;
use apdu_spec::command::{Initialized, ParameterBytes, PocketBalance, Proof};
use apdu_spec::element::{Amount, Currency, DataError, Expiry};
use apdu_spec::file::IdentityFile;
use apdu_spec::number::PartyNumber;
use apdu_spec::parameter::Parameter;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::personalisation::{IdentityGroup, PocketGroup};
use apdu_spec::pin::PinBlock;
use apdu_spec::pocket::PocketParameters;
use apdu_spec::record::LogRecord;
use apdu_spec::status::StatusWord;
use apdu_spec::status_block::StatusBlock;
use purse_terminal::amount::Denomination;

/// Runs one element: a byte says which, the rest is it.
///
/// # Panics
/// Where it is written otherwise than it was read.
pub fn target(data: &[u8]) {
    let Some((which, bytes)) = data.split_first() else { return };
    match which % 18 {
        0 => whole(bytes, |bytes| PayDetails::parse(bytes).map(|it| it.emit())),
        1 => whole(bytes, |bytes| LogRecord::parse(bytes).map(|it| it.emit())),
        2 => whole(bytes, |bytes| StatusBlock::parse(bytes).map(|it| it.emit())),
        3 => whole(bytes, |bytes| IdentityFile::parse(bytes).map(|it| it.emit())),
        4 => whole(bytes, |bytes| PocketParameters::parse(bytes).map(|it| it.emit())),
        5 => any(bytes, |bytes| Initialized::parse(bytes).map(|it| it.emit().to_vec())),
        6 => any(bytes, |bytes| Proof::parse(bytes).map(|it| it.emit().to_vec())),
        7 => any(bytes, |bytes| PocketBalance::parse(bytes).map(|it| it.emit().to_vec())),
        8 => any(bytes, |bytes| parse_authenticator(bytes).map(|it| it.0.to_vec())),
        9 => any(bytes, |bytes| IdentityGroup::parse(bytes).map(|it| it.emit().to_vec())),
        10 => any(bytes, |bytes| PocketGroup::parse(bytes).map(|it| it.emit().to_vec())),
        11 => parameter(bytes),
        12 => whole(bytes, |bytes| PinBlock::parse(*bytes).map(|it| it.emit())),
        13 => party(bytes),
        14 => money(bytes),
        15 => any(bytes, |bytes| Certificate::parse(bytes).map(|it| it.emit().to_vec())),
        16 => any(bytes, |bytes| Certificate::parse_object(bytes).map(|it| it.object().to_vec())),
        _ => small(bytes),
    }
}

/// An element of so many bytes.
#[track_caller]
fn whole<const N: usize>(bytes: &[u8], again: impl Fn(&[u8; N]) -> Result<[u8; N], DataError>) {
    if let Ok(bytes) = bytes.try_into()
        && let Ok(written) = again(bytes)
    {
        assert_eq!(&written, bytes);
    }
}

/// An element that knows its length.
#[track_caller]
fn any(bytes: &[u8], again: impl Fn(&[u8]) -> Result<Vec<u8>, DataError>) {
    if let Ok(written) = again(bytes) {
        assert_eq!(written, bytes);
    }
}

fn parameter(bytes: &[u8]) {
    let Some((id, value)) = bytes.split_first() else { return };
    if let Ok(parameter) = Parameter::parse(*id, value) {
        assert_eq!(parameter.id(), *id);
        assert_eq!(ParameterBytes::new(&parameter).value(), value);
    }
}

fn party(bytes: &[u8]) {
    if let Ok(bytes) = bytes.try_into()
        && let Ok(number) = PartyNumber::parse(bytes)
    {
        assert_eq!(number.to_string().parse(), Ok(number));
        assert_eq!(PartyNumber::with_check_digit(number.digits() / 10), Some(number));
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(number) = text.parse::<PartyNumber>()
    {
        assert_eq!(number.to_string(), text);
    }
}

/// A currency of a card, an amount on the wire, and the same as a text.
fn money(bytes: &[u8]) {
    let Some((code, rest)) = bytes.split_first_chunk() else { return };
    let Ok(denomination) = Denomination::from_element(Currency(*code)) else { return };
    assert_eq!(Denomination::from_code(denomination.code()), Ok(denomination));
    if let Some(amount) = rest.first_chunk() {
        let amount = Amount::parse(*amount);
        assert_eq!(denomination.parse(&denomination.format(amount)), Ok(amount));
    }
    if let Ok(text) = std::str::from_utf8(rest) {
        match denomination.parse(text) {
            Ok(amount) => assert_eq!(denomination.parse(&denomination.format(amount)), Ok(amount)),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

fn small(bytes: &[u8]) {
    let Some(bytes) = bytes.first_chunk() else { return };
    if let Some(status) = StatusWord::from_code(u16::from_be_bytes(*bytes)) {
        assert_eq!(&status.emit(), bytes);
    }
    let currency = Currency(*bytes);
    if currency.is_valid() {
        assert_eq!(Currency::from_numeric(currency.numeric()), Ok(currency));
    }
    if Expiry(*bytes).is_valid() {
        let [year, month] = *bytes;
        assert!((1..=12).contains(&((month >> 4) * 10 + (month & 15))) && year >> 4 < 10 && year & 15 < 10);
    }
}
