//! Transfers with the real pcscd: both purses in readers, one in a reader, and one reader for both in turn.
#![cfg(all(feature = "pcsc", target_os = "linux"))]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Stdio};

use crate::cli_support::Home;
use crate::support::{Background, Counter, PURSE_SLOT, SAM_SLOT};
use serde_json::Value;

fn two_holders() -> Home {
    let home = Home::with_money();
    home.run(&["card", "new", "bob"]).exits(0);
    home
}

fn balances(counter: &Counter) -> (String, String) {
    (counter.home.balance("card"), counter.home.balance("bob"))
}

#[test]
fn two_purses_in_two_readers_pay_each_other() {
    for options in [&[][..], &["--t0"]] {
        let counter = Counter::with_home(two_holders());
        let cards = [counter.serve("card", PURSE_SLOT, options), counter.serve("bob", SAM_SLOT, options)];
        let there = ["transfer", "5.00", "--reader", PURSE_SLOT, "--to-reader", SAM_SLOT];
        let done = counter.run(&there).exits(0);
        assert!(done.stdout.starts_with("transferred 5.00 EUR from"), "{done:?}");
        let back = ["transfer", "2.00", "--reader", SAM_SLOT, "--to-reader", PURSE_SLOT];
        assert_eq!(counter.json(&back)["balance"], "3.00");
        assert_eq!((counter.balance(PURSE_SLOT), counter.balance(SAM_SLOT)), ("27.00".into(), "3.00".into()));
        let same = ["transfer", "2.00", "--reader", SAM_SLOT, "--to-reader", SAM_SLOT];
        counter.run(&same).exits(2);
        for card in cards {
            assert_eq!(card.interrupt(), Some(0));
        }
        assert_eq!(counter.home.audit(), "0.00");
    }
}

#[test]
fn a_purse_in_a_reader_pays_a_virtual_one_and_is_paid_by_it() {
    let counter = Counter::with_home(two_holders());
    let card = counter.serve("card", PURSE_SLOT, &[]);
    counter.run(&["transfer", "5.00", "--reader", PURSE_SLOT, "--to-card", "bob"]).exits(0);
    counter.run(&["transfer", "1.50", "--card", "bob", "--to-reader", PURSE_SLOT]).exits(0);
    assert_eq!(card.interrupt(), Some(0));
    assert_eq!(balances(&counter), ("26.50".into(), "3.50".into()));
    assert_eq!(counter.home.audit(), "0.00");
}

/// `transfer --taps`, and what it asks for.
struct Taps {
    child: Child,
    lines: BufReader<ChildStderr>,
}

impl Taps {
    fn begin(counter: &Counter, arguments: &[&str]) -> Self {
        let options = ["--json", "transfer", "--taps", "--reader", PURSE_SLOT];
        let mut command = counter.command(&[&options, arguments].concat());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null());
        let mut child = command.spawn().expect("the program runs");
        let lines = BufReader::new(child.stderr.take().expect("a pipe"));
        Self { child, lines }
    }

    /// Reads on until a line has this in it.
    #[track_caller]
    fn says(&mut self, part: &str) {
        let mut all = String::new();
        loop {
            let from = all.len();
            assert_ne!(self.lines.read_line(&mut all).expect("a line"), 0, "{part} in {all}");
            if all[from..].contains(part) {
                return;
            }
        }
    }

    fn end(mut self) -> (i32, Value) {
        let mut rest = String::new();
        let _ = self.lines.read_to_string(&mut rest);
        let output = self.child.wait_with_output().expect("it ends");
        let text = String::from_utf8(output.stdout).expect("text");
        let document = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}{rest}"));
        (output.status.code().expect("an exit code"), document)
    }

    fn kill(mut self) {
        self.child.kill().expect("it runs");
        let _ = self.child.wait();
    }
}

/// Holds this card to the reader until the program says that it may go.
#[track_caller]
fn tap(counter: &Counter, taps: &mut Taps, card: &str, said: &str) {
    let held = counter.serve(card, PURSE_SLOT, &[]);
    taps.says(said);
    take_away(counter, taps, held);
}

#[track_caller]
fn take_away(counter: &Counter, taps: &mut Taps, held: Background) {
    taps.says("take the card away");
    assert_eq!(held.interrupt(), Some(0));
    counter.wait_until_empty(PURSE_SLOT);
}

#[test]
fn payer_and_payee_are_held_to_one_reader_in_turn() {
    let counter = Counter::with_home(two_holders());
    let mut taps = Taps::begin(&counter, &["5.00"]);
    taps.says("hold the payer's card to the reader");
    tap(&counter, &mut taps, "card", "an offer");
    taps.says("hold the payee's card to the reader");
    // The same card again is nobody's payee.
    tap(&counter, &mut taps, "card", "that is the same card again");
    tap(&counter, &mut taps, "bob", "asked for, nothing has moved");
    taps.says("hold the payer's card");
    tap(&counter, &mut taps, "card", "debited, and in flight");
    taps.says("hold the payee's card");
    tap(&counter, &mut taps, "bob", "the payee has it");
    let card = counter.serve("card", PURSE_SLOT, &[]);
    let (code, document) = taps.end();
    assert_eq!((code, &document["outcome"], &document["taps"]), (0, &"settled".into(), &6.into()));
    assert_eq!(card.interrupt(), Some(0));
    assert_eq!(balances(&counter), ("25.00".into(), "5.00".into()));
    assert_eq!(counter.home.run(&["recover"]).exits(0).stdout, "nothing to recover\n");
    assert_eq!(counter.home.audit(), "0.00");
}

#[test]
fn a_terminal_that_is_killed_between_two_taps_goes_on_where_it_was() {
    let counter = Counter::with_home(two_holders());
    let mut taps = Taps::begin(&counter, &["5.00"]);
    tap(&counter, &mut taps, "card", "an offer");
    taps.kill();
    let mut taps = Taps::begin(&counter, &[]);
    tap(&counter, &mut taps, "bob", "asked for");
    taps.kill();
    let mut taps = Taps::begin(&counter, &[]);
    tap(&counter, &mut taps, "card", "debited");
    taps.kill();
    // Another amount is another transfer, and this one is not over.
    let other = counter.run(&["transfer", "1.00", "--taps", "--reader", PURSE_SLOT]).exits(2);
    assert!(other.stderr.contains("debited, and in flight until the payee has had this letter"), "{other:?}");
    let mut taps = Taps::begin(&counter, &[]);
    tap(&counter, &mut taps, "bob", "the payee has it");
    taps.kill();
    let taps = Taps::begin(&counter, &[]);
    let card = counter.serve("card", PURSE_SLOT, &[]);
    let (code, document) = taps.end();
    assert_eq!((code, &document["outcome"]), (0, &"settled".into()));
    assert_eq!(card.interrupt(), Some(0));
    assert_eq!(balances(&counter), ("25.00".into(), "5.00".into()));
    let none = counter.run(&["transfer", "--taps", "--reader", PURSE_SLOT]).exits(2);
    assert!(none.stderr.contains("no transfer is under way"), "{none:?}");
    assert_eq!(counter.home.audit(), "0.00");
}

#[test]
fn a_transfer_that_is_abandoned_in_flight_is_in_the_payers_log() {
    let counter = Counter::with_home(two_holders());
    let mut taps = Taps::begin(&counter, &["5.00"]);
    tap(&counter, &mut taps, "card", "an offer");
    tap(&counter, &mut taps, "bob", "asked for");
    tap(&counter, &mut taps, "card", "debited");
    taps.kill();
    let gone = counter.run(&["transfer", "--taps", "--abandon", "--reader", PURSE_SLOT]).exits(0);
    assert!(gone.stdout.contains("purse proof export"), "{gone:?}");
    assert_eq!(balances(&counter), ("25.00".into(), "0.00".into()));
    let recovered = counter.home.run(&["recover"]).exits(0);
    assert!(recovered.stdout.contains("done, the payee has it"), "{recovered:?}");
    assert_eq!(balances(&counter), ("25.00".into(), "5.00".into()));
    assert_eq!(counter.home.audit(), "0.00");
}
