//! A purse beside the model of it, through any history in a tiny window.

use apdu_spec::command::{Command, Selection};
use apdu_spec::element::{Amount, Kind, Sequence};
use apdu_spec::file::APPLICATION;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::pocket::Limits;
use apdu_spec::record::RecordRole;
use proptest::prelude::*;
use purse_tests::bench_card::BenchCard;
use purse_tests::card_model::{Model, Sizes, View};
use purse_tests::scheme::{
    Profile, acknowledge, debit, initialize, issuer, key_pair, party, pin, private_key, reverse, signed,
    voucher,
};

const SIZES: Sizes = Sizes { window: 6, exceptions: 2 };
const LIMITS: Limits = Limits {
    maximum_balance: Amount(100),
    maximum_debit: Amount(50),
    debit_without_pin: Amount(20),
    total_without_pin: Amount(40),
    maximum_transfer: Amount(30),
    offline_receipts: Amount(60),
};

type Card = BenchCard<{ SIZES.window }, { SIZES.exceptions }>;

#[derive(Clone, Copy, Debug)]
enum Step {
    Pay(Kind, u32),
    Receive(Kind, u32),
    Decline(Kind, u32),
    /// By how far back the record lies.
    Acknowledge(usize),
    Reverse(usize),
    Repeat(usize),
    Prove(usize),
    /// VERIFY CERTIFICATE of the purse of this number; of the card's own too.
    Meet(u64),
    /// Of that purse, but signed by it.
    MeetForged(u64),
    Verify,
    NewSession,
    PowerCycle,
}

fn step() -> impl Strategy<Value = Step> {
    let back = 0..SIZES.window * 2;
    let amount = prop_oneof![1_u32..30, 1_u32..110];
    let payment = prop_oneof![3 => Just(Kind::Purchase), 1 => Just(Kind::Unload), 3 => Just(Kind::Transfer)];
    let receipt = prop_oneof![Just(Kind::Load), Just(Kind::Refund), Just(Kind::Transfer)];
    prop_oneof![
        6 => (payment, amount.clone()).prop_map(|(kind, amount)| Step::Pay(kind, amount)),
        4 => (receipt.clone(), amount.clone()).prop_map(|(kind, amount)| Step::Receive(kind, amount)),
        1 => (receipt, amount).prop_map(|(kind, amount)| Step::Decline(kind, amount)),
        4 => back.clone().prop_map(Step::Acknowledge),
        3 => back.clone().prop_map(Step::Reverse),
        1 => back.clone().prop_map(Step::Repeat),
        1 => back.prop_map(Step::Prove),
        5 => prop_oneof![8 => Just(2), 2 => Just(3), 1 => Just(1)].prop_map(Step::Meet),
        1 => (2..4_u64).prop_map(Step::MeetForged),
        2 => Just(Step::Verify),
        1 => Just(Step::NewSession),
        1 => Just(Step::PowerCycle),
    ]
}

/// Sends it to both: the same answer, and nothing written that the model does not remember.
fn send(card: &mut Card, model: &mut Model, command: &Command<'_>) {
    let sent = command.emit();
    let prediction = model.answer(sent.as_bytes());
    let before = card.card.memory().counts();
    let answer = card.transmit(sent.as_bytes());
    assert_eq!(Some(answer), prediction.answer, "{command:?}");
    assert!(prediction.writes || card.card.memory().counts() == before, "{command:?} wrote");
}

/// One history, compared after every step.
fn run(steps: Vec<Step>) {
    let profile = Profile { limits: LIMITS, ..Profile::purse(1, 80) }.with_key_pair();
    let mut card = Card::new(&profile);
    let mut model = Model::new(&profile, SIZES);
    let select = Command::Select(Selection::Application(&APPLICATION), true);
    for step in steps {
        let peer = |kind| if matches!(kind, Kind::Load | Kind::Unload) { issuer() } else { party(2) };
        // Pay details whose sequence as the payer is that of this place, whatever the record there is.
        let back = |back: usize| {
            let place = model.state.entries.len().checked_sub(back + 1)?;
            let from_sequence = Sequence(u32::try_from(place).unwrap());
            let entry = model.state.entries[place];
            Some((PayDetails { from_sequence, ..entry.pay_details }, entry.role))
        };
        let command = match step {
            Step::Pay(kind, amount) => debit(&card.paying(kind, amount, peer(kind))),
            Step::Receive(kind, amount) => {
                let pay_details = card.paid(kind, amount, peer(kind));
                send(&mut card, &mut model, &initialize(&pay_details));
                Command::Credit(voucher(&pay_details))
            }
            Step::Decline(kind, amount) => Command::Decline(voucher(&card.paid(kind, amount, peer(kind)))),
            Step::Acknowledge(place) => {
                let Some((pay_details, _)) = back(place) else { continue };
                acknowledge(&pay_details)
            }
            Step::Reverse(place) => {
                let Some((pay_details, _)) = back(place) else { continue };
                reverse(&pay_details)
            }
            Step::Repeat(place) => {
                let Some((pay_details, RecordRole::Payer)) = back(place) else { continue };
                debit(&pay_details)
            }
            Step::Prove(place) => {
                let Some((pay_details, _)) = back(place) else { continue };
                Command::GetProof(pay_details.from_sequence)
            }
            Step::Meet(number) => Command::VerifyCertificate(key_pair(party(number)).certificate),
            Step::MeetForged(number) => {
                let number = party(number);
                let body = key_pair(number).certificate.body;
                Command::VerifyCertificate(signed(body, &private_key(number)))
            }
            Step::Verify => Command::Verify(Some(pin("1234"))),
            Step::NewSession => select.clone(),
            Step::PowerCycle => {
                card = card.power_cycled();
                model.reset();
                select.clone()
            }
        };
        send(&mut card, &mut model, &command);
        assert_eq!(View::of(&mut card), model.view(), "after {step:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_purse_does_what_section_7_says(steps in prop::collection::vec(step(), 1..60)) {
        run(steps);
    }
}
