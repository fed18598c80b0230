//! Interrupted commands leave a marker, and the next one finishes first what they stand for.

use std::fs::{self, File};
use std::thread::sleep;
use std::time::Duration;

use crate::support::Home;

fn markers(home: &Home) -> Vec<String> {
    let Ok(entries) = fs::read_dir(home.path().join("pending")) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The names of the markers of both cards: a card is the same in a file and in a reader, so they are its number.
fn both(home: &Home) -> Vec<String> {
    let number = |name| home.json(&["card", "show", name])["number"].as_str().unwrap().to_owned();
    vec![number("card"), number("sam")]
}

#[test]
fn an_interrupted_payment_is_finished_before_the_next_one() {
    let home = Home::with_money();
    assert!(markers(&home).is_empty());
    home.run(&["pay", "2", "--lose", "4"]).exits(6);
    assert_eq!(markers(&home), both(&home));
    let next = home.run(&["pay", "0.01"]).exits(0);
    assert!(next.stderr.contains("an earlier `purse pay` was interrupted"), "{next:?}");
    assert!(next.stderr.contains("purchase of 2.00 EUR"), "{next:?}");
    assert!(markers(&home).is_empty());
    for _ in 0..39 {
        home.run(&["pay", "0.01"]).exits(0);
    }
    assert_eq!(home.audit(), "0.00");
    assert_eq!((home.balance("card"), home.balance("sam")), ("27.60".to_owned(), "22.40".to_owned()));
}

#[test]
fn a_killed_payment_is_finished_before_the_next_one() {
    for delay in (0..24).map(|round| Duration::from_micros(round * 1500)) {
        let home = Home::with_money();
        let mut child = home.command(&["pay", "2"]).stdout(std::process::Stdio::null()).spawn().unwrap();
        sleep(delay);
        let _ = child.kill();
        child.wait().unwrap();
        if home.audit() != "0.00" {
            assert_eq!(markers(&home), both(&home), "{delay:?}");
        }
        home.run(&["pay", "0.01"]).exits(0);
        assert!(markers(&home).is_empty());
        assert_eq!(home.audit(), "0.00", "{delay:?}");
    }
}

#[test]
fn nothing_is_paid_while_an_earlier_payment_is_under_way() {
    let home = Home::with_money();
    home.run(&["pay", "2", "--lose", "4"]).exits(6);
    home.run(&["card", "new", "other", "--role", "merchant"]).exits(0);
    let cards = both(&home);
    let away = home.path().join("sam-is-away");
    fs::rename(home.card("sam"), &away).unwrap();
    let error = home.run(&["--json", "--sam", "other", "pay", "0.01"]).exits(6).json();
    assert!(error["error"]["next"].as_str().unwrap().contains("purse recover"), "{error}");
    assert_eq!(markers(&home), cards);
    fs::rename(away, home.card("sam")).unwrap();
    // The card that its open payment names is found in the home.
    home.run(&["--sam", "other", "pay", "0.01"]).exits(0);
    assert_eq!((home.balance("sam"), home.audit()), ("22.00".to_owned(), "0.00".to_owned()));
    home.run(&["recover"]).exits(0);
    assert!(markers(&home).is_empty());
}

#[test]
fn a_certain_failure_leaves_no_marker() {
    let home = Home::with_money();
    home.run(&["pay", "99"]).exits(4);
    home.run(&["load", "150"]).exits(4);
    home.run(&["pay", "1", "--lose", "1"]).exits(3);
    assert!(markers(&home).is_empty());
}

#[test]
fn a_card_in_use_is_waited_for() {
    let home = Home::with_money();
    let file = File::open(home.card("card")).unwrap();
    file.try_lock().unwrap();
    let child = home.command(&["pay", "1"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    sleep(Duration::from_millis(400));
    drop(file);
    assert!(child.wait_with_output().unwrap().status.success());
    assert_eq!(home.balance("card"), "29.00");
}

#[test]
fn payments_at_the_same_time_are_all_made() {
    let home = Home::with_money();
    let children: Vec<_> = (0..6)
        .map(|_| home.command(&["pay", "1"]).stdout(std::process::Stdio::null()).spawn().unwrap())
        .collect();
    for child in children {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    assert_eq!((home.balance("card"), home.audit()), ("24.00".to_owned(), "0.00".to_owned()));
    assert!(markers(&home).is_empty());
}

#[test]
fn no_card_file_gets_into_the_temporary_directory() {
    let home = Home::with_money();
    let missing = home.path().join("no-temporary-directory");
    for command in [&["audit"][..], &["card", "list"]] {
        let output = home.command(command).env("TMPDIR", &missing).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

#[test]
fn who_repeats_a_payment_after_an_error_does_not_pay_twice() {
    for lost in ["4", "5"] {
        let home = Home::with_money();
        home.run(&["pay", "5.00", "--lose", lost]).exits(6);
        let again = home.run(&["pay", "5.00"]).exits(0);
        assert!(again.stdout.contains("was done: nothing more has moved"), "{again:?}");
        assert_eq!((home.balance("card"), home.balance("sam")), ("25.00".to_owned(), "25.00".to_owned()));
        assert!(markers(&home).is_empty());
        let once_more = home.run(&["pay", "5.00"]).exits(0);
        assert!(once_more.stdout.contains("paid 5.00 EUR"), "{once_more:?}");
        assert_eq!((home.balance("card"), home.audit()), ("20.00".to_owned(), "0.00".to_owned()));
    }
}

#[test]
fn who_repeats_a_payment_that_came_to_nothing_pays() {
    let home = Home::with_money();
    home.run(&["pay", "5.00", "--cut", "1"]).exits(6);
    let again = home.run(&["pay", "5.00"]).exits(0);
    assert!(again.stdout.contains("paid 5.00 EUR"), "{again:?}");
    assert_eq!((home.balance("card"), home.audit()), ("25.00".to_owned(), "0.00".to_owned()));
}

/// The SAM's marker stands for the payment of one card. The same amount by another card is another payment.
#[test]
fn an_interrupted_payment_of_one_card_is_not_taken_for_that_of_another() {
    let home = Home::with_money();
    home.run(&["card", "new", "bob"]).exits(0);
    home.run(&["load", "10.00", "--card", "bob"]).exits(0);
    // The answer to CREDIT: the SAM has the money.
    home.run(&["pay", "5.00", "--lose", "5"]).exits(6);
    let paid = home.run(&["pay", "5.00", "--card", "bob"]).exits(0);
    assert!(paid.stdout.contains("paid 5.00 EUR"), "{paid:?}");
    assert_eq!(home.balance("bob"), "5.00");
    home.run(&["recover"]).exits(0);
    assert_eq!((home.balance("card"), home.balance("sam")), ("25.00".to_owned(), "30.00".to_owned()));
    assert_eq!(home.audit(), "0.00");
}

/// Two payments of one amount can fall into one second. The first is no proof of the second.
#[test]
fn an_equal_payment_of_the_same_second_is_not_taken_for_the_interrupted_one() {
    let start = Home::with_money();
    let (home, marked, paid) = (0..20)
        .map(|_| {
            let home = start.copy();
            home.run(&["pay", "5.00"]).exits(0);
            home.run(&["pay", "5.00", "--cut", "1"]).exits(6);
            let marker = home.path().join("pending").join(&markers(&home)[0]);
            let note: serde_json::Value = serde_json::from_slice(&fs::read(marker).unwrap()).unwrap();
            let history = home.json(&["history"]);
            let paid = history["records"][0]["time"].as_str().unwrap().to_owned();
            let marked = jiff::Timestamp::from_second(note["time"].as_i64().unwrap()).unwrap();
            (home, marked.strftime("%Y-%m-%d %H:%M:%SZ").to_string(), paid)
        })
        .find(|(_, marked, paid)| marked == paid)
        .expect("both in one second, sooner or later");
    assert_eq!(marked, paid);
    let again = home.run(&["pay", "5.00"]).exits(0);
    assert!(again.stdout.contains("paid 5.00 EUR"), "{again:?}");
    assert_eq!((home.balance("card"), home.audit()), ("20.00".to_owned(), "0.00".to_owned()));
}

#[test]
fn what_has_left_the_log_is_not_said_not_to_have_happened() {
    let home = Home::with_money();
    let elsewhere = home.copy();
    home.run(&["pay", "2", "--lose", "4"]).exits(6);
    // The card pays at another terminal, which knows nothing of it, until the payment is beyond proof.
    fs::copy(home.card("card"), elsewhere.card("card")).unwrap();
    for _ in 0..32 {
        elsewhere.run(&["pay", "0.01"]).exits(0);
    }
    fs::copy(elsewhere.card("card"), home.card("card")).unwrap();
    let document = home.run(&["--json", "recover"]).exits(0).json();
    assert_eq!(document["interrupted"][0]["outcome"], "unknown", "{document:#}");
}
