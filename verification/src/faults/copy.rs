//! The copy of a checkout that has faults, each behind a switch, and how it is built.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program of the workspace that is built a second time, of a copy with faults.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// Where its package is, from the root of the checkout.
    pub package: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The name of the one with the faults.
    pub faulty: &'static str,
    /// The file, from the root of the checkout, that has `switch_on(fault);` once: in the copy that is what does it.
    pub switch: &'static str,
}

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

impl Program {
    /// A copy of the checkout with a switch for faults, in which no fault is yet.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn copy(&self, root: &Path, tree: &Path) -> Result<(), Box<dyn Error>> {
        copy(root, tree)?;
        let standard = tree.join("apdu-spec/src/lib.rs");
        fs::write(&standard, fs::read_to_string(&standard)? + SWITCH)?;
        // What both are built of is built once, so the copy has a version and a program name of its own.
        let workspace = tree.join("Cargo.toml");
        let (version, other) = (concat!("\"", env!("CARGO_PKG_VERSION"), "\""), "\"99.0.0\"");
        let text = fs::read_to_string(&workspace)?;
        fs::write(&workspace, text.replacen(version, other, 1))?;
        let lock = tree.join("Cargo.lock");
        fs::write(&lock, relocked(&fs::read_to_string(&lock)?, version, other))?;
        let manifest = tree.join(self.package).join("Cargo.toml");
        let name = |name| format!("[[bin]]\nname = \"{name}\"");
        replace(&manifest, &name(self.name), &name(self.faulty))?;
        let call = "{ let _ = switch_on; apdu_spec::seeded::set(fault); }";
        replace(&tree.join(self.switch), "switch_on(fault);", call)
    }

    /// Builds the program of the copy, beside the one that there is.
    ///
    /// # Errors
    /// It does not build.
    pub fn build(&self, tree: &Path, profile: &str, target: &Path) -> Result<(), Box<dyn Error>> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args(["build", "--quiet", "--locked", "--workspace", "--all-features", "--bin", self.faulty])
            .args(["--profile", profile])
            .current_dir(tree)
            .env("CARGO_TARGET_DIR", target)
            .status()?;
        if !built.success() {
            return Err("the copy with the faults does not build".into());
        }
        Ok(())
    }

    /// Where the program of the copy is.
    pub fn path(&self, target: &Path, profile: &str) -> PathBuf {
        target.join(if profile == "dev" { "debug" } else { profile }).join(self.faulty)
    }
}

/// Replaces what a file has once.
///
/// # Errors
/// It does not have it once.
pub fn replace(file: &Path, from: &str, to: &str) -> Result<(), Box<dyn Error>> {
    let text = fs::read_to_string(file)?;
    if text.matches(from).count() != 1 {
        return Err(format!("{} does not have, once: {from}", file.display()).into());
    }
    Ok(fs::write(file, text.replacen(from, to, 1))?)
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
    for name in ["Cargo.toml", "Cargo.lock"] {
        copy_all(&root.join(name), &tree.join(name))?;
    }
    for name in members(&fs::read_to_string(root.join("Cargo.toml"))?)? {
        copy_all(&root.join(&name), &tree.join(&name))?;
    }
    Ok(())
}

/// The members of the workspace: what is built.
fn members(manifest: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let manifest: toml::Table = manifest.parse()?;
    let members = manifest.get("workspace").and_then(|workspace| workspace.get("members"));
    let members = members.and_then(toml::Value::as_array).ok_or("Cargo.toml names no workspace members")?;
    Ok(members.iter().filter_map(|member| member.as_str().map(str::to_owned)).collect())
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
