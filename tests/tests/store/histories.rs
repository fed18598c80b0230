//! Random long histories, with cuts anywhere, on memories of every shape: the store against the plain list.

use super::model::{Action, Model, Simulated, View, card, geometry};
use proptest::prelude::*;
use purse_terminal::simulated_memory::{Cut, Flight, SimulatedMemory};

#[derive(Clone, Debug)]
struct Step {
    action: Action,
    /// Whether what can wait is done after it; else it is left to the next step.
    finish: bool,
    /// Power cuts: the first one during the step, the others during recovery.
    cuts: Vec<Cut>,
}

fn cuts() -> impl Strategy<Value = Cut> {
    let units = prop_oneof![0..12_usize, Just(usize::MAX)];
    (0..9_u64, units, proptest::sample::select(&Flight::ALL[..])).prop_map(|(operation, units, flight)| Cut {
        operation,
        units,
        flight,
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let cuts = prop_oneof![3 => Just(Vec::new()), 1 => proptest::collection::vec(cuts(), 1..4)];
    let step = (proptest::sample::select(&Action::ALL[..]), proptest::bool::weighted(0.8), cuts)
        .prop_map(|(action, finish, cuts)| Step { action, finish, cuts });
    proptest::collection::vec(step, 1..100)
}

/// Powers up, with cuts on the way, until the store answers.
fn power_up<const W: usize, const E: usize>(mut memory: SimulatedMemory, cuts: &[Cut]) -> Simulated<W, E> {
    for &cut in cuts {
        memory.power_on();
        memory.cut(cut);
        memory = match Simulated::<W, E>::power_up(memory) {
            Ok(store) => store.into_memory(),
            Err((memory, _)) => {
                assert!(memory.is_off(), "nothing but a cut hinders a power-up");
                memory
            }
        };
        memory.power_off();
    }
    memory.power_on();
    Simulated::<W, E>::power_up(memory).unwrap_or_else(|(_, error)| panic!("{error:?} without a cut"))
}

fn play<const W: usize, const E: usize>(memory: SimulatedMemory, mut model: Model, steps: &[Step]) {
    let mut store = Simulated::<W, E>::power_up(memory).unwrap();
    for Step { action, finish, cuts } in steps {
        if let Some(cut) = cuts.first() {
            store.memory_mut().cut(*cut);
        }
        let entries = model.entries::<W, E>(*action);
        let mut before = model.clone();
        let mut failed = false;
        for entry in &entries {
            before = model.clone();
            model.apply(entry);
            if store.commit(entry.clone()).is_err() {
                failed = true;
                break;
            }
            before = model.clone();
        }
        if !failed && *finish {
            failed = store.finish().is_err();
        }
        if !failed && cuts.is_empty() {
            assert_eq!(View::of(&store), model.view::<W>());
            continue;
        }
        // The cut came, or comes now, between two operations.
        store.memory_mut().power_off();
        store = power_up(store.into_memory(), cuts.get(1..).unwrap_or_default());
        let answered = View::of(&store);
        if answered == before.view::<W>() {
            model = before;
        }
        assert_eq!(answered, model.view::<W>());
    }
    let mut memory = store.into_memory();
    memory.power_off();
    let store = power_up::<W, E>(memory, &[]);
    assert_eq!(View::of(&store), model.view::<W>());
}

/// One history on a card of this window.
fn history<const W: usize, const E: usize>(shape: &Shape, steps: &[Step]) {
    let geometry = geometry::<W, E>(shape.unit, shape.atomic, shape.slots, shape.more);
    let (memory, model) = card::<W, E>(geometry, shape.seed, shape.masters);
    play::<W, E>(memory, model, steps);
}

#[derive(Clone, Debug)]
struct Shape {
    unit: usize,
    atomic: bool,
    slots: usize,
    more: usize,
    masters: bool,
    seed: u64,
}

fn shapes() -> impl Strategy<Value = Shape> {
    let unit = proptest::sample::select(&[1, 4, 16, 64, 256][..]);
    (unit, any::<bool>(), 4..8_usize, 0..3_usize, any::<bool>(), any::<u64>()).prop_map(
        |(unit, atomic, slots, more, masters, seed)| Shape { unit, atomic, slots, more, masters, seed },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn window_1_exceptions_1(shape in shapes(), steps in steps()) {
        history::<1, 1>(&shape, &steps);
    }

    #[test]
    fn window_1_exceptions_2(shape in shapes(), steps in steps()) {
        history::<1, 2>(&shape, &steps);
    }

    #[test]
    fn window_2_exceptions_1(shape in shapes(), steps in steps()) {
        history::<2, 1>(&shape, &steps);
    }

    #[test]
    fn window_2_exceptions_2(shape in shapes(), steps in steps()) {
        history::<2, 2>(&shape, &steps);
    }

    #[test]
    fn window_3_exceptions_2(shape in shapes(), steps in steps()) {
        history::<3, 2>(&shape, &steps);
    }

    #[test]
    fn window_32_exceptions_8(shape in shapes(), steps in steps()) {
        history::<32, 8>(&shape, &steps);
    }
}
