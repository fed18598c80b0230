//! STORE DATA: the data groups that make a blank card a purse or a merchant SAM (section 6; framing of EMV CPS:
//! DGI 2, length 1, value).

use zeroize::Zeroize;

use crate::certificate::{Certificate, TAG_CERTIFICATE};
use crate::cryptography::{Engine, KeyBytes, check_value};
use crate::curve::{PrivateKey, PublicKey};
use crate::element::{Amount, Currency, DataError, Expiry, KeyVersion, Role};
use crate::number::PartyNumber;
use crate::pin::{PinBlock, TRIES};
use crate::pocket::{Limits, POCKETS, PocketParameters};
use crate::wire::{Reader, Writer, concatenate};

/// DGI of [`IdentityGroup`].
pub const DGI_IDENTITY: u16 = 0x1501;
/// DGI of pocket 0; the other four follow.
pub const DGI_POCKET: u16 = 0x1511;
/// DGI of the last pocket.
pub const DGI_LAST_POCKET: u16 = 0x1515;
/// DGI of the four card keys, in the order of `KeyPurpose::ALL`.
pub const DGI_KEYS: u16 = 0x8000;
/// DGI of the key check values.
pub const DGI_CHECK_VALUES: u16 = 0x9000;
/// DGI of a merchant SAM's PAYM masters.
pub const DGI_MASTERS: u16 = 0x8001;
/// DGI of the PIN block.
pub const DGI_PIN: u16 = 0x8010;
/// DGI of PIN try counter and limit.
pub const DGI_PIN_TRIES: u16 = 0x9010;
/// DGI of a purse's private key for transfers.
pub const DGI_PRIVATE_KEY: u16 = 0x8020;
/// DGI of the issuer's public key, which certificates are signed under.
pub const DGI_ISSUER_KEY: u16 = 0x9020;
/// DGI of the inside of the certificate.
pub const DGI_CERTIFICATE: u16 = u16::from_be_bytes(TAG_CERTIFICATE);

/// What a data group holds, in the words of the standard; none for a group that it does not have.
pub const fn group_name(identifier: u16) -> Option<&'static str> {
    Some(match identifier {
        DGI_IDENTITY => "identity",
        DGI_POCKET..=DGI_LAST_POCKET => "pocket",
        DGI_KEYS => "card keys",
        DGI_CHECK_VALUES => "key check values",
        DGI_MASTERS => "PAYM masters",
        DGI_PIN => "PIN",
        DGI_PIN_TRIES => "PIN tries",
        DGI_PRIVATE_KEY => "private key",
        DGI_ISSUER_KEY => "issuer's public key",
        DGI_CERTIFICATE => "certificate",
        _ => return None,
    })
}

/// PAYM masters that a merchant SAM can hold.
pub const MASTERS: usize = 8;
/// Card keys in DGI 8000.
pub const CARD_KEYS: usize = 4;
/// Bytes of one PAYM master with its key version.
pub const MASTER_LENGTH: usize = 1 + KeyBytes::LENGTH;
/// Value of DGI 9010: tries left and tries allowed.
pub const PIN_TRIES: [u8; 2] = [TRIES, TRIES];

/// DGI 1501, 21 bytes: role, number 8, key version, expiry 2, issuer number 8, flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Zeroize)]
pub struct IdentityGroup {
    /// What the card becomes.
    pub role: Role,
    /// Its number.
    pub number: PartyNumber,
    /// Generation of its keys, not 00.
    pub key_version: KeyVersion,
    /// Last month of validity.
    pub expiry: Expiry,
    /// Who issues it.
    pub issuer: PartyNumber,
    /// `FLAG_DISPOSABLE` or 0.
    pub flags: u8,
}

impl IdentityGroup {
    /// Bytes of the value.
    pub const LENGTH: usize = 21;

    /// From the value; numbers, key version, expiry and flags are checked.
    pub fn parse(value: &[u8]) -> Result<Self, DataError> {
        let mut reader = Reader::new(value);
        let group = Self {
            role: Role::parse(reader.byte()?)?,
            number: PartyNumber::parse(reader.take()?)?,
            key_version: KeyVersion(reader.byte()?),
            expiry: Expiry(reader.take()?),
            issuer: PartyNumber::parse(reader.take()?)?,
            flags: reader.byte()?,
        };
        reader.end()?;
        let holds = group.key_version != KeyVersion::NONE
            && group.expiry.is_valid()
            && group.flags & !crate::file::FLAG_DISPOSABLE == 0
            && group.number != group.issuer;
        if holds { Ok(group) } else { Err(DataError::Value) }
    }

    /// As the value of the DGI.
    pub fn emit(&self) -> [u8; Self::LENGTH] {
        concatenate(&[
            &[self.role.code()],
            &self.number.0,
            &[self.key_version.0],
            &self.expiry.0,
            &self.issuer.0,
            &[self.flags],
        ])
    }
}

/// DGI 1511 to 1515, 31 bytes: currency 2, exponent, initial balance 4, six limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Zeroize)]
pub struct PocketGroup {
    /// Currency, exponent and limits.
    pub parameters: PocketParameters,
    /// What the pocket holds when it is issued.
    pub balance: Amount,
}

impl PocketGroup {
    /// Bytes of the value.
    pub const LENGTH: usize = 31;

    /// From the value; the currency must be one.
    pub fn parse(value: &[u8]) -> Result<Self, DataError> {
        let mut reader = Reader::new(value);
        let currency = Currency(reader.take()?);
        let exponent = reader.byte()?;
        let balance = Amount::parse(reader.take()?);
        let limits = Limits::parse(&reader.take()?)?;
        reader.end()?;
        if currency.is_valid() && balance <= limits.maximum_balance {
            Ok(Self { parameters: PocketParameters { currency, exponent, limits }, balance })
        } else {
            Err(DataError::Value)
        }
    }

    /// As the value of the DGI.
    pub fn emit(&self) -> [u8; Self::LENGTH] {
        concatenate(&[
            &self.parameters.currency.0,
            &[self.parameters.exponent],
            &self.balance.emit(),
            &self.parameters.limits.emit(),
        ])
    }
}

/// What a purse pays other purses with (section 8): its key pair, and by which of the issuer's keys it knows theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPair {
    /// DGI 8020.
    pub private_key: PrivateKey,
    /// DGI 9020.
    pub issuer_key: PublicKey,
    /// DGI 7F21.
    pub certificate: Certificate,
}

/// Everything that a card is personalised with, as its issuer holds it.
#[derive(Debug)]
pub struct CardProfile<'a> {
    /// DGI 1501.
    pub identity: IdentityGroup,
    /// DGI 1511 to 1515; pocket 0 has to be there.
    pub pockets: [Option<PocketGroup>; POCKETS],
    /// DGI 8000.
    pub keys: [KeyBytes; CARD_KEYS],
    /// DGI 8001, a merchant SAM's.
    pub masters: &'a [(KeyVersion, KeyBytes)],
    /// DGI 8010.
    pub pin: PinBlock,
    /// DGI 8020, 9020 and 7F21, of a purse that takes part in transfers.
    pub key_pair: Option<&'a KeyPair>,
}

impl CardProfile<'_> {
    /// Hands every data group to `store`, one after the other, as `DGI ‖ length ‖ value`. The slice holds keys
    /// and is wiped after the call.
    pub fn groups<E: Engine, F>(&self, engine: &E, mut store: F)
    where
        F: FnMut(&[u8]),
    {
        let mut group = |identifier: u16, value: &[u8]| {
            let mut bytes = zeroize::Zeroizing::new([0_u8; 3 + u8::MAX as usize]);
            let length = u8::try_from(value.len()).unwrap_or(u8::MAX);
            let written =
                Writer::new(&mut *bytes).put(&identifier.to_be_bytes()).put(&[length]).put(value).finish();
            store(bytes.get(..written.unwrap_or(0)).unwrap_or(&[]));
        };
        group(DGI_IDENTITY, &self.identity.emit());
        for (identifier, pocket) in (DGI_POCKET..=DGI_LAST_POCKET).zip(&self.pockets) {
            if let Some(pocket) = pocket {
                group(identifier, &pocket.emit());
            }
        }
        let [load, payment, tac, administration] = &self.keys;
        let keys: zeroize::Zeroizing<[u8; CARD_KEYS * KeyBytes::LENGTH]> =
            zeroize::Zeroizing::new(concatenate(&[&load.0, &payment.0, &tac.0, &administration.0]));
        group(DGI_KEYS, &*keys);
        let [load, payment, tac, administration] =
            [load, payment, tac, administration].map(|key| check_value(engine, key));
        let values: [u8; CARD_KEYS * 3] = concatenate(&[&load, &payment, &tac, &administration]);
        group(DGI_CHECK_VALUES, &values);
        if !self.masters.is_empty() {
            let mut bytes = zeroize::Zeroizing::new([0_u8; MASTERS * MASTER_LENGTH]);
            let mut writer = Writer::new(&mut *bytes);
            for (key_version, key) in self.masters {
                writer.put(&[key_version.0]).put(&key.0);
            }
            let written = writer.finish().unwrap_or(0);
            group(DGI_MASTERS, bytes.get(..written).unwrap_or(&[]));
        }
        group(DGI_PIN, &self.pin.emit());
        group(DGI_PIN_TRIES, &PIN_TRIES);
        if let Some(pair) = self.key_pair {
            group(DGI_PRIVATE_KEY, &pair.private_key.0);
            group(DGI_ISSUER_KEY, &pair.issuer_key.0);
            group(DGI_CERTIFICATE, &pair.certificate.emit());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_data_group_has_a_name_of_its_own_and_nothing_else_has_one() {
        let one_of_each = [
            DGI_IDENTITY,
            DGI_POCKET,
            DGI_KEYS,
            DGI_CHECK_VALUES,
            DGI_MASTERS,
            DGI_PIN,
            DGI_PIN_TRIES,
            DGI_PRIVATE_KEY,
            DGI_ISSUER_KEY,
            DGI_CERTIFICATE,
        ];
        let names: BTreeSet<_> = one_of_each.map(group_name).into();
        assert_eq!(names.len(), one_of_each.len());
        assert!(names.iter().all(|name| name.is_some_and(|name| !name.is_empty())), "{names:?}");
        let pockets = DGI_POCKET..=DGI_LAST_POCKET;
        assert_eq!(pockets.clone().count(), POCKETS);
        for identifier in 0..=u16::MAX {
            let is_known = one_of_each.contains(&identifier) || pockets.contains(&identifier);
            assert_eq!(group_name(identifier).is_some(), is_known, "{identifier:04X}");
        }
        assert!(pockets.map(group_name).all(|name| name == group_name(DGI_POCKET)));
    }
}
