//! What a card remembers of a session and of its peers: nothing that a card would not know which was powered up just
//! now and has met the same one.

use apdu_spec::command::Command;
use apdu_spec::element::Kind;
use apdu_spec::number::PartyNumber;
use apdu_spec::status::StatusWord;
use purse_tests::scheme::{eur, party};

use super::PLACES;
use super::laboratory::Laboratory;
use super::meeting::stranger;
use super::message::Order;
use super::specimen::{Identity, Response, Shipped, process, select};
use crate::content::Content;
use crate::property::Property;

impl<const WINDOW: usize, const EXCEPTIONS: usize> Laboratory<WINDOW, EXCEPTIONS> {
    /// The session ends by SELECT, or by a warm reset: then the card is as one that has had none.
    pub(super) fn end_session(&mut self, node: u32) {
        let identity = self.identity(node).clone();
        let mut fresh = identity.without_session().boot::<WINDOW, EXCEPTIONS>(self.memory(node));
        let wanted = knock(&mut fresh, identity.party, &identity.content);
        for warm in [false, true] {
            let mut card: Shipped<WINDOW, EXCEPTIONS> = identity.boot(self.memory(node));
            if warm {
                card.reset();
            }
            select(&mut card);
            let answers = knock(&mut card, identity.party, &identity.content);
            self.counts.commands += answers.len() as u64;
            let has_none = answers.iter().all(|(order, (_, status))| {
                order.other(&identity.content).is_none() || *status != StatusWord::Success
            });
            self.tally.check(Property::PeerIsPresent, has_none, || {
                format!("after the session (warm reset: {warm}) {answers:02X?} on {:?}", identity.content)
            });
            self.tally.check(Property::MemoryAnswers, answers == wanted, || {
                format!("after the session {answers:02X?}, else {wanted:02X?}, on {:?}", identity.content)
            });
        }
    }

    /// A card that has met a purse, whomever it knew before, answers as one that has met this one only.
    pub(super) fn has_met(&mut self, card: &mut Shipped<WINDOW, EXCEPTIONS>, node: u32, now: &Identity) {
        let mut fresh = now.boot::<WINDOW, EXCEPTIONS>(self.memory(node));
        let met_again = now.meets(&mut fresh);
        self.tally.check(Property::MemoryAnswers, met_again, || {
            format!("after a power cycle it does not meet its peer again: {now:?}")
        });
        let answers = knock(card, now.party, &now.content);
        let wanted = knock(&mut fresh, now.party, &now.content);
        self.counts.commands += 2 * answers.len() as u64;
        self.tally.check(Property::MemoryAnswers, answers == wanted, || {
            format!(
                "a card that has met {:?} says {answers:02X?}, one that has met nobody else {wanted:02X?}: {:?}",
                now.peer, now.content
            )
        });
    }

    /// A card does something of a transfer, and says something of it, only with the purse that it has met.
    pub(super) fn has_its_peer(&mut self, order: &Order, before: &Identity, durable: &Content) {
        if let Order::Meet(shown) = order {
            let is_one = shown.is_genuine && shown.number != party(before.party as u64 + 1);
            self.tally.check(Property::PeerIsPresent, is_one, || {
                format!("{order:?} was accepted by {:?}", before.content)
            });
        } else if let Some(other) = order.other(durable) {
            self.tally.check(Property::PeerIsPresent, before.peer == Some(other), || {
                format!("{order:?} with peer {:?} by {:?}", before.peer, before.content)
            });
        }
    }
}

/// What a card is asked that has to do with its session, and what it answers: nothing that writes.
pub(super) fn knock<const WINDOW: usize, const EXCEPTIONS: usize>(
    card: &mut Shipped<WINDOW, EXCEPTIONS>,
    place: usize,
    content: &Content,
) -> Vec<(Order, Response)> {
    let own = party(place as u64 + 1);
    let parties = (1..=PLACES as u64).map(party).chain([stranger()]);
    let others: Vec<PartyNumber> = parties.filter(|number| *number != own).collect();
    let mut orders: Vec<Order> =
        others.into_iter().map(|other| Order::Initialize(Kind::Transfer, eur(), 1, other, 0)).collect();
    for (past, sequence) in content.history.iter().zip(0..) {
        if past.in_log && past.is_open() && past.pay_details.kind == Kind::Transfer {
            orders.push(Order::Prove(sequence));
        }
    }
    let mut answers: Vec<(Order, Response)> = Vec::new();
    for order in orders {
        let answer = process(card, &order.bytes());
        answers.push((order, answer));
    }
    // Whether the PIN has been verified; a wrong one would be written.
    let asked = process(card, Command::Verify(None).emit().as_bytes());
    answers.push((Order::Verify(true), asked));
    answers
}
