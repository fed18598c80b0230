//! `exchange`: from one pocket to another. Whatever is cut, lost or killed, the value is in the one pocket, in the account,
//! in the other pocket, or on its way, and `recover` finishes it.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use crate::support::Home;
use serde_json::{Value, json};

/// 50.00 loaded, 20.00 paid; a rate, and a pocket for what it is the rate of.
fn with_dollars() -> Home {
    let home = Home::with_money();
    home.run(&["pocket", "add", "USD"]).exits(0);
    home.run(&["rate", "set", "EUR", "USD", "1.0855"]).exits(0);
    home
}

/// What the card's pockets hold.
#[track_caller]
fn pockets(home: &Home) -> Vec<String> {
    let balance = home.json(&["balance"]);
    let pockets = balance["pockets"].as_array().expect("pockets").iter();
    pockets.map(|pocket| pocket["balance"].as_str().unwrap().to_owned()).collect()
}

/// One currency of an audit that adds up.
#[track_caller]
fn sums(home: &Home, currency: &str) -> Value {
    let audit = home.json(&["audit"]);
    assert_eq!(audit["adds_up"], true, "{audit:#}");
    let mut currencies = audit["currencies"].as_array().unwrap().iter();
    currencies.find(|sums| sums["currency"] == currency).unwrap_or_else(|| panic!("{audit:#}")).clone()
}

#[test]
fn what_is_exchanged_is_in_the_other_pocket_at_the_rate() {
    let home = with_dollars();
    let trace = home.file("trace", "");
    let done = home.json(&["exchange", "10.01", "EUR", "USD", &format!("--trace={trace}")]);
    // 10.01 at 1.0855 are 10.865855: the rest is the issuer's.
    assert_eq!(
        (&done["gave"], &done["got"], &done["rate"]),
        (&json!("10.01"), &json!("10.86"), &json!("1.0855"))
    );
    assert_eq!(done["balances"], json!({ "EUR": "19.99", "USD": "10.86" }));
    assert_eq!(pockets(&home), ["19.99", "10.86"]);
    let (euro, dollar) = (sums(&home, "EUR"), sums(&home, "USD"));
    assert_eq!(
        (&euro["position"], &euro["purses"], &euro["accounts"]),
        (&json!("10.01"), &json!("19.99"), &json!("50.00"))
    );
    assert_eq!(
        (&dollar["position"], &dollar["purses"], &dollar["accounts"]),
        (&json!("-10.86"), &json!("10.86"), &json!("0.00"))
    );
    // The holder sees it before anything moves.
    let shown = home.run(&["exchange", "1", "EUR", "USD"]).exits(0);
    assert_eq!(shown.stderr, "1.00 EUR become 1.08 USD at 1.0855\n");
    assert_eq!(shown.stdout, "exchanged 1.00 EUR for 1.08 USD\nbalance 18.99 EUR\nbalance 11.94 USD\n");

    home.run(&["unload", "11.94", "--currency", "USD"]).exits(0);
    assert_eq!(sums(&home, "USD")["accounts"], "11.94");
    home.run(&["load", "0.94", "--currency", "USD"]).exits(0);
    home.run(&["load", "12", "--currency", "USD"]).exits(7);
    assert_eq!(
        (pockets(&home), sums(&home, "EUR")["accounts"].clone()),
        (vec!["18.99".to_owned(), "0.94".to_owned()], json!("50.00"))
    );
}

#[test]
fn currencies_have_decimals_of_their_own() {
    let home = with_dollars();
    let limits =
        ["--balance", "20000", "--debit", "9000", "--debit-without-pin", "500", "--total-without-pin", "900"];
    home.run(&[&["pocket", "add", "JPY", "--offline-receipts", "500"][..], &limits].concat()).exits(0);
    home.run(&["pocket", "add", "JPY", "--sam", "sam"]).exits(0);
    home.run(&["rate", "set", "EUR", "JPY", "163.27"]).exits(0);
    home.run(&["rate", "set", "JPY", "EUR", "0.0061"]).exits(0);
    assert_eq!(home.json(&["exchange", "10.00", "EUR", "JPY"])["got"], "1632");
    home.run(&["pay", "1.5", "--currency", "JPY"]).exits(2);
    home.run(&["pay", "32", "--currency", "jpy", "--lose", "5"]).exits(6);
    let again = home.run(&["pay", "32", "--currency", "JPY"]).exits(0);
    assert!(again.stdout.contains("was done: nothing more has moved"), "{again:?}");
    let paid = home.json(&["pay", "32", "--currency", "JPY"]);
    assert_eq!(
        (&paid["amount"], &paid["currency"], &paid["balance"]),
        (&json!("32"), &json!("JPY"), &json!("1568"))
    );
    home.run(&["refund", "10", "--currency", "JPY"]).exits(0);
    assert_eq!(home.json(&["exchange", "1000", "JPY", "EUR"])["got"], "6.10");
    assert_eq!(pockets(&home), ["26.10", "0.00", "578"]);
    home.run(&["exchange", "1", "JPY", "EUR"]).exits(7);

    // One currency is collected, the other stays with the SAM.
    let collected = home.json(&["collect", "--currency", "JPY"]);
    let only = collected["collected"].as_array().unwrap();
    assert_eq!((only.len(), &only[0]["credited"], &only[0]["currency"]), (1, &json!("54"), &json!("JPY")));
    assert_eq!(home.run(&["collect", "--currency", "JPY"]).exits(0).stdout, "nothing to collect\n");
    home.run(&["collect", "--currency", "USD"]).exits(4);
    assert_eq!(home.balance("sam"), "20.00");
    assert_eq!(home.json(&["collect"])["collected"][0]["credited"], "20.00");
    for (currency, merchant) in [("EUR", "20.00"), ("JPY", "54")] {
        let accounts = sums(&home, currency);
        assert_eq!(
            (&accounts["merchants"], &accounts["in_flight"]),
            (
                &json!(if currency == "JPY" { "0" } else { "0.00" }),
                &json!(if currency == "JPY" { "0" } else { "0.00" })
            )
        );
        let text = home.run(&["audit"]).exits(0).stdout;
        assert!(
            text.lines()
                .any(|line| line.starts_with("account merchant") && line.trim_end().ends_with(merchant)),
            "{text}"
        );
    }
}

/// The same amount for something else is another exchange.
#[test]
fn an_exchange_into_another_currency_is_another_exchange() {
    let start = with_dollars();
    start.run(&["pocket", "add", "GBP"]).exits(0);
    start.run(&["rate", "set", "EUR", "GBP", "0.8"]).exits(0);
    let home = (1..30)
        .map(|place: u32| {
            let home = start.copy();
            home.run(&["exchange", "10.00", "EUR", "USD", "--lose", &place.to_string()]);
            home
        })
        .find(|home| {
            pockets(home) == ["20.00", "10.85", "0.00"]
                && home.path().join("pending").read_dir().is_ok_and(|mut left| left.next().is_some())
        })
        .expect("one place is behind the load");
    let other = home.run(&["exchange", "10.00", "EUR", "GBP"]).exits(0);
    assert!(other.stdout.contains("exchanged 10.00 EUR for 8.00 GBP"), "{other:?}");
    assert_eq!(pockets(&home), ["10.00", "10.85", "8.00"]);
}

/// A payment in one currency that repeats an interrupted one in another is another payment.
#[test]
fn the_same_amount_of_another_currency_is_another_payment() {
    let home = with_dollars();
    home.run(&["pocket", "add", "USD", "--sam", "sam"]).exits(0);
    home.run(&["exchange", "10.00", "EUR", "USD"]).exits(0);
    home.run(&["pay", "5.00", "--lose", "5"]).exits(6);
    let paid = home.run(&["pay", "5.00", "--currency", "USD"]).exits(0);
    assert!(paid.stdout.contains("paid 5.00 USD"), "{paid:?}");
    assert_eq!(pockets(&home), ["15.00", "5.85"]);
}

#[test]
fn what_stands_in_the_way_is_said_before_anything_moves() {
    let home = with_dollars();
    home.run(&["pocket", "add", "JPY"]).exits(0);
    let cases: [(&[&str], i32, &str); 8] = [
        (&["10.00", "USD", "EUR"], 7, "no rate for USD to EUR"),
        (&["10.00", "EUR", "CHF"], 7, "no rate for EUR to CHF"),
        (&["10.00", "EUR", "EUR"], 2, "another currency only"),
        (&["10.00", "EUR", "EURO"], 2, "is not a currency"),
        (&["10.001", "EUR", "USD"], 2, "digits behind the point"),
        (&["0", "EUR", "USD"], 2, "is nothing"),
        (&["30.01", "EUR", "USD"], 4, "not enough value"),
        (&["140.00", "EUR", "USD"], 4, "may hold no more than 150.00 USD"),
    ];
    for (arguments, code, message) in cases {
        let error = home.run(&[&["exchange"][..], arguments].concat()).exits(code);
        assert!(error.stderr.contains(message), "{arguments:?}: {error:#?}");
        assert!(error.stderr.contains("No money has moved"), "{error:#?}");
        assert_eq!(home.run(&["recover"]).exits(0).stdout, "nothing to recover\n", "{arguments:?}");
    }
    home.run(&["rate", "set", "EUR", "CHF", "1"]).exits(0);
    let missing = home.run(&["exchange", "1.00", "EUR", "CHF"]).exits(4);
    assert!(missing.stderr.contains("has no pocket for CHF"), "{missing:?}");
    let sam = home.run(&["exchange", "1.00", "EUR", "USD", "--card", "sam"]).exits(4);
    assert!(sam.stderr.contains("not a purse"), "{sam:?}");
    assert_eq!(pockets(&home), ["30.00", "0.00", "0"]);
    assert_eq!(sums(&home, "EUR")["position"], "0.00");
}

#[test]
fn rates_are_set_and_listed_and_the_rest_of_the_scheme_stays() {
    let home = Home::new();
    let path = home.path().join("scheme.toml");
    let before = fs::read_to_string(&path).unwrap();
    assert_eq!(home.json(&["rate", "list"])["rates"], json!([]));
    home.run(&["rate", "set", "EUR", "USD", "1.0850"]).exits(0);
    home.run(&["rate", "set", "USD", "EUR", "0.91"]).exits(0);
    home.run(&["rate", "set", "EUR", "USD", "1.1"]).exits(0);
    let list = home.json(&["rate", "list"])["rates"].clone();
    let expected = json!([
        { "from": "EUR", "to": "USD", "rate": "1.1" }, { "from": "USD", "to": "EUR", "rate": "0.91" },
    ]);
    assert_eq!(list, expected);
    let after = fs::read_to_string(&path).unwrap();
    assert!(after.starts_with(&before) && after.len() < before.len() + 80, "{}", &after[before.len()..]);
    for arguments in [["EUR", "EUR", "1"], ["EUR", "USD", "0"], ["EUR", "USD", "1,1"], ["EUR", "XAU", "1"]] {
        home.run(&[&["rate", "set"][..], &arguments].concat()).exits(2);
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), after);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // A rate that cannot be is an error of the file.
    fs::write(&path, after.replace("1.1", "-1.1")).unwrap();
    home.run(&["balance"]).exits(1);
}

/// Where the value of one exchange is after a recovery: nowhere but where it was, or where it was to go.
#[track_caller]
fn is_whole(home: &Home, code: i32, context: &str) {
    let found = pockets(home);
    let (euro, dollar) = (sums(home, "EUR"), sums(home, "USD"));
    let (before, after) = (["30.00", "0.00"], ["20.00", "10.85"]);
    match code {
        0 => assert_eq!(found, after, "{context}"),
        3 => assert_eq!(found, before, "{context}"),
        _ => assert!(found == before || found == after, "{context}: {found:?}"),
    }
    let position = if found == after { ["10.00", "-10.85"] } else { ["0.00", "0.00"] };
    assert_eq!([&euro["position"], &dollar["position"]], position, "{context}");
    // The account is as it was: 50.00 of its 100.00 are on the card, and no dollar stays in it.
    assert_eq!((&euro["accounts"], &dollar["accounts"]), (&json!("50.00"), &json!("0.00")), "{context}");
    assert_eq!((&euro["in_flight"], &dollar["in_flight"]), (&json!("0.00"), &json!("0.00")), "{context}");
}

/// The exchange with a fault at each place until none is left, and each recovery from it with each fault too.
fn sweep(option: &str) {
    let start = with_dollars();
    let (mut unharmed, mut unknown, mut half_done) = (0, 0, 0);
    for place in 1..80 {
        let home = start.copy();
        let number = place.to_string();
        let run = home.run(&["exchange", "10.00", "EUR", "USD", option, &number]);
        assert!([0, 3, 6].contains(&run.code), "{option} {place}: {run:#?}");
        sums(&home, "EUR");
        let audit = home.run(&["audit"]).exits(0).stdout;
        half_done += usize::from(audit.contains("is not finished"));
        if run.code == 6 {
            unknown += 1;
            recovered_with_faults(&home, option, place);
        }
        home.run(&["recover"]).exits(0);
        is_whole(&home, run.code, &format!("{option} {place}: {run:#?}"));
        assert_eq!(home.run(&["recover"]).exits(0).stdout, "nothing to recover\n");
        assert!(!home.run(&["audit"]).stdout.contains("is not finished"), "{option} {place}");
        unharmed = if run.code == 0 { unharmed + 1 } else { 0 };
        if unharmed == 4 {
            break;
        }
    }
    assert_eq!(unharmed, 4, "never comes to its end");
    assert!(
        unknown > 2 && half_done > 1,
        "{unknown} and {half_done} places were dangerous, which is no test"
    );
}

fn recovered_with_faults(start: &Home, option: &str, place: u32) {
    let mut unharmed = 0;
    for fault in 1..40 {
        let home = start.copy();
        let run = home.run(&["recover", option, &fault.to_string()]);
        home.run(&["recover"]).exits(0);
        is_whole(&home, 6, &format!("{option} {place}, then {fault}: {run:#?}"));
        unharmed = if run.code == 0 { unharmed + 1 } else { 0 };
        if unharmed == 2 {
            return;
        }
    }
    panic!("the recovery never comes to its end");
}

#[test]
fn power_may_fail_at_every_operation_of_an_exchange() {
    sweep("--cut");
}

#[test]
fn every_response_of_an_exchange_may_be_lost() {
    sweep("--lose");
}

/// Who repeats an exchange after an error does not exchange twice.
#[test]
fn an_interrupted_exchange_is_finished_before_anything_else_moves() {
    let start = with_dollars();
    let (mut done, mut anew) = (0, 0);
    for place in 1..12 {
        let home = start.copy();
        if home.run(&["exchange", "10.00", "EUR", "USD", "--lose", &place.to_string()]).code != 6 {
            continue;
        }
        let other = home.copy();
        other.run(&["pay", "0.01"]).exits(0);
        assert!([["29.99", "0.00"], ["19.99", "10.85"]].iter().any(|whole| pockets(&other) == *whole));
        let again = home.run(&["exchange", "10.00", "EUR", "USD"]).exits(0);
        if again.stdout.contains("was done: nothing more has moved") {
            done += 1;
        } else {
            anew += 1;
        }
        assert_eq!(pockets(&home), ["20.00", "10.85"], "{place}: {again:#?}");
    }
    assert!(done > 0, "{done} {anew}");
}

#[test]
fn a_kill_at_any_time_leaves_an_exchange_that_recovers() {
    let start = with_dollars();
    for delay in (0..40).map(|round| Duration::from_micros(round * 7919 % 80_000)) {
        let home = start.copy();
        let mut child = home.command(&["exchange", "10.00", "EUR", "USD"]);
        let mut child =
            child.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
        sleep(delay);
        let _ = child.kill();
        child.wait().unwrap();
        home.run(&["recover"]).exits(0);
        is_whole(&home, 6, &format!("{delay:?}"));
    }
}

/// The card is blocked, or full, when the second half comes to it: the account keeps what it has got.
#[test]
fn what_the_card_does_not_take_any_more_stays_in_the_account() {
    let start = with_dollars();
    // The answer to the second INITIALIZE is lost: the account has the dollars.
    let half = (1..40)
        .map(|place: u32| {
            let home = start.copy();
            home.run(&["exchange", "10.00", "EUR", "USD", "--lose", &place.to_string()]);
            home
        })
        .find(|home| sums(home, "USD")["accounts"] == "10.85")
        .expect("one place is between the halves");
    assert!(half.run(&["audit"]).exits(0).stdout.contains("exchange of 10.00 EUR for 10.85 USD"));
    half.run(&["control", "limits", "--currency", "USD", "--balance", "5.00"]).exits(0);
    let told = half.run(&["recover"]).exits(0);
    assert!(told.stdout.contains("10.85 USD are in its account"), "{told:?}");
    assert_eq!(
        (pockets(&half), &sums(&half, "USD")["accounts"]),
        (vec!["20.00".to_owned(), "0.00".to_owned()], &json!("10.85"))
    );
    half.run(&["load", "4.00", "--currency", "USD"]).exits(0);
    assert_eq!(half.run(&["recover"]).exits(0).stdout, "nothing to recover\n");
    assert_eq!(pockets(&half), ["20.00", "4.00"]);
}
