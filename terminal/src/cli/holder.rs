//! `pin change`, `lock`, `unlock`, and `apdu`: what a holder does with the card itself.

use std::path::PathBuf;

use apdu_spec::command::{CommandName, table};
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::parameter::Parameter;
use purse_terminal::transport::{EMPTY_RESPONSE, Transport};
use serde_json::json;

use super::context::Context;
use super::control;
use super::failure::Failure;
use super::output::{Console, Reply};
use super::pin::PinSource;
use super::view::not_locked;

/// `pin change`
pub(crate) fn change_pin(context: &Context, new_pin_file: Option<PathBuf>) -> Result<Reply, Failure> {
    let place = context.card_place()?;
    context.find(place)?;
    // Everything is asked for before the card is opened: nobody waits for a person with a card in hand.
    let old = context.pin().read()?;
    let new = PinSource::new_pin(new_pin_file).read_twice()?;
    let mut card = context.card()?;
    not_locked(context, card.status())?;
    card.change_pin(&old, &new)?;
    Ok(Reply::new(format!("{}: the PIN is changed", place.name()), json!({ "card": place.name() })))
}

/// `pin unblock`
pub(crate) fn unblock_pin(context: &Context) -> Result<Reply, Failure> {
    let name = context.card_place()?.name();
    let tries = control::at_once(context, &Parameter::PinTries)?.pin_tries()?;
    Ok(Reply::new(
        format!("{name}: the PIN has {tries} tries again"),
        json!({ "card": name, "pin_tries": tries }),
    ))
}

/// `unlock --by-issuer`
pub(crate) fn clear_lock(context: &Context) -> Result<Reply, Failure> {
    let name = context.card_place()?.name();
    control::at_once(context, &Parameter::ClearLock)?;
    Ok(Reply::new(format!("{name}: unlocked by its issuer"), json!({ "card": name, "locked": false })))
}

/// `lock` and `unlock`
pub(crate) fn set_lock(context: &Context, lock: bool) -> Result<Reply, Failure> {
    let name = context.card_place()?.name();
    let mut card = context.card()?;
    let locked = card.status().life_cycle == LifeCycle::Locked;
    if locked != lock {
        drop(card);
        let pin = context.pin().read()?;
        card = context.card()?;
        card.verify(&pin)?;
        if lock { card.lock()? } else { card.unlock()? }
    }
    let state = if lock { "locked" } else { "unlocked" };
    let already = if locked == lock { " already" } else { "" };
    Ok(Reply::new(
        format!("{name}: {state}{already}"),
        json!({ "card": name, "locked": lock, "changed": locked != lock }),
    ))
}

/// `apdu`
pub(crate) fn raw(context: &Context, commands: &[String]) -> Result<Reply, Failure> {
    let commands =
        (1..).zip(commands).map(|(number, text)| parse(number, text)).collect::<Result<Vec<_>, _>>()?;
    if commands.iter().any(|command| carries_secret(command)) {
        Console::say(
            "warning: a PIN or key in an argument can be read by other programs; use test cards only",
        );
    }
    let mut slot = context.slot(context.card_place()?)?;
    slot.begin()?;
    let mut lines = Vec::new();
    let mut exchanges = Vec::new();
    for command in commands {
        let mut buffer = EMPTY_RESPONSE;
        let response = slot.transmit(&command, &mut buffer).map_err(|error| {
            let answered = exchanges.len();
            Failure::transport(&error, &format!("command {} of the session", answered + 1))
        })?;
        let (command, response) = (shown(&command), hex::encode_upper(response));
        lines.push(response.clone());
        // The document of this command is the list itself, as every exchange stands for itself.
        exchanges.push(json!({ "schema": super::output::SCHEMA, "command": command, "response": response }));
    }
    Ok(Reply::new(lines.join("\n"), json!(exchanges)))
}

/// Hexadecimal digits; spaces and colons between them are for the reader.
fn parse(number: usize, text: &str) -> Result<Vec<u8>, Failure> {
    let digits: String = text.chars().filter(|letter| !matches!(letter, ' ' | ':')).collect();
    match hex::decode(&digits) {
        Ok(bytes) if !bytes.is_empty() => Ok(bytes),
        // Without the text: a PIN may be in it.
        _ => Err(Failure::usage(format!("command {number} is no APDU: pairs of hexadecimal digits are"))),
    }
}

/// What is printed of a command, and may be kept for longer than the command line: of one with a PIN or a key only the
/// header.
fn shown(command: &[u8]) -> String {
    match command.split_at_checked(4).filter(|_| carries_secret(command)) {
        Some((header, rest)) => format!("{} ({} bytes)", hex::encode_upper(header), rest.len()),
        None => hex::encode_upper(command),
    }
}

fn carries_secret(command: &[u8]) -> bool {
    let [class, instruction, _, _, _, _, ..] = command else { return false };
    table::rows(*instruction)
        .filter(|row| row.class == *class)
        .any(|row| row.command == CommandName::StoreData || row.data.iter().any(|field| field.secret))
}
