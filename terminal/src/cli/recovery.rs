//! `recover` and `resolve`: what was interrupted comes to exactly one end.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};

use apdu_spec::element::Role;
use apdu_spec::number::PartyNumber;
use apdu_spec::record::LogRecord;
use purse_terminal::client::Client;
use purse_terminal::flow::recovery::{self, Item, Outcome};
use purse_terminal::flow::resolve;
use purse_terminal::issuer::Unsettleable;
use purse_terminal::transport::Transport;
use serde_json::json;

use super::context::{Context, Slot};
use super::convert::exit_code;
use super::failure::{ExitCode, Failure};
use super::money::pay_details_document;
use super::output::{Console, Reply};
use super::words;

/// `recover`
pub(crate) fn recover(context: &Context) -> Result<Reply, Failure> {
    let mut issuer = context.issuer()?;
    let mut slots = slots(context)?;
    let mut cards = Vec::new();
    for slot in &mut slots {
        let transport: &mut dyn Transport = &mut **slot;
        cards.push(Client::select(transport)?);
    }
    let report = recovery::recover(&mut cards, Some(&mut issuer));
    let mut lines: Vec<String> = report.items.iter().map(describe).collect();
    let items: Vec<_> = report
        .items
        .iter()
        .map(|item| {
            let mut document = pay_details_document(&item.pay_details);
            document["outcome"] = json!(outcome_code(&item.outcome));
            if let Outcome::StillOpen(reason) = &item.outcome {
                document["reason"] = json!(reason.to_string());
            }
            document
        })
        .collect();
    let unread: Vec<_> = report
        .unread
        .iter()
        .map(|(number, reason)| {
            lines.push(format!("card {number} could not be read: {reason}"));
            json!({ "number": number.to_string(), "reason": reason.to_string() })
        })
        .collect();
    if lines.is_empty() {
        lines.push("nothing to recover".to_owned());
    }
    let exit = if report.is_complete() {
        None
    } else {
        Console::say(
            "note: not everything is settled; run `purse recover` again with all cards there, or `purse resolve`",
        );
        Some(report.failure().map_or(ExitCode::OutcomeUnknown, exit_code))
    };
    let document = json!({ "complete": report.is_complete(), "items": items, "unread": unread });
    Ok(Reply::new(lines.join("\n"), document).with_exit(exit))
}

/// The command's card and SAM, and whatever other cards of the home their open records name.
fn slots(context: &Context) -> Result<Vec<Slot>, Failure> {
    let mut names = vec![context.global.card.clone()];
    if context.global.sam != context.global.card && context.home.card(&context.global.sam)?.exists() {
        names.push(context.global.sam.clone());
    }
    let mut wanted = BTreeSet::new();
    let mut here = BTreeSet::new();
    let mut slots = Vec::new();
    for name in &names {
        let mut card = context.open_card(name)?;
        here.insert(card.status().number);
        wanted.extend(card.open_records()?.iter().map(|record| record.pay_details.to));
        slots.push(card.into_transport());
    }
    let missing: Vec<PartyNumber> =
        wanted.difference(&here).copied().filter(|number| *number != context.scheme.issuer).collect();
    for number in missing {
        if let Some(name) = context.name_of(number)? {
            slots.push(context.slot(&name)?);
        }
    }
    Ok(slots)
}

fn describe(item: &Item) -> String {
    let pay_details = &item.pay_details;
    let what = format!(
        "{} of {} from {} to {}",
        words::kind(pay_details.kind, Role::Purse),
        words::money(pay_details.currency, pay_details.amount.0.into()),
        pay_details.from,
        pay_details.to
    );
    match &item.outcome {
        Outcome::Settled => format!("{what}: done, the payee has it"),
        Outcome::Reversed => format!("{what}: taken back, the payer has it"),
        Outcome::PayeeAbsent => format!("{what}: open, the payee is not here"),
        Outcome::StillOpen(reason) => format!("{what}: open, {reason}"),
    }
}

const fn outcome_code(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Settled => "settled",
        Outcome::Reversed => "reversed",
        Outcome::PayeeAbsent => "payee_absent",
        Outcome::StillOpen(_) => "open",
    }
}

/// `resolve`
pub(crate) fn resolve(context: &Context) -> Result<Reply, Failure> {
    let mut issuer = context.issuer()?;
    let mut card = context.card()?;
    let open = card.open_records()?;
    drop(card);
    if open.is_empty() {
        return Ok(Reply::new("nothing is stuck", json!({ "items": [] })));
    }
    confirm(context, &open)?;
    let mut card = context.card()?;
    let mut lines = Vec::new();
    let mut items = Vec::new();
    let mut exit = None;
    for item in resolve::resolve(&mut card, &mut issuer, Unsettleable::Refuse)? {
        let pay_details = &item.record.pay_details;
        let money = words::money(pay_details.currency, pay_details.amount.0.into());
        let what = format!("{} of {money} to {}", pay_details.kind.name(), pay_details.to);
        let mut document = pay_details_document(pay_details);
        match item.outcome {
            Ok(script) => {
                // The value of a resolution ends with how: 01 settled, 02 reversed (section 6).
                let reversed = script.value.last() == Some(&2);
                let words = if reversed { "taken back" } else { "settled" };
                lines.push(format!("{what}: {words} in the issuer's name"));
                document["outcome"] = json!(if reversed { "reversed" } else { "settled" });
            }
            Err(error) => {
                lines.push(format!("{what}: open, {error}"));
                document["outcome"] = json!("open");
                document["reason"] = json!(error.to_string());
                let code = exit_code(error.failure());
                exit = exit.or(Some(code));
            }
        }
        items.push(document);
    }
    Ok(Reply::new(lines.join("\n"), json!({ "items": items })).with_exit(exit))
}

/// A resolution is final; a person at a terminal is asked. A script that calls the command has decided.
fn confirm(context: &Context, open: &[LogRecord]) -> Result<(), Failure> {
    if context.global.yes || context.console.json() || !io::stdin().is_terminal() {
        return Ok(());
    }
    let mut stderr = anstream::stderr();
    let _ = write!(stderr, "Ask the issuer to close {} open records for good? [y/N] ", open.len());
    let _ = stderr.flush();
    let mut answer = String::new();
    let _ = io::stdin().read_line(&mut answer);
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        Err(Failure::usage("not confirmed; nothing was asked of the issuer"))
    }
}
