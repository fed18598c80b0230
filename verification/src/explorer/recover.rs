//! From a state, the recovery that ships is played with the cards at hand: nothing may be left in flight.

use apdu_spec::element::{Kind, Role};
use apdu_spec::number::PartyNumber;
use apdu_spec::record::{RecordRole, RecordState};
use purse_card::store::Store;
use purse_terminal::client::Client;
use purse_terminal::flow::IssuerDesk;
use purse_terminal::flow::recovery::{CardAtHand, Outcome, Report, recover};
use purse_terminal::issuer::TransferState;
use purse_terminal::simulated_memory::SimulatedMemory;
use purse_terminal::transport::{ResponseBuffer, Transport, TransportError};
use purse_tests::scheme::issuer;

use super::Explorer;
use super::office::Bank;
use super::specimen::{Identity, Shipped, boot};
use super::state::{NOBODY, PLACES, State, pocket};
use crate::content::{Content, Past};
use crate::property::Property;

/// A card as a transport.
struct AtHand<const WINDOW: usize, const EXCEPTIONS: usize> {
    card: Shipped<WINDOW, EXCEPTIONS>,
}

impl<const WINDOW: usize, const EXCEPTIONS: usize> Transport for AtHand<WINDOW, EXCEPTIONS> {
    fn transmit<'a>(
        &mut self,
        command: &[u8],
        response: &'a mut ResponseBuffer,
    ) -> Result<&'a [u8], TransportError> {
        let length = self.card.process(command, response);
        self.card.finish();
        response.get(..length).ok_or(TransportError::Malformed("longer than its buffer"))
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.card.reset();
        Ok(())
    }

    fn name(&self) -> &'static str {
        "card"
    }
}

/// One in so many states is recovered with everybody at hand.
const TOGETHER: usize = 8;

impl<const WINDOW: usize, const EXCEPTIONS: usize> Explorer<WINDOW, EXCEPTIONS> {
    /// Plays every recovery of two cards, and of a card with the issuer, that has not been played yet; and that of all,
    /// with the issuer where there is one, in one of eight states. Several cards are at hand in their order and in the
    /// other one.
    pub(super) fn recover(&mut self, index: usize, state: &State) {
        if !self.scope.recovery {
            return;
        }
        let parties = self.numbers.len();
        // Whatever the sessions were, a recovery begins new ones.
        let cards = state.cards.map(|card| if card == NOBODY { card } else { self.laboratory.at_rest(card) });
        for one in 0..parties {
            for other in one + 1..parties {
                self.play_new(&[cards[one], cards[other]], None);
            }
            if self.office.is_some() {
                self.play_new(&[cards[one]], Some(state.books));
            }
        }
        if (self.office.is_some() && parties > 1 || parties > 2) && index.is_multiple_of(TOGETHER) {
            self.play_new(&cards[..parties], self.office.is_some().then_some(state.books));
        }
    }

    /// One that has not been played yet.
    fn play_new(&mut self, nodes: &[u32], books: Option<u32>) {
        let mut cards = [NOBODY; PLACES];
        cards[..nodes.len()].copy_from_slice(nodes);
        if self.recovered.insert((cards, books)) {
            self.play(nodes, books);
            if nodes.len() > 1 {
                cards[..nodes.len()].reverse();
                self.play(&cards[..nodes.len()], books);
            }
        }
    }

    /// Whether a recovery with these parties must bring this payment to an end.
    fn must_end(&self, payer: &Identity, past: &Past, cards: &[&Identity], with_issuer: bool) -> bool {
        if past.pay_details.to == issuer() {
            return with_issuer;
        }
        let payee = cards.iter().find(|card| self.numbers[card.party] == past.pay_details.to);
        let Some(payee) = payee.filter(|payee| payee.content.remembers(past.pay_details.to_sequence)) else {
            return false;
        };
        // A SAM whose log is full cannot take a refund back before it has been collected; what the purses still bring
        // comes into its log first.
        let others = cards.iter().filter(|card| card.party != payer.party);
        let brought = others.map(|card| card.content.open().count()).sum();
        let is_purse = self.laboratory.role(payer.party) == Role::Purse;
        is_purse || payee.content.has_credited(&past.pay_details) || has_room(&payer.content, WINDOW, brought)
    }

    fn play(&mut self, nodes: &[u32], books: Option<u32>) {
        let cards: Vec<&Identity> = nodes.iter().map(|node| self.laboratory.identity(*node)).collect();
        let mut wanted: Vec<(usize, Past)> = Vec::new();
        let mut all = true;
        for (place, payer) in cards.iter().enumerate() {
            for past in payer.content.open() {
                if self.must_end(payer, past, &cards, books.is_some()) {
                    wanted.push((place, past.clone()));
                } else {
                    all = false;
                }
            }
        }
        let unresolved = books.zip(self.office.as_ref()).map_or(0, |(books, office)| {
            let given = office.ledger(books).transfers.iter();
            given.filter(|(_, state)| *state == TransferState::Given).count()
        });
        if wanted.is_empty() && unresolved == 0 {
            return;
        }
        self.recoveries += 1;
        let held = [0, 1].map(|pocket| cards.iter().map(|card| card.content.balance_of(pocket)).sum::<u32>());
        let mut whole = held;
        for (_, Past { pay_details, .. }) in &wanted {
            if !cards.iter().any(|card| card.content.has_credited(pay_details)) {
                whole[pocket(pay_details)] += pay_details.amount.0;
            }
        }

        let mut at_hand: Vec<AtHand<WINDOW, EXCEPTIONS>> =
            nodes.iter().map(|node| AtHand { card: boot(self.laboratory.memory(*node), false) }).collect();
        let mut bank = books.zip(self.office.as_ref()).map(|(books, office)| office.bank(books));
        let report = play(&mut at_hand, bank.as_mut());
        let describe = || format!("recovery of {cards:?} came to {report:?}");
        let after: Vec<_> = at_hand.into_iter().map(store).collect();
        for (place, past) in &wanted {
            let item = report.items.iter().find(|item| item.pay_details == past.pay_details);
            let told = item.is_some_and(|item| matches!(item.outcome, Outcome::Settled | Outcome::Reversed));
            let standing = after[*place].standing(past.pay_details.from_sequence);
            let is_over = standing.is_none_or(|standing| standing.state != RecordState::Open);
            self.tally.check(Property::RecoveryFinishes, told && is_over, || {
                format!("{past:?} is still open after it: {}", describe())
            });
        }
        if let Some(bank) = &bank {
            let open = bank.open_transfers().map_or(usize::MAX, |open| {
                let unresolved = open.iter().filter(|transfer| transfer.state == TransferState::Given);
                unresolved
                    .filter(|load| {
                        nodes.len() == self.numbers.len() || is_of(&cards, &self.numbers, load.card())
                    })
                    .count()
            });
            self.tally.check(Property::RecoveryFinishes, open == 0, || {
                format!("{open} loads are still unresolved: {}", describe())
            });
        } else if all {
            let now: [u32; 2] =
                [0, 1].map(|pocket| after.iter().map(|card| card.state().pockets[pocket].balance.0).sum());
            self.tally.check(Property::AllValueAccounted, now == whole, || {
                format!("{held:?}, {whole:?} with what is in flight, became {now:?}: {}", describe())
            });
        }
    }
}

fn is_of(cards: &[&Identity], numbers: &[PartyNumber], number: PartyNumber) -> bool {
    cards.iter().any(|card| numbers[card.party] == number)
}

/// A SAM can write a reversal after so many other records: two places are still free.
fn has_room(sam: &Content, window: usize, brought: usize) -> bool {
    let settled = sam.history.iter().rposition(|past| {
        (past.role, past.pay_details.kind, past.state)
            == (RecordRole::Payer, Kind::Unload, RecordState::Settled)
    });
    let used = sam.history.len() - settled.map_or(0, |place| place + 1);
    window >= used + brought + 2
}

fn play<const WINDOW: usize, const EXCEPTIONS: usize>(
    cards: &mut [AtHand<WINDOW, EXCEPTIONS>],
    bank: Option<&mut Bank>,
) -> Report {
    let mut clients: Vec<CardAtHand<'_>> = Vec::new();
    for card in cards {
        clients.push(Client::select(card as &mut dyn Transport).expect("a card that can be selected"));
    }
    recover(&mut clients, bank.map(|bank| bank as &mut dyn IssuerDesk))
}

fn store<const WINDOW: usize, const EXCEPTIONS: usize>(
    at_hand: AtHand<WINDOW, EXCEPTIONS>,
) -> Store<SimulatedMemory, WINDOW, EXCEPTIONS> {
    let store = Store::power_up(at_hand.card.into_memory());
    store.map_err(|(_, error)| error).expect("a card that has been finished")
}
