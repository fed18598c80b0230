//! A memory that fails under the card: 6581, and nothing else until it is powered up again (section 6); and what is
//! left to do after a response (section 9).

use apdu_spec::command::{Command, Selection};
use apdu_spec::element::{Amount, Kind, Sequence};
use apdu_spec::file::APPLICATION;
use apdu_spec::status::StatusWord as Status;
use purse_terminal::simulated_memory::{Cut, Flight};
use purse_tests::bench_card::{Answer, CommonCard};
use purse_tests::scheme::{Profile, debit, party, pay_details, pin};

const PURSE: u64 = 1;
const SAM: u64 = 2;

/// The next operation of the memory fails before it has done anything.
const AT_ONCE: Cut = Cut { operation: 0, units: 0, flight: Flight::Old };

fn purse() -> CommonCard {
    CommonCard::new(&Profile::purse(PURSE, 10_00))
}

fn purchase(sequence: u32) -> Command<'static> {
    debit(&pay_details(Kind::Purchase, 1_00, (party(PURSE), sequence), (party(SAM), 7)))
}

/// Every command, of whatever kind, gets 6581 and no data.
#[track_caller]
fn says_nothing_else(bench: &mut CommonCard) {
    let failed = Answer { data: Vec::new(), status: Status::MemoryFailure };
    for command in [
        Command::Select(Selection::Application(&APPLICATION), true),
        Command::ReadBinary(Some(0x15), 0),
        Command::Verify(None),
        Command::Verify(Some(pin("1234"))),
        purchase(0),
    ] {
        assert_eq!(bench.unwritten(command.emit().as_bytes()), failed, "{:?}", command.name());
    }
    assert_eq!(bench.unwritten(&[0xFF, 0xFF]), failed);
}

#[test]
fn a_card_whose_memory_fails_at_a_command_says_so_until_power_up() {
    let mut bench = purse();
    bench.card.memory_mut().cut(AT_ONCE);
    assert_eq!(bench.send(&purchase(0)), Answer { data: Vec::new(), status: Status::MemoryFailure });
    says_nothing_else(&mut bench);
    bench.card.reset();
    says_nothing_else(&mut bench);
    let mut bench = bench.power_cycled();
    assert_eq!((bench.balance(), bench.sequence()), (Amount(10_00), Sequence(0)));
    bench.succeed(&purchase(0));
}

/// Also where nothing was written, and the driver has no time to finish.
#[test]
fn a_card_that_cannot_read_its_memory_says_so_until_power_up() {
    let mut bench = purse();
    bench.succeed(&purchase(0));
    bench.card.memory_mut().power_off();
    let failed = Answer { data: Vec::new(), status: Status::MemoryFailure };
    assert_eq!(bench.process(Command::ReadRecord(Some(0x18), 1).emit().as_bytes()), failed);
    bench.card.memory_mut().power_on();
    assert_eq!(bench.process(Command::ReadBinary(Some(0x15), 0).emit().as_bytes()), failed);
    says_nothing_else(&mut bench);
    bench.power_cycled().succeed(&Command::ReadRecord(Some(0x18), 1));
}

#[test]
fn a_card_whose_memory_fails_after_a_response_says_so_until_power_up() {
    let mut bench = purse();
    assert_eq!(bench.process(purchase(0).emit().as_bytes()).status, Status::Success);
    bench.card.memory_mut().cut(AT_ONCE);
    bench.card.finish();
    says_nothing_else(&mut bench);
    bench.card.finish();
    says_nothing_else(&mut bench);
    let mut bench = bench.power_cycled();
    assert_eq!((bench.balance(), bench.sequence()), (Amount(9_00), Sequence(1)));
    bench.succeed(&purchase(1));
}

#[test]
fn what_a_response_rests_on_is_programmed_before_it_and_sealed_after_it() {
    let mut bench = purse();
    let programs = |bench: &CommonCard| bench.card.memory().counts().programs;
    let before = programs(&bench);
    assert_eq!(bench.process(purchase(0).emit().as_bytes()).status, Status::Success);
    assert_eq!(programs(&bench), before + 1);
    for _ in 0..2 {
        bench.card.finish();
        assert_eq!(programs(&bench), before + 2);
    }
}

#[test]
fn a_card_knows_its_number_once_it_has_one() {
    assert_eq!(CommonCard::blank().card.number(), None);
    assert_eq!(purse().card.number(), Some(party(PURSE)));
    assert_eq!(CommonCard::new(&Profile::sam(SAM, 0)).card.number(), Some(party(SAM)));
}
