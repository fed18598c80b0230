//! How long a comparison takes says nothing of the secret in it: the card's commands run under valgrind's memcheck with
//! keys and PIN marked undefined. A jump that depends on them may stand only where the outcome is decided, once, and
//! whatever part of the presented value is right. No clock is asked.

#![cfg(all(feature = "memcheck", target_os = "linux"))]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Every command that compares something with a secret, and the places where it decides what came of it.
const CASES: [(&str, usize); 15] = [
    ("debit", 1),
    ("credit", 1),
    ("credit-sam", 1),
    ("decline", 1),
    ("acknowledge", 1),
    ("reverse", 1),
    ("script", 1),
    // The script's MAC, then the TAC of the record that it names.
    ("resolve", 2),
    ("verify", 1),
    ("change-pin", 1),
    ("debit-transfer", 1),
    ("credit-transfer", 1),
    ("decline-transfer", 1),
    ("acknowledge-transfer", 1),
    ("reverse-transfer", 1),
];

/// What a run has shown.
struct Run {
    /// For each case its jumps and status word, one presented value after the other.
    jumps: BTreeMap<String, Vec<(usize, String)>>,
    /// The source lines that jump.
    lines: Vec<String>,
}

fn run(cases: &[&str]) -> Run {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("memcheck.log");
    let output = Command::new("valgrind")
        .args(["--error-limit=no", "--fullpath-after="])
        .arg(format!("--log-file={}", log.display()))
        .arg(env!("CARGO_BIN_EXE_watched-comparisons"))
        .args(cases)
        .output()
        .expect("valgrind is installed: scripts/setup");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut jumps: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let [name, count, status] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        jumps.entry(name.to_owned()).or_default().push((count.parse().unwrap(), status.to_owned()));
    }
    Run { jumps, lines: lines(&fs::read_to_string(&log).unwrap()) }
}

/// The text of the innermost line of this project in each of memcheck's reports.
fn lines(log: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut lines = Vec::new();
    let mut reports = log.lines().peekable();
    while let Some(line) = reports.next() {
        if !line.contains("depends on uninitialised") && !line.contains("Use of uninitialised") {
            continue;
        }
        let mut found = None;
        while let Some(frame) = reports.next_if(|line| line.contains(" at 0x") || line.contains(" by 0x")) {
            found = found.or_else(|| {
                let (path, number) = frame.rsplit_once('(')?.1.strip_suffix(')')?.rsplit_once(':')?;
                let path = root.join(path.trim_start_matches("./"));
                let is_ours = ["card/src", "apdu-spec/src", "terminal/src", "tests/src"];
                if !is_ours.iter().any(|part| path.starts_with(root.join(part))) {
                    return None;
                }
                let source = fs::read_to_string(path).ok()?;
                source.lines().nth(number.parse::<usize>().ok()?.checked_sub(1)?).map(str::to_owned)
            });
        }
        lines.push(found.unwrap_or_else(|| panic!("nothing of ours in a report:\n{log}")));
    }
    lines
}

/// Whether a line asks a comparison in constant time for its outcome, and does nothing else with it.
fn decides(line: &str) -> bool {
    line.contains("bool::from(") && line.contains(".ct_eq(")
}

/// Whether a line makes a private key of its bytes, which tells whether they are one.
fn takes_a_private_key(line: &str) -> bool {
    line.contains("SecretKey::from_slice(&private.0).ok()?")
}

#[test]
fn no_comparison_of_a_secret_jumps_before_its_outcome() {
    let Run { jumps, lines } = run(&CASES.map(|(name, _)| name));
    for (name, decisions) in CASES {
        let presented = &jumps[name];
        assert!(presented.len() >= 9, "{name}: {presented:?}");
        for (count, _) in presented {
            assert_eq!(*count, decisions, "{name}: {presented:?}");
        }
        // The right value is the last one, and the only one.
        let ended_well: Vec<_> = presented.iter().map(|(_, status)| status == "9000").collect();
        assert_eq!(
            ended_well.iter().position(|good| *good),
            Some(presented.len() - 1),
            "{name}: {presented:?}"
        );
    }
    for line in &lines {
        assert!(decides(line) || takes_a_private_key(line), "jumps on a secret: {line}");
    }
    let decisions = lines.iter().filter(|line| decides(line)).count();
    assert!(decisions >= 7, "one for each comparison: {lines:#?}");
}

/// Nine private keys, nine other purses.
#[test]
fn an_agreement_jumps_on_no_private_key_but_to_see_whether_it_is_one() {
    let Run { jumps, lines } = run(&["agree"]);
    // Whether it is a scalar, and whether it is not 0.
    assert_eq!(jumps["agree"], vec![(2, "9000".to_owned()); 9]);
    assert!(!lines.is_empty() && lines.iter().all(|line| takes_a_private_key(line)), "{lines:#?}");
}

#[test]
fn a_comparison_that_ends_at_the_first_difference_is_caught() {
    let Run { jumps, lines } = run(&["ends-early"]);
    let counts: Vec<_> = jumps["ends-early"].iter().map(|(count, _)| *count).collect();
    // The last byte may decide without a jump.
    assert_eq!(counts[..7], [1, 2, 3, 4, 5, 6, 7]);
    assert!(counts[7..].iter().all(|count| (7..=8).contains(count)), "{counts:?}");
    assert!(!lines.is_empty() && !lines.iter().any(|line| decides(line)), "{lines:#?}");
}
