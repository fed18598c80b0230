//! A disposable card: made with value, never loaded, ended by itself when it is empty. The audit is right throughout.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use crate::support::Home;
use serde_json::{Value, json};

const NEW: [&str; 6] = ["card", "new", "gift", "--disposable", "--value", "20.00"];

/// What the audit, which has to add up, says of the purses, what is in flight, and all accounts together.
#[track_caller]
fn sums(home: &Home) -> [String; 3] {
    let audit = home.json(&["audit"]);
    assert_eq!(audit["adds_up"], true, "{audit:#}");
    let euro = audit["currencies"].as_array().unwrap().iter().find(|sums| sums["currency"] == "EUR");
    let euro = euro.expect("euros");
    ["purses", "in_flight", "accounts"].map(|name| euro[name].as_str().unwrap().to_owned())
}

fn state(home: &Home) -> Value {
    home.json(&["card", "show", "gift"])["life_cycle"].clone()
}

#[test]
fn a_disposable_card_lives_until_it_is_empty() {
    let home = Home::new();
    assert_eq!(sums(&home), ["0.00", "0.00", "100.00"]);
    let made = home.json(&NEW);
    assert_eq!(
        (&made["disposable"], &made["value"], &made["currency"]),
        (&json!(true), &json!("20.00"), &json!("EUR"))
    );
    assert_eq!(
        (home.balance("gift"), sums(&home)),
        ("20.00".to_owned(), ["20.00", "0.00", "80.00"].map(str::to_owned))
    );
    assert!(home.run(&["history", "--card", "gift"]).exits(0).stdout.contains("nothing yet"));

    let loaded = home.run(&["load", "1.00", "--card", "gift"]).exits(4);
    assert!(loaded.stderr.contains("is a disposable card: it takes no load"), "{loaded:?}");
    assert!(loaded.stderr.contains("No money has moved"), "{loaded:?}");
    assert_eq!(sums(&home), ["20.00", "0.00", "80.00"]);

    home.run(&["pay", "12.00", "--card", "gift"]).exits(0);
    home.run(&["refund", "2.00", "--card", "gift"]).exits(0);
    home.run(&["pay", "10.01", "--card", "gift"]).exits(4);
    assert_eq!((state(&home), sums(&home)), (json!("active"), ["10.00", "0.00", "80.00"].map(str::to_owned)));
    let last = home.json(&["pay", "10.00", "--card", "gift"]);
    assert_eq!((&last["balance"], state(&home)), (&json!("0.00"), json!("terminated")));
    let over = home.run(&["pay", "0.01", "--card", "gift"]).exits(4);
    assert!(over.stderr.contains("is terminated"), "{over:?}");
    home.run(&["load", "1.00", "--card", "gift"]).exits(4);
    home.run(&["unload", "1.00", "--card", "gift"]).exits(4);
    // It still shows what it was.
    assert_eq!(home.balance("gift"), "0.00");
    assert_eq!(home.json(&["history", "--card", "gift"])["records"].as_array().unwrap().len(), 3);
    assert_eq!(sums(&home), ["0.00", "0.00", "80.00"]);
    home.run(&["collect"]).exits(0);
    assert_eq!(sums(&home), ["0.00", "0.00", "100.00"]);
}

/// As long as a payment is open it could come back: the card ends when it is settled.
#[test]
fn an_open_payment_keeps_it_alive() {
    let home = Home::new();
    home.run(&NEW).exits(0);
    home.run(&["pay", "20.00", "--card", "gift", "--lose", "5"]).exits(6);
    assert_eq!(state(&home), "active");
    home.run(&["recover", "--card", "gift"]).exits(0);
    assert_eq!(
        (state(&home), sums(&home)),
        (json!("terminated"), ["0.00", "0.00", "80.00"].map(str::to_owned))
    );
}

#[test]
fn what_is_left_of_it_can_be_returned() {
    let home = Home::new();
    home.run(&NEW).exits(0);
    home.run(&["pay", "5.00", "--card", "gift"]).exits(0);
    home.run(&["pocket", "add", "USD", "--card", "gift"]).exits(0);
    home.run(&["rate", "set", "EUR", "USD", "1"]).exits(0);
    let exchanged = home.run(&["exchange", "5.00", "EUR", "USD", "--card", "gift"]).exits(4);
    assert!(exchanged.stderr.contains("takes no loads"), "{exchanged:?}");
    assert_eq!(sums(&home), ["15.00", "0.00", "80.00"]);
    home.run(&["unload", "15.00", "--card", "gift"]).exits(0);
    assert_eq!(
        (state(&home), sums(&home)),
        (json!("terminated"), ["0.00", "0.00", "95.00"].map(str::to_owned))
    );
}

#[test]
fn what_cannot_be_made_leaves_the_account_as_it_was() {
    let home = Home::new();
    let cases: [(&[&str], i32); 9] = [
        (&["gift", "--disposable"], 2),
        (&["gift", "--value", "20.00"], 2),
        (&["gift", "--disposable", "--value", "0"], 2),
        (&["gift", "--disposable", "--value", "20.001"], 2),
        (&["gift", "--disposable", "--value", "150.01"], 2),
        (&["gift", "--disposable", "--value", "100.01"], 7),
        (&["gift", "--disposable", "--value", "20.00", "--role", "merchant"], 2),
        (&["gift", "--disposable", "--value", "20.00", "--blank"], 2),
        (&["card", "--disposable", "--value", "20.00"], 2),
    ];
    for (arguments, code) in cases {
        let run = home.run(&[&["card", "new"][..], arguments].concat());
        assert_eq!(run.code, code, "{arguments:?}: {run:#?}");
        assert_eq!(sums(&home), ["0.00", "0.00", "100.00"], "{arguments:?}");
    }
    assert!(!home.card("gift").exists());
}

/// Puts the books back to where they are while a card is being made.
fn unfinish(home: &Home, name: Option<&str>) -> String {
    let number = home.json(&["card", "show", "gift"])["number"].as_str().unwrap().to_owned();
    let books = rusqlite::Connection::open(home.path().join("issuer.db")).unwrap();
    books.execute("INSERT INTO issues (card, name) VALUES (?1, ?2)", (&number, name)).unwrap();
    number
}

/// The program ended before the card was there.
#[test]
fn a_card_that_was_not_made_gives_its_value_back() {
    let home = Home::new();
    home.run(&NEW).exits(0);
    unfinish(&home, Some("gift"));
    let workshop = home.path().join("cards").join(".new-killed");
    fs::create_dir(&workshop).unwrap();
    fs::rename(home.card("gift"), workshop.join("gift.purse")).unwrap();
    assert_eq!(sums(&home), ["0.00", "20.00", "80.00"]);
    assert!(home.run(&["audit"]).stdout.contains("was being made with 20.00 EUR: run `purse recover`"));
    let told = home.run(&["recover"]).exits(0);
    assert!(told.stdout.contains("was not made: its value is back in its account"), "{told:?}");
    assert_eq!(sums(&home), ["0.00", "0.00", "100.00"]);
    assert!(!workshop.exists(), "nobody is to find a card there that the books have given up");
    assert_eq!(home.run(&["recover"]).exits(0).stdout, "nothing to recover\n");
    assert_eq!(sums(&home), ["0.00", "0.00", "100.00"]);
    home.run(&NEW).exits(0);
    assert_eq!(sums(&home), ["20.00", "0.00", "80.00"]);
}

/// The program ended when the card was there, and the books had not heard of it.
#[test]
fn a_card_that_was_made_keeps_its_value() {
    let home = Home::new();
    home.run(&NEW).exits(0);
    unfinish(&home, Some("gift"));
    assert_eq!(sums(&home), ["20.00", "0.00", "80.00"]);
    fs::rename(home.card("gift"), home.card("renamed")).unwrap();
    let told = home.run(&["recover"]).exits(0);
    assert!(told.stdout.contains("was issued: it is there"), "{told:?}");
    assert_eq!(
        (home.balance("renamed"), sums(&home)),
        ("20.00".to_owned(), ["20.00", "0.00", "80.00"].map(str::to_owned))
    );
}

/// A file that cannot be read now may be the card.
#[test]
fn nothing_is_given_back_while_a_card_cannot_be_read() {
    let home = Home::new();
    home.run(&NEW).exits(0);
    unfinish(&home, Some("gift"));
    let file = fs::File::open(home.card("gift")).unwrap();
    file.try_lock().unwrap();
    home.run(&["recover"]).exits(0);
    drop(file);
    assert_eq!(
        (home.balance("gift"), sums(&home)),
        ("20.00".to_owned(), ["20.00", "0.00", "80.00"].map(str::to_owned))
    );
}

/// Of a card in a reader that has gone nobody knows: only whoever does gives its value back.
#[test]
fn a_card_that_left_its_reader_stays_in_flight_until_it_is_given_up() {
    let home = Home::new();
    home.run(&NEW).exits(0);
    let number = unfinish(&home, None);
    fs::rename(home.card("gift"), home.path().join("elsewhere")).unwrap();
    home.run(&["recover"]).exits(0);
    assert_eq!(sums(&home), ["0.00", "20.00", "80.00"]);
    let known = home.copy();
    let withdrawn = home.json(&["card", "withdraw", &number]);
    assert_eq!(withdrawn["value"], "20.00 EUR");
    assert_eq!(sums(&home), ["0.00", "0.00", "100.00"]);
    for number in [number.as_str(), "9555000000000018", "1"] {
        home.run(&["card", "withdraw", number]).exits(2);
    }
    // One that is there is not given up.
    fs::rename(known.path().join("elsewhere"), known.card("gift")).unwrap();
    known.run(&["card", "withdraw", &number]).exits(2);
    assert_eq!(sums(&known), ["20.00", "0.00", "80.00"]);
}

#[test]
fn a_kill_at_any_time_leaves_a_whole_card_or_none() {
    let start = Home::new();
    for delay in (0..32).map(|round| Duration::from_micros(round * 7919 % 60_000)) {
        let home = start.copy();
        let mut child = home.command(&NEW).stdout(std::process::Stdio::null()).spawn().unwrap();
        sleep(delay);
        let _ = child.kill();
        child.wait().unwrap();
        sums(&home);
        home.run(&["recover"]).exits(0);
        let expected =
            if home.card("gift").exists() { ["20.00", "0.00", "80.00"] } else { ["0.00", "0.00", "100.00"] };
        assert_eq!(sums(&home), expected, "{delay:?}");
        if !home.card("gift").exists() {
            home.run(&NEW).exits(0);
        }
        assert_eq!(home.balance("gift"), "20.00");
    }
}
