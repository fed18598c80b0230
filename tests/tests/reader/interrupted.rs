//! The process that is the card is killed at every APDU of a load and a payment, before the card has it and after it
//! has answered, and its power is cut at every program operation. `recover` brings every case to a right audit.
#![cfg(all(feature = "pcsc", target_os = "linux"))]

use std::io::Write;

use crate::cli_support::{Home, Run};
use crate::support::{BOTH, Background, Counter, PURSE_SLOT, SAM_SLOT, port};

/// A command with both cards in readers, and the card that something happens to.
#[derive(Clone, Copy)]
struct Case {
    command: &'static [&'static str],
    /// What it moves, in cents: onto the purse, onto the SAM.
    moves: [i64; 2],
    victim: (&'static str, &'static str),
    other: (&'static str, &'static str),
    options: &'static [&'static str],
}

const PURSE: (&str, &str) = ("card", PURSE_SLOT);
const SAM: (&str, &str) = ("sam", SAM_SLOT);
const LOAD: Case =
    Case { command: &["load", "0.10"], moves: [10, 0], victim: PURSE, other: SAM, options: &[] };
const PAY: Case =
    Case { command: &["pay", "0.10"], moves: [-10, 10], victim: PURSE, other: SAM, options: &[] };

fn cents(text: &str) -> i64 {
    text.replace('.', "").parse().expect("an amount")
}

fn balances(counter: &Counter) -> [i64; 2] {
    [cents(&counter.balance(PURSE_SLOT)), cents(&counter.balance(SAM_SLOT))]
}

/// Runs the command again and again, each time with something else happening to the victim's process, until nothing
/// does four times. `plug_in` puts the victim into its slot so that it happens at the `number`th place.
fn sweep(case: Case, plug_in: impl Fn(&Counter, usize) -> Vec<Background>) {
    let Case { command, moves, victim: (card, slot), other, .. } = case;
    let counter = Counter::with_home(Home::with_money());
    let _other = counter.serve(other.0, other.1, &[]);
    let victim = counter.serve(card, slot, &[]);
    let mut before = balances(&counter);
    drop(victim);
    counter.wait_until_empty(slot);
    let (mut unharmed, mut unknown, mut number) = (0, 0, 0);
    while unharmed < 4 {
        number += 1;
        assert!(number < 60, "{command:?} never comes to its end");
        let processes = plug_in(&counter, number);
        counter.wait_for_card(slot);
        let run = counter.run_both(command);
        assert!([0, 3, 6].contains(&run.code), "{number}: {run:#?}");
        assert!(run.code == 0 || run.stderr.contains("error: "), "{number}: {run:#?}");
        drop(processes);
        counter.wait_until_empty(slot);

        let back = counter.serve(card, slot, case.options);
        let recovered = counter.run_both(&["recover"]);
        assert_eq!(recovered.code, 0, "{number}: {run:#?} {recovered:#?}");
        assert_eq!(counter.audit(), "0.00", "{number}: {run:#?}");
        let after = [before[0] + moves[0], before[1] + moves[1]];
        let found = balances(&counter);
        match run.code {
            0 => assert_eq!(found, after, "{number}: {run:#?}"),
            3 => assert_eq!(found, before, "{number}: {run:#?}"),
            _ => assert!(found == before || found == after, "{number}: {found:?} {run:#?}"),
        }
        assert_eq!(counter.run_both(&["recover"]).exits(0).stdout, "nothing to recover\n");
        before = found;
        unharmed = if run.code == 0 { unharmed + 1 } else { 0 };
        unknown += usize::from(run.code == 6);
        drop(back);
        counter.wait_until_empty(slot);
    }
    assert!(unknown > 0, "{command:?}: no place was dangerous, which is no test");
}

/// The victim's process is killed at its Nth APDU.
fn kill_at_every_apdu(case: Case, moment: &str) {
    sweep(case, |counter, number| {
        let (card, slot) = case.victim;
        let (mut proxy, port) = counter.proxy(slot);
        let serving = counter.start_serving(card, slot, port, case.options);
        writeln!(proxy.stdin(), "{} {number} {moment}", serving.child.id()).expect("it reads");
        vec![proxy, serving]
    });
}

/// The victim's power fails at its Nth program or erase operation.
fn cut_at_every_operation(case: Case) {
    sweep(case, |counter, number| {
        let (card, slot) = case.victim;
        vec![counter.start_serving(card, slot, port(slot), &["--cut", &number.to_string()])]
    });
}

#[test]
fn the_purse_is_killed_in_a_load_before_it_has_the_command() {
    kill_at_every_apdu(LOAD, "before");
}

#[test]
fn the_purse_is_killed_in_a_load_after_it_has_answered() {
    kill_at_every_apdu(LOAD, "after");
}

#[test]
fn the_purse_is_killed_in_a_payment_before_it_has_the_command() {
    kill_at_every_apdu(PAY, "before");
}

#[test]
fn the_purse_is_killed_in_a_payment_after_it_has_answered() {
    kill_at_every_apdu(PAY, "after");
}

#[test]
fn a_purse_that_speaks_t0_is_killed_in_a_payment() {
    kill_at_every_apdu(Case { options: &["--t0"], ..PAY }, "after");
}

#[test]
fn the_sam_is_killed_in_a_payment_before_it_has_the_command() {
    kill_at_every_apdu(Case { victim: SAM, other: PURSE, ..PAY }, "before");
}

#[test]
fn the_sam_is_killed_in_a_payment_after_it_has_answered() {
    kill_at_every_apdu(Case { victim: SAM, other: PURSE, ..PAY }, "after");
}

#[test]
fn the_purse_loses_its_power_at_every_operation_of_a_load() {
    cut_at_every_operation(LOAD);
}

#[test]
fn the_purse_loses_its_power_at_every_operation_of_a_payment() {
    cut_at_every_operation(PAY);
}

#[test]
fn the_sam_loses_its_power_at_every_operation_of_a_payment() {
    cut_at_every_operation(Case { victim: SAM, other: PURSE, ..PAY });
}

/// What a person sees, once.
#[test]
fn a_response_that_is_lost_in_a_reader_leaves_value_in_flight_until_it_is_recovered() {
    let counter = Counter::with_home(Home::with_money());
    let _sam = counter.serve("sam", SAM_SLOT, &[]);
    // SELECT, then DEBIT.
    let mut purse = counter.serve("card", PURSE_SLOT, &["--lose", "2"]);
    let failed = counter.run(&[&["--json", "pay", "5"], &BOTH[..]].concat()).exits(6).json();
    assert_eq!(failed["error"]["kind"], "outcome_unknown");
    assert!(failed["error"]["next"].as_str().unwrap().contains("purse recover"), "{failed:#}");
    assert_eq!(purse.wait(), Some(0));
    counter.wait_until_empty(PURSE_SLOT);
    let _purse = counter.serve("card", PURSE_SLOT, &[]);
    assert_eq!(counter.audit(), "5.00");
    let recovered: Run = counter.run_both(&["recover"]).exits(0);
    assert!(recovered.stdout.contains("done, the payee has it"), "{recovered:?}");
    assert_eq!((counter.balance(PURSE_SLOT), counter.audit()), ("25.00".into(), "0.00".into()));
}
