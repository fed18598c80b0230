//! Collection: an honest merchant gets what the SAM debits, in any order of delivery.

use apdu_spec::cryptography::{Tac, chain};
use apdu_spec::element::{Amount, KeyVersion, Role, Sequence};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::{LogRecord, RecordRole, RecordState};
use apdu_spec::software::Software;
use purse_terminal::issuer::{
    Funding, Issuer, IssuerError, Keyring, MasterKeys, MemoryStore, NewCard, Store, TransferState, Unloaded,
};
use serde_json::Value;

use crate::support::*;

on_both_stores!(
    an_honest_merchant_gets_what_the_sam_debits,
    a_collection_of_nothing_is_acknowledged,
    two_currencies_are_collected_apart,
    the_chain_goes_on_over_collections,
    records_come_in_batches_and_again,
    a_collection_waits_for_its_records,
    a_later_collection_proves_an_earlier_one_right,
    a_refund_and_its_reversal_count,
    a_sams_own_load_counts_if_the_issuer_gave_it,
    value_that_a_sam_was_issued_with_comes_back,
);

fn purses_with(scheme: &mut Scheme<impl Store>, amount: u32) {
    scheme.load(&load_details(purse(), 0, amount));
}

fn an_honest_merchant_gets_what_the_sam_debits<S: Store>(mut scheme: Scheme<S>) {
    purses_with(&mut scheme, 2_000);
    let mut sam = Sam::new();
    sam.sell(1, 350);
    sam.decline(purchase_details(purse(), 2, &sam, 999));
    sam.sell(3, 150);
    let collection = scheme.debit(&mut sam, EUR);
    let report = scheme.submit(&sam);
    assert_eq!((report.bad, report.forks, report.collected), (vec![], vec![], vec![]));
    assert_eq!(scheme.balance("merchant", EUR), 0, "never a sum of TACs");
    for _ in 0..2 {
        let unloaded = scheme.issuer.unload(&collection).unwrap();
        let (ack, credited) = (ack(&collection.pay_details), Amount(500));
        assert_eq!(unloaded, Unloaded::Credited { ack, credited, withheld: Amount(0) });
        assert_eq!((scheme.balance("merchant", EUR), scheme.float()), (500, 1_500), "once");
    }
    assert_eq!(scheme.issuer.records_wanted(sam.number), Ok(Sequence(4)));
    assert_eq!(scheme.issuer.decline_unload(&collection), Err(IssuerError::CollectionDecline));
}

fn a_collection_of_nothing_is_acknowledged<S: Store>(mut scheme: Scheme<S>) {
    let mut sam = Sam::new();
    assert_eq!(amounts(scheme.collect(&mut sam, EUR)), (0, 0));
    sam.decline(purchase_details(purse(), 0, &sam, 10));
    assert_eq!(amounts(scheme.collect(&mut sam, JPY)), (0, 0));
    assert_eq!(scheme.issuer.records_wanted(sam.number), Ok(Sequence(3)));
}

fn two_currencies_are_collected_apart<S: Store>(mut scheme: Scheme<S>) {
    purses_with(&mut scheme, 2_000);
    let mut sam = Sam::new();
    sam.sell(1, 350);
    let yen = PayDetails { currency: JPY, ..purchase_details(purse(), 2, &sam, 70) };
    sam.credit(yen);
    sam.sell(3, 50);
    assert_eq!(amounts(scheme.collect(&mut sam, EUR)), (400, 0));
    assert_eq!((scheme.balance("merchant", EUR), scheme.balance("merchant", JPY)), (400, 0));
    assert_eq!(
        amounts(scheme.collect(&mut sam, JPY)),
        (70, 0),
        "its records were passed by the other's chain"
    );
    assert_eq!((scheme.balance("merchant", EUR), scheme.balance("merchant", JPY)), (400, 70));
}

fn the_chain_goes_on_over_collections<S: Store>(mut scheme: Scheme<S>) {
    purses_with(&mut scheme, 2_000);
    let mut sam = Sam::new();
    for round in 0..4 {
        sam.sell(1 + round, 100 + round);
        assert_eq!(amounts(scheme.collect(&mut sam, EUR)), (100 + round, 0));
        assert_eq!(amounts(scheme.collect(&mut sam, EUR)), (0, 0), "it is empty");
    }
    assert_eq!(scheme.balance("merchant", EUR), 406);
}

fn records_come_in_batches_and_again<S: Store>(mut scheme: Scheme<S>) {
    purses_with(&mut scheme, 2_000);
    let mut sam = Sam::new();
    for sale in 0..6 {
        sam.sell(1 + sale, 10);
    }
    let collection = scheme.debit(&mut sam, EUR);
    for (first, last) in [(3, 6), (0, 2), (1, 5)] {
        let records = &sam.records[first as usize..last];
        scheme.issuer.submit_records(sam.number, Sequence(first), records).unwrap();
    }
    assert_eq!(amounts(scheme.issuer.unload(&collection).unwrap()), (60, 0));
    let again = scheme.issuer.submit_records(sam.number, Sequence(0), &sam.records).unwrap();
    assert_eq!(again, purse_terminal::issuer::SubmissionReport::default(), "a repeat changes nothing");
    assert_eq!(scheme.balance("merchant", EUR), 60);
}

fn a_collection_waits_for_its_records<S: Store>(mut scheme: Scheme<S>) {
    purses_with(&mut scheme, 2_000);
    let mut sam = Sam::new();
    for sale in 0..3 {
        sam.sell(1 + sale, 100);
    }
    let collection = scheme.debit(&mut sam, EUR);
    let missing = |first| Ok(Unloaded::RecordsMissing { first: Sequence(first) });
    assert_eq!(scheme.issuer.unload(&collection), missing(0));
    scheme.issuer.submit_records(sam.number, Sequence(0), &sam.records[..1]).unwrap();
    assert_eq!(scheme.issuer.unload(&collection), missing(1));
    assert_eq!((scheme.balance("merchant", EUR), scheme.float()), (0, 2_000));
    let open = scheme.issuer.open_transfers().unwrap();
    assert_eq!((open.len(), open[0].state), (1, TransferState::Waiting));
    let report = scheme.issuer.submit_records(sam.number, Sequence(1), &sam.records[1..3]).unwrap();
    assert_eq!(report.collected.len(), 1, "completed by the records, val having been verified");
    assert_eq!(report.collected[0].ack, ack(&collection.pay_details));
    assert_eq!((scheme.balance("merchant", EUR), scheme.float()), (300, 1_700));
    assert_eq!(amounts(scheme.issuer.unload(&collection).unwrap()), (300, 0));
    assert_eq!(scheme.balance("merchant", EUR), 300);
}

fn a_later_collection_proves_an_earlier_one_right<S: Store>(mut scheme: Scheme<S>) {
    purses_with(&mut scheme, 2_000);
    let mut sam = Sam::new();
    sam.sell(1, 100);
    let first = scheme.debit(&mut sam, EUR);
    sam.sell(2, 30);
    let second = scheme.debit(&mut sam, EUR);
    scheme.submit(&sam);
    assert_eq!(amounts(scheme.issuer.unload(&second).unwrap()), (30, 0));
    assert_eq!(amounts(scheme.issuer.unload(&first).unwrap()), (100, 0));
    assert_eq!((scheme.balance("merchant", EUR), scheme.float()), (130, 1_870));
    // Whoever has the SAM's keys can make another PD under a sequence that the chain has passed.
    let mut forger = Sam::issued(sam.number, EUR, 1_000);
    let another = forger.collection(PayDetails { amount: Amount(99), ..first.pay_details });
    assert!(matches!(scheme.issuer.unload(&another), Err(IssuerError::OtherUnload { .. })));
    let (from_sequence, to_sequence) = (Sequence(2), Sequence(2));
    let instead = forger.collection(PayDetails { from_sequence, to_sequence, ..first.pay_details });
    assert!(matches!(scheme.issuer.unload(&instead), Err(IssuerError::OtherRecord { .. })));
    assert_eq!(scheme.balance("merchant", EUR), 130);
}

fn a_refund_and_its_reversal_count<S: Store>(mut scheme: Scheme<S>) {
    purses_with(&mut scheme, 2_000);
    let mut sam = Sam::new();
    sam.sell(1, 500);
    sam.refund(2, 200);
    let declined = sam.refund(3, 100);
    sam.reverse(declined);
    assert_eq!(sam.balance(EUR), Amount(300));
    assert_eq!(amounts(scheme.collect(&mut sam, EUR)), (300, 0));
}

fn a_sams_own_load_counts_if_the_issuer_gave_it<S: Store>(mut scheme: Scheme<S>) {
    let mut sam = Sam::new();
    let given = load_details(sam.number, 0, 800);
    scheme.issuer.load(&given, req(&given), "holder").unwrap();
    sam.credit_load(given);
    sam.credit_load(load_details(sam.number, 1, 500));
    assert_eq!(amounts(scheme.collect(&mut sam, EUR)), (800, 500), "the second was never given");
    let state = scheme.issuer.transfers(Some(sam.number)).unwrap()[0].state;
    assert_eq!(state, TransferState::Acknowledged, "the chain proves it");
    assert_eq!(
        scheme.issuer.load_declined(sam.number, Sequence(0), nack(&given)),
        Err(IssuerError::LoadAcknowledged)
    );
}

fn value_that_a_sam_was_issued_with_comes_back<S: Store>(mut scheme: Scheme<S>) {
    let pockets = [(EUR, Amount(1_000))];
    let new = NewCard {
        number: number(201),
        role: Role::Merchant,
        key_version: KEY_VERSION,
        account: "merchant",
        pockets: &pockets,
        funding: Funding::Account,
    };
    assert!(matches!(scheme.issuer.register_card(&new), Err(IssuerError::Funds { .. })));
    scheme.issuer.register_card(&NewCard { account: "holder", ..new }).unwrap();
    assert_eq!((scheme.balance("holder", EUR), scheme.float()), (OPENING - 1_000, 1_000));
    let mut sam = Sam::issued(number(201), EUR, 1_000);
    assert_eq!(amounts(scheme.collect(&mut sam, EUR)), (1_000, 0));
    assert_eq!((scheme.balance("holder", EUR), scheme.float()), (OPENING, 0));
}

fn bytes<const N: usize>(value: &Value) -> [u8; N] {
    hex::decode(value.as_str().unwrap()).unwrap().try_into().unwrap()
}

/// The protocol's own vector: chain, TAC, val and ack.
#[test]
fn the_vector_of_a_collection_holds() {
    let vector: Value =
        serde_json::from_str(include_str!("../../../apdu-spec/tests/vectors/collection.json")).unwrap();
    let pay_details = PayDetails::parse(&bytes(&vector["pay_details"])).unwrap();
    let master = |name: &str| apdu_spec::cryptography::KeyBytes(bytes(&vector[name]));
    let masters = MasterKeys {
        load: master("master_load"),
        payment: master("master_load"),
        tac: master("master_tack"),
        administration: master("master_load"),
    };
    let keyring = Keyring::from([(pay_details.key_version, masters)]);
    let mut issuer = Issuer::new(MemoryStore::new(), Software, pay_details.to, keyring);
    issuer.register_account("merchant", EUR, 0).unwrap();
    let card = NewCard {
        number: pay_details.from,
        role: Role::Merchant,
        key_version: KeyVersion(2),
        account: "merchant",
        pockets: &[(EUR, Amount(0))],
        funding: Funding::Outside,
    };
    issuer.register_card(&card).unwrap();
    let records: Vec<LogRecord> = vector["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| LogRecord {
            pay_details: PayDetails::parse(&bytes(&record["pay_details"])).unwrap(),
            role: RecordRole::parse(record["role"].as_u64().unwrap().try_into().unwrap()).unwrap(),
            state: RecordState::Settled,
            balance: Amount(0),
            tac: Tac(bytes(&record["tac"])),
        })
        .collect();
    let request = issuer
        .unload_request(
            pay_details.from,
            EUR,
            pay_details.amount,
            pay_details.from_sequence,
            pay_details.time,
        )
        .unwrap();
    assert_eq!(request.pay_details, pay_details);
    assert_eq!(request.req.0, bytes(&vector["req"]));
    let report = issuer.submit_records(pay_details.from, Sequence(0), &records).unwrap();
    assert_eq!(report.bad.len(), 3, "the vector's purses are not on these books");
    let val = apdu_spec::cryptography::Authenticator(bytes(&vector["val"]));
    let voucher = apdu_spec::command::Voucher { pay_details, val, tac: Tac(bytes(&vector["tac"])) };
    let ack = apdu_spec::cryptography::Authenticator(bytes(&vector["ack"]));
    let unloaded = issuer.unload(&voucher).unwrap();
    assert_eq!(unloaded, Unloaded::Credited { ack, credited: Amount(0), withheld: pay_details.amount });
    // H goes on with the collection's own record.
    let mut key = {
        use apdu_spec::cryptography::Engine;
        Software.load(&apdu_spec::cryptography::KeyBytes(bytes(&vector["tack_key"])))
    };
    let before = apdu_spec::cryptography::Chain(bytes(&vector["chain"]));
    let after = chain(&Software, &mut key, before, RecordRole::Payer, &pay_details, voucher.tac);
    assert_eq!(issuer.card(pay_details.from).unwrap().chain, after.0);
}
