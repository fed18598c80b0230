//! What a person reads: a table of what has been tried, and each disagreement so that it can be understood.

use std::fmt::Write as _;

use apdu_spec::command::row::ResponseLength;
use apdu_spec::command::table;
use apdu_spec::process::ListingKind;
use purse_reference::standard::Standard;

use crate::coverage::{Coverage, Lines};
use crate::history::Disagreement;
use crate::message::{name_of, row_of};
use crate::pair::{Event, hex};

/// One line of the table.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Row {
    /// Listing.
    pub name: String,
    /// Lines executed.
    pub executed: usize,
    /// Of so many.
    pub lines: usize,
    /// Sequences tried that have the command in them; of a step none is counted.
    pub sequences: u64,
    /// Commands tried; of a step, such as called it.
    pub commands: u64,
    /// Of them such that changed the memory.
    pub writes: u64,
    /// Cuts tried.
    pub cuts: u64,
    /// Disagreements.
    pub disagreements: u64,
    /// Numbers of lines not executed.
    pub missing: Vec<u32>,
}

/// The table.
pub fn rows(standard: &Standard, lines: &Lines, coverage: &Coverage) -> Vec<Row> {
    let mut rows = Vec::new();
    for (listing, source) in standard.sources().iter().enumerate() {
        if !lines.is_of_card(listing) {
            continue;
        }
        let executed =
            |line: usize| coverage.hits.get(lines.number(listing, line)).is_some_and(|hits| *hits > 0);
        let missing: Vec<u32> = source
            .lines
            .iter()
            .enumerate()
            .filter(|(line, _)| !executed(*line))
            .map(|(_, line)| line.number)
            .collect();
        let tried = match source.kind {
            ListingKind::Command(command) => {
                coverage.tried.get(table::row(command).name).copied().unwrap_or_default()
            }
            _ => crate::coverage::Tried {
                commands: coverage.calls.get(listing).copied().unwrap_or(0),
                ..crate::coverage::Tried::default()
            },
        };
        rows.push(Row {
            name: source.name.clone(),
            executed: source.lines.len() - missing.len(),
            lines: source.lines.len(),
            sequences: tried.sequences,
            commands: tried.commands,
            writes: tried.writes,
            cuts: tried.cuts,
            disagreements: tried.disagreements,
            missing,
        });
    }
    rows
}

/// The table as text.
pub fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "{:18} {:>9} {:>10} {:>10} {:>9} {:>9} {:>13}\n",
        "listing", "lines", "sequences", "commands", "writes", "cuts", "disagreements"
    );
    let mut total = (0, 0);
    for row in rows {
        total = (total.0 + row.executed, total.1 + row.lines);
        let lines = format!("{}/{}", row.executed, row.lines);
        let _ = writeln!(
            text,
            "{:18} {lines:>9} {:>10} {:>10} {:>9} {:>9} {:>13}",
            row.name, row.sequences, row.commands, row.writes, row.cuts, row.disagreements
        );
        if !row.missing.is_empty() {
            let _ = writeln!(text, "  not executed: {:?}", row.missing);
        }
    }
    let _ = writeln!(text, "{:18} {:>9}", "all", format!("{}/{}", total.0, total.1));
    text
}

/// A disagreement with all that leads to it.
pub fn disagreement(found: &Disagreement) -> String {
    let mut text = format!("{}: text and card differ in {}\n", found.issue, found.difference.command);
    for (place, event) in found.events.iter().enumerate() {
        let _ = writeln!(text, "  {:>3}. {}", place + 1, said(event));
    }
    let _ = writeln!(text, "    {}", found.difference.how);
    let _ = writeln!(text, "    the text answers in: {}", found.difference.line);
    text
}

/// An event in the standard's names.
pub fn said(event: &Event) -> String {
    match event {
        Event::Reset => "reset".into(),
        Event::Command(command) => fields(command),
        Event::Torn(command, cut) => format!("{} with {cut:?}", fields(command)),
    }
}

/// A command with its fields.
fn fields(command: &[u8]) -> String {
    let mut text = format!("{} {}", name_of(command), hex(&command[..command.len().min(4)]));
    let Some(row) = row_of(command) else {
        return format!("{text} {}", hex(command.get(4..).unwrap_or(&[])));
    };
    let body = command.get(4..).unwrap_or(&[]);
    let length: usize = row.data.iter().map(|field| usize::from(field.length)).sum();
    let is_whole = body.first().is_some_and(|lc| usize::from(*lc) == length) && body.len() > length;
    if !is_whole || row.data.iter().any(|field| field.length == 0) {
        return format!("{text} {}", hex(body));
    }
    let mut rest = body.get(1..).unwrap_or(&[]);
    for field in row.data {
        let (value, behind) = rest.split_at(usize::from(field.length).min(rest.len()));
        let _ = write!(text, ", {} {}", field.name, hex(value));
        rest = behind;
    }
    let due = row.forms.iter().any(|form| form.response != ResponseLength::None);
    if due || !rest.is_empty() {
        let _ = write!(text, ", Le {}", hex(rest));
    }
    text
}
