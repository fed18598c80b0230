//! Scripts: UPDATE PARAMETER commands under the issuer's MAC (section 6).

use apdu_spec::command::{ParameterBytes, Script};
use apdu_spec::cryptography::{Authenticator, Engine};
use apdu_spec::element::Role;
use apdu_spec::number::PartyNumber;
use apdu_spec::parameter::Parameter;

use super::Issuer;
use super::authority::Authority;
use super::error::IssuerError;
use super::load::no_load_unresolved;
use super::model::{Card, CardState, LastScript};
use super::registration::open_pocket;
use super::store::{Store, Tables};

/// A script that is ready to be sent. It can be sent again, and by anyone: it says the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedScript {
    /// The card that it is for.
    pub card: PartyNumber,
    /// Used once, upwards.
    pub counter: u32,
    /// Parameter id.
    pub id: u8,
    /// As the id wants it.
    pub value: Vec<u8>,
    /// The issuer's.
    pub mac: Authenticator,
}

impl SignedScript {
    /// Data of UPDATE PARAMETER.
    pub fn script(&self) -> Script<'_> {
        Script { counter: self.counter, id: self.id, value: &self.value, mac: self.mac }
    }
}

impl<S: Store, E: Engine> Issuer<S, E> {
    /// Signs a change of the card. Each gets a counter of its own above all that were given out; so a script that
    /// the card has refused is withdrawn as soon as the card accepts a later one. Not for resolutions.
    pub fn script(&mut self, card: PartyNumber, parameter: &Parameter) -> Result<SignedScript, IssuerError> {
        let Self { store, authority } = self;
        store.step(|tables| sign(tables, authority, card, parameter))
    }
}

/// Signs a change, and lets the books know what it means for the card.
pub(super) fn sign<E: Engine>(
    tables: &mut dyn Tables,
    authority: &Authority<E>,
    card: PartyNumber,
    parameter: &Parameter,
) -> Result<SignedScript, IssuerError> {
    let mut card = tables.card(card)?.ok_or(IssuerError::UnknownCard(card))?;
    match parameter {
        Parameter::Resolve { .. } => return Err(IssuerError::ResolutionOnRequest),
        Parameter::ForgetMaster(_) if card.role == Role::Purse => {
            return Err(IssuerError::Script("only a merchant SAM holds masters"));
        }
        Parameter::Terminate => {
            no_load_unresolved(tables, card.number)?;
            card.state = CardState::Terminated;
        }
        Parameter::Block => card.state = CardState::Blocked,
        Parameter::Unblock => card.state = CardState::Active,
        // From now on it may hold that currency, so there has to be an account for what it unloads.
        Parameter::NewPocket { parameters, .. } => open_pocket(tables, &card, parameters.currency)?,
        Parameter::Limits { .. }
        | Parameter::Expiry(_)
        | Parameter::PinTries
        | Parameter::ClearLock
        | Parameter::ForgetMaster(_) => {}
    }
    next(tables, authority, card, parameter)
}

/// Signs under the next counter and records that before it is given.
pub(super) fn next<E: Engine>(
    tables: &mut dyn Tables,
    authority: &Authority<E>,
    mut card: Card,
    parameter: &Parameter,
) -> Result<SignedScript, IssuerError> {
    let given = card.script.as_ref().map_or(0, |last| last.counter);
    let counter = given.checked_add(1).ok_or(IssuerError::CountersExhausted(card.number))?;
    let value = ParameterBytes::new(parameter).value().to_vec();
    card.script = Some(LastScript { counter, id: parameter.id(), value });
    tables.put_card(&card)?;
    last(authority, &card)
}

/// The script for this resolution: the last one given, if it was this, else a new one.
pub(super) fn same_or_next<E: Engine>(
    tables: &mut dyn Tables,
    authority: &Authority<E>,
    card: Card,
    parameter: &Parameter,
) -> Result<SignedScript, IssuerError> {
    let bytes = ParameterBytes::new(parameter);
    let repeated =
        card.script.as_ref().is_some_and(|last| last.id == parameter.id() && last.value == bytes.value());
    if repeated { last(authority, &card) } else { next(tables, authority, card, parameter) }
}

fn last<E: Engine>(authority: &Authority<E>, card: &Card) -> Result<SignedScript, IssuerError> {
    let Some(LastScript { counter, id, value }) = card.script.clone() else {
        return Err(IssuerError::Script("none has been given yet"));
    };
    let unsigned = Script { counter, id, value: &value, mac: Authenticator::default() };
    let mac = authority.script_mac(card, &unsigned)?;
    Ok(SignedScript { card: card.number, counter, id, value, mac })
}
