//! Every state of every card that is met, and what each command makes of it. A command is tried once on each state,
//! on the card that ships, with the power cut at every operation of its memory: what comes of it is looked up after.

use std::hash::BuildHasherDefault;

use apdu_spec::element::Role;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::RecordRole;
use apdu_spec::status::StatusWord;
use indexmap::IndexSet;
use purse_card::store::Store;
use purse_terminal::simulated_memory::SimulatedMemory;
use rustc_hash::{FxHashMap, FxHasher};

use super::answers::says;
use super::message::Order;
use super::post::Post;
use super::scope::Scope;
use super::specimen::{Identity, Image, Response, Shipped, boot, process};
use crate::content::{Closing, Content};
use crate::property::{Property, Tally};

type Set<T> = IndexSet<T, BuildHasherDefault<FxHasher>>;

/// What a command does to a card at rest.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// The card after it.
    pub after: u32,
    /// The cards that a power failure on the way leaves, other than as it was: after the commit and before the
    /// answer, or between two commits.
    pub lost: Box<[u32]>,
    /// What the answer tells everybody.
    pub message: Option<u16>,
    /// The pay details that it has debited just now.
    pub debited: Option<PayDetails>,
}

/// What was done.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Commands that a card has processed.
    pub commands: u64,
    /// Power-ups after a cut.
    pub power_ups: u64,
    /// Cards found equal to one that was known, and compared with it command by command.
    pub merges: u64,
}

/// The cards.
#[derive(Debug)]
pub(super) struct Laboratory<const WINDOW: usize, const EXCEPTIONS: usize> {
    identities: Set<Identity>,
    /// Of each the one that has no session, or itself.
    resting: Vec<u32>,
    images: Vec<Image>,
    orders: Set<Order>,
    steps: FxHashMap<(u32, u32), Step>,
    /// A powered card that no command has changed since.
    bench: Option<(u32, Shipped<WINDOW, EXCEPTIONS>)>,
    known_merges: u64,
    roles: Vec<Role>,
    /// Purses have key pairs, so that a session has a peer.
    pub transfers: bool,
    /// Limit of offline receipts of every card.
    pub offline_receipts: u32,
    /// What was looked at.
    pub tally: Tally,
    /// What was done.
    pub counts: Counts,
}

impl<const WINDOW: usize, const EXCEPTIONS: usize> Laboratory<WINDOW, EXCEPTIONS> {
    /// An empty one, for the cards of a scope.
    pub(super) fn new(scope: &Scope) -> Self {
        Self {
            identities: Set::default(),
            resting: Vec::new(),
            images: Vec::new(),
            orders: Set::default(),
            steps: FxHashMap::default(),
            bench: None,
            known_merges: 0,
            roles: scope.parties.iter().map(|party| party.role).collect(),
            transfers: scope.has_transfers(),
            offline_receipts: scope.offline_receipts,
            tally: Tally::default(),
            counts: Counts::default(),
        }
    }
}

/// Every so many equal cards, two are compared.
const MERGES_COMPARED: u64 = 32;
/// Commands that two equal cards are compared by.
const COMPARISONS: usize = 12;

fn number(index: usize) -> u32 {
    u32::try_from(index).expect("fewer states than that")
}

impl<const WINDOW: usize, const EXCEPTIONS: usize> Laboratory<WINDOW, EXCEPTIONS> {
    /// Takes in a card that starts the exploration.
    pub(super) fn admit(&mut self, party: usize, memory: &SimulatedMemory) -> u32 {
        let content = Self::content(memory.clone(), None, Closing::Nothing).expect("a sound card").0;
        self.intern(Identity { party, content, verified: false, peer: None }, memory)
    }

    /// What a party is.
    pub(super) fn role(&self, party: usize) -> Role {
        self.roles[party]
    }

    /// Distinct states of cards so far.
    pub(super) fn states(&self) -> usize {
        self.identities.len()
    }

    /// What they hold.
    pub(super) fn contents(&self) -> impl Iterator<Item = &Content> {
        self.identities.iter().map(|identity| &identity.content)
    }

    /// A card at rest.
    pub(super) fn identity(&self, node: u32) -> &Identity {
        &self.identities[node as usize]
    }

    /// The same card with no session, as who powers it up finds it; itself, if that has not been met.
    pub(super) fn at_rest(&self, node: u32) -> u32 {
        self.resting[node as usize]
    }

    /// Its memory.
    pub(super) fn memory(&self, node: u32) -> SimulatedMemory {
        self.images[node as usize].memory(self.counts.commands)
    }

    /// The number of an order.
    pub(super) fn order(&mut self, order: Order) -> u32 {
        number(self.orders.insert_full(order).0)
    }

    /// The order of this number.
    pub(super) fn order_of(&self, order: u32) -> &Order {
        &self.orders[order as usize]
    }

    /// What an order does to a card.
    pub(super) fn step(&mut self, node: u32, order: u32, post: &mut Post) -> Step {
        if let Some(step) = self.steps.get(&(node, order)) {
            return step.clone();
        }
        let step = self.try_out(node, order, post);
        self.steps.insert((node, order), step.clone());
        step
    }

    fn take(&mut self, node: u32) -> Shipped<WINDOW, EXCEPTIONS> {
        match self.bench.take() {
            Some((at, card)) if at == node => card,
            _ => self.identity(node).boot(self.memory(node)),
        }
    }

    /// What a memory holds when power comes back, and the memory after that.
    pub(super) fn content(
        mut memory: SimulatedMemory,
        before: Option<&Content>,
        close: Closing,
    ) -> Option<(Content, SimulatedMemory)> {
        memory.power_off();
        memory.power_on();
        let store = Store::<_, WINDOW, EXCEPTIONS>::power_up(memory).ok()?;
        let content = Content::of(&store, before, close);
        Some((content, store.into_memory()))
    }

    fn try_out(&mut self, node: u32, order: u32, post: &mut Post) -> Step {
        let order = self.orders[order as usize].clone();
        let before = self.identity(node).clone();
        if order == Order::Reset {
            if before.verified || before.peer.is_some() {
                self.end_session(node);
            }
            let after = self.intern(before.without_session(), &self.memory(node));
            return Step { after, lost: Box::default(), message: None, debited: None };
        }
        let command = order.bytes();
        let mut card = self.take(node);
        let start = card.memory().counts().operations();
        let response = process(&mut card, &command);
        self.counts.commands += 1;
        let in_answer = card.memory().counts().operations() - start;
        let answered = (in_answer > 0).then(|| card.memory().clone());
        // What is written behind the answer counts too.
        card.finish();
        let operations = card.memory().counts().operations() - start;
        let place = || format!("{order:?} on {:?}", before.content);
        let wrote = operations > 0;
        self.tally.check(Property::NothingWritten, !wrote || order.may_write(response.1), place);

        if !wrote {
            let message = self.told(&order, &response, &before, &before.content, post);
            let mut now = before.clone();
            now.verified &= !order.tries_a_pin();
            if let (Order::Meet(shown), StatusWord::Success) = (&order, response.1) {
                now.peer = Some(shown.number);
                self.has_met(&mut card, node, &now);
            }
            let after = if now == before { node } else { self.intern(now, card.memory()) };
            // It is the card that has lived through this session, and not one that was brought into it.
            self.bench = Some((after, card));
            return Step { after, lost: Box::default(), message, debited: None };
        }

        let closing = order.closes().map_or(Closing::Nothing, Closing::One);
        let answered = answered.unwrap_or_else(|| self.memory(node));
        let durable = Self::content(answered, Some(&before.content), closing);
        self.tally.check(Property::AllOrNothing, durable.is_some(), place);
        let Some((durable, _)) = durable else {
            return Step { after: node, lost: Box::default(), message: None, debited: None };
        };
        let rested = card.memory().clone();
        self.again(&mut card, &order, &command, &response, &before.content);
        let finished = Self::content(rested.clone(), Some(&before.content), closing);
        let same = finished.as_ref().is_some_and(|(finished, _)| *finished == durable);
        self.tally.check(Property::DecisionStays, same, place);
        let rested = finished.map_or(rested, |(_, memory)| memory);
        let said = says(&mut card, &durable);
        let says_then = says(&mut boot::<WINDOW, EXCEPTIONS>(rested.clone(), false), &durable);
        self.tally.check(Property::MemoryAnswers, said == says_then, || {
            format!(
                "after {order:?} on {:?} the card says {said:02X?}, its memory {says_then:02X?}",
                before.content
            )
        });

        let message = self.told(&order, &response, &before, &durable, post);
        let rises = durable.next() >= before.content.next();
        self.tally.check(Property::SequenceRises, rises, place);
        let mut after = before.clone();
        after.content = durable.clone();
        if order.tries_a_pin() {
            after.verified = response.1 == StatusWord::Success;
            after.content.guesses = match response.1 {
                StatusWord::Success => 0,
                StatusWord::WrongPin(_) => before.content.guesses.saturating_add(1),
                _ => before.content.guesses,
            };
            let Content { guesses, tries: [left, limit], .. } = after.content;
            self.tally.check(Property::PinTries, guesses + left <= limit, place);
            self.compare_pins(node, &before.content);
        } else if matches!(order, Order::Script(..)) && durable.tries[0] == durable.tries[1] {
            // The issuer has given the tries back.
            after.content.guesses = 0;
        }
        self.go_on(&mut card, &rested, &after, &order);
        let left = self.cuts(node, &order, &command, &response, &before, &durable, (in_answer, operations));
        let debited = durable.history[before.content.history.len().min(durable.history.len())..]
            .iter()
            .find(|past| past.role == RecordRole::Payer)
            .map(|past| past.pay_details);
        let mut lost = Vec::new();
        for (mut content, memory) in left {
            // Whoever gave the right PIN, or the issuer's script, had all tries back, with an answer or without.
            let restored = matches!(order, Order::Verify(true) | Order::Script(..))
                && content.tries[0] == content.tries[1];
            if restored {
                content.guesses = 0;
            }
            let is_new = content != before.content;
            // One that is as it was is taken in too: it is compared with the card that no cut has touched.
            let rested = Identity { party: before.party, content, verified: false, peer: None };
            let left = self.intern(rested, &memory);
            if is_new && !lost.contains(&left) {
                lost.push(left);
            }
        }
        Step { after: self.intern(after, &rested), lost: lost.into(), message, debited }
    }

    /// The identical command once more.
    fn again(
        &mut self,
        card: &mut Shipped<WINDOW, EXCEPTIONS>,
        order: &Order,
        command: &[u8],
        response: &Response,
        before: &Content,
    ) {
        if order.tries_a_pin() {
            return;
        }
        let start = card.memory().counts().operations();
        let again = process(card, command);
        self.counts.commands += 1;
        let same = again == *response || again.0.is_empty() && again.1 != StatusWord::Success;
        card.finish();
        let quiet = card.memory().counts().operations() == start;
        self.tally.check(Property::SameAnswer, same && quiet, || {
            format!("{order:?} again on what came of {before:?}: {again:02X?} after {response:02X?}")
        });
    }

    /// Takes in a card, and looks at it if it is a new one.
    pub(super) fn intern(&mut self, mut identity: Identity, memory: &SimulatedMemory) -> u32 {
        // Where no PIN can be given, none counts: so each state can be reached again from its memory.
        let [blocked, _, terminated] = identity.content.flags;
        identity.verified &= !blocked && !terminated;
        let rested = self.identities.get_index_of(&identity.without_session());
        let (index, is_new) = self.identities.insert_full(identity);
        if is_new {
            self.images.push(Image::of(memory));
            self.resting.push(number(rested.unwrap_or(index)));
            self.inspect(number(index));
        } else {
            self.known_merges += 1;
            if self.known_merges.is_multiple_of(MERGES_COMPARED) {
                self.compare(number(index), memory);
            }
        }
        number(index)
    }

    /// Two cards that are held to be the same answer the same, and come to the same.
    fn compare(&mut self, node: u32, memory: &SimulatedMemory) {
        let one = self.images[node as usize].clone();
        let other = Image::of(memory);
        let identity = self.identity(node).clone();
        let content = &identity.content;
        let offset = usize::try_from(self.known_merges).unwrap_or(0);
        self.counts.merges += 1;
        for number in 0..COMPARISONS.min(self.orders.len()) {
            let order = self.orders[(offset.wrapping_mul(31) + number * 17) % self.orders.len()].clone();
            let command = order.bytes();
            if command.is_empty() {
                continue;
            }
            let close = order.closes().map_or(Closing::Nothing, Closing::One);
            let outcome = |image: &Image| {
                let mut card: Shipped<WINDOW, EXCEPTIONS> = identity.boot(image.memory(self.known_merges));
                let response = process(&mut card, &command);
                card.finish();
                let held = Self::content(card.into_memory(), Some(content), close);
                (response, held.map(|(held, _)| held))
            };
            let same = outcome(&one) == outcome(&other);
            self.counts.commands += 2;
            self.tally.check(Property::SameAnswer, same, || {
                format!("{order:?} on two cards that hold the same: {content:?}")
            });
        }
    }
}
