//! Value from purse to purse (section 8): the same three messages, between two that have met.

use apdu_spec::command::{Command, Initialized, Proof, Voucher};
use apdu_spec::element::{Amount, KeyVersion, Kind, Sequence};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::pocket::Limits;
use apdu_spec::record::{RecordRole, RecordState};
use apdu_spec::status::StatusWord;
use purse_tests::bench_card::{BenchCard, CommonCard};
use purse_tests::scheme::{
    PURSE_LIMITS, Profile, acknowledge, debit, initialize, issuer, key_pair, party, pay_details, pin,
    reverse, session, voucher,
};

fn purse(number: u64, balance: u32) -> CommonCard {
    CommonCard::new(&Profile::purse(number, balance).with_key_pair())
}

/// The certificate of this purse, verified.
#[track_caller]
fn meet<const W: usize, const E: usize>(card: &mut BenchCard<W, E>, number: u64) {
    card.repeat(&Command::VerifyCertificate(key_pair(party(number)).certificate));
}

fn transfer(amount: u32, (from, from_sequence): (u64, u32), (to, to_sequence): (u64, u32)) -> PayDetails {
    pay_details(Kind::Transfer, amount, (party(from), from_sequence), (party(to), to_sequence))
}

/// From one card to the other, with what they themselves say; both have met. The PD that was agreed on.
#[track_caller]
fn pay(
    (payer, from): (&mut CommonCard, u64),
    (payee, to): (&mut CommonCard, u64),
    amount: u32,
) -> PayDetails {
    let agreed = transfer(amount, (from, payer.sequence().0), (to, payee.sequence().0));
    meet(payee, from);
    meet(payer, to);
    let asked = Initialized::parse(&payee.repeat(&initialize(&agreed))).unwrap();
    assert_eq!(
        (asked.number, asked.sequence, asked.req),
        (agreed.to, agreed.to_sequence, session(&agreed).req())
    );
    let proof = Proof::parse(&payer.succeed(&debit(&agreed))).unwrap();
    let ack =
        payee.succeed(&Command::Credit(Voucher { pay_details: agreed, val: proof.val, tac: proof.tac }));
    assert_eq!(ack, session(&agreed).ack().0);
    payer.succeed(&acknowledge(&agreed));
    agreed
}

#[test]
fn what_one_purse_receives_it_passes_on_at_once() {
    let mut cards: Vec<CommonCard> =
        (1..=4).map(|number| purse(number, if number == 1 { 50_00 } else { 0 })).collect();
    for hop in 0..3 {
        let (before, after) = cards.split_at_mut(hop + 1);
        let number = u64::try_from(hop).unwrap() + 1;
        pay((&mut before[hop], number), (&mut after[0], number + 1), 20_00);
    }
    let balances: Vec<u32> = cards.iter_mut().map(|card| card.balance().0).collect();
    assert_eq!(balances, [30_00, 0, 0, 20_00]);
    let middle = &mut cards[1];
    let (received, passed) = (middle.entry(0), middle.entry(1));
    assert_eq!((received.role, received.balance), (RecordRole::Payee, Amount(20_00)));
    assert_eq!(
        (passed.role, passed.state, passed.balance),
        (RecordRole::Payer, RecordState::Settled, Amount(0))
    );
}

#[test]
fn each_side_programs_once_and_sees_what_it_has_answered_again() {
    let (mut alice, mut bob) = (purse(1, 50_00), purse(2, 0));
    meet(&mut alice, 2);
    meet(&mut bob, 1);
    let agreed = transfer(5_00, (1, 0), (2, 0));
    bob.repeat(&initialize(&agreed));
    let before = alice.card.memory().counts().programs;
    let proof = alice.process(debit(&agreed).emit().as_bytes());
    assert_eq!((proof.status, alice.card.memory().counts().programs), (StatusWord::Success, before + 1));
    alice.card.finish();
    assert_eq!(alice.repeat(&debit(&agreed)), proof.data);
    assert_eq!(alice.repeat(&Command::GetProof(Sequence(0))), proof.data);
    let before = bob.card.memory().counts().programs;
    let ack = bob.process(Command::Credit(voucher(&agreed)).emit().as_bytes());
    assert_eq!((ack.status, bob.card.memory().counts().programs), (StatusWord::Success, before + 1));
    bob.card.finish();
    assert_eq!(bob.repeat(&Command::Credit(voucher(&agreed))), ack.data);
    bob.refuse(&Command::Decline(voucher(&agreed)), StatusWord::ConditionsOfUse);
    alice.succeed(&acknowledge(&agreed));
    alice.repeat(&acknowledge(&agreed));
    alice.refuse(&reverse(&agreed), StatusWord::ConditionsOfUse);
    assert_eq!((alice.balance(), bob.balance()), (Amount(45_00), Amount(5_00)));
}

#[test]
fn what_the_payee_declines_comes_back_once() {
    let (mut alice, mut bob) = (purse(1, 50_00), purse(2, 0));
    meet(&mut alice, 2);
    meet(&mut bob, 1);
    let agreed = transfer(5_00, (1, 0), (2, 0));
    alice.succeed(&debit(&agreed));
    let nack = bob.succeed(&Command::Decline(voucher(&agreed)));
    assert_eq!(nack, session(&agreed).nack().0);
    bob.refuse(&Command::Credit(voucher(&agreed)), StatusWord::ConditionsOfUse);
    alice.succeed(&reverse(&agreed));
    alice.repeat(&reverse(&agreed));
    alice.refuse(&acknowledge(&agreed), StatusWord::ConditionsOfUse);
    assert_eq!((alice.balance(), bob.balance()), (Amount(50_00), Amount(0)));
}

#[test]
fn no_command_of_a_transfer_is_answered_without_the_very_peer() {
    let (mut alice, mut bob) = (purse(1, 50_00), purse(2, 0));
    meet(&mut alice, 2);
    let open = transfer(5_00, (1, 0), (2, 0));
    alice.succeed(&debit(&open));
    let next = transfer(5_00, (1, 1), (2, 0));
    for other in [None, Some(3)] {
        alice.select();
        bob.select();
        if let Some(other) = other {
            meet(&mut alice, other);
            meet(&mut bob, other);
        }
        for command in [
            debit(&next),
            debit(&open),
            Command::GetProof(open.from_sequence),
            acknowledge(&open),
            reverse(&open),
        ] {
            alice.refuse(&command, StatusWord::ConditionsOfUse);
        }
        for command in [initialize(&next), Command::Credit(voucher(&open)), Command::Decline(voucher(&open))]
        {
            bob.refuse(&command, StatusWord::ConditionsOfUse);
        }
    }
    alice.entry(0);
    meet(&mut alice, 2);
    alice.repeat(&Command::GetProof(open.from_sequence));
    assert_eq!(alice.balance(), Amount(45_00));
}

#[test]
fn a_key_version_belongs_to_other_kinds() {
    let (mut alice, mut bob) = (purse(1, 50_00), purse(2, 0));
    meet(&mut alice, 2);
    meet(&mut bob, 1);
    let versioned = PayDetails { key_version: KeyVersion(1), ..transfer(5_00, (1, 0), (2, 0)) };
    alice.refuse(&debit(&versioned), StatusWord::ReferenceNotFound);
    bob.refuse(&initialize(&versioned), StatusWord::ReferenceNotFound);
    bob.refuse(&Command::Credit(voucher(&versioned)), StatusWord::ReferenceNotFound);
    // The pair key of the peer is no PAYM key: a purchase is as it was.
    alice.refuse(
        &debit(&PayDetails { kind: Kind::Purchase, ..transfer(5_00, (1, 0), (2, 0)) }),
        StatusWord::ReferenceNotFound,
    );
}

#[test]
fn limits_of_one_transfer_of_the_pin_and_of_what_is_received_offline_hold() {
    let limits = Limits {
        maximum_debit: Amount(1),
        maximum_transfer: Amount(40_00),
        debit_without_pin: Amount(25_00),
        total_without_pin: Amount(30_00),
        offline_receipts: Amount(60_00),
        ..PURSE_LIMITS
    };
    let card = |number, balance| {
        CommonCard::new(&Profile { limits, ..Profile::purse(number, balance) }.with_key_pair())
    };
    let (mut alice, mut bob) = (card(1, 150_00), card(2, 0));
    meet(&mut alice, 2);
    alice.refuse(&debit(&transfer(150_01, (1, 0), (2, 0))), StatusWord::InsufficientValue);
    alice.refuse(&debit(&transfer(40_01, (1, 0), (2, 0))), StatusWord::OverLimit);
    alice.refuse(&debit(&transfer(25_01, (1, 0), (2, 0))), StatusWord::SecurityStatus);
    pay((&mut alice, 1), (&mut bob, 2), 25_00);
    alice.refuse(&debit(&transfer(5_01, (1, 1), (2, 1))), StatusWord::SecurityStatus);
    alice.verify(pin("1234"));
    alice.refuse(&debit(&transfer(40_01, (1, 1), (2, 1))), StatusWord::OverLimit);
    pay((&mut alice, 1), (&mut bob, 2), 35_00);
    // 60.00 received offline is the limit, also for what has been debited already.
    let over = transfer(1, (1, 2), (2, 2));
    bob.refuse(&initialize(&over), StatusWord::OverLimit);
    alice.succeed(&debit(&over));
    bob.refuse(&Command::Credit(voucher(&over)), StatusWord::OverLimit);
    // A load ends the count, and the transfer comes through.
    bob.receive(Kind::Load, 1_00, issuer());
    bob.refuse(&Command::Credit(voucher(&over)), StatusWord::ConditionsOfUse);
    assert_eq!(
        bob.succeed(&Command::Decline(voucher(&over))),
        session(&over).nack().0,
        "its sequence is the load's"
    );
    alice.succeed(&reverse(&over));
    pay((&mut alice, 1), (&mut bob, 2), 40_00);
    assert_eq!((alice.balance(), bob.balance()), (Amount(50_00), Amount(101_00)));
}

#[test]
fn a_reversed_transfer_counts_as_received_by_nobody() {
    let limits = Limits { offline_receipts: Amount(1), ..PURSE_LIMITS };
    let mut alice = CommonCard::new(&Profile { limits, ..Profile::purse(1, 50_00) }.with_key_pair());
    meet(&mut alice, 2);
    let agreed = transfer(5_00, (1, 0), (2, 0));
    alice.succeed(&debit(&agreed));
    alice.succeed(&reverse(&agreed));
    assert_eq!(alice.balance(), Amount(50_00));
}

#[test]
fn open_transfers_fill_the_exception_log_but_for_the_place_of_an_unload() {
    let mut alice = BenchCard::<4, 3>::new(&Profile::purse(1, 50_00).with_key_pair());
    meet(&mut alice, 2);
    let first = transfer(1_00, (1, 0), (2, 0));
    let second = transfer(2_00, (1, 1), (2, 1));
    alice.succeed(&debit(&first));
    alice.succeed(&debit(&second));
    alice.refuse(&debit(&transfer(3_00, (1, 2), (2, 2))), StatusWord::NoRoom);
    let unload = alice.spend(Kind::Unload, 4_00, issuer());
    // All three leave the window, and none is lost.
    for _ in 0..4 {
        alice.spend_settled(Kind::Purchase, 1, party(9));
    }
    let mut alice = alice.power_cycled();
    for (sequence, open) in [(0, &first), (1, &second), (2, &unload)] {
        let record = alice.entry(sequence);
        assert_eq!((record.pay_details, record.state), (*open, RecordState::Open));
    }
    meet(&mut alice, 2);
    alice.succeed(&acknowledge(&first));
    alice.refuse(&Command::GetProof(Sequence(0)), StatusWord::ReferenceNotFound);
    assert_eq!(alice.succeed(&Command::GetProof(Sequence(1))).len(), 16);
    alice.refuse(&debit(&transfer(3_00, (1, 7), (2, 2))), StatusWord::NoRoom);
    alice.succeed(&reverse(&second));
    alice.succeed(&debit(&transfer(3_00, (1, 8), (2, 2))));
    assert_eq!(alice.balance(), Amount(50_00 - 1_00 - 4_00 - 4 - 3_00));
}

#[test]
fn a_locked_purse_gives_nothing_and_finishes_what_it_owes() {
    let (mut alice, mut bob) = (purse(1, 50_00), purse(2, 0));
    meet(&mut alice, 2);
    meet(&mut bob, 1);
    let (first, second) = (transfer(1_00, (1, 0), (2, 0)), transfer(2_00, (1, 1), (2, 1)));
    alice.succeed(&debit(&first));
    alice.succeed(&debit(&second));
    for card in [&mut alice, &mut bob] {
        card.verify(pin("1234"));
        card.succeed(&Command::Lock);
        card.select();
    }
    meet(&mut alice, 2);
    meet(&mut bob, 1);
    alice.refuse(&debit(&transfer(1, (1, 2), (2, 2))), StatusWord::SecurityStatus);
    bob.refuse(&initialize(&transfer(1, (1, 2), (2, 0))), StatusWord::SecurityStatus);
    alice.repeat(&Command::GetProof(Sequence(0)));
    bob.succeed(&Command::Credit(voucher(&first)));
    alice.succeed(&acknowledge(&first));
    bob.succeed(&Command::Decline(voucher(&second)));
    alice.succeed(&reverse(&second));
    for card in [&mut alice, &mut bob] {
        card.verify(pin("1234"));
        card.succeed(&Command::Unlock);
    }
    assert_eq!((alice.balance(), bob.balance()), (Amount(49_00), Amount(1_00)));
}
