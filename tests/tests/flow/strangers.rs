//! A client lets go of its card and finds it again: as it was, with another session, or another card. And what the
//! issuer resolves, among other programs.

#![allow(clippy::inconsistent_digit_grouping, reason = "euros and cents")]

use crate::support::process::SIDES;
use crate::support::shared::{Between, Fault, Watch, at_terminal};
use crate::support::{HOLDER, Rig, World, client, payment, rig, select};
use apdu_spec::element::{Amount, Role};
use purse_terminal::client::{CardError, Client, Failure};
use purse_terminal::flow::history::history;
use purse_terminal::flow::load::{self, Load};
use purse_terminal::flow::unload::{self, Unload};
use purse_terminal::flow::{FlowError, collection, purchase, resolve};
use purse_terminal::issuer::Unsettleable;
use purse_terminal::transport::{Continuity, Faulty, InProcess, ResponseBuffer, Transport, TransportError};
use purse_terminal::virtual_card::VirtualCard;
use purse_tests::scheme::{Profile, TIME, eur, pin};

const BETWEEN: [Between; 3] = [Between::Nobody, Between::Reset, Between::MasterFile];
/// INS of SELECT.
const SELECT: u8 = 0xA4;

/// A reader in which another card lies from when it is to be held for this time.
struct Swapped<'a> {
    first: &'a mut Rig,
    second: &'a mut Rig,
    at: u64,
    begins: u64,
    /// What the second card was sent.
    sent: Vec<u8>,
}

impl Transport for Swapped<'_> {
    fn transmit<'a>(
        &mut self,
        command: &[u8],
        response: &'a mut ResponseBuffer,
    ) -> Result<&'a [u8], TransportError> {
        if self.begins < self.at {
            return self.first.transmit(command, response);
        }
        self.sent.push(command[1]);
        self.second.transmit(command, response)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        if self.begins < self.at { self.first.reset() } else { self.second.reset() }
    }

    fn name(&self) -> &'static str {
        "reader"
    }

    fn begin(&mut self) -> Result<Continuity, TransportError> {
        self.begins += 1;
        // It is sure of its session again once the second card has answered it.
        Ok(if self.begins == self.at { Continuity::Unsure } else { Continuity::Kept })
    }
}

/// Runs a flow with a card that is another one from its `at`th phase on: how it ends, none for well.
fn with_another_card(
    world: &mut World,
    sam: bool,
    at: u64,
    run: impl FnOnce(&mut Client<&mut Swapped<'_>>, &mut World) -> Result<(), FlowError>,
) -> Option<Failure> {
    let mut first = rig("gap", &Profile::purse(9, 0));
    std::mem::swap(&mut first, if sam { &mut world.sam } else { &mut world.purse });
    let mut second = rig("another", &if sam { Profile::sam(4, 50_00) } else { Profile::purse(3, 50_00) });
    let mut reader = Swapped { first: &mut first, second: &mut second, at, begins: 0, sent: Vec::new() };
    let result = run(&mut Client::select(&mut reader).unwrap(), world);
    assert!(reader.begins >= at);
    assert!(!reader.sent.is_empty() && reader.sent.iter().all(|sent| *sent == SELECT), "{:X?}", reader.sent);
    std::mem::swap(&mut first, if sam { &mut world.sam } else { &mut world.purse });
    assert!(world.recover().is_complete());
    world.assert_settled();
    result.err().map(|error| error.failure())
}

#[test]
fn another_card_is_told_nothing() {
    let unknown = Some(Failure::OutcomeUnknown);
    let refused = Some(Failure::Other);
    for (at, expected) in [(2, refused), (3, unknown)] {
        let ends = with_another_card(&mut World::with_history(), false, at, |card, world| {
            let load = Load { account: HOLDER, currency: eur(), amount: Amount(5_00), time: TIME };
            load::load(card, &mut world.issuer, &load).map(|_| ())
        });
        assert_eq!(ends, expected, "load, {at}");
    }
    // In the last phase only the ack is brought.
    for (at, expected) in [(2, refused), (3, None)] {
        let ends = with_another_card(&mut World::with_history(), false, at, |card, world| {
            let unload = Unload { currency: eur(), amount: Amount(4_00), time: TIME };
            let receipt = unload::unload(card, &mut world.issuer, &unload)?;
            assert!(!receipt.acknowledged);
            Ok(())
        });
        assert_eq!(ends, expected, "unload, {at}");
    }
    for (at, expected) in [(2, refused), (3, refused), (4, refused), (5, None)] {
        let ends = with_another_card(&mut World::with_history(), true, at, |card, world| {
            let report = collection::collect(card, &mut world.issuer, TIME)?;
            assert!(!report.collected[0].acknowledged);
            Ok(())
        });
        assert_eq!(ends, expected, "collection, {at}");
    }
}

#[test]
fn what_the_issuer_has_resolved_is_not_done_until_its_card_has_heard_of_it() {
    let mut world = unsettleable();
    let mut second = rig("another", &Profile::purse(3, 50_00));
    let World { purse: first, issuer, .. } = &mut world;
    let mut reader = Swapped { first, second: &mut second, at: 2, begins: 0, sent: Vec::new() };
    let mut card = Client::select(&mut reader).unwrap();
    let items = resolve::resolve(&mut card, issuer, Unsettleable::Refuse).unwrap();
    assert_eq!(items.len(), 2);
    for item in &items {
        let error = item.outcome.as_ref().unwrap_err();
        assert_eq!(error.failure(), Failure::OutcomeUnknown, "{error}");
    }
    assert!(reader.sent.iter().all(|sent| *sent == SELECT), "{:X?}", reader.sent);
}

#[test]
fn a_load_is_finished_although_the_issuer_does_not_hear_at_once() {
    for between in BETWEEN {
        let leave = if between == Between::Nobody { Fault::Leave(0, 3) } else { Fault::Leave(0, 5) };
        // The last time the card leaves at its second CREDIT.
        for (deaf, fault) in [(0, Fault::None), (1, Fault::None), (2, Fault::None), (1, leave)] {
            let mut world = World::with_history();
            world.purse.remove(3);
            world.load(5_00).unwrap_err();
            world.bring_back();
            let voucher = world.issuer.unresolved_load(Profile::purse(1, 0).number).unwrap().unwrap();
            at_terminal(&mut world, between, fault, |terminal| {
                terminal.desk.deaf = deaf;
                let mut purse = select(&mut terminal.purse).unwrap();
                purse.release();
                let finished = load::finish(&mut purse, &mut terminal.desk, &voucher);
                assert_eq!(finished.is_ok(), deaf < 2 && fault == Fault::None, "{between:?}");
                assert!(!purse.is_held());
            });
            world.bring_back();
            assert!(world.recover().is_complete());
            assert_eq!(world.assert_settled().purse, 20_50);
            // A card that cannot have a load is let go of, too.
            world.purse = Faulty::new(InProcess::new(VirtualCard::in_memory("blank", Role::Purse)));
            at_terminal(&mut world, between, Fault::None, |terminal| {
                let mut blank = select(&mut terminal.purse).unwrap();
                let finished = load::finish(&mut blank, &mut terminal.desk, &voucher);
                assert!(matches!(finished, Err(FlowError::Blank)));
            });
        }
    }
}

#[test]
fn a_client_holds_releases_and_finds_its_card_again() {
    for between in BETWEEN {
        let mut world = World::with_history();
        let (begun, watch) = at_terminal(&mut world, between, Fault::None, |terminal| {
            let mut purse = select(&mut terminal.purse).unwrap();
            purse.verify(&pin("1234")).unwrap();
            // Held, nothing is done: the PIN still counts.
            purse.hold().unwrap();
            assert!(purse.is_held());
            purse.lock().unwrap();
            purse.unlock().unwrap();
            purse.release();
            purse.release();
            assert!(!purse.is_held());
            purse.hold().unwrap();
            purse.reconnect().unwrap();
            let still = purse.is_held();
            purse.release();
            purse.reconnect().unwrap();
            purse.release();
            purse.reselect().unwrap();
            purse.into_transport();
            still
        });
        assert!(begun);
        assert_eq!(watch.begins, [4, 0]);
        // SELECT, VERIFY, LOCK, UNLOCK, and of two reconnections and one reselection a SELECT each.
        assert_eq!(watch.commands[0], 7 + u64::from(between != Between::Nobody), "{between:?}");
    }
}

#[test]
fn a_card_that_cannot_be_selected_is_not_held() {
    let mut world = World::new();
    for between in BETWEEN {
        at_terminal(&mut world, between, Fault::Lose(0, 1), |terminal| {
            assert!(Client::select(&mut terminal.purse).is_err());
            let mut purse = Client::select(&mut terminal.purse).unwrap();
            purse.release();
        });
    }
    // The second SELECT, which the session of another program has made necessary.
    at_terminal(&mut world, Between::Reset, Fault::Lose(0, 2), |terminal| {
        let mut purse = Client::select(&mut terminal.purse).unwrap();
        purse.release();
        assert!(matches!(purse.hold(), Err(CardError::Transport { .. })));
        assert!(!purse.is_held());
        purse.hold().unwrap();
        purse.balance(0).unwrap();
        purse.release();
    });
    // Nobody else is there, but no SELECT has come to its end since.
    let ((), watch) = at_terminal(&mut world, Between::Nobody, Fault::Lose(0, 2), |terminal| {
        let mut purse = Client::select(&mut terminal.purse).unwrap();
        purse.reselect().unwrap_err();
        assert!(!purse.is_held());
        purse.hold().unwrap();
        purse.release();
    });
    assert_eq!(watch.commands, [3, 0]);
    at_terminal(&mut world, Between::Nobody, Fault::InUse(0, 2), |terminal| {
        let mut purse = Client::select(&mut terminal.purse).unwrap();
        purse.release();
        let error = purse.hold().unwrap_err();
        assert!(matches!(error, CardError::Begin(TransportError::InUse(_))), "{error}");
        assert_eq!((error.failure(), error.may_have_happened()), (Failure::NoCard, false));
        purse.hold().unwrap();
        purse.release();
    });
    at_terminal(&mut world, Between::Nobody, Fault::InUse(0, 1), |terminal| {
        assert!(matches!(Client::select(&mut terminal.purse), Err(CardError::Begin(_))));
    });
}

/// Two purchases whose SAM the issuer never issued.
fn unsettleable() -> World {
    let mut world = World::with_history();
    assert!(world.recover().is_complete());
    let mut absent = rig("other sam", &Profile::sam(4, 0));
    for _ in 0..2 {
        let (mut purse, mut sam) = (client(&mut world.purse), client(&mut absent));
        purchase::sell(&mut purse, &mut sam, &payment(2_00)).unwrap();
    }
    world
}

/// Resolves at a terminal with a fault, then without.
fn check_resolve(between: Between, fault: Fault) -> Watch {
    let mut world = unsettleable();
    let (result, watch) = at_terminal(&mut world, between, fault, |terminal| {
        let mut purse = select(&mut terminal.purse)?;
        resolve::resolve(&mut purse, &mut terminal.desk, Unsettleable::Refuse)
    });
    match result {
        Ok(items) => {
            assert_eq!(items.len(), 2);
            assert!(fault != Fault::None || items.iter().all(|item| item.outcome.is_ok()), "{items:?}");
            for error in items.into_iter().filter_map(|item| item.outcome.err()) {
                assert_eq!(error.failure(), Failure::OutcomeUnknown, "{between:?} {fault:?}: {error}");
            }
        }
        Err(error) => assert_eq!(error.failure(), Failure::NoCard, "{between:?} {fault:?}: {error}"),
    }
    world.bring_back();
    let mut purse = client(&mut world.purse);
    let again = resolve::resolve(&mut purse, &mut world.issuer, Unsettleable::Refuse).unwrap();
    assert!(again.iter().all(|item| item.outcome.is_ok()), "{between:?} {fault:?}: {again:?}");
    assert!(world.recover().items.is_empty());
    assert_eq!(world.assert_settled().purse, 15_50);
    watch
}

#[test]
fn what_the_issuer_resolves_reaches_the_card_whoever_uses_it_meanwhile() {
    for between in BETWEEN {
        let watch = check_resolve(between, Fault::None);
        for number in 1..=watch.commands[0] {
            check_resolve(between, Fault::Lose(0, number));
            check_resolve(between, Fault::Leave(0, number));
        }
        for number in 1..=watch.begins[0] {
            check_resolve(between, Fault::InUse(0, number));
        }
    }
}

#[test]
fn history_is_read_in_one_phase() {
    for between in BETWEEN {
        for side in 0..SIDES.len() {
            let mut world = World::with_history();
            let (entries, watch) = at_terminal(&mut world, between, Fault::None, |terminal| {
                let reader = if side == 0 { &mut terminal.purse } else { &mut terminal.sam };
                history(&mut select(reader).unwrap()).unwrap()
            });
            assert_eq!((entries.len(), watch.begins[side]), (if side == 0 { 3 } else { 2 }, 1));
            let commands = watch.commands[side];
            for number in 1..=commands {
                at_terminal(&mut world, between, Fault::Leave(side, number), |terminal| {
                    let reader = if side == 0 { &mut terminal.purse } else { &mut terminal.sam };
                    let result = select(reader).map(|mut card| history(&mut card));
                    assert!(!matches!(result, Ok(Ok(_))));
                });
                world.bring_back();
            }
        }
    }
}
