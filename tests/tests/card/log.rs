//! The log window: places of a merchant SAM, EF.EXC, and the chain of a collection (sections 3 and 7).

use apdu_spec::command::{Command, Proof};
use apdu_spec::cryptography::{Chain, Engine, KeyPurpose, Tac, chain};
use apdu_spec::element::{Amount, Kind, Sequence};
use apdu_spec::parameter::{Parameter, Resolution};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::{LogRecord, RecordState};
use apdu_spec::software::Software;
use apdu_spec::status::StatusWord as Status;
use purse_card::Card;
use purse_terminal::simulated_memory::SimulatedMemory;
use purse_tests::bench_card::BenchCard;
use purse_tests::scheme::{
    Profile, VERSION, acknowledge, certificate, debit, initialize, issuer, own_key, party, pin, reverse,
    session, voucher,
};

/// A SAM of 64 records keeps the protocol's 16 places.
type Sam = BenchCard<64, 8>;

fn sam<const W: usize, const X: usize>(balance: u32) -> BenchCard<W, X> {
    let mut bench = BenchCard::new(&Profile::sam(2, balance));
    bench.verify(pin("9999"));
    bench
}

/// Declines until so many places are free, of `used` that are taken.
fn fill<const W: usize, const X: usize>(bench: &mut BenchCard<W, X>, free: usize, used: usize) {
    for _ in used..W - free {
        bench.decline(Kind::Load, issuer());
    }
}

/// What needs places on a SAM.
struct Wanted {
    sale: PayDetails,
    refund: PayDetails,
}

fn wanted<const W: usize, const X: usize>(bench: &mut BenchCard<W, X>) -> Wanted {
    Wanted { sale: bench.paid(Kind::Purchase, 1, party(1)), refund: bench.paying(Kind::Refund, 1, party(1)) }
}

/// Nothing but the collection has a place.
#[track_caller]
fn only_a_collection<const W: usize, const X: usize>(bench: &mut BenchCard<W, X>, open: &PayDetails) {
    let wanted = wanted(bench);
    bench.refuse(&initialize(&wanted.sale), Status::NoRoom);
    bench.refuse(&Command::Credit(voucher(&wanted.sale)), Status::NoRoom);
    bench.refuse(&Command::Decline(voucher(&wanted.sale)), Status::NoRoom);
    bench.refuse(&debit(&wanted.refund), Status::NoRoom);
    bench.refuse(&reverse(open), Status::NoRoom);
    assert_eq!(bench.entry(open.from_sequence.0).state, RecordState::Open);
    let tac = bench.entry(open.from_sequence.0).tac;
    let resolution = Resolution::Reversed;
    bench.refuse_script(
        1,
        &Parameter::Resolve { sequence: open.from_sequence, tac, resolution },
        Status::NoRoom,
    );
}

#[test]
fn a_sam_of_the_common_size_keeps_sixteen_places() {
    assert_eq!(Card::<SimulatedMemory, Software, 512, 8>::RESERVE, 16);
    // A quarter of a smaller window, but the two places that DECLINE and the collection need.
    assert_eq!(Card::<SimulatedMemory, Software, 68, 8>::RESERVE, 16);
    assert_eq!(Card::<SimulatedMemory, Software, 60, 8>::RESERVE, 15);
    assert_eq!(Card::<SimulatedMemory, Software, 12, 8>::RESERVE, 3);
    assert_eq!(Card::<SimulatedMemory, Software, 7, 8>::RESERVE, 2);
    assert_eq!(Card::<SimulatedMemory, Software, 1, 8>::RESERVE, 2);
    let mut bench: BenchCard<512, 8> = sam(0);
    fill(&mut bench, 16, 0);
    bench.receive(Kind::Purchase, 1, party(1));
    let sale = bench.paid(Kind::Purchase, 1, party(1));
    bench.refuse(&initialize(&sale), Status::NoRoom);
    bench.refuse(&Command::Credit(voucher(&sale)), Status::NoRoom);
    let mut bench = bench.power_cycled();
    bench.refuse(&initialize(&sale), Status::NoRoom);
    assert_eq!(bench.entry(0).pay_details.to, party(2));
    bench.spend_settled(Kind::Unload, 1, issuer());
    bench.receive(Kind::Purchase, 1, party(1));
}

#[test]
fn a_full_log_takes_no_more_sales_then_nothing_then_only_the_collection() {
    let mut bench: Sam = sam(10_00);
    let open = bench.spend(Kind::Refund, 1_00, party(1));
    fill(&mut bench, 16, 1);
    let asked = wanted(&mut bench);
    bench.repeat(&initialize(&asked.sale));
    bench.decline(Kind::Load, issuer());
    let mut asked = wanted(&mut bench);
    bench.refuse(&initialize(&asked.sale), Status::NoRoom);
    bench.refuse(&Command::Credit(voucher(&asked.sale)), Status::NoRoom);
    // What must still be possible has fifteen more, and the last but one is the last of these.
    for step in 0..14 {
        asked = wanted(&mut bench);
        match step % 3 {
            0 => drop(bench.succeed(&debit(&asked.refund))),
            1 => drop(bench.succeed(&Command::Decline(voucher(&asked.sale)))),
            _ => {
                let last = bench.sequence().0 - 2;
                let pay_details = bench.entry(last).pay_details;
                bench.succeed(&reverse(&pay_details));
            }
        }
        if step == 7 {
            bench = bench.power_cycled();
            bench.verify(pin("9999"));
        }
    }
    assert_eq!(bench.sequence(), Sequence(63));
    for _ in 0..2 {
        only_a_collection(&mut bench, &open);
        bench = bench.power_cycled();
        bench.verify(pin("9999"));
    }
    // Repeats and acknowledgements need no place.
    bench.repeat(&debit(&open));
    let collection = bench.spend(Kind::Unload, 1, issuer());
    only_a_collection(&mut bench, &open);
    let again = bench.paying(Kind::Unload, 0, issuer());
    bench.refuse(&debit(&again), Status::NoRoom);
    let mut bench = bench.power_cycled();
    bench.refuse(&debit(&again), Status::NoRoom);
    bench.succeed(&acknowledge(&open));
    bench.refuse(&debit(&again), Status::NoRoom);
    // Every record since the last settled collection is still there; then all places are free.
    for sequence in 0..64 {
        bench.entry(sequence);
    }
    bench.succeed(&acknowledge(&collection));
    let mut bench = bench.power_cycled();
    for _ in 0..49 {
        bench.receive(Kind::Purchase, 1, party(1));
    }
    let sale = bench.paid(Kind::Purchase, 1, party(1));
    bench.refuse(&initialize(&sale), Status::NoRoom);
    bench.refuse(&Command::ReadEntry(Sequence(0)), Status::ReferenceNotFound);
}

#[test]
fn only_a_settled_collection_frees_places() {
    let mut bench: BenchCard<8, 3> = sam(10_00);
    bench.spend_settled(Kind::Refund, 1, party(1));
    bench.spend_reversed(Kind::Unload, 5, issuer());
    let open = bench.spend(Kind::Unload, 5, issuer());
    // Four of eight are free here, so that three can be taken and one is left.
    for _ in 0..3 {
        bench.decline(Kind::Load, issuer());
    }
    let mut bench = bench.power_cycled();
    let load = bench.paid(Kind::Load, 1, issuer());
    bench.refuse(&Command::Decline(voucher(&load)), Status::NoRoom);
    bench.succeed(&acknowledge(&open));
    // Records 4, 5 and 6 lie after it: five places are free, and the last one is not for these.
    for _ in 0..4 {
        bench.decline(Kind::Load, issuer());
    }
    let load = bench.paid(Kind::Load, 1, issuer());
    bench.refuse(&Command::Decline(voucher(&load)), Status::NoRoom);
    // The collection itself may be overwritten, and what it freed stays so.
    let mut bench = bench.power_cycled();
    bench.refuse(&Command::ReadEntry(Sequence(2)), Status::ReferenceNotFound);
    let last = bench.spend(Kind::Unload, 0, issuer());
    bench.refuse(&Command::ReadEntry(open.from_sequence), Status::ReferenceNotFound);
    let mut bench = bench.power_cycled();
    let again = bench.paying(Kind::Unload, 0, issuer());
    bench.refuse(&debit(&again), Status::NoRoom);
    bench.succeed(&acknowledge(&last));
    bench.decline(Kind::Load, issuer());
}

#[test]
fn a_settled_collection_is_one_after_its_record_has_been_copied() {
    let mut bench: BenchCard<8, 3> = sam(10_00);
    fill(&mut bench, 1, 0);
    bench.spend_settled(Kind::Unload, 0, issuer());
    // The PIN's entries drive the memory round, so that the record is copied and its mark is dropped.
    for turn in 0..120 {
        bench.verify(pin("9999"));
        if turn % 10 == 0 {
            bench = bench.power_cycled();
            let load = bench.paid(Kind::Load, 1, issuer());
            bench.repeat(&initialize(&load));
        }
    }
    assert_eq!(bench.entry(7).state, RecordState::Settled);
    fill(&mut bench, 1, 0);
    let load = bench.paid(Kind::Load, 1, issuer());
    bench.refuse(&Command::Decline(voucher(&load)), Status::NoRoom);
}

#[test]
fn a_purse_overwrites_its_oldest_record_and_never_runs_out() {
    let mut bench = BenchCard::<8, 2>::new(&Profile::purse(1, 50_00));
    for turn in 0..40_u32 {
        bench.spend(Kind::Purchase, 1, party(2));
        bench.receive(Kind::Load, 1, issuer());
        if turn % 7 == 0 {
            bench = bench.power_cycled();
            bench.verify(pin("1234"));
        }
        let next = bench.sequence().0;
        for sequence in next.saturating_sub(8)..next {
            assert_eq!(bench.entry(sequence).role as u32, 1 + sequence % 2);
        }
        if let Some(gone) = next.checked_sub(9) {
            bench.refuse(&Command::ReadEntry(Sequence(gone)), Status::ReferenceNotFound);
        }
        bench.verify(pin("1234"));
    }
}

#[test]
fn a_purse_of_the_common_size_keeps_thirty_two_records() {
    let mut bench = BenchCard::<32, 8>::new(&Profile::purse(1, 50_00));
    bench.spend(Kind::Purchase, 1, party(2));
    for _ in 0..31 {
        bench.decline(Kind::Load, issuer());
    }
    assert_eq!(bench.entry(0).pay_details.kind, Kind::Purchase);
    bench.decline(Kind::Load, issuer());
    bench.refuse(&Command::ReadEntry(Sequence(0)), Status::ReferenceNotFound);
}

/// Sequences in EF.EXC.
fn exceptions<const W: usize, const X: usize>(bench: &mut BenchCard<W, X>) -> Vec<u32> {
    let mut all = Vec::new();
    for number in 1..=10 {
        let answer = bench.send(&Command::ReadRecord(Some(0x19), number));
        if answer.status == Status::RecordNotFound {
            break;
        }
        let record = LogRecord::parse(&answer.data.try_into().unwrap()).unwrap();
        assert_eq!(record.state, RecordState::Open);
        all.push(record.pay_details.from_sequence.0);
    }
    all
}

#[test]
fn open_unloads_move_out_of_the_ring_and_no_more_are_made_than_fit() {
    let mut bench = BenchCard::<4, 3>::new(&Profile::purse(1, 50_00));
    let first = bench.spend(Kind::Unload, 1_00, issuer());
    bench.spend_settled(Kind::Unload, 1_00, issuer());
    bench.spend_reversed(Kind::Unload, 1_00, issuer());
    let second = bench.spend(Kind::Unload, 2_00, issuer());
    assert_eq!(exceptions(&mut bench), [0]);
    let third = bench.spend(Kind::Unload, 3_00, issuer());
    // Three are open: one in EF.EXC, two in the ring. A fourth has no place, a purchase needs none.
    for _ in 0..3 {
        let fourth = bench.paying(Kind::Unload, 1, issuer());
        bench.refuse(&debit(&fourth), Status::NoRoom);
        bench.spend(Kind::Purchase, 1, party(2));
        bench = bench.power_cycled();
    }
    for _ in 0..4 {
        bench.spend(Kind::Purchase, 1, party(2));
    }
    assert_eq!(exceptions(&mut bench), [0, 4, 5]);
    let mut bench = bench.power_cycled();
    assert_eq!(exceptions(&mut bench), [0, 4, 5]);
    // Each works from there as it did in the ring.
    let proof = Proof::parse(&bench.repeat(&Command::GetProof(Sequence(4)))).unwrap();
    assert_eq!(proof.val, session(&second).val(proof.tac));
    assert_eq!(Proof::parse(&bench.repeat(&debit(&second))).unwrap(), proof);
    bench.succeed(&acknowledge(&second));
    assert_eq!(exceptions(&mut bench), [0, 5]);
    let balance = bench.balance();
    bench.succeed(&reverse(&third));
    assert_eq!(bench.balance(), Amount(balance.0 + 3_00));
    assert_eq!(exceptions(&mut bench), [0]);
    let mut bench = bench.power_cycled();
    assert_eq!(exceptions(&mut bench), [0]);
    for gone in [&second, &third] {
        bench.refuse(&acknowledge(gone), Status::ReferenceNotFound);
        bench.refuse(&reverse(gone), Status::ReferenceNotFound);
        bench.refuse(&debit(gone), Status::ConditionsOfUse);
        bench.refuse(&Command::GetProof(gone.from_sequence), Status::ReferenceNotFound);
    }
    bench.succeed(&acknowledge(&first));
    assert!(exceptions(&mut bench).is_empty());
    for _ in 0..3 {
        bench.spend(Kind::Unload, 1, issuer());
    }
    let fourth = bench.paying(Kind::Unload, 1, issuer());
    bench.refuse(&debit(&fourth), Status::NoRoom);
}

#[test]
fn refunds_leave_the_last_place_to_an_unload() {
    let mut bench: BenchCard<32, 3> = sam(10_00);
    let refund = |bench: &mut BenchCard<32, 3>| bench.paying(Kind::Refund, 1, party(1));
    let first = bench.spend(Kind::Refund, 1, party(1));
    let second = bench.spend(Kind::Refund, 1, party(1));
    let third = refund(&mut bench);
    bench.refuse(&debit(&third), Status::NoRoom);
    let unload = bench.spend(Kind::Unload, 1, issuer());
    let again = bench.paying(Kind::Unload, 1, issuer());
    bench.refuse(&debit(&again), Status::NoRoom);
    let third = refund(&mut bench);
    bench.refuse(&debit(&third), Status::NoRoom);
    // A closed refund makes room for an unload, and only two make room for a refund.
    bench.succeed(&acknowledge(&first));
    let third = refund(&mut bench);
    bench.refuse(&debit(&third), Status::NoRoom);
    let mut other = bench.copied();
    other.select();
    other.spend(Kind::Unload, 1, issuer());
    bench.succeed(&reverse(&second));
    let third = bench.spend(Kind::Refund, 1, party(1));
    let fourth = refund(&mut bench);
    bench.refuse(&debit(&fourth), Status::NoRoom);
    bench.succeed(&acknowledge(&unload));
    bench.spend(Kind::Refund, 1, party(1));
    // Unloads alone leave none to a refund either.
    let mut bench: BenchCard<32, 3> = sam(10_00);
    bench.spend(Kind::Unload, 1, issuer());
    bench.spend(Kind::Unload, 1, issuer());
    bench.refuse(&debit(&third), Status::ConditionsOfUse);
    let refused = refund(&mut bench);
    bench.refuse(&debit(&refused), Status::NoRoom);
    bench.spend(Kind::Unload, 1, issuer());
}

#[test]
fn an_open_refund_of_a_sam_moves_out_when_a_collection_lets_its_place_go() {
    let mut bench: BenchCard<8, 3> = sam(10_00);
    let refund = bench.spend(Kind::Refund, 1_00, party(1));
    bench.spend_settled(Kind::Unload, 1_00, issuer());
    for _ in 0..6 {
        bench.receive(Kind::Purchase, 1, party(1));
    }
    bench.spend_settled(Kind::Unload, 6, issuer());
    assert_eq!(exceptions(&mut bench), [0]);
    let mut bench = bench.power_cycled();
    assert_eq!(exceptions(&mut bench), [0]);
    let balance = bench.balance();
    bench.succeed(&reverse(&refund));
    assert_eq!((bench.balance().0, exceptions(&mut bench)), (balance.0 + 1_00, vec![]));
    bench.refuse(&reverse(&refund), Status::ReferenceNotFound);
    assert_eq!(bench.balance().0, balance.0 + 1_00);
}

/// H over records of a SAM, as the issuer computes it.
fn issuer_chain(records: &[LogRecord]) -> Chain {
    let mut key = Software.load(&own_key(KeyPurpose::Tac, party(2), VERSION));
    records.iter().fold(Chain::NONE, |previous, record| {
        chain(&Software, &mut key, previous, record.role, &record.pay_details, record.tac)
    })
}

#[test]
fn a_collections_tac_covers_every_record_before_it() {
    let mut bench: BenchCard<32, 8> = sam(10_00);
    let mut collections = Vec::new();
    for round in 0..3 {
        let collected = bench.spend(Kind::Unload, round, issuer());
        collections.push(collected.from_sequence);
        if round > 0 {
            bench.succeed(&acknowledge(&collected));
        }
        bench.receive(Kind::Purchase, 50, party(1));
        bench.decline(Kind::Purchase, party(1));
        bench.spend_reversed(Kind::Refund, 20, party(1));
        bench.spend(Kind::Refund, 20, party(1));
        bench.receive(Kind::Load, 1_00, issuer());
        bench = bench.power_cycled();
        bench.verify(pin("9999"));
    }
    let records: Vec<_> = (0..bench.sequence().0).map(|sequence| bench.entry(sequence)).collect();
    for collection in collections {
        let place = collection.0 as usize;
        let before = issuer_chain(&records[..place]);
        let tac = certificate(&records[place].pay_details, VERSION, Some(before));
        assert_eq!(records[place].tac, tac, "{place}");
        let proof = Proof::parse(&bench.repeat(&Command::GetProof(collection))).unwrap();
        assert_eq!((proof.tac, proof.val), (tac, session(&records[place].pay_details).val(tac)));
    }
    // A refund's is over PD alone, a load's is nothing.
    for record in &records {
        match record.pay_details.kind {
            Kind::Refund => assert_eq!(record.tac, certificate(&record.pay_details, VERSION, None)),
            Kind::Load => assert_eq!(record.tac, Tac::NONE),
            Kind::Unload | Kind::Purchase | Kind::Transfer => {}
        }
    }
}
