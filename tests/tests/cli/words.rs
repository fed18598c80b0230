//! What errors say: in the currency, once, and what to do next.

use crate::support::Home;
use serde_json::Value;

fn error(home: &Home, code: i32, arguments: &[&str]) -> Value {
    let arguments: Vec<&str> = ["--json"].iter().chain(arguments).copied().collect();
    home.run(&arguments).exits(code).json()["error"].take()
}

#[track_caller]
fn says(error: &Value, field: &str, part: &str) {
    assert!(error[field].as_str().is_some_and(|text| text.contains(part)), "{part}: {error:#}");
}

#[test]
fn limits_and_funds_are_in_the_currency() {
    let home = Home::with_money();
    says(&error(&home, 7, &["load", "70"]), "message", "account `holder` holds 50.00 EUR");
    says(&error(&home, 4, &["load", "130"]), "next", "holds 30.00 EUR and may hold 150.00 EUR");
}

#[test]
fn a_wrong_pin_is_a_wrong_pin() {
    let home = Home::with_money();
    let wrong = home.run_with("PURSE_PIN", "0000", &["lock"]).exits(5);
    assert!(wrong.stderr.contains("63C2, wrong PIN, 2 tries left"), "{wrong:?}");
    assert!(!wrong.stderr.contains("none given"), "{wrong:?}");
    let lost = home.command(&["lock", "--lose", "3"]).env("PURSE_PIN", "1234").output().unwrap();
    let stderr = String::from_utf8(lost.stderr).unwrap();
    assert!(stderr.contains("tries may have been used"), "{stderr}");
}

#[test]
fn an_empty_sam_is_not_collected_again() {
    let home = Home::with_money();
    home.run(&["collect"]).exits(0);
    let sequence = || home.json(&["card", "show", "sam"])["sequence"].clone();
    let before = sequence();
    assert_eq!(home.run(&["collect"]).exits(0).stdout, "nothing to collect\n");
    assert_eq!(sequence(), before);
    home.run(&["collect", "--even-empty"]).exits(0);
    assert_ne!(sequence(), before);
    // Nothing is left to pay a refund from.
    says(&error(&home, 4, &["refund", "1"]), "next", "purse load --card sam");
}

#[test]
fn an_unknown_outcome_names_its_transaction() {
    let home = Home::with_money();
    let transaction = error(&home, 6, &["pay", "2", "--lose", "4"])["transaction"].take();
    assert_eq!((&transaction["kind"], &transaction["amount"]), (&"purchase".into(), &"2.00".into()));
    assert!(transaction["from_sequence"].is_number() && transaction["to"].is_string(), "{transaction}");
}

#[test]
fn recover_says_what_became_of_an_interrupted_command() {
    // The response of CREDIT is lost: the money is there, and only the receipt is not.
    let places = |place: u32| {
        let home = Home::with_money();
        let run = home.run(&["pay", "2", "--lose", &place.to_string()]);
        (run.code == 6).then(|| home.json(&["recover"]))
    };
    let told: Vec<Value> = (1..8).filter_map(places).collect();
    assert!(!told.is_empty());
    for recovered in told {
        assert_eq!(recovered["interrupted"][0]["command"], "pay", "{recovered:#}");
        assert_eq!(recovered["interrupted"][0]["outcome"], "done", "{recovered:#}");
    }
}
