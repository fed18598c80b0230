//! Scripts in files: a JSON document with the whole command, for whoever brings it to the card. There is no secret in it.

use std::fs;

use apdu_spec::command::{Command, Request, Script};
use apdu_spec::number::PartyNumber;
use apdu_spec::parameter;
use purse_terminal::flow::scripts::{self, Undone};
use purse_terminal::home::NewFile;
use purse_terminal::issuer::{OrderState, SignedScript};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::words::{describe, told};
use super::{Context, Failure, Path, Reply, Target, WayArguments, document, refused, superseded};
use crate::cli::failure::ExitCode;
use crate::cli::output::{Console, SCHEMA};
use crate::cli::words;

/// A script in a file.
#[derive(Serialize, Deserialize)]
struct ScriptFile {
    /// Of the form of this document.
    schema: u32,
    /// What the file is.
    kind: String,
    /// The only card that takes it.
    card: String,
    /// Of the script.
    counter: u32,
    /// The standard's name of what it changes.
    parameter: String,
    /// What it does, for a person.
    does: String,
    /// UPDATE PARAMETER, all of it, in hexadecimal.
    command: String,
}

/// What `kind` says.
const KIND: &str = "purse script";
/// A file of this kind is a few hundred bytes.
const LONGEST_FILE: u64 = 16_384;

/// Writes a script to a new file.
pub(super) fn write(file: NewFile, script: &SignedScript, does: &str) -> Result<Reply, Failure> {
    let path = file.path().to_owned();
    let command = Command::UpdateParameter(script.script()).emit();
    let content = ScriptFile {
        schema: SCHEMA,
        kind: KIND.to_owned(),
        card: script.card.to_string(),
        counter: script.counter,
        parameter: parameter::name(script.id).unwrap_or_default().to_owned(),
        does: does.to_owned(),
        command: hex::encode_upper(command.as_bytes()),
    };
    let text = serde_json::to_string_pretty(&content).unwrap_or_default() + "\n";
    file.write(text.as_bytes()).map_err(|error| Failure::file(&path, &error))?;
    let text = format!(
        "{}: script {} for card {} ({does}); `purse control apply` brings it there",
        path.display(),
        script.counter,
        script.card
    );
    let mut fields = document(&script.card.to_string(), script, does, "filed");
    fields["file"] = json!(path);
    fields["command_apdu"] = json!(hex::encode_upper(command.as_bytes()));
    Ok(Reply::new(text, fields))
}

fn read(path: &Path) -> Result<(PartyNumber, SignedScript, String), Failure> {
    let wrong = |reason: &str| {
        let message = format!("{} is no script: {reason}", path.display());
        Failure::new(ExitCode::Usage, message, "`purse control … --out FILE` writes one.")
    };
    let length = fs::metadata(path).map_err(|error| Failure::file(path, &error))?.len();
    if length > LONGEST_FILE {
        return Err(wrong("it is too long"));
    }
    let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    let file: ScriptFile = serde_json::from_str(&text).map_err(|error| wrong(&error.to_string()))?;
    if (file.schema, file.kind.as_str()) != (SCHEMA, KIND) {
        return Err(wrong("it says that it is something else"));
    }
    let card: PartyNumber = file.card.parse().map_err(|_| wrong("its card has no valid number"))?;
    let command = hex::decode(&file.command).map_err(|_| wrong("its command is not hexadecimal"))?;
    match Request::parse(&command).and_then(|request| request.command()) {
        Ok(Command::UpdateParameter(Script { counter, id, value, mac })) if counter == file.counter => {
            Ok((card, SignedScript { card, counter, id, value: value.to_vec(), mac }, file.does))
        }
        Ok(Command::UpdateParameter(_)) => Err(wrong("its counter is not that of its command")),
        _ => Err(wrong("its command is not UPDATE PARAMETER")),
    }
}

/// `control apply`
pub(super) fn apply(context: &Context, path: &Path) -> Result<Reply, Failure> {
    let (number, script, _) = read(path)?;
    let mut issuer = context.issuer()?;
    let Target { here, .. } = Target::find(context, &issuer, &WayArguments::default())?;
    let Some(mut here) = here else { return Ok(Reply::default()) };
    let found = here.client.status().number;
    if found != number {
        let message = format!("{} is for card {number}, and {} is {found}", path.display(), here.place);
        return Err(Failure::new(ExitCode::Refused, message, "Nothing was changed. Take that card."));
    }
    // What waits with a lower counter would be void after this one.
    for delivery in scripts::deliver_waiting_before(&mut here.client, &mut issuer, script.counter)? {
        Console::say(&format!("note: {}", told(&delivery)));
    }
    let name = here.place.name().to_owned();
    let brought = scripts::bring(&mut here.client, &script);
    here.client.release();
    // The file's own words prove nothing: those of the command do.
    let does = does(&script, &here.identity);
    let (state, result) = match brought? {
        Ok(()) => {
            let done = document(&name, &script, &does, "done");
            (OrderState::Done, Ok(Reply::new(format!("{name}: {does}"), done)))
        }
        Err(Undone::Refused(error)) => (OrderState::Refused, Err(refused(error.into()))),
        Err(Undone::Superseded) => (OrderState::Superseded, Err(superseded(&here.place))),
    };
    issuer.order_ended(number, script.counter, state)?;
    result
}

fn does(script: &SignedScript, identity: &apdu_spec::file::IdentityFile) -> String {
    parameter::Parameter::parse(script.id, &script.value)
        .map_or_else(|_| words::UNKNOWN.to_owned(), |parameter| describe(&parameter, Some(identity)))
}
