//! Answer to reset (ISO/IEC 7816-3 § 8).

use apdu_spec::answer_to_reset::{ATR_T0, ATR_T1, HISTORICAL};

use super::cursor::Cursor;
use super::template::ascii;
use super::{Fit, Misfit, Object, Reading};

/// Direct convention.
const DIRECT: u8 = 0x3B;
/// Inverse convention.
const INVERSE: u8 = 0x3F;

pub(super) fn read(bytes: &[u8]) -> Result<Reading, Misfit> {
    let mut cursor = Cursor::new(bytes, 0);
    let convention = match bytes.first() {
        Some(&DIRECT) => "direct convention",
        Some(&INVERSE) => "inverse convention",
        _ => return cursor.misfit("it does not begin with 3B or 3F"),
    };
    cursor.leaf("TS", 1, |_| Some(convention.to_owned()))?;
    let historical = usize::from(next(&cursor) & 15);
    let said = cursor.leaf("T0", 1, |bytes| {
        let bytes = *bytes.first()?;
        Some(format!("historical bytes: {historical}{}", follow(bytes >> 4, 1)))
    })?;
    let mut present = said.first().map_or(0, |byte| byte >> 4);
    let mut protocol = 0;
    let mut needs_check = false;
    // Each round has another TDi in it, so the bytes end it.
    for level in 1_usize.. {
        for (bit, letter) in [(1, 'A'), (2, 'B'), (4, 'C')] {
            if present & bit != 0 {
                let is_information = letter == 'A' && level > 2 && protocol == 1;
                cursor.leaf(format!("T{letter}{level}"), 1, |bytes| match bytes {
                    [byte] if is_information => Some(format!("IFSC: {byte} bytes in one block")),
                    _ => None,
                })?;
            }
        }
        if present & 8 == 0 {
            break;
        }
        let next = next(&cursor);
        protocol = next & 15;
        needs_check |= protocol != 0;
        cursor.leaf(format!("TD{level}"), 1, |_| {
            Some(format!("T={protocol}{}", follow(next >> 4, level + 1)))
        })?;
        present = next >> 4;
    }
    let mut is_ours = historical == HISTORICAL.len();
    cursor.leaf("historical bytes", historical, |bytes| {
        is_ours &= bytes == HISTORICAL;
        ascii(bytes)
    })?;
    let mut holds = true;
    if needs_check {
        let sum = bytes.iter().skip(1).fold(0, |sum, byte| sum ^ byte);
        holds = sum == 0;
        let meaning = if holds {
            "the exclusive or from T0 on is 0"
        } else {
            "wrong: the exclusive or from T0 on is not 0"
        };
        cursor.leaf("TCK", 1, |_| Some(meaning.to_owned()))?;
    }
    let title = match bytes {
        _ if bytes == ATR_T1 => "answer to reset of a purse, T=1",
        _ if bytes == ATR_T0 => "answer to reset of a purse, T=0",
        _ if is_ours => "answer to reset of a purse, not as the standard has it",
        _ => "answer to reset of another card",
    };
    Ok(Reading::new(Object::Reset, title, if holds { Fit::Exact } else { Fit::Possible }, cursor.finish()?))
}

fn next(cursor: &Cursor<'_>) -> u8 {
    cursor.rest().first().copied().unwrap_or(0)
}

/// Which interface bytes follow.
fn follow(present: u8, level: usize) -> String {
    let letters = [(1, 'A'), (2, 'B'), (4, 'C'), (8, 'D')].into_iter().filter(|(bit, _)| present & bit != 0);
    let names: Vec<String> = letters.map(|(_, letter)| format!("T{letter}{level}")).collect();
    if names.is_empty() { String::new() } else { format!("; then {}", names.join(", ")) }
}
