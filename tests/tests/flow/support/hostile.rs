//! Cards that answer from a script, whatever they are asked.

use apdu_spec::element::{Amount, Expiry, Role, Sequence};
use apdu_spec::file::{CONTROL_LENGTH, purse_control};
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::number::PartyNumber;
use apdu_spec::status::StatusWord;
use apdu_spec::status_block::StatusBlock;
use proptest::collection::vec;
use proptest::prelude::*;
use purse_terminal::reader::procedure;
use purse_terminal::transport::{Protocol, ResponseBuffer, Transport, TransportError};
use purse_tests::scheme::{VERSION, eur, party};

/// How the answers of a script come to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// Each is a response APDU.
    Whole,
    /// Through a reader, which fetches what 61xx announces and corrects by 6Cxx.
    Reader(Protocol),
}

/// Answers from a script, over and over.
#[derive(Debug)]
pub(crate) struct Scripted {
    answers: Vec<Vec<u8>>,
    wire: Wire,
    next: usize,
    /// Every command that the card has seen.
    pub(crate) sent: Vec<Vec<u8>>,
}

impl Scripted {
    pub(crate) fn new(answers: Vec<Vec<u8>>) -> Self {
        Self::over(Wire::Whole, answers)
    }

    pub(crate) fn over(wire: Wire, answers: Vec<Vec<u8>>) -> Self {
        Self { answers, wire, next: 0, sent: Vec::new() }
    }

    /// SELECT gets this at first.
    pub(crate) fn selected(wire: Wire, status: &StatusBlock, answers: &[Vec<u8>]) -> Self {
        let first = done(&purse_control(status));
        Self::over(wire, [&[first], answers].concat())
    }

    fn exchange(&mut self, command: &[u8], response: &mut ResponseBuffer) -> usize {
        self.sent.push(command.to_vec());
        let answer = &self.answers[self.next % self.answers.len()];
        self.next += 1;
        response[..answer.len()].copy_from_slice(answer);
        answer.len()
    }
}

impl Transport for Scripted {
    fn transmit<'a>(
        &mut self,
        command: &[u8],
        response: &'a mut ResponseBuffer,
    ) -> Result<&'a [u8], TransportError> {
        let length = match self.wire {
            Wire::Whole => self.exchange(command, response),
            Wire::Reader(protocol) => {
                procedure::transmit(protocol, command, response, &mut |sent, answer| {
                    Ok(self.exchange(sent, answer))
                })?
            }
        };
        Ok(&response[..length])
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    fn name(&self) -> &'static str {
        "hostile"
    }
}

pub(crate) fn status(role: Role, number: PartyNumber, sequence: u32) -> StatusBlock {
    StatusBlock {
        life_cycle: LifeCycle::Active,
        role,
        number,
        key_version: VERSION,
        sequence: Sequence(sequence),
        currency: eur(),
        exponent: 2,
        balance: Amount(5000),
        expiry: Expiry([0x99, 0x12]),
        maximum_balance: Amount(15000),
    }
}

pub(crate) fn done(data: &[u8]) -> Vec<u8> {
    [data, &StatusWord::Success.emit()].concat()
}

pub(crate) fn selected(role: Role) -> Vec<u8> {
    done(&purse_control(&status(role, party(9), u32::MAX)))
}

pub(crate) fn wire() -> impl Strategy<Value = Wire> {
    prop_oneof![Just(Wire::Whole), Just(Wire::Reader(Protocol::T0)), Just(Wire::Reader(Protocol::T1)),]
}

/// What a card may call itself: an honest one, the issuer, or nobody that anyone knows.
pub(crate) fn called(role: Role) -> impl Strategy<Value = StatusBlock> {
    let number = prop_oneof![0..4_u64, Just(9)].prop_map(party);
    let sequence = prop_oneof![0..6_u32, Just(u32::MAX)];
    (number, sequence).prop_map(move |(number, sequence)| status(role, number, sequence))
}

/// Lengths that a command of the table really has, so that the answers come past the first check.
fn lengths() -> impl Strategy<Value = usize> {
    prop_oneof![Just(0), Just(8), Just(11), Just(16), Just(20), Just(50), Just(177), 0..=256_usize]
}

pub(crate) fn answer() -> impl Strategy<Value = Vec<u8>> {
    let status = prop_oneof![
        4 => Just(StatusWord::Success.code()),
        2 => (0..StatusWord::ALL.len()).prop_map(|place| StatusWord::ALL[place].code()),
        1 => any::<u8>().prop_map(|length| StatusWord::MoreData(length).code()),
        1 => any::<u8>().prop_map(|length| StatusWord::WrongExpected(length).code()),
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
pub(crate) fn nested(depth: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for level in 0..depth.min(128) {
        bytes.push(0x6F);
        bytes.push(u8::try_from((depth - level - 1) * 2).unwrap_or(0x7F));
    }
    done(&bytes)
}
