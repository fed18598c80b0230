//! The audit and the recovery say where the money is, also when something odd has happened to it.

use std::fs;

use crate::support::Home;
use apdu_spec::command::{InitializeData, Voucher};
use apdu_spec::cryptography::{Engine, KeyPurpose, Session, Tac, card_key};
use apdu_spec::element::{Amount, Currency, Kind, Sequence, Time};
use apdu_spec::number::PartyNumber;
use apdu_spec::software::Software;
use purse_terminal::client::Client;
use purse_terminal::scheme::Scheme;
use purse_terminal::transport::InProcess;
use purse_terminal::virtual_card::VirtualCard;

/// The purse has credited a refund, the SAM has not heard of it (its record stays open), and the purse's log moves on
/// by more than its window. Every cent is on a card; nothing is in flight.
fn forgotten_refund() -> Home {
    let start = Home::with_money();
    // The response that is lost is that of the purse's CREDIT: the purse has the money, the SAM has no ack.
    let home = (1..60)
        .map(|place: u32| {
            let home = start.copy();
            let run = home.run(&["refund", "5.00", "--lose", &place.to_string()]);
            (home, run.code)
        })
        .find(|(home, code)| *code == 6 && home.balance("card") == "35.00")
        .expect("one response is that of CREDIT")
        .0;
    assert_eq!(home.audit(), "0.00");
    // The payments that follow are at another terminal, which knows nothing of this one's markers.
    fs::remove_dir_all(home.path().join("pending")).unwrap();
    for _ in 0..33 {
        home.run(&["pay", "0.01"]).exits(0);
    }
    home
}

#[test]
fn a_refund_that_was_credited_long_ago_is_not_in_flight() {
    let home = forgotten_refund();
    let audit = home.run(&["--json", "audit"]).json();
    assert_eq!(audit["currencies"][0]["difference"], "0.00");
    assert_eq!(audit["adds_up"], true);
}

/// Both copies of a purse spend all that it held, but never under the same sequence: the copy is loaded where the
/// original pays.
#[test]
fn a_fork_that_shifts_its_sequence_by_a_load_is_found() {
    let home = Home::new();
    home.run(&["load", "20.00"]).exits(0);
    fs::copy(home.card("card"), home.card("copy")).unwrap();
    home.run(&["pay", "20.00"]).exits(0);
    home.run(&["load", "0.01", "--card", "copy"]).exits(0);
    home.run(&["pay", "20.00", "--card", "copy"]).exits(0);
    let collected = home.run(&["collect"]);
    fs::remove_file(home.card("copy")).unwrap();
    assert!(collected.stdout.contains("FORK"), "40.00 collected of 20.01 loaded, and no fork is reported");
}

/// Section 7: "a terminal that lost a response repeats the DEBIT or asks GET PROOF before its next sale". This one
/// sells on, until the purse's log has overwritten the only proof.
#[test]
fn a_purchase_whose_response_was_lost_is_settled_before_the_window_closes() {
    let home = Home::with_money();
    home.run(&["pay", "5.00", "--lose", "4"]).exits(6);
    for _ in 0..32 {
        home.run(&["pay", "0.01"]).exits(0);
    }
    let audit = home.run(&["audit"]);
    assert_eq!((home.balance("card"), home.balance("sam")), ("24.68".to_owned(), "25.32".to_owned()));
    audit.exits(0);
}

/// A merchant whose collection is cut and finished by `recover` hears of withheld money as one whose is not.
#[test]
fn recover_says_what_was_withheld() {
    let home = Home::new();
    let keys = Scheme::read(&home.path().join("scheme.toml")).unwrap().keys;
    let (version, masters) = keys.first_key_value().unwrap();
    {
        // Whoever has the PAYM masters pays an honest SAM with a purse that does not exist.
        let card = VirtualCard::open(&home.card("sam")).unwrap();
        let mut sam = Client::select(InProcess::new(card)).unwrap();
        let (pay_details, _) = sam
            .initialize(&InitializeData {
                kind: Kind::Purchase,
                key_version: *version,
                currency: Currency([0x09, 0x78]),
                amount: Amount(1000),
                from: PartyNumber([0x12; 8]),
                from_sequence: Sequence(0),
                time: Time(1_800_000_000),
            })
            .unwrap();
        let mut master = Software.load(&masters.payment);
        let key = card_key(&Software, &mut master, KeyPurpose::Payment, pay_details.from, *version);
        let mut session = Session::new(&Software, &mut Software.load(&key), &pay_details);
        let tac = Tac([7; 8]);
        sam.credit(&Voucher { pay_details, val: session.val(tac), tac }).unwrap();
    }
    let told = home.copy().run(&["collect"]).exits(7);
    assert!(told.stdout.contains("WITHHELD  10.00 EUR") && told.stdout.contains("BAD RECORD"), "{told:#?}");

    let cut = (1..60)
        .map(|place: u32| {
            let home = home.copy();
            let run = home.run(&["collect", "--lose", &place.to_string()]);
            (home, run.code)
        })
        .find(|(_, code)| *code == 6)
        .expect("one response is that of DEBIT")
        .0;
    let recovered = cut.run(&["recover"]);
    assert_ne!(
        recovered.code, 0,
        "{recovered:?}: 10.00 were withheld and the merchant is told that it has them"
    );
}

/// The refund takes an older open payment back on its way; the balance that it prints is the card's all the same.
#[test]
fn a_refund_prints_the_balance_that_the_card_has() {
    let home = Home::with_money();
    // Debited, never credited, and the SAM has gone on: this one is taken back.
    home.run(&["pay", "3.00", "--lose", "4"]).exits(6);
    home.run(&["card", "new", "bob"]).exits(0);
    home.run(&["load", "10.00", "--card", "bob"]).exits(0);
    home.run(&["pay", "1.00", "--card", "bob"]).exits(0);
    let refunded = home.json(&["refund", "5.00"]);
    assert_eq!(refunded["balance"], home.balance("card"));
}
