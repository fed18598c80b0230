//! Keys that are ready for use, and which of them a transaction is under.

use apdu_spec::cryptography::KeyPurpose;
use apdu_spec::cryptography::{Engine, KeyBytes, Session, card_key};
use apdu_spec::element::{KeyVersion, Kind, Role};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::personalisation::{CARD_KEYS, MASTERS};
use apdu_spec::status::StatusWord;
use zeroize::Zeroize;

use crate::memory::Memory;
use crate::peer::Peer;
use crate::store::{Identity, Store};

/// Key schedules of the static keys; the engine wipes each when it is dropped.
pub(crate) struct Keys<E: Engine> {
    own: Option<[E::Key; CARD_KEYS]>,
    masters: [Option<(KeyVersion, E::Key)>; MASTERS],
    /// The purse whose certificate was verified last, and whether that was in this session.
    pub(crate) peer: Option<Peer>,
}

impl<E: Engine> Drop for Keys<E> {
    /// Also where there is none: when all of this is moved its empty place brings along what was there before.
    fn drop(&mut self) {
        self.peer.zeroize();
    }
}

impl<E: Engine> core::fmt::Debug for Keys<E> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("Keys(..)")
    }
}

impl<E: Engine> Keys<E> {
    pub(crate) fn new<M: Memory, const WINDOW: usize, const EXCEPTIONS: usize>(
        engine: &E,
        store: &Store<M, WINDOW, EXCEPTIONS>,
    ) -> Self {
        let load = |key: &KeyBytes| engine.load(key);
        let own = store.identity().map(|identity| identity.keys.each_ref().map(load));
        // One by one: an array made of options at once has copies of the last key in its empty places, which no drop
        // wipes.
        let mut masters = [const { None }; MASTERS];
        let held = store.masters().map(|masters| &masters.keys).into_iter().flatten();
        for (place, held) in masters.iter_mut().zip(held) {
            if let Some((version, key)) = held {
                *place = Some((*version, load(key)));
            }
        }
        Self { own, masters, peer: None }
    }

    /// One of the card's own keys.
    pub(crate) fn own(&mut self, purpose: KeyPurpose) -> Result<&mut E::Key, StatusWord> {
        let [load, payment, tac, administration] = self.own.as_mut().ok_or(StatusWord::ConditionsOfUse)?;
        Ok(match purpose {
            KeyPurpose::Load => load,
            KeyPurpose::Payment => payment,
            KeyPurpose::Tac => tac,
            KeyPurpose::Administration => administration,
        })
    }

    /// Whether the key version of these pay details is one that this card has a key of (else 6A88).
    pub(crate) fn check_version(
        &self,
        identity: &Identity,
        kind: Kind,
        version: KeyVersion,
    ) -> Result<(), StatusWord> {
        let held = match (kind, identity.role) {
            (Kind::Load | Kind::Unload, _) | (Kind::Purchase | Kind::Refund, Role::Purse) => {
                version == identity.key_version
            }
            (Kind::Purchase | Kind::Refund, Role::Merchant) => {
                self.masters.iter().flatten().any(|(held, _)| *held == version)
            }
            (Kind::Transfer, _) => version == KeyVersion::NONE,
        };
        if held { Ok(()) } else { Err(StatusWord::ReferenceNotFound) }
    }

    /// The session of one transaction: under the LOAD key with the issuer, under the purse's PAYM key between purse
    /// and SAM, which derives it from the master.
    pub(crate) fn session<'a>(
        &mut self,
        engine: &'a E,
        role: Role,
        pay_details: &PayDetails,
    ) -> Result<Session<'a, E>, StatusWord> {
        let pair_key = match (pay_details.kind, role) {
            (Kind::Load | Kind::Unload, _) => self.own(KeyPurpose::Load)?,
            (Kind::Purchase | Kind::Refund, Role::Purse) => self.own(KeyPurpose::Payment)?,
            (Kind::Purchase | Kind::Refund, Role::Merchant) => {
                let purse =
                    if pay_details.kind == Kind::Purchase { pay_details.from } else { pay_details.to };
                let version = pay_details.key_version;
                let (_, master) = self
                    .masters
                    .iter_mut()
                    .flatten()
                    .find(|(held, _)| *held == version)
                    .ok_or(StatusWord::ReferenceNotFound)?;
                let key = card_key(engine, master, KeyPurpose::Payment, purse, version);
                return Ok(Session::new(engine, &mut engine.load(&key), pay_details));
            }
            (Kind::Transfer, _) => {
                let peer = self.peer.as_ref().filter(|peer| peer.is_present);
                let key = &peer.ok_or(StatusWord::ConditionsOfUse)?.pair_key;
                return Ok(Session::new(engine, &mut engine.load(key), pay_details));
            }
        };
        Ok(Session::new(engine, pair_key, pay_details))
    }
}
