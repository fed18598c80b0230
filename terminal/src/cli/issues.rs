//! Cards with value that were being made when their program ended.

use std::collections::BTreeSet;
use std::fs::{self, File};

use apdu_spec::number::PartyNumber;
use purse_terminal::home::{self, Home};
use serde_json::json;

use super::context::{Context, Embedded};
use super::failure::Failure;
use super::output::{Console, Reply};
use super::snapshot::Snapshot;
use super::words;

/// Beginning of the name of a directory that a card is made in.
pub(crate) const WORKSHOP: &str = ".new-";

/// Cards that were being issued with value when a program ended: one that is there is issued; one of which the home has
/// nothing is not, and its value is back in its account. Those in readers are given.
/// To be called under the home's lock. What was settled, in words.
pub(crate) fn settle_issues(
    home: &Home,
    issuer: &mut Embedded,
    in_readers: &[PartyNumber],
    _lock: &File,
) -> Result<Vec<String>, Failure> {
    let issues = issuer.issues()?;
    if issues.is_empty() {
        return Ok(Vec::new());
    }
    let mut there: BTreeSet<PartyNumber> = in_readers.iter().copied().collect();
    let mut unreadable = false;
    for name in home.cards()? {
        match Snapshot::peek(home, &name) {
            Ok(card) => {
                there.insert(card.number());
            }
            // It may be any of them.
            Err(_) => unreadable = true,
        }
    }
    let mut told = Vec::new();
    for issue in issues {
        let number = issue.card;
        if there.contains(&number) {
            issuer.issue_ended(number)?;
            told.push(format!("card {number} was issued: it is there"));
        } else if issue.name.is_some() && !unreadable {
            clear_workshops(home)?;
            issuer.withdraw_issue(number)?;
            told.push(format!("card {number} was not made: its value is back in its account"));
        }
    }
    Ok(told)
}

/// Removes what a killed program has left of a card that it made: nobody is to find one there later.
fn clear_workshops(home: &Home) -> Result<(), Failure> {
    let directory = home.cards_directory();
    let failed = |error| Failure::file(&directory, &error);
    for entry in fs::read_dir(&directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name().to_string_lossy().starts_with(WORKSHOP) {
            fs::remove_dir_all(entry.path()).map_err(failed)?;
        }
    }
    home::synchronise_directory(&directory).map_err(failed)
}

/// `card withdraw`
pub(crate) fn withdraw(context: &Context, number: &str) -> Result<Reply, Failure> {
    let number: PartyNumber = number
        .parse()
        .map_err(|_| Failure::usage(format!("`{number}` is no card's number: 16 digits are")))?;
    let mut issuer = context.issuer()?;
    let lock = context.home.lock()?;
    // One that is there is not withdrawn.
    settle_issues(&context.home, &mut issuer, &[], &lock)?;
    if issuer.issues()?.iter().all(|issue| issue.card != number) {
        return Err(Failure::usage(format!("card {number} is not being made")));
    }
    let value: Vec<String> = issuer
        .pockets(number)?
        .iter()
        .map(|pocket| words::money(pocket.currency, pocket.issued.0.into()))
        .collect();
    let value = value.join(", ");
    let question =
        format!("Is it certain that there is no card {number}, and give {value} back to its account?");
    if !Console::confirms(context, &question) {
        return Err(Failure::usage("not confirmed; nothing was changed"));
    }
    issuer.withdraw_issue(number)?;
    let text = format!("card {number} was not made: {value} are back in its account");
    Ok(Reply::new(text, json!({ "number": number.to_string(), "value": value })))
}
