//! `transfer` and `proof`: two purses pay each other, at hand or by letter, and every cent is accounted for.

use crate::support::{Home, Run};
use std::io::{ErrorKind, Write as _};
use std::process::Stdio;

/// 30.00 on the card and bob's card beside it.
fn two() -> Home {
    let home = Home::with_money();
    home.run(&["card", "new", "bob"]).exits(0);
    home
}

fn balances(home: &Home) -> (String, String) {
    (home.balance("card"), home.balance("bob"))
}

/// What a command writes if this is its standard input.
fn fed(home: &Home, arguments: &[&str], input: &str) -> Run {
    let mut command = home.command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    match child.stdin.take().unwrap().write_all(input.as_bytes()) {
        // It may have ended before it reads anything.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        written => written.unwrap(),
    }
    Run::from(child.wait_with_output().unwrap())
}

#[test]
fn value_goes_from_purse_to_purse_and_back_and_all_adds_up() {
    let home = two();
    let (card, bob) = balances(&home);
    assert_eq!((card.as_str(), bob.as_str()), ("30.00", "0.00"));
    let done = home.run(&["transfer", "5.00", "--to-card", "bob"]).exits(0);
    assert_eq!(
        done.stdout,
        "transferred 5.00 EUR from card to bob\nbalance of card 25.00 EUR, of bob 5.00 EUR\n"
    );
    let document = home.json(&["transfer", "2", "--card", "bob", "--to-card", "card"]);
    assert_eq!(document["balance"], "3.00");
    assert_eq!(document["payee_balance"], "27.00");
    assert_eq!(document["kind"], "transfer");
    assert_eq!(balances(&home), ("27.00".into(), "3.00".into()));
    assert_eq!(home.audit(), "0.00");
}

#[test]
fn what_cannot_be_is_refused_with_a_reason_and_nothing_moves() {
    let home = two();
    let refused = |arguments: &[&str], code: i32, part: &str| {
        let run = home.run(arguments).exits(code);
        assert!(run.stderr.contains(part), "{arguments:?}: {run:?}");
    };
    refused(&["transfer", "5"], 2, "who is to be paid?");
    refused(&["transfer", "--to-card", "bob"], 2, "AMOUNT");
    refused(&["transfer", "0", "--to-card", "bob"], 2, "is nothing");
    refused(&["transfer", "5", "--to-card", "card"], 2, "the same card");
    refused(&["transfer", "5", "--to-card", "nobody"], 3, "nobody");
    refused(&["transfer", "5", "--to-card", "sam"], 4, "card `sam` is a merchant's SAM");
    refused(&["transfer", "30.01", "--to-card", "bob"], 4, "not enough value");
    refused(&["transfer", "30", "--to-card", "bob"], 5, "PIN");
    home.run_with("PURSE_PIN", "1234", &["lock", "--card", "bob"]).exits(0);
    refused(&["transfer", "5", "--to-card", "bob"], 4, "locked");
    assert_eq!(home.balance("card"), "30.00");
    home.run_with("PURSE_PIN", "1234", &["unlock", "--card", "bob"]).exits(0);
    home.run_with("PURSE_PIN", "1234", &["transfer", "30", "--to-card", "bob"]).exits(0);
    assert_eq!(balances(&home), ("0.00".into(), "30.00".into()));
    assert_eq!(home.audit(), "0.00");
}

#[test]
fn whatever_response_is_lost_and_wherever_power_fails_recover_finishes_it() {
    let whole = two();
    for option in ["--lose", "--cut"] {
        for number in 1..100 {
            let home = whole.copy();
            let number = number.to_string();
            let run = home.run(&["transfer", "5.00", "--to-card", "bob", option, &number]);
            home.run(&["recover"]).exits(0);
            let after = balances(&home);
            match run.code {
                0 => assert_eq!(after, ("25.00".into(), "5.00".into()), "{option} {number}"),
                6 => assert!(
                    [("30.00".into(), "0.00".into()), ("25.00".into(), "5.00".into())].contains(&after),
                    "{option} {number}: {after:?}"
                ),
                _ => assert_eq!(after, ("30.00".into(), "0.00".into()), "{option} {number}: {run:?}"),
            }
            assert_eq!(home.audit(), "0.00", "{option} {number}");
            let is_faultless = run.code == 0 && run.stderr.is_empty();
            if is_faultless {
                break;
            }
            assert_ne!(number, "99", "a transfer has an end");
        }
    }
}

#[test]
fn letters_carry_a_transfer_between_homes_that_never_meet() {
    let home = two();
    let offer = letter(home.run(&["proof", "offer", "5.00"]));
    let request = letter(fed(&home, &["proof", "import", "--card", "bob"], &offer));
    // Nobody pays because a letter says so.
    let refused = fed(&home, &["proof", "import"], &request).exits(2);
    assert!(refused.stderr.contains("5.00 EUR") && refused.stderr.contains("--yes"), "{refused:?}");
    assert_eq!(balances(&home), ("30.00".into(), "0.00".into()));
    let payment = letter(fed(&home, &["proof", "import", "--yes"], &request));
    assert_eq!(balances(&home), ("25.00".into(), "0.00".into()));
    let audit = home.json(&["audit"]);
    assert_eq!(audit["currencies"][0]["in_flight"], "5.00");
    // The letter is lost; bob introduces himself, and the payer's card says it again.
    let introduction = letter(home.run(&["proof", "export", "--card", "bob"]));
    assert_eq!(letter(fed(&home, &["proof", "import"], &introduction)), payment);
    let wrong = fed(&home, &["proof", "import"], &payment).exits(2);
    assert!(wrong.stderr.contains("from this card"), "{wrong:?}");
    let file = home.file("payment", &format!("{payment}\n"));
    let out = home.path().join("credited").display().to_string();
    let done = home.run(&["proof", "import", &file, "--card", "bob", "--out", &out, "--qr"]).exits(0);
    assert!(done.stderr.contains('█'), "{done:?}");
    assert_eq!(balances(&home), ("25.00".into(), "5.00".into()));
    let settled = home.run(&["proof", "import", &out]).exits(0);
    assert!(settled.stderr.contains("done, the payee has it"), "{settled:?}");
    assert_eq!(home.run(&["recover"]).exits(0).stdout, "nothing to recover\n");
    assert_eq!(home.audit(), "0.00");
    let broken = fed(&home, &["proof", "import"], &payment[..100]).exits(2);
    assert!(broken.stderr.contains("line 1"), "{broken:?}");
}

#[test]
fn a_home_from_before_there_were_transfers_says_what_its_cards_lack() {
    let home = Home::new();
    let scheme = home.path().join("scheme.toml");
    let text = std::fs::read_to_string(&scheme).unwrap();
    let (before, _) = text.split_once("\n# Signs the certificates").unwrap();
    std::fs::write(&scheme, before).unwrap();
    home.run(&["card", "new", "old"]).exits(0);
    let run = home.run(&["transfer", "1", "--to-card", "old"]).exits(4);
    assert!(run.stderr.contains("has no key pair") && run.stderr.contains("[certificates]"), "{run:?}");
}

/// The letter that a command writes.
fn letter(run: Run) -> String {
    run.exits(0).stdout.trim_end().to_owned()
}

/// A payment of 5.00 to bob that has been debited, and the request that it was made for.
fn paid(home: &Home) -> [String; 2] {
    let offer = letter(home.run(&["proof", "offer", "5.00"]));
    let request = letter(fed(home, &["proof", "import", "--card", "bob"], &offer));
    let payment = letter(fed(home, &["proof", "import", "--yes"], &request));
    [request, payment]
}

#[test]
fn a_letter_whose_answer_has_no_place_is_not_carried_out() {
    let home = two();
    let offer = letter(home.run(&["proof", "offer", "5.00"]));
    let request = letter(fed(&home, &["proof", "import", "--card", "bob"], &offer));
    let taken = home.file("taken", "mine");
    let refused = fed(&home, &["proof", "import", "--yes", "--out", &taken], &request).exits(2);
    assert!(refused.stderr.contains("exists already"), "{refused:?}");
    assert_eq!(balances(&home), ("30.00".into(), "0.00".into()));
    home.run(&["proof", "offer", "5.00", "--out", &taken]).exits(2);
    assert_eq!(std::fs::read_to_string(taken).unwrap(), "mine");
}

#[test]
fn what_one_letter_has_come_to_is_told_though_the_next_one_fails() {
    let home = two();
    let [request, payment] = paid(&home);
    let both = home.file("both", &format!("{payment}\n{request}\n"));
    let run = home.run(&["proof", "import", &both, "--card", "bob"]).exits(2);
    assert!(run.stdout.starts_with("PURSE1:"), "bob's word is lost: {run:?}");
    assert!(!run.stderr.contains("No money has moved."), "{run:?}");
    let document = home.run(&["--json", "proof", "import", &both, "--card", "bob"]).exits(2).json();
    assert_eq!(document["letters"][0]["outcome"], "credited", "{document:#}");
    assert_eq!(document["error"]["exit_code"], 2, "{document:#}");
    assert_eq!(balances(&home), ("25.00".into(), "5.00".into()));
    let credited = run.stdout.trim_end().to_owned();
    fed(&home, &["proof", "import"], &credited).exits(0);
    assert_eq!(home.audit(), "0.00");
}

#[test]
fn a_letter_that_the_card_cannot_follow_says_why() {
    let home = two();
    home.run(&["pocket", "add", "USD"]).exits(0);
    home.run(&["rate", "set", "EUR", "USD", "1"]).exits(0);
    home.run(&["exchange", "1.00", "EUR", "USD"]).exits(0);
    let dollars = letter(home.run(&["proof", "offer", "1", "--currency", "USD"]));
    let refused = fed(&home, &["proof", "import", "--card", "bob"], &dollars).exits(4);
    assert!(refused.stderr.contains("no pocket for USD"), "{refused:?}");
    assert!(!refused.stderr.contains("refund"), "{refused:?}");
    let offer = letter(home.run(&["proof", "offer", "5.00"]));
    let request = letter(fed(&home, &["proof", "import", "--card", "bob"], &offer));
    home.run(&["pay", "1"]).exits(0);
    let late = fed(&home, &["proof", "import", "--yes"], &request).exits(4);
    assert!(
        late.stderr.contains("has paid or been paid since") && late.stderr.contains("new offer"),
        "{late:?}"
    );
    assert_eq!(balances(&home), ("28.00".into(), "0.00".into()));
}

#[test]
fn a_payee_that_never_comes_back_keeps_the_payer_from_nothing() {
    let home = two();
    home.run(&["transfer", "5", "--to-card", "bob", "--lose", "8"]).exits(6);
    std::fs::remove_file(home.card("bob")).unwrap();
    let paid = home.run(&["pay", "1"]).exits(0);
    assert!(paid.stderr.contains("the payee is not here"), "{paid:?}");
    home.run(&["load", "1"]).exits(0);
    assert_eq!(home.balance("card"), "25.00");
    let open = home.run(&["recover"]).exits(6);
    assert!(open.stdout.contains("the payee is not here"), "{open:?}");
    let refused = home.run(&["resolve"]).exits(7);
    assert!(refused.stdout.contains("purse resolve --unclaimed"), "{refused:?}");
    let closed = home.run(&["resolve", "--unclaimed"]).exits(0);
    assert!(closed.stdout.contains("booked as unclaimed"), "{closed:?}");
    let transfers = home.json(&["audit"])["transfers"].as_array().unwrap().clone();
    let closed = transfers.iter().find(|found| found["kind"] == "transfer").unwrap();
    assert_eq!(closed["state"], "unclaimed", "{closed:#}");
    assert_eq!(home.run(&["recover"]).exits(0).stdout, "nothing to recover\n");
    assert_eq!(home.balance("card"), "25.00");
}

#[test]
fn an_interrupted_payment_is_finished_before_letters_push_it_out_of_the_log() {
    let home = two();
    home.run(&["pay", "5", "--lose", "4"]).exits(6);
    let [_, payment] = paid(&home);
    let done = home.run(&["recover"]).exits(0);
    assert!(
        !done.stdout.contains("purchase"),
        "it was still open, and each letter may push it out: {done:?}"
    );
    let credited = letter(fed(&home, &["proof", "import", "--card", "bob"], &payment));
    fed(&home, &["proof", "import"], &credited).exits(0);
    assert_eq!(balances(&home), ("20.00".into(), "5.00".into()));
    assert_eq!(home.audit(), "0.00");
}

#[cfg(feature = "pcsc")]
#[test]
fn what_a_terminal_with_one_reader_has_under_way_is_never_called_nothing() {
    let home = two();
    let [_, payment] = paid(&home);
    let letters = home.path().join("letters");
    std::fs::create_dir(&letters).unwrap();
    let kept = letters.join("transfer");
    std::fs::write(&kept, format!("{payment}\n")).unwrap();
    let broken = home.run(&["transfer", "--taps", "--reader", "no such reader", "--wait", "1"]);
    assert!(broken.code != 0 && !broken.stderr.contains("No money has moved."), "{broken:?}");
    assert!(broken.stderr.contains("what is in flight still is"), "{broken:?}");
    // Nobody knows what was in a file that cannot be read.
    std::fs::write(&kept, &payment[..100]).unwrap();
    let broken = home.run(&["transfer", "--taps", "--reader", "any"]).exits(1);
    assert!(!broken.stderr.contains("No money has moved."), "{broken:?}");
    let forgotten = home.run(&["transfer", "--taps", "--abandon"]).exits(0);
    assert!(!forgotten.stdout.contains("nothing had moved"), "{forgotten:?}");
    assert!(forgotten.stdout.contains("purse proof export"), "{forgotten:?}");
    let nothing = home.run(&["transfer", "--taps", "--abandon"]).exits(0);
    assert_eq!(nothing.stdout, "no transfer was under way\n");
}

#[test]
fn a_transfer_that_recover_has_finished_is_not_taken_for_the_next_one() {
    let home = two();
    home.run(&["transfer", "5", "--to-card", "bob", "--lose", "8"]).exits(6);
    let recovered = home.run(&["recover"]).exits(0);
    assert!(recovered.stdout.contains("done, the payee has it"), "{recovered:?}");
    assert_eq!(std::fs::read_dir(home.path().join("pending")).unwrap().count(), 0);
    let again = home.run(&["transfer", "5", "--to-card", "bob"]).exits(0);
    assert!(again.stdout.starts_with("transferred 5.00 EUR"), "{again:?}");
    assert_eq!(balances(&home), ("20.00".into(), "10.00".into()));
    assert_eq!(home.audit(), "0.00");
}

#[test]
fn an_open_transfer_whose_payee_has_left_holds_nothing_else_up() {
    let home = two();
    home.run(&["card", "new", "carol"]).exits(0);
    home.run(&["transfer", "5", "--to-card", "bob", "--lose", "8"]).exits(6);
    let away = home.path().join("bob");
    std::fs::rename(home.card("bob"), &away).unwrap();
    let open = home.run(&["recover"]).exits(6);
    assert!(open.stderr.contains("purse proof export"), "{open:?}");
    for arguments in [&["pay", "1"][..], &["transfer", "5", "--to-card", "carol"], &["unload", "2"]] {
        home.run(arguments).exits(0);
    }
    assert_eq!((home.balance("card"), home.balance("carol")), ("17.00".into(), "5.00".into()));
    std::fs::rename(&away, home.card("bob")).unwrap();
    let done = home.run(&["recover"]).exits(0);
    assert!(done.stdout.contains("transfer of 5.00 EUR"), "{done:?}");
    assert_eq!(home.balance("bob"), "5.00");
    assert_eq!(home.run(&["recover", "--card", "bob"]).exits(0).stdout, "nothing to recover\n");
    assert_eq!(home.audit(), "0.00");
}

#[test]
fn a_transfer_that_has_ended_by_letter_or_under_another_command_is_not_taken_for_the_next_one() {
    for by_letter in [true, false] {
        let home = two();
        home.run(&["transfer", "5", "--to-card", "bob", "--lose", "8"]).exits(6);
        if by_letter {
            let bob = home.run(&["proof", "export", "--card", "bob"]).exits(0).stdout;
            let payment = fed(&home, &["proof", "import"], &bob).exits(0).stdout;
            let credited = fed(&home, &["proof", "import", "--card", "bob"], &payment).exits(0).stdout;
            fed(&home, &["proof", "import"], &credited).exits(0);
        } else {
            let paid = home.run(&["pay", "1"]).exits(0);
            assert!(paid.stderr.contains("transfer of 5.00 EUR"), "{paid:?}");
        }
        let again = home.run(&["transfer", "5", "--to-card", "bob"]).exits(0);
        assert!(again.stdout.starts_with("transferred 5.00 EUR"), "{again:?}");
        assert_eq!(home.balance("bob"), "10.00");
        assert_eq!(home.audit(), "0.00");
    }
}

#[test]
fn who_repeats_a_transfer_whose_outcome_is_unknown_does_not_pay_twice() {
    let home = two();
    home.run(&["card", "new", "carol"]).exits(0);
    home.run(&["transfer", "5", "--to-card", "bob", "--lose", "8"]).exits(6);
    let away = home.path().join("bob");
    std::fs::rename(home.card("bob"), &away).unwrap();
    home.run(&["transfer", "5", "--to-card", "carol"]).exits(0);
    std::fs::rename(&away, home.card("bob")).unwrap();
    let again = home.run(&["transfer", "5", "--to-card", "bob"]).exits(0);
    assert!(again.stdout.contains("was done: nothing more has moved"), "{again:?}");
    assert_eq!(balances(&home), ("20.00".into(), "5.00".into()));
    assert_eq!(home.audit(), "0.00");
}

#[cfg(unix)]
#[test]
fn a_letter_that_cannot_be_written_after_all_is_printed() {
    let home = two();
    let out = home.path().join("letter").display().to_string();
    let export = home.command(&["proof", "export", "--out", &out]);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"]).arg(export.get_program());
    shell.args(export.get_args()).env("PURSE_HOME", home.path());
    let run = Run::from(shell.output().unwrap()).exits(1);
    assert!(run.stdout.starts_with("PURSE1:"), "{run:?}");
    assert!(run.stderr.contains("on standard output instead"), "{run:?}");
    assert!(!std::path::Path::new(&out).exists(), "half a letter is left behind");
}

#[test]
fn a_letter_that_has_no_place_to_go_to_is_not_asked_for() {
    let home = two();
    let text = |name: &str, run: Run| home.file(name, &run.exits(0).stdout);
    let offer = text("offer", home.run(&["proof", "offer", "5"]));
    let request = text("request", home.run(&["proof", "import", &offer, "--card", "bob"]));
    let taken = home.file("taken", "mine\n");
    let nowhere = home.path().join("no/where").display().to_string();
    for (out, code) in [(&taken, 2), (&nowhere, 1)] {
        home.run(&["proof", "import", &request, "--yes", "--out", out]).exits(code);
        assert_eq!(home.balance("card"), "30.00", "{out}");
        home.run(&["proof", "offer", "5", "--out", out]).exits(code);
        home.run(&["proof", "export", "--out", out]).exits(code);
    }
    assert_eq!(std::fs::read_to_string(&taken).unwrap(), "mine\n");
    // What the card refuses leaves no file behind.
    let out = home.path().join("payment").display().to_string();
    home.run(&["proof", "import", &request, "--out", &out]).exits(2);
    let paid = home.run(&["proof", "import", &request, "--yes", "--out", &out]).exits(0);
    assert_eq!(paid.stdout, format!("{out}: 1 letter\n"));
    assert_eq!(home.balance("card"), "25.00");
}

#[test]
fn a_letter_that_is_refused_hides_no_answer_to_the_one_before_it() {
    let home = two();
    let offer = home.file("offer", &home.run(&["proof", "offer", "5"]).exits(0).stdout);
    let request = home.run(&["proof", "import", &offer, "--card", "bob"]).exits(0).stdout;
    let foreign = home.run(&["proof", "offer", "1"]).exits(0).stdout;
    let both = home.file("both", &(request + &foreign));
    let out = home.path().join("payment").display().to_string();
    let run = home.run(&["--json", "proof", "import", &both, "--yes", "--out", &out]).exits(2);
    let document = run.json();
    assert_eq!(document["letters"][0]["outcome"], "payment");
    assert!(document["error"]["message"].as_str().unwrap().contains("from this card"), "{document}");
    assert!(!run.stderr.contains("No money has moved"), "{run:?}");
    assert_eq!(home.balance("card"), "25.00");
    home.run(&["proof", "import", &out, "--card", "bob"]).exits(0);
    assert_eq!(balances(&home), ("25.00".into(), "5.00".into()));
}

#[test]
fn a_locked_or_blocked_card_is_told_by_its_name_for_letters_too() {
    let home = two();
    let offer = home.file("offer", &home.run(&["proof", "offer", "5"]).exits(0).stdout);
    let request = home.run(&["proof", "import", &offer, "--card", "bob"]).exits(0).stdout;
    let request = home.file("request", &request);
    home.run_with("PURSE_PIN", "1234", &["lock", "--card", "bob"]).exits(0);
    let locked = home.run(&["proof", "import", &offer, "--card", "bob"]).exits(4);
    assert!(locked.stderr.contains("card `bob` is locked by its holder"), "{locked:?}");
    home.run(&["control", "block"]).exits(0);
    let blocked = home.run(&["proof", "import", &request, "--yes"]).exits(4);
    assert!(blocked.stderr.contains("card `card` is blocked by its issuer"), "{blocked:?}");
    assert!(blocked.stderr.contains("purse control unblock"), "{blocked:?}");
}

#[test]
fn what_is_said_of_two_purses_names_the_one_that_is_meant() {
    let home = two();
    let run = home.run(&["transfer", "5", "--to-card", "sam"]).exits(4);
    assert!(run.stderr.contains("card `sam` is a merchant's SAM, not a purse"), "{run:?}");
    home.run(&["control", "limits", "--balance", "3", "--card", "bob"]).exits(0);
    let run = home.run(&["transfer", "5", "--to-card", "bob"]).exits(4);
    assert!(run.stderr.contains("card `bob` holds 0.00 EUR and may hold 3.00 EUR"), "{run:?}");
    home.run(&["control", "expiry", "2020-01", "--card", "bob"]).exits(0);
    let run = home.run(&["transfer", "1", "--to-card", "bob"]).exits(4);
    assert!(run.stderr.contains("card `bob` has expired"), "{run:?}");
    // Another scheme's purse.
    let other = Home::new();
    other.run(&["card", "new", "stranger"]).exits(0);
    std::fs::copy(other.card("stranger"), home.card("stranger")).unwrap();
    let run = home.run(&["transfer", "1", "--to-card", "stranger"]).exits(5);
    assert!(run.stderr.contains("of the same issuer"), "{run:?}");
}

#[test]
fn an_offer_that_cannot_be_kept_is_not_made_and_a_late_request_is_told() {
    let home = two();
    for (arguments, part) in [
        (&["30.01"][..], "card `card` holds 30.00 EUR"),
        (&["50.01"], "one transfer is at most 50.00 EUR"),
        (&["1", "--currency", "USD"], "has no pocket for USD"),
    ] {
        let run = home.run(&[&["proof", "offer"][..], arguments].concat()).exits(4);
        assert!(run.stderr.contains(part), "{run:?}");
    }
    let offer = home.run(&["proof", "offer", "5"]).exits(0).stdout;
    let request = fed(&home, &["proof", "import", "--card", "bob"], &offer).exits(0).stdout;
    home.run(&["pay", "1"]).exits(0);
    let late = fed(&home, &["proof", "import", "--yes"], &request).exits(4);
    assert!(late.stderr.contains("has paid or been paid since its offer"), "{late:?}");
    assert!(late.stderr.contains("Make a new offer"), "{late:?}");
    assert_eq!(home.balance("card"), "29.00");
}

#[test]
fn a_payee_alone_does_not_say_that_nobody_has_paid_it() {
    let home = two();
    home.run(&["transfer", "5", "--to-card", "bob", "--lose", "8"]).exits(6);
    let away = home.path().join("payer");
    std::fs::rename(home.card("card"), &away).unwrap();
    let open = home.run(&["recover", "--card", "bob"]).exits(6);
    assert!(!open.stdout.contains("no money has moved"), "{open:?}");
    assert!(open.stdout.contains("its other card"), "{open:?}");
    std::fs::rename(&away, home.card("card")).unwrap();
    let done = home.run(&["recover", "--card", "bob"]).exits(0);
    assert!(done.stdout.contains("done, the payee has it"), "{done:?}");
    assert_eq!(balances(&home), ("25.00".into(), "5.00".into()));
}

#[test]
fn the_payees_side_of_an_interrupted_transfer_is_enough_to_recover_it() {
    let home = two();
    home.run(&["transfer", "5", "--to-card", "bob", "--lose", "8"]).exits(6);
    let done = home.run(&["recover", "--card", "bob"]).exits(0);
    assert!(done.stdout.contains("done, the payee has it"), "{done:?}");
    assert_eq!(balances(&home), ("25.00".into(), "5.00".into()));
    assert_eq!(std::fs::read_dir(home.path().join("pending")).unwrap().count(), 0);
}
