//! Every input that fuzzing has kept runs through its target, on stable and without libFuzzer.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use purse_tests::fuzzing::TARGETS;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

/// Names in a directory, without extension.
fn names(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

/// The kept inputs of a target.
fn inputs(target: &str) -> Vec<(String, Vec<u8>)> {
    let directory = fuzz().join("corpus").join(target);
    let files = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut kept: Vec<_> = files
        .map(|file| {
            let path = file.unwrap().path();
            (path.display().to_string(), fs::read(&path).unwrap())
        })
        .collect();
    assert!(!kept.is_empty(), "{target} has no corpus");
    kept.sort();
    kept
}

fn run(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("it is listed");
    for (name, input) in inputs(target.name) {
        // libFuzzer tells the input; so does this.
        let outcome = std::panic::catch_unwind(|| (target.run)(&input));
        assert!(outcome.is_ok(), "{name}");
    }
}

#[test]
fn every_target_has_its_binary_and_its_corpus() {
    let listed: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(names(&fuzz().join("fuzz_targets")), listed);
    assert_eq!(names(&fuzz().join("corpus")), listed);
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    let binaries = manifest.split("[[bin]]").skip(1).map(|binary| {
        let name = binary.lines().find_map(|line| line.strip_prefix("name = "));
        name.expect("a binary has a name").trim_matches('"').to_owned()
    });
    assert_eq!(binaries.collect::<BTreeSet<_>>(), listed);
}

/// A test for each target, so that they run beside each other; one that is forgotten is missed by the test above.
macro_rules! corpus {
    ($($name:ident: $sentence:ident,)*) => {
        $(
            #[test]
            fn $sentence() {
                run(stringify!($name));
            }
        )*

        #[test]
        fn every_target_runs_here() {
            let listed = TARGETS.map(|target| target.name);
            assert_eq!(listed, [$(stringify!($name)),*]);
        }
    };
}

corpus! {
    answers: the_terminal_bears_every_kept_answer,
    apdu: every_kept_apdu_is_understood_or_refused,
    card: every_kept_history_goes_as_the_model_says,
    card_file: every_kept_card_file_comes_back_or_is_refused,
    elements: every_kept_element_comes_back,
    letters: every_kept_letter_comes_back_or_is_refused,
    memory_image: a_card_bears_every_kept_memory,
    scheme_file: every_kept_scheme_comes_back_or_is_refused,
    transmission: every_kept_exchange_is_whole,
}
