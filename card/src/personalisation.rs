//! STORE DATA: a blank card becomes a purse or a merchant SAM, all or nothing (section 6; framing of EMV CPS).

use apdu_spec::certificate::Certificate;
use apdu_spec::command::{Command, Request};
use apdu_spec::cryptography::{Engine, KeyBytes, KeyPurpose, check_value};
use apdu_spec::curve::{Curve, PrivateKey, PublicKey};
use apdu_spec::element::{Amount, DataError, KeyVersion, Role, Sequence};
use apdu_spec::personalisation::{
    CARD_KEYS, DGI_CERTIFICATE, DGI_CHECK_VALUES, DGI_IDENTITY, DGI_ISSUER_KEY, DGI_KEYS, DGI_LAST_POCKET,
    DGI_MASTERS, DGI_PIN, DGI_PIN_TRIES, DGI_POCKET, DGI_PRIVATE_KEY, IdentityGroup, KeyPair, MASTERS,
    PocketGroup,
};
use apdu_spec::pin::PinBlock;
use apdu_spec::pocket::{POCKETS, PocketParameters};
use apdu_spec::status::StatusWord;
use apdu_spec::wire::Reader;
use xxhash_rust::xxh64::xxh64;
use zeroize::Zeroize;

use crate::card::{Card, Outcome};
use crate::keys::Keys;
use crate::memory::Memory;
use crate::store::{Administration, Identity, Masters, Parameters, Pin};

/// How far a blank card has come since reset. Nothing of it holds before the last block.
#[derive(Clone, Debug, Default)]
pub(crate) struct Personalisation {
    groups: Groups,
    /// Blocks accepted.
    blocks: u16,
    /// The last one, by a digest so that no key stays behind.
    last: Option<u64>,
    complete: bool,
}

/// The data groups so far.
#[derive(Clone, Debug, Default)]
struct Groups {
    identity: Option<IdentityGroup>,
    pockets: [Option<PocketGroup>; POCKETS],
    keys: Option<[KeyBytes; CARD_KEYS]>,
    check_values: Option<[[u8; 3]; CARD_KEYS]>,
    masters: Option<Masters>,
    pin: Option<PinBlock>,
    tries: Option<[u8; 2]>,
    private_key: Option<PrivateKey>,
    issuer_key: Option<PublicKey>,
    certificate: Option<Certificate>,
}

impl Zeroize for Groups {
    /// Empty places too: when all of this is moved they bring along what their bytes were before.
    fn zeroize(&mut self) {
        self.identity.zeroize();
        self.pockets.zeroize();
        self.keys.zeroize();
        self.check_values.zeroize();
        self.masters.zeroize();
        self.pin.zeroize();
        self.tries.zeroize();
        self.private_key.zeroize();
        self.issuer_key.zeroize();
        self.certificate.zeroize();
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        self.zeroize();
    }
}

/// What the last block commits.
struct Profile {
    identity: Identity,
    parameters: Parameters,
    masters: Option<Masters>,
    pin: Pin,
    key_pair: Option<KeyPair>,
}

/// The try counter shares a nibble with 63Cx.
const MOST_TRIES: u8 = 15;

impl Personalisation {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Whether this is the last block again, though the card is not blank any more.
    pub(crate) fn is_repeat(&self, request: &Request<'_>) -> bool {
        match request.command() {
            Ok(Command::StoreData(last, number, data)) => self.complete && self.is_last(last, number, data),
            _ => false,
        }
    }

    fn is_last(&self, last: bool, number: u8, data: &[u8]) -> bool {
        self.last == Some(digest(last, number, data)) && self.blocks == u16::from(number).saturating_add(1)
    }
}

impl<M: Memory, E: Engine + Curve, const WINDOW: usize, const EXCEPTIONS: usize>
    Card<M, E, WINDOW, EXCEPTIONS>
{
    /// Takes one block. A refused one may be sent again; only block 00 has let go of what came before it.
    pub(crate) fn store_data(&mut self, last: bool, number: u8, data: &[u8]) -> Outcome {
        if self.personalisation.is_last(last, number, data) {
            return Ok(StatusWord::Success);
        }
        if number == 0 {
            self.personalisation = Personalisation::new();
        }
        if u16::from(number) != self.personalisation.blocks {
            return Err(StatusWord::ConditionsOfUse);
        }
        let mut groups = self.personalisation.groups.clone();
        groups.read(data).map_err(|_| StatusWord::WrongData)?;
        if last {
            let profile = groups.complete(&self.engine).ok_or(StatusWord::WrongData)?;
            self.store.personalise(
                &profile.identity,
                &profile.parameters,
                profile.masters.as_ref(),
                &profile.pin,
                profile.key_pair.as_ref(),
            )?;
            self.keys = Keys::new(&self.engine, &self.store);
            groups = Groups::default();
        }
        self.personalisation = Personalisation {
            groups,
            blocks: u16::from(number).saturating_add(1),
            last: Some(digest(last, number, data)),
            complete: last,
        };
        if last {
            self.personalisation.groups.zeroize();
        }
        Ok(StatusWord::Success)
    }
}

impl Groups {
    /// Takes the data groups of one block: none twice, none unknown, none across blocks.
    fn read(&mut self, data: &[u8]) -> Result<(), DataError> {
        let mut reader = Reader::new(data);
        while !reader.rest().is_empty() {
            let identifier = u16::from_be_bytes(reader.take()?);
            let length = reader.byte()?;
            self.take(identifier, reader.slice(usize::from(length))?)?;
        }
        Ok(())
    }

    fn take(&mut self, identifier: u16, value: &[u8]) -> Result<(), DataError> {
        match identifier {
            DGI_IDENTITY => once(&mut self.identity, IdentityGroup::parse(value)?),
            DGI_POCKET..=DGI_LAST_POCKET => {
                let place = usize::from(identifier.saturating_sub(DGI_POCKET));
                once(self.pockets.get_mut(place).ok_or(DataError::Value)?, PocketGroup::parse(value)?)
            }
            DGI_KEYS => once(&mut self.keys, whole(value, read_keys)?),
            DGI_CHECK_VALUES => once(&mut self.check_values, whole(value, read_check_values)?),
            DGI_MASTERS => once(&mut self.masters, read_masters(value)?),
            DGI_PIN => once(&mut self.pin, PinBlock::parse(whole(value, Reader::take)?)?),
            DGI_PIN_TRIES => once(&mut self.tries, whole(value, Reader::take)?),
            DGI_PRIVATE_KEY => once(&mut self.private_key, PrivateKey(whole(value, Reader::take)?)),
            DGI_ISSUER_KEY => once(&mut self.issuer_key, PublicKey(whole(value, Reader::take)?)),
            DGI_CERTIFICATE => once(&mut self.certificate, Certificate::parse(value)?),
            _ => Err(DataError::Value),
        }
    }

    /// The three groups of a key pair: all or none, on a purse only, and of one key and one issuer. Err where they do
    /// not fit.
    fn key_pair<C: Curve>(&self, curve: &C, identity: &IdentityGroup) -> Result<Option<KeyPair>, DataError> {
        match (&self.private_key, self.issuer_key, self.certificate) {
            (None, None, None) => Ok(None),
            (Some(private_key), Some(issuer_key), Some(certificate)) => {
                let body = &certificate.body;
                let fits = (identity.role, body.role, body.number)
                    == (Role::Purse, Role::Purse, identity.number)
                    && curve.public_key(private_key) == Some(body.public_key)
                    && certificate.is_signed_by(curve, &issuer_key);
                let pair = KeyPair { private_key: private_key.clone(), issuer_key, certificate };
                if fits { Ok(Some(pair)) } else { Err(DataError::Value) }
            }
            _ => Err(DataError::Value),
        }
    }

    /// Whether everything mandatory is there and fits together.
    fn complete<E: Engine + Curve>(&self, engine: &E) -> Option<Profile> {
        let identity = self.identity?;
        let keys = self.keys.as_ref()?;
        let check_values = self.check_values?;
        let keys_hold =
            KeyPurpose::ALL.into_iter().zip(keys).zip(check_values).all(|((purpose, key), value)| {
                let is_unused = identity.role == Role::Merchant && purpose == KeyPurpose::Payment;
                is_unused || check_value(engine, key) == value
            });
        let [tries, limit] = self.tries?;
        let tries_hold = (1..=MOST_TRIES).contains(&limit) && tries <= limit;
        let masters_hold = self.masters.is_some() == (identity.role == Role::Merchant);
        if !keys_hold || !tries_hold || !masters_hold || !self.pockets_hold() {
            return None;
        }
        let key_pair = self.key_pair(engine, &identity).ok()?;
        let mut balances = [Amount::ZERO; POCKETS];
        let mut pockets = [PocketParameters::UNUSED; POCKETS];
        for ((group, balance), parameters) in self.pockets.iter().zip(&mut balances).zip(&mut pockets) {
            if let Some(group) = group {
                *balance = group.balance;
                *parameters = group.parameters;
            }
        }
        Some(Profile {
            identity: Identity {
                role: identity.role,
                number: identity.number,
                key_version: identity.key_version,
                issuer: identity.issuer,
                flags: identity.flags,
                keys: keys.clone(),
                balances,
                first_sequence: Sequence(0),
            },
            parameters: Parameters {
                expiry: identity.expiry,
                pockets,
                blocked: false,
                locked: false,
                terminated: false,
                administration: Administration::default(),
            },
            masters: self.masters.clone(),
            pin: Pin {
                block: self.pin.as_ref()?.emit(),
                tries,
                limit,
                administration: Administration::default(),
            },
            key_pair,
        })
    }

    /// Pocket 0 is there, and no currency twice.
    fn pockets_hold(&self) -> bool {
        let currencies = || self.pockets.iter().flatten().map(|pocket| pocket.parameters.currency);
        let [first, ..] = self.pockets;
        first.is_some()
            && currencies().all(|wanted| currencies().filter(|other| *other == wanted).count() == 1)
    }
}

fn digest(last: bool, number: u8, data: &[u8]) -> u64 {
    xxh64(data, u64::from(number) << 1 | u64::from(last))
}

/// A data group counts once.
fn once<T>(place: &mut Option<T>, value: T) -> Result<(), DataError> {
    if place.is_some() {
        return Err(DataError::Value);
    }
    *place = Some(value);
    Ok(())
}

/// A value of fixed length, and nothing behind it.
fn whole<'a, T>(
    value: &'a [u8],
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, DataError>,
) -> Result<T, DataError> {
    let mut reader = Reader::new(value);
    let group = read(&mut reader)?;
    reader.end().map(|()| group)
}

fn read_keys(reader: &mut Reader<'_>) -> Result<[KeyBytes; CARD_KEYS], DataError> {
    let mut next = || reader.take().map(KeyBytes);
    Ok([next()?, next()?, next()?, next()?])
}

fn read_check_values(reader: &mut Reader<'_>) -> Result<[[u8; 3]; CARD_KEYS], DataError> {
    Ok([reader.take()?, reader.take()?, reader.take()?, reader.take()?])
}

/// One to eight masters, each with another key version than 00.
fn read_masters(value: &[u8]) -> Result<Masters, DataError> {
    let mut masters = Masters::default();
    let mut reader = Reader::new(value);
    for place in 0..MASTERS {
        if reader.rest().is_empty() {
            break;
        }
        let version = KeyVersion(reader.byte()?);
        let is_known = masters.key(version).is_some();
        if version == KeyVersion::NONE || is_known {
            return Err(DataError::Value);
        }
        let key = KeyBytes(reader.take()?);
        *masters.keys.get_mut(place).ok_or(DataError::Length)? = Some((version, key));
    }
    reader.end()?;
    if value.is_empty() { Err(DataError::Length) } else { Ok(masters) }
}
