//! Each flow, when nothing goes wrong, and what a terminal refuses.

#![allow(clippy::inconsistent_digit_grouping, reason = "euros and cents")]

use crate::support::interrupted::{Interrupted, at_maximum};
use crate::support::{HOLDER, Money, OPERATOR, PIN, World, client, payment, rig};
use apdu_spec::command::CommandName;
use apdu_spec::element::{Amount, Expiry, Role, Time};
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::record::{RecordRole, RecordState};
use apdu_spec::status::StatusWord;
use purse_terminal::client::{CardError, Client, Failure};
use purse_terminal::flow::history::history;
use purse_terminal::flow::load::{self, Load};
use purse_terminal::flow::purchase::{Payment, purchase};
use purse_terminal::flow::recovery::{self, Outcome};
use purse_terminal::flow::resolve;
use purse_terminal::flow::{FlowError, Party, is_expired};
use purse_terminal::issuer::Unsettleable;
use purse_terminal::transport::{InProcess, Transport};
use purse_terminal::virtual_card::VirtualCard;
use purse_tests::scheme::{Profile, TIME, eur, pin};

#[test]
fn the_whole_story_adds_up() {
    let mut world = World::new();
    assert!(world.load(20_00).unwrap().acknowledged);
    assert!(world.pay(3_50).unwrap().acknowledged);
    assert!(world.refund(1_00).unwrap().acknowledged);
    assert!(world.unload(5_00).unwrap().acknowledged);
    let money = Money { purse: 12_50 - 1_00, sam: 2_50, holder: 85_00, merchant: 0, other: 0 };
    let money = Money { purse: money.purse + 1_00, ..money };
    assert_eq!(world.assert_settled(), money);
    let report = world.collect().unwrap();
    assert_eq!((report.records, report.collected.len()), (2, 1));
    let collected = report.collected[0];
    assert_eq!(
        (collected.credited, collected.withheld, collected.acknowledged),
        (Amount(2_50), Amount(0), true)
    );
    assert_eq!(world.assert_settled(), Money { sam: 0, merchant: 2_50, ..money });
    assert!(world.recover().items.is_empty());
}

#[test]
fn a_collection_of_nothing_makes_room_all_the_same() {
    let mut world = World::with_history();
    world.refund(1_00).unwrap();
    world.collect().unwrap();
    let report = world.collect().unwrap();
    assert_eq!((report.records, report.collected[0].pay_details.amount), (0, Amount(0)));
    assert!(report.collected[0].acknowledged);
    world.assert_settled();
}

#[test]
fn a_refund_settles_the_purchase_first() {
    let mut world = World::new();
    world.load(20_00).unwrap();
    let (mut purse, mut sam) = (client(&mut world.purse), client(&mut world.sam));
    purse_terminal::flow::purchase::sell(&mut purse, &mut sam, &payment(2_00)).unwrap();
    world.refund(2_00).unwrap();
    assert_eq!(world.assert_settled().purse, 20_00);
    let error = world.refund(2_00).unwrap_err();
    assert_eq!(error.status_code(), Some(StatusWord::ReferenceNotFound.code()), "once");
    assert_eq!(error.failure(), Failure::Refused);
}

#[test]
fn a_pin_is_asked_for_above_the_limits_and_not_below() {
    let mut world = World::new();
    world.load(80_00).unwrap();
    let error = world.pay(25_01).unwrap_err();
    assert_eq!(error.failure(), Failure::Authentication);
    assert_eq!(world.assert_settled().purse, 80_00);
    let pin = pin(PIN);
    let (mut purse, mut sam) = (client(&mut world.purse), client(&mut world.sam));
    purchase(&mut purse, &mut sam, &Payment { pin: Some(&pin), ..payment(25_01) }).unwrap();
    assert_eq!(world.assert_settled().sam, 25_01);
}

#[test]
fn further_ticks_of_one_tap_need_no_select() {
    let mut world = World::new();
    world.load(20_00).unwrap();
    let (mut purse, mut sam) = (client(&mut world.purse), client(&mut world.sam));
    for tick in 1..=5 {
        purchase(&mut purse, &mut sam, &payment(10)).unwrap();
        assert_eq!(purse.status().balance, Amount(20_00 - 10 * tick));
        assert_eq!(sam.status().balance, Amount(10 * tick));
    }
    assert_eq!(world.assert_settled().sam, 50);
}

#[test]
fn the_terminal_refuses_what_is_expired_or_something_else() {
    let mut world = World::new();
    world.load(20_00).unwrap();
    let late = Time(1_925_000_000);
    let (mut purse, mut sam) = (client(&mut world.purse), client(&mut world.sam));
    let error = purchase(&mut purse, &mut sam, &Payment { time: late, ..payment(1_00) }).unwrap_err();
    assert!(matches!(error, FlowError::Expired { party: Party::Purse, .. }), "{error}");
    assert_eq!(error.failure(), Failure::Terminal);
    let error = purchase(&mut sam, &mut purse, &payment(1_00)).unwrap_err();
    assert!(matches!(error, FlowError::WrongRole { wanted: Party::Purse, found: Role::Merchant }), "{error}");
    let mut blank = Client::select(InProcess::new(VirtualCard::in_memory("blank", Role::Purse))).unwrap();
    assert_eq!(blank.status().life_cycle, LifeCycle::Blank);
    assert!(matches!(purchase(&mut blank, &mut sam, &payment(1_00)), Err(FlowError::Blank)));
    assert_eq!(world.assert_settled().purse, 20_00);
}

#[test]
fn a_card_is_valid_to_the_last_second_of_its_month() {
    let december = Expiry([0x30, 0x12]);
    assert!(!is_expired(december, Time(1_924_991_999)));
    assert!(is_expired(december, Time(1_924_992_000)));
    assert!(is_expired(Expiry([0x30, 0x13]), Time(0)));
    assert!(is_expired(Expiry([0x99, 0x12]), Time(u32::MAX)), "in 2106");
}

#[test]
fn a_purchase_above_the_balance_moves_nothing() {
    let mut world = World::with_history();
    let before = world.money();
    let error = world.pay(20_00).unwrap_err();
    let FlowError::Card { source: CardError::Refused { command, status }, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!((*command, *status), (CommandName::Debit, StatusWord::InsufficientValue));
    assert_eq!(world.money(), before);
}

#[test]
fn a_sam_that_cannot_take_it_any_more_gives_it_back_at_once() {
    let mut world = World::with_history();
    world.recover();
    let before = world.assert_settled();
    let World { purse, sam, .. } = &mut world;
    // Another terminal brings the SAM a script after INITIALIZE.
    let mut sam = Client::select(Interrupted::new(sam, |sam| at_maximum(sam.inner_mut(), 2))).unwrap();
    let mut payer = client(purse);
    let error = purchase(&mut payer, &mut sam, &payment(2_00)).unwrap_err();
    assert_eq!(
        (error.failure(), error.status_code()),
        (Failure::Refused, Some(StatusWord::OverLimit.code()))
    );
    drop(sam);
    let newest = history(&mut payer).unwrap();
    assert_eq!(
        [newest[0].record, newest[1].record].map(|record| (record.role, record.state)),
        [(RecordRole::Reversal, RecordState::Settled), (RecordRole::Payer, RecordState::Reversed)]
    );
    assert_eq!(world.assert_settled(), before);
    assert!(world.recover().items.is_empty());
}

#[test]
fn a_load_above_the_maximum_or_the_account_moves_nothing() {
    let mut world = World::new();
    world.load(20_00).unwrap();
    let load = Load { account: HOLDER, currency: eur(), amount: Amount(10_000_01), time: TIME };
    let error = load::load(&mut client(&mut world.sam), &mut world.issuer, &load).unwrap_err();
    assert_eq!(error.status_code(), Some(StatusWord::OverLimit.code()));
    let error = world.load(90_00).unwrap_err();
    assert_eq!(error.failure(), Failure::IssuerDeclined, "the account has 80.00 left");
    assert_eq!(world.assert_settled().purse, 20_00);
}

#[test]
fn history_is_newest_first_and_shows_what_became_of_it() {
    let mut world = World::with_history();
    world.refund(1_00).unwrap();
    let entries = history(&mut client(&mut world.purse)).unwrap();
    let states: Vec<_> =
        entries.iter().map(|entry| (entry.sequence.0, entry.record.role, entry.record.state)).collect();
    assert_eq!(
        states,
        [
            (3, RecordRole::Payee, RecordState::Settled),
            (2, RecordRole::Payer, RecordState::Refunded),
            (1, RecordRole::Payer, RecordState::Settled),
            (0, RecordRole::Payee, RecordState::Settled),
        ]
    );
}

#[test]
fn a_locked_purse_hides_its_history_and_finishes_what_it_owes() {
    let mut world = World::with_history();
    let mut purse = client(&mut world.purse);
    purse.verify(&pin(PIN)).unwrap();
    purse.lock().unwrap();
    let error = history(&mut purse).unwrap_err();
    assert_eq!(error.status(), Some(StatusWord::SecurityStatus));
    let report = world.recover();
    assert!(matches!(report.items[..], [recovery::Item { outcome: Outcome::Settled, .. }]), "{report:?}");
    let mut purse = client(&mut world.purse);
    purse.verify(&pin(PIN)).unwrap();
    purse.unlock().unwrap();
    world.assert_settled();
}

#[test]
fn what_has_no_payee_at_hand_stays_open_until_the_issuer_resolves_it() {
    let mut world = World::with_history();
    let mut absent = rig("other sam", &Profile::sam(4, 0));
    let (mut purse, mut sam) = (client(&mut world.purse), client(&mut absent));
    purse_terminal::flow::purchase::sell(&mut purse, &mut sam, &payment(2_00)).unwrap();
    let report = world.recover();
    assert!(!report.is_complete());
    assert!(matches!(report.items[1].outcome, Outcome::PayeeAbsent), "{report:?}");
    assert_eq!(report.failure(), None);
    // The issuer never issued that SAM.
    let items =
        resolve::resolve(&mut client(&mut world.purse), &mut world.issuer, Unsettleable::Refuse).unwrap();
    assert!(matches!(items[..], [resolve::Item { outcome: Ok(_), .. }]), "{items:?}");
    assert!(world.recover().is_complete());
    assert_eq!(world.assert_settled().purse, 15_50);
}

#[test]
fn an_unload_that_the_log_had_to_let_go_is_still_recovered() {
    let mut world = World::new();
    world.load(20_00).unwrap();
    let mut purse = client(&mut world.purse);
    let status = *purse.status();
    let asked =
        world.issuer.unload_request(status.number, eur(), Amount(4_00), status.sequence, TIME).unwrap();
    purse.debit(&asked.pay_details, asked.req).unwrap();
    let mut sam = client(&mut world.sam);
    for _ in 0..40 {
        purchase(&mut purse, &mut sam, &payment(1)).unwrap();
    }
    let exceptions = purse.exceptions().unwrap();
    assert_eq!(exceptions.iter().map(|record| record.pay_details).collect::<Vec<_>>(), [asked.pay_details]);
    let oldest = history(&mut purse).unwrap().pop().unwrap();
    assert_eq!((oldest.sequence, oldest.record), (status.sequence, exceptions[0]));
    let report = world.recover();
    assert!(matches!(report.items[..], [recovery::Item { outcome: Outcome::Settled, .. }]), "{report:?}");
    assert_eq!(world.assert_settled().holder, 84_00);
}

#[test]
fn a_load_in_the_air_is_finished_by_the_next_one() {
    let mut world = World::new();
    world.purse.remove(3);
    let error = world.load(20_00).unwrap_err();
    assert_eq!(error.failure(), Failure::OutcomeUnknown);
    world.bring_back();
    assert!(world.issuer.unresolved_load(Profile::purse(1, 0).number).unwrap().is_some());
    world.load(5_00).unwrap();
    assert_eq!(world.assert_settled().purse, 25_00);
}

#[test]
fn a_card_changes_its_pin_and_counts_its_tries() {
    let mut world = World::new();
    let mut purse = client(&mut world.purse);
    let error = purse.verify(&pin("0000")).unwrap_err();
    assert_eq!((error.status(), error.failure()), (Some(StatusWord::WrongPin(2)), Failure::Authentication));
    assert_eq!(purse.pin_tries().unwrap(), 2);
    purse.change_pin(&pin(PIN), &pin("123456")).unwrap();
    purse.verify(&pin("123456")).unwrap();
    assert_eq!(purse.pin_tries().unwrap(), 3);
    assert!(purse.transport().name() == "purse");
    let mut sam = client(&mut world.sam);
    sam.verify(&pin(OPERATOR)).unwrap();
}
