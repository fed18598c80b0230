//! A run: explorations and tears side by side, for a given time, and the table of what came of them.

mod table;

use std::error::Error;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::explorer::scope::scopes;
use crate::explorer::{Explored, Search, explore, smallest};
use crate::property::{Property, Tally};
use crate::tears::{COMMANDS, Tears, Torn};
use table::{Line, ScopeLine, Summary, TearLine, print};

/// How long and from which seed.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Minutes for all of it.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Where chance begins. Explorations go breadth-first with seed 1; with another one each looks at states in an order
    /// of its own, and so at others beyond the last complete level. Tears begin with another command, and draw others.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads; as many as there are cores unless told otherwise.
    #[arg(long)]
    threads: Option<usize>,
    /// Part of the time for explorations, the rest is for tears.
    #[arg(long, default_value_t = 0.6)]
    exploring: f64,
    /// The level that explorations begin at. A low one is gone through to its end, a high one shows more states sooner.
    #[arg(long, default_value_t = 1)]
    first_level: u32,
    /// Commands of each history of a card whose states are torn.
    #[arg(long, default_value_t = COMMANDS)]
    commands: usize,
    /// Only explorations whose names have this in them.
    #[arg(long, default_value = "", hide_default_value = true)]
    scope: String,
    /// A row that another program has counted, for the table: its name, how often it has looked, what did not hold.
    #[arg(long, num_args = 3, value_names = ["NAME", "LOOKED AT", "VIOLATIONS"])]
    row: Vec<String>,
    /// Also writes everything to this file as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// States of one scope that are kept at most; beyond that memory ends before time does.
const MOST_STATES: usize = 60_000_000;

/// One scope, up to the level that time allowed.
#[derive(Clone, Debug)]
struct Scoped {
    /// The last level, complete or not.
    last: Explored,
    level: u32,
    /// The last level of which every state was looked at.
    complete: Option<(u32, u64)>,
    tally: Tally,
}

/// Runs, prints the table, and says whether everything has held.
pub fn run(options: &Options) -> Result<bool, Box<dyn Error>> {
    let threads = options.threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
    let begin = Instant::now();
    let seconds = options.minutes * 60.0;
    eprintln!(
        "exploring for {:.1} minutes, then tearing for {:.1}, on {threads} threads",
        options.minutes * options.exploring,
        options.minutes * (1.0 - options.exploring)
    );
    let exploring = seconds * options.exploring;
    let explored = explore_all(begin, exploring, threads, options);
    if explored.is_empty() {
        return Err(format!("no exploration has `{}` in its name", options.scope).into());
    }
    let tearing = Duration::from_secs_f64((seconds * (1.0 - options.exploring)).max(0.1));
    let torn = tear_all(Instant::now(), tearing, threads, options);
    let summary = summary(options, begin.elapsed(), &explored, &torn)?;
    print(&summary);
    if let Some(file) = &options.json {
        std::fs::write(file, serde_json::to_string_pretty(&summary)?)?;
    }
    Ok(summary.properties.iter().all(|line| line.violations == 0))
}

/// Each scope gets its share of the time: level after level, until that is over.
fn explore_all(begin: Instant, seconds: f64, threads: usize, options: &Options) -> Vec<Scoped> {
    let wanted = scopes(1).into_iter().enumerate().filter(|(_, scope)| scope.name.contains(&options.scope));
    let places: Vec<usize> = wanted.map(|(place, _)| place).collect();
    let names = places.len();
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..threads.min(names) {
            scope.spawn(|| {
                loop {
                    let turn = next.fetch_add(1, Ordering::Relaxed);
                    let Some(place) = places.get(turn).copied() else { return };
                    // What the scopes before it have not used is shared by those that are left.
                    let left = (seconds - begin.elapsed().as_secs_f64()).max(0.1);
                    let rounds = (names - turn).div_ceil(threads);
                    #[expect(clippy::cast_precision_loss, reason = "a handful")]
                    let share = Duration::from_secs_f64(left / rounds as f64);
                    let scoped = explore_scope(place, options, Instant::now() + share);
                    eprintln!(
                        "  {}: {} states, level {} ({:.0} s)",
                        scoped.last.scope,
                        scoped.last.states,
                        scoped.level,
                        begin.elapsed().as_secs_f64()
                    );
                    found.lock().expect("no thread has panicked").push((place, scoped));
                }
            });
        }
    });
    let mut found = found.into_inner().expect("no thread has panicked");
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().map(|(_, scoped)| scoped).collect()
}

fn explore_scope(place: usize, options: &Options, until: Instant) -> Scoped {
    let (first, seed) = (options.first_level, options.seed);
    let mut complete = None;
    let mut tally = Tally::default();
    for level in first.. {
        let explored = {
            let search = Search { until, most: MOST_STATES, sought: None, seed };
            explore(scopes(level).swap_remove(place), &search)
        };
        tally.add(&explored.tally);
        // Where a level shows nothing more than the one before it, neither do those after it.
        let is_all = complete.is_some_and(|(_, states)| explored.complete && states == explored.states);
        let is_last = is_all || !explored.complete || Instant::now() >= until;
        if explored.complete {
            complete = Some((level, explored.states));
        }
        if is_last {
            return Scoped { last: explored, level, complete, tally };
        }
    }
    unreachable!("levels do not end")
}

/// Kinds of memory that are torn, those with fewer outcomes first: they come to an end, and leave their time to the others.
const MEMORIES: [(&str, usize, bool); 4] = [
    ("atomic programs", 4, true),
    ("units of 16 bytes", 16, false),
    ("words of 4 bytes", 4, false),
    ("bytes", 1, false),
];

fn tear_all(begin: Instant, time: Duration, threads: usize, options: &Options) -> Vec<(&'static str, Torn)> {
    let until = begin + time;
    let mut torn: Vec<(&'static str, Torn)> = Vec::new();
    for (place, (name, unit, atomic)) in MEMORIES.into_iter().enumerate() {
        let left = until.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(MEMORIES.len() - place).unwrap_or(1);
        let until = Instant::now() + share;
        let parts = thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|thread| scope.spawn(move || tear((unit, atomic), options, (thread, threads), until)))
                .collect();
            workers
                .into_iter()
                .map(|worker| worker.join().expect("no thread has panicked"))
                .collect::<Vec<_>>()
        });
        let mut whole = Torn { first_cuts_complete: true, second_cuts_complete: true, ..Torn::default() };
        for part in parts {
            whole.states += part.states;
            whole.trials += part.trials;
            whole.power_ups += part.power_ups;
            whole.repeats += part.repeats;
            whole.continued += part.continued;
            whole.random += part.random;
            whole.first_cuts_complete &= part.first_cuts_complete;
            whole.second_cuts_complete &= part.second_cuts_complete;
            whole.tally.add(&part.tally);
        }
        eprintln!("  {name}: {} power-ups ({:.0} s)", whole.power_ups, begin.elapsed().as_secs_f64());
        torn.push((name, whole));
    }
    torn
}

fn tear(memory: (usize, bool), options: &Options, share: (usize, usize), until: Instant) -> Torn {
    fn with<const WINDOW: usize, const EXCEPTIONS: usize>(
        (unit, atomic): (usize, bool),
        options: &Options,
        share: (usize, usize),
        until: Instant,
    ) -> Torn {
        let geometry = smallest::<WINDOW, EXCEPTIONS>(unit, atomic);
        let mut tears = Tears::<WINDOW, EXCEPTIONS>::new(geometry, options.seed, share, options.commands);
        tears.run(until, None);
        tears.torn
    }
    match memory.0 {
        1 => with::<3, 2>(memory, options, share, until),
        16 => with::<2, 2>(memory, options, share, until),
        _ => with::<4, 2>(memory, options, share, until),
    }
}

fn summary(
    options: &Options,
    took: Duration,
    explored: &[Scoped],
    torn: &[(&'static str, Torn)],
) -> Result<Summary, Box<dyn Error>> {
    let mut tally = Tally::default();
    let mut scopes = Vec::new();
    for Scoped { last, level, complete, tally: found } in explored {
        tally.add(found);
        let (complete_level, complete_states) = complete.unwrap_or((0, 0));
        scopes.push(ScopeLine {
            scope: last.scope,
            states: last.states,
            expanded: last.expanded,
            level: *level,
            complete_level,
            complete_states,
            cards: last.cards,
            books: last.books,
            commands: last.commands,
            power_ups: last.power_ups,
            equal_cards_compared: last.merges,
            recoveries: last.recoveries,
        });
    }
    let mut tears = Vec::new();
    for (memory, torn) in torn {
        tally.add(&torn.tally);
        tears.push(TearLine {
            memory,
            states: torn.states,
            commands: torn.trials,
            power_ups: torn.power_ups,
            repeats: torn.repeats,
            continued: torn.continued,
            every_first_cut: torn.first_cuts_complete,
            every_second_cut: torn.second_cuts_complete,
            random: torn.random,
        });
    }
    let power_ups = scopes.iter().map(|line| line.power_ups).sum::<u64>()
        + tears.iter().map(|line| line.power_ups).sum::<u64>();
    let counted = |text: &String| text.parse().map_err(|error| format!("{text}: {error}"));
    let mut rows = Vec::new();
    for row in options.row.chunks_exact(3) {
        rows.push(Line {
            property: row[0].clone(),
            looked_at: counted(&row[1])?,
            violations: counted(&row[2])?,
        });
    }
    Ok(Summary {
        minutes: took.as_secs_f64() / 60.0,
        seed: options.seed,
        next_seed: options.seed.wrapping_add(1),
        states: scopes.iter().map(|line| line.states).sum(),
        expanded: scopes.iter().map(|line| line.expanded).sum(),
        power_ups,
        scopes,
        tears,
        properties: Property::ALL
            .into_iter()
            .map(|property| Line {
                property: property.name().to_owned(),
                looked_at: tally.checks(property),
                violations: tally.violated(property),
            })
            .chain(rows)
            .collect(),
        violations: tally.violations().to_vec(),
    })
}
