//! Everything that a card can be asked, and what it answers as long as it is whole.

use apdu_spec::command::{Command, Request, Selection};
use apdu_spec::element::{Kind, Role, Sequence};
use apdu_spec::file::APPLICATION;
use apdu_spec::parameter::Parameter;
use apdu_spec::record::LogRecord;
use purse_terminal::simulated_memory::SimulatedMemory;

use super::{TinyCard, fresh, power_up};
use crate::bench_card::Answer;
use crate::scheme::{
    Profile, acknowledge, debit, initialize, issuer, key_pair, party, pay_details, pin, reverse, script,
    voucher,
};

/// A command with its right answer, and all that the card says of itself after it.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) command: Vec<u8>,
    pub(super) answer: Answer,
    pub(super) after: Vec<Answer>,
}

/// What a card that is whole answers, from power-up on.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) before: Vec<Answer>,
    pub(super) steps: Vec<Step>,
}

/// Everything that the card says of itself, and of every record that may be there.
pub(super) fn look(card: &mut TinyCard) -> Vec<Answer> {
    let select = Command::Select(Selection::Application(&APPLICATION), true);
    let mut commands = vec![select, Command::ReadBinary(Some(0x15), 0), Command::GetData([0x9F, 0x17])];
    commands.extend((1..=2).map(|number| Command::ReadRecord(Some(0x19), number)));
    let answers: Vec<Answer> = commands.iter().map(|command| card.send(command)).collect();
    let next = answers[1]
        .data
        .get(12..16)
        .map_or(0, |bytes| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
    let records =
        (next.saturating_sub(8)..next).map(|sequence| card.send(&Command::ReadEntry(Sequence(sequence))));
    let records: Vec<Answer> = records.collect();
    [answers, records].concat()
}

/// Plays everything that a card can be asked, and writes down what it answered.
pub(super) fn script_of(profile: &Profile, image: &SimulatedMemory) -> Script {
    let before = look(&mut power_up(fresh(image)).expect("the image is whole"));
    let mut card = power_up(fresh(image)).expect("the image is whole");
    let mut steps = Vec::new();
    play(profile, &mut card, &mut |card, command| {
        let answer = card.transmit(command);
        let after = look(&mut power_up(fresh(card.card.memory())).expect("the card is whole"));
        steps.push(Step { command: command.to_vec(), answer, after });
    });
    Script { before, steps }
}

/// What a card pays, takes, and from whom.
pub(crate) const fn business(role: Role) -> (u64, Kind, Kind) {
    match role {
        Role::Purse => (2, Kind::Purchase, Kind::Refund),
        Role::Merchant => (1, Kind::Refund, Kind::Purchase),
    }
}

/// The other purse of a purse that takes part in transfers.
pub(crate) const PEER: u64 = 3;

/// VERIFY CERTIFICATE of that one.
pub(crate) fn meeting() -> Command<'static> {
    Command::VerifyCertificate(key_pair(party(PEER)).certificate)
}

/// Every command of the table, those that write more than once so that the log goes round and pages are built.
fn play(profile: &Profile, card: &mut TinyCard, send: &mut dyn FnMut(&mut TinyCard, &[u8])) {
    let own = profile.number;
    let (peer, pays, takes) = business(profile.role);
    let peer = party(peer);
    let mut go = |card: &mut TinyCard, command: &Command<'_>| send(card, command.emit().as_bytes());
    go(card, &Command::Select(Selection::Application(&APPLICATION), true));
    go(card, &Command::ReadBinary(Some(0x15), 0));
    go(card, &Command::GetData([0x9F, 0x17]));
    go(card, &Command::GetData([0x9F, 0x4F]));
    for number in 1..=4 {
        go(card, &Command::ReadRecord(Some(0x18), number));
        go(card, &Command::ReadRecord(Some(0x19), number));
        go(card, &Command::GetBalance(number));
    }
    let next = card.sequence().0;
    let past = next.saturating_sub(8)..=next;
    for sequence in past.clone().map(Sequence) {
        go(card, &Command::ReadEntry(sequence));
        go(card, &Command::GetProof(sequence));
    }
    go(card, &Command::Verify(None));
    go(card, &Command::Verify(Some(pin("0000"))));
    go(card, &Command::Verify(Some(pin(profile.pin))));
    go(card, &Command::ChangePin(pin(profile.pin), pin("2222")));
    go(card, &Command::Lock);
    go(card, &Command::Unlock);
    go(card, &meeting());
    // What is still open is brought to its end, in one way and, where that is refused, in the other.
    let exceptions = (1..=2).map(|number| Command::ReadRecord(Some(0x19), number));
    let entries = past.map(|sequence| Command::ReadEntry(Sequence(sequence)));
    let answers: Vec<Answer> = exceptions.chain(entries).map(|command| card.send(&command)).collect();
    for answer in answers {
        if let Some(record) = answer.data.try_into().ok().and_then(|bytes| LogRecord::parse(&bytes).ok()) {
            go(card, &reverse(&record.pay_details));
            go(card, &acknowledge(&record.pay_details));
        }
    }
    for round in 0..3_u32 {
        let spent = pay_details(pays, 10 + round, card.side(), (peer, 900 + round));
        go(card, &debit(&spent));
        go(card, &debit(&spent));
        go(card, &acknowledge(&spent));
        let taken = pay_details(takes, 5, (peer, 950 + round), card.side());
        go(card, &initialize(&taken));
        go(card, &Command::Credit(voucher(&taken)));
        let load = card.paid(Kind::Load, 30, issuer());
        go(card, &initialize(&load));
        go(card, &Command::Credit(voucher(&load)));
        go(card, &Command::Credit(voucher(&load)));
        let declined = card.paid(Kind::Load, 40, issuer());
        go(card, &Command::Decline(voucher(&declined)));
        let unload = card.paying(Kind::Unload, 7, issuer());
        go(card, &debit(&unload));
        go(card, &if round == 1 { reverse(&unload) } else { acknowledge(&unload) });
        if profile.key_pair.is_some() {
            transfers(card, round, &mut go);
        }
        let counter = card.identity().administration_counter + 1;
        let issuers = script(own, counter, &Parameter::PinTries);
        let request = Request::parse(&issuers).and_then(|request| request.command());
        go(card, &request.expect("a script"));
    }
    go(card, &Command::StoreData(true, 0, &[]));
    go(card, &Command::ReadBinary(Some(0x15), 0));
}

/// One transfer to the other purse and two from it, of which one is declined.
fn transfers(card: &mut TinyCard, round: u32, go: &mut dyn FnMut(&mut TinyCard, &Command<'_>)) {
    let peer = party(PEER);
    let sent = pay_details(Kind::Transfer, 3 + round, card.side(), (peer, 700 + round));
    go(card, &debit(&sent));
    go(card, &debit(&sent));
    go(card, &if round == 1 { reverse(&sent) } else { acknowledge(&sent) });
    let taken = pay_details(Kind::Transfer, 4, (peer, 750 + 2 * round), card.side());
    go(card, &initialize(&taken));
    go(card, &Command::Credit(voucher(&taken)));
    go(card, &Command::Credit(voucher(&taken)));
    let declined = pay_details(Kind::Transfer, 5, (peer, 751 + 2 * round), card.side());
    go(card, &Command::Decline(voucher(&declined)));
}
