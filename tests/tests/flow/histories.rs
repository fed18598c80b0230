//! Long lives: four purses, two merchants and their issuer pay each other in two currencies and exchange them, ten thousand
//! times, while holders lock and the issuer blocks purses, responses are lost, cards are pulled out and power fails. After each step every cent is on a card, in an account, or in
//! one payment whose payer knows of it and whose payee does not; and in the end nothing is on its way any more.

#![allow(clippy::inconsistent_digit_grouping, reason = "euros and cents")]

mod town;

use apdu_spec::element::Currency;
use apdu_spec::pin::PinBlock;
use purse_terminal::flow::recovery::Outcome;
use purse_terminal::simulated_memory::{Cut, Flight};
use purse_tests::scheme::{eur, pin, usd};

use self::town::{CARDS, PURSES, Town};
use crate::support::PIN;

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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Action {
    Load,
    Unload,
    Collect,
    Pay,
    Refund,
    Transfer,
    Exchange,
    /// By the holder.
    Lock,
    Unlock,
    /// By the issuer.
    Block,
    Unblock,
}

impl Action {
    /// Each, and how many of so many it is.
    const ALL: [(Self, usize); 11] = [
        (Self::Load, 4),
        (Self::Unload, 2),
        (Self::Collect, 2),
        (Self::Pay, 6),
        (Self::Refund, 3),
        (Self::Transfer, 8),
        (Self::Exchange, 2),
        (Self::Lock, 1),
        (Self::Unlock, 3),
        (Self::Block, 1),
        (Self::Unblock, 3),
    ];

    fn draw(draw: &mut Draw) -> Self {
        let mut drawn = draw.below(Self::ALL.iter().map(|(_, often)| often).sum());
        for (action, often) in Self::ALL {
            if drawn < often {
                return action;
            }
            drawn -= often;
        }
        unreachable!("below the sum")
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
    let kind = Action::draw(draw);
    let one = draw.below(PURSES);
    let other = match kind {
        Action::Transfer => (one + 1 + draw.below(PURSES - 1)) % PURSES,
        _ => PURSES + draw.below(CARDS - PURSES),
    };
    let currency = if draw.below(3) == 0 { usd() } else { eur() };
    let most = match kind {
        Action::Load => 40_00,
        // No more than some purchase was.
        Action::Refund => 3_00,
        _ => 12_00,
    };
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
            let number = draw.number() % 9 + 1;
            rig.lose(number);
            format!("response {number} of card {place} lost")
        }
        1 => {
            let number = draw.number() % 9 + 1;
            rig.remove(number);
            format!("card {place} pulled out at response {number}")
        }
        2 | 3 => {
            let flight = [Flight::Old, Flight::New, Flight::Garbage, Flight::AllUnstable][draw.below(4)];
            let cut = Cut { operation: draw.number() % 2, units: draw.below(12), flight };
            rig.inner_mut().card_mut().cut(cut);
            format!("card {place}: {cut:?}")
        }
        _ => "no fault".to_owned(),
    }
}

/// How many of these steps were carried out.
fn life(seed: u64, steps: usize) -> usize {
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
        if matches!(result, Ok(true)) {
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
            town.finish_exchanges();
            let stuck =
                report.items.iter().filter(|item| matches!(item.outcome, Outcome::PayeeAbsent)).count();
            assert_eq!(stuck, 0, "{what}: {report:?}");
            town.audit(&format!("{what}, all recovered"));
        }
    }
    for one in 0..PURSES {
        let step = |kind| Step { kind, one, other: PURSES, currency: eur(), amount: 1, pin: None };
        for kind in [Action::Unblock, Action::Unlock] {
            town.step(&step(kind)).unwrap();
        }
    }
    let report = town.recover(None);
    assert!(report.is_complete(), "seed {seed}: {report:?}");
    town.finish_exchanges();
    assert_eq!(town.audit("at the end"), 0, "seed {seed}");
    assert!(town.exchanges_are_finished(), "seed {seed}");
    for (kind, often) in Action::ALL {
        let (done, wanted) = (*done.entry(kind).or_insert(0), steps * often / 1_000);
        assert!(done > wanted, "seed {seed}: {kind:?} {done} times, not {wanted}");
    }
    let all = done.values().sum();
    println!("seed {seed}: {done:?}, {faults} faults, {in_flight} times in flight");
    assert!(faults > steps / 4 && in_flight > steps / 100, "{faults} faults, {in_flight} times in flight");
    all
}

/// Ten thousand operations that were carried out, in all: more are refused, because a purse is empty, locked or blocked, or
/// lost.
#[test]
fn every_cent_is_somewhere_after_each_of_ten_thousand_operations() {
    let done: usize = std::thread::scope(|scope| {
        let lives: Vec<_> = (1..=4).map(|seed| scope.spawn(move || life(seed, 7_000))).collect();
        lives.into_iter().map(|life| life.join().expect("a life")).sum()
    });
    assert!(done > 10_000, "{done}");
}
