//! What a laboratory does to each command that writes, and to each new card.

use apdu_spec::element::{Currency, Kind, Role};
use apdu_spec::record::{RecordRole, RecordState};
use apdu_spec::status::StatusWord;
use purse_terminal::simulated_memory::{Cut, Flight, SimulatedMemory};
use purse_tests::scheme::{eur, issuer, party, pay_details, session, usd};

use super::laboratory::Laboratory;
use super::message::Order;
use super::sessions::knock;
use super::specimen::{Identity, Response, Shipped, boot, process};
use crate::content::{Closing, Content, Past};
use crate::property::Property;

/// An operation that comes to its end, and just then the power fails.
const COMPLETE: usize = usize::MAX;

impl<const WINDOW: usize, const EXCEPTIONS: usize> Laboratory<WINDOW, EXCEPTIONS> {
    /// The power fails at every operation of a command that writes: in it, behind it, and in what follows the answer.
    #[expect(clippy::too_many_arguments, reason = "all that is known of one command on one card")]
    pub(super) fn cuts(
        &mut self,
        node: u32,
        order: &Order,
        command: &[u8],
        response: &Response,
        before: &Identity,
        durable: &Content,
        (in_answer, operations): (u64, u64),
    ) -> Vec<(Content, SimulatedMemory)> {
        let mut left: Vec<(Content, SimulatedMemory)> = Vec::new();
        for operation in 0..operations {
            let units: &[usize] = if operation < in_answer { &[0, 7, COMPLETE] } else { &[5] };
            for (turn, &units) in units.iter().enumerate() {
                let flights = [Flight::AllUnstable, Flight::Garbage, Flight::Unreadable];
                let flight = flights[(usize::try_from(operation).unwrap_or(0) + turn) % flights.len()];
                let cut = Cut { operation, units, flight };
                left.extend(self.cut(node, order, command, response, before, durable, cut));
            }
        }
        left
    }

    #[expect(clippy::too_many_arguments, reason = "the same, and the cut")]
    fn cut(
        &mut self,
        node: u32,
        order: &Order,
        command: &[u8],
        response: &Response,
        identity: &Identity,
        durable: &Content,
        cut: Cut,
    ) -> Option<(Content, SimulatedMemory)> {
        let before = &identity.content;
        let mut card: Shipped<WINDOW, EXCEPTIONS> = identity.boot(self.memory(node));
        card.memory_mut().cut(cut);
        let answer = process(&mut card, command);
        self.counts.commands += 1;
        if !card.memory().is_off() {
            card.finish();
        }
        self.counts.power_ups += u64::from(card.memory().is_off());
        let closing = order.closes().map_or(Closing::Nothing, Closing::One);
        let place = || format!("{order:?} with {cut:?} on {before:?}");
        let found = Self::content(card.into_memory(), Some(before), closing);
        self.tally.check(Property::AllOrNothing, found.is_some(), place);
        let (found, mut memory) = found?;
        let rested = memory.clone();

        memory.reset_counts();
        let again = Self::content(memory, Some(before), closing);
        let stays = again.is_some_and(|(again, memory)| again == found && memory.counts().operations() == 0);
        self.tally.check(Property::DecisionStays, stays, place);

        let tried = Content { tries: [before.tries[0].saturating_sub(1), before.tries[1]], ..before.clone() };
        let marked =
            Content { script: before.script, parameters: before.parameters.clone(), ..durable.clone() };
        // By design two commits: the try before the comparison; the settled mark before the script that it is by.
        let allowed = found == *before
            || found == *durable
            || order.tries_a_pin() && found == tried
            || matches!(order, Order::Script(_, Some(_))) && found == marked;
        self.tally.check(Property::AllOrNothing, allowed, || {
            format!("{order:?} with {cut:?} left {found:?}, neither {before:?} nor {durable:?}")
        });
        let rises = found.next() >= before.next();
        self.tally.check(Property::SequenceRises, rises, place);
        // An answer that has left is one of which all is committed.
        if answer.1 != StatusWord::MemoryFailure {
            let committed = answer == *response && found == *durable;
            self.tally.check(Property::RecordBeforeResponse, committed, || {
                format!("{order:?} with {cut:?} on {before:?} answered {answer:02X?} and left {found:?}")
            });
        }
        Some((found, rested))
    }

    /// A right and a wrong PIN cannot be told apart before the try is written: the first thing that happens in memory
    /// is the same, and takes the try.
    pub(super) fn compare_pins(&mut self, node: u32, before: &Content) {
        let outcome = |right: bool| {
            let mut card = boot::<WINDOW, EXCEPTIONS>(self.memory(node), false);
            card.memory_mut().cut(Cut { operation: 0, units: COMPLETE, flight: Flight::New });
            let answer = process(&mut card, &Order::Verify(right).bytes());
            let memory = card.into_memory();
            let image = (memory.bytes().to_vec(), memory.begun().to_vec());
            (answer, image, Self::content(memory, Some(before), Closing::Nothing))
        };
        let (right, wrong) = (outcome(true), outcome(false));
        let same = right.0 == wrong.0 && right.1 == wrong.1;
        let tries = |held: &Option<(Content, _)>| held.as_ref().map(|(held, _)| held.tries[0]);
        let taken = tries(&wrong.2) == before.tries[0].checked_sub(1);
        self.counts.power_ups += 2;
        self.counts.commands += 2;
        self.tally.check(Property::PinTries, same && taken, || {
            format!(
                "the first write of a right and a wrong PIN on {before:?}: same {same}, try taken {taken}"
            )
        });
    }

    /// What must hold of a card by itself.
    pub(super) fn inspect(&mut self, node: u32) {
        let identity = self.identity(node).clone();
        let Identity { content, party: place, .. } = &identity;
        // Every open record that may not be lost is in the log.
        let lost = content.history.iter().find(|past| past.is_open_exceptional() && !past.in_log);
        self.tally.check(Property::AllValueAccounted, lost.is_none(), || {
            format!("an open record has left the log: {lost:?} of {content:?}")
        });
        let twice =
            content.history.iter().zip(0_u32..).find(|(past, sequence)| {
                past.role == RecordRole::Payer && returns(content, past, *sequence) > 1
            });
        self.tally.check(Property::OneReturn, twice.is_none(), || {
            format!("came back twice: {twice:?} of {content:?}")
        });
        for (pocket, currency) in [eur(), usd()].into_iter().enumerate() {
            let [_, _, counted] = content.pockets[pocket];
            let (least, most) = received_offline(content, currency);
            let limited = least <= counted && counted <= most && least <= self.offline_receipts;
            self.tally.check(Property::OfflineReceipts, limited, || {
                format!("{least} to {most} received offline, {counted} counted: {content:?}")
            });
        }
        if content.pockets[0][0] > 0 || !content.history.is_empty() {
            self.has_a_place_for_unload(node, &identity);
        }
        if self.role(*place) == Role::Purse && self.transfers && identity.peer.is_none() {
            let met = knock(&mut identity.boot::<WINDOW, EXCEPTIONS>(self.memory(node)), *place, content);
            let has_none = met
                .iter()
                .all(|(order, (_, status))| order.other(content).is_none() || *status != StatusWord::Success);
            self.tally.check(Property::PeerIsPresent, has_none, || format!("{met:02X?} on {content:?}"));
        }
    }

    /// A SAM's collection of all that it has, or the unload of a minor unit of a purse.
    fn has_a_place_for_unload(&mut self, node: u32, identity: &Identity) {
        let Identity { content, party: place, .. } = identity;
        let number = party(*place as u64 + 1);
        let is_open = content.open().any(|past| past.pay_details.kind == Kind::Unload);
        let role = self.role(*place);
        let has_nothing = role == Role::Purse && content.balance() == 0;
        if is_open || has_nothing || content.flags != [false; 3] {
            return;
        }
        let (property, amount) = match role {
            Role::Merchant => (Property::CollectionHasItsPlace, content.balance()),
            Role::Purse => (Property::UnloadHasItsPlace, 1),
        };
        let next = content.next();
        let unload = pay_details(Kind::Unload, amount, (number, next), (issuer(), next));
        let order = Order::Debit(unload, session(&unload).req().0);
        let mut card: Shipped<WINDOW, EXCEPTIONS> = identity.boot(self.memory(node));
        let (_, status) = process(&mut card, &order.bytes());
        self.counts.commands += 1;
        self.tally.check(property, status == StatusWord::Success, || {
            format!("an unload is refused with {status:?}: {content:?}")
        });
    }
}

/// What a card has received without the issuer since the last load or unload in this currency: at least (refunds and
/// transfers), and at most (purchases that came back too; those that the issuer's script returns do not count).
fn received_offline(content: &Content, currency: Currency) -> (u32, u32) {
    let (mut least, mut most) = (0, 0);
    for past in content.history.iter().filter(|past| past.pay_details.currency == currency) {
        let amount = past.pay_details.amount.0;
        match (past.role, past.pay_details.kind) {
            (RecordRole::Payee, Kind::Load) | (RecordRole::Payer, Kind::Unload) => (least, most) = (0, 0),
            (RecordRole::Payee, Kind::Refund | Kind::Transfer) => {
                least += amount;
                most += amount;
            }
            (RecordRole::Reversal, Kind::Purchase) => most += amount,
            _ => {}
        }
    }
    (least, most)
}

/// How often the value of a payment has come back to this card.
fn returns(content: &Content, payment: &Past, sequence: u32) -> u32 {
    let mut returns = 0;
    for past in &content.history {
        let refers = past.reference == Some(sequence);
        let is_return = match past.role {
            RecordRole::Reversal => refers,
            RecordRole::Payee => refers && past.pay_details.kind == Kind::Refund,
            RecordRole::Payer | RecordRole::Declined => false,
        };
        if is_return {
            // More than it was counts as twice.
            returns += if past.pay_details.amount > payment.pay_details.amount { 2 } else { 1 };
        }
    }
    let reversed = payment.state == RecordState::Reversed;
    returns.max(u32::from(reversed))
}
