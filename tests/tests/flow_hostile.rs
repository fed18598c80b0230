//! Cards that answer anything: the terminal neither panics nor hangs, and no honest card loses or gains by it.

#![allow(clippy::inconsistent_digit_grouping, reason = "euros and cents")]

mod flow_support;

use apdu_spec::command::{Command, CommandName, Initialized, Proof, Voucher, table};
use apdu_spec::cryptography::{Authenticator, Tac};
use apdu_spec::element::{Kind, Role, Sequence};
use apdu_spec::file::{CONTROL_LENGTH, purse_control};
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::number::PartyNumber;
use apdu_spec::status::StatusWord;
use apdu_spec::status_block::StatusBlock;
use flow_support::{World, client, payment};
use proptest::collection::vec;
use proptest::prelude::*;
use purse_terminal::client::{CardError, Client};
use purse_terminal::flow::recovery::{self, CardAtHand};
use purse_terminal::flow::{history, purchase};
use purse_terminal::transport::{EMPTY_RESPONSE, ResponseBuffer, Transport, TransportError};
use purse_tests::scheme::{Profile, TIME, VERSION, eur, party, pay_details, pin};

/// Answers from a script, over and over.
#[derive(Debug)]
struct Scripted {
    answers: Vec<Vec<u8>>,
    next: usize,
    sent: usize,
}

impl Scripted {
    fn new(answers: Vec<Vec<u8>>) -> Self {
        Self { answers, next: 0, sent: 0 }
    }
}

impl Transport for Scripted {
    fn transmit<'a>(
        &mut self,
        _: &[u8],
        response: &'a mut ResponseBuffer,
    ) -> Result<&'a [u8], TransportError> {
        self.sent += 1;
        let answer = &self.answers[self.next % self.answers.len()];
        self.next += 1;
        response[..answer.len()].copy_from_slice(answer);
        Ok(&response[..answer.len()])
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    fn name(&self) -> &'static str {
        "hostile"
    }
}

fn status(role: Role, number: PartyNumber, sequence: u32) -> StatusBlock {
    StatusBlock {
        life_cycle: LifeCycle::Active,
        role,
        number,
        key_version: VERSION,
        sequence: Sequence(sequence),
        currency: eur(),
        exponent: 2,
        balance: apdu_spec::element::Amount(50_00),
        expiry: apdu_spec::element::Expiry([0x99, 0x12]),
        maximum_balance: apdu_spec::element::Amount(150_00),
    }
}

fn done(data: &[u8]) -> Vec<u8> {
    [data, &StatusWord::Success.emit()].concat()
}

fn selected(role: Role) -> Vec<u8> {
    done(&purse_control(&status(role, party(9), u32::MAX)))
}

/// Lengths that a command of the table really has, so that the answers come past the first check.
fn lengths() -> impl Strategy<Value = usize> {
    prop_oneof![Just(0), Just(8), Just(11), Just(16), Just(20), Just(50), Just(177), 0..=256_usize]
}

fn answer() -> impl Strategy<Value = Vec<u8>> {
    let status = prop_oneof![
        4 => Just(StatusWord::Success.code()),
        2 => (0..StatusWord::ALL.len()).prop_map(|place| StatusWord::ALL[place].code()),
        1 => any::<u16>(),
    ];
    let data = lengths().prop_flat_map(|length| vec(any::<u8>(), length));
    let whole = (data, status).prop_map(|(data, status)| [data, status.to_be_bytes().to_vec()].concat());
    prop_oneof![
        8 => whole,
        1 => vec(any::<u8>(), 0..4),
        2 => prop_oneof![Just(selected(Role::Purse)), Just(selected(Role::Merchant))],
        1 => (1..129_usize).prop_map(nested),
        // An FCI with one byte wrong.
        1 => (0..CONTROL_LENGTH, any::<u8>()).prop_map(|(place, byte)| {
            let mut control = selected(Role::Purse);
            control[place] = byte;
            control
        }),
    ]
}

/// Templates in templates.
fn nested(depth: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for level in 0..depth.min(128) {
        bytes.push(0x6F);
        bytes.push(u8::try_from((depth - level - 1) * 2).unwrap_or(0x7F));
    }
    done(&bytes)
}

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

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn no_answer_makes_the_client_panic_or_wait(answers in vec(answer(), 1..12)) {
        let sent = match Client::select(Scripted::new(answers.clone())) {
            Ok(mut client) => {
                everything(&mut client);
                client.into_transport().sent
            }
            Err(_) => 1,
        };
        prop_assert!(sent < 40_000, "{sent}");
        let mut first = vec![selected(Role::Purse)];
        first.extend(answers);
        everything(&mut Client::select(Scripted::new(first)).unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    #[test]
    fn a_hostile_purse_pays_no_honest_merchant_and_gets_nothing(answers in vec(answer(), 1..8)) {
        let mut world = World::new();
        let mut first = vec![selected(Role::Purse)];
        first.extend(answers);
        let mut purse = Client::select(Scripted::new(first)).unwrap();
        let sold = purchase::sell(&mut purse, &mut client(&mut world.sam), &payment(1_00));
        prop_assert!(sold.is_err());
        prop_assert_eq!(world.assert_settled().sam, 0);
    }

    #[test]
    fn a_hostile_merchant_debits_no_honest_purse(answers in vec(answer(), 1..8)) {
        let mut world = World::new();
        world.load(20_00).unwrap();
        let mut first = vec![selected(Role::Merchant)];
        // An INITIALIZE that is right but for its req.
        first.push(done(&Initialized { number: party(9), sequence: Sequence(7), req: Authenticator([7; 8]) }.emit()));
        first.extend(answers);
        let mut sam = Client::select(Scripted::new(first)).unwrap();
        let sold = purchase::sell(&mut client(&mut world.purse), &mut sam, &payment(1_00));
        prop_assert!(sold.is_err());
        prop_assert_eq!(world.assert_settled().purse, 20_00);
    }

    #[test]
    fn a_hostile_card_ends_no_recovery(answers in vec(answer(), 1..8)) {
        let mut world = World::with_history();
        let mut first = vec![selected(Role::Merchant)];
        first.extend(answers);
        let mut hostile = Scripted::new(first);
        {
            let hostile: CardAtHand<'_> = Client::select(&mut hostile as &mut dyn Transport).unwrap();
            let mut cards = [hostile, client(&mut world.purse), client(&mut world.sam)];
            recovery::recover(&mut cards, Some(&mut world.issuer));
        }
        world.assert_settled();
        prop_assert!(world.recover().items.is_empty(), "the honest ones were finished");
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
struct Endless(Profile);

impl Transport for Endless {
    fn transmit<'a>(
        &mut self,
        command: &[u8],
        response: &'a mut ResponseBuffer,
    ) -> Result<&'a [u8], TransportError> {
        let request = apdu_spec::command::Request::parse(command).unwrap();
        let answer = match request.command().unwrap() {
            Command::Select(..) => done(&purse_control(&status(Role::Purse, self.0.number, u32::MAX))),
            Command::ReadEntry(sequence) => {
                let pay_details = pay_details(Kind::Purchase, 1, (self.0.number, sequence.0), (party(2), 0));
                done(&record(pay_details))
            }
            _ => done(&record(pay_details(Kind::Purchase, 1, (self.0.number, 0), (party(2), 0)))),
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
    let mut card = Client::select(Endless(Profile::purse(1, 0))).unwrap();
    assert!(card.open_records().unwrap().len() < 10_000);
}
