//! The issuer changes cards by scripts: here and now, in files, and with the next load. Whatever is lost or cut on the
//! way, each has one effect.

use std::fs;

use crate::support::Home;
use serde_json::{Value, json};

/// The pocket of this currency as `card show` has it.
#[track_caller]
fn pocket(home: &Home, card: &str, currency: &str) -> Value {
    let shown = home.json(&["card", "show", card]);
    let pockets = shown["pockets"].as_array().expect("pockets").clone();
    pockets.into_iter().find(|pocket| pocket["currency"] == currency).unwrap_or_else(|| panic!("{shown:#}"))
}

/// The states of a card's orders, by counter.
#[track_caller]
fn states(home: &Home) -> Vec<String> {
    let number = home.json(&["card", "show", "card"])["number"].as_str().unwrap().to_owned();
    let list = home.json(&["control", "list", "--number", &number]);
    let scripts = list["scripts"].as_array().unwrap().iter();
    scripts.map(|script| script["state"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_pocket_takes_the_next_place_with_the_schemes_limits() {
    let home = Home::with_money();
    let added = home.json(&["pocket", "add", "USD"]);
    assert_eq!(
        (&added["parameter"], &added["counter"], &added["state"]),
        (&json!("new pocket"), &json!(1), &json!("done"))
    );
    assert_eq!(pocket(&home, "card", "USD")["maximum_balance"], "150.00");
    home.run(&["pocket", "add", "jpy", "--balance", "9000", "--transfer", "0"]).exits(0);
    let yen = pocket(&home, "card", "JPY");
    assert_eq!((&yen["maximum_balance"], &yen["maximum_debit"]), (&json!("9000"), &json!("100")));
    assert_eq!(yen["maximum_transfer"], "0");
    home.run(&["pocket", "add", "KWD"]).exits(0);
    assert_eq!(pocket(&home, "card", "KWD")["debit_without_pin"], "25.000");
    let balance = home.json(&["balance"]);
    let shown: Vec<_> = balance["pockets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pocket| pocket["balance"].as_str().unwrap())
        .collect();
    assert_eq!(shown, ["30.00", "0.00", "0", "0.000"]);
    assert_eq!((&balance["currency"], &balance["balance"]), (&json!("EUR"), &json!("30.00")));
    assert_eq!(home.run(&["balance"]).exits(0).stdout, "30.00 EUR\n0.00 USD\n0 JPY\n0.000 KWD\n");

    let again = home.run(&["--json", "pocket", "add", "USD"]).exits(4).json();
    assert!(again["error"]["message"].as_str().unwrap().contains("has a pocket for USD already"), "{again}");
    home.run(&["pocket", "add", "GBP"]).exits(0);
    let full = home.run(&["pocket", "add", "CHF"]).exits(4);
    assert!(full.stderr.contains("has 5 pockets, and a card has no more"), "{full:?}");
    home.run(&["pocket", "add", "XAU"]).exits(2);
    // Nothing was signed for those.
    assert_eq!(states(&home), ["done"; 4]);

    home.run(&["pocket", "add", "USD", "--sam", "sam"]).exits(0);
    assert_eq!(pocket(&home, "sam", "USD")["maximum_balance"], "10000.00");
    home.run(&["audit"]).exits(0);
}

#[test]
fn limits_that_are_not_given_stay() {
    let home = Home::with_money();
    let before = pocket(&home, "card", "EUR");
    home.run(&["control", "limits", "--balance", "40.00", "--total-without-pin", "12.34"]).exits(0);
    let after = pocket(&home, "card", "EUR");
    let expected = json!({
        "currency": "EUR", "balance": before["balance"], "maximum_balance": "40.00", "maximum_debit": before["maximum_debit"],
        "debit_without_pin": before["debit_without_pin"], "total_without_pin": "12.34",
        "maximum_transfer": before["maximum_transfer"], "offline_receipts": before["offline_receipts"],
    });
    assert_eq!(after, expected);
    home.run(&["load", "10.01"]).exits(4);
    home.run(&["load", "10.00"]).exits(0);
    home.run(&["control", "limits"]).exits(2);
    home.run(&["control", "limits", "--balance", "1.001"]).exits(2);
    let unknown = home.run(&["control", "limits", "--currency", "USD", "--balance", "1"]).exits(4);
    assert!(
        unknown.stderr.contains("has no pocket for USD") && unknown.stderr.contains("purse pocket add USD")
    );
    assert_eq!(states(&home), ["done"]);
}

#[test]
fn a_blocked_card_pays_nothing_until_it_is_unblocked() {
    let home = Home::with_money();
    home.run(&["control", "block"]).exits(0);
    for command in [&["pay", "1.00"][..], &["load", "1.00"], &["unload", "1.00"]] {
        let error = home.run(command).exits(4);
        assert!(error.stderr.contains("is blocked by its issuer"), "{error:?}");
    }
    home.run(&["control", "unblock"]).exits(0);
    home.run(&["pay", "1.00"]).exits(0);
    home.run(&["load", "1.00"]).exits(0);
    assert_eq!(home.audit(), "0.00");
}

#[test]
fn the_holders_pin_and_lock_and_the_expiry_are_the_issuers_to_change() {
    let home = Home::with_money();
    home.run_with("PURSE_PIN", "1234", &["lock"]).exits(0);
    for _ in 0..3 {
        home.run_with("PURSE_PIN", "0000", &["unlock"]).exits(5);
    }
    home.run(&["control", "unblock-pin"]).exits(0);
    home.run(&["control", "clear-lock"]).exits(0);
    assert_eq!(
        (home.balance("card"), &home.json(&["card", "show", "card"])["pin_tries"]),
        ("30.00".to_owned(), &json!(3))
    );
    home.run(&["control", "expiry", "2020-01"]).exits(0);
    let expired = home.run(&["pay", "1.00"]).exits(4);
    assert!(expired.stderr.contains("expired"), "{expired:?}");
    home.run(&["control", "expiry", "2077-12"]).exits(0);
    home.run(&["pay", "1.00"]).exits(0);
    assert_eq!(home.json(&["card", "show", "card"])["expiry"], "2077-12");
    for month in ["2077-13", "77-12", "2077", "2077-1", "1977-12"] {
        home.run(&["control", "expiry", month]).exits(2);
    }
}

#[test]
fn only_an_empty_card_is_terminated() {
    let home = Home::with_money();
    let full = home.run(&["control", "terminate"]).exits(4);
    assert!(full.stderr.contains("still holds 30.00 EUR"), "{full:?}");
    assert!(states(&home).is_empty(), "nothing was signed");
    home.run(&["unload", "30.00"]).exits(0);
    home.run(&["control", "terminate"]).exits(0);
    assert_eq!(home.json(&["card", "show", "card"])["life_cycle"], "terminated");
    home.run(&["load", "1.00"]).exits(4);
    assert_eq!(home.audit(), "0.00");
}

#[test]
fn a_sam_forgets_keys_and_then_no_purse_under_them_pays_it() {
    let home = Home::with_money();
    home.run(&["control", "forget-keys", "1"]).exits(7);
    home.run(&["control", "forget-keys", "1", "--sam", "sam"]).exits(0);
    home.run(&["pay", "1.00"]).exits(4);
    assert_eq!(home.audit(), "0.00");
}

/// UPDATE PARAMETER comes before INITIALIZE, and what it changes holds for this very load.
#[test]
fn what_waits_travels_with_the_next_load() {
    let home = Home::with_money();
    home.run(&["control", "limits", "--balance", "31.00"]).exits(0);
    let queued = home.json(&["control", "limits", "--balance", "60.00", "--queue"]);
    assert_eq!(queued["state"], "queued");
    home.run(&["control", "unblock", "--queue"]).exits(0);
    assert_eq!(states(&home), ["done", "queued", "queued"]);
    assert_eq!(pocket(&home, "card", "EUR")["maximum_balance"], "31.00");
    home.run(&["pay", "1.00"]).exits(0);
    assert_eq!(states(&home), ["done", "queued", "queued"], "a payment brings none");

    let trace = home.file("trace", "");
    let loaded = home.json(&["load", "20.00", &format!("--trace={trace}")]);
    let scripts: Vec<_> =
        loaded["scripts"].as_array().unwrap().iter().map(|script| script["state"].clone()).collect();
    assert_eq!((scripts, &loaded["balance"]), (vec![json!("done"); 2], &json!("49.00")));
    assert_eq!(states(&home), ["done"; 3]);
    let trace = fs::read_to_string(trace).unwrap();
    let names = ["UPDATE PARAMETER", "INITIALIZE", "CREDIT"];
    let order: Vec<&str> =
        trace.lines().filter_map(|line| names.into_iter().find(|name| line.contains(name))).collect();
    assert_eq!(order, ["UPDATE PARAMETER", "UPDATE PARAMETER", "INITIALIZE", "CREDIT"], "{trace}");
    assert_eq!(home.run(&["control", "deliver"]).exits(0).stdout, "nothing waits for the card\n");
}

#[test]
fn a_card_elsewhere_is_named_by_its_number() {
    let home = Home::with_money();
    let number = home.json(&["card", "show", "card"])["number"].as_str().unwrap().to_owned();
    home.run(&["control", "block", "--number", &number]).exits(2);
    home.run(&["control", "block", "--number", "9555000000000019", "--queue"]).exits(2);
    home.run(&["control", "block", "--number", "9555000000000091", "--queue"]).exits(7);
    let incomplete =
        home.run(&["control", "limits", "--balance", "60.00", "--number", &number, "--queue"]).exits(2);
    assert!(incomplete.stderr.contains("--debit is missing"), "{incomplete:?}");
    let all = [
        "--balance",
        "60",
        "--debit",
        "50",
        "--debit-without-pin",
        "5",
        "--total-without-pin",
        "9",
        "--transfer",
        "1",
        "--offline-receipts",
        "7",
    ];
    home.run(&["pocket", "add", "USD", "--number", &number, "--queue"]).exits(0);
    home.run(
        &[&["control", "limits", "--currency", "USD", "--number", &number, "--queue"][..], &all].concat(),
    )
    .exits(0);
    home.run(&["pocket", "add", "USD", "--number", &number, "--queue"]).exits(4);
    home.run(&["pocket", "add", "USD"]).exits(4);
    home.run(&["pocket", "add", "JPY", "--queue"]).exits(0);
    home.run(&["load", "1.00"]).exits(0);
    assert_eq!(pocket(&home, "card", "USD")["offline_receipts"], "7.00");
    assert_eq!(pocket(&home, "card", "JPY")["offline_receipts"], "150");
    assert_eq!(states(&home), ["done"; 3]);
}

#[test]
fn a_script_in_a_file_has_one_effect_on_one_card() {
    let home = Home::with_money();
    home.run(&["card", "new", "bob"]).exits(0);
    let file = home.path().join("block.json").to_str().unwrap().to_owned();
    let written = home.json(&["control", "block", "--out", &file]);
    let content: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(
        (&content["card"], &content["counter"], &content["does"]),
        (&written["number"], &json!(1), &json!("blocked"))
    );
    assert_eq!(content["command"], written["command_apdu"]);
    assert_eq!(states(&home), ["filed"]);
    home.run(&["pay", "1.00"]).exits(0);
    let taken = home.run(&["control", "unblock", "--out", &file]).exits(2);
    assert!(taken.stderr.contains("exists already"), "{taken:?}");
    assert_eq!(states(&home), ["filed"], "and nothing was signed");

    let other = home.run(&["control", "apply", &file, "--card", "bob"]).exits(4);
    assert!(other.stderr.contains("is for card"), "{other:?}");
    home.run(&["pay", "1.00"]).exits(0);
    home.run(&["control", "apply", &file]).exits(0);
    home.run(&["pay", "1.00"]).exits(4);
    home.run(&["control", "apply", &file]).exits(0);
    assert_eq!(states(&home), ["done"]);
    home.run(&["control", "unblock"]).exits(0);
    // Overtaken: it cannot block the card again.
    let late = home.run(&["control", "apply", &file]).exits(4);
    assert!(late.stderr.contains("has accepted a later script"), "{late:?}");
    home.run(&["pay", "1.00"]).exits(0);
    assert_eq!(states(&home), ["done", "done"]);

    // What is not the issuer's own is refused by the card or before.
    let next = home.path().join("next.json").to_str().unwrap().to_owned();
    home.run(&["control", "block", "--out", &next]).exits(0);
    let text = fs::read_to_string(&next).unwrap();
    let command = serde_json::from_str::<Value>(&text).unwrap()["command"].as_str().unwrap().to_owned();
    let (head, mac) = command.split_at(command.len() - 16);
    let forged = |from: &str, to: &str| home.file("forged.json", &text.replacen(from, to, 1));
    home.run(&["control", "apply", &forged(mac, "0000000000000000")]).exits(5);
    home.run(&["control", "apply", &forged(&command, &format!("805C{}", &head[4..]))]).exits(2);
    home.run(&["control", "apply", &forged("\"counter\": 3", "\"counter\": 4")]).exits(2);
    home.run(&["control", "apply", &forged("purse script", "other")]).exits(2);
    home.run(&["control", "apply", &home.file("empty.json", "")]).exits(2);
    home.run(&["pay", "1.00"]).exits(0);
}

/// Section 6: a refused command does not use up its counter; it stays valid until a higher one is accepted.
#[test]
fn a_refused_script_stays_valid_until_a_later_one_is_accepted() {
    let home = Home::with_money();
    let file = home.path().join("end.json").to_str().unwrap().to_owned();
    home.run(&["control", "terminate", "--out", &file, "--number", "9555000000000018"]).exits(0);
    let refused = home.run(&["control", "apply", &file]).exits(4);
    assert!(refused.stderr.contains("void as soon as the card accepts a later one"), "{refused:?}");
    assert_eq!(states(&home), ["refused"]);
    let withdrawn = home.copy();
    home.run(&["unload", "30.00"]).exits(0);
    home.run(&["control", "apply", &file]).exits(0);
    assert_eq!((states(&home), home.audit()), (vec!["done".to_owned()], "0.00".to_owned()));

    withdrawn.run(&["control", "unblock"]).exits(0);
    withdrawn.run(&["unload", "30.00"]).exits(0);
    withdrawn.run(&["control", "apply", &file]).exits(4);
    assert_eq!(states(&withdrawn), ["superseded", "done"]);
    assert_eq!(withdrawn.json(&["card", "show", "card"])["life_cycle"], "active");
    assert_eq!(withdrawn.audit(), "0.00");
}

/// What waits with a lower counter goes first, or it would be void.
#[test]
fn scripts_reach_the_card_in_their_order() {
    let home = Home::with_money();
    home.run(&["control", "limits", "--balance", "60.00", "--queue"]).exits(0);
    let file = home.path().join("expiry.json").to_str().unwrap().to_owned();
    home.run(&["control", "expiry", "2066-06", "--out", &file]).exits(0);
    home.run(&["control", "limits", "--debit", "7.00", "--queue"]).exits(0);
    home.run(&["control", "apply", &file]).exits(0);
    assert_eq!(states(&home), ["done", "done", "queued"]);
    assert_eq!(pocket(&home, "card", "EUR")["maximum_balance"], "60.00");
    home.run(&["pin", "unblock"]).exits(0);
    assert_eq!(states(&home), ["done"; 4]);
    // Each was ordered on top of the one before.
    let after = pocket(&home, "card", "EUR");
    assert_eq!((&after["maximum_balance"], &after["maximum_debit"]), (&json!("60.00"), &json!("7.00")));
}

/// A resolution is a script too: what waits comes before it, or it would be void.
#[test]
fn what_waits_comes_before_a_resolution() {
    let home = Home::with_money();
    home.run(&["pay", "2.00", "--lose", "4"]).exits(6);
    fs::remove_dir_all(home.path().join("pending")).unwrap();
    home.run(&["card", "new", "bob"]).exits(0);
    home.run(&["load", "10.00", "--card", "bob"]).exits(0);
    home.run(&["pay", "1.00", "--card", "bob"]).exits(0);
    home.run(&["collect"]).exits(0);
    home.run(&["control", "limits", "--debit", "8.00", "--queue"]).exits(0);
    let resolved = home.run(&["resolve"]).exits(0);
    assert!(resolved.stdout.contains("taken back in the issuer's name"), "{resolved:?}");
    assert_eq!((states(&home), home.balance("card")), (vec!["done".to_owned()], "30.00".to_owned()));
    assert_eq!(pocket(&home, "card", "EUR")["maximum_debit"], "8.00");
    assert_eq!(home.audit(), "0.00");
}

/// Faults at every place, until no place is left; then whatever waits is brought.
fn sweep(option: &str, arguments: &[&str], check: impl Fn(&Home, i32)) {
    let start = Home::with_money();
    start.run(&["control", "limits", "--balance", "60.00", "--queue"]).exits(0);
    start.run(&["control", "expiry", "2077-07", "--queue"]).exits(0);
    let mut unharmed = 0;
    for place in 1..60 {
        let home = start.copy();
        let number = place.to_string();
        let run = home.run(&[arguments, &[option, &number]].concat());
        assert!([0, 3, 6].contains(&run.code), "{place}: {run:#?}");
        home.audit();
        home.run(&["recover"]).exits(0);
        assert_eq!(home.audit(), "0.00", "{place}");
        home.run(&["control", "deliver"]).exits(0);
        check(&home, run.code);
        unharmed = if run.code == 0 { unharmed + 1 } else { 0 };
        if unharmed == 4 {
            return;
        }
    }
    panic!("{arguments:?} never comes to its end");
}

#[test]
fn a_fault_anywhere_leaves_a_script_with_one_effect() {
    for option in ["--cut", "--lose"] {
        sweep(option, &["control", "limits", "--debit", "9.00"], |home, code| {
            let states = states(home);
            // For a card that could not even be selected nothing was signed.
            let was_signed = states.len() == 3;
            assert!(was_signed || code == 3, "{code}");
            assert!(states.iter().all(|state| state == "done"), "{states:?}");
            let debit = if was_signed { "9.00" } else { "100.00" };
            let pocket = pocket(home, "card", "EUR");
            assert_eq!(
                (&pocket["maximum_balance"], &pocket["maximum_debit"]),
                (&json!("60.00"), &json!(debit))
            );
        });
    }
}

#[test]
fn a_fault_anywhere_in_a_load_leaves_load_and_scripts_whole() {
    for option in ["--cut", "--lose"] {
        sweep(option, &["load", "5.00"], |home, code| {
            assert_eq!(pocket(home, "card", "EUR")["maximum_balance"], "60.00");
            assert_eq!(home.json(&["card", "show", "card"])["expiry"], "2077-07");
            assert_eq!(states(home), ["done", "done"]);
            let balance = home.balance("card");
            match code {
                0 => assert_eq!(balance, "35.00"),
                3 => assert_eq!(balance, "30.00"),
                _ => assert!(["30.00", "35.00"].contains(&balance.as_str()), "{balance}"),
            }
        });
    }
}

#[test]
fn a_card_that_is_named_is_the_one_that_is_shown() {
    let home = Home::with_money();
    home.run(&["card", "new", "gift", "--disposable", "--value", "3.00"]).exits(0);
    home.run(&["pocket", "add", "USD"]).exits(0);
    home.run(&["control", "block", "--card", "gift"]).exits(0);
    assert_eq!(home.json(&["control", "list"])["scripts"].as_array().unwrap().len(), 2);
    let of_gift = home.json(&["control", "list", "--card", "gift"]);
    assert_eq!(of_gift["scripts"].as_array().unwrap().len(), 1);
    assert_eq!(of_gift["scripts"][0]["parameter"], "block");
    home.run(&["control", "list", "--card", "gift", "--number", "9555000000000018"]).exits(2);
    let shown = home.json(&["card", "show", "--card", "gift"]);
    assert_eq!((&shown["name"], &shown["disposable"]), (&json!("gift"), &json!(true)));
    assert!(home.run(&["card", "show", "gift"]).exits(0).stdout.contains("\ndisposable"));
    home.run(&["card", "show", "gift", "--card", "card"]).exits(2);
    let shown = home.json(&["card", "show"]);
    assert_eq!((&shown["name"], &shown["disposable"]), (&json!("card"), &json!(false)));
    assert_eq!(shown["pockets"][0]["balance"], "30.00");
    assert_eq!(shown["pockets"][1]["balance"], "0.00");
    let negative = home.run(&["control", "limits", "--balance", "-1"]).exits(2);
    assert!(negative.stderr.contains("`-1` is not an amount"), "{negative:?}");
}

#[test]
fn a_sam_without_the_purses_keys_is_no_matter_of_refunds() {
    let home = Home::with_money();
    home.run(&["control", "forget-keys", "1", "--sam", "sam"]).exits(0);
    let run = home.run(&["pay", "1"]).exits(4);
    assert!(run.stderr.contains("no keys of this purse's version"), "{run:?}");
    assert!(!run.stderr.contains("refund"), "{run:?}");
}

#[test]
fn the_audit_begins_with_the_schemes_own_currency() {
    let home = Home::with_money();
    home.run(&["pocket", "add", "CHF"]).exits(0);
    let audit = home.json(&["audit"]);
    assert_eq!(
        (&audit["currencies"][0]["currency"], &audit["currencies"][1]["currency"]),
        (&json!("EUR"), &json!("CHF"))
    );
}

#[test]
fn the_list_of_cards_shows_every_pocket_and_none_of_a_locked_card() {
    let home = Home::with_money();
    home.run(&["pocket", "add", "USD"]).exits(0);
    home.run(&["rate", "set", "EUR", "USD", "2"]).exits(0);
    home.run(&["exchange", "1.00", "EUR", "USD"]).exits(0);
    let text = home.run(&["card", "list"]).exits(0).stdout;
    let line = |part: &str| text.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("{text}"));
    assert!(line("29.00 EUR").starts_with("card "), "{text}");
    assert!(line("2.00 USD").starts_with("  "), "{text}");
    let card = |list: &Value| {
        let cards = list["cards"].as_array().unwrap();
        cards.iter().find(|card| card["name"] == "card").unwrap().clone()
    };
    let shown = card(&home.json(&["card", "list"]));
    assert_eq!((&shown["currency"], &shown["balance"]), (&json!("EUR"), &json!("29.00")));
    assert_eq!(shown["pockets"], home.json(&["balance"])["pockets"]);
    assert_eq!(shown["pockets"][1]["balance"], "2.00");
    home.run_with("PURSE_PIN", "1234", &["lock"]).exits(0);
    let text = home.run(&["card", "list"]).exits(0).stdout;
    assert!(text.contains("hidden") && !text.contains("2.00 USD"), "{text}");
    assert_eq!(card(&home.json(&["card", "list"]))["pockets"], Value::Null);
}
