//! The real program, and homes for it to work in.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::{env, fs};

use serde_json::Value;
use tempfile::TempDir;

/// The program, of the same profile and in the same target directory as this test. `cargo test` does not build the
/// binaries of other packages, so this does; where nothing has changed it takes a moment.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let test = env::current_exe().expect("this test has a path");
        // <target>/<profile>/deps/<test>
        let profile = test.ancestors().nth(2).expect("a profile's directory");
        let target = profile.parent().expect("a target directory");
        let mut build = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        build.args(["build", "--quiet", "--workspace", "--bin", "purse", "--target-dir"]).arg(target);
        if cfg!(feature = "memcheck") {
            // This feature is on only with all of them; with the same ones, what is below has been built already.
            build.arg("--all-features");
        }
        if profile.ends_with("release") {
            build.arg("--release");
        }
        // What the outer cargo set for this test is not meant for another build.
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_PKG_")) {
            build.env_remove(name);
        }
        let status = build.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo runs");
        assert!(status.success(), "the program does not build");
        profile.join("purse").with_extension(env::consts::EXE_EXTENSION)
    })
}

/// A directory with a home in it.
pub(crate) struct Home {
    directory: TempDir,
}

/// What a run of the program came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("stdout is text"),
            stderr: String::from_utf8(output.stderr).expect("stderr is text"),
        }
    }
}

impl Run {
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// The one JSON document on stdout.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let document: Value =
            serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"));
        let first = if document.is_array() { &document[0] } else { &document };
        assert_eq!(first["schema"], 1, "{self:#?}");
        document
    }
}

impl Home {
    /// Nothing yet.
    pub(crate) fn none() -> Self {
        Self { directory: tempfile::tempdir().expect("a temporary directory") }
    }

    /// As `init` makes it.
    pub(crate) fn new() -> Self {
        let home = Self::none();
        home.run(&["init"]).exits(0);
        home
    }

    /// With money: 50.00 on the card, of which two payments of 10.00 are with the SAM.
    pub(crate) fn with_money() -> Self {
        let home = Self::new();
        home.run(&["load", "50.00"]).exits(0);
        home.run(&["pay", "10.00"]).exits(0);
        home.run(&["pay", "10.00"]).exits(0);
        home
    }

    /// The same cards and books, once more.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::none();
        copy_directory(&self.path(), &copy.path());
        copy
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    pub(crate) fn card(&self, name: &str) -> PathBuf {
        self.path().join("cards").join(format!("{name}.purse"))
    }

    /// A file beside the home.
    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        let path = self.directory.path().join(name);
        fs::write(&path, content).expect("a file");
        path.into_os_string().into_string().expect("a path in Unicode")
    }

    /// The program in this home, with no terminal and no PIN of its own; the operator's is there.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command
            .args(arguments)
            .env("PURSE_HOME", self.path())
            .env_remove("PURSE_PIN")
            .env_remove("PURSE_NEW_PIN")
            .env("PURSE_OPERATOR_PIN", "9999")
            .stdin(std::process::Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.command(arguments).output().expect("the program runs").into()
    }

    pub(crate) fn run_with(&self, variable: &str, value: &str, arguments: &[&str]) -> Run {
        self.command(arguments).env(variable, value).output().expect("the program runs").into()
    }

    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let arguments: Vec<&str> = ["--json"].iter().chain(arguments).copied().collect();
        self.run(&arguments).exits(0).json()
    }

    /// A card's balance as text.
    #[track_caller]
    pub(crate) fn balance(&self, card: &str) -> String {
        self.json(&["balance", "--card", card])["balance"].as_str().expect("a balance").to_owned()
    }

    /// An audit that has to add up. What is in flight.
    #[track_caller]
    pub(crate) fn audit(&self) -> String {
        let document = self.json(&["audit"]);
        assert_eq!(document["adds_up"], true, "{document:#}");
        document["currencies"][0]["in_flight"].as_str().expect("a sum").to_owned()
    }
}

fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy_directory(&path, &target);
        } else {
            fs::copy(&path, &target).expect("a copy");
        }
    }
}
