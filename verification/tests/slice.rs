//! The first states of every scope, and a second of tearing: what `purse-verify` looks at for as long as it is given.

use std::time::{Duration, Instant};

use purse_verification::explorer::scope::scopes;
use purse_verification::explorer::{explore, smallest};
use purse_verification::property::Property;
use purse_verification::tears::Tears;

/// States of each scope.
const STATES: usize = 1_500;

#[test]
fn the_first_states_of_every_scope_hold() {
    let later = Instant::now() + Duration::from_secs(600);
    for scope in scopes(2) {
        let explored = explore(scope, later, STATES, None);
        assert!(explored.tally.is_clean(), "{:?}\n{:?}", explored.tally.violations(), explored.paths);
        assert!(explored.complete || explored.states >= STATES as u64, "{}", explored.scope);
        assert!(explored.power_ups > 0, "{}", explored.scope);
    }
}

#[test]
fn a_smaller_level_is_part_of_a_larger_one() {
    let states = |level| {
        let scope = scopes(level).into_iter().find(|scope| scope.stolen_masters).expect("a scope");
        let explored = explore(scope, Instant::now() + Duration::from_secs(600), usize::MAX, None);
        assert!(explored.complete);
        explored.states
    };
    assert!(states(1) < states(2));
}

#[test]
fn torn_commands_hold() {
    let mut tears = Tears::<2, 2>::new(smallest::<2, 2>(16, false), 1, (0, 16));
    tears.run(Instant::now() + Duration::from_secs(2));
    assert!(tears.torn.tally.is_clean(), "{:?}", tears.torn.tally.violations());
    assert!(tears.torn.power_ups > 1_000, "{}", tears.torn.power_ups);
    for property in [Property::AllOrNothing, Property::DecisionStays, Property::RecordBeforeResponse] {
        assert!(tears.torn.tally.checks(property) > 0, "{}", property.name());
    }
}
