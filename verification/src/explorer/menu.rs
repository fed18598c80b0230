//! What the attacker can do with a message that he holds: to whom he can send it, and as what.

use apdu_spec::element::Kind;
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use purse_tests::scheme::{eur, usd};

use super::message::{Message, Order, Word};
use super::office::Errand;
use super::state::GARBAGE;

/// Orders for cards, by their places, and errands to the issuer.
#[derive(Clone, Debug, Default)]
pub(super) struct Uses {
    /// Card and order.
    pub orders: Vec<(usize, Order)>,
    /// Errands.
    pub errands: Vec<Errand>,
}

/// The same in the other currency that every card has.
fn exchanged(pay_details: &PayDetails) -> PayDetails {
    let currency = if pay_details.currency == eur() { usd() } else { eur() };
    PayDetails { currency, ..*pay_details }
}

/// Every use of a message: as what it is, and with `confusions` also as what it is not, for cards that it is not for,
/// with an amount or a currency that was not agreed on, and with an authenticator that nobody has made.
pub(super) fn uses(message: &Message, cards: &[PartyNumber], confusions: bool) -> Uses {
    let mut uses = Uses::default();
    let Message { pay_details, word, mac, .. } = *message;
    let payer = cards.iter().position(|number| *number == pay_details.from);
    for (place, number) in cards.iter().enumerate() {
        let is_payer = payer == Some(place);
        let is_payee = *number == pay_details.to;
        let mut order = |fits: bool, order: Order| {
            if fits || confusions {
                uses.orders.push((place, order));
            }
        };
        order(is_payer && word == Word::Req, Order::Debit(pay_details, mac));
        order(is_payee && word == Word::Val, Order::Credit(*message));
        order(is_payee && word == Word::Val, Order::Decline(*message));
        if is_payer {
            let own = pay_details.from_sequence.0;
            order(word == Word::Ack, Order::Acknowledge(own, mac));
            order(word == Word::Nack, Order::Reverse(own, mac));
            if word == Word::Req {
                order(false, Order::Debit(pay_details, GARBAGE.0));
                order(false, Order::Acknowledge(own, GARBAGE.0));
                order(false, Order::Reverse(own, GARBAGE.0));
                let mut more = pay_details;
                more.amount.0 += 1;
                order(false, Order::Debit(more, mac));
                order(false, Order::Debit(exchanged(&pay_details), mac));
            }
        }
        if is_payee && word == Word::Val {
            order(false, Order::Credit(Message { mac: GARBAGE.0, ..*message }));
            order(false, Order::Decline(Message { mac: GARBAGE.0, ..*message }));
            order(false, Order::Credit(Message { tac: GARBAGE.0, ..*message }));
            let mut more = pay_details;
            more.amount.0 += 1;
            order(false, Order::Credit(Message { pay_details: more, ..*message }));
            order(false, Order::Credit(Message { pay_details: exchanged(&pay_details), ..*message }));
        }
    }
    match pay_details.kind {
        Kind::Load => {
            let (card, sequence) = (pay_details.to, pay_details.to_sequence.0);
            if word == Word::Req || confusions {
                uses.errands.push(Errand::Load(*message));
            }
            if word == Word::Ack || confusions {
                uses.errands.push(Errand::Acknowledged(card, sequence, mac));
            }
            if word == Word::Nack || confusions {
                uses.errands.push(Errand::Declined(card, sequence, mac));
            }
        }
        Kind::Unload if word == Word::Val || confusions => {
            uses.errands.push(Errand::Unload(*message));
            uses.errands.push(Errand::Decline(*message));
        }
        Kind::Unload | Kind::Purchase | Kind::Refund | Kind::Transfer => {}
    }
    uses
}
