//! A state of everything, and what must hold of it.

use apdu_spec::cryptography::Authenticator;
use apdu_spec::element::{Kind, Role};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::{RecordRole, RecordState};
use purse_terminal::issuer::TransferState;
use purse_tests::scheme::usd;

use super::office::Ledger;
use super::scope::Scope;
use crate::content::{Content, Past};
use crate::property::{Property, Tally};

/// Cards, books and what is known, by number. No card and no books: [`NOBODY`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct State {
    /// The cards.
    pub cards: [u32; PLACES],
    /// The books.
    pub books: u32,
    /// What the attacker knows.
    pub known: u32,
}

/// Cards of a state.
pub(super) const PLACES: usize = 4;

/// A place that nobody takes.
pub(super) const NOBODY: u32 = u32::MAX;

/// What a state is made of.
#[derive(Debug)]
pub(super) struct Whole<'a> {
    /// Contents of the cards.
    pub cards: Vec<&'a Content>,
    /// What the books say, where there is an issuer.
    pub ledger: Option<&'a Ledger>,
    /// What the issuer answers for where no issuer takes part: euros, dollars.
    pub issued: [i64; 2],
    /// Numbers of the cards, in the same order.
    pub numbers: &'a [apdu_spec::number::PartyNumber],
}

impl Whole<'_> {
    fn credited(&self, pay_details: &PayDetails) -> u32 {
        let by_cards = self.cards.iter().flat_map(|card| &card.history);
        let by_cards = by_cards
            .filter(|past| past.role == RecordRole::Payee && past.pay_details == *pay_details)
            .count();
        let by_issuer = self.ledger.into_iter().flat_map(|ledger| &ledger.transfers).filter(|(of, state)| {
            of.kind == Kind::Unload && of == pay_details && *state == TransferState::Credited
        });
        u32::try_from(by_cards + by_issuer.count()).unwrap_or(u32::MAX)
    }

    /// Minor units that have left a payer and not come to their payee: euros, dollars.
    fn in_flight(&self, tally: &mut Tally) -> [i64; 2] {
        let mut in_flight = [0; 2];
        for (card, number) in self.cards.iter().zip(self.numbers) {
            for past in card.history.iter().filter(|past| past.role == RecordRole::Payer) {
                let credited = self.credited(&past.pay_details);
                let reversals = reversals(card, past, *number);
                tally.check(Property::OneEnd, credited + reversals <= 1, || {
                    format!("{credited} credits and {reversals} reversals of {past:?}")
                });
                if credited == 0 && reversals == 0 {
                    in_flight[pocket(&past.pay_details)] += i64::from(past.pay_details.amount.0);
                }
            }
        }
        for (pay_details, state) in self.ledger.into_iter().flat_map(|ledger| &ledger.transfers) {
            if pay_details.kind != Kind::Load {
                continue;
            }
            let credited = self.credited(pay_details);
            let declined = u32::from(*state == TransferState::Declined);
            tally.check(Property::OneEnd, credited + declined <= 1, || {
                format!("{credited} credits of a load that is {state:?}: {pay_details:?}")
            });
            tally.check(
                Property::AllValueAccounted,
                *state != TransferState::Acknowledged || credited == 1,
                || format!("the issuer was told of a load that is not there: {pay_details:?}"),
            );
            if credited == 0 && declined == 0 {
                in_flight[pocket(pay_details)] += i64::from(pay_details.amount.0);
            }
        }
        in_flight
    }

    /// Looks at what must hold of the whole.
    pub(super) fn inspect(&self, scope: &Scope, tally: &mut Tally) {
        let held: [i64; 2] =
            [0, 1].map(|pocket| self.cards.iter().map(|card| i64::from(card.balance_of(pocket))).sum());
        let within = |owed: [i64; 2]| held.iter().zip(owed).all(|(held, owed)| *held <= owed);
        if scope.stolen_masters {
            // The attacker makes payees as he likes: a purse is held to what it had, alone.
            tally.check(Property::NoValueCreated, within(self.issued), || {
                format!("{held:?} of {:?}: {:?}", self.issued, self.cards)
            });
            return;
        }
        let in_flight = self.in_flight(tally);
        let owed = self.ledger.map_or(self.issued, |ledger| ledger.float);
        tally.check(Property::NoValueCreated, within(owed), || {
            format!("{held:?} on cards, {owed:?} owed: {:?}", self.cards)
        });
        let together = [held[0] + in_flight[0], held[1] + in_flight[1]];
        tally.check(Property::AllValueAccounted, together == owed, || {
            format!(
                "{held:?} on cards, {in_flight:?} in flight, {owed:?} owed: {:?} {:?}",
                self.cards, self.ledger
            )
        });
        if let Some(ledger) = self.ledger {
            let given_up: i64 = self
                .cards
                .iter()
                .zip(&scope.parties)
                .filter(|(_, party)| party.role == Role::Merchant)
                .flat_map(|(card, _)| &card.history)
                .filter(|past| past.pay_details.kind == Kind::Unload && past.role == RecordRole::Payer)
                .map(|past| i64::from(past.pay_details.amount.0))
                .sum();
            let fair = ledger.merchant <= given_up && ledger.parts_add_up;
            tally.check(Property::CollectionPays, fair, || {
                format!("{} paid for {given_up} given up: {ledger:?}", ledger.merchant)
            });
        }
    }
}

/// The pocket of a currency: every card here has euros, then dollars.
pub(super) fn pocket(pay_details: &PayDetails) -> usize {
    usize::from(pay_details.currency == usd())
}

/// How often a payment of this card has come back by reversal.
fn reversals(card: &Content, payment: &Past, number: apdu_spec::number::PartyNumber) -> u32 {
    debug_assert!(payment.pay_details.from == number || payment.role != RecordRole::Payer, "its own");
    let reversals = card
        .history
        .iter()
        .filter(|past| past.role == RecordRole::Reversal && past.pay_details == payment.pay_details)
        .count();
    u32::try_from(reversals).unwrap_or(u32::MAX).max(u32::from(payment.state == RecordState::Reversed))
}

/// An authenticator that nobody has made.
pub(super) const GARBAGE: Authenticator = Authenticator([0x5A; 8]);
