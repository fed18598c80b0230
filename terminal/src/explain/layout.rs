//! Objects of fixed length: PD, log record, status block, EF.ID, pockets, numbers (sections 2 and 4).

use apdu_spec::element::{Currency, KeyVersion, Sequence};
use apdu_spec::file::IdentityFile;
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::personalisation::PocketGroup;
use apdu_spec::pin::PinBlock;
use apdu_spec::pocket::{POCKETS, PocketParameters};
use apdu_spec::record::LogRecord;
use apdu_spec::status_block::StatusBlock;

use super::cursor::Cursor;
use super::element::{Element, Money};
use super::{Fit, Misfit, Object, Reading};

/// Names and elements in their order.
pub(super) type Layout = &'static [(&'static str, Element)];

/// PD.
pub(super) const PAY_DETAILS: Layout = &[
    ("kind", Element::Kind),
    ("key version", Element::KeyVersion),
    ("currency", Element::Currency),
    ("amount", Element::Amount),
    ("from", Element::Number),
    ("from sequence", Element::Sequence),
    ("to", Element::Number),
    ("to sequence", Element::Sequence),
    ("time", Element::Time),
];

/// What a log record holds behind PD.
const BEHIND_PAY_DETAILS: Layout = &[
    ("role", Element::RecordRole),
    ("state", Element::RecordState),
    ("balance", Element::Amount),
    ("TAC", Element::Tac),
];

/// The status block.
pub(super) const STATUS_BLOCK: Layout = &[
    ("version", Element::Version),
    ("life cycle", Element::LifeCycle),
    ("role", Element::Role),
    ("purse number", Element::Number),
    ("key version", Element::KeyVersion),
    ("sequence", Element::Sequence),
    ("currency", Element::Currency),
    ("exponent", Element::Exponent),
    ("balance", Element::Amount),
    ("expiry", Element::Expiry),
    ("maximum balance", Element::Amount),
];

/// What EF.ID holds between status block and pockets.
const BEHIND_STATUS_BLOCK: Layout =
    &[("issuer number", Element::Number), ("last ADMN counter", Element::Counter), ("flags", Element::Flags)];

/// The six limits of a pocket.
pub(super) const LIMITS: Layout = &[
    ("maximum balance", Element::Amount),
    ("maximum debit", Element::Amount),
    ("one debit without PIN", Element::Amount),
    ("total without PIN", Element::Amount),
    ("maximum transfer", Element::Amount),
    ("offline receipts", Element::Amount),
];

/// The limits come behind these.
pub(super) const POCKET: Layout = &[("currency", Element::Currency), ("exponent", Element::Exponent)];
/// The same in a data group.
pub(super) const POCKET_GROUP: Layout =
    &[("currency", Element::Currency), ("exponent", Element::Exponent), ("initial balance", Element::Amount)];

/// Bytes of the elements.
pub(super) fn length_of(layout: Layout) -> usize {
    layout.iter().map(|(_, element)| element.length()).sum()
}

/// PD as a field.
pub(super) fn put_pay_details(cursor: &mut Cursor<'_>, money: &mut Money) -> Result<(), Misfit> {
    cursor.group("PD", PayDetails::LENGTH, |parts| parts.elements(PAY_DETAILS, money).map(|()| None))
}

/// A log record's fields.
pub(super) fn put_record(cursor: &mut Cursor<'_>) -> Result<(), Misfit> {
    let mut money = Money::default();
    put_pay_details(cursor, &mut money)?;
    cursor.elements(BEHIND_PAY_DETAILS, &mut money)
}

/// EF.ID's fields.
pub(super) fn put_identity(cursor: &mut Cursor<'_>) -> Result<(), Misfit> {
    cursor.group("status block", StatusBlock::LENGTH, |parts| {
        parts.elements(STATUS_BLOCK, &mut Money::default()).map(|()| None)
    })?;
    cursor.elements(BEHIND_STATUS_BLOCK, &mut Money::default())?;
    (0..POCKETS).try_for_each(|pocket| {
        cursor.group(format!("pocket {pocket}"), PocketParameters::LENGTH, |parts| {
            let unused = parts.rest().iter().all(|byte| *byte == 0);
            let mut money = Money::default();
            parts.elements(POCKET, &mut money)?;
            parts.elements(LIMITS, &mut money)?;
            Ok(unused.then(|| "unused".to_owned()))
        })
    })
}

/// Whether EF.ID has this form.
pub(super) fn is_identity(bytes: &[u8]) -> bool {
    <&[u8; IdentityFile::LENGTH]>::try_from(bytes).is_ok_and(|bytes| IdentityFile::parse(bytes).is_ok())
}

/// Whether it is a log record.
pub(super) fn is_record(bytes: &[u8]) -> bool {
    <&[u8; LogRecord::LENGTH]>::try_from(bytes).is_ok_and(|bytes| LogRecord::parse(bytes).is_ok())
}

/// Says nothing of where: it is as wrong at the first byte as at the last.
fn check_length(name: &str, bytes: &[u8], lengths: &[usize]) -> Result<(), Misfit> {
    if lengths.contains(&bytes.len()) {
        return Ok(());
    }
    let wanted: Vec<String> = lengths.iter().map(ToString::to_string).collect();
    let reason = format!("{name} has {} bytes, not {}", wanted.join(" or "), bytes.len());
    Err(Misfit { object: None, offset: 0, reason })
}

fn whole<'a>(
    bytes: &'a [u8],
    put: impl FnOnce(&mut Cursor<'a>) -> Result<(), Misfit>,
) -> Result<Vec<super::Field>, Misfit> {
    let mut cursor = Cursor::new(bytes, 0);
    put(&mut cursor)?;
    cursor.finish()
}

pub(super) fn pay_details(bytes: &[u8]) -> Result<Reading, Misfit> {
    check_length("PD", bytes, &[PayDetails::LENGTH])?;
    let fields = whole(bytes, |cursor| cursor.elements(PAY_DETAILS, &mut Money::default()))?;
    let parsed =
        <&[u8; PayDetails::LENGTH]>::try_from(bytes).ok().and_then(|bytes| PayDetails::parse(bytes).ok());
    let (title, fit) = match parsed {
        Some(details) => (format!("PD of a {}", details.kind.name()), pay_details_fit(&details)),
        None => ("PD of no kind of the standard".to_owned(), Fit::Asked),
    };
    Ok(Reading::new(Object::PayDetails, title, fit, fields))
}

fn pay_details_fit(details: &PayDetails) -> Fit {
    let numbers = [details.from, details.to].iter().all(|number| PartyNumber::parse(number.0).is_ok());
    if numbers && details.currency.is_valid() { Fit::Exact } else { Fit::Possible }
}

pub(super) fn record(bytes: &[u8]) -> Result<Reading, Misfit> {
    check_length("a log record", bytes, &[LogRecord::LENGTH])?;
    let fields = whole(bytes, put_record)?;
    let parsed =
        <&[u8; LogRecord::LENGTH]>::try_from(bytes).ok().and_then(|bytes| LogRecord::parse(bytes).ok());
    let (title, fit) = match parsed {
        Some(record) => {
            let kind = record.pay_details.kind.name();
            let title = format!("log record of a {kind}, {}, {}", record.role.name(), record.state.name());
            (title, pay_details_fit(&record.pay_details))
        }
        None => ("log record of no kind, role or state of the standard".to_owned(), Fit::Asked),
    };
    Ok(Reading::new(Object::Record, title, fit, fields))
}

pub(super) fn status_block(bytes: &[u8]) -> Result<Reading, Misfit> {
    check_length("the status block", bytes, &[StatusBlock::LENGTH])?;
    let fields = whole(bytes, |cursor| cursor.elements(STATUS_BLOCK, &mut Money::default()))?;
    let parsed =
        <&[u8; StatusBlock::LENGTH]>::try_from(bytes).ok().and_then(|bytes| StatusBlock::parse(bytes).ok());
    let (title, fit) = match parsed {
        Some(status) => (status_title(&status), Fit::Exact),
        None => ("status block of no version, life cycle or role of the standard".to_owned(), Fit::Asked),
    };
    Ok(Reading::new(Object::StatusBlock, title, fit, fields))
}

fn status_title(status: &StatusBlock) -> String {
    let StatusBlock { life_cycle, role, number, key_version, sequence, .. } = status;
    let is_blank = *life_cycle == LifeCycle::Blank
        && (*number, *key_version, *sequence) == (PartyNumber::NONE, KeyVersion::NONE, Sequence(0));
    // A blank card has no role yet.
    if is_blank {
        return "status block of a blank card".to_owned();
    }
    format!("status block of a {}, {}", role.name(), life_cycle.name())
}

pub(super) fn identity(bytes: &[u8]) -> Result<Reading, Misfit> {
    check_length("EF.ID", bytes, &[IdentityFile::LENGTH])?;
    let fields = whole(bytes, put_identity)?;
    let fit = if is_identity(bytes) { Fit::Exact } else { Fit::Asked };
    Ok(Reading::new(Object::Identity, "content of EF.ID", fit, fields))
}

pub(super) fn pocket(bytes: &[u8]) -> Result<Reading, Misfit> {
    check_length("a pocket", bytes, &[PocketParameters::LENGTH, PocketGroup::LENGTH])?;
    let (title, layout) = if bytes.len() == PocketParameters::LENGTH {
        ("pocket as EF.ID has it", POCKET)
    } else {
        ("pocket as STORE DATA brings it", POCKET_GROUP)
    };
    let currency = bytes.first_chunk().copied().map_or(Currency::NONE, Currency);
    let fit = if currency.is_valid() { Fit::Likely } else { Fit::Asked };
    let fields = whole(bytes, |cursor| {
        let mut money = Money::default();
        cursor.elements(layout, &mut money)?;
        cursor.elements(LIMITS, &mut money)
    })?;
    Ok(Reading::new(Object::Pocket, title, fit, fields))
}

pub(super) fn number(bytes: &[u8]) -> Result<Reading, Misfit> {
    check_length("a purse number", bytes, &[PartyNumber::LENGTH])?;
    let fields = whole(bytes, |cursor| {
        cursor.element("purse number", Element::Number, &mut Money::default()).map(drop)
    })?;
    let is_one = bytes.try_into().is_ok_and(|bytes| PartyNumber::parse(bytes).is_ok());
    let are_digits = bytes.iter().all(|byte| byte >> 4 <= 9 && byte & 15 <= 9);
    let fit = match (is_one, are_digits) {
        (true, _) => Fit::Exact,
        (false, true) => Fit::Possible,
        (false, false) => Fit::Asked,
    };
    Ok(Reading::new(Object::Number, "number of a purse, merchant SAM or issuer", fit, fields))
}

pub(super) fn pin_block(bytes: &[u8]) -> Result<Reading, Misfit> {
    check_length("a PIN block", bytes, &[PinBlock::LENGTH])?;
    let fields = whole(bytes, |cursor| {
        cursor.element("PIN block", Element::PinBlock, &mut Money::default()).map(drop)
    })?;
    let is_one = bytes.try_into().is_ok_and(|bytes| PinBlock::parse(bytes).is_ok());
    let fit = if is_one { Fit::Exact } else { Fit::Asked };
    Ok(Reading::new(Object::PinBlock, "PIN block", fit, fields))
}

#[cfg(test)]
mod tests {
    use apdu_spec::pocket::Limits;

    use super::*;

    #[test]
    fn the_layouts_have_the_lengths_of_the_standard() {
        assert_eq!(length_of(PAY_DETAILS), PayDetails::LENGTH);
        assert_eq!(length_of(PAY_DETAILS) + length_of(BEHIND_PAY_DETAILS), LogRecord::LENGTH);
        assert_eq!(length_of(STATUS_BLOCK), StatusBlock::LENGTH);
        assert_eq!(length_of(LIMITS), Limits::LENGTH);
        assert_eq!(length_of(POCKET) + length_of(LIMITS), PocketParameters::LENGTH);
        assert_eq!(length_of(POCKET_GROUP) + length_of(LIMITS), PocketGroup::LENGTH);
        let pockets = POCKETS * PocketParameters::LENGTH;
        assert_eq!(length_of(STATUS_BLOCK) + length_of(BEHIND_STATUS_BLOCK) + pockets, IdentityFile::LENGTH);
    }
}
