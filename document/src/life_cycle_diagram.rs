//! The state diagram of the life cycle: every state, every command that could leave it, tried on the reference card.

use std::collections::BTreeMap;

use apdu_spec::command::{Command, CommandName, DebitData, ParameterBytes, Script, table};
use apdu_spec::cryptography::{Authenticator, Engine as _, KeyPurpose, Tac, script_mac, tac};
use apdu_spec::element::{Amount, KeyVersion, Kind, Sequence};
use apdu_spec::file::FLAG_DISPOSABLE;
use apdu_spec::parameter::{self, Parameter, Resolution};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::personalisation::{CardProfile, PocketGroup};
use apdu_spec::pocket::{Limits, POCKETS, PocketParameters};
use apdu_spec::software::Software;
use purse_reference::card::ReferenceCard;
use purse_reference::memory::Sizes;
use purse_reference::standard::Standard;

use crate::Outcome;
use crate::picture::{Anchor, Picture};
use crate::scheme::{EXPIRY, PIN, TIME, VERSION, Who, currency, key, pin, session, with_profile};

/// A state: life cycle byte, and whether the lock is set below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct State {
    pub(crate) life_cycle: u8,
    pub(crate) is_locked: bool,
}

/// What leads from one state to another.
pub(crate) type Edges = BTreeMap<(State, State), Vec<String>>;

const fn state(life_cycle: u8, is_locked: bool) -> State {
    State { life_cycle, is_locked }
}

/// Name and place of each.
const STATES: [(State, &str, (i32, i32)); 6] = [
    (state(0x01, false), "BLANK 01", (110, 60)),
    (state(0x07, false), "ACTIVE 07", (430, 60)),
    (state(0x06, true), "LOCKED 06", (430, 290)),
    (state(0x04, false), "BLOCKED 04", (860, 60)),
    (state(0x04, true), "BLOCKED 04, lock set", (860, 290)),
    (state(0x0C, false), "TERMINATED 0C", (645, 490)),
];

/// Byte and place of the last state.
const END: (u8, (i32, i32)) = (0x0C, (645, 490));

/// A state's name.
pub(crate) fn name(of: State) -> &'static str {
    STATES.iter().find(|(state, ..)| *state == of).map_or("", |(_, name, _)| name)
}

/// SELECT of the application, and the command.
fn send(card: &mut ReferenceCard<'_>, commands: &[Vec<u8>]) -> Outcome<()> {
    for command in commands {
        card.process(command)?;
    }
    Ok(())
}

fn state_of(card: &mut ReferenceCard<'_>) -> Outcome<State> {
    let answer = card.process(&apdu(&select()))?.response;
    let life_cycle = answer.get(16).copied().ok_or("SELECT answers with the status block")?;
    let lock = card.memory.value("LOCK.FLAG", 0).and_then(purse_reference::value::Value::number);
    Ok(State { life_cycle, is_locked: lock == Some(1) && life_cycle != 0x0C })
}

fn apdu(command: &Command<'_>) -> Vec<u8> {
    command.emit().as_bytes().to_vec()
}

const fn select() -> Command<'static> {
    Command::Select(apdu_spec::command::Selection::Application(&apdu_spec::file::APPLICATION), true)
}

fn verify() -> Outcome<Vec<u8>> {
    Ok(apdu(&Command::Verify(Some(pin(PIN)?))))
}

/// The one block that makes a purse with these pockets; for a key pair there is no room in it.
fn store_data(profile: &CardProfile<'_>, pockets: [Option<PocketGroup>; POCKETS]) -> Vec<u8> {
    let profile = CardProfile {
        identity: profile.identity,
        pockets,
        keys: profile.keys.clone(),
        masters: profile.masters,
        pin: profile.pin.clone(),
        key_pair: None,
    };
    let mut block = Vec::new();
    profile.groups(&Software, |group| block.extend_from_slice(group));
    apdu(&Command::StoreData(true, 0, &block))
}

/// A script with the next counter.
fn script(card: &ReferenceCard<'_>, parameter: &Parameter) -> Outcome<Vec<u8>> {
    let last = card.memory.value("ADMN.COUNTER", 0).and_then(purse_reference::value::Value::number);
    let counter = u32::try_from(last.ok_or("a counter")?)? + 1;
    let bytes = ParameterBytes::new(parameter);
    let mac = Authenticator::default();
    let mut script = Script { counter, id: parameter.id(), value: bytes.value(), mac };
    let mut admn = Software.load(&key(KeyPurpose::Administration, Who::Purse.number()?));
    script.mac = script.signed(|signed| script_mac(&Software, &mut admn, signed));
    Ok(apdu(&Command::UpdateParameter(script)))
}

/// Personalised, and brought into every state that a personalised card can be in without being terminated.
fn alive<'a>(standard: &'a Standard, disposable: bool) -> Outcome<Vec<ReferenceCard<'a>>> {
    let blank = ReferenceCard::blank(standard, Sizes { window: 32, exceptions: 8 });
    let mut active = blank.clone();
    let flags = if disposable { FLAG_DISPOSABLE } else { 0 };
    let block = with_profile(Who::Purse, flags, |profile| {
        let mut pockets = profile.pockets;
        if disposable {
            pockets = pockets.map(|pocket| pocket.map(|pocket| PocketGroup { balance: SPENT, ..pocket }));
        }
        Ok(store_data(profile, pockets))
    })?;
    send(&mut active, &[apdu(&select()), block])?;
    if disposable {
        send(&mut active, &[apdu(&select()), apdu(&Command::Debit(debit()?))])?;
    }
    let lock = |card: &ReferenceCard<'a>| {
        let mut card = card.clone();
        send(&mut card, &[apdu(&select()), verify()?, apdu(&Command::Lock)]).map(|()| card)
    };
    let block = |card: &ReferenceCard<'a>| {
        let mut card = card.clone();
        let script = script(&card, &Parameter::Block)?;
        send(&mut card, &[apdu(&select()), script]).map(|()| card)
    };
    let (locked, blocked) = (lock(&active)?, block(&active)?);
    let both = block(&locked)?;
    Ok(vec![active, locked, blocked, both])
}

/// All that a disposable purse holds, spent at once.
const SPENT: Amount = Amount(1_000);

/// The payment that empties a disposable purse.
fn payment() -> Outcome<PayDetails> {
    Ok(PayDetails {
        kind: Kind::Purchase,
        key_version: VERSION,
        currency: currency()?,
        amount: SPENT,
        from: Who::Purse.number()?,
        from_sequence: Sequence(0),
        to: Who::Sam.number()?,
        to_sequence: Sequence(0),
        time: TIME,
    })
}

fn debit() -> Outcome<DebitData> {
    let payment = payment()?;
    Ok(DebitData::new(&payment, session(&payment)?.req()))
}

fn certificate() -> Outcome<Tac> {
    let payment = payment()?;
    let key = key(KeyPurpose::Tac, payment.from);
    Ok(tac(&Software, &mut Software.load(&key), &payment, None))
}

/// Everything that might change the state of a card that holds nothing: name, and the commands in one session.
fn actions(card: &ReferenceCard<'_>) -> Outcome<Vec<(String, Vec<Vec<u8>>)>> {
    let of = |command: CommandName| table::row(command).name.to_owned();
    let mut actions = vec![
        (
            of(CommandName::StoreData),
            vec![with_profile(Who::Purse, 0, |profile| Ok(store_data(profile, profile.pockets)))?],
        ),
        (of(CommandName::Verify), vec![verify()?]),
        (of(CommandName::Lock), vec![verify()?, apdu(&Command::Lock)]),
        (of(CommandName::Unlock), vec![verify()?, apdu(&Command::Unlock)]),
        (of(CommandName::ChangePin), vec![apdu(&Command::ChangePin(pin(PIN)?, pin(PIN)?))]),
    ];
    let limits = Limits::default();
    let parameters = PocketParameters { currency: currency()?, exponent: 2, limits };
    for parameter in [
        Parameter::Limits { pocket: 0, limits },
        Parameter::NewPocket { pocket: 1, parameters },
        Parameter::Expiry(EXPIRY),
        Parameter::PinTries,
        Parameter::Block,
        Parameter::Unblock,
        Parameter::Terminate,
        Parameter::ClearLock,
        Parameter::ForgetMaster(KeyVersion(1)),
    ] {
        actions.push((script_name(&parameter), vec![script(card, &parameter)?]));
    }
    Ok(actions)
}

/// What may end a disposable card that has spent everything.
fn last_actions(card: &ReferenceCard<'_>) -> Outcome<Vec<(String, Vec<Vec<u8>>)>> {
    let (ack, tac) = (session(&payment()?)?.ack(), certificate()?);
    let resolve = Parameter::Resolve { sequence: Sequence(0), tac, resolution: Resolution::Settled };
    Ok(vec![
        ("ACKNOWLEDGE (disposable)".to_owned(), vec![apdu(&Command::Acknowledge(Sequence(0), ack))]),
        (format!("{} (disposable)", script_name(&resolve)), vec![script(card, &resolve)?]),
    ])
}

fn script_name(parameter: &Parameter) -> String {
    format!("script {:02X}, {}", parameter.id(), parameter::name(parameter.id()).unwrap_or(""))
}

/// Every command that leads from one state to another.
pub(crate) fn edges(standard: &Standard) -> Outcome<Edges> {
    let mut edges = Edges::new();
    let mut cards = alive(standard, false)?;
    cards.push(ReferenceCard::blank(standard, Sizes { window: 32, exceptions: 8 }));
    let mut terminated = cards.first().cloned().ok_or("a card")?;
    let end = script(&terminated, &Parameter::Terminate)?;
    send(&mut terminated, &[apdu(&select()), end])?;
    cards.push(terminated);
    for card in cards {
        let actions = actions(&card)?;
        try_all(&card, actions, &mut edges)?;
    }
    for card in alive(standard, true)? {
        let actions = last_actions(&card)?;
        try_all(&card, actions, &mut edges)?;
    }
    Ok(edges)
}

fn try_all(card: &ReferenceCard<'_>, actions: Vec<(String, Vec<Vec<u8>>)>, edges: &mut Edges) -> Outcome<()> {
    let before = state_of(&mut card.clone())?;
    for (name, commands) in actions {
        let mut card = card.clone();
        send(&mut card, &[apdu(&select())])?;
        send(&mut card, &commands)?;
        let after = state_of(&mut card)?;
        if after != before {
            edges.entry((before, after)).or_default().push(name);
        }
    }
    Ok(())
}

/// The diagram.
pub(crate) fn draw(edges: &Edges) -> Outcome<String> {
    let mut picture = Picture::new(1000, 580);
    let place = |state: State| STATES.iter().find(|(other, ..)| *other == state).map(|(.., place)| *place);
    let mut ends: Vec<(&Vec<String>, Vec<&str>)> = Vec::new();
    for ((from, to), names) in edges {
        let (start, end) = (place(*from).ok_or("no such state")?, place(*to).ok_or("no such state")?);
        let (tail, head) = shifted(start, end);
        picture.line(tail, head, "arrow");
        if to.life_cycle == END.0 {
            // Many states end in the same way: said once, below.
            match ends.iter_mut().find(|(known, _)| *known == names) {
                Some((_, states)) => states.push(name(*from)),
                None => ends.push((names, vec![name(*from)])),
            }
            continue;
        }
        let (at, anchor) = label(start, end, tail, head);
        for (line, name) in (0..).zip(names) {
            picture.text((at.0, at.1 + 14 * line), anchor, "small", name);
        }
    }
    for (state, name, place) in STATES {
        let class = if state.life_cycle == END.0 { "end" } else { "box" };
        picture.box_around(place, (170, 40), class);
        picture.text((place.0, place.1 + 5), Anchor::Middle, "name", name);
    }
    let said =
        ends.iter().flat_map(|(names, states)| [format!("from {}:", states.join("; ")), names.join("; ")]);
    for (line, text) in (0..).zip(said) {
        picture.text((END.1.0, END.1.1 + 40 + 16 * line), Anchor::Middle, "small", &text);
    }
    Ok(picture.finish("Life cycle"))
}

/// Where an arrow's names stand.
const fn label(
    start: (i32, i32),
    end: (i32, i32),
    tail: (i32, i32),
    head: (i32, i32),
) -> ((i32, i32), Anchor) {
    if start.1 == end.1 {
        let beside = if start.0 < end.0 { -10 } else { 18 };
        ((i32::midpoint(tail.0, head.0), tail.1 + beside), Anchor::Middle)
    } else if start.1 < end.1 {
        ((tail.0 + 8, head.1 - 20), Anchor::Start)
    } else if tail.0 > END.1.0 {
        ((tail.0 + 10, i32::midpoint(tail.1, head.1)), Anchor::Start)
    } else {
        ((tail.0 - 80, i32::midpoint(tail.1, head.1)), Anchor::Middle)
    }
}

/// From border to border, beside the straight line, so that there and back are two.
fn shifted(start: (i32, i32), end: (i32, i32)) -> ((i32, i32), (i32, i32)) {
    let (across, down) = ((end.0 - start.0).signum(), (end.1 - start.1).signum());
    if start.1 == end.1 {
        let y = start.1 + if across > 0 { -8 } else { 8 };
        ((start.0 + across * 85, y), (end.0 - across * 85, y))
    } else if start.0 == end.0 {
        let x = start.0 + if down > 0 { 12 } else { -12 };
        ((x, start.1 + down * 20), (x, end.1 - down * 20))
    } else {
        ((start.0 + across * 40, start.1 + down * 20), (end.0 - across * 60, end.1 - down * 20))
    }
}
