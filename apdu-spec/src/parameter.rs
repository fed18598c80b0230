//! What UPDATE PARAMETER changes (section 6): the issuer's scripts.

use crate::cryptography::{Authenticator, Tac};
use crate::element::{DataError, Expiry, KeyVersion, Sequence};
use crate::pocket::{Limits, PocketParameters};
use crate::wire::{Reader, Writer};

/// How the issuer closes an open payer record in the payee's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resolution {
    /// 01: as ACKNOWLEDGE would.
    Settled,
    /// 02: as REVERSE would, outside the limit of offline receipts.
    Reversed,
}

impl Resolution {
    /// Its code on the wire.
    pub const fn code(self) -> u8 {
        match self {
            Self::Settled => 1,
            Self::Reversed => 2,
        }
    }

    /// From its code.
    pub const fn parse(code: u8) -> Result<Self, DataError> {
        match code {
            1 => Ok(Self::Settled),
            2 => Ok(Self::Reversed),
            _ => Err(DataError::Value),
        }
    }

    /// Its name in the standard.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Reversed => "reversed",
        }
    }
}

/// What a parameter id changes, in the words of the standard; none for an id that it does not have.
pub const fn name(id: u8) -> Option<&'static str> {
    Some(match id {
        0x01 => "limits of a pocket",
        0x02 => "new pocket",
        0x03 => "expiry",
        0x04 => "PIN tries back",
        0x05 => "block",
        0x06 => "unblock",
        0x07 => "terminate",
        0x08 => "resolve an open record",
        0x09 => "clear the lock",
        0x0A => "forget a PAYM master",
        _ => return None,
    })
}

/// One parameter with its new value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// 01: new limits for a pocket in use.
    Limits {
        /// 0 to 4.
        pocket: u8,
        /// All six.
        limits: Limits,
    },
    /// 02: a new pocket.
    NewPocket {
        /// 0 to 4, a free place.
        pocket: u8,
        /// Currency, exponent and limits.
        parameters: PocketParameters,
    },
    /// 03: another last month of validity.
    Expiry(Expiry),
    /// 04: all PIN tries back.
    PinTries,
    /// 05: the card is blocked.
    Block,
    /// 06: it is not any more.
    Unblock,
    /// 07: it is terminated; all balances must be 0 and nothing open.
    Terminate,
    /// 08: closes an open payer record.
    Resolve {
        /// Own sequence of the record.
        sequence: Sequence,
        /// Its TAC, so that the issuer's word is about this very record.
        tac: Tac,
        /// How.
        resolution: Resolution,
    },
    /// 09: the holder's lock is lifted.
    ClearLock,
    /// 0A: a merchant SAM forgets the PAYM master of this version.
    ForgetMaster(KeyVersion),
}

/// Bytes around the value: counter, id, MAC.
pub const SCRIPT_OVERHEAD: usize = 4 + 1 + Authenticator::LENGTH;
/// The longest value: a new pocket.
pub const LONGEST_VALUE: usize = 1 + PocketParameters::LENGTH;

impl Parameter {
    /// Its id on the wire.
    pub const fn id(&self) -> u8 {
        match self {
            Self::Limits { .. } => 0x01,
            Self::NewPocket { .. } => 0x02,
            Self::Expiry(_) => 0x03,
            Self::PinTries => 0x04,
            Self::Block => 0x05,
            Self::Unblock => 0x06,
            Self::Terminate => 0x07,
            Self::Resolve { .. } => 0x08,
            Self::ClearLock => 0x09,
            Self::ForgetMaster(_) => 0x0A,
        }
    }

    /// From id and value. A pocket above 4 is left to the card, which has no such pocket (6A88).
    pub fn parse(id: u8, value: &[u8]) -> Result<Self, DataError> {
        let mut reader = Reader::new(value);
        let parameter = match id {
            0x01 => Self::Limits { pocket: reader.byte()?, limits: Limits::parse(&reader.take()?)? },
            0x02 => {
                let pocket = reader.byte()?;
                Self::NewPocket { pocket, parameters: PocketParameters::parse(&reader.take()?)? }
            }
            0x03 => Self::Expiry(Expiry(reader.take()?)),
            0x04 => Self::PinTries,
            0x05 => Self::Block,
            0x06 => Self::Unblock,
            0x07 => Self::Terminate,
            0x08 => Self::Resolve {
                sequence: Sequence::parse(reader.take()?),
                tac: Tac(reader.take()?),
                resolution: Resolution::parse(reader.byte()?)?,
            },
            0x09 => Self::ClearLock,
            0x0A => Self::ForgetMaster(KeyVersion(reader.byte()?)),
            _ => return Err(DataError::Value),
        };
        reader.end()?;
        Ok(parameter)
    }

    /// Puts id and value behind what `writer` holds.
    pub fn emit(&self, writer: &mut Writer<'_>) {
        writer.put(&[self.id()]);
        match self {
            Self::Limits { pocket, limits } => {
                writer.put(&[*pocket]).put(&limits.emit());
            }
            Self::NewPocket { pocket, parameters } => {
                writer.put(&[*pocket]).put(&parameters.emit());
            }
            Self::Expiry(expiry) => {
                writer.put(&expiry.0);
            }
            Self::Resolve { sequence, tac, resolution } => {
                writer.put(&sequence.emit()).put(&tac.0).put(&[resolution.code()]);
            }
            Self::ForgetMaster(key_version) => {
                writer.put(&[key_version.0]);
            }
            Self::PinTries | Self::Block | Self::Unblock | Self::Terminate | Self::ClearLock => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_parameter_has_a_name_of_its_own_and_nothing_else_has_one() {
        let known = |id: &u8| Parameter::parse(*id, &[]) != Err(DataError::Value);
        let names: BTreeSet<_> = (0..=u8::MAX).filter(known).map(name).collect();
        assert_eq!(names.len(), (0..=u8::MAX).filter(known).count());
        assert!(names.iter().all(|name| name.is_some_and(|name| !name.is_empty())), "{names:?}");
        assert!((0..=u8::MAX).filter(|id| !known(id)).all(|id| name(id).is_none()));
    }

    #[test]
    fn resolutions_have_names_of_their_own() {
        let [settled, reversed] = [Resolution::Settled, Resolution::Reversed].map(Resolution::name);
        assert!(settled != reversed && !settled.is_empty() && !reversed.is_empty());
    }
}
