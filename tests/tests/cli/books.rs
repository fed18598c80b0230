//! Books and cards that are not as they should be, and what only the issuer can do.

use std::fs;

use crate::support::Home;

#[test]
fn only_init_makes_books() {
    let home = Home::with_money();
    fs::remove_file(home.path().join("issuer.db-wal")).ok();
    for content in [&b""[..], b"Dear issuer, this is a letter."] {
        fs::write(home.path().join("issuer.db"), content).unwrap();
        let error = home.run(&["load", "1.00"]).exits(1);
        assert!(error.stderr.contains("empty or not ours"), "{error:?}");
        assert_eq!(fs::read(home.path().join("issuer.db")).unwrap(), content);
    }
}

#[test]
fn cards_that_are_made_at_the_same_time_have_numbers_of_their_own() {
    let home = Home::new();
    let names = ["a", "b", "c", "d", "e"];
    let new = |name: &&str| {
        home.command(&["card", "new", name]).stdout(std::process::Stdio::null()).spawn().unwrap()
    };
    let children: Vec<_> = names.iter().map(new).collect();
    for child in children {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    assert_eq!(home.audit(), "0.00");
}

#[cfg(unix)]
#[test]
fn an_unreadable_card_is_a_finding() {
    let home = Home::with_money();
    std::os::unix::fs::symlink("nowhere", home.card("gone")).unwrap();
    let audit = home.run(&["--json", "audit"]).exits(1).json();
    let findings = audit["findings"].to_string();
    assert!(findings.contains("card `gone` cannot be read"), "{findings}");
    assert_eq!(audit["currencies"][0]["difference"], "0.00");
}

#[test]
fn what_the_books_know_is_listed_when_the_log_has_let_it_go() {
    let home = Home::with_money();
    home.run(&["unload", "1.00"]).exits(0);
    for _ in 0..33 {
        home.run(&["pay", "0.01"]).exits(0);
    }
    let audit = home.json(&["audit"]);
    let kinds: Vec<&str> =
        audit["transfers"].as_array().unwrap().iter().map(|item| item["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"unload") && audit["transfers_complete"] == false, "{audit:#}");
    // A copy of the card does not hide anything.
    fs::copy(home.card("card"), home.card("copy")).unwrap();
    let copied = home.run(&["--json", "audit"]).exits(1).json();
    assert_eq!(copied["transfers"], audit["transfers"]);
}

#[test]
fn the_issuer_unblocks_a_pin_and_a_lock() {
    let home = Home::new();
    home.run_with("PURSE_PIN", "1234", &["lock"]).exits(0);
    for _ in 0..3 {
        home.run_with("PURSE_PIN", "0000", &["unlock"]).exits(5);
    }
    let blocked = home.run_with("PURSE_PIN", "1234", &["unlock"]).exits(5);
    assert!(blocked.stderr.contains("purse pin unblock"), "{blocked:?}");
    assert_eq!(home.json(&["pin", "unblock"])["pin_tries"], 3);
    home.run_with("PURSE_PIN", "1234", &["unlock"]).exits(0);
    home.run_with("PURSE_PIN", "1234", &["lock"]).exits(0);
    home.run(&["unlock", "--by-issuer"]).exits(0);
    assert_eq!(home.balance("card"), "0.00");
}

#[test]
fn card_and_sam_are_two_and_known() {
    let home = Home::with_money();
    home.run(&["--card", "sam", "pay", "1"]).exits(2);
    home.run(&["--sam", "card", "refund", "1"]).exits(2);
    home.run(&["--sam", "nope", "pay", "1"]).exits(3);
    home.run(&["--sam", "nope", "recover"]).exits(3);
    let unset = home.command(&["balance"]).env("PURSE_HOME", "").env("XDG_DATA_HOME", home.path()).output();
    let stderr = String::from_utf8(unset.unwrap().stderr).unwrap();
    assert!(stderr.contains("home/purse"), "{stderr}");
}
