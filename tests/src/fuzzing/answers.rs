//! The terminal and a card that answers anything: what it takes for an answer is what the card has said, and it never
//! asks for ever.

use apdu_spec::command::table::{TAG_LOG_FORMAT, TAG_PIN_TRIES};
use apdu_spec::cryptography::{Authenticator, Tac};
use apdu_spec::element::{Amount, Expiry, Kind, Role, Sequence};
use apdu_spec::file::purse_control;
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::record::{LogRecord, RecordRole, RecordState};
use apdu_spec::status_block::StatusBlock;
use purse_terminal::client::Client;
use purse_terminal::reader::answer_to_reset::AnswerToReset;
use purse_terminal::transport::{ResponseBuffer, Transport, TransportError};

use super::input::Input;
use crate::scheme::{VERSION, eur, issuer, party, pay_details, voucher};

/// More commands than the longest log needs.
const MOST_COMMANDS: usize = 16_384;
/// Calls of the client in one input.
const MOST_CALLS: usize = 8;

/// Runs one conversation: a byte for the number of calls, the calls, then the answers.
///
/// # Panics
/// Where the terminal believes what was not said, or goes on for ever.
pub fn target(data: &[u8]) {
    answer_to_reset(data);
    let mut input = Input::new(data);
    let first = input.byte();
    let calls = input.slice(usize::from(first & 0x0F) % (MOST_CALLS + 1));
    // Seldom: a log that never ends takes long.
    let last_form = (first >> 4 == 0x0F).then_some(0xFE);
    let card = Anything { answers: input, last_form, last: Vec::new(), commands: 0 };
    let Ok(mut client) = Client::select(card) else { return };
    let block = client.status().emit();
    assert!(contains(&client.transport().last, &block), "a status block from nowhere");
    for call in calls {
        let before = client.transport().commands;
        perform(&mut client, *call);
        assert!(client.transport().commands - before <= MOST_COMMANDS, "it asks for ever");
    }
}

fn perform(client: &mut Client<Anything<'_>>, call: u8) {
    let status = *client.status();
    let pay_details = pay_details(Kind::Load, 5, (issuer(), 0), (status.number, status.sequence.0));
    match call % 15 {
        0 => {
            if let Ok(identity) = client.identity() {
                assert_eq!(client.transport().data(), identity.emit());
            }
        }
        1 => {
            if let Ok(balance) = client.balance(call / 15) {
                assert_eq!(client.transport().data(), balance.emit());
            }
        }
        2 => {
            let tag = if call & 1 == 0 { TAG_LOG_FORMAT } else { TAG_PIN_TRIES };
            if let Ok(value) = client.data_object(tag) {
                let data = client.transport().data();
                assert_eq!((&data[..2], &data[3..]), (&tag[..], &value[..]));
            }
        }
        3 => {
            if let Ok(tries) = client.pin_tries() {
                assert_eq!(client.transport().data()[3..], [tries]);
            }
        }
        4 => {
            let data = apdu_spec::command::InitializeData {
                kind: Kind::Load,
                key_version: status.key_version,
                currency: status.currency,
                amount: Amount(5),
                from: issuer(),
                from_sequence: status.sequence,
                time: pay_details.time,
            };
            if let Ok((found, _)) = client.initialize(&data) {
                assert_eq!(found.to, status.number);
            }
        }
        5 => {
            let _ = client.debit(&pay_details, Authenticator::default());
        }
        6 => {
            if let Ok(voucher) = client.proof(&pay_details) {
                assert_eq!(client.transport().data(), [voucher.val.0, voucher.tac.0].concat());
            }
        }
        7 => {
            if let Ok(ack) = client.credit(&voucher(&pay_details)) {
                assert_eq!(client.transport().data(), ack.0);
            }
        }
        8 => {
            let _ = client.decline(&voucher(&pay_details));
        }
        9 => {
            if let Ok(control) = client.log_control() {
                assert_eq!(client.transport().data(), control);
            }
        }
        10 => {
            if let Ok(Some(record)) = client.log_record(1 + call / 15) {
                assert_eq!(client.transport().data(), record.emit());
            }
        }
        11 => {
            let _ = client.exceptions();
        }
        12 => entries(client),
        13 => {
            for record in client.open_records().unwrap_or_default().records {
                let found = (record.role, record.state, record.pay_details.from);
                assert_eq!(found, (RecordRole::Payer, RecordState::Open, client.status().number));
            }
        }
        _ => {
            if let Ok(block) = client.reselect().copied() {
                assert_eq!(block.number, status.number, "another card is taken for this one");
                assert!(contains(&client.transport().last, &block.emit()));
            }
        }
    }
}

fn entries(client: &mut Client<Anything<'_>>) {
    let number = client.status().number;
    for (sequence, record) in client.entries(|_| false).unwrap_or_default() {
        let pay_details = record.pay_details;
        let own = match record.role {
            RecordRole::Payer => (pay_details.from, pay_details.from_sequence),
            RecordRole::Payee | RecordRole::Declined => (pay_details.to, pay_details.to_sequence),
            RecordRole::Reversal => (pay_details.from, sequence),
        };
        assert_eq!(own, (number, sequence));
    }
}

fn answer_to_reset(data: &[u8]) {
    let Some(answer) = AnswerToReset::parse(data) else { return };
    assert_eq!(answer.historical.len(), usize::from(data[1] & 15));
    assert!(contains(data, &answer.historical));
    assert!(!answer.protocols.is_empty() && answer.protocols.iter().all(|protocol| *protocol < 15));
    // A check byte or anything else behind it changes nothing.
    assert_eq!(AnswerToReset::parse(&[data, &[0x55]].concat()), Some(answer.clone()));
    assert!(answer.protocols_in_words().starts_with("T="));
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    part.is_empty() || bytes.windows(part.len()).any(|window| window == part)
}

/// A card as the input has it. An answer begins with a byte: its length, or one of the forms above E0 that a fuzzer
/// would not easily hit upon. Where the input ends the card is silent, or goes on as it last did.
#[derive(Debug)]
struct Anything<'a> {
    answers: Input<'a>,
    last_form: Option<u8>,
    last: Vec<u8>,
    commands: usize,
}

impl Anything<'_> {
    /// The last answer without its status word.
    fn data(&self) -> &[u8] {
        &self.last[..self.last.len() - 2]
    }

    fn answer(&mut self, form: u8, command: &[u8]) -> Vec<u8> {
        let succeed = |data: &[u8]| [data, &[0x90, 0x00]].concat();
        match form {
            0xFF => vec![0x69, 0x82],
            0xFE => vec![0x6A, 0x88],
            0xFD => vec![0x6A, 0x83],
            // The FCI of a purse.
            0xFC => succeed(&purse_control(&self.status_block())),
            // The record that was asked for.
            0xFB => {
                let asked =
                    command.get(5..9).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_be_bytes);
                succeed(&self.record(asked).emit())
            }
            // A success with so many nines of bytes.
            0xE0..0xFB => {
                let data = self.answers.slice(usize::from(form - 0xE0) * 9);
                succeed(data)
            }
            length => self.answers.slice(usize::from(length)).to_vec(),
        }
    }

    fn status_block(&mut self) -> StatusBlock {
        StatusBlock {
            life_cycle: self.answers.pick(&LifeCycle::ALL),
            role: self.answers.pick(&[Role::Purse, Role::Merchant]),
            number: party(1),
            key_version: VERSION,
            sequence: Sequence(u32::from(self.answers.number())),
            currency: eur(),
            exponent: 2,
            balance: Amount(u32::from(self.answers.number())),
            expiry: Expiry([0x30, 0x12]),
            maximum_balance: Amount(100_00),
        }
    }

    fn record(&mut self, sequence: u32) -> LogRecord {
        let form = self.answers.byte();
        let (own, other) = ((party(1), sequence), (party(2), 700));
        let role = [RecordRole::Payer, RecordRole::Payee, RecordRole::Declined, RecordRole::Reversal];
        let role = role[usize::from(form & 3)];
        let (from, to) = if matches!(role, RecordRole::Payer | RecordRole::Reversal) {
            (own, other)
        } else {
            (other, own)
        };
        let state = [RecordState::Open, RecordState::Settled][usize::from(form >> 2 & 1)];
        let pay_details = pay_details(Kind::Purchase, u32::from(form >> 3), from, to);
        LogRecord { pay_details, role, state, balance: Amount(7), tac: Tac::NONE }
    }
}

impl Transport for Anything<'_> {
    fn transmit<'b>(
        &mut self,
        command: &[u8],
        response: &'b mut ResponseBuffer,
    ) -> Result<&'b [u8], TransportError> {
        self.commands += 1;
        let form = if self.answers.is_empty() { self.last_form } else { Some(self.answers.byte()) };
        let form = form.ok_or(TransportError::ResponseLost)?;
        if self.last_form.is_some() {
            self.last_form = Some(form);
        }
        self.last = self.answer(form, command);
        let place = &mut response[..self.last.len()];
        place.copy_from_slice(&self.last);
        Ok(place)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    fn name(&self) -> &'static str {
        "anything"
    }
}
