//! The number of a party: purse, merchant SAM or issuer.

use zeroize::Zeroize;

use core::fmt;

use crate::element::DataError;

/// 16 BCD digits in 8 bytes, the last one a Luhn check digit (ISO/IEC 7812-1).
///
/// A number that comes over the wire is only ever compared: the authenticators say whether a party
/// of that name exists. Where a number is given out or typed in, [`PartyNumber::parse`] checks it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Zeroize)]
pub struct PartyNumber(pub [u8; 8]);

impl PartyNumber {
    /// Bytes on the wire.
    pub const LENGTH: usize = 8;
    /// The number of a blank card.
    pub const NONE: Self = Self([0; 8]);

    /// Checks the digits and the check digit.
    pub fn parse(bytes: [u8; 8]) -> Result<Self, DataError> {
        let number = Self(bytes);
        let digits_hold = bytes.iter().all(|byte| byte >> 4 <= 9 && byte & 15 <= 9);
        if digits_hold && number != Self::NONE && luhn_sum(bytes).is_multiple_of(10) {
            Ok(number)
        } else {
            Err(DataError::Value)
        }
    }

    /// The number whose first 15 digits these are; none for 0 and above 15 digits.
    pub fn with_check_digit(payload: u64) -> Option<Self> {
        if payload == 0 || payload > 999_999_999_999_999 {
            return None;
        }
        let without = Self::from_digits(payload * 10);
        let check = (10 - luhn_sum(without.0) % 10) % 10;
        Some(Self::from_digits(payload * 10 + u64::from(check)))
    }

    /// As an integer of 16 decimal digits.
    pub fn digits(self) -> u64 {
        self.0.iter().fold(0, |value, byte| value * 100 + u64::from(byte >> 4) * 10 + u64::from(byte & 15))
    }

    fn from_digits(mut value: u64) -> Self {
        let mut bytes = [0_u8; 8];
        for byte in bytes.iter_mut().rev() {
            let pair = (value % 100).to_be_bytes()[7];
            *byte = ((pair / 10) << 4) | (pair % 10);
            value /= 100;
        }
        Self(bytes)
    }
}

impl fmt::Display for PartyNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl core::str::FromStr for PartyNumber {
    type Err = DataError;

    /// From 16 decimal digits.
    fn from_str(text: &str) -> Result<Self, DataError> {
        if text.len() != 16 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(DataError::Length);
        }
        let value = text.parse().map_err(|_| DataError::Value)?;
        Self::parse(Self::from_digits(value).0)
    }
}

/// Every digit is at an even or odd place of its byte, so that the doubled ones are the high nibbles.
fn luhn_sum(bytes: [u8; 8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| {
        let doubled = (byte >> 4) * 2;
        sum + doubled / 10 + doubled % 10 + (byte & 15)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_digit_makes_a_number_and_any_other_does_not() {
        for payload in [1, 999_999_999_999_999, 955_500_000_000_001, 123_456_789_012_345] {
            let number = PartyNumber::with_check_digit(payload).unwrap();
            assert_eq!(PartyNumber::parse(number.0), Ok(number));
            assert_eq!(number.digits() / 10, payload);
            for other in 0..10 {
                let digits = payload * 10 + other;
                let valid = PartyNumber::parse(PartyNumber::from_digits(digits).0).is_ok();
                assert_eq!(valid, digits == number.digits());
            }
        }
        assert_eq!(PartyNumber::with_check_digit(0), None);
        assert_eq!(PartyNumber::with_check_digit(1_000_000_000_000_000), None);
    }

    #[test]
    fn a_digit_above_nine_is_refused() {
        assert!(PartyNumber::parse([0xA0; 8]).is_err());
        assert!(PartyNumber::parse([0; 8]).is_err());
        assert!("95550000000000".parse::<PartyNumber>().is_err());
        assert!("9555000000000018".parse::<PartyNumber>().is_ok());
        assert!("9555000000000019".parse::<PartyNumber>().is_err());
    }
}
