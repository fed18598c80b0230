//! Cards that answer anything: the terminal neither panics nor hangs, and no honest card loses or gains by it.

#![allow(clippy::inconsistent_digit_grouping, reason = "euros and cents")]

use crate::support::hostile::{Scripted, Wire, answer, called, done, nested, selected, status, wire};
use crate::support::{HOLDER, MERCHANT, OPERATOR, World, client, payment};
use apdu_spec::command::{Command, CommandName, Initialized, Proof, Voucher, table};
use apdu_spec::cryptography::{Authenticator, Tac};
use apdu_spec::element::{Amount, Currency, Kind, Role, Sequence};
use apdu_spec::file::purse_control;
use apdu_spec::status_block::StatusBlock;
use proptest::collection::vec;
use proptest::prelude::*;
use purse_terminal::client::{CardError, Client};
use purse_terminal::flow::load::{self, Load};
use purse_terminal::flow::recovery::{self, CardAtHand};
use purse_terminal::flow::refund::{self, Refund};
use purse_terminal::flow::unload::{self, Unload};
use purse_terminal::flow::{FlowError, collection, history, purchase, resolve};
use purse_terminal::issuer::Unsettleable;
use purse_terminal::transport::{EMPTY_RESPONSE, ResponseBuffer, Transport, TransportError};
use purse_tests::scheme::{Profile, TIME, VERSION, eur, party, pay_details, pin};

/// Every command of the client.
fn everything(client: &mut Client<Scripted>) {
    let pay_details = pay_details(Kind::Purchase, 1, (party(9), 0), (party(2), 0));
    let voucher = Voucher { pay_details, val: Authenticator([0; 8]), tac: Tac([0; 8]) };
    let mac = Authenticator([0; 8]);
    let _ = client.identity();
    let _ = client.balance(0);
    let _ = client.data_object(table::TAG_LOG_FORMAT);
    let _ = client.pin_tries();
    let _ = client.verify(&pin("1234"));
    let _ = client.change_pin(&pin("1234"), &pin("4321"));
    let _ = client.lock();
    let _ = client.unlock();
    let _ = client.debit(&pay_details, mac);
    let _ = client.proof(&pay_details);
    let _ = client.credit(&voucher);
    let _ = client.decline(&voucher);
    let _ = client.acknowledge(Sequence(0), mac);
    let _ = client.reverse(Sequence(0), mac);
    let _ = client.log_record(1);
    let _ = client.exceptions();
    let _ = client.open_records();
    let _ = history::history(client);
    let _ = client.reconnect();
}

/// Exchanges that all commands of the client may take together, and those of one APDU.
const MOST_SENT: usize = 40_000;
const MOST_EXCHANGES: usize = 16;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn no_answer_makes_the_client_panic_or_wait(wire in wire(), answers in vec(answer(), 1..12)) {
        let most = if wire == Wire::Whole { MOST_SENT } else { MOST_SENT * MOST_EXCHANGES };
        if let Ok(mut client) = Client::select(Scripted::over(wire, answers.clone())) {
            everything(&mut client);
            prop_assert!(client.into_transport().sent.len() < most);
        }
        let card = Scripted::selected(wire, &status(Role::Purse, party(9), u32::MAX), &answers);
        let mut client = Client::select(card).unwrap();
        everything(&mut client);
        prop_assert!(client.into_transport().sent.len() < most);
    }
}

/// What a terminal does with the card of one party, and with honest ones of the others.
type Flow = fn(&mut Client<&mut dyn Transport>, &mut World);

const WITH_A_PURSE: [(&str, Flow); 4] = [
    ("purchase", |purse, world| {
        let _ = purchase::purchase(purse, &mut client(&mut world.sam), &payment(1_00));
    }),
    ("refund", |purse, world| {
        let _ = refund::refund(purse, &mut client(&mut world.sam), &refund_of(&pin(OPERATOR)));
    }),
    ("load", |purse, world| {
        let order = Load { account: HOLDER, currency: eur(), amount: Amount(1_00), time: TIME };
        let _ = load::load(purse, &mut world.issuer, &order);
    }),
    ("unload", |purse, world| {
        let order = Unload { currency: eur(), amount: Amount(1_00), time: TIME };
        let _ = unload::unload(purse, &mut world.issuer, &order);
    }),
];

const WITH_A_SAM: [(&str, Flow); 4] = [
    ("purchase", |sam, world| {
        let _ = purchase::purchase(&mut client(&mut world.purse), sam, &payment(1_00));
    }),
    ("refund", |sam, world| {
        let _ = refund::refund(&mut client(&mut world.purse), sam, &refund_of(&pin(OPERATOR)));
    }),
    ("load", |sam, world| {
        let order = Load { account: MERCHANT, currency: eur(), amount: Amount(1_00), time: TIME };
        let _ = load::load(sam, &mut world.issuer, &order);
    }),
    ("collection", |sam, world| {
        let _ = collection::collect(sam, &mut world.issuer, TIME);
    }),
];

const WITH_ANY: [(&str, Flow); 2] = [
    ("resolve", |card, world| {
        let _ = resolve::resolve(card, &mut world.issuer, Unsettleable::BookAsUnclaimed);
    }),
    ("reconnect", |card, _| {
        let _ = card.reconnect();
    }),
];

const fn refund_of(operator_pin: &apdu_spec::pin::PinBlock) -> Refund<'_> {
    Refund { currency: Currency([0x09, 0x78]), amount: Amount(1_00), time: TIME, operator_pin }
}

/// Every flow that such a card can be in: with it no honest card and no account gains or loses, and whatever the honest
/// ones had under way is finished as if it had never been there.
fn in_every_flow(hostile: &StatusBlock, wire: Wire, answers: &[Vec<u8>], flows: &[(&str, Flow)]) {
    let mut world = World::with_history();
    let before = world.money();
    for (_, flow) in flows {
        let mut card = Scripted::selected(wire, hostile, answers);
        let mut card = Client::select(&mut card as &mut dyn Transport).unwrap();
        flow(&mut card, &mut world);
    }
    assert!(world.recover().is_complete());
    assert_eq!(world.assert_settled(), before);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn a_hostile_purse_moves_nothing(purse in called(Role::Purse), wire in wire(), answers in vec(answer(), 1..8)) {
        in_every_flow(&purse, wire, &answers, &[&WITH_A_PURSE[..], &WITH_ANY].concat());
    }

    #[test]
    fn a_hostile_merchant_moves_nothing(
        sam in called(Role::Merchant),
        wire in wire(),
        right in any::<bool>(),
        mut answers in vec(answer(), 1..8),
    ) {
        if right {
            // An INITIALIZE that is right but for its req.
            let asked = Initialized { number: sam.number, sequence: Sequence(7), req: Authenticator([7; 8]) };
            answers.insert(0, done(&asked.emit()));
        }
        in_every_flow(&sam, wire, &answers, &[&WITH_A_SAM[..], &WITH_ANY].concat());
    }

    #[test]
    fn a_hostile_card_ends_no_recovery(
        hostile in prop_oneof![called(Role::Merchant), called(Role::Purse)],
        place in 0..3_usize,
        wire in wire(),
        answers in vec(answer(), 1..8),
    ) {
        let mut world = World::with_history();
        let before = world.money();
        {
            let mut card = Scripted::selected(wire, &hostile, &answers);
            let card: CardAtHand<'_> = Client::select(&mut card as &mut dyn Transport).unwrap();
            let mut cards = vec![client(&mut world.purse), client(&mut world.sam)];
            cards.insert(place, card);
            recovery::recover(&mut cards, Some(&mut world.issuer));
        }
        // One that calls itself the payee can be asked in its place; one that does not keeps nobody from his ack.
        let left = world.recover();
        let impostor = hostile.number == party(2);
        prop_assert!(left.is_complete() && (impostor || left.items.is_empty()), "{:?}", left);
        prop_assert_eq!(world.assert_settled(), before);
    }
}

#[test]
fn an_fci_nested_a_hundred_deep_is_refused() {
    for depth in [2, 10, 43, 44, 45, 64, 100, 127, 128] {
        let error = Client::select(Scripted::new(vec![nested(depth)])).unwrap_err();
        assert!(
            matches!(error, CardError::Malformed { command: CommandName::Select, .. }),
            "{depth}: {error}"
        );
    }
}

#[test]
fn an_answer_that_names_another_card_is_refused() {
    let answer = Initialized { number: party(8), sequence: Sequence(0), req: Authenticator([0; 8]) };
    let script = vec![selected(Role::Merchant), done(&answer.emit())];
    let mut sam = Client::select(Scripted::new(script)).unwrap();
    let data = apdu_spec::command::InitializeData {
        kind: Kind::Purchase,
        key_version: VERSION,
        currency: eur(),
        amount: apdu_spec::element::Amount(1),
        from: party(1),
        from_sequence: Sequence(0),
        time: TIME,
    };
    let error = sam.initialize(&data).unwrap_err();
    assert!(matches!(error, CardError::Malformed { command: CommandName::Initialize, .. }), "{error}");
}

#[test]
fn another_card_after_a_reset_is_not_taken_for_the_first() {
    let other = done(&purse_control(&status(Role::Purse, party(8), 0)));
    let mut purse = Client::select(Scripted::new(vec![selected(Role::Purse), other])).unwrap();
    assert!(matches!(purse.reconnect(), Err(CardError::OtherCard)));
}

#[test]
fn answers_of_wrong_length_are_errors_of_their_command() {
    let proof = Proof { val: Authenticator([1; 8]), tac: Tac([2; 8]) }.emit();
    let details = pay_details(Kind::Purchase, 1, (party(9), 0), (party(2), 0));
    for length in [0, 1, 15, 17, 256] {
        let mut data = proof.to_vec();
        data.resize(length, 0);
        let mut purse = Client::select(Scripted::new(vec![selected(Role::Purse), done(&data)])).unwrap();
        let error = purse.proof(&details).unwrap_err();
        assert!(
            matches!(error, CardError::Malformed { command: CommandName::GetProof, .. }),
            "{length}: {error}"
        );
    }
    for answer in [vec![], vec![0x90]] {
        let mut purse = Client::select(Scripted::new(vec![selected(Role::Purse), answer])).unwrap();
        assert!(purse.lock().unwrap_err().may_have_happened());
    }
}

/// A card that is asked for its log and always has another record.
#[derive(Debug)]
struct Endless {
    profile: Profile,
    asked: usize,
}

impl Endless {
    const fn new(profile: Profile) -> Self {
        Self { profile, asked: 0 }
    }
}

impl Transport for Endless {
    fn transmit<'a>(
        &mut self,
        command: &[u8],
        response: &'a mut ResponseBuffer,
    ) -> Result<&'a [u8], TransportError> {
        self.asked += 1;
        assert!(self.asked < MOST_SENT, "asked without an end");
        let Profile { role, number, .. } = self.profile;
        let request = apdu_spec::command::Request::parse(command).unwrap();
        let answer = match request.command().unwrap() {
            Command::Select(..) => done(&purse_control(&status(role, number, u32::MAX))),
            Command::ReadEntry(sequence) => {
                let pay_details = pay_details(Kind::Purchase, 1, (number, sequence.0), (party(2), 0));
                done(&record(pay_details))
            }
            _ => done(&record(pay_details(Kind::Purchase, 1, (number, 0), (party(2), 0)))),
        };
        *response = EMPTY_RESPONSE;
        response[..answer.len()].copy_from_slice(&answer);
        Ok(&response[..answer.len()])
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    fn name(&self) -> &'static str {
        "endless"
    }
}

fn record(pay_details: apdu_spec::pay_details::PayDetails) -> [u8; 50] {
    apdu_spec::record::LogRecord {
        pay_details,
        role: apdu_spec::record::RecordRole::Payer,
        state: apdu_spec::record::RecordState::Open,
        balance: apdu_spec::element::Amount(0),
        tac: Tac([0; 8]),
    }
    .emit()
}

#[test]
fn a_log_without_an_end_is_not_read_for_ever() {
    let mut card = Client::select(Endless::new(Profile::purse(1, 0))).unwrap();
    assert!(card.open_records().unwrap().records.len() < 10_000);
    let mut card = Client::select(Endless::new(Profile::purse(1, 0))).unwrap();
    assert!(history::history(&mut card).unwrap().len() < 10_000);
}

#[test]
fn a_sam_with_more_records_than_any_has_is_not_collected() {
    let mut world = World::with_history();
    let mut sam = Client::select(Endless::new(Profile::sam(2, 0))).unwrap();
    let error = collection::collect(&mut sam, &mut world.issuer, TIME).unwrap_err();
    assert!(matches!(error, FlowError::RecordGone(Sequence(0))), "{error}");
    world.collect().unwrap();
}
