//! The sequence's end: no new business from FFFFFF00 on, what is open can be finished up to FFFFFFFE (section 7).
#![allow(clippy::inconsistent_digit_grouping, reason = "cents stand apart: 150_00 is 150.00")]

use apdu_spec::command::{Command, DebitData, Proof, Voucher};
use apdu_spec::cryptography::Authenticator;
use apdu_spec::element::{Amount, Kind, Sequence};
use apdu_spec::parameter::{Parameter, Resolution};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::{RecordRole, RecordState};
use apdu_spec::status::StatusWord as Status;
use purse_tests::bench_card::BenchCard;
use purse_tests::scheme::{
    self, Profile, acknowledge, debit, initialize, issuer, party, pin, reverse, session, voucher,
};

type Card = BenchCard<8, 3>;

const WRONG: Authenticator = Authenticator([0xA5; 8]);

fn purse(first_sequence: u32) -> Card {
    let mut card = Card::beginning_at(&Profile::purse(1, 50_00), first_sequence);
    card.verify(pin("1234"));
    card
}

fn sam(first_sequence: u32) -> Card {
    let mut card = Card::beginning_at(&Profile::sam(2, 50_00), first_sequence);
    card.verify(pin("9999"));
    card
}

/// Pays and is paid, as the card of each role does.
fn business(card: &mut Card) -> Vec<Command<'static>> {
    let is_purse = card.side().0 == party(1);
    let (peer, receipt, payment) = if is_purse {
        (party(2), Kind::Refund, Kind::Purchase)
    } else {
        (party(1), Kind::Purchase, Kind::Refund)
    };
    let load = card.paid(Kind::Load, 1, issuer());
    let receipt = card.paid(receipt, 1, peer);
    let payment = card.paying(payment, 1, peer);
    vec![initialize(&load), initialize(&receipt), debit(&payment)]
}

#[test]
fn the_last_common_transaction_is_at_fffffeff() {
    let mut card = purse(0xFFFF_FEFD);
    let settled = card.spend_settled(Kind::Purchase, 1_00, party(2));
    let open = card.spend(Kind::Purchase, 1_00, party(2));
    let load = card.paid(Kind::Load, 5, issuer());
    card.repeat(&initialize(&load));
    card.succeed(&Command::Credit(voucher(&load)));
    assert_eq!(card.sequence(), Sequence(0xFFFF_FF00));
    for mut card in [card.copied(), card.power_cycled()] {
        card.select();
        for command in business(&mut card) {
            card.refuse(&command, Status::SequenceExhausted);
        }
        // Nobody has asked for it; what was sent all the same can be declined, see below.
        let unasked = card.paid(Kind::Load, 5, issuer());
        card.refuse(&Command::Credit(voucher(&unasked)), Status::SequenceExhausted);
        // Repeats are as they were, and so is what finishes them.
        for pay_details in [&settled, &open] {
            let proof = card.repeat(&debit(pay_details));
            assert_eq!(card.repeat(&Command::GetProof(pay_details.from_sequence)), proof);
        }
        assert_eq!(card.repeat(&Command::Credit(voucher(&load))), session(&load).ack().0);
        card.repeat(&acknowledge(&settled));
        card.succeed(&reverse(&open));
        assert_eq!(card.sequence(), Sequence(0xFFFF_FF01));
        assert_eq!(card.entry(0xFFFF_FF00).role, RecordRole::Reversal);
    }
    for mut card in
        [0xFFFF_FF00, 0xFFFF_FF01, 0xFFFF_FFFE].into_iter().flat_map(|first| [purse(first), sam(first)])
    {
        for command in business(&mut card) {
            card.refuse(&command, Status::SequenceExhausted);
        }
    }
}

#[test]
fn decline_and_unload_work_up_to_fffffffe_and_no_further() {
    for mut card in [purse(0xFFFF_FFFB), sam(0xFFFF_FFFB)] {
        let first = card.spend(Kind::Unload, 10_00, issuer());
        let declined = card.decline(Kind::Load, issuer());
        card.succeed(&reverse(&first));
        assert_eq!(card.sequence(), Sequence::LAST);
        let balance = card.balance();
        let mut other = card.copied();
        other.select();
        other.decline(Kind::Load, issuer());
        let last = card.spend(Kind::Unload, 40_00, issuer());
        assert_eq!((last.from_sequence, card.balance()), (Sequence::LAST, Amount(balance.0 - 40_00)));
        for mut card in [card.copied(), card.power_cycled(), other] {
            card.select();
            let next = card.sequence();
            assert_eq!(next, Sequence(0xFFFF_FFFF), "it never wraps");
            let unload = card.paying(Kind::Unload, 1, issuer());
            card.refuse(&debit(&unload), Status::SequenceExhausted);
            let load = card.paid(Kind::Load, 1, issuer());
            card.refuse(&Command::Decline(voucher(&load)), Status::SequenceExhausted);
            for command in business(&mut card) {
                card.refuse(&command, Status::SequenceExhausted);
            }
            card.repeat(&reverse(&first));
            assert_eq!(card.repeat(&Command::Decline(voucher(&declined))), session(&declined).nack().0);
            card.refuse(&Command::ReadEntry(next), Status::ConditionsOfUse);
            card.repeat(&Command::ReadEntry(Sequence::LAST));
            card.repeat(&Command::ReadRecord(Some(0x18), 1));
        }
    }
}

#[test]
fn the_last_payment_is_settled_without_a_sequence_and_cannot_come_back() {
    for resolved in [false, true] {
        let mut card = purse(0xFFFF_FFFE);
        let last = card.spend(Kind::Unload, 10_00, issuer());
        card.refuse(&reverse(&last), Status::SequenceExhausted);
        let tac = card.entry(0xFFFF_FFFE).tac;
        let resolve = |resolution| Parameter::Resolve { sequence: Sequence::LAST, tac, resolution };
        card.refuse_script(1, &resolve(Resolution::Reversed), Status::SequenceExhausted);
        assert_eq!(card.entry(0xFFFF_FFFE).state, RecordState::Open);
        if resolved {
            card.accept_script(1, &resolve(Resolution::Settled));
        } else {
            card.succeed(&acknowledge(&last));
        }
        let mut card = card.power_cycled();
        assert_eq!(card.entry(0xFFFF_FFFE).state, RecordState::Settled);
        card.repeat(&acknowledge(&last));
        let proof = Proof::parse(&card.repeat(&debit(&last))).unwrap();
        assert_eq!(proof.val, session(&last).val(proof.tac));
    }
}

#[test]
fn exhaustion_comes_behind_the_pocket_and_before_the_authenticator() {
    let mut card = purse(0xFFFF_FF00);
    let purchase = card.paying(Kind::Purchase, 60_00, party(2));
    let blind = Command::Debit(DebitData::new(&purchase, WRONG));
    card.refuse(&blind, Status::SequenceExhausted);
    card.refuse(&debit(&purchase), Status::SequenceExhausted);
    let unknown = PayDetails { currency: purse_tests::scheme::jpy(), ..purchase };
    card.refuse(&debit(&unknown), Status::ReferenceNotFound);
    let future = PayDetails { from_sequence: Sequence(0xFFFF_FF01), ..purchase };
    card.refuse(&debit(&future), Status::ConditionsOfUse);
    // No purchase to refund, above the maximum: the sequence is looked at first.
    let refund = card.paid(Kind::Refund, 1, party(2));
    card.refuse(&initialize(&refund), Status::SequenceExhausted);
    let load = card.paid(Kind::Load, 500_00, issuer());
    card.refuse(&initialize(&load), Status::SequenceExhausted);

    let mut card = purse(0xFFFF_FFFE);
    card.spend(Kind::Unload, 1_00, issuer());
    let load = card.paid(Kind::Load, 1, issuer());
    let blind = Voucher { val: WRONG, ..voucher(&load) };
    card.refuse(&Command::Decline(blind), Status::SequenceExhausted);
}

#[test]
fn a_reversal_without_a_sequence_is_refused_before_its_nack_is_looked_at() {
    let mut card = purse(0xFFFF_FFFD);
    let reversed = card.spend_reversed(Kind::Unload, 1_00, issuer());
    // A repeat needs no sequence, and is verified.
    card.repeat(&reverse(&reversed));
    card.refuse(&Command::Reverse(reversed.from_sequence, WRONG), Status::WrongMac);
    let mut card = purse(0xFFFF_FFFE);
    let open = card.spend(Kind::Unload, 1_00, issuer());
    card.refuse(&reverse(&open), Status::SequenceExhausted);
    card.refuse(&Command::Reverse(open.from_sequence, WRONG), Status::SequenceExhausted);
}

#[test]
fn a_card_that_continues_another_says_nothing_of_loads_below_its_first_sequence() {
    let mut card = purse(100);
    for sequence in [0, 99] {
        let load = scheme::pay_details(Kind::Load, 5_00, (issuer(), sequence), (party(1), sequence));
        // The card before it may have credited it: a nack would give the money back a second time.
        card.refuse(&Command::Decline(voucher(&load)), Status::ReferenceNotFound);
        card.refuse(&Command::Credit(voucher(&load)), Status::ReferenceNotFound);
    }
    let load = scheme::pay_details(Kind::Load, 5_00, (issuer(), 100), (party(1), 100));
    card.succeed(&Command::Credit(voucher(&load)));
}
