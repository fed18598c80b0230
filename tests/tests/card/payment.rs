//! A purse and a SAM load, pay, refund and unload over APDUs; every step is the other side's formula.

use apdu_spec::command::{Command, Initialized, Proof, Voucher};
use apdu_spec::element::{Amount, Kind};
use apdu_spec::record::{RecordRole, RecordState};
use purse_tests::bench_card::{BenchCard, CommonCard};
use purse_tests::scheme::{
    self, Profile, acknowledge, debit, initialize, issuer, party, pay_details, session, voucher,
};

#[test]
fn value_goes_from_the_issuer_to_the_purse_to_the_merchant_and_back() {
    let mut purse = CommonCard::new(&Profile::purse(1, 0));
    let mut sam = BenchCard::<512, 8>::new(&Profile::sam(2, 0));

    let load = pay_details(Kind::Load, 20_00, (issuer(), 0), (party(1), 0));
    let asked = Initialized::parse(&purse.succeed(&initialize(&load))).unwrap();
    assert_eq!((asked.number, asked.sequence.0, asked.req), (party(1), 0, session(&load).req()));
    let ack = purse.succeed(&Command::Credit(voucher(&load)));
    assert_eq!(ack, session(&load).ack().0);
    assert_eq!(purse.balance(), Amount(20_00));

    let purchase = pay_details(Kind::Purchase, 3_50, (party(1), 1), (party(2), 0));
    let asked = Initialized::parse(&sam.succeed(&initialize(&purchase))).unwrap();
    assert_eq!(asked.req, session(&purchase).req());
    let proof = Proof::parse(&purse.succeed(&debit(&purchase))).unwrap();
    assert_eq!(proof.tac, scheme::certificate(&purchase, scheme::VERSION, None));
    let ack =
        sam.succeed(&Command::Credit(Voucher { pay_details: purchase, val: proof.val, tac: proof.tac }));
    assert_eq!(ack, session(&purchase).ack().0);
    purse.succeed(&acknowledge(&purchase));
    assert_eq!((purse.balance(), sam.balance()), (Amount(16_50), Amount(3_50)));
    let record = purse.entry(1);
    assert_eq!(
        (record.role, record.state, record.balance),
        (RecordRole::Payer, RecordState::Settled, Amount(16_50))
    );

    let refund = pay_details(Kind::Refund, 1_00, (party(2), 1), (party(1), 2));
    purse.succeed(&initialize(&refund));
    sam.verify(scheme::pin("9999"));
    let proof = Proof::parse(&sam.succeed(&debit(&refund))).unwrap();
    purse.succeed(&Command::Credit(Voucher { pay_details: refund, val: proof.val, tac: proof.tac }));
    sam.succeed(&acknowledge(&refund));
    assert_eq!((purse.balance(), sam.balance()), (Amount(17_50), Amount(2_50)));
    assert_eq!(purse.entry(1).state, RecordState::Refunded);

    let unload = pay_details(Kind::Unload, 5_00, (party(1), 3), (issuer(), 3));
    let proof = Proof::parse(&purse.succeed(&debit(&unload))).unwrap();
    assert_eq!(proof.val, session(&unload).val(proof.tac));
    purse.succeed(&acknowledge(&unload));
    assert_eq!(purse.balance(), Amount(12_50));

    let mut purse = purse.power_cycled();
    let mut sam = sam.power_cycled();
    assert_eq!((purse.balance(), sam.balance()), (Amount(12_50), Amount(2_50)));
    assert_eq!(purse.entry(1).state, RecordState::Refunded);
    assert_eq!(purse.entry(3).state, RecordState::Settled);
}
