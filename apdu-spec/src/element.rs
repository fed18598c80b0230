//! Data elements of fixed length, binary and big-endian on the wire (section 2 of the protocol).

use core::fmt;

use zeroize::Zeroize;

/// What a byte string of the wire can be refused for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataError {
    /// Not as many bytes as the element has.
    Length,
    /// A value that the element does not have.
    Value,
}

/// Number of a party's next transaction: 4 bytes, from 0, strictly increasing, never wrapping
/// (EN 1546 "transaction number").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u32);

impl Sequence {
    /// Bytes on the wire.
    pub const LENGTH: usize = 4;
    /// From here on INITIALIZE and DEBIT answer 9402, so that what is open can still be finished.
    pub const EXHAUSTED: Self = Self(0xFFFF_FF00);
    /// The last sequence that DECLINE, REVERSE and the unload may use.
    pub const LAST: Self = Self(0xFFFF_FFFE);
    /// "None yet": the last credited load of a card that has not been loaded.
    pub const NONE: Self = Self(0xFFFF_FFFF);

    /// The sequence after this one, none after [`Self::LAST`].
    pub const fn next(self) -> Option<Self> {
        if self.0 < Self::LAST.0 { Some(Self(self.0 + 1)) } else { None }
    }

    /// As bytes of the wire.
    pub const fn emit(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }

    /// From bytes of the wire.
    pub const fn parse(bytes: [u8; 4]) -> Self {
        Self(u32::from_be_bytes(bytes))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Minor units of a currency, unsigned, 4 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Zeroize)]
pub struct Amount(pub u32);

impl Amount {
    /// Bytes on the wire.
    pub const LENGTH: usize = 4;
    /// Nothing; an amount only in a collection.
    pub const ZERO: Self = Self(0);

    /// The sum, none where it overflows.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// The difference, none where it would be negative.
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(Self(difference)),
            None => None,
        }
    }

    /// As bytes of the wire.
    pub const fn emit(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }

    /// From bytes of the wire.
    pub const fn parse(bytes: [u8; 4]) -> Self {
        Self(u32::from_be_bytes(bytes))
    }
}

/// Seconds since 1970-01-01T00:00:00Z, 4 bytes. It comes from the payee's terminal; the card
/// trusts it for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u32);

impl Time {
    /// Bytes on the wire.
    pub const LENGTH: usize = 4;

    /// As bytes of the wire.
    pub const fn emit(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }

    /// From bytes of the wire.
    pub const fn parse(bytes: [u8; 4]) -> Self {
        Self(u32::from_be_bytes(bytes))
    }
}

/// Generation of a card's keys, 01..FF; 00 in a transfer and on a blank card (EN 1546 "key version").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Zeroize)]
pub struct KeyVersion(pub u8);

impl KeyVersion {
    /// No key version: a transfer's, a blank card's.
    pub const NONE: Self = Self(0);
}

/// ISO 4217 numeric code as two BCD bytes (0978 = EUR); 0000 in an unused pocket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Zeroize)]
pub struct Currency(pub [u8; 2]);

impl Currency {
    /// Bytes on the wire.
    pub const LENGTH: usize = 2;
    /// No currency: an unused pocket.
    pub const NONE: Self = Self([0, 0]);

    /// From the numeric code, 1 to 999.
    pub const fn from_numeric(code: u16) -> Result<Self, DataError> {
        if code == 0 || code > 999 {
            return Err(DataError::Value);
        }
        let [_, hundreds] = (code / 100).to_be_bytes();
        let [_, rest] = (code % 100).to_be_bytes();
        Ok(Self([hundreds, ((rest / 10) << 4) | (rest % 10)]))
    }

    /// The numeric code.
    pub const fn numeric(self) -> u16 {
        let Self([high, low]) = self;
        (high >> 4) as u16 * 1000 + (high & 15) as u16 * 100 + (low >> 4) as u16 * 10 + (low & 15) as u16
    }

    /// Whether this is a code that a pocket can have: digits, and 001 to 999.
    pub const fn is_valid(self) -> bool {
        let Self([high, low]) = self;
        high <= 9 && low >> 4 <= 9 && low & 15 <= 9 && !(high == 0 && low == 0)
    }
}

/// What a transaction is: 1 byte, P1 of INITIALIZE and DEBIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Issuer pays a purse or a merchant SAM (EN 1546 load).
    Load = 1,
    /// A purse pays the issuer; a merchant SAM's is called a collection (EN 1546 unload, collection).
    Unload = 2,
    /// A purse pays a merchant SAM (EN 1546 purchase).
    Purchase = 3,
    /// A merchant SAM pays a purse (EN 1546 purchase cancellation).
    Refund = 4,
    /// A purse pays a purse (Mondex).
    Transfer = 5,
}

impl Kind {
    /// Every kind, in order of its code.
    pub const ALL: [Self; 5] = [Self::Load, Self::Unload, Self::Purchase, Self::Refund, Self::Transfer];

    /// From its code.
    pub const fn parse(code: u8) -> Result<Self, DataError> {
        match code {
            1 => Ok(Self::Load),
            2 => Ok(Self::Unload),
            3 => Ok(Self::Purchase),
            4 => Ok(Self::Refund),
            5 => Ok(Self::Transfer),
            _ => Err(DataError::Value),
        }
    }

    /// Its code on the wire.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Its name in the standard.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Unload => "unload",
            Self::Purchase => "purchase",
            Self::Refund => "refund",
            Self::Transfer => "transfer",
        }
    }
}

/// What a card is: 1 byte of the status block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Zeroize)]
#[repr(u8)]
pub enum Role {
    /// A holder's purse (EN 1546 IEP).
    Purse = 1,
    /// A merchant's security module (EN 1546 PSAM).
    Merchant = 2,
}

impl Role {
    /// From its code.
    pub const fn parse(code: u8) -> Result<Self, DataError> {
        match code {
            1 => Ok(Self::Purse),
            2 => Ok(Self::Merchant),
            _ => Err(DataError::Value),
        }
    }

    /// Its code on the wire.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Its name in the standard.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Purse => "purse",
            Self::Merchant => "merchant SAM",
        }
    }

    /// Whether a card of this role may be the payee of this kind (section 7).
    pub const fn receives(self, kind: Kind) -> bool {
        match (self, kind) {
            (_, Kind::Load)
            | (Self::Purse, Kind::Refund | Kind::Transfer)
            | (Self::Merchant, Kind::Purchase) => true,
            (_, Kind::Unload)
            | (Self::Purse, Kind::Purchase)
            | (Self::Merchant, Kind::Refund | Kind::Transfer) => false,
        }
    }

    /// Whether a card of this role may be the payer of this kind (section 7).
    pub const fn pays(self, kind: Kind) -> bool {
        match (self, kind) {
            (_, Kind::Unload)
            | (Self::Purse, Kind::Purchase | Kind::Transfer)
            | (Self::Merchant, Kind::Refund) => true,
            (_, Kind::Load)
            | (Self::Purse, Kind::Refund)
            | (Self::Merchant, Kind::Purchase | Kind::Transfer) => false,
        }
    }
}

/// Last month of validity, YYMM in BCD. Only terminals judge it: the card has no clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Zeroize)]
pub struct Expiry(pub [u8; 2]);

impl Expiry {
    /// Bytes on the wire.
    pub const LENGTH: usize = 2;

    /// Whether these are digits of a year and a month 01 to 12.
    pub const fn is_valid(self) -> bool {
        let Self([year, month]) = self;
        year >> 4 <= 9 && year & 15 <= 9 && (month >= 0x01 && month <= 0x09 || month >= 0x10 && month <= 0x12)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_have_names_of_their_own() {
        let [purse, merchant] = [Role::Purse, Role::Merchant].map(Role::name);
        assert!(purse != merchant && !purse.is_empty() && !merchant.is_empty());
    }
}
