//! `run`: a process of the standard, or one command of the card, line by line on reference cards.

mod story;
mod teller;

use std::cell::RefCell;
use std::rc::Rc;

use apdu_spec::command::COMMANDS;
use apdu_spec::process::{LISTINGS, ListingKind};
use purse_reference::standard::Standard;
use serde_json::json;

use self::story::Story;
use self::teller::{Shown, Teller};
use super::arguments::RunArguments;
use super::failure::{ExitCode, Failure};
use super::output::{Console, Reply};

/// A process by its name, in capitals or not.
fn process(name: &str) -> Option<&'static str> {
    let found = LISTINGS.iter().find(|listing| {
        listing.kind == ListingKind::Process && listing.name.eq_ignore_ascii_case(name.trim())
    });
    found.map(|listing| listing.name)
}

fn unknown(name: &str) -> Failure {
    let wanted = name.trim().to_uppercase();
    let processes = LISTINGS.iter().filter(|listing| listing.kind == ListingKind::Process);
    let mut names: Vec<&str> =
        processes.map(|listing| listing.name).chain(COMMANDS.iter().map(|row| row.name)).collect();
    names.sort_by_key(|name| (!name.starts_with(&wanted), strsim::damerau_levenshtein(name, &wanted)));
    Failure::new(
        ExitCode::Usage,
        format!("nothing of the standard is called `{}`", name.escape_debug()),
        format!("Nearest first: {}.", names.join(", ")),
    )
}

fn wrong(error: impl std::fmt::Display) -> Failure {
    Failure::new(ExitCode::Other, error.to_string(), "Report this as a defect.")
}

/// `run`
pub(crate) fn run(arguments: &RunArguments, console: Console) -> Result<Reply, Failure> {
    let name = arguments.listing.join(" ");
    let wanted = match process(&name) {
        Some(name) => Ok(name),
        None => Err(super::spec::find(&name).map_err(|_| unknown(&name))?),
    };
    let standard = Standard::load().map_err(wrong)?;
    let teller = Rc::new(RefCell::new(Teller {
        standard: &standard,
        console,
        shown: Shown::Nothing,
        in_card: false,
        step: arguments.step,
        events: Vec::new(),
        failure: None,
    }));
    let mut story = Story::begin(&standard, &teller)?;
    let end = match wanted {
        Ok(process) => story.up_to(process, Shown::Process { cards: !arguments.brief })?,
        Err(row) => {
            teller.borrow_mut().shown = Shown::Command(row.command);
            story.all()?;
            if teller.borrow().shown != Shown::Over {
                return Err(wrong(format!("the example does not use {}", row.name)));
            }
            String::new()
        }
    };
    let mut teller = teller.borrow_mut();
    if let Some(failure) = teller.failure.take() {
        return Err(failure);
    }
    let name = wanted.unwrap_or_else(|row| row.name);
    let fields = json!({ "listing": name, "events": std::mem::take(&mut teller.events), "end": end });
    Ok(Reply::new(if end.is_empty() { end } else { format!("STOP: {end}") }, fields))
}
