//! Entries as bytes: 152 of content, the type first, integers big-endian, zero bytes behind.

use apdu_spec::certificate::Certificate;
use apdu_spec::cryptography::{Chain, KeyBytes, Tac};
use apdu_spec::curve::{PrivateKey, PublicKey};
use apdu_spec::element::{Amount, DataError, Expiry, KeyVersion, Kind, Role, Sequence};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::pocket::{POCKETS, PocketParameters};
use apdu_spec::record::RecordRole;
use apdu_spec::wire::{Reader, Writer};

use super::entry::{
    Administration, Entry, Identity, Masters, Parameters, Pin, PocketState, Record, TransferKey,
};

/// Bytes of an entry without its check.
pub(super) const CONTENT: usize = 152;
/// An entry without its check.
pub(super) type Content = [u8; CONTENT];

/// Where the flags of a record stand in its content.
pub(super) const FLAGS_OFFSET: usize = 1;
/// Flag: a settled mark counts for this record.
pub(super) const SETTLED: u8 = 1;
/// Flag: a reversal counts for this record.
pub(super) const REVERSED: u8 = 2;
/// Flag: a refund counts for this record.
pub(super) const REFUNDED: u8 = 4;

/// The entries of which only the newest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Single {
    Identity,
    Parameters,
    Masters,
    Pin,
    PrivateKey,
    Certificate,
}

impl Single {
    /// How many there are.
    pub(super) const COUNT: usize = 6;
    /// How many one card has at most: a purse has no masters, a SAM no key pair.
    pub(super) const MOST: usize = 5;
}

/// Bytes at the front of an entry that say all that the index needs.
pub(super) const BRIEF: usize = 12;

/// The front of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Brief {
    Single(Single),
    Record(RecordBrief),
    Mark(Sequence),
}

/// The front of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordBrief {
    pub(super) sequence: Sequence,
    pub(super) role: RecordRole,
    pub(super) kind: Kind,
    pub(super) flags: u8,
    pub(super) reference: Option<Sequence>,
}

impl Brief {
    pub(super) fn parse(bytes: &[u8; BRIEF]) -> Result<Self, DataError> {
        let mut reader = Reader::new(bytes);
        Ok(match reader.byte()? {
            TYPE_IDENTITY => Self::Single(Single::Identity),
            TYPE_PARAMETERS => Self::Single(Single::Parameters),
            TYPE_MASTERS => Self::Single(Single::Masters),
            TYPE_PIN => Self::Single(Single::Pin),
            TYPE_PRIVATE_KEY => Self::Single(Single::PrivateKey),
            TYPE_CERTIFICATE => Self::Single(Single::Certificate),
            TYPE_MARK => Self::Mark(Sequence::parse(reader.take()?)),
            TYPE_RECORD => Self::Record(RecordBrief {
                flags: reader.byte()?,
                role: RecordRole::parse(reader.byte()?)?,
                sequence: Sequence::parse(reader.take()?),
                reference: some_sequence(reader.take()?),
                kind: Kind::parse(reader.byte()?)?,
            }),
            _ => return Err(DataError::Value),
        })
    }

    /// The front of an entry that has been read whole.
    pub(super) fn of(content: &Content) -> Result<Self, DataError> {
        content.first_chunk().ok_or(DataError::Length).and_then(Self::parse)
    }
}

fn some_sequence(bytes: [u8; 4]) -> Option<Sequence> {
    Some(Sequence::parse(bytes)).filter(|sequence| *sequence != Sequence::NONE)
}

const TYPE_IDENTITY: u8 = 1;
const TYPE_PARAMETERS: u8 = 2;
const TYPE_MASTERS: u8 = 3;
const TYPE_PIN: u8 = 4;
const TYPE_RECORD: u8 = 5;
const TYPE_MARK: u8 = 6;
const TYPE_PRIVATE_KEY: u8 = 7;
const TYPE_CERTIFICATE: u8 = 8;

/// Whether content holds keys or the PIN, to be wiped after use.
pub(super) fn is_secret(content: &[u8]) -> bool {
    matches!(content.first(), Some(&(TYPE_IDENTITY | TYPE_MASTERS | TYPE_PIN | TYPE_PRIVATE_KEY)))
}

const FLAG_BLOCKED: u8 = 1;
const FLAG_LOCKED: u8 = 2;
const FLAG_TERMINATED: u8 = 4;

/// Puts fields into an entry; what is behind them stays zero.
fn content(fill: impl FnOnce(&mut Writer<'_>)) -> Content {
    let mut bytes = [0; CONTENT];
    let mut writer = Writer::new(&mut bytes);
    fill(&mut writer);
    debug_assert!(writer.finish().is_some(), "every entry fits");
    bytes
}

/// A reader behind the type byte, which must be this one.
fn reader(bytes: &Content, kind: u8) -> Result<Reader<'_>, DataError> {
    let mut reader = Reader::new(bytes);
    if reader.byte()? == kind { Ok(reader) } else { Err(DataError::Value) }
}

impl Administration {
    fn put(self, writer: &mut Writer<'_>) {
        writer.put(&self.counter.to_be_bytes()).put(&self.mac);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, DataError> {
        Ok(Self { counter: u32::from_be_bytes(reader.take()?), mac: reader.take()? })
    }

    /// The one with the higher counter.
    pub(super) fn highest(self, other: Self) -> Self {
        if other.counter > self.counter { other } else { self }
    }
}

impl Identity {
    pub(super) fn encode(&self) -> Content {
        content(|writer| {
            writer.put(&[TYPE_IDENTITY, self.role.code()]).put(&self.number.0).put(&[self.key_version.0]);
            writer.put(&self.issuer.0).put(&[self.flags]);
            for key in &self.keys {
                writer.put(&key.0);
            }
            for balance in &self.balances {
                writer.put(&balance.emit());
            }
            writer.put(&self.first_sequence.emit());
        })
    }

    pub(super) fn decode(bytes: &Content) -> Result<Self, DataError> {
        let mut reader = reader(bytes, TYPE_IDENTITY)?;
        let mut identity = Self {
            role: Role::parse(reader.byte()?)?,
            number: PartyNumber(reader.take()?),
            key_version: KeyVersion(reader.byte()?),
            issuer: PartyNumber(reader.take()?),
            flags: reader.byte()?,
            keys: [const { KeyBytes([0; KeyBytes::LENGTH]) }; 4],
            balances: [Amount::ZERO; POCKETS],
            first_sequence: Sequence::default(),
        };
        for key in &mut identity.keys {
            key.0 = reader.take()?;
        }
        for balance in &mut identity.balances {
            *balance = Amount::parse(reader.take()?);
        }
        identity.first_sequence = Sequence::parse(reader.take()?);
        Ok(identity)
    }
}

impl Parameters {
    pub(super) fn encode(&self) -> Content {
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        let flags = flag(self.blocked, FLAG_BLOCKED)
            | flag(self.locked, FLAG_LOCKED)
            | flag(self.terminated, FLAG_TERMINATED);
        content(|writer| {
            writer.put(&[TYPE_PARAMETERS, flags]).put(&self.expiry.0);
            self.administration.put(writer);
            for pocket in &self.pockets {
                writer.put(&pocket.emit());
            }
        })
    }

    pub(super) fn decode(bytes: &Content) -> Result<Self, DataError> {
        let mut reader = reader(bytes, TYPE_PARAMETERS)?;
        let flags = reader.byte()?;
        let mut parameters = Self {
            expiry: Expiry(reader.take()?),
            administration: Administration::take(&mut reader)?,
            pockets: [PocketParameters::UNUSED; POCKETS],
            blocked: flags & FLAG_BLOCKED != 0,
            locked: flags & FLAG_LOCKED != 0,
            terminated: flags & FLAG_TERMINATED != 0,
        };
        for pocket in &mut parameters.pockets {
            *pocket = PocketParameters::parse(&reader.take()?)?;
        }
        Ok(parameters)
    }
}

impl Masters {
    pub(super) fn encode(&self) -> Content {
        content(|writer| {
            writer.put(&[TYPE_MASTERS]);
            self.administration.put(writer);
            // An empty place is key version 00, which no key has.
            for place in &self.keys {
                match place {
                    Some((version, key)) => writer.put(&[version.0]).put(&key.0),
                    None => writer.put(&[KeyVersion::NONE.0]).put(&[0; KeyBytes::LENGTH]),
                };
            }
        })
    }

    pub(super) fn decode(bytes: &Content) -> Result<Self, DataError> {
        let mut reader = reader(bytes, TYPE_MASTERS)?;
        let administration = Administration::take(&mut reader)?;
        let mut masters = Self::default();
        masters.administration = administration;
        for place in &mut masters.keys {
            let version = KeyVersion(reader.byte()?);
            let key = KeyBytes(reader.take()?);
            if version != KeyVersion::NONE {
                *place = Some((version, key));
            }
        }
        Ok(masters)
    }
}

impl Pin {
    pub(super) fn encode(&self) -> Content {
        content(|writer| {
            writer.put(&[TYPE_PIN, self.tries, self.limit]).put(&self.block);
            self.administration.put(writer);
        })
    }

    pub(super) fn decode(bytes: &Content) -> Result<Self, DataError> {
        let mut reader = reader(bytes, TYPE_PIN)?;
        let (tries, limit) = (reader.byte()?, reader.byte()?);
        let block = reader.take()?;
        Ok(Self { block, tries, limit, administration: Administration::take(&mut reader)? })
    }
}

impl TransferKey {
    pub(super) fn encode(&self) -> Content {
        content(|writer| {
            writer.put(&[TYPE_PRIVATE_KEY]).put(&self.private_key.0).put(&self.issuer_key.0);
        })
    }

    pub(super) fn decode(bytes: &Content) -> Result<Self, DataError> {
        let mut reader = reader(bytes, TYPE_PRIVATE_KEY)?;
        Ok(Self { private_key: PrivateKey(reader.take()?), issuer_key: PublicKey(reader.take()?) })
    }
}

/// The certificate of the card's own key.
pub(super) fn encode_certificate(certificate: &Certificate) -> Content {
    content(|writer| {
        writer.put(&[TYPE_CERTIFICATE]).put(&certificate.emit());
    })
}

pub(super) fn decode_certificate(bytes: &Content) -> Result<Certificate, DataError> {
    let mut reader = reader(bytes, TYPE_CERTIFICATE)?;
    Certificate::parse(reader.slice(Certificate::LENGTH)?)
}

impl Record {
    pub(super) fn encode(&self) -> Content {
        content(|writer| {
            let flags = if self.settled { SETTLED } else { 0 };
            writer.put(&[TYPE_RECORD, flags, self.role.code()]).put(&self.sequence.emit());
            writer.put(&self.reference.unwrap_or(Sequence::NONE).emit());
            writer.put(&self.pay_details.emit()).put(&self.tac.0).put(&self.last_load.emit());
            self.administration.put(writer);
            for pocket in &self.pockets {
                writer.put(&pocket.balance.emit()).put(&pocket.debited_without_pin.emit());
                writer.put(&pocket.received_offline.emit());
            }
            writer.put(&self.chain.0);
        })
    }

    pub(super) fn decode(bytes: &Content) -> Result<Self, DataError> {
        let mut reader = reader(bytes, TYPE_RECORD)?;
        let settled = reader.byte()? & SETTLED != 0;
        let role = RecordRole::parse(reader.byte()?)?;
        let sequence = Sequence::parse(reader.take()?);
        let reference = some_sequence(reader.take()?);
        let pay_details = PayDetails::parse(&reader.take()?)?;
        let tac = Tac(reader.take()?);
        let last_load = Sequence::parse(reader.take()?);
        let administration = Administration::take(&mut reader)?;
        let mut pockets = [PocketState::default(); POCKETS];
        for pocket in &mut pockets {
            pocket.balance = Amount::parse(reader.take()?);
            pocket.debited_without_pin = Amount::parse(reader.take()?);
            pocket.received_offline = Amount::parse(reader.take()?);
        }
        let chain = Chain(reader.take()?);
        Ok(Self {
            sequence,
            pay_details,
            tac,
            role,
            settled,
            reference,
            last_load,
            administration,
            pockets,
            chain,
        })
    }
}

impl Entry {
    /// What [`Brief::of`] reads in its content.
    pub(super) fn brief(&self) -> Brief {
        match self {
            Self::Record(record) => Brief::Record(RecordBrief {
                sequence: record.sequence,
                role: record.role,
                kind: record.pay_details.kind,
                flags: if record.settled { SETTLED } else { 0 },
                reference: record.reference,
            }),
            Self::Mark(sequence) => Brief::Mark(*sequence),
            Self::Pin(_) => Brief::Single(Single::Pin),
            Self::Parameters(_) => Brief::Single(Single::Parameters),
            Self::Masters(_) => Brief::Single(Single::Masters),
        }
    }

    pub(super) fn encode(&self) -> Content {
        match self {
            Self::Record(record) => record.encode(),
            Self::Mark(sequence) => content(|writer| {
                writer.put(&[TYPE_MARK]).put(&sequence.emit());
            }),
            Self::Pin(pin) => pin.encode(),
            Self::Parameters(parameters) => parameters.encode(),
            Self::Masters(masters) => masters.encode(),
        }
    }
}
