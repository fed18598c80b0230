//! The cards of a town, their issuer, and what all of them hold.

use apdu_spec::element::{Amount, Currency, Role};
use apdu_spec::number::PartyNumber;
use apdu_spec::parameter::Parameter;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::RecordRole;
use apdu_spec::software::Software;
use purse_card::memory::Geometry;
use purse_card::store::{Store, minimum_pages};
use purse_terminal::flow::exchange::{self, End};
use purse_terminal::flow::load::{self, Load};
use purse_terminal::flow::purchase::{self, Payment};
use purse_terminal::flow::refund::{self, Refund};
use purse_terminal::flow::transfer::{self, Transfer};
use purse_terminal::flow::unload::{self, Unload};
use purse_terminal::flow::{FlowError, collection, recovery, scripts};
use purse_terminal::issuer::{Bargain, Funding, Issuer, MemoryStore, NewCard, TransferState, Way};
use purse_terminal::simulated_memory::SimulatedMemory;
use purse_terminal::virtual_card::VirtualCard;
use purse_tests::scheme::{Profile, TIME, VERSION, eur, issuer, party, pin, usd};

use super::{Action, INITIAL, Step};
use crate::support::{HOLDER, MERCHANT, OPERATOR, PIN, Rig, blank_issuer, client, rig_on, select};

pub(super) const PURSES: usize = 4;
pub(super) const CARDS: usize = 6;
const PURSE_WINDOW: usize = 16;
const SAM_WINDOW: usize = 48;
const EXCEPTIONS: usize = 4;

/// Purses, merchants and their issuer.
pub(super) struct Town {
    /// Purses, then SAMs.
    pub(super) cards: Vec<Rig>,
    issuer: Issuer<MemoryStore, Software>,
}

fn card<const WINDOW: usize>(name: &str, profile: &Profile) -> Rig {
    let shape = Geometry { unit: 16, page_size: 2048, pages: 0, atomic: false };
    let pages = minimum_pages(shape, WINDOW, EXCEPTIONS).expect("a page holds slots");
    rig_on(VirtualCard::with_sizes::<WINDOW, EXCEPTIONS>(name, Geometry { pages, ..shape }), profile)
}

fn number(place: usize) -> PartyNumber {
    party(place as u64 + 1)
}

impl Town {
    pub(super) fn new() -> Self {
        let mut bank = blank_issuer();
        for (account, currency) in [(HOLDER, eur()), (HOLDER, usd()), (MERCHANT, eur()), (MERCHANT, usd())] {
            bank.register_account(account, currency, INITIAL).unwrap();
        }
        let mut cards = Vec::new();
        for place in 0..CARDS {
            let role = if place < PURSES { Role::Purse } else { Role::Merchant };
            bank.register_card(&NewCard {
                number: number(place),
                role,
                key_version: VERSION,
                account: if role == Role::Purse { HOLDER } else { MERCHANT },
                pockets: &[(eur(), Amount::ZERO), (usd(), Amount::ZERO)],
                funding: Funding::Account,
            })
            .unwrap();
            let place = place as u64 + 1;
            cards.push(match role {
                Role::Purse => card::<PURSE_WINDOW>("purse", &Profile::purse(place, 0).with_key_pair()),
                Role::Merchant => card::<SAM_WINDOW>("sam", &Profile::sam(place, 0)),
            });
        }
        Self { cards, issuer: bank }
    }

    fn two(&mut self, one: usize, other: usize) -> [&mut Rig; 2] {
        self.cards.get_disjoint_mut([one, other]).expect("two cards")
    }

    pub(super) fn bring_back(&mut self) {
        for rig in &mut self.cards {
            rig.inner_mut().card_mut().power_up().unwrap();
            rig.bring_back().unwrap();
        }
    }

    /// All of them recover, or the two that a step was about.
    pub(super) fn recover(&mut self, only: Option<[usize; 2]>) -> recovery::Report {
        let mut cards: Vec<_> = self
            .cards
            .iter_mut()
            .enumerate()
            .filter(|(place, _)| only.is_none_or(|only| only.contains(place)))
            .map(|(_, rig)| client(rig))
            .collect();
        recovery::recover(&mut cards, Some(&mut self.issuer))
    }

    /// What is on its way in this currency: debited by a payer, and its payee has it not.
    fn in_flight(&mut self, currency: Currency) -> i64 {
        let mut sum = 0;
        let mut open: Vec<PayDetails> = Vec::new();
        for place in 0..CARDS {
            let mut card = client(&mut self.cards[place]);
            open.extend(card.open_records().unwrap().records.iter().map(|record| record.pay_details));
            if let Some(voucher) = self.issuer.unresolved_load(number(place)).unwrap() {
                open.push(voucher.pay_details);
            }
        }
        open.retain(|pay_details| pay_details.currency == currency);
        for pay_details in open {
            if !self.has_arrived(&pay_details) {
                sum += i64::from(pay_details.amount.0);
            }
        }
        sum
    }

    /// What a purse's memory holds: a locked purse tells nobody.
    fn inside(&self, place: usize) -> Store<SimulatedMemory, PURSE_WINDOW, EXCEPTIONS> {
        let mut memory = self.cards[place].inner().card().memory().expect("a card").simulated().clone();
        memory.power_off();
        memory.power_on();
        Store::power_up(memory).map_err(|(_, error)| error).expect("a memory that a card has left")
    }

    fn balance(&mut self, place: usize, pocket: u8) -> i64 {
        let held = if place < PURSES {
            self.inside(place).state().pockets[usize::from(pocket)].balance
        } else {
            client(&mut self.cards[place]).balance(pocket).unwrap().balance
        };
        i64::from(held.0)
    }

    fn has_arrived(&mut self, pay_details: &PayDetails) -> bool {
        if pay_details.to == issuer() {
            let known = self.issuer.transfers(Some(pay_details.from)).unwrap();
            return known
                .iter()
                .any(|known| known.pay_details == *pay_details && known.state == TransferState::Credited);
        }
        let place = (0..CARDS).find(|place| number(*place) == pay_details.to).expect("a card of the town");
        if place < PURSES {
            let record = self.inside(place).record(pay_details.to_sequence).unwrap();
            return record.is_some_and(|record| {
                (record.role, record.pay_details) == (RecordRole::Payee, *pay_details)
            });
        }
        let mut payee = client(&mut self.cards[place]);
        let record = payee.entry(pay_details.to_sequence).ok().flatten();
        record.is_some_and(|record| (record.role, record.pay_details) == (RecordRole::Payee, *pay_details))
    }

    /// Accounts, cards and what is on its way make what there was. Gives the latter.
    #[track_caller]
    pub(super) fn audit(&mut self, what: &str) -> i64 {
        let mut on_its_way = 0;
        for (pocket, currency) in [(0, eur()), (1, usd())] {
            let books = self.issuer.books().unwrap();
            let books = books.iter().find(|books| books.currency == currency).expect("books");
            let accounts: i64 = books.accounts.iter().map(|held| held.balance).sum();
            let cards: i64 = (0..CARDS).map(|place| self.balance(place, pocket)).sum();
            let in_flight = self.in_flight(currency);
            assert_eq!(
                accounts + books.position + cards + in_flight,
                2 * INITIAL,
                "{what}, pocket {pocket}: {in_flight} in flight"
            );
            on_its_way += in_flight;
        }
        on_its_way
    }

    /// The issuer orders a change of a purse, which gets it now, with all that waited for it.
    fn order(&mut self, place: usize, parameter: &Parameter) -> Result<bool, FlowError> {
        self.issuer.order(number(place), parameter, Way::Queue).unwrap();
        let deliveries = scripts::deliver_waiting(&mut select(&mut self.cards[place])?, &mut self.issuer)?;
        Ok(deliveries.last().is_some_and(|delivery| delivery.outcome.is_ok()))
    }

    /// Exchanges that are half done come to their end, as far as a purse takes them.
    pub(super) fn finish_exchanges(&mut self) {
        for place in 0..PURSES {
            exchange::finish(&mut client(&mut self.cards[place]), &mut self.issuer, TIME);
        }
    }

    pub(super) fn exchanges_are_finished(&self) -> bool {
        self.issuer.open_exchanges().unwrap().is_empty()
    }

    /// Whether a step was carried out.
    pub(super) fn step(&mut self, step: &Step) -> Result<bool, FlowError> {
        let Step { kind, one, other, currency, amount, pin: ref holder, .. } = *step;
        let operator = self::pin(OPERATOR);
        let amount = Amount(amount);
        match kind {
            Action::Load => {
                let order = Load { account: HOLDER, currency, amount, time: TIME };
                load::load(&mut select(&mut self.cards[one])?, &mut self.issuer, &order).map(|_| true)
            }
            Action::Unload => {
                let order = Unload { currency, amount, time: TIME };
                unload::unload(&mut select(&mut self.cards[one])?, &mut self.issuer, &order).map(|_| true)
            }
            Action::Collect => {
                collection::collect(&mut select(&mut self.cards[other])?, &mut self.issuer, TIME)
                    .map(|_| true)
            }
            Action::Pay => {
                let order = Payment { currency, amount, time: TIME, pin: holder.as_ref() };
                let [purse, sam] = self.two(one, other);
                let mut sam = select(sam)?;
                purchase::purchase(&mut select(purse)?, &mut sam, &order).map(|_| true)
            }
            Action::Refund => {
                let order = Refund { currency, amount, time: TIME, operator_pin: &operator };
                let [purse, sam] = self.two(one, other);
                let mut purse = select(purse)?;
                refund::refund(&mut purse, &mut select(sam)?, &order).map(|_| true)
            }
            Action::Transfer => {
                let order = Transfer { currency, amount, time: TIME, pin: holder.as_ref() };
                let [payer, payee] = self.two(one, other);
                let mut payee = select(payee)?;
                transfer::transfer(&mut select(payer)?, &mut payee, &order).map(|_| true)
            }
            Action::Exchange => {
                let to = if currency == eur() { usd() } else { eur() };
                let bargain = Bargain { from: currency, gives: amount, to, gets: Amount(amount.0 / 2 + 1) };
                let mut purse = select(&mut self.cards[one])?;
                let end = exchange::exchange(&mut purse, &mut self.issuer, &bargain, TIME)?;
                Ok(matches!(end, End::Done))
            }
            Action::Lock => {
                let mut purse = select(&mut self.cards[one])?;
                Ok(purse.verify(&pin(PIN)).and_then(|()| purse.lock()).is_ok())
            }
            Action::Unlock => {
                let mut purse = select(&mut self.cards[one])?;
                Ok(purse.verify(&pin(PIN)).and_then(|()| purse.unlock()).is_ok())
            }
            Action::Block => self.order(one, &Parameter::Block),
            Action::Unblock => self.order(one, &Parameter::Unblock),
        }
    }
}
