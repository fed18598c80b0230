//! `purse spec`: the command table, as text and as JSON.

use crate::support::Home;
use apdu_spec::command::COMMANDS;
use serde_json::json;

#[test]
fn a_command_is_found_however_its_name_is_written() {
    let home = Home::none();
    let expected = home.run(&["spec", "GET PROOF"]).exits(0).stdout;
    assert!(expected.starts_with("GET PROOF: payer: val and TAC of a debit"), "{expected}");
    for part in ["CLA 80, INS 5A", "own sequence  4", "6Cxx    wrong Le", "6985    not in this state"] {
        assert!(expected.contains(part), "{part} in {expected}");
    }
    for name in [&["get-proof"][..], &["Get", "Proof"], &["get_proof"], &[" get  proof "]] {
        let arguments: Vec<&str> = ["spec"].iter().chain(name).copied().collect();
        assert_eq!(home.run(&arguments).exits(0).stdout, expected, "{name:?}");
    }
}

#[test]
fn every_row_of_the_table_is_told_whole() {
    let home = Home::none();
    let all = home.json(&["spec"]);
    let text = home.run(&["spec"]).exits(0).stdout;
    assert_eq!(all["commands"].as_array().unwrap().len(), COMMANDS.len());
    for (row, document) in COMMANDS.iter().zip(all["commands"].as_array().unwrap()) {
        assert!(text.contains(row.name), "{}", row.name);
        assert_eq!(document["name"], row.name);
        assert_eq!(document["forms"].as_array().unwrap().len(), row.forms.len());
        assert_eq!(document["data"].as_array().unwrap().len(), row.data.len());
        assert_eq!(document["response"].as_array().unwrap().len(), row.response.len());
        assert_eq!(document["life_cycles"].as_array().unwrap().len(), row.life_cycles.len());
        assert_eq!(document["status_words"].as_array().unwrap().len(), row.status_words.len() + 5);
    }
    let verify = home.json(&["spec", "verify"]);
    assert_eq!(verify["data"][0], json!({ "name": "PIN block", "length": 8, "secret": true }));
    assert_eq!(verify["status_words"][1]["status_word"], "63Cx");
    assert_eq!(verify["forms"][0]["data"], "0 or 8");
}

#[test]
fn an_unknown_command_is_told_the_nearest_first() {
    let home = Home::none();
    let error = home.run(&["--json", "spec", "debitt"]).exits(2).json();
    assert_eq!(error["error"]["message"], "no command is called `debitt`");
    let next = error["error"]["next"].as_str().unwrap();
    assert!(next.starts_with("Nearest first: DEBIT, "), "{next}");
    assert!(COMMANDS.iter().all(|row| next.contains(row.name)), "{next}");
    let error = home.run(&["--json", "spec", "get"]).exits(2).json();
    assert!(error["error"]["next"].as_str().unwrap().starts_with("Nearest first: GET "));
}
