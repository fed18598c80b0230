//! Scripts that somebody has ordered: they wait for their card, or go to it in a file (section 6 "UPDATE PARAMETER").
//!
//! What a card has accepted, only the terminal tells, and nobody has to believe it: a script that is brought once more
//! changes nothing, and one that a later one has overtaken is refused.

use apdu_spec::command::Script;
use apdu_spec::cryptography::{Authenticator, Engine};
use apdu_spec::number::PartyNumber;
use apdu_spec::parameter::Parameter;

use super::Issuer;
use super::authority::Authority;
use super::error::IssuerError;
use super::model::{Order, OrderState};
use super::script::{SignedScript, sign};
use super::store::{Store, Tables};

/// How a script is to get to its card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// It waits until the card is here.
    Queue,
    /// In a file, which the issuer does not see again.
    File,
}

impl<S: Store, E: Engine> Issuer<S, E> {
    /// Signs a change of the card, as `script` does, and remembers that it has been ordered.
    pub fn order(
        &mut self,
        card: PartyNumber,
        parameter: &Parameter,
        way: Way,
    ) -> Result<SignedScript, IssuerError> {
        let Self { store, authority } = self;
        store.step(|tables| {
            let script = sign(tables, authority, card, parameter)?;
            tables.put_order(&Order {
                card,
                counter: script.counter,
                id: script.id,
                value: script.value.clone(),
                state: match way {
                    Way::Queue => OrderState::Queued,
                    Way::File => OrderState::Filed,
                },
            })?;
            Ok(script)
        })
    }

    /// All orders of a card, or of all cards, by card and counter.
    pub fn orders(&self, card: Option<PartyNumber>) -> Result<Vec<Order>, IssuerError> {
        self.store.view(|tables| Ok(tables.orders(card)?))
    }

    /// The scripts that wait for this card, in the order in which it has to get them.
    pub fn waiting(&self, card: PartyNumber) -> Result<Vec<SignedScript>, IssuerError> {
        self.store.view(|tables| {
            let orders = tables.orders(Some(card))?.into_iter();
            let waiting = orders.filter(|order| order.state == OrderState::Queued);
            waiting.map(|order| signed(tables, &self.authority, order)).collect()
        })
    }

    /// What the card has made of an order. Once it is done those before it are over: a card takes no lower counter.
    pub fn order_ended(
        &mut self,
        card: PartyNumber,
        counter: u32,
        state: OrderState,
    ) -> Result<(), IssuerError> {
        self.store.step(|tables| {
            let open = tables.orders(Some(card))?.into_iter().filter(|order| order.state != OrderState::Done);
            for order in open {
                if order.counter == counter {
                    tables.put_order(&Order { state, ..order })?;
                } else if order.counter < counter && state == OrderState::Done {
                    tables.put_order(&Order { state: OrderState::Superseded, ..order })?;
                }
            }
            Ok(())
        })
    }
}

fn signed<E: Engine>(
    tables: &dyn Tables,
    authority: &Authority<E>,
    order: Order,
) -> Result<SignedScript, IssuerError> {
    let Order { card: number, counter, id, value, .. } = order;
    let card = tables.card(number)?.ok_or(IssuerError::UnknownCard(number))?;
    let mac =
        authority.script_mac(&card, &Script { counter, id, value: &value, mac: Authenticator::default() })?;
    Ok(SignedScript { card: number, counter, id, value, mac })
}
