//! Cards in readers end to end: the real pcscd with vpcd, both cards in slots of it, and every command of the program.
#![cfg(all(feature = "pcsc", target_os = "linux"))]

use std::fs;

use crate::support::{Background, Counter, PURSE_SLOT, SAM_SLOT};
use serde_json::Value;

fn serve_both(counter: &Counter, options: &[&str]) -> [Background; 2] {
    [counter.serve("card", PURSE_SLOT, options), counter.serve("sam", SAM_SLOT, options)]
}

/// What a home's cards did, without times and numbers of processes.
fn history(document: &Value) -> Vec<[String; 4]> {
    let records = document["records"].as_array().expect("records");
    let field = |record: &Value, name: &str| record[name].as_str().expect("text").to_owned();
    records
        .iter()
        .map(|record| ["kind", "change", "state", "balance"].map(|name| field(record, name)))
        .collect()
}

/// Everything that money can do, with both cards in readers that speak this protocol.
fn everything(options: &[&str]) {
    let counter = Counter::new();
    let _cards = serve_both(&counter, options);
    let in_purse = |arguments: &[&str]| counter.run(&[arguments, &["--reader", PURSE_SLOT]].concat());
    assert_eq!(in_purse(&["balance"]).exits(0).stdout, "0.00 EUR\n");
    assert_eq!(in_purse(&["load", "20.00"]).exits(0).stdout, "loaded 20.00 EUR\nbalance 20.00 EUR\n");
    assert_eq!(counter.run_both(&["pay", "3.50"]).exits(0).stdout, "paid 3.50 EUR\nbalance 16.50 EUR\n");
    assert_eq!(
        counter.run_both(&["refund", "1.00"]).exits(0).stdout,
        "refunded 1.00 EUR\nbalance 17.50 EUR\n"
    );
    assert_eq!(in_purse(&["unload", "5.00"]).exits(0).stdout, "unloaded 5.00 EUR\nbalance 12.50 EUR\n");
    let log = counter.json(&["history", "--reader", PURSE_SLOT]);
    assert_eq!(
        history(&log),
        [
            ["unload", "-5.00", "settled", "12.50"],
            ["refund", "1.00", "settled", "17.50"],
            ["purchase", "-3.50", "refunded", "16.50"],
            ["load", "20.00", "settled", "20.00"],
        ]
        .map(|row| row.map(str::to_owned))
    );
    assert_eq!(counter.audit(), "0.00");
    assert_eq!(counter.balance(SAM_SLOT), "2.50");
    let collected = counter.run(&["collect", "--sam-reader", SAM_SLOT]).exits(0);
    assert!(collected.stdout.contains("collected 2.50 EUR"), "{collected:?}");
    assert_eq!(counter.run_both(&["recover"]).exits(0).stdout, "nothing to recover\n");
    assert_eq!(counter.audit(), "0.00");
    assert_eq!(counter.balance(SAM_SLOT), "0.00");
}

#[test]
fn both_cards_in_readers_do_all_that_virtual_ones_do() {
    everything(&[]);
}

#[test]
fn cards_that_speak_t0_do_the_same() {
    everything(&["--t0"]);
}

#[test]
fn a_card_in_a_reader_and_a_virtual_sam() {
    let counter = Counter::new();
    let _card = counter.serve("card", PURSE_SLOT, &[]);
    counter.run(&["load", "20", "--reader", PURSE_SLOT]).exits(0);
    counter.run(&["pay", "3.50", "--reader", PURSE_SLOT]).exits(0);
    counter.run(&["refund", "1", "--reader", PURSE_SLOT]).exits(0);
    assert_eq!((counter.balance(PURSE_SLOT), counter.home.balance("sam")), ("17.50".into(), "2.50".into()));
    let audit = counter.json(&["audit", "--reader", PURSE_SLOT]);
    assert_eq!((&audit["adds_up"], &audit["currencies"][0]["purses"]), (&true.into(), &"17.50".into()));
    // A served card's file is not to be had, and the error says where the card is.
    let error = counter.run(&["balance"]).exits(3);
    assert!(error.stderr.contains("is in a reader") && error.stderr.contains("--reader"), "{error:?}");
    let error = counter.run(&["audit"]).exits(3);
    assert!(error.stderr.contains("is in a reader"), "{error:?}");
}

#[test]
fn the_holder_does_with_a_card_in_a_reader_what_he_does_with_another() {
    let counter = Counter::new();
    let _card = counter.serve("card", PURSE_SLOT, &[]);
    let reader = ["--reader", PURSE_SLOT];
    let with_pin = |pin: &str, arguments: &[&str]| {
        let mut command = counter.command(&[arguments, &reader].concat());
        command.env("PURSE_PIN", pin).env("PURSE_NEW_PIN", "4321");
        crate::cli_support::Run::from(command.output().unwrap())
    };
    counter.run(&[&["load", "100"], &reader[..]].concat()).exits(0);
    with_pin("9999", &["lock"]).exits(5);
    with_pin("1234", &["lock"]).exits(0);
    let locked = counter.run(&[&["balance"], &reader[..]].concat()).exits(4);
    assert!(locked.stderr.contains("purse unlock --reader 'Virtual PCD 00 00'"), "{locked:?}");
    with_pin("1234", &["unlock"]).exits(0);
    with_pin("1234", &["pin", "change"]).exits(0);
    // Above what a purse gives without a PIN.
    counter.run(&[&["pay", "30"], &reader[..]].concat()).exits(5);
    with_pin("4321", &["pay", "30"]).exits(0);
    let shown = counter.json(&[&["card", "show"], &reader[..]].concat());
    assert_eq!((&shown["balance"], &shown["pin_tries"]), (&"70.00".into(), &3.into()));
    let answers =
        counter.json(&[&["apdu", "00A4040007F050555253450100", "805C00000B"], &reader[..]].concat());
    assert!(answers[0]["response"].as_str().unwrap().ends_with("9000"));
    assert_eq!(answers[1]["response"], "09780200001B5800003A989000");
}

#[test]
fn a_blank_card_in_a_reader_becomes_a_purse() {
    let counter = Counter::new();
    counter.run(&["card", "new", "blank", "--blank"]).exits(0);
    counter.run(&["card", "new", "blank-sam", "--blank", "--role", "merchant"]).exits(0);
    let _cards = [counter.serve("blank", PURSE_SLOT, &[]), counter.serve("blank-sam", SAM_SLOT, &["--t0"])];
    let error = counter.run(&["card", "new", "--reader", PURSE_SLOT, "--role", "merchant"]).exits(4);
    assert!(error.stderr.contains("too small for a merchant's SAM"), "{error:?}");
    let error = counter.run(&["load", "5", "--reader", PURSE_SLOT]).exits(4);
    assert!(
        error.stderr.contains("is blank") && error.stderr.contains("purse card new --reader"),
        "{error:?}"
    );
    let made = counter.json(&["card", "new", "--reader", PURSE_SLOT]);
    assert_eq!((&made["role"], &made["name"]), (&"purse".into(), &PURSE_SLOT.into()));
    let sam = counter.json(&["card", "new", "--reader", SAM_SLOT, "--role", "merchant"]);
    assert_ne!(made["number"], sam["number"]);
    let again = counter.run(&["card", "new", "--reader", PURSE_SLOT]).exits(4);
    assert!(again.stderr.contains("is not blank"), "{again:?}");
    counter.run(&["load", "5", "--reader", PURSE_SLOT]).exits(0);
    counter.run_both(&["pay", "2"]).exits(0);
    assert_eq!((counter.balance(PURSE_SLOT), counter.balance(SAM_SLOT)), ("3.00".into(), "2.00".into()));
    assert_eq!(counter.audit(), "0.00");
}

#[test]
fn a_reader_is_found_by_its_name_or_a_part_that_only_it_has() {
    let counter = Counter::new();
    let error = counter.run(&["balance", "--reader", PURSE_SLOT]).exits(3);
    assert!(error.stderr.contains("no card in Virtual PCD 00 00"), "{error:?}");
    let card = counter.serve("card", PURSE_SLOT, &[]);
    for part in ["Virtual PCD 00 00", "00 00", "virtual", ""] {
        counter.run(&["balance", "--reader", part]).exits(0);
    }
    let error = counter.run(&["balance", "--reader", "Omnikey"]).exits(3);
    assert!(
        error.stderr.contains("`Virtual PCD 00 00`") && error.stderr.contains("00 01` (empty)"),
        "{error:?}"
    );
    let _sam = counter.serve("sam", SAM_SLOT, &[]);
    let error = counter.run(&["balance", "--reader", "virtual"]).exits(3);
    assert!(error.stderr.contains("could be any of"), "{error:?}");
    let error = counter.run(&["pay", "1", "--reader", PURSE_SLOT, "--sam-reader", PURSE_SLOT]).exits(2);
    assert!(error.stderr.contains("in one reader"), "{error:?}");
    // Where the one is known, the other is among the rest.
    let both = ["pay", "1", "--reader", "virtual", "--sam-reader", SAM_SLOT];
    assert!(counter.run(&both).exits(4).stderr.contains("9401"), "an empty purse in the other slot");
    counter.run(&["balance", "--reader", "00 01", "--card", "card"]).exits(2);
    assert_eq!(card.interrupt(), Some(0));
    counter.wait_until_empty(PURSE_SLOT);
    assert_eq!(counter.home.balance("card"), "0.00");
}

#[test]
fn a_card_is_waited_for() {
    let counter = Counter::new();
    let error = counter.run(&["balance", "--reader", PURSE_SLOT, "--wait", "1"]).exits(3);
    assert!(error.stderr.contains("waiting for a card"), "{error:?}");
    let mut command = counter.command(&["balance", "--reader", "", "--wait", "60"]);
    let waiting = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let _sam = counter.serve("sam", SAM_SLOT, &[]);
    let output = waiting.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "0.00 EUR\n");
}

#[test]
fn the_readers_are_listed_with_what_is_in_them() {
    let counter = Counter::new();
    let _card = counter.serve("card", PURSE_SLOT, &[]);
    let purse = counter.reader(PURSE_SLOT);
    assert_eq!(
        (&purse["protocol"], &purse["holder"], &purse["answer_to_reset"]),
        (&"T=1".into(), &"nobody".into(), &"3B858111FE5055525345AA".into())
    );
    assert_eq!(counter.reader(SAM_SLOT)["card"], "none");
    let _sam = counter.serve("sam", SAM_SLOT, &["--t0"]);
    let sam = counter.reader(SAM_SLOT);
    assert_eq!((&sam["protocol"], &sam["answer_to_reset"]), (&"T=0".into(), &"3B055055525345".into()));
    let doctor = counter.run(&["--json", "doctor", "--reader-conf"]).code;
    assert_eq!(doctor, 2, "an option without its value");
}

#[test]
fn the_trace_of_a_reader_shows_no_pin() {
    let counter = Counter::new();
    let _cards = serve_both(&counter, &["--t0"]);
    counter.run(&["load", "20", "--reader", PURSE_SLOT]).exits(0);
    counter.run_both(&["pay", "5"]).exits(0);
    let trace = counter.home.path().join("trace");
    let option = format!("--trace={}", trace.display());
    counter.run_both(&["refund", "1", &option]).exits(0);
    let text = fs::read_to_string(trace).unwrap();
    assert!(text.contains("VERIFY") && text.contains("Virtual PCD 00 01"), "{text}");
    assert!(!text.contains("249999"), "{text}");
}

#[test]
fn the_bench_measures_beside_an_echo_card() {
    let counter = Counter::new();
    let _card = counter.serve("card", PURSE_SLOT, &[]);
    counter.run(&["load", "1", "--reader", PURSE_SLOT]).exits(0);
    let mut command = counter.service.inside(crate::cli_support::program());
    command
        .args(["--json", "bench", "--reader", PURSE_SLOT, "--time", "300", "--purchases", "5"])
        .env("PURSE_HOME", counter.home.path());
    let bench = crate::cli_support::Run::from(command.output().unwrap()).exits(0).json();
    assert!(bench["select"]["measured"].as_u64().unwrap() >= 100, "{bench:#}");
    assert!(bench["echo"]["median_microseconds"].as_f64().unwrap() > 0.0, "{bench:#}");
    assert!(bench["times_echo"].as_f64().unwrap() > 0.0, "{bench:#}");
    assert_eq!(bench["purchases"]["measured"], 5, "{bench:#}");
    assert_eq!(counter.balance(PURSE_SLOT), "0.95");
}
