//! `purse balance --watch` shows what each card holds that comes; and a disposable card is made in a reader.
#![cfg(all(feature = "pcsc", target_os = "linux"))]

use std::io::{BufRead, BufReader};
use std::process::{ChildStdout, Stdio};

use crate::cli_support::Home;
use crate::support::{Background, Counter, PURSE_SLOT};
use serde_json::Value;

/// A balance reader, and what it shows.
struct Watch {
    process: Background,
    lines: BufReader<ChildStdout>,
}

impl Watch {
    fn open(counter: &Counter, arguments: &[&str]) -> Self {
        let mut command =
            counter.command(&[&["--json", "balance", "--watch", "--reader", PURSE_SLOT], arguments].concat());
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program runs");
        let lines = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { process: Background { child }, lines }
    }

    /// Its next event, which has to be this one.
    #[track_caller]
    fn shows(&mut self, event: &str) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line");
        let document: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!((&document["schema"], &document["command"]), (&1.into(), &"balance".into()), "{line}");
        assert_eq!(document["event"], event, "{line}");
        document
    }
}

fn take_out(counter: &Counter, card: Background) {
    assert_eq!(card.interrupt(), Some(0));
    counter.wait_until_empty(PURSE_SLOT);
}

#[test]
fn each_card_shows_what_it_holds_when_it_comes() {
    let home = Home::with_money();
    home.run(&["pocket", "add", "USD"]).exits(0);
    home.run(&["card", "new", "locked"]).exits(0);
    home.run_with("PURSE_PIN", "1234", &["lock", "--card", "locked"]).exits(0);
    let counter = Counter::with_home(home);
    let mut watch = Watch::open(&counter, &[]);
    for _ in 0..2 {
        let card = counter.serve("card", PURSE_SLOT, &[]);
        let shown = watch.shows("balance");
        assert_eq!((&shown["balance"], &shown["currency"]), (&"30.00".into(), &"EUR".into()));
        assert_eq!(shown["pockets"][1]["currency"], "USD");
        assert_eq!(shown["life_cycle"], "active");
        take_out(&counter, card);
    }
    let locked = counter.serve("locked", PURSE_SLOT, &["--t0"]);
    let refused = watch.shows("not_shown");
    assert!(refused["error"]["message"].as_str().unwrap().contains("is locked"), "{refused:#}");
    take_out(&counter, locked);
    watch.process.signal("INT");
    assert_eq!(watch.shows("closed")["cards"], 3);
    assert_eq!(watch.process.wait(), Some(0));
    // Nothing has changed by being looked at.
    assert_eq!((counter.home.balance("card"), counter.home.audit()), ("30.00".into(), "0.00".into()));
}

#[test]
fn it_ends_when_nobody_comes() {
    let counter = Counter::with_home(Home::new());
    let mut watch = Watch::open(&counter, &["--wait", "1"]);
    assert_eq!(watch.shows("closed")["cards"], 0);
    assert_eq!(watch.process.wait(), Some(0));
}

/// What the purses hold, what is in flight, and what is in the accounts, of an audit that adds up.
#[track_caller]
fn sums(home: &Home) -> [String; 3] {
    let audit = home.json(&["audit"]);
    assert_eq!(audit["adds_up"], true, "{audit:#}");
    ["purses", "in_flight", "accounts"].map(|name| audit["currencies"][0][name].as_str().unwrap().to_owned())
}

/// The card leaves as it gives each of its answers: nothing was begun, or it is the card with its value.
#[test]
fn a_disposable_card_made_in_a_reader_is_there_or_its_value_goes_back() {
    let new = ["card", "new", "--reader", PURSE_SLOT, "--disposable", "--value", "20.00"];
    let counter = Counter::with_home(Home::new());
    let mut made = 0;
    for lost in 1..20 {
        let name = format!("gift{lost}");
        counter.home.run(&["card", "new", &name, "--blank"]).exits(0);
        let mut card = counter.serve(&name, PURSE_SLOT, &["--lose", &lost.to_string()]);
        let run = counter.run(&new);
        if run.code == 0 {
            take_out(&counter, card);
            assert_eq!(counter.home.balance(&name), "20.00");
            assert!(made > 0, "no response was dangerous, which is no test");
            return;
        }
        assert_eq!(card.wait(), Some(0));
        counter.wait_until_empty(PURSE_SLOT);
        let before = sums(&counter.home);
        if before[1] == "0.00" && before[0] == "0.00" {
            // Nothing was begun.
            assert_eq!(before[2], "100.00");
            continue;
        }
        assert!(run.stderr.contains("20.00 EUR are out for card"), "{lost}: {run:#?}");
        let card = counter.serve(&name, PURSE_SLOT, &[]);
        let recovered = counter.run(&["recover", "--reader", PURSE_SLOT]);
        take_out(&counter, card);
        if !recovered.stdout.contains("was issued: it is there") {
            // It has not taken its last block, and stays blank.
            assert!(recovered.stderr.contains("is blank"), "{lost}: {recovered:#?}");
            let number = run.stderr.split("are out for card ").nth(1).expect("a number").get(..16).unwrap();
            counter.home.run(&["card", "withdraw", number, "--yes"]).exits(0);
            assert_eq!(sums(&counter.home), ["0.00", "0.00", "100.00"]);
            continue;
        }
        made += 1;
        assert_eq!(sums(&counter.home), ["20.00", "0.00", "80.00"]);
        counter.home.run(&["unload", "20.00", "--card", &name]).exits(0);
        assert_eq!(sums(&counter.home), ["0.00", "0.00", "100.00"]);
    }
    panic!("the card is never made");
}
