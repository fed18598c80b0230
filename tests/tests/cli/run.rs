//! `purse run`: the standard, line by line.

use crate::support::Home;
use apdu_spec::command::{COMMANDS, table};
use apdu_spec::process::{LISTINGS, ListingKind};

#[test]
fn every_command_is_shown_from_its_first_check_to_its_answer() {
    let home = Home::none();
    for row in &COMMANDS {
        let text = home.run(&["run", row.name]).exits(0).stdout;
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("> "), "{}: {}", row.name, lines[0]);
        let first = lines[1..].iter().find(|line| !line.starts_with(' ')).unwrap();
        assert!(first.starts_with("BEFORE 10 "), "{}: {first}", row.name);
        assert!(text.contains(&format!("\n{} 10 REM ", row.name)), "{text}");
        let last = lines.last().unwrap();
        // The first READ RECORD finds EF.EXC empty.
        let status = if row.name == "READ RECORD" { "6A83" } else { "9000" };
        assert!(last.starts_with("< ") && last.ends_with(status), "{}: {last}", row.name);
        assert!(!text.contains("COMMIT") || text.contains("all of this is in memory now"), "{text}");
    }
}

#[test]
fn every_process_is_carried_out_to_its_end() {
    let home = Home::none();
    let processes = LISTINGS.iter().filter(|listing| listing.kind == ListingKind::Process);
    for listing in processes {
        let text = home.run(&["run", &listing.name.to_lowercase()]).exits(0).stdout;
        assert!(text.starts_with(&format!("{} 10 REM ", listing.name)), "{text}");
        assert!(text.ends_with("STOP: done\n"), "{text}");
        assert!(text.contains("all of this is in memory now"), "the cards' lines too: {text}");
        let brief = home.run(&["run", listing.name, "--brief"]).exits(0).stdout;
        assert!(!brief.contains("in memory now") && brief.len() < text.len(), "{brief}");
    }
}

/// The process moves 3.50 from the purse, which has 50.00, and the purse hears just these commands.
fn moves(process: &str, expected: &[&str]) {
    let home = Home::none();
    let document = home.json(&["run", &process.to_lowercase()]);
    assert_eq!((&document["listing"], &document["end"]), (&process.into(), &"done".into()));
    let events = document["events"].as_array().unwrap();
    // 50.00 less 3.50 on the purse, then 3.50 where nothing was.
    let balances = events.iter().filter(|event| event["name"] == "BALANCE(0)").map(|event| &event["value"]);
    assert_eq!(balances.collect::<Vec<_>>(), ["4650", "350"]);
    let to_purse = |event: &&serde_json::Value| event["to"] == "purse";
    let commands: Vec<String> = events
        .iter()
        .filter(to_purse)
        .map(|event| event["command"].as_str().unwrap()[2..4].to_owned())
        .collect();
    let expected = expected.iter().map(|name| {
        let row = table::COMMANDS.iter().find(|row| row.name == *name).unwrap();
        format!("{:02X}", row.instruction)
    });
    assert_eq!(commands, expected.collect::<Vec<_>>());
}

#[test]
fn a_purchase_moves_what_it_says() {
    moves("PURCHASE", &["SELECT", "VERIFY", "DEBIT", "ACKNOWLEDGE"]);
}

#[test]
fn a_transfer_moves_what_it_says() {
    moves("TRANSFER", &["SELECT", "GET DATA", "VERIFY CERTIFICATE", "VERIFY", "DEBIT", "ACKNOWLEDGE"]);
}

#[test]
fn what_is_no_listing_is_told_the_nearest() {
    let home = Home::none();
    let error = home.run(&["--json", "run", "purchas"]).exits(2).json();
    assert_eq!(error["error"]["message"], "nothing of the standard is called `purchas`");
    let next = error["error"]["next"].as_str().unwrap();
    assert!(next.starts_with("Nearest first: PURCHASE, "), "{next}");
}
