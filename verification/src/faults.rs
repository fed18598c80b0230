//! Proof that the exploration bites: faults that are seeded into a copy of the code, each of which must be found, and
//! by the property that names it. The code that ships has none of this in it.

mod list;

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::explorer::scope::scope;
use crate::explorer::{explore, smallest};
use crate::property::{Property, Tally};
use crate::tears::Tears;

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
}

/// Parts of the checkout that are built.
const COPIED: [&str; 9] = [
    "Cargo.toml",
    "Cargo.lock",
    "apdu-spec",
    "card",
    "mutants",
    "reference",
    "terminal",
    "tests",
    "verification",
];

/// The program with the faults.
const FAULTY_NAME: &str = "purse-verify-faulty";

/// Whether a fault is on, in the copy only.
const SWITCH: &str = "
/// Which fault is on; only in a copy that looks for faults.
#[doc(hidden)]
pub mod seeded {
    use core::sync::atomic::{AtomicU32, Ordering};
    static FAULT: AtomicU32 = AtomicU32::new(u32::MAX);
    /// Switches one on.
    pub fn set(fault: u32) {
        FAULT.store(fault, Ordering::Relaxed);
    }
    /// Whether it is on.
    pub fn is(fault: u32) -> bool {
        FAULT.load(Ordering::Relaxed) == fault
    }
}
";

/// Seeds all faults into one copy, builds it once, and looks for one after the other.
pub fn hunt(options: &Options) -> Result<bool, Box<dyn Error>> {
    let tree = options.copy.join("tree");
    copy(&options.root, &tree)?;
    for (number, fault) in FAULTS.iter().enumerate() {
        for edit in fault.edits {
            let file = tree.join(edit.file);
            let text = fs::read_to_string(&file)?;
            if text.matches(edit.from).count() != 1 {
                return Err(
                    format!("{}: {} does not have, once: {}", fault.name, edit.file, edit.from).into()
                );
            }
            let switch = format!("apdu_spec::seeded::is({number})");
            let text = text.replacen(edit.from, &edit.to.replace("SEEDED", &switch), 1);
            fs::write(&file, text)?;
        }
    }
    let standard = tree.join("apdu-spec/src/lib.rs");
    fs::write(&standard, fs::read_to_string(&standard)? + SWITCH)?;
    // What both are built of is built once, so the copy has a version and a program name of its own.
    let workspace = tree.join("Cargo.toml");
    let (version, other) = (concat!("\"", env!("CARGO_PKG_VERSION"), "\""), "\"99.0.0\"");
    let text = fs::read_to_string(&workspace)?;
    fs::write(&workspace, text.replacen(version, other, 1))?;
    let lock = tree.join("Cargo.lock");
    fs::write(&lock, relocked(&fs::read_to_string(&lock)?, version, other))?;
    let manifest = tree.join("verification/Cargo.toml");
    let text = fs::read_to_string(&manifest)?;
    fs::write(&manifest, text.replacen("name = \"purse-verify\"", &format!("name = \"{FAULTY_NAME}\""), 1))?;
    let own = tree.join("verification/src/faults.rs");
    let call = ["switch_on", "(fault);"].concat();
    let text = fs::read_to_string(&own)?.replacen(&call, "apdu_spec::seeded::set(fault);", 1);
    fs::write(&own, text)?;

    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| options.root.join("target"), PathBuf::from);
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = fs::canonicalize(target)?;
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--locked", "--workspace", "--all-features", "--bin", FAULTY_NAME])
        .args(["--profile", &options.profile])
        .current_dir(&tree)
        .env("CARGO_TARGET_DIR", &target)
        .status()?;
    if !built.success() {
        return Err("the copy with the faults does not build".into());
    }
    let program =
        target.join(if options.profile == "dev" { "debug" } else { &options.profile }).join(FAULTY_NAME);
    println!("{:52} {:48} {:>8}", "fault", "found by", "seconds");
    let mut all = true;
    for (number, fault) in FAULTS.iter().enumerate() {
        if options.only.as_ref().is_some_and(|only| !fault.name.contains(only.as_str())) {
            continue;
        }
        let begin = Instant::now();
        let output = Command::new(&program).args(["seek", &number.to_string()]).output()?;
        let found = String::from_utf8_lossy(&output.stdout);
        let properties: BTreeSet<&str> = found.lines().collect();
        let named = properties.contains(fault.property.name());
        all &= named;
        let by = if named { fault.property.name() } else { "NOT FOUND" };
        println!("{:52} {by:48} {:>8.1}", fault.name, begin.elapsed().as_secs_f64());
        if !named {
            println!("  instead: {properties:?} {}", String::from_utf8_lossy(&output.stderr));
        }
    }
    let count = FAULTS.len();
    println!(
        "{count} seeded faults, {}",
        if options.only.is_some() {
            "some looked for"
        } else if all {
            "every one found"
        } else {
            "NOT every one found"
        }
    );
    Ok(all)
}

/// The lock file with another version of our own packages, which are those that come from nowhere.
fn relocked(lock: &str, version: &str, other: &str) -> String {
    let own = |package: &str| !package.contains("\nsource = ");
    let packages = lock.split("[[package]]");
    let changed = packages
        .map(|package| if own(package) { package.replacen(version, other, 1) } else { package.to_owned() });
    changed.collect::<Vec<_>>().join("[[package]]")
}

fn copy(root: &Path, tree: &Path) -> Result<(), Box<dyn Error>> {
    if tree.exists() {
        fs::remove_dir_all(tree)?;
    }
    fs::create_dir_all(tree)?;
    for name in COPIED {
        copy_all(&root.join(name), &tree.join(name))?;
    }
    Ok(())
}

fn copy_all(from: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    if from.is_dir() {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            copy_all(&entry.path(), &to.join(entry.file_name()))?;
        }
    } else {
        fs::copy(from, to)?;
    }
    Ok(())
}

/// In the copy this switches a fault on; here it only says that there is none.
fn switch_on(fault: u32) {
    eprintln!("no fault {fault} has been seeded into this program");
}

/// How long one fault is looked for at most.
const PATIENCE: Duration = Duration::from_secs(90);

/// Looks for the fault that is on, where its hunt says, and prints every property that does not hold.
pub fn seek(fault: u32) -> Result<bool, Box<dyn Error>> {
    let wanted = FAULTS.get(fault as usize).ok_or("no such fault")?;
    let until = Instant::now() + PATIENCE;
    let mut violated = BTreeSet::new();
    switch_on(fault);
    match wanted.hunt {
        Hunt::Scope(name, level) => {
            let mut scope = scope(name, level).ok_or("no such scope")?;
            // One fault is looked for, not every way to it.
            scope.confusions &= wanted.confused;
            (wanted.narrow)(&mut scope);
            let explored = explore(scope, until, usize::MAX, Some(wanted.property));
            note(&mut violated, &explored.tally);
        }
        Hunt::Tears => {
            let mut tears = Tears::<2, 2>::new(smallest::<2, 2>(16, false), 1, (0, 8));
            tears.run(Instant::now() + Duration::from_secs(5));
            note(&mut violated, &tears.torn.tally);
        }
    }
    for property in &violated {
        println!("{}", property.name());
    }
    Ok(violated.contains(&wanted.property))
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
