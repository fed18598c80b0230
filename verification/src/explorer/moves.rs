//! What can happen in a state: orders to cards, errands to the issuer, and what they lead to.

use apdu_spec::command::Command;
use apdu_spec::element::{Kind, Role};
use purse_tests::scheme::issuer;

use super::meeting::{Shown, stranger};
use super::menu::{Uses, uses};
use super::message::Order;
use super::office::{Errand, Forgery};
use super::state::State;
use super::{Action, Explorer, NumberedUses};
use crate::property::Property;

impl<const WINDOW: usize, const EXCEPTIONS: usize> Explorer<WINDOW, EXCEPTIONS> {
    /// Every state that one action leads to.
    pub(super) fn expand(&mut self, state: State, sink: &mut impl FnMut(State, Action)) {
        let known = self.post.known(state.known).to_vec();
        for message in &known {
            let NumberedUses { orders, errands } = self.uses_of(*message);
            for (place, order) in orders {
                self.obey(&state, place, order, sink);
            }
            if self.office.is_some() {
                for errand in errands {
                    self.send(&state, errand, sink);
                }
            }
        }
        let asks = self.scope.requests == usize::MAX || self.post.requests(state.known) < self.scope.requests;
        for place in 0..self.scope.parties.len() {
            if asks {
                self.ask(&state, place, sink);
            }
            self.by_itself(&state, place, sink);
        }
        for (place, order) in self.scripts.clone() {
            self.obey(&state, place, order, sink);
        }
    }

    fn uses_of(&mut self, message: u16) -> NumberedUses {
        let place = usize::from(message);
        if let Some(Some(uses)) = self.uses.get(place) {
            return uses.clone();
        }
        let Uses { orders, errands } = uses(self.post.message(message), &self.numbers, self.scope.confusions);
        let mut numbered = NumberedUses::default();
        for (card, order) in orders {
            numbered.orders.push((card, self.laboratory.order(order)));
        }
        if let Some(office) = &mut self.office {
            numbered.errands = errands.into_iter().map(|errand| office.errand(errand)).collect();
        }
        if self.uses.len() <= place {
            self.uses.resize(place + 1, None);
        }
        self.uses[place] = Some(numbered.clone());
        numbered
    }

    /// What is known with one message more, which must not contradict what was said before.
    fn learn(&mut self, known: u32, message: u16) -> u32 {
        if !self.scope.stolen_masters {
            let contradicts = self.post.contradicts(known, message);
            self.tally.check(Property::SameAnswer, !contradicts, || {
                format!("another answer for the same: {:?}", self.post.message(message))
            });
        }
        self.post.learn(known, message)
    }

    /// A card gets an order.
    fn obey(&mut self, state: &State, place: usize, order: u32, sink: &mut impl FnMut(State, Action)) {
        let step = self.laboratory.step(state.cards[place], order, &mut self.post);
        if let Some(debited) = step.debited.as_ref().filter(|_| !self.scope.stolen_masters) {
            let asked = match self.laboratory.order_of(order) {
                Order::Debit(_, req) => self.post.is_asked_for(state.known, debited, *req),
                _ => false,
            };
            self.tally.check(Property::DebitOnRequest, asked, || {
                format!("{debited:?} by {:?}", self.laboratory.order_of(order))
            });
        }
        let within = |explorer: &Self, node: u32| {
            explorer.laboratory.identity(node).content.next() <= explorer.scope.parties[place].sequences
        };
        if within(self, step.after) {
            let mut after = *state;
            after.cards[place] = step.after;
            if let Some(message) = step.message {
                after.known = self.learn(state.known, message);
            }
            if after != *state {
                sink(after, Action::Order(place, order));
            }
        }
        for lost in step.lost.into_iter().filter(|lost| within(self, *lost)) {
            let mut after = *state;
            after.cards[place] = lost;
            if after != *state {
                sink(after, Action::Lost(place, order));
            }
        }
    }

    /// The issuer is sent on an errand; a script that comes of it is brought to its card, or not.
    fn send(&mut self, state: &State, errand: u32, sink: &mut impl FnMut(State, Action)) {
        let Some(office) = &mut self.office else { return };
        let reply = office.run(state.books, errand, &mut self.post);
        let mut after = *state;
        after.books = reply.after;
        if let Some(message) = reply.message {
            after.known = self.learn(state.known, message);
        }
        if after != *state {
            sink(after, Action::Errand(errand));
        }
        if let Some(signed) = reply.script {
            let command = Command::UpdateParameter(signed.script()).emit();
            let resolved = signed.value.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
            let order = self.laboratory.order(Order::Script(command.as_bytes().to_vec(), resolved));
            let place = self.numbers.iter().position(|number| *number == signed.card);
            if let Some(place) = place {
                self.obey(&after, place, order, sink);
            }
        }
    }

    /// A payee is asked to ask.
    fn ask(&mut self, state: &State, place: usize, sink: &mut impl FnMut(State, Action)) {
        let own = self.laboratory.identity(state.cards[place]).content.next();
        for kind in self.scope.kinds.clone() {
            if !self.scope.parties[place].role.receives(kind) {
                continue;
            }
            let mut payers = Vec::new();
            if kind == Kind::Load {
                payers.push((issuer(), own));
            } else {
                for payer in 0..self.numbers.len() {
                    if payer != place && self.scope.parties[payer].role.pays(kind) {
                        let next = self.laboratory.identity(state.cards[payer]).content.next();
                        let ahead = self.scope.ahead;
                        let sequences = next.saturating_sub(ahead)..=next + ahead;
                        payers.extend(sequences.map(|sequence| (self.numbers[payer], sequence)));
                    }
                }
            }
            for (from, sequence) in payers {
                for amount in self.scope.amounts.clone() {
                    for currency in self.scope.currencies.clone() {
                        let order = Order::Initialize(kind, currency, amount, from, sequence);
                        let order = self.laboratory.order(order);
                        self.obey(state, place, order, sink);
                    }
                }
            }
        }
        if self.office.is_none() {
            return;
        }
        for (pocket, currency) in self.scope.currencies.clone().into_iter().enumerate() {
            let balance = self.laboratory.identity(state.cards[place]).content.balance_of(pocket);
            // Of a SAM an honest terminal asks for the balance; another one may ask for less.
            let mut amounts = vec![balance];
            match self.scope.parties[place].role {
                Role::Purse => amounts.extend(&self.scope.amounts),
                Role::Merchant => amounts.push(0),
            }
            amounts.sort_unstable();
            amounts.dedup();
            for amount in amounts {
                let errand = Errand::Ask(self.numbers[place], currency, amount, own);
                let errand = self.office.as_mut().map_or(0, |office| office.errand(errand));
                self.send(state, errand, sink);
            }
        }
    }

    /// What a card can be told without any message.
    fn by_itself(&mut self, state: &State, place: usize, sink: &mut impl FnMut(State, Action)) {
        let content = self.laboratory.identity(state.cards[place]).content.clone();
        let mut orders: Vec<Order> = Vec::new();
        for (past, sequence) in content.history.iter().zip(0..) {
            if past.is_open() {
                orders.push(Order::Prove(sequence));
            }
        }
        if self.scope.pins {
            orders.extend([true, false].map(Order::Verify));
            orders.extend([true, false].map(Order::Lock));
        }
        if self.scope.locks {
            orders.extend([Order::Verify(true), Order::Lock(true), Order::Lock(false)]);
        }
        if self.scope.has_transfers() && self.scope.parties[place].role == Role::Purse {
            for (other, number) in self.numbers.iter().enumerate() {
                if other != place || self.scope.strangers {
                    orders.push(Order::Meet(Shown::of(*number)));
                }
                if other != place && self.scope.strangers {
                    orders.push(Order::Meet(Shown { number: *number, is_genuine: false }));
                }
            }
            if self.scope.strangers {
                orders.push(Order::Meet(Shown::of(stranger())));
            }
        }
        orders.push(Order::Reset);
        for order in orders {
            let order = self.laboratory.order(order);
            self.obey(state, place, order, sink);
        }
        if self.office.is_none() {
            return;
        }
        let mut errands = Vec::new();
        if self.scope.parties[place].role == Role::Merchant && !content.history.is_empty() {
            for forgery in [Forgery::None, Forgery::Amount, Forgery::Double, Forgery::Omit] {
                errands.push(Errand::Submit(self.numbers[place], content.history.clone(), forgery));
            }
        }
        for past in content.history.iter().filter(|past| past.is_open()) {
            errands.push(Errand::Resolve(self.numbers[place], past.clone()));
        }
        for errand in errands {
            let errand = self.office.as_mut().map_or(0, |office| office.errand(errand));
            self.send(state, errand, sink);
        }
    }
}
