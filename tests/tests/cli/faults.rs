//! The program under faults: power cut at each program operation, each response lost, killed at random points. After
//! `recover` the balances are those of before or of after, and the audit adds up.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use crate::support::Home;

/// A command with what the balances of card and SAM are before and after it, from [`Home::with_money`] on.
const COMMANDS: [(&[&str], [&str; 2], [&str; 2]); 5] = [
    (&["load", "5.00"], ["30.00", "20.00"], ["35.00", "20.00"]),
    (&["pay", "5.00"], ["30.00", "20.00"], ["25.00", "25.00"]),
    (&["refund", "5.00"], ["30.00", "20.00"], ["35.00", "15.00"]),
    (&["unload", "5.00"], ["30.00", "20.00"], ["25.00", "20.00"]),
    (&["collect"], ["30.00", "20.00"], ["30.00", "0.00"]),
];

/// Runs a command with a fault at each place, until no place is left.
fn sweep(option: &str) {
    let start = Home::with_money();
    for (command, before, after) in COMMANDS {
        let mut unharmed = 0;
        let mut unknown = 0;
        for place in 1..60 {
            let home = start.copy();
            let number = place.to_string();
            let arguments: Vec<&str> = command.iter().copied().chain([option, number.as_str()]).collect();
            let run = home.run(&arguments);
            assert!([0, 3, 6].contains(&run.code), "{arguments:?}: {run:#?}");
            assert!(run.code == 0 || run.stderr.contains("error: "), "{arguments:?}: {run:#?}");
            home.audit();
            home.run(&["recover"]).exits(0);
            let found = [home.balance("card"), home.balance("sam")];
            match run.code {
                0 => assert_eq!(found, after, "{arguments:?}: {run:#?}"),
                3 => assert_eq!(found, before, "{arguments:?}: {run:#?}"),
                _ => assert!(found == before || found == after, "{arguments:?}: {found:?} {run:#?}"),
            }
            assert_eq!(home.audit(), "0.00", "{arguments:?}");
            assert_eq!(home.run(&["recover"]).exits(0).stdout, "nothing to recover\n");
            unharmed = if run.code == 0 { unharmed + 1 } else { 0 };
            unknown += usize::from(run.code == 6);
            // A cut after the last answer leaves the command as it is, so one success is not the end yet.
            if unharmed == 4 {
                break;
            }
        }
        assert_eq!(unharmed, 4, "{command:?} never comes to its end");
        assert!(unknown > 0, "{command:?}: no place was dangerous, which is no test");
    }
}

#[test]
fn power_may_fail_at_every_program_operation() {
    sweep("--cut");
}

#[test]
fn every_response_may_be_lost() {
    sweep("--lose");
}

#[test]
fn a_lost_debit_is_in_flight_until_it_is_recovered() {
    let home = Home::with_money();
    let error = home.run(&["--json", "pay", "5.00", "--lose", "4"]).exits(6).json();
    assert_eq!(error["error"]["exit_code"], 6);
    assert_eq!(error["error"]["kind"], "outcome_unknown");
    assert!(error["error"]["next"].as_str().unwrap().contains("purse recover"));
    assert_eq!(home.audit(), "5.00");
    let recovered = home.json(&["recover"]);
    assert_eq!(recovered["items"][0]["outcome"], "settled");
    assert_eq!((home.balance("card"), home.balance("sam")), ("25.00".to_owned(), "25.00".to_owned()));
    assert_eq!(home.audit(), "0.00");
}

/// Delays that fall into every part of a run of about 50 ms.
fn delays(count: u64) -> impl Iterator<Item = Duration> {
    (0..count).map(|round| Duration::from_micros(round * 7919 % 60_000))
}

#[test]
fn a_kill_at_any_time_leaves_cards_and_books_that_recover() {
    let home = Home::with_money();
    for (round, delay) in delays(36).enumerate() {
        let (command, _, _) = COMMANDS[round % COMMANDS.len()];
        let command: Vec<&str> =
            command.iter().map(|word| if *word == "5.00" { "0.10" } else { word }).collect();
        let mut child = home.command(&command).stdout(std::process::Stdio::null()).spawn().unwrap();
        sleep(delay);
        let _ = child.kill();
        child.wait().unwrap();
        home.run(&["recover"]).exits(0);
        assert_eq!(home.audit(), "0.00", "{command:?} killed after {delay:?}");
    }
}

#[test]
fn a_kill_during_init_leaves_a_whole_home_or_none() {
    for delay in delays(24) {
        let home = Home::none();
        let mut child = home.command(&["init"]).stdout(std::process::Stdio::null()).spawn().unwrap();
        sleep(delay * 2);
        let _ = child.kill();
        child.wait().unwrap();
        if !home.path().exists() {
            home.run(&["init"]).exits(0);
        }
        let beside = fs::read_dir(home.path().parent().unwrap()).unwrap().count();
        assert_eq!(beside, 1, "nothing half made is left");
        home.run(&["load", "1.00"]).exits(0);
        home.run(&["pay", "1.00"]).exits(0);
        assert_eq!(home.audit(), "0.00");
    }
}
