//! Power is cut inside every operation of the store, and again inside its recovery. Whatever is answered then is the
//! state before or after the entry in flight, and stays.

use super::model::{Action, Model, Simulated, View, card, geometry};
use apdu_spec::element::Sequence;
use purse_card::memory::Geometry;
use purse_card::store::Entry;
use purse_terminal::simulated_memory::{Cut, Flight, SimulatedMemory};

/// How thoroughly to cut.
#[derive(Clone, Copy)]
struct Cuts<'a> {
    /// Units of an operation that are done before the cut.
    units: &'a [usize],
    flights: &'a [Flight],
    /// How often power is cut again during recovery.
    again: u32,
}

/// As many units as an operation has.
const COMPLETE: usize = usize::MAX;
/// All that one operation can come to, with units of 16 bytes.
const EVERY_UNIT: [usize; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, COMPLETE];
const FEW: Cuts<'_> = Cuts { units: &[0, 9, COMPLETE], flights: &[Flight::AllUnstable], again: 1 };

/// After a cut: power comes back until the store answers, with more cuts on the way. Its answer must be one of the
/// allowed views, and from then on never change. Returns the memory after an undisturbed recovery.
fn recover<const W: usize, const E: usize>(
    memory: &SimulatedMemory,
    allowed: &[View],
    cuts: Cuts<'_>,
) -> SimulatedMemory {
    let mut powered = memory.clone();
    powered.power_on();
    powered.reset_counts();
    let store = Simulated::<W, E>::power_up(powered.clone()).unwrap_or_else(|(_, error)| {
        panic!("{error:?} after a cut");
    });
    let answered = View::of(&store);
    assert!(allowed.contains(&answered), "{answered:#?}\nis neither of\n{allowed:#?}");
    let recovered = store.into_memory();

    if cuts.again > 0 {
        for operation in 0..recovered.counts().operations() {
            for &units in cuts.units {
                for &flight in cuts.flights {
                    let mut memory = powered.clone();
                    memory.cut(Cut { operation, units, flight });
                    let (memory, _) = Simulated::<W, E>::power_up(memory).expect_err("it was cut");
                    recover::<W, E>(&memory, allowed, Cuts { again: cuts.again - 1, ..cuts });
                }
            }
        }
    }

    let mut memory = recovered.clone();
    for _ in 0..3 {
        memory.power_off();
        memory.power_on();
        memory.reset_counts();
        let store = Simulated::<W, E>::power_up(memory).unwrap();
        assert_eq!(View::of(&store), answered, "an answer has changed");
        memory = store.into_memory();
        assert_eq!(memory.counts().operations(), 0, "a clean power-up writes nothing");
    }
    memory
}

/// Commits, and finishes unless power goes before.
fn write<const W: usize, const E: usize>(
    memory: SimulatedMemory,
    entries: &[Entry],
    finish: bool,
) -> (SimulatedMemory, usize) {
    let mut store = Simulated::<W, E>::power_up(memory).unwrap();
    let committed = entries.iter().take_while(|entry| store.commit((*entry).clone()).is_ok()).count();
    if finish {
        let _ = store.finish();
    }
    (store.into_memory(), committed)
}

/// One step undisturbed, and the same step cut everywhere. Returns the memory and model after it.
fn step<const W: usize, const E: usize>(
    memory: &SimulatedMemory,
    model: &Model,
    entries: &[Entry],
    cuts: Cuts<'_>,
) -> (SimulatedMemory, Model) {
    let mut after = model.clone();
    let mut views = vec![model.view::<W>()];
    for entry in entries {
        after.apply(entry);
        views.push(after.view::<W>());
    }
    let mut memory = memory.clone();
    memory.reset_counts();

    // The holder takes the card away as soon as it has answered.
    let (mut hasty, committed) = write::<W, E>(memory.clone(), entries, false);
    assert_eq!(committed, entries.len());
    hasty.power_off();
    recover::<W, E>(&hasty, &views[committed..], cuts);

    let (mut done, _) = write::<W, E>(memory.clone(), entries, true);
    for operation in 0..done.counts().operations() {
        for &units in cuts.units {
            for &flight in cuts.flights {
                let mut memory = memory.clone();
                memory.cut(Cut { operation, units, flight });
                let (memory, committed) = write::<W, E>(memory, entries, true);
                assert!(memory.is_off());
                let allowed = &views[committed..views.len().min(committed + 2)];
                recover::<W, E>(&memory, allowed, cuts);
            }
        }
    }

    done.power_off();
    done.power_on();
    done.reset_counts();
    let store = Simulated::<W, E>::power_up(done).unwrap();
    assert_eq!(View::of(&store), after.view::<W>());
    assert_eq!(store.memory().counts().operations(), 0, "a clean power-up writes nothing");
    (store.into_memory(), after)
}

/// Every history of these actions up to a length.
fn tree<const W: usize, const E: usize>(
    memory: &SimulatedMemory,
    model: &Model,
    actions: &[Action],
    depth: u32,
    cuts: Cuts<'_>,
) -> u64 {
    if depth == 0 {
        return 1;
    }
    let mut histories = 0;
    for &action in actions {
        let entries = model.entries::<W, E>(action);
        if !entries.is_empty() {
            let (memory, model) = step::<W, E>(memory, model, &entries, cuts);
            histories += tree::<W, E>(&memory, &model, actions, depth - 1, cuts);
        }
    }
    histories
}

/// What moves the log on, fills the exceptions, and empties them.
const ESSENTIAL: [Action; 4] =
    [Action::Transfer, Action::Purchase, Action::SettleOldest, Action::ReverseOldest];

/// The smallest card of its kind, after a few steps, so that the pages already go round.
fn worn<const W: usize, const E: usize>(geometry: Geometry, steps: &[Action]) -> (SimulatedMemory, Model) {
    let (mut memory, mut model) = card::<W, E>(geometry, 7, false);
    for &action in steps {
        let entries = model.entries::<W, E>(action);
        assert!(!entries.is_empty(), "{action:?} can be done");
        memory = write::<W, E>(memory, &entries, true).0;
        for entry in &entries {
            model.apply(entry);
        }
    }
    (memory, model)
}

fn every_short_history<const W: usize, const E: usize>(depth: u32) {
    // A card that goes round already, and a new one.
    let steps = [Action::Transfer, Action::Purchase, Action::Purchase, Action::RightPin, Action::Load];
    for (steps, depth) in [(&steps[..], depth), (&[], depth - 1)] {
        let (memory, model) = worn::<W, E>(geometry::<W, E>(16, false, 4, 0), steps);
        let histories = tree::<W, E>(&memory, &model, &ESSENTIAL, depth, FEW);
        assert!(histories > 50, "{histories}");
    }
}

#[test]
fn every_short_history_with_a_window_of_one() {
    every_short_history::<1, 1>(5);
    every_short_history::<1, 2>(5);
}

#[test]
fn every_short_history_with_a_window_of_two() {
    every_short_history::<2, 1>(5);
    every_short_history::<2, 2>(5);
}

#[test]
fn every_short_history_with_a_window_of_three() {
    every_short_history::<3, 1>(5);
    every_short_history::<3, 2>(5);
}

/// Each action on cards of different history, every unit of every operation, everything that a unit can come to.
fn every_unit<const W: usize, const E: usize>(atomic: bool) {
    let steps =
        [Action::Transfer, Action::Purchase, Action::SettleNewest, Action::Purchase, Action::RightPin];
    for length in 0..=steps.len() {
        let (memory, model) = worn::<W, E>(geometry::<W, E>(16, atomic, 4, 0), &steps[..length]);
        for action in Action::ALL {
            let cuts = Cuts { units: &EVERY_UNIT, flights: &Flight::ALL, again: 0 };
            step::<W, E>(&memory, &model, &model.entries::<W, E>(action), cuts);
        }
    }
}

#[test]
fn every_unit_of_every_operation() {
    every_unit::<1, 1>(false);
    every_unit::<2, 1>(false);
    every_unit::<2, 2>(false);
    every_unit::<1, 1>(true);
    every_unit::<2, 2>(true);
}

/// Power fails three times in a row, at units of every size.
fn thrice<const W: usize, const E: usize>(unit: usize, units: &[usize], atomic: bool) {
    let steps = [Action::Transfer, Action::Load, Action::SettleNewest, Action::Load, Action::Transfer];
    for more in [0, 2] {
        let (memory, model) = worn::<W, E>(geometry::<W, E>(unit, atomic, 4, more), &steps);
        for action in [Action::Purchase, Action::SettleOldest, Action::ReverseOldest, Action::RightPin] {
            let cuts = Cuts { units, flights: &[Flight::AllUnstable], again: 2 };
            step::<W, E>(&memory, &model, &model.entries::<W, E>(action), cuts);
        }
    }
}

#[test]
fn units_of_every_size_and_three_cuts_in_a_row() {
    thrice::<2, 2>(1, &[0, 100, 159, COMPLETE], false);
    thrice::<2, 2>(4, &[0, 39, COMPLETE], false);
    thrice::<2, 2>(16, &[0, 9, COMPLETE], false);
    thrice::<2, 2>(256, &[0, COMPLETE], false);
    thrice::<2, 2>(1, &[0, COMPLETE], true);
    thrice::<3, 1>(16, &[0, COMPLETE], true);
}

#[test]
fn personalisation_is_all_or_nothing() {
    let model = Model::new(true);
    for atomic in [false, true] {
        let geometry = geometry::<2, 1>(16, atomic, 5, 0);
        let blank = View::of(&Simulated::<2, 1>::power_up(SimulatedMemory::new(geometry, 1)).unwrap());
        assert_eq!(blank.identity, None);
        for operation in 0..20 {
            for units in EVERY_UNIT {
                for flight in Flight::ALL {
                    let mut memory = SimulatedMemory::new(geometry, 1);
                    memory.cut(Cut { operation, units, flight });
                    let mut store = Simulated::<2, 1>::power_up(memory).unwrap();
                    let done = model.personalise(&mut store).is_ok();
                    let mut memory = store.into_memory();
                    memory.power_off();
                    let allowed = [model.view::<2>(), blank.clone()];
                    let allowed = if done { &allowed[..1] } else { &allowed[..] };
                    memory = recover::<2, 1>(&memory, allowed, FEW);

                    let mut store = Simulated::<2, 1>::power_up(memory).unwrap();
                    if store.is_blank() {
                        model.personalise(&mut store).unwrap();
                    }
                    assert_eq!(View::of(&store), model.view::<2>());
                    assert_eq!(store.next_sequence(), Sequence(0));
                }
            }
        }
    }
}

/// A log that is almost full, its last place taken by exceptions, cut a thousand times while it starts and while it
/// writes: nothing leaves, no slot is lost for good, and it still works.
#[test]
fn a_thousand_cuts_evict_nothing_and_fill_nothing_up() {
    let steps =
        [Action::Transfer, Action::Transfer, Action::Purchase, Action::SettleNewest, Action::Purchase];
    let (mut memory, mut model) = worn::<2, 2>(geometry::<2, 2>(16, false, 4, 0), &steps);
    for round in 0..1000_u64 {
        // Entries of every type are torn at their first, a middle and their last unit, and so is the recovery.
        let action = [Action::Purchase, Action::SettleNewest, Action::WrongPin, Action::ReverseOldest]
            [usize::try_from(round % 4).unwrap()];
        let entries = model.entries::<2, 2>(action);
        let units = [0, 5, 9][usize::try_from(round / 4 % 3).unwrap()];
        memory.cut(Cut { operation: 0, units, flight: Flight::Garbage });
        let (torn, committed) = write::<2, 2>(memory, &entries, true);
        assert_eq!(committed, 0);
        memory = torn;
        for again in 0..3 {
            memory.power_on();
            memory.cut(Cut {
                operation: (round + again) % 7,
                units,
                flight: Flight::ALL[(again % 6) as usize],
            });
            let started = Simulated::<2, 2>::power_up(memory);
            memory = started.map_or_else(|(memory, _)| memory, Simulated::into_memory);
            memory.power_off();
        }
        let expected = [model.view::<2>()];
        memory = recover::<2, 2>(&memory, &expected, Cuts { again: 0, ..FEW });
    }
    for action in [Action::SettleOldest, Action::ReverseOldest, Action::Transfer, Action::Load, Action::Load]
    {
        let entries = model.entries::<2, 2>(action);
        (memory, model) = step::<2, 2>(&memory, &model, &entries, FEW);
    }
}
