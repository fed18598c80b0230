//! Proof that the comparison bites from the other side: faults that are seeded into a copy of the card, each of which
//! must be found as a disagreement with the text. The code that ships has none of this in it.

mod debit;
mod every_command;
mod every_payee;
mod files;
mod holder;
mod payee;
mod payer;
mod peer;
mod personalise;
pub mod place;
mod script;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use purse_reference::standard::Standard;
use purse_verification::faults::copy::Program;

use self::place::{Fault, faults, seed};
use crate::coverage::Lines;
use crate::curve::remembering;
use crate::history::{self, Disagreement, Plan};
use crate::issue::{Issue, issues};
use crate::run::total;
use crate::walk::{Bounds, Walk};

/// What is built a second time.
const PROGRAM: Program = Program {
    package: "conformance",
    name: "purse-conformance",
    faulty: "purse-conformance-faulty",
    switch: "conformance/src/faults.rs",
};

/// Where and how much.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The checkout whose code is copied.
    #[arg(long, default_value = ".")]
    root: PathBuf,
    /// The copy.
    #[arg(long, default_value = "target/faulty-conformance")]
    copy: PathBuf,
    /// The cargo profile that it is built in.
    #[arg(long, default_value = "verify")]
    profile: String,
    /// Only the faults whose name has this in it.
    #[arg(long)]
    only: Option<String>,
    /// Looks with what has been built.
    #[arg(long)]
    built: bool,
    /// What histories are generated from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Every fault; its number is its place.
pub fn all() -> Vec<Fault> {
    faults(&[
        every_command::PLACES,
        files::PLACES,
        holder::PLACES,
        script::PLACES,
        debit::PLACES,
        payer::PLACES,
        peer::PLACES,
        every_payee::PLACES,
        payee::PLACES,
        personalise::PLACES,
    ])
}

/// What a search came to.
#[derive(Clone, Debug, Default)]
struct Sought {
    /// The command in which card and text differed; none if they did not.
    found_in: Option<String>,
    /// By what they were compared then.
    way: String,
    /// Commands until then.
    commands: u64,
    errors: String,
    seconds: f64,
}

impl Sought {
    fn print(&self, fault: &str, otherwise: &str) {
        let found = self.found_in.as_ref();
        let by = found.map_or(otherwise.into(), |command| format!("in {command}, {}", self.way));
        println!("{fault:78} {by:40} {:>9} {:>8.1}", self.commands, self.seconds);
        if found.is_none() && !self.errors.is_empty() {
            println!("    {}", self.errors.trim_end());
        }
    }
}

/// Seeds all faults into one copy, builds it once, and looks for one after the other. Whether every one is found, and
/// nothing without them.
///
/// # Errors
/// The copy cannot be made or built.
pub fn hunt(options: &Options) -> Result<bool, Box<dyn Error>> {
    let begin = Instant::now();
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| options.root.join("target"), PathBuf::from);
    let target = fs::canonicalize(target)?;
    let faults = all();
    if !options.built {
        let tree = options.copy.join("tree");
        PROGRAM.copy(&options.root, &tree)?;
        seed(&tree, &faults)?;
        PROGRAM.build(&tree, &options.profile, &target)?;
    }
    let built = begin.elapsed().as_secs_f64();
    let program = PROGRAM.path(&target, &options.profile);
    let wanted: Vec<usize> = (0..faults.len())
        .filter(|fault| {
            options.only.as_ref().is_none_or(|only| faults[*fault].name().contains(only.as_str()))
        })
        .collect();
    println!("{:78} {:40} {:>9} {:>8}", "fault", "found", "commands", "seconds");
    let found = look_for_all(&program, &faults, &wanted, options.seed)?;
    let mut of_command: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (fault, is_found) in wanted.iter().map(|fault| &faults[*fault]).zip(&found) {
        let count = of_command.entry(fault.place.command).or_default();
        count.0 += 1;
        count.1 += usize::from(*is_found);
    }
    let survivors = found.iter().filter(|is_found| !**is_found).count();
    let control = look(&program, None, options.seed)?;
    let is_silent = control.found_in.is_none() && control.errors.is_empty();
    control.print("no fault", "nothing, as it must be");
    println!();
    for (command, (seeded, found)) in of_command {
        println!("{command:18} {seeded:>4} seeded {found:>4} found");
    }
    println!(
        "{} seeded faults, {survivors} not found, built in {built:.0} s, {:.0} s in all",
        wanted.len(),
        begin.elapsed().as_secs_f64()
    );
    Ok(survivors == 0 && is_silent)
}

/// One process for each, as many at once as there are processors. Prints each as soon as it is over; gives which are
/// found.
fn look_for_all(
    program: &Path,
    faults: &[Fault],
    wanted: &[usize],
    seed: u64,
) -> Result<Vec<bool>, Box<dyn Error>> {
    let found = Mutex::new(vec![Ok(false); wanted.len()]);
    let turn = AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((place, fault)) = {
                    let place = turn.fetch_add(1, Ordering::Relaxed);
                    wanted.get(place).map(|fault| (place, *fault))
                } {
                    let sought = look(program, Some(fault), seed).map_err(|error| error.to_string());
                    let mut found = found.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    found[place] = sought.map(|sought| {
                        sought.print(&faults[fault].name(), "NOT FOUND");
                        sought.found_in.is_some()
                    });
                }
            });
        }
    });
    let found = found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    Ok(found.into_iter().collect::<Result<_, String>>()?)
}

/// Has the copy look for a fault, or with none on.
fn look(program: &Path, fault: Option<usize>, seed: u64) -> Result<Sought, Box<dyn Error>> {
    let begin = Instant::now();
    let mut command = Command::new(program);
    command.args(["seek", "--seed", &seed.to_string()]);
    if let Some(fault) = fault {
        command.args(["--fault", &fault.to_string()]);
    }
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = text.lines().map(str::to_owned);
    let commands = lines.next().and_then(|line| line.parse().ok());
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let [found_in, way] = [lines.next(), lines.next()];
    Ok(Sought {
        found_in: found_in.filter(|_| output.status.success() || output.status.code() == Some(1)),
        way: way.unwrap_or_default(),
        commands: commands.unwrap_or(0),
        errors,
        seconds: begin.elapsed().as_secs_f64(),
    })
}

/// In the copy this switches a fault on; here it only says that there is none.
fn switch_on(fault: u32) {
    eprintln!("no fault {fault} has been seeded into this program");
}

/// Compares card and text with a fault on, or with none, until they differ; prints how many commands that took, and in
/// which command and by what they differed. Whether they did not.
///
/// # Errors
/// The listings are not of the language.
pub fn seek(fault: Option<u32>, seed: u64) -> Result<bool, Box<dyn Error>> {
    if let Some(fault) = fault {
        switch_on(fault);
    }
    let standard = remembering(Standard::load()?);
    let (found, commands) = compare(&standard, &Lines::of(&standard), seed);
    println!("{commands}");
    if let Some((way, found)) = &found {
        println!("{}\n{way}\n{}", found.difference.command, found.difference.how);
    }
    Ok(found.is_none())
}

type Found = Option<(&'static str, Disagreement)>;

/// Histories first, which find most; then what is made for the rest, and more histories.
fn compare(standard: &Standard, lines: &Lines, seed: u64) -> (Found, u64) {
    let issues = issues();
    let mut commands = 0;
    for round in 0..120_u64 {
        for issue in &issues {
            let (way, (found, given)) = if round == 8 {
                ("a walk", walk(standard, lines, issue, seed))
            } else {
                let plan = Plan { length: 150, cuts_once_in: if round < 16 { 2 } else { 8 } };
                let seed = seed ^ round.wrapping_mul(0x2545_F491_4F6C_DD1D);
                let (coverage, found) = history::make(standard, lines, issue, seed, plan);
                ("a history", (found, total(&coverage)))
            };
            commands += given;
            if let Some(found) = found {
                return (Some((way, found)), commands);
            }
        }
    }
    (None, commands)
}

fn walk(standard: &Standard, lines: &Lines, issue: &Issue, seed: u64) -> (Option<Disagreement>, u64) {
    let bounds = Bounds { near: 3, deep: 6, cuts: true, scenarios: true };
    let mut walk = Walk::new(standard, lines, issue, bounds, false);
    let found = walk.walk(seed).err();
    (found, total(&walk.coverage))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_fault_can_still_be_seeded() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let faults = all();
        let stretches = place::stretches(&root, &faults).unwrap();
        let seeded: usize =
            stretches.values().flatten().map(|(_, _, text)| text.matches("seeded::is").count()).sum();
        assert_eq!(seeded, faults.len(), "each has its switch");
    }

    #[test]
    fn faults_have_names_of_their_own_and_every_command_has_several() {
        let faults = all();
        let names: BTreeSet<String> = faults.iter().map(Fault::name).collect();
        assert_eq!(names.len(), faults.len());
        for fault in &faults {
            let of_command = faults.iter().filter(|other| other.place.command == fault.place.command);
            assert!(of_command.count() > 1, "{}", fault.place.command);
        }
    }
}
