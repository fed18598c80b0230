//! Everything at once: so many generated commands on every card, by as many workers as there are processors.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use purse_reference::standard::Standard;

use crate::coverage::{Coverage, Lines};
use crate::curve::remembering;
use crate::draw::Draw;
use crate::history::{self, Disagreement, Plan};
use crate::issue::issues;
use crate::report;
use crate::walk::{Bounds, Walk};

/// How much.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Commands that are generated, and perhaps a few more.
    #[arg(long, default_value_t = 1_000_000)]
    pub commands: u64,
    /// What they are generated from.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// States of each card whose whole menu is tried, near its issue and in the midst of histories.
    #[arg(long, default_value_t = 60)]
    pub states: usize,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// What has been found.
#[derive(Debug)]
pub struct Found {
    /// What has been tried.
    pub coverage: Coverage,
    /// Where text and card differ, smallest events.
    pub disagreements: Vec<Disagreement>,
    /// States whose whole menu has been tried.
    pub states: usize,
    /// Blank cards that have been personalised, each in another way.
    pub personalised: usize,
}

impl Found {
    fn new(lines: &Lines) -> Self {
        Self { coverage: Coverage::new(lines), disagreements: Vec::new(), states: 0, personalised: 0 }
    }
}

/// Generates histories until there have been so many commands.
pub fn generate(standard: &Standard, lines: &Lines, commands: u64, seed: u64) -> Found {
    let issues = issues();
    let found = Mutex::new(Found::new(lines));
    let turn = AtomicU64::new(0);
    let done = AtomicU64::new(0);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while done.load(Ordering::Relaxed) < commands {
                    let place = turn.fetch_add(1, Ordering::Relaxed);
                    let mut draw = Draw::new(seed ^ place.wrapping_mul(0x2545_F491_4F6C_DD1D));
                    let issue = &issues[usize::try_from(place).unwrap_or(0) % issues.len()];
                    let plan = Plan { length: 150 + draw.below(100), cuts_once_in: 1 };
                    let (coverage, differs) = history::make(standard, lines, issue, draw.bits(), plan);
                    done.fetch_add(total(&coverage), Ordering::Relaxed);
                    // A few are enough to see what is wrong.
                    let enough = lock(&found).disagreements.len() >= 5;
                    let differs = differs
                        .filter(|_| !enough)
                        .map(|differs| history::minimised(standard, lines, issue, differs));
                    let mut found = lock(&found);
                    found.coverage.add_sequence(&coverage);
                    found.disagreements.extend(differs);
                }
            });
        }
    });
    found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Commands in all.
pub fn total(coverage: &Coverage) -> u64 {
    coverage.tried.values().map(|tried| tried.commands).sum()
}

/// Walks around every card.
pub fn walk(standard: &Standard, lines: &Lines, bounds: Bounds, seed: u64) -> Found {
    let issues = issues();
    let found = Mutex::new(Found::new(lines));
    let turn = AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(issue) = issues.get(turn.fetch_add(1, Ordering::Relaxed)) {
                    let mut walk = Walk::new(standard, lines, issue, bounds, false);
                    let differs = walk.walk(seed).err();
                    let differs = differs.map(|differs| history::minimised(standard, lines, issue, differs));
                    let mut found = lock(&found);
                    found.coverage.add(&walk.coverage);
                    found.disagreements.extend(differs);
                    found.states += walk.expanded;
                    found.personalised += walk.personalised;
                }
            });
        }
    });
    found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// What the program prints as JSON.
#[derive(Debug, serde::Serialize)]
struct Summary {
    listings: Vec<report::Row>,
    /// States whose whole menu was tried, and in how many commands.
    states: usize,
    walked: u64,
    personalised: usize,
    /// Generated commands.
    commands: u64,
    cuts: u64,
    disagreements: Vec<String>,
    seconds: f64,
}

/// Runs, prints, and says whether text and card agree and every line has been executed.
///
/// # Errors
/// The listings are not of the language.
pub fn run(options: &Options) -> Result<bool, Box<dyn std::error::Error>> {
    let begin = Instant::now();
    let standard = remembering(Standard::load()?);
    let lines = Lines::of(&standard);
    let bounds = Bounds { near: options.states, deep: options.states, cuts: true, scenarios: true };
    let mut found = walk(&standard, &lines, bounds, options.seed);
    let walked = total(&found.coverage);
    let generated = generate(&standard, &lines, options.commands, options.seed);
    found.coverage.add(&generated.coverage);
    found.disagreements.extend(generated.disagreements);
    let rows = report::rows(&standard, &lines, &found.coverage);
    let all = rows.iter().all(|row| row.missing.is_empty());
    let tried = found.coverage.tried.values();
    let cuts: u64 = tried.clone().map(|tried| tried.cuts).sum();
    let disagreements: u64 = tried.map(|tried| tried.disagreements).sum();
    let seconds = begin.elapsed().as_secs_f64();
    let said: Vec<String> = found.disagreements.iter().map(report::disagreement).collect();
    let commands = total(&found.coverage) - walked;
    let Found { states, personalised, .. } = found;
    if options.json {
        let summary = Summary {
            listings: rows,
            states,
            walked,
            personalised,
            commands,
            cuts,
            disagreements: said,
            seconds,
        };
        println!("{}", serde_json::to_string_pretty(&summary)?);
    } else {
        print!("{}", report::table(&rows));
        for said in &said {
            print!("\n{said}");
        }
        println!(
            "{states} states with their whole menu and {personalised} ways to personalise a card in {walked} commands, \
             {commands} generated commands, {cuts} cuts, {disagreements} disagreements, {seconds:.1} s"
        );
    }
    Ok(all && disagreements == 0 && found.disagreements.is_empty())
}
