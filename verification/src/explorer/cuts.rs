//! What a laboratory does to each command that writes, and to each new card.

use apdu_spec::element::{Kind, Role};
use apdu_spec::record::{RecordRole, RecordState};
use apdu_spec::status::StatusWord;
use purse_terminal::simulated_memory::{Cut, Flight, SimulatedMemory};
use purse_tests::scheme::{issuer, party, pay_details, session};

use super::laboratory::Laboratory;
use super::message::Order;
use super::specimen::{Identity, Response, boot, process};
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
        Identity { content: before, verified, .. }: &Identity,
        durable: &Content,
        cut: Cut,
    ) -> Option<(Content, SimulatedMemory)> {
        let mut card = boot::<WINDOW, EXCEPTIONS>(self.memory(node), *verified);
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
        let Identity { content, verified, party: place } = self.identity(node).clone();
        // Every open record that may not be lost is in the log.
        let lost = content.history.iter().find(|past| past.is_open_exceptional() && !past.in_log);
        self.tally.check(Property::AllValueAccounted, lost.is_none(), || {
            format!("an open record has left the log: {lost:?} of {content:?}")
        });
        let twice = content.history.iter().zip(0_u32..).find(|(past, sequence)| {
            past.role == RecordRole::Payer && returns(&content, past, *sequence) > 1
        });
        self.tally.check(Property::OneReturn, twice.is_none(), || {
            format!("came back twice: {twice:?} of {content:?}")
        });
        if content.pockets[0][0] > 0 || !content.history.is_empty() {
            self.has_a_place_for_collection(node, place, &content, verified);
        }
    }

    fn has_a_place_for_collection(&mut self, node: u32, place: usize, content: &Content, verified: bool) {
        let number = party(place as u64 + 1);
        let is_open = content.open().any(|past| past.pay_details.kind == Kind::Unload);
        if self.role(place) != Role::Merchant || is_open || content.flags != [false; 3] {
            return;
        }
        let next = content.next();
        let collection = pay_details(Kind::Unload, content.balance(), (number, next), (issuer(), next));
        let order = Order::Debit(collection, session(&collection).req().0);
        let mut card = boot::<WINDOW, EXCEPTIONS>(self.memory(node), verified);
        let (_, status) = process(&mut card, &order.bytes());
        self.counts.commands += 1;
        self.tally.check(Property::CollectionHasItsPlace, status == StatusWord::Success, || {
            format!("a collection is refused with {status:?}: {content:?}")
        });
    }
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
