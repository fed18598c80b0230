//! Other programs with the same readers: at once, in mid-payment, for themselves; readers and services that go away.
#![cfg(all(feature = "pcsc", target_os = "linux"))]

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::cli_support::{Home, Run};
use crate::support::{BOTH, Background, Counter, PURSE_SLOT, SAM_SLOT, until};
use apdu_spec::command::{Command as Apdu, Selection};
use apdu_spec::file::APPLICATION;
use rusqlite::Connection;

#[test]
fn two_programs_at_once_wait_for_each_other() {
    let counter = Counter::with_home(Home::with_money());
    let _cards = counter.serve_both();
    let start = |arguments: &[&str]| {
        let mut command = counter.command(&[arguments, &BOTH].concat());
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program runs")
    };
    let payments: Vec<_> = (0..4).map(|_| start(&["pay", "1"])).collect();
    let looks: Vec<_> = (0..4).map(|_| start(&["history"])).collect();
    for child in payments.into_iter().chain(looks) {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    assert_eq!((counter.balance(PURSE_SLOT), counter.balance(SAM_SLOT)), ("26.00".into(), "24.00".into()));
    assert_eq!(counter.audit(), "0.00");
}

/// Everything that money can do, while a stranger does this to both cards over and over.
fn among(what: &str) {
    let counter = Counter::with_home(Home::with_money());
    let _cards = counter.serve_both();
    let strangers = [counter.stranger(what, PURSE_SLOT), counter.stranger(what, SAM_SLOT)];
    for _ in 0..3 {
        counter.run_both(&["load", "5"]).exits(0);
        counter.run_both(&["pay", "2"]).exits(0);
        counter.run_both(&["refund", "1"]).exits(0);
        counter.run_both(&["unload", "1"]).exits(0);
        counter.run_both(&["collect"]).exits(0);
        counter.run_both(&["history"]).exits(0);
    }
    assert_eq!(counter.audit(), "0.00");
    assert_eq!((counter.balance(PURSE_SLOT), counter.balance(SAM_SLOT)), ("39.00".into(), "0.00".into()));
    for mut stranger in strangers {
        drop(stranger.child.stdin.take());
        let mut times = String::new();
        stranger.child.stdout.take().unwrap().read_to_string(&mut times).unwrap();
        assert!(times.trim().parse::<u64>().unwrap() > 10, "it hardly came to it: {times}");
    }
}

#[test]
fn a_stranger_that_resets_the_cards_harms_no_payment() {
    among("reset");
}

#[test]
fn a_stranger_that_selects_something_else_harms_no_payment() {
    among("select");
}

/// A reset that pcscd has let through before our phase must not come within it.
#[test]
fn a_phase_among_resets_keeps_its_session_or_says_that_it_is_lost() {
    let counter = Counter::with_home(Home::new());
    let _card = counter.serve("card", PURSE_SLOT, &[]);
    let strangers = [(); 4].map(|()| counter.stranger("reset", PURSE_SLOT));
    let application = Selection::Application(&APPLICATION);
    let [select, read] = [Apdu::Select(application, true), Apdu::ReadBinary(Some(0x15), 0)]
        .map(|command| hex::encode(command.emit().as_bytes()));
    for _ in 0..100 {
        let mut probe = counter.service.inside(Path::new(env!("CARGO_BIN_EXE_reader-probe")));
        let output = probe.args([PURSE_SLOT, "20000", &select, &read, &read, &read]).output().unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(told.trim_end().ends_with("9000") || told.contains("CardReset"), "{told}");
    }
    drop(strangers);
}

/// A lock on the issuer's books: whoever asks the issuer waits, until it is dropped.
fn closed_issuer(counter: &Counter) -> Connection {
    let books = Connection::open(counter.home.path().join("issuer.db")).unwrap();
    books.execute_batch("BEGIN IMMEDIATE").unwrap();
    books
}

/// `load` up to where it waits for the issuer.
fn load_that_waits(counter: &Counter) -> std::process::Child {
    let trace = counter.home.path().join("trace");
    let option = format!("--trace={}", trace.display());
    let mut command = counter.command(&["load", "5", "--reader", PURSE_SLOT, &option]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("INITIALIZE has been answered", || {
        let text = std::fs::read_to_string(&trace).unwrap_or_default();
        let after = text.split_once("INITIALIZE load")?.1;
        after.contains("9000 done").then_some(())
    });
    child
}

#[test]
fn nobody_is_kept_from_the_card_while_the_issuer_is_asked() {
    let counter = Counter::with_home(Home::with_money());
    let _card = counter.serve("card", PURSE_SLOT, &[]);
    let books = closed_issuer(&counter);
    let load = load_that_waits(&counter);
    // It gets its transaction, resets the card and leaves it with something else selected.
    assert_eq!(counter.stranger("once", PURSE_SLOT).leave(), Some(0));
    drop(books);
    let output = load.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(counter.balance(PURSE_SLOT), "35.00");
    assert_eq!(counter.json(&["audit", "--reader", PURSE_SLOT])["adds_up"], true);
}

#[test]
fn a_service_that_stops_while_the_issuer_is_asked_leaves_a_load_to_recover() {
    let mut counter = Counter::with_home(Home::with_money());
    let card = counter.serve("card", PURSE_SLOT, &[]);
    let books = closed_issuer(&counter);
    let load = load_that_waits(&counter);
    counter.service.stop();
    drop(books);
    let run = Run::from(load.wait_with_output().unwrap()).exits(6);
    assert!(run.stderr.contains("purse recover"), "{run:#?}");
    drop(card);
    counter.service.restart();
    let _card = counter.serve("card", PURSE_SLOT, &[]);
    let recovered = counter.run(&["recover", "--reader", PURSE_SLOT]).exits(0);
    assert!(recovered.stdout.contains("load of 5.00 EUR"), "{recovered:#?}");
    assert_eq!(counter.json(&["audit", "--reader", PURSE_SLOT])["adds_up"], true);
    assert_eq!(counter.balance(PURSE_SLOT), "35.00");
}

#[test]
fn a_service_that_stops_in_mid_payment_creates_and_loses_nothing() {
    let mut counter = Counter::with_home(Home::with_money());
    for round in 0..6_u64 {
        let cards = counter.serve_both();
        let mut command = counter.command(&[&["pay", "0.10"], &BOTH[..]].concat());
        let payment = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Into another moment of it each time; whichever it is, this must hold.
        std::thread::sleep(Duration::from_micros(round * 2500));
        counter.service.stop();
        let run = Run::from(payment.wait_with_output().unwrap());
        assert!([0, 3, 6].contains(&run.code), "{run:#?}");
        drop(cards);
        counter.service.restart();
        let cards = counter.serve_both();
        counter.run_both(&["recover"]).exits(0);
        assert_eq!(counter.audit(), "0.00", "{run:#?}");
        drop(cards);
        counter.wait_until_empty(PURSE_SLOT);
        counter.wait_until_empty(SAM_SLOT);
    }
}

#[test]
fn a_card_that_another_program_has_for_itself_is_in_use() {
    let counter = Counter::with_home(Home::with_money());
    let _cards = counter.serve_both();
    let stranger = counter.stranger("exclusive", PURSE_SLOT);
    assert_eq!(counter.reader(PURSE_SLOT)["holder"], "another alone");
    let error = counter.run(&[&["--json", "pay", "1"], &BOTH[..]].concat()).exits(3).json();
    assert!(error["error"]["message"].as_str().unwrap().contains("in use"), "{error:#}");
    assert_eq!(error["error"]["money"], "No money has moved.");
    // Of two that fit, the free one.
    assert_eq!(counter.balance("Virtual PCD"), "20.00");
    assert_eq!(stranger.leave(), Some(0));
    counter.run_both(&["pay", "1"]).exits(0);

    let stranger = counter.stranger("transaction", PURSE_SLOT);
    assert_eq!(counter.reader(PURSE_SLOT)["holder"], "others, shared");
    let begin = Instant::now();
    let error = counter.run_both(&["pay", "1"]).exits(3);
    assert!(error.stderr.contains("in use"), "{error:?}");
    assert!(begin.elapsed() < Duration::from_secs(45), "it was waited for without an end");
    // Who wants it for himself does not get it either.
    let error = counter.run(&["balance", "--reader", PURSE_SLOT, "--exclusive"]).exits(3);
    assert!(error.stderr.contains("in use"), "{error:?}");
    assert_eq!(stranger.leave(), Some(0));
    counter.run(&["balance", "--reader", PURSE_SLOT, "--exclusive"]).exits(0);
    assert_eq!((counter.balance(PURSE_SLOT), counter.audit()), ("29.00".into(), "0.00".into()));
}

#[test]
fn a_reader_that_is_unplugged_while_a_card_is_waited_for_is_its_own_error() {
    let counter = Counter::unpluggable(Home::new());
    let mut command = counter.command(&["balance", "--reader", PURSE_SLOT, "--wait", "60"]);
    let mut waiting = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 11];
    waiting.stderr.as_mut().unwrap().read_exact(&mut first).unwrap();
    assert_eq!(&first, b"waiting for");
    counter.service.unplug(true);
    let run = Run::from(waiting.wait_with_output().unwrap()).exits(3);
    assert!(run.stderr.contains("was unplugged") && run.stderr.contains("No money has moved"), "{run:#?}");
    let error = counter.run(&["balance", "--reader", PURSE_SLOT]).exits(3);
    assert!(error.stderr.contains(PURSE_SLOT), "{error:?}");
    assert_eq!(counter.reader(PURSE_SLOT)["card"], "reader unplugged");
    counter.service.unplug(false);
    let _card = counter.serve("card", PURSE_SLOT, &[]);
    assert_eq!(counter.balance(PURSE_SLOT), "0.00");
}

#[test]
fn a_service_that_stops_while_a_card_is_waited_for_is_its_own_error() {
    let mut counter = Counter::new();
    let mut command = counter.command(&["balance", "--reader", PURSE_SLOT, "--wait", "60"]);
    let mut waiting = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    waiting.stderr.as_mut().unwrap().read_exact(&mut [0; 11]).unwrap();
    counter.service.stop();
    let run = Run::from(waiting.wait_with_output().unwrap()).exits(3);
    assert!(run.stderr.contains("smart card service"), "{run:#?}");
    let error = counter.run(&["readers"]).exits(3);
    assert!(error.stderr.contains("purse doctor"), "{error:?}");
}

#[test]
fn a_reader_that_is_unplugged_while_the_issuer_is_asked_leaves_a_load_to_recover() {
    let counter = Counter::unpluggable(Home::with_money());
    let card = counter.serve("card", PURSE_SLOT, &[]);
    let books = closed_issuer(&counter);
    let load = load_that_waits(&counter);
    counter.service.unplug(true);
    drop(books);
    let run = Run::from(load.wait_with_output().unwrap()).exits(6);
    assert!(run.stderr.contains("purse recover"), "{run:#?}");
    drop(card);
    counter.service.unplug(false);
    until("both slots are there again", || (counter.reader(PURSE_SLOT)["card"] == "none").then_some(()));
    let _card = counter.serve("card", PURSE_SLOT, &[]);
    counter.run(&["recover", "--reader", PURSE_SLOT]).exits(0);
    assert_eq!(counter.json(&["audit", "--reader", PURSE_SLOT])["adds_up"], true);
    assert_eq!(counter.balance(PURSE_SLOT), "35.00");
}

/// A connection outlives its phases, and so would a PIN that was verified in one of them.
#[test]
fn no_other_program_finds_a_pin_verified() {
    let counter = Counter::new();
    let _card = counter.serve("card", PURSE_SLOT, &[]);
    let select = "00A4040007F050555253450100";
    for (verify, found) in [
        // Nothing is selected any more: the card has been reset.
        (&["0020008008241234FFFFFFFFFF"][..], "6985"),
        // Without a PIN the session is left as it is, and the stranger finds it.
        (&[], "63c3"),
    ] {
        let mut probe = Command::new(env!("CARGO_BIN_EXE_reader-probe"));
        probe.args([PURSE_SLOT, "10000", select]).args(verify).arg("stay").stdin(Stdio::piped());
        counter.service.client(&mut probe);
        let (probe, line) = Background::start(&mut probe);
        assert!(line.trim().ends_with("9000"), "{line}");
        let mut stranger = Command::new("/usr/bin/python3");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/stranger.py");
        stranger.args([script, "ask", PURSE_SLOT]).stdin(Stdio::null());
        let output = counter.service.client(&mut stranger).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), found, "{output:?}");
        assert_eq!(probe.leave(), Some(0));
    }
}
