//! `history`: the card's last transactions of every kind, from the card itself.

use crate::support::Home;
use serde_json::Value;

fn column<'a>(records: &'a [Value], name: &str) -> Vec<&'a str> {
    records.iter().map(|record| record[name].as_str().unwrap()).collect()
}

#[test]
fn ten_transactions_are_shown_unless_more_are_asked_for() {
    let home = Home::with_money();
    for _ in 0..9 {
        home.run(&["pay", "0.10"]).exits(0);
    }
    let shown = home.json(&["history"]);
    let records = shown["records"].as_array().unwrap();
    let numbers: Vec<_> = records.iter().map(|record| record["sequence"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
    assert_eq!(shown["more"], true);
    assert!(home.run(&["history"]).exits(0).stdout.contains("--count shows more"));
    for (count, expected, more) in [("1", 1, true), ("11", 11, true), ("12", 12, false), ("50", 12, false)] {
        let shown = home.json(&["history", "--count", count]);
        let records = shown["records"].as_array().unwrap();
        assert_eq!((records.len(), &shown["more"]), (expected, &Value::Bool(more)), "{count}");
    }
    home.run(&["history", "--count", "0"]).exits(2);
}

/// What is not asked for is not read from the card.
#[test]
fn a_short_history_takes_few_commands() {
    let home = Home::with_money();
    let trace = home.file("trace", "");
    home.run(&["history", "--count", "1", &format!("--trace={trace}")]).exits(0);
    let trace = std::fs::read_to_string(trace).unwrap();
    let reads = trace.lines().filter(|line| line.contains("READ ENTRY")).count();
    assert_eq!(reads, 2, "{trace}");
}

/// Every kind, in its own currency, with what became of it.
#[test]
fn every_kind_is_shown_in_its_currency_with_its_state() {
    let home = Home::with_money();
    home.run(&["pocket", "add", "USD"]).exits(0);
    home.run(&["pocket", "add", "USD", "--sam", "sam"]).exits(0);
    home.run(&["rate", "set", "EUR", "USD", "2"]).exits(0);
    home.run(&["refund", "4.00"]).exits(0);
    home.run(&["exchange", "3.00", "EUR", "USD"]).exits(0);
    home.run(&["pay", "1.50", "--currency", "USD"]).exits(0);
    // Debited, never credited, and the SAM has gone on: this one is taken back.
    home.run(&["pay", "2.00", "--lose", "4"]).exits(6);
    home.run(&["card", "new", "bob"]).exits(0);
    home.run(&["load", "10.00", "--card", "bob"]).exits(0);
    home.run(&["pay", "1.00", "--card", "bob"]).exits(0);
    home.run(&["recover"]).exits(0);

    let shown = home.json(&["history"]);
    let records = shown["records"].as_array().unwrap();
    let kinds =
        ["purchase", "purchase", "purchase", "load", "unload", "refund", "purchase", "purchase", "load"];
    assert_eq!(column(records, "kind"), kinds);
    let changes = ["2.00", "-2.00", "-1.50", "6.00", "-3.00", "4.00", "-10.00", "-10.00", "50.00"];
    assert_eq!(column(records, "change"), changes);
    let currencies = ["EUR", "EUR", "USD", "USD", "EUR", "EUR", "EUR", "EUR", "EUR"];
    assert_eq!(column(records, "currency"), currencies);
    let balances = ["31.00", "29.00", "4.50", "6.00", "31.00", "34.00", "30.00", "40.00", "50.00"];
    assert_eq!(column(records, "balance"), balances);
    let text = home.run(&["history"]).exits(0).stdout;
    let states: Vec<&str> = text
        .lines()
        .skip(1)
        .map(|line| {
            let known = ["taken back", "reversed", "settled", "credited", "refunded", "open"];
            known.into_iter().find(|state| line.contains(state)).unwrap_or_else(|| panic!("{line}"))
        })
        .collect();
    let expected = [
        "taken back",
        "reversed",
        "settled",
        "credited",
        "settled",
        "credited",
        "refunded",
        "settled",
        "credited",
    ];
    assert_eq!(states, expected, "{text}");
    let sam = home.json(&["history", "--card", "sam", "--count", "3"]);
    let records = sam["records"].as_array().unwrap();
    assert_eq!(column(records, "change"), ["1.00", "1.50", "-4.00"]);
    assert_eq!(column(records, "currency"), ["EUR", "USD", "EUR"]);
    home.run(&["collect"]).exits(0);
    let sam = home.json(&["history", "--card", "sam", "--count", "2"]);
    assert_eq!(column(sam["records"].as_array().unwrap(), "kind"), ["unload", "unload"]);
    assert!(home.run(&["history", "--card", "sam"]).exits(0).stdout.contains("collection"));
}

#[test]
fn a_balance_is_watched_in_a_reader_only() {
    let home = Home::with_money();
    let refused = home.run(&["balance", "--watch"]).exits(2);
    assert!(refused.stderr.contains("--reader"), "{refused:?}");
}
