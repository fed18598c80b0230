//! Listings, and where their lines answer with which status word.

use apdu_spec::process::{LISTINGS, ListingKind};
use purse_reference::compile::Source;
use purse_reference::language::syntax::Statement;

use crate::markdown::{Markdown, link};

use super::Sources;

/// A listing as the document shows it.
pub(crate) fn put(text: &mut Markdown, listing: &str) {
    text.code("basic", listing);
}

/// What a listing's first remarks say behind its name.
fn purpose(listing: &str, name: &str) -> String {
    let remarks = listing.lines().map_while(|line| line.split_once(" REM ").map(|(_, said)| said));
    let said = remarks.collect::<Vec<_>>().join(" ");
    said.strip_prefix(name).and_then(|said| said.strip_prefix(": ")).unwrap_or("").to_owned()
}

/// The chapter of steps.
pub(crate) fn steps(sources: &Sources<'_>) -> Markdown {
    let mut text = Markdown::new();
    text.paragraph(
        "A step is called by GOSUB. It works on the names of the listing that calls it, and RETURN goes back. RETURN with a status word ends the command at once.",
    );
    for listing in LISTINGS.iter().filter(|listing| listing.kind == ListingKind::Step) {
        text.heading(3, listing.name);
        let callers: Vec<String> = sources
            .standard
            .sources()
            .iter()
            .filter(|source| calls(source).any(|step| step == listing.name))
            .map(|source| link(title(source)))
            .collect();
        let said = purpose(listing.text, listing.name);
        let end = if said.is_empty() || said.ends_with('.') { "" } else { "." };
        let said = format!("{}{end} Called by {}.", capital(&said), callers.join(", "));
        text.paragraph(&said);
        put(&mut text, listing.text);
    }
    text
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or(String::new(), |first| first.to_uppercase().chain(characters).collect())
}

/// The heading under which a listing stands.
pub(crate) fn title(source: &Source) -> &str {
    match source.kind {
        ListingKind::Before => "Order of checks",
        ListingKind::Command(_) | ListingKind::Step | ListingKind::Process => &source.name,
    }
}

/// The steps that a listing calls itself.
fn calls(source: &Source) -> impl Iterator<Item = &str> {
    source.lines.iter().filter_map(|line| called(&line.statement))
}

fn called(statement: &Statement) -> Option<&str> {
    match statement {
        Statement::Gosub(step, _) => Some(step),
        Statement::If(_, then) => called(then),
        _ => None,
    }
}

/// Lines that answer with a status word of this code, in a listing and the steps that it calls: `DEBIT 70`.
pub(crate) fn answering(sources: &Sources<'_>, listing: &Source, code: u16) -> Vec<String> {
    let all = sources.standard.sources();
    let mut places = Vec::new();
    let mut waiting: Vec<&Source> = vec![listing];
    let mut seen: Vec<&str> = Vec::new();
    while let Some(source) = waiting.pop() {
        if seen.contains(&source.name.as_str()) {
            continue;
        }
        seen.push(&source.name);
        let lines = source.lines.iter().filter(|line| answers(&line.statement) == Some(code));
        let numbers: Vec<String> = lines.map(|line| line.number.to_string()).collect();
        if !numbers.is_empty() {
            places.push(format!("{} {}", link(title(source)), numbers.join(", ")));
        }
        for step in calls(source) {
            waiting.extend(all.iter().filter(|other| other.kind == ListingKind::Step && other.name == step));
        }
    }
    places
}

fn answers(statement: &Statement) -> Option<u16> {
    match statement {
        Statement::Status(code, _) | Statement::Send(_, code) => Some(*code),
        Statement::If(_, then) => answers(then),
        _ => None,
    }
}
