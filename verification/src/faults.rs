//! Proof that the exploration bites: faults that are seeded into a copy of the code, each of which must be found, and
//! by the property that names it. The code that ships has none of this in it.

pub mod copy;
mod list;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::explorer::scope::scope;
use crate::explorer::{Search, explore, smallest};
use crate::property::{Property, Tally};
use crate::tears::{COMMANDS, Tears};

use copy::{Program, replace};
pub use list::{FAULTS, Fault, Hunt};

/// Where and how long.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The checkout whose code is copied.
    #[arg(long, default_value = ".")]
    root: PathBuf,
    /// The copy and what is built of it.
    #[arg(long, default_value = "target/faulty")]
    copy: PathBuf,
    /// The cargo profile that it is built in.
    #[arg(long, default_value = "verify")]
    profile: String,
    /// Only the faults whose name has this in it.
    #[arg(long)]
    only: Option<String>,
    /// Copies and builds, and looks for nothing yet.
    #[arg(long)]
    only_build: bool,
    /// Looks with what has been built.
    #[arg(long, conflicts_with = "only_build")]
    built: bool,
}

/// What is built a second time.
const PROGRAM: Program = Program {
    package: "verification",
    name: "purse-verify",
    faulty: "purse-verify-faulty",
    switch: "verification/src/faults.rs",
};

/// Puts every fault into the copy, each behind its switch.
fn seed(tree: &Path) -> Result<(), Box<dyn Error>> {
    for (number, fault) in FAULTS.iter().enumerate() {
        let switch = format!("apdu_spec::seeded::is({number})");
        for edit in fault.edits {
            replace(&tree.join(edit.file), edit.from, &edit.to.replace("SEEDED", &switch))
                .map_err(|error| format!("{}: {error}", fault.name))?;
        }
    }
    Ok(())
}

/// Seeds all faults into one copy, builds it once, and looks for one after the other.
pub fn hunt(options: &Options) -> Result<bool, Box<dyn Error>> {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| options.root.join("target"), PathBuf::from);
    let target = fs::canonicalize(target)?;
    if !options.built {
        let tree = options.copy.join("tree");
        PROGRAM.copy(&options.root, &tree)?;
        seed(&tree)?;
        PROGRAM.build(&tree, &options.profile, &target)?;
    }
    if options.only_build {
        return Ok(true);
    }
    let program = PROGRAM.path(&target, &options.profile);
    println!("{:52} {:48} {:>8}", "fault", "found by", "seconds");
    let mut all = true;
    // Where faults were looked for, and how far: there must be nothing to be found without them.
    let mut controls: BTreeMap<String, (usize, u64)> = BTreeMap::new();
    let wanted = |fault: &Fault| options.only.as_ref().is_none_or(|only| fault.name.contains(only.as_str()));
    for (number, fault) in FAULTS.iter().enumerate().filter(|(_, fault)| wanted(fault)) {
        let begin = Instant::now();
        let Sought { properties, far, errors } = look(&program, number, None)?;
        let named = properties.contains(fault.property.name());
        all &= named;
        let by = if named { fault.property.name() } else { "NOT FOUND" };
        println!("{:52} {by:48} {:>8.1}", fault.name, begin.elapsed().as_secs_f64());
        if !named {
            println!("  instead: {properties:?} {errors}");
        }
        let place = fault.place();
        let control = controls.entry(place).or_insert((number, 0));
        control.1 = control.1.max(far);
    }
    for (place, (number, far)) in controls {
        let begin = Instant::now();
        let Sought { properties, errors, .. } = look(&program, number, Some(far))?;
        let silent = properties.is_empty() && errors.is_empty();
        all &= silent;
        let by = if silent { "nothing, as it must be" } else { "FOUND" };
        println!("{:52} {by:48} {:>8.1}", format!("no fault: {place}"), begin.elapsed().as_secs_f64());
        if !silent {
            println!("  {properties:?} {errors}");
        }
    }
    let count = FAULTS.len();
    println!(
        "{count} seeded faults, {}",
        if options.only.is_some() {
            "some looked for"
        } else if all {
            "every one found, and nothing without them"
        } else {
            "NOT every one found, or something without them"
        }
    );
    Ok(all)
}

/// What a search for a fault came to.
struct Sought {
    properties: BTreeSet<String>,
    /// States, or torn memories, until it was found.
    far: u64,
    errors: String,
}

/// Has the copy look for a fault, or with none on, so far.
fn look(program: &Path, fault: usize, control: Option<u64>) -> Result<Sought, Box<dyn Error>> {
    let mut command = Command::new(program);
    command.args(["seek", &fault.to_string()]);
    if let Some(far) = control {
        command.args(["--control", &far.to_string()]);
    }
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = text.lines();
    let far = lines.next().and_then(|line| line.parse().ok());
    Ok(Sought {
        far: far.unwrap_or(0),
        properties: lines.map(str::to_owned).collect(),
        errors: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// In the copy this switches a fault on; here it only says that there is none.
fn switch_on(fault: u32) {
    eprintln!("no fault {fault} has been seeded into this program");
}

/// How long one fault is looked for at most.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long tears without a fault are looked at.
const CONTROL_OF_TEARS: Duration = Duration::from_secs(3);

/// Looks for a fault where its hunt says, and prints how far it has looked and every property that does not hold. As a
/// `control` with no fault on, so far.
pub fn seek(fault: u32, control: Option<u64>) -> Result<bool, Box<dyn Error>> {
    let wanted = FAULTS.get(fault as usize).ok_or("no such fault")?;
    let until = Instant::now() + PATIENCE;
    let sought = Some(wanted.property).filter(|_| control.is_none());
    let mut violated = BTreeSet::new();
    if control.is_none() {
        switch_on(fault);
    }
    let far = match wanted.hunt {
        Hunt::Scope(name, level) => {
            let mut scope = scope(name, level).ok_or("no such scope")?;
            // One fault is looked for, not every way to it.
            scope.confusions &= wanted.confused;
            if let Some(narrow) = wanted.narrow {
                narrow(&mut scope);
            }
            let most = control.map_or(usize::MAX, |far| usize::try_from(far).unwrap_or(usize::MAX));
            let explored = explore(scope, &Search { until, most, sought, seed: 1 });
            note(&mut violated, &explored.tally);
            explored.states
        }
        Hunt::Tears => {
            let mut tears = Tears::<2, 2>::new(smallest::<2, 2>(16, false), 1, (0, 8), COMMANDS);
            let until = control.map_or(until, |_| Instant::now() + CONTROL_OF_TEARS);
            tears.run(until, sought);
            note(&mut violated, &tears.torn.tally);
            tears.torn.power_ups
        }
    };
    println!("{far}");
    for property in &violated {
        println!("{}", property.name());
    }
    Ok(if control.is_some() { violated.is_empty() } else { violated.contains(&wanted.property) })
}

/// Adds what does not hold.
fn note(violated: &mut BTreeSet<Property>, tally: &Tally) {
    violated.extend(Property::ALL.into_iter().filter(|property| tally.violated(*property) > 0));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_can_still_be_seeded() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for fault in FAULTS {
            for edit in fault.edits {
                let text = fs::read_to_string(root.join(edit.file)).unwrap();
                assert_eq!(text.matches(edit.from).count(), 1, "{}: {}", fault.name, edit.from);
                assert!(edit.to.contains("SEEDED"), "{} is switched", fault.name);
            }
        }
    }

    #[test]
    fn every_hunt_is_in_a_scope_that_there_is() {
        for fault in FAULTS {
            if let Hunt::Scope(name, level) = fault.hunt {
                assert!(scope(name, level).is_some(), "{}", fault.name);
            }
        }
    }
}
