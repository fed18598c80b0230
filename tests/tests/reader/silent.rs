//! Cards and services that say nothing, or nothing that can be understood: whoever waits for them stops waiting.
#![cfg(all(feature = "pcsc", target_os = "linux"))]

use std::io::Write;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::{self, sleep};
use std::time::Duration;

use crate::cli_support::Home;
use crate::support::hostile::{
    LATER, SOON, counter_with_sam, json_within, nothing_has_moved, run_to_its_end, run_within, status,
    take_out, when_selected,
};
use crate::support::{BOTH, Counter, PURSE_SLOT, SAM_SLOT, until};
use apdu_spec::element::Role;
use purse_tests::scheme::party;

#[test]
fn a_silent_card_ends_with_the_time_out() {
    let (counter, _sam) = counter_with_sam();
    let card = counter.scripted_card(PURSE_SLOT, &["silent".to_owned()]);
    thread::scope(|scope| {
        let first = scope.spawn(|| json_within(LATER, &counter, &["balance"], &["--reader", PURSE_SLOT]));
        sleep(Duration::from_secs(1));
        // Meanwhile.
        let others = [
            scope.spawn(|| json_within(LATER, &counter, &["readers"], &[])),
            scope.spawn(|| json_within(LATER, &counter, &["balance"], &["--reader", SAM_SLOT])),
            scope.spawn(|| json_within(LATER, &counter, &["balance"], &["--reader", PURSE_SLOT])),
        ];
        let silent = first.join().unwrap().exits(3);
        assert!(silent.stdout.contains("no answer within 10 s"), "{silent:?}");
        for other in others {
            let other = other.join().unwrap();
            assert!([0, 3].contains(&other.code), "{other:?}");
        }
    });
    take_out(&counter, card);
    nothing_has_moved(&counter);
}

#[test]
fn a_card_that_falls_silent_at_its_debit_leaves_the_outcome_unknown() {
    let (counter, _sam) = counter_with_sam();
    let selected = when_selected(&status(Role::Purse, party(1), 3));
    let card = counter.scripted_card(PURSE_SLOT, &[selected, "54=silent".into(), "6985".into()]);
    let run = json_within(LATER, &counter, &["pay", "1"], &BOTH).exits(6);
    assert!(run.stdout.contains("no answer within 10 s"), "{run:?}");
    take_out(&counter, card);
    nothing_has_moved(&counter);
}

#[test]
fn an_answer_without_a_byte_hangs_nobody() {
    let (counter, _sam) = counter_with_sam();
    let selected = when_selected(&status(Role::Purse, party(1), 3));
    let card = counter.scripted_card(PURSE_SLOT, &[selected, "54=empty".into(), "6985".into()]);
    json_within(LATER, &counter, &["pay", "1"], &BOTH).exits(6);
    json_within(LATER, &counter, &["readers"], &[]).exits(0);
    take_out(&counter, card);
    nothing_has_moved(&counter);
}

/// One command with this limit in milliseconds: what came, and after how long.
fn probe(counter: &Counter, limit: u64) -> (u64, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reader-probe"));
    command.args([PURSE_SLOT, &limit.to_string(), "805C000000"]).stdin(Stdio::null());
    counter.service.client(&mut command);
    let run = run_within(SOON, command).exits(0);
    let (took, what) = run.stdout.trim().split_once(' ').unwrap();
    (took.parse().unwrap(), what.to_owned())
}

#[test]
fn the_limit_is_that_of_the_whole_command() {
    let counter = Counter::new();
    let mut took = Vec::new();
    for script in ["slow 016101", "silent", "empty"] {
        let card = counter.scripted_card(PURSE_SLOT, &[script.to_owned()]);
        let (time, what) = probe(&counter, 1000);
        assert!(what.contains("TimedOut"), "{script}: {what}");
        took.push(time);
        take_out(&counter, card);
    }
    // Sixteen answers of 400 ms would be more.
    assert!(took.iter().all(|time| (1000..4000).contains(time)), "{took:?}");
    let _card = counter.scripted_card(PURSE_SLOT, &["slow 9000".to_owned()]);
    assert_eq!(probe(&counter, 5000).1, "9000");
}

/// A service that takes every connection, says this, and nothing more.
fn false_service(directory: &Path, name: &str, says: Vec<u8>) -> PathBuf {
    let path = directory.join(name);
    let listener = UnixListener::bind(&path).unwrap();
    thread::spawn(move || {
        let mut taken = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.write_all(&says);
            taken.push(stream);
        }
    });
    path
}

#[test]
fn a_service_that_says_nothing_or_nonsense_is_given_up() {
    let home = Home::with_money();
    let directory = tempfile::tempdir().unwrap();
    let nonsense = (0..10_000).map(|place| u8::try_from(place * 7 % 251).unwrap()).collect();
    let sockets = [
        false_service(directory.path(), "silent", Vec::new()),
        // It has no readers.
        false_service(directory.path(), "zeroes", vec![0; 10_000]),
        false_service(directory.path(), "nonsense", nonsense),
    ];
    let commands: [&[&str]; 3] =
        [&["readers"], &["balance", "--reader", "x"], &["pay", "1", "--reader", "x", "--wait", "2"]];
    thread::scope(|scope| {
        let mut runs = Vec::new();
        for socket in &sockets {
            for arguments in commands {
                let mut command = home.command(&[&["--json"], arguments].concat());
                command.env("PCSCLITE_CSOCK_NAME", socket);
                runs.push((socket, scope.spawn(move || run_to_its_end(LATER, command))));
            }
        }
        for (socket, run) in runs {
            let run = run.join().unwrap();
            let has_none = socket.ends_with("zeroes") && run.code == 0;
            assert!(has_none || run.code == 3 && run.json()["error"]["kind"] == "no_card", "{run:#?}");
            // `pcsc` panics at an answer that it does not know; that ends its thread, and is an error like others.
            assert!(!run.stderr.contains("panicked") || socket.ends_with("nonsense"), "{run:#?}");
        }
    });
    assert_eq!((home.balance("card"), home.audit()), ("30.00".to_owned(), "0.00".to_owned()));
}

#[test]
fn a_service_that_stops_in_mid_wait_is_given_up() {
    let counter = Counter::new();
    let socket = counter.service.socket().into_os_string().into_string().unwrap();
    let process = socket.split('/').nth(2).unwrap().to_owned();
    let signal = |name: &str| {
        assert!(Command::new("kill").args([name, &process]).status().unwrap().success());
    };
    let command = counter.command(&["--json", "balance", "--reader", PURSE_SLOT, "--wait", "3"]);
    let run = thread::scope(|scope| {
        let run = scope.spawn(|| run_within(LATER, command));
        sleep(Duration::from_millis(1500));
        signal("-STOP");
        let run = run.join();
        signal("-CONT");
        run.unwrap()
    });
    assert!(run.exits(3).stdout.contains("no answer within 10 s"));
    until("the service is back", || (counter.run(&["readers"]).code == 0).then_some(()));
}
