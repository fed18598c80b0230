//! Documents that name tests name tests that are there, so that what they promise cannot rot.

use std::fs;
use std::path::{Path, PathBuf};

/// Words between backticks on each line that name something in a file: `file::name`, or `folder/file::name`.
fn named_tests(text: &str) -> Vec<(String, String)> {
    let words = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    words
        .filter_map(|word| word.split_once("::"))
        .map(|(file, name)| (file.to_owned(), name.to_owned()))
        .collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn security() -> String {
    fs::read_to_string(root().join("SECURITY.md")).unwrap()
}

/// The rows of the table below this heading, without its head.
fn rows<'a>(text: &'a str, heading: &str) -> Vec<&'a str> {
    let section =
        text.split("\n## ").find(|section| section.starts_with(heading)).expect("the heading is there");
    section.lines().filter(|line| line.starts_with('|')).skip(2).collect()
}

#[test]
fn every_test_that_security_names_is_there() {
    let text = security();
    let named = named_tests(&text);
    assert!(named.len() > 60, "{} tests are named", named.len());
    for (file, name) in named {
        let path = root().join("tests/tests").join(format!("{file}.rs"));
        let source =
            fs::read_to_string(&path).unwrap_or_else(|_| panic!("no {file}.rs, of `{file}::{name}`"));
        let is_there = ["(", "<"].iter().any(|end| source.contains(&format!("fn {name}{end}")));
        assert!(is_there, "no `{name}` in {file}.rs");
    }
}

#[test]
fn every_known_attack_has_a_test_or_is_called_out_of_scope() {
    let text = security();
    let attacks = rows(&text, "Known attacks");
    assert!(attacks.len() >= 10, "{attacks:#?}");
    for attack in attacks {
        assert!(!named_tests(attack).is_empty() || attack.contains("Out of scope"), "{attack}");
        let is_told = ["](http", "no public case", "Out of scope"].iter().any(|part| attack.contains(part));
        assert!(is_told, "no source: {attack}");
    }
}

#[test]
fn every_class_of_the_central_banks_objectives_has_tests() {
    let text = security();
    let objectives = rows(&text, "The European Central Bank's objectives");
    let classes = [
        "Integrity",
        "Confidentiality",
        "Identification",
        "Authentication",
        "Access control",
        "Commitment and validation",
        "Atomicity",
        "Transaction order",
        "Non-evaporation",
        "Limitations",
        "Traceability",
        "Detection",
        "Reaction",
        "Cryptography and protocols",
    ];
    for class in classes {
        let row = objectives.iter().find(|row| row.starts_with(&format!("| {class} |")));
        let row = row.unwrap_or_else(|| panic!("no row for {class}"));
        assert!(!named_tests(row).is_empty(), "{row}");
    }
    assert_eq!(objectives.len(), classes.len());
}
