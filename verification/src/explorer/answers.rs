//! What a card's answers say, held against what its memory holds.

use apdu_spec::command::response::parse_authenticator;
use apdu_spec::command::table::TAG_PIN_TRIES;
use apdu_spec::command::{Command, Initialized, Proof};
use apdu_spec::element::Sequence;
use apdu_spec::file::File;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::{RecordRole, RecordState};
use apdu_spec::status::StatusWord;
use purse_tests::scheme::party;

use super::laboratory::Laboratory;
use super::message::{Message, Order, Word, agreed};
use super::post::Post;
use super::specimen::{Identity, Response, Shipped, process};
use crate::content::{Content, Past};
use crate::property::Property;

impl<const WINDOW: usize, const EXCEPTIONS: usize> Laboratory<WINDOW, EXCEPTIONS> {
    /// Reads an answer, and looks whether memory says so too.
    pub(super) fn told(
        &mut self,
        order: &Order,
        (data, status): &Response,
        before: &Identity,
        durable: &Content,
        post: &mut Post,
    ) -> Option<u16> {
        if *status != StatusWord::Success {
            return None;
        }
        self.has_its_peer(order, before, durable);
        let said = |pay_details, word, mac, tac| Some(Message { pay_details, word, mac, tac });
        let settled = |sequence: u32| durable.history.get(sequence as usize);
        let (message, true_in_memory) = match order {
            Order::Initialize(kind, currency, amount, from, from_sequence) => {
                let asked = Initialized::parse(data).ok()?;
                let to = (asked.number, asked.sequence.0);
                let pay_details = agreed(*kind, *currency, *amount, (*from, *from_sequence), to);
                let is_own = asked.number == party(before.party as u64 + 1);
                self.tally.check(Property::DebitOnRequest, is_own, || {
                    format!("{order:?} asks in the name of {}: {:?}", asked.number, before.content)
                });
                (said(pay_details, Word::Req, asked.req.0, [0; 8]), asked.sequence.0 == durable.next())
            }
            Order::Debit(pay_details, _) => {
                let proof = Proof::parse(data).ok()?;
                let holds = is_debited(durable, pay_details);
                (said(*pay_details, Word::Val, proof.val.0, proof.tac.0), holds)
            }
            Order::Prove(sequence) => {
                let proof = Proof::parse(data).ok()?;
                let record = settled(*sequence).filter(|past| past.role == RecordRole::Payer);
                let message =
                    record.and_then(|past| said(past.pay_details, Word::Val, proof.val.0, proof.tac.0));
                (message, record.is_some())
            }
            Order::Credit(Message { pay_details, .. }) => {
                let ack = parse_authenticator(data).ok()?;
                let last_load = durable.last_load == pay_details.to_sequence.0;
                let holds = durable.has_credited(pay_details) || last_load;
                (said(*pay_details, Word::Ack, ack.0, [0; 8]), holds)
            }
            Order::Decline(Message { pay_details, .. }) => {
                let nack = parse_authenticator(data).ok()?;
                let credited = durable.has_credited(pay_details);
                self.tally.check(Property::OneEnd, !credited, || {
                    format!("a nack for what was credited, {pay_details:?}, by {durable:?}")
                });
                let never = Sequence(durable.next()) > pay_details.to_sequence
                    && !durable.history.iter().any(|past| {
                        past.in_log && past.role == RecordRole::Payee && past.pay_details == *pay_details
                    });
                (said(*pay_details, Word::Nack, nack.0, [0; 8]), never)
            }
            Order::Acknowledge(sequence, _) => (
                None,
                settled(*sequence)
                    .is_some_and(|past| matches!(past.state, RecordState::Settled | RecordState::Refunded)),
            ),
            Order::Reverse(sequence, _) => {
                let is_reversal =
                    |past: &Past| past.role == RecordRole::Reversal && past.reference == Some(*sequence);
                (None, durable.history.iter().any(is_reversal))
            }
            Order::Verify(right) => (None, *right && durable.tries[0] == durable.tries[1]),
            Order::Lock(locked) => (None, durable.flags[1] == *locked),
            Order::Script(bytes, resolved) => (None, has_obeyed(bytes, *resolved, &before.content, durable)),
            Order::Meet(_) | Order::Reset => return None,
        };
        self.tally.check(Property::RecordBeforeResponse, true_in_memory, || {
            format!("{order:?} answered {data:02X?} on {:?}, and memory has {durable:?}", before.content)
        });
        message.map(|message| post.send(message))
    }
}

/// All that a card answers to who only reads: what it is, and every record. No SELECT, which would end its session.
pub(super) fn says<const WINDOW: usize, const EXCEPTIONS: usize>(
    card: &mut Shipped<WINDOW, EXCEPTIONS>,
    content: &Content,
) -> Vec<Response> {
    let mut commands = vec![
        Command::ReadBinary(File::Identity.short_identifier(), 0),
        Command::GetData(TAG_PIN_TRIES),
        Command::GetBalance(0),
    ];
    commands.extend((0..=content.next()).map(|sequence| Command::ReadEntry(Sequence(sequence))));
    for number in 1..=u8::try_from(EXCEPTIONS + 1).unwrap_or(u8::MAX) {
        commands.push(Command::ReadRecord(File::Exceptions.short_identifier(), number));
    }
    commands.iter().map(|command| process(card, command.emit().as_bytes())).collect()
}

/// Whether memory has what a script that was answered 9000 asks for. One that has been accepted before is answered so
/// too, whatever has happened since; and so is one that resolves a record that is over.
fn has_obeyed(bytes: &[u8], resolved: Option<u32>, before: &Content, durable: &Content) -> bool {
    let counter = bytes.get(5..).and_then(<[u8]>::first_chunk).map(|counter| u32::from_be_bytes(*counter));
    let Some(counter) = counter else { return false };
    if let Some(sequence) = resolved {
        let past = durable.history.get(sequence as usize);
        return past.is_some_and(|past| past.state != RecordState::Open);
    }
    let [blocked, locked, terminated] = durable.flags;
    let is_new = before.script.0 < counter;
    let has_effect = match bytes.get(9) {
        Some(0x04) => durable.tries[0] == durable.tries[1],
        Some(0x05) => blocked,
        Some(0x06) => !blocked,
        Some(0x07) => terminated,
        Some(0x09) => !locked,
        // Limits, pockets, expiry and masters.
        _ => durable.parameters != before.parameters,
    };
    durable.script.0 >= counter && (has_effect || !is_new)
}

/// Whether this card has debited itself with these pay details.
fn is_debited(content: &Content, pay_details: &PayDetails) -> bool {
    content.history.iter().any(|past| past.role == RecordRole::Payer && past.pay_details == *pay_details)
}
