//! Pay details that do not fit: wrong data, wrong peer, no such pocket or key version (section 6).

use apdu_spec::command::{Command, DebitData, Voucher};
use apdu_spec::cryptography::{Authenticator, Tac};
use apdu_spec::element::{Amount, Currency, KeyVersion, Kind, Sequence};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::status::StatusWord as Status;
use purse_tests::bench_card::CommonCard;
use purse_tests::scheme::{
    OTHER_VERSION, Profile, UNKNOWN_VERSION, debit, initialize, issuer, jpy, party, pin, session, voucher,
};

/// What is wrong with pay details, and what the card says to it as their payee.
fn as_payee(good: &PayDetails, own: &Profile) -> Vec<(PayDetails, Status)> {
    let mut wrong = vec![
        (PayDetails { amount: Amount(0), ..*good }, Status::WrongData),
        (PayDetails { from: own.number, ..*good }, Status::WrongData),
        (PayDetails { kind: Kind::Unload, ..*good }, Status::WrongData),
        (PayDetails { currency: jpy(), ..*good }, Status::ReferenceNotFound),
        (PayDetails { currency: Currency([0, 0]), ..*good }, Status::ReferenceNotFound),
        (PayDetails { currency: Currency([0xFF, 0xFF]), ..*good }, Status::ReferenceNotFound),
        (PayDetails { key_version: UNKNOWN_VERSION, ..*good }, Status::ReferenceNotFound),
        (PayDetails { key_version: KeyVersion::NONE, ..*good }, Status::ReferenceNotFound),
    ];
    if good.kind == Kind::Load {
        wrong.extend([
            (PayDetails { from: party(3), ..*good }, Status::WrongData),
            (PayDetails { from_sequence: Sequence(good.from_sequence.0 + 1), ..*good }, Status::WrongData),
            (PayDetails { key_version: OTHER_VERSION, ..*good }, Status::ReferenceNotFound),
        ]);
    }
    wrong
}

/// The same as their payer.
fn as_payer(good: &PayDetails, own: &Profile) -> Vec<(PayDetails, Status)> {
    let mut wrong = vec![
        (PayDetails { to: own.number, ..*good }, Status::WrongData),
        (PayDetails { kind: Kind::Load, ..*good }, Status::WrongData),
        (PayDetails { currency: jpy(), ..*good }, Status::ReferenceNotFound),
        (PayDetails { currency: Currency([0, 0]), ..*good }, Status::ReferenceNotFound),
        (PayDetails { key_version: UNKNOWN_VERSION, ..*good }, Status::ReferenceNotFound),
        (PayDetails { key_version: KeyVersion::NONE, ..*good }, Status::ReferenceNotFound),
    ];
    if good.kind == Kind::Unload {
        wrong.extend([
            (PayDetails { to: party(3), ..*good }, Status::WrongData),
            (PayDetails { to_sequence: Sequence(good.to_sequence.0 + 1), ..*good }, Status::WrongData),
            (PayDetails { key_version: OTHER_VERSION, ..*good }, Status::ReferenceNotFound),
        ]);
    }
    wrong
}

/// A purse with a settled purchase of 5.00 and 5.00 left; a SAM with 10.00 and its PIN verified.
fn cards() -> [(CommonCard, Profile); 2] {
    let purse = Profile::purse(1, 10_00);
    let sam = Profile::sam(2, 10_00);
    let mut cards = [(CommonCard::new(&purse), purse), (CommonCard::new(&sam), sam)];
    let [(purse, _), (sam, _)] = &mut cards;
    purse.spend_settled(Kind::Purchase, 5_00, party(2));
    sam.verify(pin("9999"));
    cards
}

/// A transfer needs an authenticated peer, which nothing here makes; a SAM takes no part in it.
fn transfer(own: &Profile) -> Status {
    if own.number == party(1) { Status::ConditionsOfUse } else { Status::WrongData }
}

#[test]
fn a_payee_refuses_what_does_not_fit_it() {
    for (mut bench, profile) in cards() {
        let (peer, receipt, other) = if profile.number == party(1) {
            (party(2), Kind::Refund, Kind::Purchase)
        } else {
            (party(1), Kind::Purchase, Kind::Refund)
        };
        for (kind, peer) in [(Kind::Load, issuer()), (receipt, peer)] {
            let good = bench.paid(kind, 1_00, peer);
            let mut wrong = as_payee(&good, &profile);
            wrong.push((PayDetails { kind: other, ..good }, Status::WrongData));
            let transferred = PayDetails { kind: Kind::Transfer, key_version: KeyVersion::NONE, ..good };
            wrong.push((transferred, transfer(&profile)));
            for (pay_details, status) in wrong {
                bench.refuse(&initialize(&pay_details), status);
                bench.refuse(&Command::Credit(voucher(&pay_details)), status);
                bench.refuse(&Command::Decline(voucher(&pay_details)), status);
            }
            // Pay details of another payee, which INITIALIZE cannot ask for.
            let stranger = PayDetails { to: party(9), ..good };
            bench.refuse(&Command::Credit(voucher(&stranger)), Status::WrongData);
            bench.refuse(&Command::Decline(voucher(&stranger)), Status::WrongData);
            bench.succeed(&initialize(&good));
            bench.succeed(&Command::Credit(voucher(&good)));
        }
    }
}

#[test]
fn a_payer_refuses_what_does_not_fit_it() {
    for (mut bench, profile) in cards() {
        let (peer, payment, other) = if profile.number == party(1) {
            (party(2), Kind::Purchase, Kind::Refund)
        } else {
            (party(1), Kind::Refund, Kind::Purchase)
        };
        for (kind, peer) in [(Kind::Unload, issuer()), (payment, peer)] {
            let good = bench.paying(kind, 1_00, peer);
            let mut wrong = as_payer(&good, &profile);
            wrong.push((PayDetails { kind: other, ..good }, Status::WrongData));
            let transferred = PayDetails { kind: Kind::Transfer, key_version: KeyVersion::NONE, ..good };
            wrong.push((transferred, transfer(&profile)));
            if (kind, profile.number) != (Kind::Unload, party(2)) {
                wrong.push((PayDetails { amount: Amount(0), ..good }, Status::WrongData));
            }
            for (pay_details, status) in wrong {
                bench.refuse(&debit(&pay_details), status);
            }
            bench.succeed(&debit(&good));
        }
    }
}

#[test]
fn a_collection_of_nothing_is_a_collection() {
    let mut sam = CommonCard::new(&Profile::sam(2, 0));
    let collection = sam.spend_settled(Kind::Unload, 0, issuer());
    assert_eq!(sam.entry(0).pay_details, collection);
    let load = sam.paid(Kind::Load, 0, issuer());
    sam.refuse(&initialize(&load), Status::WrongData);
    let sale = sam.paid(Kind::Purchase, 0, party(1));
    sam.refuse(&initialize(&sale), Status::WrongData);
    sam.verify(pin("9999"));
    let refund = sam.paying(Kind::Refund, 0, party(1));
    sam.refuse(&debit(&refund), Status::WrongData);
    let more = sam.paying(Kind::Unload, 1, issuer());
    sam.refuse(&debit(&more), Status::InsufficientValue);
}

#[test]
fn a_sam_serves_every_generation_of_purses_that_it_has_a_master_of() {
    let mut sam = CommonCard::new(&Profile::sam(2, 10_00));
    let sale = PayDetails { key_version: OTHER_VERSION, ..sam.paid(Kind::Purchase, 1_00, party(1)) };
    sam.succeed(&initialize(&sale));
    assert_eq!(sam.succeed(&Command::Credit(voucher(&sale))), session(&sale).ack().0);
    sam.verify(pin("9999"));
    let refund = PayDetails { key_version: OTHER_VERSION, ..sam.paying(Kind::Refund, 1_00, party(1)) };
    sam.succeed(&debit(&refund));
}

#[test]
fn a_kind_that_is_none_is_wrong_data_in_pay_details_and_wrong_p1_elsewhere() {
    let mut bench = CommonCard::new(&Profile::purse(1, 10_00));
    let load = bench.paid(Kind::Load, 1_00, issuer());
    for command in
        [Command::Credit(voucher(&load)), Command::Decline(voucher(&load)), initialize(&load), debit(&load)]
    {
        let good = command.emit().as_bytes().to_vec();
        for kind in (0..=255).filter(|kind| !(1..=5).contains(kind)) {
            let mut bytes = good.clone();
            let is_p1 = matches!(command, Command::Initialize(_) | Command::Debit(_));
            bytes[if is_p1 { 2 } else { 5 }] = kind;
            bench.refuse_bytes(&bytes, if is_p1 { Status::WrongParameters } else { Status::WrongData });
        }
    }
}

#[test]
fn a_sequence_not_reached_yet_is_refused_everywhere() {
    for (mut bench, profile) in cards() {
        let next = bench.sequence().0;
        let (peer, receipt, payment) = if profile.number == party(1) {
            (party(2), Kind::Refund, Kind::Purchase)
        } else {
            (party(1), Kind::Purchase, Kind::Refund)
        };
        for future in [next + 1, next + 1000, 0xFFFF_FF00, 0xFFFF_FFFE, 0xFFFF_FFFF] {
            let sequence = Sequence(future);
            let load = bench.paid(Kind::Load, 1, issuer());
            let load = PayDetails { from_sequence: sequence, to_sequence: sequence, ..load };
            let receipt = PayDetails { to_sequence: sequence, ..bench.paid(receipt, 1, peer) };
            for pay_details in [load, receipt] {
                bench.refuse(&Command::Credit(voucher(&pay_details)), Status::ConditionsOfUse);
                bench.refuse(&Command::Decline(voucher(&pay_details)), Status::ConditionsOfUse);
                // The sequence comes before the authenticator.
                let blind = Voucher { pay_details, val: Authenticator([0; 8]), tac: Tac([0; 8]) };
                bench.refuse(&Command::Credit(blind), Status::ConditionsOfUse);
                bench.refuse(&Command::Decline(blind), Status::ConditionsOfUse);
            }
            let unload = bench.paying(Kind::Unload, 1, issuer());
            let unload = PayDetails { from_sequence: sequence, to_sequence: sequence, ..unload };
            let payment = PayDetails { from_sequence: sequence, ..bench.paying(payment, 1, peer) };
            for pay_details in [unload, payment] {
                bench.refuse(&debit(&pay_details), Status::ConditionsOfUse);
                let blind = Command::Debit(DebitData::new(&pay_details, Authenticator([0; 8])));
                bench.refuse(&blind, Status::ConditionsOfUse);
            }
        }
        for future in [next, next + 1, 0xFFFF_FFFE, 0xFFFF_FFFF] {
            let sequence = Sequence(future);
            let authenticator = Authenticator([7; 8]);
            bench.refuse(&Command::GetProof(sequence), Status::ConditionsOfUse);
            bench.refuse(&Command::ReadEntry(sequence), Status::ConditionsOfUse);
            bench.refuse(&Command::Acknowledge(sequence, authenticator), Status::ConditionsOfUse);
            bench.refuse(&Command::Reverse(sequence, authenticator), Status::ConditionsOfUse);
        }
    }
}
