//! The program end to end: what it prints, as text and as JSON, and how it ends.

use std::fs;
use std::process::Command;

use crate::support::{Home, Run, program};
use serde_json::json;
use snapbox::{assert_data_eq, str};

/// Replaces what differs from day to day: `2026-11-23 15:32:36Z`, and the year and month of an expiry.
fn without_times(text: &str) -> String {
    let mut result = String::new();
    for word in text.split_inclusive([' ', '\n']) {
        let bare = word.trim_end();
        let shape: String =
            bare.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect();
        match shape.as_str() {
            "0000-00-00" | "00:00:00Z" | "0000-00" => result.push_str(&word.replace(bare, &shape)),
            _ => result.push_str(word),
        }
    }
    result
}

/// README's tour: the fenced block that begins with `purse init`, run line by line by a shell.
#[test]
fn the_tour_of_the_readme_is_what_happens() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    let tour = readme
        .split("```console\n")
        .skip(1)
        .filter_map(|block| block.split("```").next())
        .find(|block| block.starts_with("$ purse init"))
        .expect("README has a tour");
    let home = Home::none();
    let path = format!("{}:{}", program().parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut found = String::new();
    for line in tour.lines().filter_map(|line| line.strip_prefix("$ ")) {
        let output = Command::new("sh")
            .args(["-c", &format!("exec 2>&1; {line}")])
            .env("PATH", &path)
            .env("PURSE_HOME", home.path())
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let run = Run::from(output).exits(0);
        found += "$ ";
        found += line;
        found += "\n";
        found += &run.stdout;
    }
    let found = found.replace(home.path().to_str().unwrap(), "~/.local/share/purse");
    assert_data_eq!(without_times(&found), without_times(tour));
    assert!((8..=12).contains(&tour.lines().filter(|line| line.starts_with("$ ")).count()));
}

#[test]
fn init_makes_a_home_of_its_owners_alone() {
    let home = Home::none();
    let document = home.json(&["init"]);
    assert_eq!(document["accounts"], json!({ "holder": "100.00", "merchant": "0.00" }));
    let scheme = fs::read_to_string(home.path().join("scheme.toml")).unwrap();
    for part in ["currency = \"EUR\"", "[issuer]\nnumber = \"", "[keys.1]\nload = \"", "paym", "tack", "admn"]
    {
        assert!(scheme.contains(part), "{part}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(home.path()), 0o700);
        for file in ["scheme.toml", "issuer.db", "cards/card.purse", "cards/sam.purse"] {
            assert_eq!(mode(home.path().join(file)), 0o600, "{file}");
        }
    }
    // Another init changes nothing.
    let before = fs::read(home.card("card")).unwrap();
    let error = home.run(&["--json", "init"]).exits(2).json();
    assert!(error["error"]["message"].as_str().unwrap().contains("exists already"));
    assert_eq!(fs::read_to_string(home.path().join("scheme.toml")).unwrap(), scheme);
    assert_eq!(fs::read(home.card("card")).unwrap(), before);
}

#[test]
fn limits_are_those_of_the_currency() {
    let home = Home::none();
    home.run(&["init", "--currency", "JPY"]).exits(0);
    let card = home.json(&["card", "show", "card"]);
    assert_eq!(card["pockets"][0]["maximum_balance"], "150");
    assert_eq!(home.json(&["card", "show", "sam"])["pockets"][0]["maximum_balance"], "10000");
    home.run(&["load", "50.0"]).exits(2);
    home.run(&["load", "50"]).exits(0);
    home.run(&["pay", "7"]).exits(0);
    assert_eq!(home.balance("card"), "43");
    assert_eq!(home.audit(), "0");
    Home::none().run(&["init", "--currency", "XAU"]).exits(2);
    Home::none().run(&["init", "--currency", "EURO"]).exits(2);
}

#[test]
fn no_bad_amount_is_taken() {
    let home = Home::new();
    home.run(&["load", "10.00"]).exits(0);
    let bad = [
        "",
        "0",
        "0.00",
        "-1",
        "-1.00",
        "+1",
        "1.001",
        "1.000",
        "1,00",
        "1e2",
        ".5",
        "5.",
        "1 0",
        "0x1",
        "NaN",
        "１",
        "42949672.96",
        "99999999999999999999",
    ];
    for command in ["load", "pay", "refund", "unload"] {
        for amount in bad {
            let error = home.run(&["--json", command, amount]).exits(2).json();
            assert_eq!(error["error"]["kind"], "usage", "{command} {amount}");
            assert_eq!(error["error"]["money"], "No money has moved.");
        }
    }
    assert_eq!(home.balance("card"), "10.00");
}

#[test]
fn every_exit_code_says_what_to_do() {
    let home = Home::new();
    // 2: usage, with JSON too.
    home.run(&["pay"]).exits(2);
    assert_eq!(home.run(&["--json", "pay"]).exits(2).json()["error"]["exit_code"], 2);
    home.run(&["nonsense"]).exits(2);
    home.run(&["--cut", "0", "balance"]).exits(2);
    let none = Home::none();
    let error = none.run(&["balance"]).exits(2);
    assert!(error.stderr.contains("purse init") && error.stdout.is_empty(), "{error:?}");
    // 3: no card of this name; a name that is none.
    home.run(&["balance", "--card", "nobody"]).exits(3);
    home.run(&["balance", "--card", "../card"]).exits(2);
    // 4: the card refuses.
    let error = home.run(&["--json", "pay", "3.50"]).exits(4).json();
    assert_eq!(error["error"]["status_word"], "9401");
    assert_eq!(error["error"]["meaning"], "not enough value");
    assert_data_eq!(
        home.run(&["pay", "3.50"]).exits(4).stderr,
        str![[r"
error: purse: DEBIT: 9401, not enough value
No money has moved.
Load the card, or ask for less.

"]]
    );
    // 7: the issuer declines, for the account does not hold that much; 4 again: the card's maximum.
    home.run(&["load", "100.01"]).exits(7);
    let error = home.run(&["--json", "load", "150.01"]).exits(4).json();
    assert_eq!(error["error"]["status_word"], "9404");
    // 5 and 6 have tests of their own.
}

#[test]
fn a_card_is_in_one_program_at_a_time() {
    let home = Home::new();
    let file = fs::File::open(home.card("card")).unwrap();
    file.lock().unwrap();
    for command in [&["balance"][..], &["load", "1.00"], &["pay", "1.00"], &["audit"]] {
        let run = home.run(command).exits(3);
        assert!(run.stderr.contains("in use"), "{run:?}");
    }
    drop(file);
    home.run(&["balance"]).exits(0);
}

#[test]
fn a_damaged_card_file_is_left_as_it_is() {
    let home = Home::new();
    let whole = fs::read(home.card("card")).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0x10;
    for bad in [&whole[..whole.len() - 1], &flipped, b"not a card", b""] {
        fs::write(home.card("card"), bad).unwrap();
        let run = home.run(&["balance"]).exits(3);
        assert!(run.stderr.contains("untouched"), "{run:?}");
        let audit = home.run(&["audit"]).exits(1);
        assert!(audit.stdout.contains("not counted") && audit.stdout.contains("issuer's float"), "{audit:?}");
        assert_eq!(fs::read(home.card("card")).unwrap(), bad);
    }
    fs::write(home.card("card"), &whole).unwrap();
    home.run(&["balance"]).exits(0);
}

#[test]
fn a_pin_comes_from_a_file_or_the_environment() {
    let home = Home::new();
    home.run(&["load", "100.00"]).exits(0);
    // Nobody to ask.
    let run = home.run(&["pay", "30.00"]).exits(5);
    assert!(run.stderr.contains("--pin-file") && run.stderr.contains("PURSE_PIN"), "{run:?}");
    let right = home.file("right", "1234\n");
    let wrong = home.file("wrong", "4321");
    let letters = home.file("letters", "12a4");
    home.run(&["pay", "30.00", "--pin-file", &letters]).exits(2);
    home.run(&["pay", "30.00", "--pin-file", "/nowhere"]).exits(2);
    home.run(&["pay", "30.00", "--pin-file", &right]).exits(0);
    home.run_with("PURSE_PIN", "1234", &["pay", "30.00"]).exits(0);
    // Wrong three times, then blocked, and the right one helps no more.
    for left in [2, 1, 0] {
        let error = home.run(&["--json", "pay", "30.00", "--pin-file", &wrong]).exits(5).json();
        assert_eq!(error["error"]["status_word"], format!("63C{left}"));
    }
    let error = home.run(&["--json", "lock", "--pin-file", &right]).exits(5).json();
    assert_eq!(error["error"]["status_word"], "6983");
    assert_eq!(home.balance("card"), "40.00");
}

#[test]
fn a_pin_changes_and_a_card_locks() {
    let home = Home::new();
    home.run(&["load", "10.00"]).exits(0);
    let (old, new) = (home.file("old", "1234"), home.file("new", "24680"));
    home.run(&["pin", "change", "--pin-file", &old, "--new-pin-file", &new]).exits(0);
    home.run(&["lock", "--pin-file", &old]).exits(5);
    home.run(&["lock", "--pin-file", &new]).exits(0);
    assert!(home.run(&["lock"]).exits(0).stdout.contains("locked already"));
    for command in [&["balance"][..], &["pay", "1.00"], &["load", "1.00"], &["unload", "1.00"], &["history"]]
    {
        let error = home.run(&[&["--json"], command].concat()).exits(4).json();
        assert_eq!(error["error"]["status_word"], "6982", "{command:?}");
    }
    // An audit sees through the lock and leaves it on.
    assert_eq!(home.audit(), "0.00");
    assert_eq!(home.json(&["card", "show", "card"])["life_cycle"], "locked");
    home.run(&["unlock", "--pin-file", &new]).exits(0);
    assert_eq!(home.balance("card"), "10.00");
}

#[test]
fn other_cards_have_names_and_pins_of_their_own() {
    let home = Home::new();
    let pin = home.file("pin", "98765");
    home.run(&["card", "new", "bob", "--pin-file", &pin]).exits(0);
    home.run(&["card", "new", "bob"]).exits(2);
    home.run(&["card", "new", "../bob"]).exits(2);
    home.run(&["card", "new", "kiosk", "--role", "merchant"]).exits(0);
    let list = home.json(&["card", "list"]);
    let names: Vec<_> = list["cards"].as_array().unwrap().iter().map(|card| card["name"].clone()).collect();
    assert_eq!(names, ["bob", "card", "kiosk", "sam"]);
    home.run(&["--card", "bob", "load", "40.00"]).exits(0);
    home.run(&["--card", "bob", "--sam", "kiosk", "pay", "30.00", "--pin-file", &pin]).exits(0);
    assert_eq!((home.balance("bob"), home.balance("kiosk")), ("10.00".to_owned(), "30.00".to_owned()));
    // The operator's PIN was in the environment when the kiosk was made.
    home.run(&["--card", "bob", "--sam", "kiosk", "refund", "30.00"]).exits(0);
    assert_eq!(home.audit(), "0.00");
    // A purse is no SAM.
    home.run(&["--sam", "card", "--card", "bob", "pay", "1.00"]).exits(4);
}

#[test]
fn a_copied_card_is_a_fork_that_is_found() {
    let home = Home::with_money();
    fs::copy(home.card("card"), home.card("twin")).unwrap();
    let audit = home.run(&["--json", "audit"]).exits(1).json();
    assert_eq!(audit["adds_up"], false);
    assert!(audit["findings"][0].as_str().unwrap().contains("fork"), "{audit:#}");
    home.run(&["pay", "1.00"]).exits(0);
    home.run(&["--card", "twin", "pay", "2.00"]).exits(0);
    let collected = home.run(&["--json", "collect"]).exits(7).json();
    assert_eq!(collected["forks"].as_array().unwrap().len(), 1, "{collected:#}");
    fs::remove_file(home.card("twin")).unwrap();
    home.run(&["audit"]).exits(1);
}

#[test]
fn raw_commands_share_a_session() {
    let home = Home::new();
    let select = "00A4040007F050555253450100";
    let exchanges = home.json(&["apdu", select, "80 5C 00 00 0B", "80:5C:00:04:0B"]);
    assert_eq!(exchanges[0]["command"], select);
    assert!(exchanges[0]["response"].as_str().unwrap().starts_with("6F2A8407F0505552534501A51FC11D"));
    // Currency, exponent, balance, maximum balance, 9000.
    assert_eq!(exchanges[1]["response"], "0978020000000000003A989000");
    assert_eq!(exchanges[2]["response"], "6A88");
    // Another command, another session: nothing is selected.
    assert_eq!(home.run(&["apdu", "805C00000B"]).exits(0).stdout, "6985\n");
    for bad in ["", "0", "0g", "hello"] {
        home.run(&["apdu", bad]).exits(2);
    }
}

#[test]
fn a_trace_has_names_and_no_pin() {
    let home = Home::new();
    home.run(&["load", "50.00"]).exits(0);
    let pin = home.file("pin", "1234");
    let run = home.run(&["--trace", "pay", "30.00", "--pin-file", &pin]).exits(0);
    for part in ["SELECT", "INITIALIZE", "DEBIT", "CREDIT", "VERIFY", "9000 done", "6982"] {
        assert!(run.stderr.contains(part), "{part}: {run:?}");
    }
    assert!(!run.stderr.contains("241234"), "{run:?}");
    let file = home.file("trace", "");
    let run = home.run(&[&format!("--trace={file}"), "balance"]).exits(0);
    assert!(run.stderr.is_empty(), "{run:?}");
    assert!(fs::read_to_string(file).unwrap().contains("GET BALANCE"));
}

#[test]
fn history_and_audit_tell_what_was_paid() {
    let home = Home::new();
    home.run(&["load", "20.00"]).exits(0);
    home.run(&["pay", "3.50"]).exits(0);
    let records = home.json(&["history"])["records"].clone();
    assert_eq!(records[0]["kind"], "purchase");
    assert_eq!((&records[0]["change"], &records[0]["state"]), (&json!("-3.50"), &json!("settled")));
    assert_eq!(records[1]["balance"], "20.00");
    // The receipt did not come back: the payment is an ordinary one all the same.
    home.run(&["pay", "1.00", "--lose", "6"]).exits(0);
    let audit = home.json(&["audit"]);
    assert_eq!(audit["currencies"][0]["in_flight"], "0.00");
    for transfer in audit["transfers"].as_array().unwrap() {
        assert_eq!(transfer["state"], "paid", "{audit:#}");
    }
}

#[test]
fn an_audit_changes_nothing() {
    let home = Home::with_money();
    // A card that was killed in the middle: its file is marked as in use, and its power-up would write.
    home.run(&["pay", "1.00", "--cut", "3"]);
    let before: Vec<_> = ["card", "sam"].map(|card| fs::read(home.card(card)).unwrap()).into();
    home.run(&["audit"]);
    home.run(&["card", "list"]).exits(0);
    let after: Vec<_> = ["card", "sam"].map(|card| fs::read(home.card(card)).unwrap()).into();
    assert!(before == after);
}

#[test]
fn what_the_sam_never_took_the_issuer_resolves() {
    let home = Home::with_money();
    assert_eq!(home.json(&["resolve"])["items"], json!([]));
    // The SAM has moved on past the payment that it never saw.
    home.run(&["pay", "5.00", "--lose", "4"]).exits(6);
    home.run(&["card", "new", "bob"]).exits(0);
    home.run(&["--card", "bob", "load", "10.00"]).exits(0);
    home.run(&["--card", "bob", "pay", "2.00"]).exits(0);
    assert_eq!(home.audit(), "5.00");
    // It may still be with the SAM, as far as the issuer knows.
    let refused = home.run(&["--json", "resolve"]).exits(7).json();
    assert_eq!(refused["items"][0]["outcome"], "open", "{refused:#}");
    home.run(&["collect"]).exits(0);
    let resolved = home.json(&["resolve"]);
    assert_eq!(resolved["items"][0]["outcome"], "reversed", "{resolved:#}");
    assert_eq!((home.balance("card"), home.audit()), ("30.00".to_owned(), "0.00".to_owned()));
}

#[test]
fn the_demo_adds_up() {
    let document = Home::none().json(&["demo"]);
    assert_eq!((&document["adds_up"], &document["wrong"]), (&json!(true), &json!([])));
    let told = Home::none().run(&["demo"]).exits(0).stdout;
    for part in [
        "paid 3.50 EUR",
        "refunded 1.00 EUR",
        "in flight         2.50",
        "transferred 2.00 EUR from bob to carol",
        "collected 5.00 EUR",
        "accounted for",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn the_bench_counts_what_a_purchase_may_cost() {
    let document = Home::none().json(&["bench", "--time", "1"]);
    let purse = &document["flows"]["purchase"]["purse"];
    let count = |name: &str| purse[name].as_u64().unwrap();
    assert_eq!((count("apdus"), count("bytes")), (2, 118));
    assert_eq!((count("programs_before_response"), count("erases")), (1, 0));
    assert!(count("bytes_programmed_before_response") <= 160);
    assert!(count("aes_blocks") <= 12);
    for flow in ["load", "purchase", "refund", "unload", "collection", "recovery"] {
        assert!(document["flows"][flow].is_object(), "{flow}");
    }
    // SELECT, GET DATA, VERIFY CERTIFICATE and two more for each purse of a transfer; what a peer that is known costs.
    for (flow, curve) in [("transfer", 1), ("transfer_to_the_same", 0)] {
        for (purse, programs) in [("payer", 2), ("payee", 1)] {
            let work = &document["flows"][flow][purse];
            let count = |name: &str| work[name].as_u64().unwrap();
            assert_eq!((count("apdus"), count("erases")), (5, 0), "{flow}, {purse}");
            assert_eq!(
                (count("curve_verifications"), count("curve_agreements")),
                (curve, curve),
                "{flow}, {purse}"
            );
            // The payer's second is the mark that its ACKNOWLEDGE leaves.
            assert_eq!(count("programs_before_response"), programs, "{flow}, {purse}");
        }
    }
    assert!(document["speed"]["purchases_per_second"].as_f64().unwrap() > 0.0);
    assert!(document["speed"]["aes_alone_per_second"].as_f64().unwrap() > 0.0);
}

#[test]
fn completions_and_manual_pages_are_made() {
    let home = Home::none();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        assert!(home.run(&["completions", shell]).exits(0).stdout.contains("collect"), "{shell}");
    }
    let page = home.run(&["man"]).exits(0).stdout;
    assert!(page.contains(".TH purse 1") && page.contains("outcome is unknown"), "{page}");
    let directory = home.file("man", "").replace("man", "pages");
    let pages = home.json(&["man", "--out", &directory])["pages"].clone();
    assert!(pages.as_array().unwrap().contains(&json!("purse-pay.1")), "{pages}");
    assert!(fs::read_to_string(format!("{directory}/purse-pay.1")).unwrap().contains("AMOUNT"));
    // Help is help, and lists the exit codes.
    let help = home.run(&["--help"]).exits(0).stdout;
    assert!(help.contains("6  the outcome is unknown"), "{help}");
}
