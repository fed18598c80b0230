//! The payee cannot take what the payer has debited, because something has happened to it since it asked: DECLINE, nack,
//! REVERSE. The value is back, once, also when a response is lost or the power fails on the way.

#![allow(clippy::inconsistent_digit_grouping, reason = "euros and cents")]

use crate::support::interrupted::{Interrupted, at_maximum, block};
use crate::support::process::Side;
use crate::support::{HOLDER, Money, OPERATOR, Rig, World, client, payment, select};
use apdu_spec::element::{Amount, Role};
use apdu_spec::status::StatusWord;
use purse_card::memory::Geometry;
use purse_card::store::minimum_pages;
use purse_terminal::client::Failure;
use purse_terminal::flow::FlowError;
use purse_terminal::flow::load::{self, Load};
use purse_terminal::flow::purchase::purchase;
use purse_terminal::flow::recovery::{Item, Outcome};
use purse_terminal::flow::refund::{self, Refund};
use purse_terminal::flow::unload::{self, Unload};
use purse_terminal::simulated_memory::{Cut, Flight};
use purse_terminal::transport::InProcess;
use purse_terminal::virtual_card::VirtualCard;
use purse_tests::scheme::{TIME, eur, pin, voucher};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Process {
    /// Of 2.00.
    Purchase,
    /// Of 1.00.
    Refund,
    /// Of 5.00.
    Load,
}

/// What happens to the payee between INITIALIZE and CREDIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    /// Another terminal uses it: its sequence is another.
    Used,
    /// Another terminal fills a SAM's log, as far as it can be filled.
    Filled,
    /// The issuer lets it hold no more than it does.
    AtMaximum,
    /// The issuer blocks it.
    Blocked,
}

/// Every process with what can happen to its payee, and what it says to CREDIT then.
const CASES: [(Process, Event, StatusWord); 10] = [
    (Process::Purchase, Event::Used, StatusWord::ConditionsOfUse),
    (Process::Purchase, Event::Filled, StatusWord::ConditionsOfUse),
    (Process::Purchase, Event::AtMaximum, StatusWord::OverLimit),
    (Process::Purchase, Event::Blocked, StatusWord::ConditionsOfUse),
    (Process::Refund, Event::Used, StatusWord::ConditionsOfUse),
    (Process::Refund, Event::AtMaximum, StatusWord::OverLimit),
    (Process::Refund, Event::Blocked, StatusWord::ConditionsOfUse),
    (Process::Load, Event::Used, StatusWord::ConditionsOfUse),
    (Process::Load, Event::AtMaximum, StatusWord::OverLimit),
    (Process::Load, Event::Blocked, StatusWord::ConditionsOfUse),
];

/// Places of the SAM's log, so few that it is full soon.
const PLACES: usize = 12;
/// Purchases of 0.01 that fill it: after those and 2 of the history it has 2 places, and INITIALIZE needs 3.
const PURCHASES: u8 = 8;

/// The usual history, nothing open; purse 3 is there.
fn world() -> World {
    let shape = Geometry { unit: 16, page_size: 4096, pages: 0, atomic: false };
    let pages = minimum_pages(shape, PLACES, 2).expect("a page holds slots");
    let sam = VirtualCard::with_sizes::<PLACES, 2>("sam", Geometry { pages, ..shape });
    let mut world = World::on(VirtualCard::in_memory("purse", Role::Purse), sam).and_history().and_other();
    assert!(world.recover().is_complete());
    world.assert_settled();
    world
}

/// What the event alone moves.
fn moves(process: Process, event: Event, money: Money) -> Money {
    let cents = i64::from(PURCHASES);
    match (process, event) {
        (_, Event::AtMaximum | Event::Blocked) => money,
        (_, Event::Filled) => Money { other: money.other - cents, sam: money.sam + cents, ..money },
        (Process::Purchase, Event::Used) => Money { other: money.other - 1, sam: money.sam + 1, ..money },
        (Process::Refund, Event::Used) => Money { purse: money.purse - 1, holder: money.holder + 1, ..money },
        (Process::Load, Event::Used) => Money { purse: money.purse - 1, sam: money.sam + 1, ..money },
    }
}

/// What the process moves where nothing happens to its payee.
fn done(process: Process, money: Money) -> Money {
    match process {
        Process::Purchase => Money { purse: money.purse - 2_00, sam: money.sam + 2_00, ..money },
        Process::Refund => Money { purse: money.purse + 1_00, sam: money.sam - 1_00, ..money },
        Process::Load => Money { purse: money.purse + 5_00, holder: money.holder - 5_00, ..money },
    }
}

/// The event: `using` is what another terminal does with the payee.
fn happen(rig: &mut Rig, number: u64, event: Event, using: impl FnOnce(&mut InProcess)) {
    let card = rig.inner_mut();
    match event {
        Event::Used | Event::Filled => using(card),
        Event::AtMaximum => at_maximum(card, number),
        Event::Blocked => block(card, number),
    }
}

/// Runs the process, in which the event happens to its payee, and then what `fault` does.
fn run(
    world: &mut World,
    (process, event): (Process, Event),
    fault: impl FnOnce(&mut Rig),
) -> Result<(), FlowError> {
    let World { purse, sam, other, issuer } = world;
    match process {
        Process::Purchase => {
            let sold_to_another = |card: &mut InProcess| {
                let mut payer = client(other.as_mut().unwrap());
                let mut payee = select(card).unwrap();
                for _ in 0..if event == Event::Filled { PURCHASES } else { 1 } {
                    purchase(&mut payer, &mut payee, &payment(1)).unwrap();
                }
                let refusal =
                    if event == Event::Filled { StatusWord::NoRoom } else { StatusWord::InsufficientValue };
                let next = purchase(&mut payer, &mut payee, &payment(20_00)).unwrap_err();
                assert_eq!(next.status_code(), Some(refusal.code()));
            };
            let mut sam = select(Interrupted::new(sam, |rig| {
                happen(rig, 2, event, sold_to_another);
                fault(rig);
            }))?;
            purchase(&mut select(purse)?, &mut sam, &payment(2_00)).map(|_| ())
        }
        Process::Refund => {
            let unloaded = |card: &mut InProcess| {
                let unload = Unload { currency: eur(), amount: Amount(1), time: TIME };
                unload::unload(&mut select(card).unwrap(), issuer, &unload).unwrap();
            };
            let mut purse = select(Interrupted::new(purse, |rig| {
                happen(rig, 1, event, unloaded);
                fault(rig);
            }))?;
            let operator_pin = &pin(OPERATOR);
            let refund = Refund { currency: eur(), amount: Amount(1_00), time: TIME, operator_pin };
            refund::refund(&mut purse, &mut select(sam)?, &refund).map(|_| ())
        }
        Process::Load => {
            let paid = |card: &mut InProcess| {
                purchase(&mut select(card).unwrap(), &mut client(sam), &payment(1)).unwrap();
            };
            let mut purse = select(Interrupted::new(purse, |rig| {
                happen(rig, 1, event, paid);
                fault(rig);
            }))?;
            let load = Load { account: HOLDER, currency: eur(), amount: Amount(5_00), time: TIME };
            load::load(&mut purse, issuer, &load).map(|_| ())
        }
    }
}

#[test]
fn what_the_payee_cannot_take_is_back_at_once() {
    for (process, event, status) in CASES {
        let mut world = world();
        let before = world.money();
        let error = run(&mut world, (process, event), |_| {}).unwrap_err();
        assert_eq!(error.status_code(), Some(status.code()), "{process:?} {event:?}: {error}");
        assert_eq!(error.failure(), Failure::Refused, "{process:?} {event:?}");
        assert_eq!(world.assert_settled(), moves(process, event, before), "{process:?} {event:?}");
        let report = world.recover();
        assert!(report.items.is_empty() && report.is_complete(), "{process:?} {event:?}: {report:?}");
        // A merchant is paid for the other purchases, and for nothing else.
        let held = world.money().sam;
        if event != Event::Blocked || process != Process::Purchase {
            world.collect().unwrap();
            assert_eq!(world.assert_settled().merchant, held, "{process:?} {event:?}");
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Lost(u64),
    Removed(u64),
    Cut(Cut),
}

impl Fault {
    fn befall(self, rig: &mut Rig) {
        match self {
            Self::Lost(number) => rig.lose(number),
            Self::Removed(number) => rig.remove(number),
            Self::Cut(cut) => rig.inner_mut().card_mut().cut(cut),
        }
    }

    /// Everything that can befall a card that gets so many commands and whose memory does so many operations.
    fn all(commands: u64, operations: u64) -> Vec<Self> {
        let mut faults: Vec<Self> =
            (1..=commands).flat_map(|number| [Self::Lost(number), Self::Removed(number)]).collect();
        for operation in 0..operations {
            for units in 0..11 {
                let cut = |flight| Self::Cut(Cut { operation, units, flight });
                faults.extend([Flight::Old, Flight::New, Flight::AllUnstable].map(cut));
            }
        }
        faults
    }
}

/// The payer of a process between two cards.
const fn payer(process: Process) -> Option<Side> {
    match process {
        Process::Purchase => Some(|world| &mut world.purse),
        Process::Refund => Some(|world| &mut world.sam),
        Process::Load => None,
    }
}

const fn payee(process: Process) -> Side {
    match process {
        Process::Purchase => |world| &mut world.sam,
        Process::Refund | Process::Load => |world| &mut world.purse,
    }
}

/// Counts commands and operations of this card from now on.
fn count(rig: &mut Rig) {
    rig.lose(u64::MAX);
    rig.inner_mut().card_mut().reset_counts();
}

fn counted(rig: &Rig) -> (u64, u64) {
    (rig.commands(), rig.inner().card().counts().operations())
}

/// Runs a process with a fault and recovers; whether its outcome was unknown after the event.
fn check(
    (process, event): (Process, Event),
    fault: Fault,
    before_it: impl FnOnce(&mut World),
    after_event: impl FnOnce(&mut Rig),
) -> bool {
    let what = format!("{process:?} {event:?} {fault:?}");
    let mut world = world();
    let before = world.money();
    before_it(&mut world);
    let mut happened = false;
    let result = run(&mut world, (process, event), |rig| {
        happened = true;
        after_event(rig);
    });
    let error = result.expect_err(&what);
    let unknown = error.failure() == Failure::OutcomeUnknown;
    // The card is still there, so the terminal can ask it.
    assert!(!(unknown && matches!(fault, Fault::Lost(_))), "{what}: {error}");
    world.bring_back();
    let report = world.recover();
    assert!(report.is_complete(), "{what}: {report:?}");
    let after = world.assert_settled();
    if happened {
        assert!(unknown || error.failure() == Failure::Refused, "{what}: {error}");
        assert_eq!(after, moves(process, event, before), "{what}: {error}");
    } else {
        assert!(after == before || unknown && after == done(process, before), "{what}: {error} {after:?}");
    }
    let again = world.recover();
    assert!(again.items.is_empty(), "{what}: {again:?}");
    happened && unknown
}

fn faults(process: Process) {
    for (_, event, _) in CASES.into_iter().filter(|(of, ..)| *of == process) {
        let case = (process, event);
        let mut whole = world();
        if let Some(payer) = payer(process) {
            count(payer(&mut whole));
        }
        run(&mut whole, case, count).unwrap_err();

        // CREDIT, DECLINE, and the payee's own record where its sequence is still the one.
        let (commands, operations) = counted(payee(process)(&mut whole));
        assert_eq!(commands, 2);
        assert_eq!(operations > 0, matches!(event, Event::AtMaximum | Event::Blocked), "{event:?}");
        let mut unknown = 0;
        for fault in Fault::all(commands, operations) {
            unknown += usize::from(check(case, fault, |_| {}, |rig| fault.befall(rig)));
        }
        assert!(unknown >= 2, "DECLINE without an answer, {event:?}: {unknown}");

        let Some(payer) = payer(process) else { continue };
        let (commands, operations) = counted(payer(&mut whole));
        let mut unknown = 0;
        for fault in Fault::all(commands, operations) {
            unknown += usize::from(check(case, fault, |world| fault.befall(payer(world)), |_| {}));
        }
        assert!(unknown >= 11 * 3, "REVERSE, {event:?}: {unknown}");
    }
}

#[test]
fn a_purchase_that_cannot_be_taken_is_given_back_whatever_fails() {
    faults(Process::Purchase);
}

#[test]
fn a_refund_that_cannot_be_taken_is_given_back_whatever_fails() {
    faults(Process::Refund);
}

#[test]
fn a_load_that_cannot_be_taken_is_given_back_whatever_fails() {
    faults(Process::Load);
}

#[test]
fn a_sam_without_room_for_its_reversal_collects_first() {
    let mut world = world();
    let (mut payer, mut payee) = (client(world.other.as_mut().unwrap()), client(&mut world.sam));
    for _ in 0..PURCHASES {
        purchase(&mut payer, &mut payee, &payment(1)).unwrap();
    }
    let before = world.assert_settled();
    // The refund takes the last place but one, and the last one is the collection's.
    let case = (Process::Refund, Event::Used);
    let error = run(&mut world, case, |_| {}).unwrap_err();
    assert_eq!(error.failure(), Failure::OutcomeUnknown, "{error}");
    let due = Money { sam: before.sam - 1_00, ..moves(case.0, case.1, before) };
    assert_eq!(world.money(), due);
    let report = world.recover();
    let [Item { outcome: Outcome::StillOpen(refusal), .. }] = &report.items[..] else { panic!("{report:?}") };
    assert_eq!(refusal.status_code(), Some(StatusWord::NoRoom.code()));
    assert_eq!(world.money(), due);

    world.collect().unwrap();
    assert_eq!(world.money(), Money { sam: 0, merchant: due.sam, ..due });
    let report = world.recover();
    assert!(matches!(report.items[..], [Item { outcome: Outcome::Reversed, .. }]), "{report:?}");
    assert_eq!(world.assert_settled(), Money { sam: 1_00, merchant: due.sam, ..due });
    world.collect().unwrap();
    assert_eq!(world.assert_settled(), Money { sam: 0, merchant: before.sam, ..due });
    assert!(world.recover().items.is_empty());
}

/// The issuer has declined the purse's next unload of 4.00 for ever.
fn declined() -> World {
    let mut world = world();
    let status = *client(&mut world.purse).status();
    let asked =
        world.issuer.unload_request(status.number, eur(), Amount(4_00), status.sequence, TIME).unwrap();
    world.issuer.decline_unload(&voucher(&asked.pay_details)).unwrap();
    world
}

#[test]
fn an_unload_that_the_issuer_has_declined_is_given_back_whatever_fails() {
    let mut whole = declined();
    let before = whole.assert_settled();
    count(&mut whole.purse);
    assert_eq!(whole.unload(4_00).unwrap_err().failure(), Failure::IssuerDeclined);
    let (commands, operations) = counted(&whole.purse);
    assert_eq!(whole.assert_settled(), before);
    assert!(whole.recover().items.is_empty());
    let mut unknown = 0;
    for fault in Fault::all(commands, operations) {
        let mut world = declined();
        fault.befall(&mut world.purse);
        let error = world.unload(4_00).expect_err(&format!("{fault:?}"));
        if error.failure() == Failure::OutcomeUnknown {
            // The card is still there, so the terminal can ask it.
            assert!(!matches!(fault, Fault::Lost(_)), "{fault:?}: {error}");
            unknown += 1;
        }
        world.bring_back();
        assert!(world.recover().is_complete(), "{fault:?}");
        assert_eq!(world.assert_settled(), before, "{fault:?}: {error}");
        assert!(world.recover().items.is_empty(), "{fault:?}");
    }
    assert!(unknown >= 2 * 11 * 3, "DEBIT and REVERSE: {unknown}");
}
