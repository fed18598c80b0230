//! The issuer's scripts to their card (section 6 "UPDATE PARAMETER"): whatever waits for it, in order of counters, for a
//! card that has accepted one takes no lower one any more. Before an INITIALIZE or after a CREDIT, never between them.

use apdu_spec::cryptography::Engine;
use apdu_spec::number::PartyNumber;
use apdu_spec::status::StatusWord;

use super::error::FlowError;
use super::{guard, resolve};
use crate::client::Client;
use crate::issuer::{Issuer, IssuerError, OrderState, SignedScript, Store};
use crate::transport::Transport;

/// What a terminal asks of the issuer about scripts.
pub trait ScriptDesk {
    /// Those that wait for this card, by counter. None for a card that is not the issuer's.
    fn waiting(&self, card: PartyNumber) -> Result<Vec<SignedScript>, IssuerError>;

    /// What the card has made of one of them.
    fn order_ended(&mut self, card: PartyNumber, counter: u32, state: OrderState) -> Result<(), IssuerError>;
}

impl<S: Store, E: Engine> ScriptDesk for Issuer<S, E> {
    fn waiting(&self, card: PartyNumber) -> Result<Vec<SignedScript>, IssuerError> {
        self.waiting(card)
    }

    fn order_ended(&mut self, card: PartyNumber, counter: u32, state: OrderState) -> Result<(), IssuerError> {
        self.order_ended(card, counter, state)
    }
}

/// A script and what the card has made of it.
#[derive(Debug)]
pub struct Delivery {
    /// The script.
    pub script: SignedScript,
    /// Done, or why not: refused, or overtaken by a later one.
    pub outcome: Result<(), Undone>,
}

/// Why a card has not carried a script out.
#[derive(Debug)]
pub enum Undone {
    /// It refuses.
    Refused(FlowError),
    /// It has accepted one of a higher counter, and possibly this one before.
    Superseded,
}

/// Brings a card all scripts that wait for it. What the card refuses does not keep the later ones from it. An error is
/// one of the way to the card or of the issuer: what has not been brought still waits. The card is selected again if
/// there was any, and released at the end.
pub fn deliver_waiting<T: Transport>(
    card: &mut Client<T>,
    issuer: &mut (dyn ScriptDesk + '_),
) -> Result<Vec<Delivery>, FlowError> {
    deliver(card, issuer, |_| true)
}

/// The same with those below this counter only, which a script of that counter would make void.
pub fn deliver_waiting_before<T: Transport>(
    card: &mut Client<T>,
    issuer: &mut (dyn ScriptDesk + '_),
    counter: u32,
) -> Result<Vec<Delivery>, FlowError> {
    deliver(card, issuer, |script| script.counter < counter)
}

fn deliver<T: Transport>(
    card: &mut Client<T>,
    issuer: &mut (dyn ScriptDesk + '_),
    is_wanted: impl Fn(&SignedScript) -> bool,
) -> Result<Vec<Delivery>, FlowError> {
    card.release();
    let number = card.status().number;
    let mut waiting = issuer.waiting(number)?;
    waiting.retain(is_wanted);
    let mut deliveries = Vec::with_capacity(waiting.len());
    for script in waiting {
        let outcome = bring(card, &script);
        card.release();
        let outcome = outcome?;
        let state = match &outcome {
            Ok(()) => OrderState::Done,
            Err(Undone::Refused(_)) => OrderState::Refused,
            Err(Undone::Superseded) => OrderState::Superseded,
        };
        issuer.order_ended(number, script.counter, state)?;
        deliveries.push(Delivery { script, outcome });
    }
    if !deliveries.is_empty() {
        let failed = FlowError::card(guard::any_role(card.status())?);
        card.reselect().map_err(failed)?;
        card.release();
    }
    Ok(deliveries)
}

/// Brings one script to the card, which may have it already.
pub fn bring<T: Transport>(
    card: &mut Client<T>,
    script: &SignedScript,
) -> Result<Result<(), Undone>, FlowError> {
    let failed = FlowError::card(guard::any_role(card.status())?);
    match resolve::deliver(card, script) {
        Ok(()) => Ok(Ok(())),
        Err(error) if error.status_code().is_none() => Err(error),
        // Its own conditions, or the counter?
        Err(error) if error.status_code() == Some(StatusWord::ConditionsOfUse.code()) => {
            let accepted = card.identity().map_err(failed)?.administration_counter;
            let overtaken = accepted > script.counter;
            Ok(Err(if overtaken { Undone::Superseded } else { Undone::Refused(error) }))
        }
        Err(error) => Ok(Err(Undone::Refused(error))),
    }
}
