//! `purse explain`: what it prints, as text and as JSON, and what it refuses.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::{Home, Run, program};
use serde_json::{Value, json};
use snapbox::{assert_data_eq, str};

const VERIFY: &str = "0020008008241234FFFFFFFFFF";
const DEBIT: &str =
    "80540300 23 01 00000007 0978 0000015E 9555000000000026 000002BC 6B49D200 5555555555555555 10";

/// With this on standard input.
fn piped(arguments: &[&str], input: &str) -> Run {
    let mut child = Command::new(program())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

#[test]
fn a_command_is_shown_field_by_field_without_a_home() {
    let run = Home::none().run(&["explain", DEBIT]).exits(0);
    assert_data_eq!(
        run.stdout,
        str![[r"
command: DEBIT purchase, 41 bytes
offset  field           bytes             meaning
     0  CLA             80                a command of the purse
     1  INS             54                DEBIT
     2  P1              03                purchase
     3  P2              00
     4  Lc              23                35 bytes
     5  data
     5    key version   01                1
     6    own sequence  00000007          7
    10    currency      0978              EUR, Euro
    12    amount        0000015E          3.50 EUR
    16    to            9555000000000026  9555000000000026
    24    to sequence   000002BC          700
    28    time          6B49D200          2027-01-15T08:00:00Z
    32    req           5555555555555555  the payee asks
    40  Le              10                at most 16 bytes

"]]
    );
}

#[test]
fn the_same_bytes_are_read_however_they_are_written() {
    let home = Home::none();
    let plain = home.run(&["explain", VERIFY]).exits(0).stdout;
    let colons = "00:20:00:80:08:24:12:34:FF:FF:FF:FF:FF";
    assert_eq!(home.run(&["explain", colons]).exits(0).stdout, plain);
    let words: Vec<&str> = ["explain"].into_iter().chain(colons.split(':')).collect();
    assert_eq!(home.run(&words).exits(0).stdout, plain);
    let lines = "0x00 0x20 0x00 0x80\n08 241234\nFFFFFFFFFF\n";
    assert_eq!(piped(&["explain", "-"], lines).exits(0).stdout, plain);
}

#[test]
fn json_has_every_field_with_its_place() {
    let home = Home::none();
    let document = home.json(&["explain", "9000", "90A40000"]);
    assert_eq!(document["command"], "explain");
    let expected = json!({
        "length": 2,
        "readings": [{
            "as": "status",
            "title": "status word 9000",
            "fit": "exact",
            "fields": [
                { "name": "status word", "offset": 0, "length": 2, "meaning": "done", "bytes": "9000" },
            ],
            "notes": [],
        }],
    });
    assert_eq!(document["objects"][0], expected);
    let answer = &document["objects"][1]["readings"][0]["answer"];
    assert_eq!(answer, &json!({ "status_word": "6E00", "meaning": "unknown class" }));
}

#[test]
fn a_pin_is_shown_only_to_whoever_asks_for_it() {
    let home = Home::none();
    for (options, code) in [
        (vec![VERIFY], 0),
        (vec!["241234FFFFFFFFFF"], 0),
        (vec!["--as", "response", VERIFY], 0),
        (vec!["--as", "number", "241234FFFFFFFFFF"], 0),
        (vec!["--as", "pd", VERIFY], 2),
        (vec!["--response-to", VERIFY, "241234FFFFFFFFFF9000"], 0),
        (vec!["801008241234FFFFFFFFFF"], 0),
    ] {
        for json in [vec![], vec!["--json"]] {
            let arguments: Vec<&str> = [vec!["explain"], json, options.clone()].concat();
            let run = home.run(&arguments).exits(code);
            let text = format!("{}{}", run.stdout, run.stderr).replace(' ', "");
            assert!(!text.contains("1234"), "{arguments:?}: {run:#?}");
        }
    }
    let run = home.run(&["explain", "--reveal", VERIFY]).exits(0);
    assert!(run.stdout.contains("241234FFFFFFFFFF"), "{run:#?}");
    let document = home.json(&["explain", "--reveal", VERIFY]);
    let leaf = &document["objects"][0]["readings"][0]["fields"][5]["fields"][0];
    assert_eq!(leaf["bytes"], "241234FFFFFFFFFF", "{document:#}");
    let document = home.json(&["explain", VERIFY]);
    let leaf = &document["objects"][0]["readings"][0]["fields"][5]["fields"][0];
    assert_eq!((&leaf["hidden"], &leaf["bytes"]), (&json!(true), &Value::Null), "{document:#}");
}

#[test]
fn what_cannot_be_read_says_where_and_what_else_there_is() {
    let home = Home::none();
    for (arguments, message) in [
        (vec!["00 A4 0G"], "the bytes: character 8, `G`, is no hexadecimal digit"),
        (
            vec!["9000", "00A"],
            "object 2: the number of hexadecimal digits is odd (3): the last one, character 3, has no partner",
        ),
        (vec![""], "the bytes: there are no bytes"),
        (vec!["3B8581"], "as atr, at offset 3: TD2 has 1 byte, 0 bytes are left"),
        (vec!["--as", "record", "9000"], "as record, at offset 0: a log record has 50 bytes, not 2"),
        (vec!["--as", "nothing", "9000"], "invalid value 'nothing'"),
        (vec!["--response-to", "zz", "9000"], "--response-to: character 1, `z`, is no hexadecimal digit"),
        (vec![], "required arguments were not provided"),
    ] {
        let arguments: Vec<&str> = ["explain"].into_iter().chain(arguments).collect();
        let run = home.run(&arguments).exits(2);
        assert!(run.stderr.contains(message), "{arguments:?}: {run:#?}");
        assert!(run.stdout.is_empty());
    }
    let error = home.run(&["--json", "explain", "3B8581"]).exits(2).json();
    assert_eq!(error["error"]["kind"], "usage");
    let next = error["error"]["next"].as_str().unwrap();
    assert!(next.contains("--as KIND") && next.contains("status-block"), "{next}");
}

/// README's fenced block that begins with `purse explain`.
#[test]
fn the_examples_of_the_readme_are_what_is_printed() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    let blocks: Vec<&str> = readme
        .split("```console\n")
        .skip(1)
        .filter_map(|block| block.split("```").next())
        .filter(|block| block.starts_with("$ purse explain"))
        .collect();
    assert_eq!(blocks.len(), 1);
    let path = format!("{}:{}", program().parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut found = String::new();
    for line in blocks[0].lines().filter_map(|line| line.strip_prefix("$ ")) {
        let output = Command::new("sh").args(["-c", line]).env("PATH", &path).output().unwrap();
        found.extend(["$ ", line, "\n", &Run::from(output).exits(0).stdout]);
    }
    assert_data_eq!(found, blocks[0].to_owned());
}

#[test]
fn completions_and_manual_pages_know_both_commands() {
    let home = Home::none();
    let script = home.run(&["completions", "bash"]).exits(0).stdout;
    for part in ["purse__subcmd__explain", "purse__subcmd__spec", "status-block", "--response-to"] {
        assert!(script.contains(part), "{part}");
    }
    let directory = home.path();
    let pages = home.json(&["man", "--out", directory.to_str().unwrap()])["pages"].to_string();
    assert!(pages.contains("purse-explain.1") && pages.contains("purse-spec.1"), "{pages}");
}
