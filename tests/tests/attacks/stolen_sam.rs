//! What SECURITY.md says of a stolen merchant SAM whose PAYM masters have been extracted: the bounds hold. The thief can
//! make every message between purse and SAM; it cannot make a TAC, a load or a script.

use apdu_spec::command::{Command, Initialized, Voucher};
use apdu_spec::cryptography::Tac;
use apdu_spec::element::{Amount, Kind};
use apdu_spec::record::RecordState;
use apdu_spec::status::StatusWord;
use proptest::prelude::*;
use purse_tests::bench_card::{BenchCard, CommonCard};
use purse_tests::scheme::{
    self, PURSE_LIMITS, Profile, debit, initialize, party, pay_details, session, voucher,
};

const PURSE: u64 = 1;
const SAM: u64 = 2;

/// What the thief does next to a purse in its hands. Each carries an amount or names a debit by its place.
#[derive(Clone, Debug)]
enum Step {
    Debit(u32),
    Settle(usize),
    Reverse(usize),
    Refund(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (1_u32..100_00).prop_map(Step::Debit),
        (0_usize..8).prop_map(Step::Settle),
        (0_usize..8).prop_map(Step::Reverse),
        (1_u32..100_00).prop_map(Step::Refund),
    ];
    proptest::collection::vec(step, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A purse gets back at most what it spent, and at most the limit of offline receipts between two loads.
    #[test]
    fn restored_value_stays_within_what_was_spent_and_within_the_limit(steps in steps()) {
        let mut purse = CommonCard::new(&Profile::purse(PURSE, 150_00));
        purse.verify(scheme::pin("1234"));
        let mut debits = Vec::new();
        let (mut spent, mut restored) = (0_u32, 0_u32);
        for (place, step) in steps.iter().enumerate() {
            let time = u32::try_from(place).unwrap();
            let own = purse.sequence().0;
            let before = purse.balance().0;
            match *step {
                Step::Debit(amount) => {
                    let details = pay_details(Kind::Purchase, amount, (party(PURSE), own), (party(SAM), time));
                    if purse.send(&debit(&details)).status == StatusWord::Success {
                        spent += amount;
                        debits.push(details);
                    }
                }
                Step::Settle(place) => {
                    if let Some(details) = debits.get(place) {
                        purse.send(&scheme::acknowledge(details));
                    }
                }
                Step::Reverse(place) => {
                    if let Some(details) = debits.get(place) {
                        purse.send(&scheme::reverse(details));
                        restored += purse.balance().0 - before;
                    }
                }
                Step::Refund(amount) => {
                    let details = pay_details(Kind::Refund, amount, (party(SAM), time), (party(PURSE), own));
                    let forged = Voucher { val: session(&details).val(Tac([7; 8])), tac: Tac([7; 8]), pay_details: details };
                    purse.send(&Command::Credit(forged));
                    restored += purse.balance().0 - before;
                }
            }
            prop_assert!(restored <= spent, "restored {restored} of {spent} spent");
            prop_assert!(restored <= PURSE_LIMITS.offline_receipts.0);
            prop_assert_eq!(purse.balance().0, 150_00 + restored - spent);
        }
    }
}

#[test]
fn a_refund_needs_a_settled_purchase_from_that_very_merchant() {
    let mut purse = CommonCard::new(&Profile::purse(PURSE, 150_00));
    let refund = |amount, own| pay_details(Kind::Refund, amount, (party(SAM), 0), (party(PURSE), own));
    purse.refuse(&initialize(&refund(1, 0)), StatusWord::ReferenceNotFound);
    purse.refuse(&Command::Credit(voucher(&refund(1, 0))), StatusWord::ReferenceNotFound);
    let purchase = pay_details(Kind::Purchase, 10_00, (party(PURSE), 0), (party(SAM), 0));
    purse.succeed(&debit(&purchase));
    purse.refuse(&Command::Credit(voucher(&refund(1, 1))), StatusWord::ReferenceNotFound);
    purse.succeed(&scheme::acknowledge(&purchase));
    purse.refuse(&Command::Credit(voucher(&refund(10_01, 1))), StatusWord::ReferenceNotFound);
    purse.succeed(&Command::Credit(voucher(&refund(10_00, 1))));
    assert_eq!(purse.entry(0).state, RecordState::Refunded);
    purse.refuse(&Command::Credit(voucher(&refund(1, 2))), StatusWord::ReferenceNotFound);
}

#[test]
fn an_invented_purse_can_pay_an_honest_sam_but_its_tac_does_not_verify() {
    let mut sam = BenchCard::<512, 8>::new(&Profile::sam(SAM, 0));
    let purchase = pay_details(Kind::Purchase, 5_00, (party(77), 0), (party(SAM), 0));
    let asked = Initialized::parse(&sam.succeed(&initialize(&purchase))).unwrap();
    assert_eq!(asked.req, session(&purchase).req(), "the masters make every message of purse and SAM");
    let invented = Tac([0xAB; 8]);
    sam.succeed(&Command::Credit(Voucher {
        pay_details: purchase,
        val: session(&purchase).val(invented),
        tac: invented,
    }));
    assert_eq!(sam.balance(), Amount(5_00));
    let record = sam.entry(0);
    assert_ne!(record.tac, scheme::certificate(&purchase, scheme::VERSION, None), "which the issuer sees");
}

#[test]
fn paym_masters_load_nothing() {
    let mut purse = CommonCard::new(&Profile::purse(PURSE, 0));
    let load = pay_details(Kind::Load, 10_00, (scheme::issuer(), 0), (party(PURSE), 0));
    let as_purchase = apdu_spec::pay_details::PayDetails { kind: Kind::Purchase, ..load };
    let under_payment_key =
        Voucher { pay_details: load, val: session(&as_purchase).val(Tac::NONE), tac: Tac::NONE };
    purse.refuse(&Command::Credit(under_payment_key), StatusWord::WrongMac);
}
