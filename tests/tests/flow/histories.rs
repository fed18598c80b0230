//! Long lives: four purses, two merchants and their issuer pay each other in two currencies, ten thousand times, while
//! responses are lost, cards are pulled out and power fails. After each step every cent is on a card, in an account, or in
//! one payment whose payer knows of it and whose payee does not; and in the end nothing is on its way any more.

#![allow(clippy::inconsistent_digit_grouping, reason = "euros and cents")]

use apdu_spec::element::{Amount, Currency, Kind, Role};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::pin::PinBlock;
use apdu_spec::record::RecordRole;
use apdu_spec::software::Software;
use purse_card::memory::Geometry;
use purse_card::store::minimum_pages;
use purse_terminal::flow::load::{self, Load};
use purse_terminal::flow::purchase::{self, Payment};
use purse_terminal::flow::recovery::{self, Outcome};
use purse_terminal::flow::refund::{self, Refund};
use purse_terminal::flow::transfer::{self, Transfer};
use purse_terminal::flow::unload::{self, Unload};
use purse_terminal::flow::{FlowError, collection};
use purse_terminal::issuer::{Funding, Issuer, Keyring, MasterKeys, MemoryStore, NewCard, TransferState};
use purse_terminal::simulated_memory::{Cut, Flight};
use purse_terminal::virtual_card::VirtualCard;
use purse_tests::scheme::{Profile, TIME, VERSION, eur, issuer, master, party, pin, usd};

use crate::support::{HOLDER, MERCHANT, OPERATOR, PIN, Rig, client, rig_on, select};

const PURSES: usize = 4;
const CARDS: usize = 6;
/// In each account and currency at the start.
const INITIAL: i64 = 10_000_00;

/// SplitMix64: the same numbers from the same seed.
struct Draw(u64);

impl Draw {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.number() % bound as u64).expect("below a usize")
    }
}

struct Town {
    /// Purses, then SAMs.
    cards: Vec<Rig>,
    issuer: Issuer<MemoryStore, Software>,
}

fn card<const WINDOW: usize>(name: &str, profile: &Profile) -> Rig {
    let shape = Geometry { unit: 16, page_size: 2048, pages: 0, atomic: false };
    let pages = minimum_pages(shape, WINDOW, 4).expect("a page holds slots");
    rig_on(VirtualCard::with_sizes::<WINDOW, 4>(name, Geometry { pages, ..shape }), profile)
}

fn number(place: usize) -> PartyNumber {
    party(place as u64 + 1)
}

impl Town {
    fn new() -> Self {
        let keys = MasterKeys {
            load: master(apdu_spec::cryptography::KeyPurpose::Load, VERSION),
            payment: master(apdu_spec::cryptography::KeyPurpose::Payment, VERSION),
            tac: master(apdu_spec::cryptography::KeyPurpose::Tac, VERSION),
            administration: master(apdu_spec::cryptography::KeyPurpose::Administration, VERSION),
        };
        let keyring = Keyring::from([(VERSION, keys)]);
        let mut bank = Issuer::new(MemoryStore::new(), Software, issuer(), keyring);
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
                Role::Purse => card::<16>("purse", &Profile::purse(place, 0).with_key_pair()),
                Role::Merchant => card::<48>("sam", &Profile::sam(place, 0)),
            });
        }
        Self { cards, issuer: bank }
    }

    fn two(&mut self, one: usize, other: usize) -> [&mut Rig; 2] {
        self.cards.get_disjoint_mut([one, other]).expect("two cards")
    }

    fn bring_back(&mut self) {
        for rig in &mut self.cards {
            rig.inner_mut().card_mut().power_up().unwrap();
            rig.bring_back().unwrap();
        }
    }

    /// All of them recover, or the two that a step was about.
    fn recover(&mut self, only: Option<[usize; 2]>) -> recovery::Report {
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
            open.extend(card.open_records().unwrap().iter().map(|record| record.pay_details));
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

    fn has_arrived(&mut self, pay_details: &PayDetails) -> bool {
        if pay_details.to == issuer() {
            let known = self.issuer.transfers(Some(pay_details.from)).unwrap();
            return known
                .iter()
                .any(|known| known.pay_details == *pay_details && known.state == TransferState::Credited);
        }
        let place = (0..CARDS).find(|place| number(*place) == pay_details.to).expect("a card of the town");
        let mut payee = client(&mut self.cards[place]);
        let record = payee.entry(pay_details.to_sequence).ok().flatten();
        record.is_some_and(|record| (record.role, record.pay_details) == (RecordRole::Payee, *pay_details))
    }

    /// Accounts, cards and what is on its way make what there was. Gives the latter.
    #[track_caller]
    fn audit(&mut self, what: &str) -> i64 {
        let mut on_its_way = 0;
        for (pocket, currency) in [(0, eur()), (1, usd())] {
            let accounts: i64 = self
                .issuer
                .accounts()
                .unwrap()
                .iter()
                .filter(|held| held.account.currency == currency)
                .map(|held| held.balance)
                .sum();
            let cards: i64 = self
                .cards
                .iter_mut()
                .map(|rig| i64::from(client(rig).balance(pocket).unwrap().balance.0))
                .sum();
            let in_flight = self.in_flight(currency);
            assert_eq!(
                accounts + cards + in_flight,
                2 * INITIAL,
                "{what}, pocket {pocket}: {in_flight} in flight"
            );
            on_its_way += in_flight;
        }
        on_its_way
    }

    fn step(&mut self, step: &Step) -> Result<(), FlowError> {
        let Step { kind, one, other, currency, amount, pin: ref holder, .. } = *step;
        let operator = self::pin(OPERATOR);
        let amount = Amount(amount);
        match kind {
            Action::Load => {
                let order = Load { account: HOLDER, currency, amount, time: TIME };
                load::load(&mut select(&mut self.cards[one])?, &mut self.issuer, &order).map(drop)
            }
            Action::Unload => {
                let order = Unload { currency, amount, time: TIME };
                unload::unload(&mut select(&mut self.cards[one])?, &mut self.issuer, &order).map(drop)
            }
            Action::Collect => {
                collection::collect(&mut select(&mut self.cards[other])?, &mut self.issuer, TIME).map(drop)
            }
            Action::Pay => {
                let order = Payment { currency, amount, time: TIME, pin: holder.as_ref() };
                let [purse, sam] = self.two(one, other);
                let mut sam = select(sam)?;
                purchase::purchase(&mut select(purse)?, &mut sam, &order).map(drop)
            }
            Action::Refund => {
                let order = Refund { currency, amount, time: TIME, operator_pin: &operator };
                let [purse, sam] = self.two(one, other);
                let mut purse = select(purse)?;
                refund::refund(&mut purse, &mut select(sam)?, &order).map(drop)
            }
            Action::Transfer => {
                let order = Transfer { currency, amount, time: TIME, pin: holder.as_ref() };
                let [payer, payee] = self.two(one, other);
                let mut payee = select(payee)?;
                transfer::transfer(&mut select(payer)?, &mut payee, &order).map(drop)
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Action {
    Load,
    Unload,
    Collect,
    Pay,
    Refund,
    Transfer,
}

impl Action {
    const fn kind(self) -> Kind {
        match self {
            Self::Load => Kind::Load,
            Self::Unload | Self::Collect => Kind::Unload,
            Self::Pay => Kind::Purchase,
            Self::Refund => Kind::Refund,
            Self::Transfer => Kind::Transfer,
        }
    }
}

#[derive(Debug)]
struct Step {
    kind: Action,
    /// A purse.
    one: usize,
    /// A SAM, or another purse.
    other: usize,
    currency: Currency,
    amount: u32,
    pin: Option<PinBlock>,
}

fn draw_step(draw: &mut Draw) -> Step {
    let kind = [
        Action::Load,
        Action::Load,
        Action::Unload,
        Action::Collect,
        Action::Pay,
        Action::Pay,
        Action::Pay,
        Action::Refund,
        Action::Transfer,
        Action::Transfer,
        Action::Transfer,
        Action::Transfer,
    ][draw.below(12)];
    let one = draw.below(PURSES);
    let other = match kind {
        Action::Transfer => (one + 1 + draw.below(PURSES - 1)) % PURSES,
        _ => PURSES + draw.below(CARDS - PURSES),
    };
    let currency = if draw.below(3) == 0 { usd() } else { eur() };
    let most = if kind == Action::Load { 40_00 } else { 12_00 };
    let amount = u32::try_from(draw.below(most)).expect("small") + 1;
    let with_pin = draw.below(4) != 0;
    Step { kind, one, other, currency, amount, pin: with_pin.then(|| pin(PIN)) }
}

/// One fault in one of the cards, or none.
fn draw_fault(draw: &mut Draw, town: &mut Town, step: &Step) -> String {
    let place = if draw.below(2) == 0 { step.one } else { step.other };
    let rig = &mut town.cards[place];
    match draw.below(8) {
        0 => {
            let number = draw.number() % 6 + 1;
            rig.lose(number);
            format!("response {number} of card {place} lost")
        }
        1 => {
            let number = draw.number() % 6 + 1;
            rig.remove(number);
            format!("card {place} pulled out at response {number}")
        }
        2 | 3 => {
            let flight = [Flight::Old, Flight::New, Flight::Garbage, Flight::AllUnstable][draw.below(4)];
            let cut = Cut { operation: draw.number() % 4, units: draw.below(12), flight };
            rig.inner_mut().card_mut().cut(cut);
            format!("card {place}: {cut:?}")
        }
        _ => "no fault".to_owned(),
    }
}

fn life(seed: u64, steps: usize) {
    let mut draw = Draw(seed);
    let mut town = Town::new();
    town.audit("at the start");
    let (mut done, mut faults, mut in_flight) = (std::collections::BTreeMap::new(), 0, 0);
    for place in 0..steps {
        let step = draw_step(&mut draw);
        let fault = draw_fault(&mut draw, &mut town, &step);
        let result = town.step(&step);
        town.bring_back();
        let what = format!("seed {seed}, step {place}: {step:?}, {fault}: {result:?}");
        if result.is_ok() {
            *done.entry(step.kind).or_insert(0) += 1;
        }
        faults += usize::from(fault != "no fault");
        in_flight += usize::from(town.audit(&what) > 0);
        // A terminal finishes what it left before it takes the same cards again, mostly.
        if result.is_err() && draw.below(4) != 0 {
            town.recover(Some([step.one, step.other]));
            town.audit(&format!("{what}, recovered"));
        }
        // An open purchase may leave its log: nobody leaves it for so long.
        if place % 5 == 4 {
            let report = town.recover(None);
            let stuck =
                report.items.iter().filter(|item| matches!(item.outcome, Outcome::PayeeAbsent)).count();
            assert_eq!(stuck, 0, "{what}: {report:?}");
            town.audit(&format!("{what}, all recovered"));
        }
    }
    let report = town.recover(None);
    assert!(report.is_complete(), "seed {seed}: {report:?}");
    assert_eq!(town.audit("at the end"), 0, "seed {seed}");
    for kind in [Action::Load, Action::Unload, Action::Collect, Action::Pay, Action::Refund, Action::Transfer]
    {
        let often = done.get(&kind).copied().unwrap_or(0);
        assert!(often > steps / 200, "seed {seed}: {:?} {often} times", kind.kind());
    }
    assert!(faults > steps / 4 && in_flight > steps / 100, "{faults} faults, {in_flight} times in flight");
}

/// Ten thousand steps in all.
#[test]
fn every_cent_is_somewhere_after_each_of_ten_thousand_steps() {
    std::thread::scope(|scope| {
        for seed in 1..=4 {
            scope.spawn(move || life(seed, 2_500));
        }
    });
}
