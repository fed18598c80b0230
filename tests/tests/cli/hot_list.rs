//! `hotlist`: a purse that its issuer has listed is taken by no terminal that has the list.

use std::fs;

use crate::support::Home;

/// 30.00 on the card, 10.00 on bob's; bob's number.
fn two() -> (Home, String) {
    let home = Home::with_money();
    home.run(&["card", "new", "bob"]).exits(0);
    home.run(&["load", "10", "--card", "bob"]).exits(0);
    let number = home.json(&["card", "show", "bob"])["number"].as_str().unwrap().to_owned();
    (home, number)
}

fn refused(home: &Home, arguments: &[&str]) {
    let run = home.run(arguments).exits(4);
    assert!(run.stderr.contains("is on the issuer's hot list"), "{arguments:?}: {run:?}");
}

#[test]
fn a_listed_purse_pays_nobody_and_is_paid_by_nobody() {
    let (home, bob) = two();
    let list = home.json(&["hotlist", "add", &bob]);
    assert_eq!((&list["version"], &list["ranges"][0]["first"]), (&1.into(), &bob.clone().into()));
    for arguments in [
        &["transfer", "1", "--to-card", "bob"][..],
        &["transfer", "1", "--card", "bob", "--to-card", "card"],
        &["pay", "1", "--card", "bob"],
        &["load", "1", "--card", "bob"],
        &["unload", "1", "--card", "bob"],
        &["proof", "offer", "1", "--card", "bob"],
    ] {
        refused(&home, arguments);
    }
    home.run(&["pay", "1"]).exits(0);
    assert_eq!((home.balance("card"), home.balance("bob")), ("29.00".into(), "10.00".into()));
    home.run(&["hotlist", "remove", &bob]).exits(0);
    home.run(&["transfer", "1", "--card", "bob", "--to-card", "card"]).exits(0);
    assert_eq!((home.balance("card"), home.balance("bob")), ("30.00".into(), "9.00".into()));
    assert_eq!(home.audit(), "0.00");
}

#[test]
fn a_letter_of_a_listed_purse_is_not_carried_out() {
    let (home, bob) = two();
    let letter = home.run(&["proof", "offer", "1", "--card", "bob"]).exits(0).stdout;
    let file = home.file("offer", &letter);
    home.run(&["hotlist", "add", &bob]).exits(0);
    refused(&home, &["proof", "import", &file]);
}

#[test]
fn what_a_listed_purse_has_under_way_is_left_to_the_issuer() {
    let (home, bob) = two();
    let arguments = ["transfer", "1", "--card", "bob", "--to-card", "card", "--lose", "8"];
    home.run(&arguments).exits(6);
    home.run(&["hotlist", "add", &bob]).exits(0);
    let run = home.run(&["recover", "--card", "bob"]).exits(4);
    assert!(run.stderr.contains("is on the issuer's hot list"), "{run:?}");
    let document = home.run(&["--json", "recover", "--card", "bob"]).exits(4).json();
    assert_eq!((&document["complete"], &document["listed"][0]), (&false.into(), &bob.clone().into()));
    assert!(home.path().join("pending").join(&bob).exists(), "what is under way is forgotten");
    assert_eq!(home.balance("card"), "30.00");
    home.run(&["hotlist", "remove", &bob]).exits(0);
    home.run(&["recover", "--card", "bob"]).exits(0);
    assert_eq!(home.balance("card"), "31.00");
    assert_eq!(home.audit(), "0.00");
}

#[test]
fn a_list_goes_from_terminal_to_terminal_and_never_backwards() {
    let (issuer, bob) = two();
    let terminal = issuer.copy();
    let file = |name: &str| issuer.path().join(name).display().to_string();
    let (first, second) = (file("first"), file("second"));
    issuer.run(&["hotlist", "add", &bob]).exits(0);
    issuer.run(&["hotlist", "export", &first]).exits(0);
    issuer.run(&["hotlist", "add", "9555000000000100", "--to", "9555000000000199"]).exits(0);
    issuer.run(&["hotlist", "remove", "9555000000000150"]).exits(0);
    let list = issuer.json(&["hotlist", "export", &second]);
    let ranges: Vec<[&str; 2]> = list["ranges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|range| ["first", "last"].map(|name| range[name].as_str().unwrap()))
        .collect();
    assert_eq!(
        ranges,
        [
            [bob.as_str(), bob.as_str()],
            ["9555000000000100", "9555000000000149"],
            ["9555000000000151", "9555000000000199"]
        ]
    );
    terminal.run(&["transfer", "1", "--to-card", "bob"]).exits(0);
    terminal.run(&["hotlist", "import", &second]).exits(0);
    refused(&terminal, &["transfer", "1", "--to-card", "bob"]);
    let older = terminal.run(&["hotlist", "import", &first]).exits(2);
    assert!(older.stderr.contains("version 1, and version 3 is here"), "{older:?}");
    terminal.run(&["hotlist", "import", &second]).exits(0);
}

#[test]
fn only_the_issuers_list_counts_and_one_that_was_changed_stops_everything() {
    let (home, bob) = two();
    let out = home.path().join("list").display().to_string();
    home.run(&["hotlist", "add", &bob]).exits(0);
    home.run(&["hotlist", "export", &out]).exits(0);
    let text = fs::read_to_string(&out).unwrap();
    let emptied = home.file("emptied", &text.replace(&format!("{bob}\n"), ""));
    let run = home.run(&["hotlist", "import", &emptied]).exits(5);
    assert!(run.stderr.contains("the issuer has not signed it"), "{run:?}");
    let stranger = Home::new();
    let run = stranger.run(&["hotlist", "import", &out]).exits(5);
    assert!(run.stderr.contains("the issuer has not signed it"), "{run:?}");
    refused(&home, &["pay", "1", "--card", "bob"]);
    fs::write(home.path().join("hot-list"), text.replace(&format!("{bob}\n"), "")).unwrap();
    let run = home.run(&["pay", "1", "--card", "bob"]).exits(1);
    assert!(run.stderr.contains("is not taken") && run.stderr.contains("hotlist import"), "{run:?}");
    home.run(&["hotlist", "import", &out]).exits(0);
    refused(&home, &["pay", "1", "--card", "bob"]);
    for wrong in ["955500000000001", "95550000000000180", "955500000000001x", ""] {
        home.run(&["hotlist", "add", wrong]).exits(2);
    }
    home.run(&["hotlist", "add", &bob, "--to", "9555000000000000"]).exits(2);
}

#[test]
fn a_list_that_was_changed_stops_recovery_which_forgets_nothing() {
    let (home, _) = two();
    home.run(&["pay", "5", "--lose", "4"]).exits(6);
    fs::write(home.path().join("hot-list"), "changed").unwrap();
    let run = home.run(&["recover"]).exits(1);
    assert!(!run.stdout.contains("no money has moved"), "{run:?}");
    assert!(run.stderr.contains("hotlist import"), "{run:?}");
    fs::remove_file(home.path().join("hot-list")).unwrap();
    let done = home.run(&["recover"]).exits(0);
    assert!(done.stdout.contains("done, the payee has it"), "{done:?}");
}

#[test]
fn another_list_of_the_same_version_is_not_taken() {
    let (home, bob) = two();
    let other = home.copy();
    let file = |name: &str| home.path().join(name).display().to_string();
    home.run(&["hotlist", "add", &bob]).exits(0);
    home.run(&["hotlist", "export", &file("mine")]).exits(0);
    other.run(&["hotlist", "add", "9555000000000100"]).exits(0);
    other.run(&["hotlist", "export", &file("other")]).exits(0);
    let run = home.run(&["hotlist", "import", &file("other")]).exits(2);
    assert!(run.stderr.contains("another list of version 1"), "{run:?}");
    refused(&home, &["pay", "1", "--card", "bob"]);
    home.run(&["hotlist", "import", &file("mine")]).exits(0);
}

#[test]
fn a_change_that_changes_nothing_makes_no_new_list_and_what_is_no_list_is_refused() {
    let (home, bob) = two();
    let none = home.run(&["hotlist", "remove", &bob]).exits(0);
    assert_eq!(none.stdout, "there is no hot list here\n");
    assert_eq!(home.json(&["hotlist", "add", &bob])["version"], 1);
    for arguments in [["hotlist", "add", bob.as_str()], ["hotlist", "remove", "9555000000000099"]] {
        let run = home.run(&arguments).exits(0);
        assert!(run.stderr.contains("changes nothing"), "{run:?}");
        assert!(run.stdout.contains("hot list 1 of") && run.stdout.contains(&bob), "{run:?}");
    }
    let garbage = home.path().join("garbage");
    std::fs::write(&garbage, [0xFF, 0x00, 0xFE]).unwrap();
    let empty = home.file("empty", "");
    for file in [garbage.display().to_string(), empty] {
        let run = home.run(&["hotlist", "import", &file]).exits(5);
        assert!(run.stderr.contains("it is no hot list\n"), "{run:?}");
    }
    let out = home.path().join("list").display().to_string();
    home.run(&["hotlist", "export", &out]).exits(0);
    let again = home.run(&["hotlist", "export", &out]).exits(2);
    assert!(again.stderr.contains("exists already"), "{again:?}");
}

#[test]
fn who_pays_with_a_listed_purse_forgets_nothing_that_it_has_under_way() {
    let (home, bob) = two();
    home.run(&["pay", "5", "--card", "bob", "--lose", "4"]).exits(6);
    home.run(&["hotlist", "add", &bob]).exits(0);
    let is_marked = || home.path().join("pending").join(&bob).exists();
    refused(&home, &["pay", "1", "--card", "bob"]);
    assert!(is_marked(), "forgotten by a payment");
    refused(&home, &["transfer", "1", "--to-card", "bob"]);
    assert!(is_marked(), "forgotten by a transfer");
    home.run(&["hotlist", "remove", &bob]).exits(0);
    let done = home.run(&["recover", "--card", "bob"]).exits(0);
    assert!(done.stdout.contains("done, the payee has it"), "{done:?}");
}
