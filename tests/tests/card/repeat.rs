//! The same command again: the same answer or a clear error, and never a second effect (sections 1 and 7).

use apdu_spec::command::{Command, DebitData};
use apdu_spec::element::{Amount, Kind, Sequence, Time};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::{RecordRole, RecordState};
use apdu_spec::status::StatusWord as Status;
use purse_tests::bench_card::{BenchCard, CommonCard};
use purse_tests::scheme::{
    Profile, acknowledge, certificate, debit, initialize, issuer, party, pin, reverse, session, usd, voucher,
};

fn purse() -> CommonCard {
    let mut bench = CommonCard::new(&Profile::purse(1, 50_00));
    bench.verify(pin("1234"));
    bench
}

fn sam() -> CommonCard {
    let mut bench = CommonCard::new(&Profile::sam(2, 50_00));
    bench.verify(pin("9999"));
    bench
}

/// Every way in which a card pays.
fn payers() -> Vec<(CommonCard, PayDetails)> {
    let mut all = vec![(purse(), Kind::Purchase, party(2)), (purse(), Kind::Unload, issuer())];
    all.extend([(sam(), Kind::Refund, party(1)), (sam(), Kind::Unload, issuer())]);
    let details = |(mut bench, kind, peer): (CommonCard, Kind, _)| {
        let pay_details = bench.paying(kind, 5_00, peer);
        (bench, pay_details)
    };
    all.into_iter().map(details).collect()
}

#[test]
fn a_debit_again_is_the_same_bytes_whatever_has_happened_since() {
    for (mut bench, pay_details) in payers() {
        let command = debit(&pay_details);
        let proof = bench.succeed(&command);
        for _ in 0..2 {
            assert_eq!(bench.repeat(&command), proof);
            assert_eq!(bench.repeat(&Command::GetProof(Sequence(0))), proof);
        }
        let mut bench = bench.power_cycled();
        assert_eq!(bench.repeat(&command), proof, "even without PIN");
        bench.receive(Kind::Load, 1_00, issuer());
        let mut settled = bench.copied();
        settled.select();
        for (mut bench, end) in [(bench, reverse(&pay_details)), (settled, acknowledge(&pay_details))] {
            bench.succeed(&end);
            assert_eq!(bench.repeat(&command), proof);
            assert_eq!(bench.power_cycled().repeat(&command), proof);
        }
    }
}

#[test]
fn a_debit_that_differs_in_any_byte_has_no_effect() {
    for (bench, pay_details) in payers() {
        let good = debit(&pay_details).emit().as_bytes().to_vec();
        let mut before = bench.copied();
        before.select();
        let digits = if pay_details.from == party(2) { "9999" } else { "1234" };
        before.verify(pin(digits));
        let mut after = before.copied();
        after.select();
        after.verify(pin(digits));
        after.succeed(&debit(&pay_details));
        for bench in [&mut before, &mut after] {
            // Kind in P1, then every bit of the 35 bytes of data.
            for kind in (1..=5).filter(|kind| *kind != pay_details.kind.code()) {
                let mut bytes = good.clone();
                bytes[2] = kind;
                assert_ne!(bench.unwritten(&bytes).status, Status::Success);
            }
            for bit in 0..35 * 8 {
                let mut bytes = good.clone();
                bytes[5 + bit / 8] ^= 1 << (bit % 8);
                let answer = bench.unwritten(&bytes);
                assert!(answer.data.is_empty() && answer.status != Status::Success, "{bit}");
            }
        }
        assert_eq!(before.sequence(), Sequence(0));
        before.succeed(&debit(&pay_details));
    }
}

/// Other pay details at the same sequence, each with its own good req.
fn variants(good: &PayDetails) -> Vec<PayDetails> {
    let mut all = vec![
        PayDetails { amount: Amount(good.amount.0 - 1), ..*good },
        PayDetails { currency: usd(), ..*good },
        PayDetails { time: Time(good.time.0 + 1), ..*good },
    ];
    if good.kind != Kind::Unload {
        all.push(PayDetails { to: party(7), ..*good });
        all.push(PayDetails { to_sequence: Sequence(good.to_sequence.0 + 1), ..*good });
    }
    all
}

#[test]
fn an_old_sequence_with_other_pay_details_is_refused_even_with_a_good_req() {
    for (mut bench, pay_details) in payers() {
        bench.succeed(&debit(&pay_details));
        for other in variants(&pay_details) {
            bench.refuse(&debit(&other), Status::ConditionsOfUse);
        }
        // A sequence at which the card did something else than pay.
        bench.receive(Kind::Load, 1_00, issuer());
        bench.succeed(&reverse(&pay_details));
        bench.decline(Kind::Load, issuer());
        for sequence in 1..=3 {
            let mut other = PayDetails { from_sequence: Sequence(sequence), ..pay_details };
            if other.kind == Kind::Unload {
                other.to_sequence = Sequence(sequence);
            }
            bench.refuse(&debit(&other), Status::ConditionsOfUse);
        }
        assert_eq!(bench.sequence(), Sequence(4));
    }
}

#[test]
fn a_debit_whose_record_is_gone_is_refused() {
    let mut bench = BenchCard::<4, 2>::new(&Profile::purse(1, 50_00));
    let purchase = bench.spend(Kind::Purchase, 1_00, party(2));
    let unload = bench.spend(Kind::Unload, 1_00, issuer());
    for _ in 0..3 {
        bench.repeat(&debit(&purchase));
        bench.decline(Kind::Load, issuer());
        if bench.sequence().0 == 4 {
            break;
        }
    }
    bench.decline(Kind::Load, issuer());
    bench.decline(Kind::Load, issuer());
    for mut bench in [bench.copied(), bench.power_cycled()] {
        bench.select();
        bench.refuse(&debit(&purchase), Status::ConditionsOfUse);
        let command = Command::Debit(DebitData::new(&purchase, session(&purchase).ack()));
        bench.refuse(&command, Status::WrongMac);
        bench.refuse(&Command::GetProof(Sequence(0)), Status::ReferenceNotFound);
        bench.refuse(&acknowledge(&purchase), Status::ReferenceNotFound);
        bench.refuse(&reverse(&purchase), Status::ReferenceNotFound);
        bench.refuse(&Command::ReadEntry(Sequence(0)), Status::ReferenceNotFound);
        // The unload is in EF.EXC: all of it still works.
        let proof = bench.repeat(&debit(&unload));
        assert_eq!(bench.repeat(&Command::GetProof(Sequence(1))), proof);
        bench.succeed(&acknowledge(&unload));
        // And is gone once it is settled: no place is kept for it.
        bench.refuse(&acknowledge(&unload), Status::ReferenceNotFound);
        bench.refuse(&debit(&unload), Status::ConditionsOfUse);
    }
}

#[test]
fn a_credit_again_is_the_same_ack_and_any_other_is_refused() {
    let mut purse = purse();
    purse.spend_settled(Kind::Purchase, 10_00, party(2));
    let cards = [
        (Kind::Refund, party(2), purse.copied()),
        (Kind::Load, issuer(), purse),
        (Kind::Purchase, party(1), sam()),
    ];
    for (kind, peer, mut bench) in cards {
        bench.select();
        let good = bench.paid(kind, 5_00, peer);
        let mut others = vec![
            PayDetails { amount: Amount(4_99), ..good },
            PayDetails { time: Time(1), ..good },
            PayDetails { currency: usd(), ..good },
        ];
        if kind != Kind::Load {
            others.push(PayDetails { from: party(8), ..good });
            others.push(PayDetails { from_sequence: Sequence(good.from_sequence.0 + 1), ..good });
        }
        let command = Command::Credit(voucher(&good));
        let ack = bench.succeed(&command);
        let balance = bench.balance();
        for mut bench in [bench.copied(), bench.power_cycled()] {
            bench.select();
            assert_eq!(bench.repeat(&command), ack);
            bench.refuse(&Command::Decline(voucher(&good)), Status::ConditionsOfUse);
            for other in &others {
                bench.refuse(&Command::Credit(voucher(other)), Status::ConditionsOfUse);
                // This payee has not credited those and never will.
                assert_eq!(bench.repeat(&Command::Decline(voucher(other))), session(other).nack().0);
            }
            assert_eq!(bench.balance(), balance);
        }
    }
}

#[test]
fn decline_and_credit_exclude_each_other() {
    for kind in [Kind::Load, Kind::Purchase] {
        let mut bench = sam();
        let pay_details = bench.paid(kind, 5_00, if kind == Kind::Load { issuer() } else { party(1) });
        bench.succeed(&initialize(&pay_details));
        let (credit, decline) =
            (Command::Credit(voucher(&pay_details)), Command::Decline(voucher(&pay_details)));
        let mut other = bench.copied();
        other.select();
        assert_eq!(bench.succeed(&decline), session(&pay_details).nack().0);
        assert_eq!(bench.repeat(&decline), session(&pay_details).nack().0);
        bench.refuse(&credit, Status::ConditionsOfUse);
        let mut bench = bench.power_cycled();
        bench.refuse(&credit, Status::ConditionsOfUse);
        assert_eq!(bench.repeat(&decline), session(&pay_details).nack().0);
        let record = bench.entry(0);
        assert_eq!((record.role, record.state), (RecordRole::Declined, RecordState::Settled));
        assert_eq!((record.pay_details, bench.balance()), (pay_details, Amount(50_00)));

        other.succeed(&credit);
        other.refuse(&decline, Status::ConditionsOfUse);
        assert_eq!(other.repeat(&credit), session(&pay_details).ack().0);
        assert_eq!(other.entry(0).role, RecordRole::Payee);
        assert_eq!(other.entry(0).tac, voucher(&pay_details).tac);
    }
}

#[test]
fn acknowledge_and_reverse_exclude_each_other() {
    for (mut bench, pay_details) in payers() {
        bench.succeed(&debit(&pay_details));
        let mut other = bench.copied();
        other.select();
        bench.succeed(&acknowledge(&pay_details));
        bench.repeat(&acknowledge(&pay_details));
        bench.refuse(&reverse(&pay_details), Status::ConditionsOfUse);
        let mut bench = bench.power_cycled();
        bench.repeat(&acknowledge(&pay_details));
        bench.refuse(&reverse(&pay_details), Status::ConditionsOfUse);
        assert_eq!((bench.entry(0).state, bench.balance()), (RecordState::Settled, Amount(45_00)));
        assert_eq!(bench.sequence(), Sequence(1));

        other.succeed(&reverse(&pay_details));
        other.repeat(&reverse(&pay_details));
        other.refuse(&acknowledge(&pay_details), Status::ConditionsOfUse);
        let mut other = other.power_cycled();
        other.repeat(&reverse(&pay_details));
        other.refuse(&acknowledge(&pay_details), Status::ConditionsOfUse);
        assert_eq!((other.entry(0).state, other.balance()), (RecordState::Reversed, Amount(50_00)));
        let reversal = other.entry(1);
        assert_eq!((reversal.role, reversal.state), (RecordRole::Reversal, RecordState::Settled));
        assert_eq!((reversal.pay_details, reversal.tac), (pay_details, other.entry(0).tac));
        // The reversal is no payment of its own.
        other.refuse(&Command::GetProof(Sequence(1)), Status::ConditionsOfUse);
        other.refuse(&Command::Reverse(Sequence(1), session(&pay_details).nack()), Status::ConditionsOfUse);
        other
            .refuse(&Command::Acknowledge(Sequence(1), session(&pay_details).ack()), Status::ConditionsOfUse);
    }
}

#[test]
fn what_the_card_was_paid_has_no_proof_and_is_not_acknowledged() {
    let mut bench = purse();
    let load = bench.receive(Kind::Load, 1_00, issuer());
    let declined = bench.decline(Kind::Load, issuer());
    for (sequence, pay_details) in [(0, load), (1, declined)] {
        let sequence = Sequence(sequence);
        bench.refuse(&Command::GetProof(sequence), Status::ConditionsOfUse);
        bench.refuse(&Command::Acknowledge(sequence, session(&pay_details).ack()), Status::ConditionsOfUse);
        bench.refuse(&Command::Reverse(sequence, session(&pay_details).nack()), Status::ConditionsOfUse);
    }
}

#[test]
fn a_refund_or_sale_whose_record_is_gone_is_neither_acknowledged_nor_declined() {
    let mut purse = BenchCard::<4, 2>::new(&Profile::purse(1, 50_00));
    purse.spend_settled(Kind::Purchase, 5_00, party(2));
    let credited = purse.receive(Kind::Refund, 5_00, party(2));
    let declined = purse.decline(Kind::Refund, party(2));
    for _ in 0..4 {
        purse.decline(Kind::Load, issuer());
    }
    for mut bench in [purse.copied(), purse.power_cycled()] {
        bench.select();
        for pay_details in [&credited, &declined] {
            bench.refuse(&Command::Credit(voucher(pay_details)), Status::ReferenceNotFound);
            bench.refuse(&Command::Decline(voucher(pay_details)), Status::ReferenceNotFound);
        }
    }
}

type Small = BenchCard<4, 2>;

/// Pushes everything out of the window without a load being credited.
fn pushed_out(mut bench: Small) -> Small {
    for _ in 0..4 {
        bench.spend_settled(Kind::Purchase, 1, party(2));
    }
    bench
}

#[track_caller]
fn loads(bench: Small, credited: &[&PayDetails], never: &[&PayDetails], unknown: &[&PayDetails]) {
    for mut bench in [bench.copied(), bench.power_cycled()] {
        bench.select();
        for load in credited {
            assert_eq!(bench.repeat(&Command::Credit(voucher(load))), session(load).ack().0);
            bench.refuse(&Command::Decline(voucher(load)), Status::ConditionsOfUse);
        }
        for load in never {
            bench.refuse(&Command::Credit(voucher(load)), Status::ConditionsOfUse);
            assert_eq!(bench.repeat(&Command::Decline(voucher(load))), session(load).nack().0);
        }
        for load in unknown {
            bench.refuse(&Command::Credit(voucher(load)), Status::ReferenceNotFound);
            bench.refuse(&Command::Decline(voucher(load)), Status::ReferenceNotFound);
        }
        for load in [credited, never, unknown].concat() {
            let forged = apdu_spec::command::Voucher { val: session(load).req(), ..voucher(load) };
            bench.refuse(&Command::Credit(forged), Status::WrongMac);
            bench.refuse(&Command::Decline(forged), Status::WrongMac);
        }
    }
}

#[test]
fn loads_outside_of_the_window_are_judged_by_the_last_credited_one() {
    let new = || Small::new(&Profile::purse(1, 10_00));
    // None was ever credited: it is below every sequence.
    let mut bench = new();
    let first = bench.decline(Kind::Load, issuer());
    loads(pushed_out(bench), &[], &[&first], &[]);
    // A load that was asked for at a sequence where something else happened then.
    let mut bench = new();
    let asked = bench.paid(Kind::Load, 1, issuer());
    bench.succeed(&initialize(&asked));
    loads(pushed_out(bench), &[], &[&asked], &[]);
    // The last credited one, one before it, one behind it.
    let mut bench = new();
    let first = bench.receive(Kind::Load, 1, issuer());
    let second = bench.decline(Kind::Load, issuer());
    let third = bench.receive(Kind::Load, 1, issuer());
    let fourth = bench.decline(Kind::Load, issuer());
    let bench = pushed_out(pushed_out(bench));
    loads(bench, &[&third], &[&fourth], &[&first, &second]);
    // Another pocket's load counts too: there is one sequence.
    let mut bench = new();
    let first = bench.receive(Kind::Load, 1, issuer());
    let second = PayDetails { currency: usd(), ..bench.paid(Kind::Load, 1, issuer()) };
    bench.succeed(&Command::Credit(voucher(&second)));
    loads(pushed_out(bench), &[&second], &[], &[&first]);
}

#[test]
fn the_last_load_outlives_every_kind_of_record_behind_it() {
    let mut bench = Small::new(&Profile::purse(1, 10_00));
    let load = bench.receive(Kind::Load, 1_00, issuer());
    bench.spend_settled(Kind::Purchase, 1_00, party(2));
    bench.receive(Kind::Refund, 1_00, party(2));
    bench.spend_reversed(Kind::Purchase, 1_00, party(2));
    bench.decline(Kind::Refund, party(2));
    bench.spend_reversed(Kind::Unload, 1_00, issuer());
    loads(bench, &[&load], &[], &[]);
}

#[test]
fn get_proof_gives_what_the_payee_needs() {
    for (mut bench, pay_details) in payers() {
        let proof = bench.succeed(&debit(&pay_details));
        if pay_details.kind != Kind::Unload || pay_details.from == party(1) {
            let tac = certificate(&pay_details, pay_details.key_version, None);
            assert_eq!(proof, [session(&pay_details).val(tac).0, tac.0].concat());
        }
        let mut bench = bench.copied();
        bench.refuse(&Command::GetProof(Sequence(0)), Status::ConditionsOfUse);
        bench.select();
        assert_eq!(bench.repeat(&Command::GetProof(Sequence(0))), proof);
    }
}
