//! A card that is torn out of the field again and again, as counters of other chips could be turned back: whatever the
//! units in flight come to, and whichever way they read at later power-ups, no sequence goes back and no value is won.

use apdu_spec::command::Command;
use apdu_spec::element::Kind;
use purse_terminal::simulated_memory::{Cut, Flight};
use purse_tests::bench_card::CommonCard;
use purse_tests::scheme::{Profile, acknowledge, debit, party, pin};

/// Power-ups after one tear. A weakly programmed bit reads as it likes at each.
const POWER_UPS: usize = 12;

/// Tears a purse out while it works on a command, at every unit of the first few operations and with every flight.
fn tear(purse: &CommonCard, command: &Command<'_>, mut look: impl FnMut(CommonCard, bool, &str)) {
    for operation in 0..3 {
        for units in 0..=20 {
            for flight in Flight::ALL {
                let mut torn = purse.copied();
                torn.select();
                torn.card.memory_mut().cut(Cut { operation, units, flight });
                let answer = torn.process(command.emit().as_bytes());
                // The card is given the time that it likes to have after its answer, or not.
                torn.card.finish();
                let answered = answer.status == apdu_spec::status::StatusWord::Success;
                look(torn, answered, &format!("operation {operation}, unit {units}, {flight:?}"));
            }
        }
    }
}

#[test]
fn a_torn_debit_never_comes_back_once_it_was_there() {
    let mut purse = CommonCard::new(&Profile::purse(1, 100_00));
    purse.spend_settled(Kind::Purchase, 10_00, party(2));
    let details = purse.paying(Kind::Purchase, 20_00, party(2));
    let (balance, sequence) = (purse.balance().0, purse.sequence().0);
    let (mut seen_done, mut seen_not) = (0, 0);
    tear(&purse, &debit(&details), |torn, answered, how| {
        let mut torn = torn;
        let mut done = answered;
        for _ in 0..POWER_UPS {
            torn = torn.power_cycled();
            let now = (torn.balance().0, torn.sequence().0);
            // Either it has paid, or it has not; and what has been said or shown once stays.
            let is_done = now == (balance - 20_00, sequence + 1);
            assert!(is_done || now == (balance, sequence), "{how}: {now:?}");
            assert!(is_done || !done, "{how}: the debit has gone again");
            done = is_done;
        }
        if done {
            seen_done += 1;
        } else {
            seen_not += 1;
        }
        // Paid or not, the next payment goes on from there.
        let next = torn.spend(Kind::Purchase, 5_00, party(2));
        assert_eq!(next.from_sequence.0, sequence + u32::from(done), "{how}");
    });
    assert!(seen_done > 50 && seen_not > 50, "{seen_done} done, {seen_not} not");
}

#[test]
fn tearing_again_and_again_gives_no_pin_try_back() {
    let purse = CommonCard::new(&Profile::purse(1, 0));
    let wrong = Command::Verify(Some(pin("0000")));
    tear(&purse, &wrong, |torn, _, how| {
        let mut torn = torn;
        let mut least = 3;
        for _ in 0..POWER_UPS {
            torn = torn.power_cycled();
            let tries = torn.succeed(&Command::GetData([0x9F, 0x17]))[3];
            assert!(tries <= least && tries >= 2, "{how}: {tries} after {least}");
            least = tries;
        }
    });
}

#[test]
fn a_torn_settlement_takes_no_payment_back() {
    let mut purse = CommonCard::new(&Profile::purse(1, 100_00));
    let details = purse.spend(Kind::Purchase, 20_00, party(2));
    tear(&purse, &acknowledge(&details), |torn, answered, how| {
        let mut torn = torn;
        let mut settled = answered;
        for _ in 0..POWER_UPS {
            torn = torn.power_cycled();
            let now = torn.entry(details.from_sequence.0).state == apdu_spec::record::RecordState::Settled;
            assert!(now || !settled, "{how}: open again");
            settled = now;
            assert_eq!(torn.balance().0, 80_00, "{how}");
        }
    });
}
