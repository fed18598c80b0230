//! The first states of every scope, and a second of tearing: what `purse-verify` looks at for as long as it is given.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use purse_verification::content::Content;
use purse_verification::explorer::scope::{scope, scopes};
use purse_verification::explorer::{Explorer, Search, explore, smallest};
use purse_verification::property::Property;
use purse_verification::tears::Tears;

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
    let mut tears = Tears::<2, 2>::new(smallest::<2, 2>(16, false), 1, (0, 16));
    tears.run(Instant::now() + Duration::from_secs(2), None);
    assert!(tears.torn.tally.is_clean(), "{:?}", tears.torn.tally.violations());
    assert!(tears.torn.power_ups > 1_000, "{}", tears.torn.power_ups);
    for property in [Property::AllOrNothing, Property::DecisionStays, Property::RecordBeforeResponse] {
        assert!(tears.torn.tally.checks(property) > 0, "{}", property.name());
    }
}
