//! The issuer's keys, and what it makes and checks with them.

use std::collections::BTreeMap;

use apdu_spec::command::Script;
use apdu_spec::cryptography::{
    self, Authenticator, Chain, Engine, KeyBytes, KeyPurpose, Session, Tac, card_key,
};
use apdu_spec::element::KeyVersion;
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;

use super::error::IssuerError;
use super::model::{Card, ChainRecord};

/// The four master keys of one version, in the order of `KeyPurpose::ALL`.
#[derive(Clone, Debug)]
pub struct MasterKeys {
    /// LOAD: load and unload.
    pub load: KeyBytes,
    /// PAYM: purchase and refund.
    pub payment: KeyBytes,
    /// TACK: certificates and chains.
    pub tac: KeyBytes,
    /// ADMN: scripts.
    pub administration: KeyBytes,
}

impl MasterKeys {
    /// The master key for this purpose.
    pub const fn key(&self, purpose: KeyPurpose) -> &KeyBytes {
        match purpose {
            KeyPurpose::Load => &self.load,
            KeyPurpose::Payment => &self.payment,
            KeyPurpose::Tac => &self.tac,
            KeyPurpose::Administration => &self.administration,
        }
    }
}

/// Master keys by version.
pub type Keyring = BTreeMap<KeyVersion, MasterKeys>;

/// The issuer's number and keys.
#[derive(Clone, Debug)]
pub(super) struct Authority<E> {
    engine: E,
    number: PartyNumber,
    keyring: Keyring,
}

impl<E> Authority<E> {
    pub(super) const fn new(engine: E, number: PartyNumber, keyring: Keyring) -> Self {
        Self { engine, number, keyring }
    }

    pub(super) const fn number(&self) -> PartyNumber {
        self.number
    }
}

impl<E: Engine> Authority<E> {
    /// Whether there are master keys of this version.
    pub(super) fn knows(&self, key_version: KeyVersion) -> bool {
        self.keyring.contains_key(&key_version)
    }

    fn key(&self, card: &Card, purpose: KeyPurpose) -> Result<E::Key, IssuerError> {
        let masters =
            self.keyring.get(&card.key_version).ok_or(IssuerError::UnknownKeyVersion(card.key_version))?;
        let mut master = self.engine.load(masters.key(purpose));
        Ok(self.engine.load(&card_key(&self.engine, &mut master, purpose, card.number, card.key_version)))
    }

    /// The session of a load or unload of this card.
    pub(super) fn session(
        &self,
        card: &Card,
        pay_details: &PayDetails,
    ) -> Result<Session<'_, E>, IssuerError> {
        Ok(Session::new(&self.engine, &mut self.key(card, KeyPurpose::Load)?, pay_details))
    }

    /// Whether this payer made this TAC. Its own key version counts, not the one in PD.
    pub(super) fn is_genuine(
        &self,
        payer: &Card,
        pay_details: &PayDetails,
        tac: Tac,
    ) -> Result<bool, IssuerError> {
        let mut key = self.key(payer, KeyPurpose::Tac)?;
        Ok(same(cryptography::tac(&self.engine, &mut key, pay_details, None), tac))
    }

    /// Extends a SAM's chain by one record after the other.
    pub(super) fn chain(&self, sam: &Card) -> Result<Chaining<'_, E>, IssuerError> {
        Ok(Chaining { engine: &self.engine, key: self.key(sam, KeyPurpose::Tac)?, chain: Chain(sam.chain) })
    }

    /// The MAC of a script for this card.
    pub(super) fn script_mac(&self, card: &Card, script: &Script<'_>) -> Result<Authenticator, IssuerError> {
        let mut key = self.key(card, KeyPurpose::Administration)?;
        Ok(script.signed(|command| cryptography::script_mac(&self.engine, &mut key, command)))
    }
}

/// A SAM's H on its way over the records.
pub(super) struct Chaining<'a, E: Engine> {
    engine: &'a E,
    key: E::Key,
    chain: Chain,
}

impl<E: Engine> Chaining<'_, E> {
    /// H so far.
    pub(super) const fn value(&self) -> Chain {
        self.chain
    }

    /// Whether the SAM made this collection with exactly the records so far before it.
    pub(super) fn precedes(&mut self, pay_details: &PayDetails, tac: Tac) -> bool {
        same(cryptography::tac(self.engine, &mut self.key, pay_details, Some(self.chain)), tac)
    }

    /// Adds the next record.
    pub(super) fn add(&mut self, record: &ChainRecord) {
        self.chain = cryptography::chain(
            self.engine,
            &mut self.key,
            self.chain,
            record.role,
            &record.pay_details,
            record.tac,
        );
    }
}

/// Compares as authenticators are compared, in constant time: equality of a TAC is a plain one.
fn same(Tac(expected): Tac, Tac(presented): Tac) -> bool {
    Authenticator(expected) == Authenticator(presented)
}
