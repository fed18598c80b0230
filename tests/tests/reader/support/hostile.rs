//! Hostile cards in a counter's readers, commands that have to end in time, and where the money is afterwards.

use std::fs::File;
use std::io::{Read, Seek};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use apdu_spec::element::{Amount, Expiry, Role, Sequence};
use apdu_spec::file::purse_control;
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::number::PartyNumber;
use apdu_spec::status_block::StatusBlock;
use purse_tests::scheme::{VERSION, eur};

use super::{Background, Counter, PURSE_SLOT, SAM_SLOT, until};
use crate::cli_support::{Home, Run};

/// What a command may take that meets no silence, on a machine that is busy.
pub(crate) const SOON: Duration = Duration::from_secs(20);
/// The same with one silence of ten seconds in it.
pub(crate) const LATER: Duration = Duration::from_secs(35);
/// Commands that cannot come to a good end with a card that is none.
const MOVES: [&str; 4] = ["pay", "load", "refund", "unload"];

/// Runs a command to its end, which has to come in time and be none of a panic.
#[track_caller]
pub(crate) fn run_within(limit: Duration, command: Command) -> Run {
    let run = run_to_its_end(limit, command);
    assert!(!run.stderr.contains("panicked"), "{run:#?}");
    run
}

#[track_caller]
pub(crate) fn run_to_its_end(limit: Duration, mut command: Command) -> Run {
    let mut files = [tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap()];
    let [stdout, stderr] = files.each_ref().map(|file| file.try_clone().unwrap());
    let mut child = command.stdout(stdout).stderr(stderr).spawn().unwrap();
    let deadline = Instant::now() + limit;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            panic!("{command:?} did not end within {limit:?}: {}", text(&mut files[1]));
        }
        sleep(Duration::from_millis(5));
    };
    let [stdout, stderr] = files.each_mut().map(text);
    let run = Run { code: status.code().unwrap_or(-1), stdout, stderr };
    assert!((0..=7).contains(&run.code), "{command:?}: {run:#?}");
    run
}

fn text(file: &mut File) -> String {
    let mut text = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    text
}

/// Runs the program with this card in the purse's reader; its document says what has happened.
#[track_caller]
pub(crate) fn json_within(limit: Duration, counter: &Counter, arguments: &[&str], readers: &[&str]) -> Run {
    let run = run_within(limit, counter.command(&[&["--json"], arguments, readers].concat()));
    let document = run.json();
    if let Some(error) = document.get("error") {
        assert_eq!(error["exit_code"], run.code, "{run:#?}");
        for field in ["message", "money", "next"] {
            assert!(!error[field].as_str().unwrap().is_empty(), "{field}: {run:#?}");
        }
    } else {
        let is_told = run.code == 0 || ["recover", "collect"].contains(&arguments[0]);
        assert!(is_told, "{run:#?}");
    }
    if MOVES.contains(&arguments[0]) {
        assert_ne!(run.code, 0, "{arguments:?}: {run:#?}");
    }
    run
}

/// With 30.00 on the purse and 20.00 in the SAM, which is in its reader; the purse's is free.
pub(crate) fn counter_with_sam() -> (Counter, Background) {
    let counter = Counter::with_home(Home::with_money());
    let sam = counter.serve("sam", SAM_SLOT, &[]);
    (counter, sam)
}

/// Takes a card out that was in the middle of something. pcscd looks at a slot about twice a second: a card that comes
/// before it has looked would be taken for the one that has left.
#[track_caller]
pub(crate) fn take_out(counter: &Counter, card: Background) {
    drop(card);
    let mut empty_since = None;
    until("no card for a while", || {
        let is_empty = counter.reader(PURSE_SLOT)["card"] == "none";
        empty_since = empty_since.or_else(|| Some(Instant::now())).filter(|_| is_empty);
        empty_since.filter(|since| since.elapsed() > Duration::from_secs(1))
    });
}

/// The honest purse comes in the hostile one's place: nothing has changed, and it pays.
#[track_caller]
pub(crate) fn nothing_has_moved(counter: &Counter) {
    counter.wait_until_empty(PURSE_SLOT);
    let _purse = counter.serve("card", PURSE_SLOT, &[]);
    counter.run_both(&["recover"]).exits(0);
    assert_eq!((counter.balance(PURSE_SLOT), counter.balance(SAM_SLOT)), ("30.00".into(), "20.00".into()));
    assert_eq!(counter.audit(), "0.00");
    counter.run_both(&["pay", "1"]).exits(0);
    assert_eq!(counter.balance(SAM_SLOT), "21.00");
}

pub(crate) fn status(role: Role, number: PartyNumber, sequence: u32) -> StatusBlock {
    StatusBlock {
        life_cycle: LifeCycle::Active,
        role,
        number,
        key_version: VERSION,
        sequence: Sequence(sequence),
        currency: eur(),
        exponent: 2,
        balance: Amount(50_00),
        expiry: Expiry([0x99, 0x12]),
        maximum_balance: Amount(150_00),
    }
}

pub(crate) fn done(data: &[u8]) -> String {
    hex::encode(data) + "9000"
}

pub(crate) fn selected(status: &StatusBlock) -> String {
    done(&purse_control(status))
}

/// SELECT only.
pub(crate) fn when_selected(status: &StatusBlock) -> String {
    format!("A4={}", selected(status))
}
