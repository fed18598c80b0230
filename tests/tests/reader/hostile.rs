//! Hostile cards in the slots of the real reader service: every command ends within its time and says why, and the
//! honest cards' money is where it was.
#![cfg(all(feature = "pcsc", target_os = "linux"))]

use std::fs;
use std::path::PathBuf;

use crate::cli_support::Home;
use crate::support::hostile::{
    SOON, counter_with_sam, done, json_within, nothing_has_moved, status, take_out, when_selected,
};
use crate::support::{BOTH, Background, Counter, PURSE_SLOT, SAM_SLOT};
use apdu_spec::element::{Amount, Kind, Role, Time};
use apdu_spec::file::IdentityFile;
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::pocket::{POCKETS, PocketParameters};
use apdu_spec::record::{LogRecord, RecordRole, RecordState};
use apdu_spec::status_block::StatusBlock;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use purse_tests::scheme::{issuer, party, pay_details};

/// Commands with the purse's card, and both.
const COMMANDS: [&[&str]; 9] = [
    &["balance"],
    &["pay", "1"],
    &["load", "1"],
    &["refund", "1"],
    &["unload", "1"],
    &["history"],
    &["recover"],
    &["card", "show"],
    &["card", "new"],
];
fn scripts(role: Role) -> Vec<Vec<String>> {
    let fci = when_selected(&status(role, party(if role == Role::Purse { 1 } else { 2 }), u32::MAX));
    let blank = StatusBlock { life_cycle: LifeCycle::Blank, ..status(role, PartyNumber::default(), 0) };
    let nested: Vec<u8> = (0..100_u8).flat_map(|level| [0x6F, 198 - 2 * level]).collect();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let mut scripts = vec![
        words(&["9000"]),
        words(&["6100"]),
        words(&["016101"]),
        words(&["6C01"]),
        words(&["FF"]),
        words(&["6988"]),
        vec!["5A".repeat(258)],
        vec!["5A".repeat(300)],
        vec![done(&nested)],
        vec![when_selected(&blank), "9000".to_owned()],
    ];
    for behind in ["9000", "6100", "6C01", "FF", "6988", "6581", "6982", "016101"] {
        scripts.push(vec![fci.clone(), behind.to_owned()]);
    }
    scripts
}

#[test]
fn hostile_purses_end_no_command_with_a_panic_or_money() {
    let (counter, _sam) = counter_with_sam();
    for (place, script) in scripts(Role::Purse).iter().enumerate() {
        let card = counter.scripted_card(PURSE_SLOT, script);
        // Three for each, others each time.
        for arguments in COMMANDS.iter().cycle().skip(place * 4).take(3) {
            let readers: &[&str] = if arguments[0] == "card" { &BOTH[..2] } else { &BOTH };
            json_within(SOON, &counter, arguments, readers);
        }
        drop(card);
        counter.wait_until_empty(PURSE_SLOT);
    }
    nothing_has_moved(&counter);
}

#[test]
fn hostile_sams_take_nothing() {
    let counter = Counter::with_home(Home::with_money());
    let purse = counter.serve("card", PURSE_SLOT, &[]);
    let commands: [(&[&str], &[&str]); 5] = [
        (&["pay", "1"], &BOTH),
        (&["collect"], &BOTH[2..]),
        (&["refund", "1"], &BOTH),
        (&["load", "1"], &["--reader", SAM_SLOT]),
        (&["recover"], &BOTH),
    ];
    for (place, script) in scripts(Role::Merchant).iter().enumerate() {
        let sam = counter.scripted_card(SAM_SLOT, script);
        for (arguments, readers) in commands.iter().cycle().skip(place * 2).take(2) {
            json_within(SOON, &counter, arguments, readers);
        }
        drop(sam);
        counter.wait_until_empty(SAM_SLOT);
    }
    assert_eq!(purse.interrupt(), Some(0));
    let _sam = counter.serve("sam", SAM_SLOT, &[]);
    nothing_has_moved(&counter);
}

#[test]
fn a_till_survives_every_card() {
    let (counter, _sam) = counter_with_sam();
    let card = counter.scripted_card(PURSE_SLOT, &["6100".to_owned()]);
    let arguments = [&["--json", "till", "1", "--wait", "2"], &BOTH[..]].concat();
    let (mut till, line) = Background::start(&mut counter.command(&arguments));
    assert!(line.contains("\"not_paid\"") && line.contains("malformed"), "{line}");
    take_out(&counter, card);
    assert_eq!(till.wait(), Some(0));
    nothing_has_moved(&counter);
}

/// The markers that interrupted payments have left.
fn markers(counter: &Counter) -> Vec<PathBuf> {
    let entries = fs::read_dir(counter.home.path().join("pending")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Where only the purse says that it has paid.
#[test]
fn a_purse_is_not_believed_that_it_has_paid_before() {
    let (counter, _sam) = counter_with_sam();
    let number = party(1);
    let fails = [when_selected(&status(Role::Purse, number, 0)), "54=6581".into(), "6A83".into()];
    let card = counter.scripted_card(PURSE_SLOT, &fails);
    json_within(SOON, &counter, &["pay", "5"], &BOTH).exits(6);
    drop(card);
    counter.wait_until_empty(PURSE_SLOT);
    let note = fs::read_to_string(&markers(&counter)[0]).unwrap();
    let note: serde_json::Value = serde_json::from_str(&note).unwrap();
    // DEBIT has told the card the time.
    let time = Time(u32::try_from(note["time"].as_u64().unwrap()).unwrap());
    let paid = PayDetails { time, ..pay_details(Kind::Purchase, 5_00, (number, 0), (party(2), 0)) };
    let record = LogRecord {
        pay_details: paid,
        role: RecordRole::Payer,
        state: RecordState::Settled,
        balance: Amount(45_00),
        tac: apdu_spec::cryptography::Tac([0; 8]),
    };
    let own = status(Role::Purse, number, 1);
    let identity = IdentityFile {
        status: own,
        issuer: issuer(),
        administration_counter: 0,
        flags: 0,
        pockets: [PocketParameters::UNUSED; POCKETS],
    };
    let says = [
        when_selected(&own),
        format!("B0={}", done(&identity.emit())),
        format!("5E={}", done(&record.emit())),
        "54=6581".into(),
        "6A83".into(),
    ];
    let card = counter.scripted_card(PURSE_SLOT, &says);
    // The merchant would hand out the goods.
    json_within(SOON, &counter, &["pay", "5"], &BOTH).exits(6);
    drop(card);
    nothing_has_moved(&counter);
}

#[test]
fn random_cards_move_nothing() {
    let (counter, _sam) = counter_with_sam();
    let called = (prop_oneof![Just(Role::Purse), Just(Role::Merchant)], 0..10_u64, 0..5_u32)
        .prop_map(|(role, number, sequence)| when_selected(&status(role, party(number), sequence)));
    let status = prop_oneof![
        Just([0x90, 0x00]),
        any::<u8>().prop_map(|low| [0x61, low]),
        any::<u8>().prop_map(|low| [0x6C, low]),
        any::<[u8; 2]>(),
    ];
    let length = prop_oneof![Just(0), Just(8), Just(16), Just(50), Just(177), 0..=256_usize];
    let data = length.prop_flat_map(|length| vec(any::<u8>(), length));
    let answer = (data, status).prop_map(|(data, status)| hex::encode([&data[..], &status].concat()));
    let script = (prop::option::weighted(0.8, called), vec(answer, 1..8));
    let commands = prop::sample::subsequence(COMMANDS.to_vec(), 2);
    let config = ProptestConfig {
        cases: 12,
        max_shrink_iters: 0,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let run = TestRunner::new(config).run(&(script, commands), |((first, mut answers), commands)| {
        answers.extend(first);
        let card = counter.scripted_card(PURSE_SLOT, &answers);
        for arguments in commands {
            let readers: &[&str] = if arguments[0] == "card" { &BOTH[..2] } else { &BOTH };
            json_within(SOON, &counter, arguments, readers);
        }
        drop(card);
        counter.wait_until_empty(PURSE_SLOT);
        Ok(())
    });
    run.unwrap();
    nothing_has_moved(&counter);
}
