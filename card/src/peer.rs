//! The other purse of a transfer: VERIFY CERTIFICATE, and the pair key that both have then (section 8).

use apdu_spec::certificate::Certificate;
use apdu_spec::cryptography::{Engine, KeyBytes};
use apdu_spec::curve::{Curve, pair_key};
use apdu_spec::element::{Kind, Role};
use apdu_spec::number::PartyNumber;
use apdu_spec::status::StatusWord;
use zeroize::Zeroize;

use crate::card::{Card, Outcome};
use crate::keys::Keys;
use crate::memory::Memory;

/// A purse whose certificate has been verified since power-up.
#[derive(Zeroize)]
pub(crate) struct Peer {
    certificate: Certificate,
    pub(crate) pair_key: KeyBytes,
    /// In this session. Afterwards it is remembered only: the same certificate again needs no computation.
    pub(crate) is_present: bool,
}

impl<E: Engine> Keys<E> {
    /// The session is over.
    pub(crate) fn part_from_peer(&mut self) {
        if let Some(peer) = &mut self.peer {
            peer.is_present = false;
        }
    }

    /// Whether the other side of a transfer is the purse whose certificate was verified in this session (else 6985);
    /// nothing is asked of other kinds.
    pub(crate) fn check_peer(&self, kind: Kind, number: PartyNumber) -> Result<(), StatusWord> {
        let is_peer = |peer: &Peer| peer.is_present && peer.certificate.body.number == number;
        if kind != Kind::Transfer || self.peer.as_ref().is_some_and(is_peer) {
            Ok(())
        } else {
            Err(StatusWord::ConditionsOfUse)
        }
    }
}

impl<M: Memory, E: Engine + Curve, const WINDOW: usize, const EXCEPTIONS: usize>
    Card<M, E, WINDOW, EXCEPTIONS>
{
    /// VERIFY CERTIFICATE: its purse is this session's peer. A refused one leaves everything as it was.
    pub(crate) fn verify_certificate(&mut self, certificate: &Certificate) -> Outcome {
        let number = self.identity()?.number;
        let own = self.store.certificate()?.ok_or(StatusWord::ConditionsOfUse)?;
        let body = &certificate.body;
        if body.role != Role::Purse || body.number == number {
            return Err(StatusWord::WrongData);
        }
        if body.issuer_key != own.body.issuer_key {
            return Err(StatusWord::ReferenceNotFound);
        }
        if let Some(peer) = self.keys.peer.as_mut().filter(|peer| peer.certificate == *certificate) {
            peer.is_present = true;
            return Ok(StatusWord::Success);
        }
        let key = self.store.transfer_key()?.ok_or(StatusWord::ConditionsOfUse)?;
        if !certificate.is_signed_by(&self.engine, &key.issuer_key) {
            return Err(StatusWord::WrongMac);
        }
        let shared = self.engine.agree(&key.private_key, &body.public_key).ok_or(StatusWord::WrongData)?;
        let pair_key = pair_key(&self.engine, &shared, number, body.number);
        self.keys.peer = Some(Peer { certificate: *certificate, pair_key, is_present: true });
        Ok(StatusWord::Success)
    }
}
