//! The holder's PIN as it crosses the wire: an ISO 9564 format 2 block.

use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::element::DataError;

/// Fewest digits of a PIN.
pub const MINIMUM_DIGITS: usize = 4;
/// Most digits of a PIN.
pub const MAXIMUM_DIGITS: usize = 12;
/// Tries that a new PIN has.
pub const TRIES: u8 = 3;

/// 8 bytes: 2, number of digits, digits, filled with F (1234 = 24 12 34 FF FF FF FF FF). Compared in constant
/// time and wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct PinBlock([u8; 8]);

impl PinBlock {
    /// Bytes on the wire.
    pub const LENGTH: usize = 8;

    /// Checks the form: control nibble, 4 to 12 digits, filling.
    pub fn parse(bytes: [u8; 8]) -> Result<Self, DataError> {
        let [control, ..] = bytes;
        let digits = usize::from(control & 15);
        let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).skip(2);
        let filled = nibbles
            .enumerate()
            .all(|(place, nibble)| if place < digits { nibble <= 9 } else { nibble == 15 });
        if control >> 4 == 2 && (MINIMUM_DIGITS..=MAXIMUM_DIGITS).contains(&digits) && filled {
            Ok(Self(bytes))
        } else {
            Err(DataError::Value)
        }
    }

    /// The block of a PIN that was typed in: 4 to 12 ASCII digits.
    pub fn from_digits(digits: &str) -> Result<Self, DataError> {
        if !(MINIMUM_DIGITS..=MAXIMUM_DIGITS).contains(&digits.len()) {
            return Err(DataError::Length);
        }
        let mut nibbles = digits.bytes();
        let length = u8::try_from(digits.len()).map_err(|_| DataError::Length)?;
        let mut bytes = [0x20 | length, 0, 0, 0, 0, 0, 0, 0];
        for byte in bytes.iter_mut().skip(1) {
            for _ in 0..2 {
                let nibble = match nibbles.next() {
                    Some(digit @ b'0'..=b'9') => digit - b'0',
                    Some(_) => return Err(DataError::Value),
                    None => 15,
                };
                *byte = *byte << 4 | nibble;
            }
        }
        Ok(Self(bytes))
    }

    /// As bytes of the wire.
    pub const fn emit(&self) -> [u8; 8] {
        self.0
    }
}

impl ConstantTimeEq for PinBlock {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl core::fmt::Debug for PinBlock {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("PinBlock(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_make_a_format_2_block() {
        assert_eq!(
            PinBlock::from_digits("1234").unwrap().emit(),
            [0x24, 0x12, 0x34, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]
        );
        let longest = PinBlock::from_digits("123456789012").unwrap().emit();
        assert_eq!(longest, [0x2C, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0xFF]);
        for wrong in ["", "123", "1234567890123", "12a4", "１２"] {
            assert!(PinBlock::from_digits(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_block_but_a_well_formed_one_is_refused() {
        let good = [0x24, 0x12, 0x34, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
        assert!(PinBlock::parse(good).is_ok());
        for place in 0..8 {
            for value in 0..=255 {
                let mut block = good;
                block[place] = value;
                let digits = |byte: u8| byte >> 4 <= 9 && byte & 15 <= 9;
                let holds = match place {
                    0 => value == 0x24,
                    1 | 2 => digits(value),
                    _ => value == 0xFF,
                };
                assert_eq!(PinBlock::parse(block).is_ok(), holds, "{block:02x?}");
            }
        }
    }
}
