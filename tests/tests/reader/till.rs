//! `purse till`: cards come and go at the counter, and each pays once.
#![cfg(all(feature = "pcsc", target_os = "linux"))]

use std::io::{BufRead, BufReader};
use std::process::{ChildStdout, Stdio};

use crate::cli_support::Home;
use crate::support::{Background, Counter, PURSE_SLOT, SAM_SLOT, port};
use serde_json::Value;

/// An open till, and what it says.
struct Till {
    process: Background,
    lines: BufReader<ChildStdout>,
}

impl Till {
    fn open(counter: &Counter, arguments: &[&str]) -> Self {
        let mut command =
            counter.command(&[&["--json", "till", "1.00", "--reader", PURSE_SLOT], arguments].concat());
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program runs");
        let lines = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { process: Background { child }, lines }
    }

    /// Its next event, which has to be this one.
    #[track_caller]
    fn says(&mut self, event: &str) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line");
        let document: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!((&document["schema"], &document["command"]), (&1.into(), &"till".into()), "{line}");
        assert_eq!(document["event"], event, "{line}");
        document
    }
}

/// 50.00 on the card of a holder called bob too.
fn two_holders() -> Home {
    let home = Home::with_money();
    home.run(&["card", "new", "bob"]).exits(0);
    home.run(&["load", "10.00", "--card", "bob"]).exits(0);
    home
}

fn take_out(counter: &Counter, card: Background) {
    assert_eq!(card.interrupt(), Some(0));
    counter.wait_until_empty(PURSE_SLOT);
}

#[test]
fn each_card_pays_once_however_often_it_comes() {
    let counter = Counter::with_home(two_holders());
    let mut till = Till::open(&counter, &[]);
    let card = counter.serve("card", PURSE_SLOT, &[]);
    let paid = till.says("paid");
    assert_eq!((&paid["amount"], &paid["balance"]), (&"1.00".into(), &"29.00".into()));
    take_out(&counter, card);
    let card = counter.serve("card", PURSE_SLOT, &[]);
    assert_eq!(till.says("paid_already")["number"], paid["number"]);
    take_out(&counter, card);
    let bob = counter.serve("bob", PURSE_SLOT, &["--t0"]);
    assert_eq!(till.says("paid")["balance"], "9.00");
    take_out(&counter, bob);
    till.process.signal("INT");
    let closed = till.says("closed");
    assert_eq!((&closed["payments"], &closed["total"]), (&2.into(), &"2.00".into()));
    assert_eq!(till.process.wait(), Some(0));
    assert_eq!((counter.home.balance("card"), counter.home.balance("sam")), ("29.00".into(), "22.00".into()));
    assert_eq!(counter.home.audit(), "0.00");
}

#[test]
fn a_card_may_pay_again_where_that_is_wanted_and_the_till_closes_after_so_many() {
    let counter = Counter::with_home(Home::with_money());
    let mut till = Till::open(&counter, &["--again", "--count", "2"]);
    for balance in ["29.00", "28.00"] {
        let card = counter.serve("card", PURSE_SLOT, &[]);
        assert_eq!(till.says("paid")["balance"], balance);
        take_out(&counter, card);
    }
    assert_eq!(till.says("closed")["payments"], 2);
    assert_eq!(till.process.wait(), Some(0));
}

#[test]
fn a_card_that_is_pulled_out_too_early_comes_again_and_has_paid_once() {
    let counter = Counter::with_home(two_holders());
    let mut till = Till::open(&counter, &[]);
    // SELECT, then DEBIT. It has left again before anybody else could look.
    let mut card = counter.start_serving("card", PURSE_SLOT, port(PURSE_SLOT), &["--lose", "2"]);
    let unknown = till.says("unknown");
    assert_eq!(unknown["error"]["exit_code"], 6, "{unknown:#}");
    assert_eq!(card.wait(), Some(0));
    counter.wait_until_empty(PURSE_SLOT);
    // Somebody else comes first.
    let bob = counter.serve("bob", PURSE_SLOT, &[]);
    assert_eq!(till.says("paid")["balance"], "9.00");
    take_out(&counter, bob);
    let card = counter.serve("card", PURSE_SLOT, &[]);
    assert_eq!(till.says("paid")["number"], unknown["number"]);
    take_out(&counter, card);
    till.process.signal("TERM");
    assert_eq!(till.says("closed")["payments"], 2);
    assert_eq!(till.process.wait(), Some(0));
    assert_eq!((counter.home.balance("card"), counter.home.balance("bob")), ("29.00".into(), "9.00".into()));
    assert_eq!((counter.home.balance("sam"), counter.home.audit()), ("22.00".into(), "0.00".into()));
}

#[test]
fn a_card_that_cannot_pay_is_told_so_and_the_till_goes_on() {
    let counter = Counter::with_home(two_holders());
    counter.run(&["card", "new", "poor"]).exits(0);
    counter.run(&["card", "new", "blank", "--blank"]).exits(0);
    let mut till = Till::open(&counter, &["--wait", "30"]);
    for (card, message) in [("poor", "not enough value"), ("blank", "is blank")] {
        let card = counter.serve(card, PURSE_SLOT, &[]);
        let refused = till.says("not_paid");
        assert!(refused["error"]["message"].as_str().unwrap().contains(message), "{refused:#}");
        take_out(&counter, card);
    }
    let bob = counter.serve("bob", PURSE_SLOT, &[]);
    till.says("paid");
    take_out(&counter, bob);
    till.process.signal("INT");
    assert_eq!(till.says("closed")["payments"], 1);
    assert_eq!(till.process.wait(), Some(0));
}

#[test]
fn nobody_comes_and_the_till_closes() {
    let counter = Counter::with_home(Home::with_money());
    let mut till = Till::open(&counter, &["--wait", "1"]);
    assert_eq!(till.says("closed")["payments"], 0);
    assert_eq!(till.process.wait(), Some(0));
    let error = counter.run(&["till", "1.00", "--reader", "Omnikey"]).exits(3);
    assert!(error.stderr.contains("no reader is called"), "{error:?}");
    counter.run(&["till", "nothing", "--reader", PURSE_SLOT]).exits(2);
}

#[test]
fn an_amount_that_needs_a_pin_is_not_taken() {
    let counter = Counter::with_home(Home::with_money());
    let _card = counter.serve("card", PURSE_SLOT, &[]);
    let mut command = counter.command(&["--json", "till", "26.00", "--reader", PURSE_SLOT, "--wait", "30"]);
    // The PIN of one card is no other's: a wrong one would cost each a try.
    let mut child = command.env("PURSE_PIN", "1234").stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    let mut till = Till { process: Background { child }, lines };
    let refused = till.says("not_paid");
    assert_eq!(refused["error"]["exit_code"], 5, "{refused:#}");
    till.process.signal("INT");
    till.says("closed");
    assert_eq!(counter.balance(PURSE_SLOT), "30.00");
}

#[test]
fn the_reader_of_the_sam_is_for_no_customer() {
    let counter = Counter::with_home(Home::with_money());
    let _sam = counter.serve("sam", SAM_SLOT, &[]);
    let mut command = counter.command(&["--json", "till", "1.00", "--sam-reader", SAM_SLOT, "--count", "1"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    let mut till = Till { process: Background { child }, lines };
    let _card = counter.serve("card", PURSE_SLOT, &[]);
    assert_eq!(till.says("paid")["balance"], "29.00");
    assert_eq!(till.says("closed")["payments"], 1);
    assert_eq!(till.process.wait(), Some(0));
    assert_eq!(counter.balance(SAM_SLOT), "21.00");
}

#[test]
fn a_till_that_closes_with_an_outcome_unknown_says_so() {
    let counter = Counter::with_home(Home::with_money());
    let mut till = Till::open(&counter, &[]);
    let mut card = counter.start_serving("card", PURSE_SLOT, port(PURSE_SLOT), &["--lose", "2"]);
    let unknown = till.says("unknown");
    assert_eq!(card.wait(), Some(0));
    till.process.signal("INT");
    let closed = till.says("closed");
    assert_eq!((&closed["payments"], &closed["unsettled"][0]), (&0.into(), &unknown["number"]));
    assert_eq!(till.process.wait(), Some(6));
}

#[test]
fn two_customers_at_once_are_served_one_after_the_other() {
    let counter = Counter::with_home(two_holders());
    let [card, _bob] = [counter.serve("card", PURSE_SLOT, &[]), counter.serve("bob", SAM_SLOT, &[])];
    let mut command = counter.command(&["--json", "till", "1.00", "--count", "2", "--wait", "30"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    let mut till = Till { process: Background { child }, lines };
    assert_eq!(till.says("paid")["balance"], "29.00");
    take_out(&counter, card);
    assert_eq!(till.says("paid")["balance"], "9.00");
    assert_eq!(till.says("closed")["payments"], 2);
    assert_eq!(till.process.wait(), Some(0));
}

#[test]
fn a_till_takes_another_currency_from_cards_that_have_it() {
    let home = two_holders();
    home.run(&["rate", "set", "EUR", "USD", "2"]).exits(0);
    home.run(&["pocket", "add", "USD"]).exits(0);
    home.run(&["pocket", "add", "USD", "--sam", "sam"]).exits(0);
    home.run(&["exchange", "5.00", "EUR", "USD"]).exits(0);
    let counter = Counter::with_home(home);
    let mut till = Till::open(&counter, &["--currency", "USD", "--count", "1"]);
    let bob = counter.serve("bob", PURSE_SLOT, &[]);
    let refused = till.says("not_paid");
    assert!(refused["error"]["message"].as_str().unwrap().contains("has no pocket for USD"), "{refused:#}");
    take_out(&counter, bob);
    let card = counter.serve("card", PURSE_SLOT, &[]);
    assert_eq!(till.says("paid")["balance"], "9.00");
    let closed = till.says("closed");
    assert_eq!((&closed["total"], &closed["payments"]), (&"1.00".into(), &1.into()));
    assert_eq!(till.process.wait(), Some(0));
    take_out(&counter, card);
    assert_eq!((counter.home.balance("card"), counter.home.audit()), ("25.00".into(), "0.00".into()));
}
