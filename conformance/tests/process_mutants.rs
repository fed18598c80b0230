//! Every change of a process's text is noticed: by the text's own checks, or because parties then say something else than
//! the terminal's flows. What is not noticed yet stands by name in `process_mutants_unnoticed.txt`.
//!
//! One mutant of `PROCESS_MUTANTS` (20) is tried, `PROCESS_MUTANTS=1` tries all.

mod process_support;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use process_support::situations::situations;
use process_support::{Fault, Played, by_flow, faults, try_text};
use purse_conformance::coverage::Lines;
use purse_conformance::mutants::make;
use purse_reference::check::check;
use purse_reference::standard::Standard;

/// Mutants that no situation tells from the text, most of them because nothing can.
const UNNOTICED: &str = include_str!("process_mutants_unnoticed.txt");

#[derive(Debug, Default)]
struct Count {
    checks: usize,
    flows: usize,
    survivors: Vec<String>,
}

#[test]
fn every_change_of_a_process_is_noticed() {
    let stride: usize = std::env::var("PROCESS_MUTANTS").map_or(20, |stride| stride.parse().unwrap());
    let standard = Standard::load().unwrap();
    let lines = Lines::of(&standard);
    let mut recorded: Vec<(_, Fault, Played)> = Vec::new();
    for situation in situations() {
        let whole = by_flow(&situation, Fault::None);
        for fault in faults(&situation, &whole) {
            recorded.push((situation, fault, by_flow(&situation, fault)));
        }
    }
    let sources = standard.sources();
    let mutants: Vec<_> = (0..sources.len())
        .filter(|listing| !lines.is_of_card(*listing))
        .flat_map(|listing| make::of(listing, sources))
        .step_by(stride)
        .collect();
    // The runs in which a line is executed come first.
    let executed: Vec<BTreeSet<(usize, usize)>> = recorded
        .iter()
        .map(|(situation, fault, _)| {
            let mut executed = BTreeSet::new();
            try_text(&standard, situation, *fault, &mut executed).unwrap();
            executed
        })
        .collect();
    let (count, turn) = (Mutex::new(Count::default()), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(mutant) = mutants.get(turn.fetch_add(1, Ordering::Relaxed)) {
                    let changed =
                        Standard::new(mutant.sources(sources)).ok().filter(|new| check(new).is_empty());
                    let place = (mutant.listing, mutant.line);
                    let is_noticed = |changed: &Standard| {
                        recorded.iter().zip(&executed).filter(|(_, lines)| lines.contains(&place)).any(
                            |((situation, fault, flow), _)| {
                                let text = try_text(changed, situation, *fault, &mut BTreeSet::new());
                                !text.is_ok_and(|text| text.said == flow.said && text.outcome == flow.outcome)
                            },
                        )
                    };
                    let noticed = changed.as_ref().map(is_noticed);
                    let mut count = count.lock().unwrap();
                    match noticed {
                        None => count.checks += 1,
                        Some(true) => count.flows += 1,
                        Some(false) => count.survivors.push(mutant.name(sources)),
                    }
                }
            });
        }
    });
    let Count { checks, flows, mut survivors } = count.into_inner().unwrap();
    survivors.sort();
    println!(
        "{} mutants, {checks} by checks, {flows} by the flows, {} survivors",
        mutants.len(),
        survivors.len()
    );
    let unnoticed: BTreeSet<&str> = UNNOTICED.lines().filter(|line| !line.starts_with('#')).collect();
    let new: Vec<_> = survivors.iter().filter(|name| !unnoticed.contains(name.as_str())).collect();
    assert!(new.is_empty(), "{new:#?}");
    if stride == 1 {
        let stale: Vec<_> =
            unnoticed.iter().filter(|name| !survivors.iter().any(|one| one == **name)).collect();
        assert!(stale.is_empty(), "noticed by now, or no mutant: {stale:#?}");
    }
}
