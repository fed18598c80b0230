//! One step of a history: what a few bytes of the input say.

use apdu_spec::certificate::{Certificate, CertificateBody};
use apdu_spec::command::{Command, Selection, Voucher};
use apdu_spec::curve::PublicKey;
use apdu_spec::element::{Amount, Expiry, KeyVersion, Kind, Role, Sequence};
use apdu_spec::file::APPLICATION;
use apdu_spec::number::PartyNumber;
use apdu_spec::parameter::{Parameter, Resolution};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::pocket::{Limits, PocketParameters};
use purse_terminal::simulated_memory::Cut;

use super::{Input, LIMITS, NUMBER};
use crate::card_model::Model;
use crate::scheme::{
    ISSUER_KEY, OTHER_VERSION, TIME, UNKNOWN_VERSION, VERSION, acknowledge, debit, eur, initialize, issuer,
    issuer_private_key, jpy, key_pair, party, pin, private_key, raw_script, reverse, script, signed, usd,
    voucher,
};
use crate::steps::PEER_SEQUENCE;

/// What happens.
pub(super) enum Action {
    Send(Vec<u8>),
    Reset,
    PowerCycle,
    /// It needs a record that is not there.
    Nothing,
}

/// One step.
pub(super) struct Step {
    pub(super) action: Action,
    /// The power fails then, or later.
    pub(super) cut: Option<Cut>,
    /// The card gets its time after the answer.
    pub(super) finish: bool,
}

const TAMPERED: u8 = 0x20;
const CUT: u8 = 0x40;
const UNFINISHED: u8 = 0x80;

/// Takes the next step of an input: a byte for what it is, and what belongs to it.
pub(super) fn next(input: &mut Input<'_>, model: &Model, last: &[u8]) -> Step {
    let first = input.byte();
    let mut action = action(first & 0x1F, input, model, last);
    if first & TAMPERED != 0
        && let Action::Send(command) = &mut action
    {
        let (place, bit) = (usize::from(input.byte()), input.byte() & 7);
        let length = command.len().max(1);
        if let Some(byte) = command.get_mut(place % length) {
            *byte ^= 1 << bit;
        }
    }
    let cut = (first & CUT != 0).then(|| input.cut());
    Step { action, cut, finish: first & UNFINISHED == 0 }
}

fn action(number: u8, input: &mut Input<'_>, model: &Model, last: &[u8]) -> Action {
    let command = match number {
        0..=2 => debit(&paying(input, model)),
        3 | 4 => Command::Credit(voucher(&paid(input, model))),
        5 => Command::Decline(voucher(&paid(input, model))),
        6 => initialize(&paid(input, model)),
        7..=15 => return of_a_record(number, input, model),
        16 | 17 => Command::Verify(Some(pin(if model.role() == Role::Purse { "1234" } else { "9999" }))),
        18 => Command::Verify(Some(pin("54321"))),
        19 => {
            let [old, new] = [input.byte(), input.byte()].map(|place| digits(place, model.role()));
            Command::ChangePin(pin(old), pin(new))
        }
        20 => input.pick(&[Command::Lock, Command::Unlock].each_ref()).clone(),
        21 => Command::Select(Selection::Application(&APPLICATION), true),
        22 => {
            let file = input.pick(&[[0x3F, 0], [0x2F, 0], [0, 0x15], [0, 0x18], [0, 0x19], [0, 0x16]]);
            Command::Select(Selection::File(file), input.byte() & 1 == 0)
        }
        23 => Command::GetBalance(input.byte() % 6),
        24 | 25 => return Action::Send(scripted(input, model)),
        26 => return Action::Send(last.to_vec()),
        27 => Command::VerifyCertificate(certificate(input)),
        28 => {
            let length = usize::from(input.byte());
            return Action::Send(input.slice(length).to_vec());
        }
        29 => return Action::Reset,
        30 => Command::Verify(None),
        _ => return Action::PowerCycle,
    };
    Action::Send(command.emit().as_bytes().to_vec())
}

/// That of a peer, mostly; or one that is wrong in something: its own, of a SAM, under another key index, of nobody's key,
/// with another signature.
fn certificate(input: &mut Input<'_>) -> Certificate {
    let choice = input.byte();
    let right = key_pair(party(2 + u64::from(choice & 1))).certificate;
    let body = right.body;
    match choice >> 1 & 15 {
        15 => key_pair(party(NUMBER)).certificate,
        14 => signed(CertificateBody { role: Role::Merchant, ..body }, &issuer_private_key()),
        13 => signed(CertificateBody { issuer_key: ISSUER_KEY ^ 1, ..body }, &issuer_private_key()),
        12 => signed(CertificateBody { public_key: PublicKey([1; 64]), ..body }, &issuer_private_key()),
        11 => signed(body, &private_key(body.number)),
        10 => Certificate { body: CertificateBody { expiry: Expiry([0x31, 0x01]), ..body }, ..right },
        _ => right,
    }
}

/// A PIN; the first one is that of the card's profile.
fn digits(place: u8, role: Role) -> &'static str {
    match (place % 3, role) {
        (0, Role::Purse) => "1234",
        (0, Role::Merchant) => "9999",
        (1, _) => "123456789012",
        _ => "54321",
    }
}

/// A command about a transaction that has been, or one that has not.
fn of_a_record(number: u8, input: &mut Input<'_>, model: &Model) -> Action {
    let back = input.byte();
    let length = model.state.entries.len();
    let place = if back >= 0xF0 { length } else { length.wrapping_sub(1 + usize::from(back % 32)) };
    let sequence = Sequence(u32::try_from(place).unwrap_or(0));
    let Some(entry) = model.state.entries.get(place).or(model.state.entries.last()) else {
        return Action::Nothing;
    };
    let known = entry.pay_details;
    let command = match number {
        7 | 8 => acknowledge(&PayDetails { from_sequence: sequence, ..known }),
        9 => reverse(&PayDetails { from_sequence: sequence, ..known }),
        10 => debit(&PayDetails { from_sequence: sequence, ..known }),
        11 => Command::Credit(Voucher { tac: entry.tac, ..voucher(&old(input, sequence, known, model)) }),
        12 => Command::Decline(voucher(&old(input, sequence, known, model))),
        13 => Command::GetProof(sequence),
        14 => Command::ReadEntry(sequence),
        _ => {
            let resolution = input.pick(&[Resolution::Settled, Resolution::Reversed]);
            let parameter = Parameter::Resolve { sequence, tac: entry.tac, resolution };
            return Action::Send(script(model.number(), counter(input, model), &parameter));
        }
    };
    Action::Send(command.emit().as_bytes().to_vec())
}

/// Pay details of an old sequence of this payee: those of the record, or others.
fn old(input: &mut Input<'_>, sequence: Sequence, known: PayDetails, model: &Model) -> PayDetails {
    let mode = input.byte();
    let pay_details = if mode & 1 == 0 { known } else { paid(input, model) };
    let from_sequence = if pay_details.kind == Kind::Load { sequence } else { pay_details.from_sequence };
    PayDetails { to: model.number(), to_sequence: sequence, from_sequence, ..pay_details }
}

fn paying(input: &mut Input<'_>, model: &Model) -> PayDetails {
    let kinds = match model.role() {
        Role::Purse => [
            Kind::Purchase,
            Kind::Unload,
            Kind::Purchase,
            Kind::Transfer,
            Kind::Unload,
            Kind::Purchase,
            Kind::Refund,
            Kind::Transfer,
        ],
        Role::Merchant => [
            Kind::Refund,
            Kind::Unload,
            Kind::Refund,
            Kind::Unload,
            Kind::Refund,
            Kind::Unload,
            Kind::Purchase,
            Kind::Load,
        ],
    };
    let deal = deal(input, kinds, model);
    let from = (model.number(), Sequence(model.next()));
    deal.pay_details(from, (deal.peer, deal.peer_sequence))
}

fn paid(input: &mut Input<'_>, model: &Model) -> PayDetails {
    let kinds = match model.role() {
        Role::Purse => [
            Kind::Load,
            Kind::Refund,
            Kind::Load,
            Kind::Transfer,
            Kind::Load,
            Kind::Refund,
            Kind::Purchase,
            Kind::Transfer,
        ],
        Role::Merchant => [
            Kind::Purchase,
            Kind::Load,
            Kind::Purchase,
            Kind::Purchase,
            Kind::Load,
            Kind::Purchase,
            Kind::Unload,
            Kind::Refund,
        ],
    };
    let deal = deal(input, kinds, model);
    let to = (model.number(), Sequence(model.next()));
    deal.pay_details((deal.peer, deal.peer_sequence), to)
}

/// What two parties agree on, but for who is which.
struct Deal {
    kind: Kind,
    key_version: KeyVersion,
    currency: apdu_spec::element::Currency,
    amount: Amount,
    peer: PartyNumber,
    peer_sequence: Sequence,
}

impl Deal {
    fn pay_details(
        &self,
        (from, from_sequence): (PartyNumber, Sequence),
        (to, to_sequence): (PartyNumber, Sequence),
    ) -> PayDetails {
        let Self { kind, key_version, currency, amount, .. } = *self;
        PayDetails { kind, key_version, currency, amount, from, from_sequence, to, to_sequence, time: TIME }
    }
}

/// One byte for kind, currency, peer and key version, one for the amount; mostly what a card takes.
fn deal(input: &mut Input<'_>, kinds: [Kind; 8], model: &Model) -> Deal {
    let choice = input.byte();
    let kind = kinds[usize::from(choice & 7)];
    let with_issuer = matches!(kind, Kind::Load | Kind::Unload);
    let amount = match input.byte() {
        amount @ 0..=0xEF => u32::from(amount),
        0xF0..=0xF7 => 1_000,
        0xF8..=0xFB => u32::MAX / 2,
        _ => u32::MAX,
    };
    let (peer, peer_sequence) = match (choice >> 5 & 3, with_issuer) {
        (0 | 1, true) => (issuer(), Sequence(model.next())),
        (2, true) => (issuer(), Sequence(PEER_SEQUENCE)),
        (3, true) => (party(2), Sequence(model.next())),
        (3, false) => (party(NUMBER), Sequence(PEER_SEQUENCE)),
        (peer, _) => (party(2 + u64::from(peer & 1)), Sequence(PEER_SEQUENCE)),
    };
    let key_version = match (choice & 0x80 != 0, kind, model.role()) {
        (false, Kind::Transfer, _) => KeyVersion::NONE,
        (false, ..) => VERSION,
        (true, Kind::Purchase | Kind::Refund, Role::Merchant) => OTHER_VERSION,
        _ => UNKNOWN_VERSION,
    };
    let currency = [eur(), eur(), usd(), jpy()][usize::from(choice >> 3 & 3)];
    Deal { kind, key_version, currency, amount: Amount(amount), peer, peer_sequence }
}

/// Mostly the next one.
fn counter(input: &mut Input<'_>, model: &Model) -> u32 {
    let last = model.counter();
    match input.byte() {
        0xFF => 0,
        0xFE => last,
        0xFD => u32::MAX,
        0xFC => last.wrapping_add(1 << 16),
        _ => last.wrapping_add(1),
    }
}

fn scripted(input: &mut Input<'_>, model: &Model) -> Vec<u8> {
    let pocket = input.byte() % 6;
    let limits = Limits { maximum_debit: Amount(u32::from(input.byte())), ..LIMITS };
    let parameter = match input.byte() % 12 {
        0 => Parameter::Limits { pocket, limits },
        1 => {
            let currency = input.pick(&[jpy(), usd(), apdu_spec::element::Currency([0x0A, 0])]);
            Parameter::NewPocket { pocket, parameters: PocketParameters { currency, exponent: 0, limits } }
        }
        2 => Parameter::Expiry(Expiry([0x31, input.byte()])),
        3 | 4 => Parameter::PinTries,
        5 => Parameter::Block,
        6 => Parameter::Unblock,
        7 => Parameter::Terminate,
        8 => Parameter::ClearLock,
        9 => Parameter::ForgetMaster(input.pick(&[OTHER_VERSION, VERSION, UNKNOWN_VERSION])),
        _ => {
            let (id, length) = (input.byte(), usize::from(input.byte() % 29));
            let value = input.slice(length);
            return raw_script(model.number(), counter(input, model), id, value);
        }
    };
    script(model.number(), counter(input, model), &parameter)
}
