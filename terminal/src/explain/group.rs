//! Data groups of STORE DATA: DGI, length, value (section 6, framing of EMV CPS).

use apdu_spec::certificate::Certificate;
use apdu_spec::cryptography::{KeyBytes, KeyPurpose};
use apdu_spec::curve::{PrivateKey, PublicKey};
use apdu_spec::personalisation::{
    self, CARD_KEYS, DGI_CERTIFICATE, DGI_CHECK_VALUES, DGI_IDENTITY, DGI_ISSUER_KEY, DGI_KEYS,
    DGI_LAST_POCKET, DGI_MASTERS, DGI_PIN, DGI_PIN_TRIES, DGI_POCKET, DGI_PRIVATE_KEY, IdentityGroup,
    MASTER_LENGTH, PIN_TRIES, PocketGroup,
};
use apdu_spec::pin::PinBlock;

use super::cursor::{Cursor, bytes_of};
use super::element::{Element, Money};
use super::layout::{LIMITS, POCKET_GROUP};
use super::{Fit, Misfit, Object, Reading, template};

const IDENTITY: &[(&str, Element)] = &[
    ("role", Element::Role),
    ("purse number", Element::Number),
    ("key version", Element::KeyVersion),
    ("expiry", Element::Expiry),
    ("issuer number", Element::Number),
    ("flags", Element::Flags),
];

/// Bytes of a key's check value.
const CHECK_VALUE: u8 = 3;

/// Puts one group after the other as far as they are whole, and what is left as a secret. Whether all are of the
/// standard and whole.
pub(super) fn put(cursor: &mut Cursor<'_>) -> Result<bool, Misfit> {
    let mut is_good = true;
    while !cursor.rest().is_empty() {
        let [high, low, length, value @ ..] = cursor.rest() else { return Ok(incomplete(cursor)) };
        let (identifier, length) = (u16::from_be_bytes([*high, *low]), usize::from(*length));
        let Some(value) = value.get(..length) else { return Ok(incomplete(cursor)) };
        let name = personalisation::group_name(identifier);
        let has_length = has_length(identifier, value.len());
        is_good &= has_length;
        let title = format!("DGI {identifier:04X}");
        cursor.group(title, 3 + length, |parts| {
            parts.leaf("DGI", 2, |_| Some(name.unwrap_or("not a data group of the standard").to_owned()))?;
            parts.leaf("length", 1, |_| Some(bytes_of(length)))?;
            if has_length {
                put_value(parts, identifier)?;
            } else {
                // What nobody knows may be a key.
                parts.opaque("value", true, name.map(|_| "not the length that the group has".to_owned()));
            }
            Ok(None)
        })?;
    }
    Ok(is_good)
}

fn incomplete(cursor: &mut Cursor<'_>) -> bool {
    cursor.opaque("incomplete group", true, None);
    false
}

fn has_length(identifier: u16, length: usize) -> bool {
    match identifier {
        DGI_IDENTITY => length == IdentityGroup::LENGTH,
        DGI_POCKET..=DGI_LAST_POCKET => length == PocketGroup::LENGTH,
        DGI_KEYS => length == CARD_KEYS * KeyBytes::LENGTH,
        DGI_CHECK_VALUES => length == CARD_KEYS * usize::from(CHECK_VALUE),
        DGI_MASTERS => length > 0 && length.is_multiple_of(MASTER_LENGTH),
        DGI_PIN => length == PinBlock::LENGTH,
        DGI_PIN_TRIES => length == PIN_TRIES.len(),
        DGI_PRIVATE_KEY => length == PrivateKey::LENGTH,
        DGI_ISSUER_KEY => length == PublicKey::LENGTH,
        DGI_CERTIFICATE => length == Certificate::LENGTH,
        _ => false,
    }
}

/// A value that has its group's length.
fn put_value(parts: &mut Cursor<'_>, identifier: u16) -> Result<(), Misfit> {
    let money = &mut Money::default();
    let labelled = |what: &str| {
        KeyPurpose::ALL.map(|purpose| format!("{} {what}", String::from_utf8_lossy(&purpose.label())))
    };
    match identifier {
        DGI_IDENTITY => parts.elements(IDENTITY, money),
        DGI_POCKET..=DGI_LAST_POCKET => {
            parts.elements(POCKET_GROUP, money)?;
            parts.elements(LIMITS, money)
        }
        DGI_KEYS => labelled("card key")
            .into_iter()
            .try_for_each(|name| parts.element(name, Element::Key, money).map(drop)),
        DGI_CHECK_VALUES => labelled("check value")
            .into_iter()
            .try_for_each(|name| parts.element(name, Element::Opaque(CHECK_VALUE), money).map(drop)),
        DGI_MASTERS => {
            while !parts.rest().is_empty() {
                parts.element("key version", Element::KeyVersion, money)?;
                parts.element("PAYM master", Element::Key, money)?;
            }
            Ok(())
        }
        DGI_PIN => parts.element("PIN block", Element::PinBlock, money).map(drop),
        DGI_PIN_TRIES => {
            parts.elements(&[("tries left", Element::Tries), ("tries allowed", Element::Tries)], money)
        }
        DGI_PRIVATE_KEY => parts.secret("private key", PrivateKey::LENGTH, None),
        DGI_ISSUER_KEY => parts
            .elements(&[("public key x", Element::Opaque(32)), ("public key y", Element::Opaque(32))], money),
        DGI_CERTIFICATE => template::put(parts),
        _ => {
            parts.opaque("value", true, None);
            Ok(())
        }
    }
}

pub(super) fn read(bytes: &[u8]) -> Result<Reading, Misfit> {
    let mut cursor = Cursor::new(bytes, 0);
    if bytes.is_empty() {
        return cursor.misfit("there is no data group");
    }
    let fit = if put(&mut cursor)? { Fit::Exact } else { Fit::Asked };
    Ok(Reading::new(Object::Groups, "data groups of STORE DATA", fit, cursor.finish()?))
}
