//! Life cycle of the application (section 5; ISO/IEC 7816-4 § 7.4.10, LCS byte; bit 2 is ours).

use crate::element::DataError;

/// The life cycle byte. Lock and block are two flags: blocked hides the lock until it is lifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum LifeCycle {
    /// 01: not personalised yet.
    Blank = 0x01,
    /// 04: blocked by its issuer.
    Blocked = 0x04,
    /// 06: locked by its holder.
    Locked = 0x06,
    /// 07: in use.
    Active = 0x07,
    /// 0C: terminated, for ever.
    Terminated = 0x0C,
}

impl LifeCycle {
    /// Every state, in order of its byte.
    pub const ALL: [Self; 5] = [Self::Blank, Self::Blocked, Self::Locked, Self::Active, Self::Terminated];

    /// From its byte.
    pub const fn parse(code: u8) -> Result<Self, DataError> {
        match code {
            0x01 => Ok(Self::Blank),
            0x04 => Ok(Self::Blocked),
            0x06 => Ok(Self::Locked),
            0x07 => Ok(Self::Active),
            0x0C => Ok(Self::Terminated),
            _ => Err(DataError::Value),
        }
    }

    /// Its byte on the wire.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Its name in the standard.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::Blocked => "blocked",
            Self::Locked => "locked",
            Self::Active => "active",
            Self::Terminated => "terminated",
        }
    }
}
