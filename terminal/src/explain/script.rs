//! Data of UPDATE PARAMETER: counter, parameter id, value, MAC (section 6).

use apdu_spec::cryptography::Authenticator;
use apdu_spec::parameter::{self, Parameter, SCRIPT_OVERHEAD};

use super::cursor::Cursor;
use super::element::{Element, Money};
use super::layout::{LIMITS, Layout, POCKET, length_of};
use super::{Fit, Misfit, Object, Reading};

/// The value of each parameter id, in one or two layouts.
fn value_of(id: u8) -> Option<[Layout; 3]> {
    const NOTHING: Layout = &[];
    const WHICH: Layout = &[("pocket", Element::Pocket)];
    Some(match id {
        0x01 => [WHICH, NOTHING, LIMITS],
        0x02 => [WHICH, POCKET, LIMITS],
        0x03 => [&[("expiry", Element::Expiry)], NOTHING, NOTHING],
        0x04..=0x07 | 0x09 => [NOTHING; 3],
        0x08 => [
            &[
                ("own sequence", Element::Sequence),
                ("TAC", Element::Tac),
                ("resolution", Element::Resolution),
            ],
            NOTHING,
            NOTHING,
        ],
        0x0A => [&[("key version", Element::KeyVersion)], NOTHING, NOTHING],
        _ => return None,
    })
}

/// Puts the fields. Returns the parameter's name, and whether a card understands it.
pub(super) fn put(cursor: &mut Cursor<'_>) -> Result<(&'static str, bool), Misfit> {
    let money = &mut Money::default();
    let length = cursor.rest().len();
    let Some(value_length) = length.checked_sub(SCRIPT_OVERHEAD) else {
        return cursor.misfit(format!("a script has at least {SCRIPT_OVERHEAD} bytes, not {length}"));
    };
    cursor.element("counter", Element::Counter, money)?;
    let id = cursor.element("parameter id", Element::ParameterId, money)?;
    let id = id.first().copied().unwrap_or(0);
    let value = cursor.rest().get(..value_length).unwrap_or(&[]);
    let is_understood = Parameter::parse(id, value).is_ok();
    let layouts = value_of(id)
        .filter(|layouts| layouts.iter().map(|layout| length_of(layout)).sum::<usize>() == value_length);
    match layouts {
        Some(layouts) if value_length > 0 => cursor.group("value", value_length, |parts| {
            layouts.iter().try_for_each(|layout| parts.elements(layout, money))?;
            Ok(None)
        })?,
        Some(_) => {}
        None => {
            let meaning = "not the length that the parameter has";
            let meaning = parameter::name(id).map(|_| meaning.to_owned());
            cursor.leaf("value", value_length, |_| meaning)?;
        }
    }
    debug_assert_eq!(cursor.rest().len(), Authenticator::LENGTH);
    cursor.element("MAC", Element::Authenticator, money)?;
    Ok((parameter::name(id).unwrap_or("unknown parameter"), is_understood))
}

pub(super) fn read(bytes: &[u8]) -> Result<Reading, Misfit> {
    let mut cursor = Cursor::new(bytes, 0);
    let (name, is_understood) = put(&mut cursor)?;
    let fit = if is_understood { Fit::Possible } else { Fit::Asked };
    Ok(Reading::new(Object::Script, format!("script of the issuer: {name}"), fit, cursor.finish()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_its_length_is_what_a_card_understands() {
        for id in 0..=u8::MAX {
            assert_eq!(value_of(id).is_some(), parameter::name(id).is_some(), "{id:02X}");
            for length in 0..64 {
                // 01 is a resolution too.
                let understood = Parameter::parse(id, &vec![1; length]).is_ok();
                let fits = value_of(id).is_some_and(|layouts| {
                    layouts.iter().map(|layout| length_of(layout)).sum::<usize>() == length
                });
                assert_eq!(fits, understood, "{id:02X}, {length}");
            }
        }
    }
}
