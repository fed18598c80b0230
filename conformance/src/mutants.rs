//! Proof that the comparison bites: every change of the text is found, by the text's own checks or because it does not
//! give the answers that the card has given.

pub mod equivalents;
pub mod hold;
pub mod make;
mod record;

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use purse_reference::check::Checked;
use purse_reference::standard::Standard;

use self::hold::Held;
use self::make::Mutant;
use crate::corpus::Corpus;
use crate::coverage::Lines;
use crate::curve::remembering;
use crate::issue::issues;
use crate::report;

pub use record::{Effort, record};

/// How much.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// States of each card whose whole menu is recorded.
    #[arg(long, default_value_t = 8)]
    pub states: usize,
    /// Generated histories of each card that are recorded.
    #[arg(long, default_value_t = 80)]
    pub histories: usize,
    /// What they are generated from.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Holds those that are said to be equivalent to all that is recorded too, which takes long.
    #[arg(long)]
    pub thorough: bool,
    /// Only the mutants whose name begins so.
    #[arg(long)]
    pub only: Option<String>,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// How a mutant ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The text's own checks find it.
    Checks,
    /// It does not answer as the card does.
    Answers,
    /// It says the same as the text.
    Equivalent,
    /// Nothing finds it.
    Survivor,
}

/// What has been found of all mutants.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Summary {
    /// Mutants.
    pub mutants: usize,
    /// Found by the text's checks.
    pub by_checks: usize,
    /// Found by the card's answers.
    pub by_answers: usize,
    /// Known to say the same.
    pub equivalent: usize,
    /// Commands that the card was recorded with.
    pub commands: usize,
    /// Not found.
    pub survivors: Vec<String>,
    /// Names in the list of equivalents that are found after all, or that no mutant has.
    pub stale: Vec<String>,
    /// Time.
    pub seconds: f64,
}

/// Tries all mutants; whether every one is found.
///
/// # Errors
/// The listings are not of the language, or text and card differ as they are.
pub fn mutants(options: &Options) -> Result<bool, Box<dyn Error>> {
    let begin = Instant::now();
    let standard = remembering(Standard::load()?);
    let lines = Lines::of(&standard);
    let effort = Effort { states: options.states, histories: options.histories, seed: options.seed };
    let corpus =
        record(&standard, &lines, &issues(), effort).map_err(|found| report::disagreement(&found))?;
    let recorded = begin.elapsed().as_secs_f64();
    let mutants = all(&standard, &lines, options.only.as_deref());
    let verdicts = judge_all(&standard, &lines, &corpus, &mutants, options.thorough);
    let mut summary =
        Summary { mutants: mutants.len(), commands: corpus.transitions.len(), ..Summary::default() };
    let mut found_equivalents = BTreeMap::new();
    for (mutant, verdict) in mutants.iter().zip(&verdicts) {
        let name = mutant.name(standard.sources());
        match verdict {
            Verdict::Checks => summary.by_checks += 1,
            Verdict::Answers => summary.by_answers += 1,
            Verdict::Equivalent => summary.equivalent += 1,
            Verdict::Survivor => summary.survivors.push(name.clone()),
        }
        found_equivalents.insert(name, *verdict);
    }
    let known = equivalents::EQUIVALENTS.iter().flat_map(|equivalent| equivalent.names);
    for name in known.filter(|_| options.only.is_none()) {
        if found_equivalents.get(*name) != Some(&Verdict::Equivalent) {
            summary.stale.push((*name).into());
        }
    }
    summary.seconds = begin.elapsed().as_secs_f64();
    if options.json {
        println!("{}", serde_json::to_string_pretty(&summary)?);
    } else {
        print(&summary, recorded, &standard, &mutants);
    }
    Ok(summary.survivors.is_empty() && summary.stale.is_empty())
}

fn print(summary: &Summary, recorded: f64, standard: &Standard, mutants: &[Mutant]) {
    for name in &summary.survivors {
        println!("survives: {name}");
        if let Some(mutant) = mutants.iter().find(|mutant| mutant.name(standard.sources()) == *name) {
            println!("    {}", standard.sources()[mutant.listing].lines[mutant.line].text);
        }
    }
    for name in &summary.stale {
        println!("said to be equivalent, but is found or is no mutant: {name}");
    }
    let Summary { mutants, by_checks, by_answers, equivalent, commands, survivors, seconds, .. } = summary;
    println!(
        "{mutants} mutants: {by_checks} found by the text's checks, {by_answers} by the card's answers \
         ({commands} commands recorded in {recorded:.0} s), {equivalent} equivalent, {} survivors, {seconds:.0} s",
        survivors.len()
    );
}

/// Every mutant of what commands execute. Two changes of one line may have one name; they are told apart by a number.
pub fn all(standard: &Standard, lines: &Lines, only: Option<&str>) -> Vec<Mutant> {
    let sources = standard.sources();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let mut mutants = Vec::new();
    for listing in (0..sources.len()).filter(|listing| lines.is_of_card(*listing)) {
        for mut mutant in make::of(listing, sources) {
            let count = names.entry(mutant.name(sources)).or_default();
            *count += 1;
            if *count > 1 {
                mutant.change = format!("{} ({count})", mutant.change);
            }
            mutants.push(mutant);
        }
    }
    mutants.retain(|mutant| only.is_none_or(|only| mutant.name(sources).starts_with(only)));
    mutants
}

/// What becomes of each. A `thorough` look holds those that are said to be equivalent to all that is recorded too.
///
/// # Panics
/// The text itself is wrong.
pub fn judge_all(
    standard: &Standard,
    lines: &Lines,
    corpus: &Corpus,
    mutants: &[Mutant],
    thorough: bool,
) -> Vec<Verdict> {
    let verdicts = Mutex::new(vec![Verdict::Survivor; mutants.len()]);
    let turn = AtomicUsize::new(0);
    let order = corpus.order();
    let checked = Checked::of(standard);
    // Else the checks would seem to notice everything.
    assert_eq!(checked.findings(standard), [], "the text itself");
    let whole: Vec<u32> = (0..).take(corpus.transitions.len()).collect();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((place, mutant)) = {
                    let place = turn.fetch_add(1, Ordering::Relaxed);
                    mutants.get(place).map(|mutant| (place, mutant))
                } {
                    let verdict =
                        judge((standard, &checked), lines, (corpus, [&order, &whole]), mutant, thorough);
                    verdicts.lock().unwrap_or_else(std::sync::PoisonError::into_inner)[place] = verdict;
                }
            });
        }
    });
    verdicts.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn judge(
    (standard, checked): (&Standard, &Checked),
    lines: &Lines,
    (corpus, orders): (&Corpus, [&[u32]; 2]),
    mutant: &Mutant,
    thorough: bool,
) -> Verdict {
    let Ok(changed) = standard.with_lines(mutant.listing, &mutant.lines) else { return Verdict::Checks };
    if !checked.again(&changed).findings(&changed).is_empty() {
        return Verdict::Checks;
    }
    let places = [Some(mutant.line), mutant.other].into_iter().flatten();
    let places: Vec<usize> = places.map(|line| lines.number(mutant.listing, line)).collect();
    let betrays = |order| Held { standard: &changed, corpus, order }.betrayal(&places).is_some();
    let is_equivalent = equivalents::reason(&mutant.name(standard.sources())).is_some();
    // What a choice of all that is recorded does not betray is held to all of it.
    if betrays(orders[0]) || (thorough || !is_equivalent) && betrays(orders[1]) {
        Verdict::Answers
    } else if is_equivalent {
        Verdict::Equivalent
    } else {
        Verdict::Survivor
    }
}
