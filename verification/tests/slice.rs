//! The first states of every scope, and a second of tearing: what `purse-verify` looks at for as long as it is given.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use apdu_spec::element::Kind;
use apdu_spec::record::{RecordRole, RecordState};
use purse_tests::scheme::{eur, usd};
use purse_verification::content::Content;
use purse_verification::explorer::scope::{scope, scopes};
use purse_verification::explorer::{Explorer, Search, explore, smallest};
use purse_verification::property::Property;
use purse_verification::tears::{COMMANDS, Tears};

/// States of each scope.
const STATES: usize = 700;

#[test]
fn the_first_states_of_every_scope_hold() {
    let later = Instant::now() + Duration::from_secs(600);
    for (scope, seed) in scopes(2).into_iter().zip(1..) {
        let explored = explore(scope, &Search { until: later, most: STATES, sought: None, seed });
        assert!(explored.tally.is_clean(), "{:?}\n{:?}", explored.tally.violations(), explored.paths);
        assert!(explored.complete || explored.states >= STATES as u64, "{}", explored.scope);
        assert!(explored.power_ups > 0, "{}", explored.scope);
    }
}

/// What the cards of a scope of payments hold, in all of its states or in the first of them.
fn cards(level: u32, seed: u64, most: usize) -> HashSet<Content> {
    let scope = scope("purchase and refund", level).expect("a scope");
    let mut explorer = Explorer::<6, 2>::new(scope, seed);
    let until = Instant::now() + Duration::from_secs(600);
    explorer.explore(&Search { until, most, sought: None, seed });
    assert!(explorer.explored().complete || most < usize::MAX);
    explorer.cards().cloned().collect()
}

/// What the cards of a scope of transfers hold, in the first of its states.
fn paying_purses(name: &str, level: u32, most: usize) -> Vec<Content> {
    let scope = scope(name, level).expect("a scope");
    assert_eq!((scope.window, scope.exceptions), (2, 2));
    let mut explorer = Explorer::<2, 2>::new(scope, 1);
    let until = Instant::now() + Duration::from_secs(600);
    explorer.explore(&Search { until, most, sought: None, seed: 1 });
    let explored = explorer.explored();
    assert!(explored.tally.is_clean(), "{:?}\n{:?}", explored.tally.violations(), explored.paths);
    for property in [Property::PeerIsPresent, Property::OfflineReceipts, Property::UnloadHasItsPlace] {
        assert!(explored.tally.checks(property) > 0, "{}", property.name());
    }
    assert!(explored.recoveries > 0);
    explorer.cards().cloned().collect()
}

/// Open records of these kinds in EF.EXC: in the log, and older than its window of two.
fn in_exceptions(card: &Content, kinds: &[Kind]) -> bool {
    let older = &card.history[..card.history.len().saturating_sub(2)];
    let kept: Vec<Kind> =
        older.iter().filter(|past| past.in_log && past.is_open()).map(|past| past.pay_details.kind).collect();
    kept == kinds
}

#[test]
fn transfers_move_to_ef_exc_and_come_to_both_ends() {
    // One that stays open and two that push it out are three requests: more than the first level has.
    let cards = paying_purses("transfer: two purses", 2, 60_000);
    assert!(cards.iter().any(|card| in_exceptions(card, &[Kind::Transfer])));
    for (role, state) in [
        (RecordRole::Payer, RecordState::Settled),
        (RecordRole::Payer, RecordState::Reversed),
        (RecordRole::Payee, RecordState::Settled),
        (RecordRole::Declined, RecordState::Settled),
    ] {
        let is_there =
            |card: &Content| card.history.iter().any(|past| (past.role, past.state) == (role, state));
        assert!(cards.iter().any(is_there), "{role:?} {state:?}");
    }
}

#[test]
fn ef_exc_is_filled_by_a_transfer_and_an_unload() {
    let cards = paying_purses("transfer, load and unload: two purses", 1, 30_000);
    let full = |card: &Content| {
        let open = card.open().filter(|past| past.is_open_exceptional());
        let kinds: Vec<Kind> = open.map(|past| past.pay_details.kind).collect();
        kinds == [Kind::Transfer, Kind::Unload]
    };
    assert!(cards.iter().any(full));
}

#[test]
fn locked_purses_and_both_pockets_take_part() {
    let cards = paying_purses("transfer and lock: two purses", 1, 20_000);
    let locked = |card: &Content| card.flags[1] && card.open().next().is_some();
    assert!(cards.iter().any(locked));
    let cards = paying_purses("two pockets: two purses", 1, 20_000);
    let euros = |card: &Content| card.history.iter().any(|past| past.pay_details.currency == eur());
    let dollars = |card: &Content| card.history.iter().any(|past| past.pay_details.currency == usd());
    assert!(cards.iter().any(|card| euros(card) && dollars(card)));
}

#[test]
fn the_cards_of_a_smaller_level_are_among_those_of_a_larger_one() {
    let (smaller, larger) = (cards(1, 1, usize::MAX), cards(2, 1, usize::MAX));
    assert!(smaller.is_subset(&larger));
    assert!(smaller.len() < larger.len());
}

#[test]
fn another_seed_looks_at_other_states_and_comes_to_the_same_end() {
    assert_eq!(cards(1, 1, usize::MAX), cards(1, 7, usize::MAX));
    let (one, other) = (cards(4, 1, 500), cards(4, 7, 500));
    assert!(!one.is_subset(&other) && !other.is_subset(&one));
}

#[test]
fn torn_commands_hold() {
    let mut tears = Tears::<2, 2>::new(smallest::<2, 2>(16, false), 1, (0, 16), COMMANDS);
    tears.run(Instant::now() + Duration::from_secs(2), None);
    assert!(tears.torn.tally.is_clean(), "{:?}", tears.torn.tally.violations());
    assert!(tears.torn.power_ups > 1_000, "{}", tears.torn.power_ups);
    for property in [Property::AllOrNothing, Property::DecisionStays, Property::RecordBeforeResponse] {
        assert!(tears.torn.tally.checks(property) > 0, "{}", property.name());
    }
}
