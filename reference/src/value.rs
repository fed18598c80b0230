//! What a data element holds while a listing runs.

use std::fmt;

/// A number or bytes. A condition is the number 0 or 1.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// An unsigned number; a difference may be below 0 while it is computed.
    Number(i64),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Value {
    /// 1 or 0.
    pub fn truth(holds: bool) -> Self {
        Self::Number(i64::from(holds))
    }

    /// The number, none where it is bytes.
    pub const fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Bytes(_) => None,
        }
    }

    /// The bytes, none where it is a number.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Number(_) => None,
            Self::Bytes(bytes) => Some(bytes),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Bytes(bytes) => {
                formatter.write_str("X\"")?;
                bytes.iter().try_for_each(|byte| write!(formatter, "{byte:02X}"))?;
                formatter.write_str("\"")
            }
        }
    }
}

/// Big-endian bytes of a number at its length; none where it has no room, or is below 0.
pub(crate) fn encode(number: i64, length: u8) -> Option<Vec<u8>> {
    let bytes = u64::try_from(number).ok()?.to_be_bytes();
    let (front, rest) = bytes.split_at_checked(8_usize.checked_sub(usize::from(length))?)?;
    front.iter().all(|byte| *byte == 0).then(|| rest.to_vec())
}

/// The number that bytes are, big-endian; none above four bytes, the longest number of the standard.
pub(crate) fn decode(bytes: &[u8]) -> Option<i64> {
    (bytes.len() <= 4).then(|| bytes.iter().fold(0, |number, byte| number << 8 | i64::from(*byte)))
}
