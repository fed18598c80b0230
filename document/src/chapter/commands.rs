//! Commands: the order of checks, a table of all, and each with its row and its listing.

use apdu_spec::command::{Authorisation, ByteSet, COMMANDS, DataLength, Field, Form, ResponseLength, Row};
use apdu_spec::data_element::{ElementForm, field_form};
use apdu_spec::process::{LISTINGS, ListingKind, listing};
use apdu_spec::status::StatusWord;
use purse_reference::compile::Source;

use crate::Outcome;
use crate::markdown::{Markdown, link, link_as};

use super::listings::{answering, put};
use super::status::written;
use super::{Sources, meanings, repeats};

pub(crate) fn write(sources: &Sources<'_>) -> Outcome<Markdown> {
    let mut text = Markdown::new();
    text.paragraph(
        "Each command has a row in the table, and a listing that says what it does, step by step. Where both speak of the same thing they agree: a test holds them together. \
         A card that answers as the listings do, with the same bytes and the same changes of its memory, follows the standard.",
    );
    let rows: Vec<[String; 5]> = COMMANDS
        .iter()
        .map(|row| {
            let first = row.forms.first();
            [
                link(row.name),
                format!("{:02X} {:02X}", row.class, row.instruction),
                first.map_or_else(String::new, |form| data_length(form.data)),
                first.map_or_else(String::new, |form| response_length(form.response)),
                row.description.to_owned(),
            ]
        })
        .collect();
    text.table(["command", "CLA INS", "data", "answer", "what it does"], &rows);
    before(&mut text)?;
    for row in &COMMANDS {
        command(&mut text, row, sources)?;
    }
    Ok(text)
}

fn before(text: &mut Markdown) -> Outcome<()> {
    text.heading(3, "Order of checks").paragraph(
        "This precedes every command, and its checks come in this order. Then comes the command's own listing; there the order is, with few exceptions that the listings show: selected (6985), \
         life cycle, form of the data (6A80), peer of a transfer (6985), key version and pocket (6A88), sequence (6985, 9402), authenticator (6988), and only then the conditions \
         of the account: purchase to refund (6A88), value (9401), limits (9404), PIN (6982), room (6A84). A repeat is recognised once its authenticator has been verified.",
    );
    let listing = LISTINGS.iter().find(|listing| listing.kind == ListingKind::Before);
    put(text, listing.ok_or("the listing before every command")?.text);
    text.paragraph(
        "`KNOWN.INSTRUCTION`, `KNOWN.CLASS`, `KNOWN.PARAMETERS` and `KNOWN.LENGTH` say what the rows below have. Two commands share an INS where they differ in P1. \
         CLA without secure messaging and on channel 0 only; INS with a high half of 6 or 9 is not used. Where a row expects no Le, one is accepted all the same.",
    );
    repeats::put(text);
    Ok(())
}

fn command(text: &mut Markdown, row: &Row, sources: &Sources<'_>) -> Outcome<()> {
    text.heading(3, row.name).paragraph(&format!(
        "{}{}.",
        row.description.chars().next().map_or(String::new(), |first| first.to_uppercase().collect()),
        row.description.get(1..).unwrap_or("")
    ));
    let life_cycles: Vec<String> =
        row.life_cycles.iter().map(|state| format!("{} ({:02X})", state.name(), state.code())).collect();
    text.table(
        ["", ""],
        &[
            ["CLA".to_owned(), format!("{:02X}", row.class)],
            ["INS".to_owned(), format!("{:02X}", row.instruction)],
            ["executed when".to_owned(), life_cycles.join(", ")],
            ["authorised by".to_owned(), authorised(row.authorisation).to_owned()],
        ],
    );
    let forms: Vec<[String; 6]> = row
        .forms
        .iter()
        .map(|form| {
            [
                bytes(form.p1),
                bytes(form.p2),
                data_length(form.data),
                response_length(form.response),
                cases(form),
                form.description.to_owned(),
            ]
        })
        .collect();
    text.table(["P1", "P2", "Lc", "Le", "ISO case", "meaning"], &forms);
    fields(text, "field of the data", row.data)?;
    fields(text, "field of the answer", row.response)?;
    status_words(text, row, sources)?;
    let listing = listing(row.command).ok_or_else(|| format!("{} has no listing", row.name))?;
    put(text, listing.text);
    Ok(())
}

fn authorised(authorisation: Authorisation) -> &'static str {
    match authorisation {
        Authorisation::Open => "nothing: anybody may",
        Authorisation::PresentsPin => "the PIN, which it carries",
        Authorisation::VerifiedPin => "a PIN verified in this session",
        Authorisation::Req => "the payee's req; above the limits without PIN, a verified PIN too",
        Authorisation::Val => "the payer's val",
        Authorisation::Ack => "the payee's ack",
        Authorisation::Nack => "the payee's nack",
        Authorisation::Script => "the issuer's MAC",
        Authorisation::Certificate => "the issuer's signature over the certificate",
        Authorisation::SecureRoom => "nothing: a blank card belongs into a secure room",
    }
}

fn bytes(set: ByteSet) -> String {
    match set {
        ByteSet::OneOf(values) => {
            values.iter().map(|value| format!("{value:02X}")).collect::<Vec<_>>().join(" or ")
        }
        ByteSet::Between(first, last) => format!("{first:02X} to {last:02X}"),
        ByteSet::ShortFile => "short identifier × 8 + 4, 00 to 1E (00: current file)".to_owned(),
    }
}

fn data_length(length: DataLength) -> String {
    match length {
        DataLength::OneOf(lengths) => lengths
            .iter()
            .map(|length| if *length == 0 { "none".to_owned() } else { length.to_string() })
            .collect::<Vec<_>>()
            .join(" or "),
        DataLength::Between(first, last) => format!("{first} to {last}"),
    }
}

fn response_length(length: ResponseLength) -> String {
    match length {
        ResponseLength::None => "none needed".to_owned(),
        ResponseLength::Exactly(length) => format!("{length}; a smaller Le is 6C{length:02X}"),
        ResponseLength::Whole => "all; a smaller Le is 6Cxx".to_owned(),
        ResponseLength::Part => "up to Le".to_owned(),
    }
}

/// Cases of ISO/IEC 7816-3.
fn cases(form: &Form) -> String {
    let answers = form.response != ResponseLength::None;
    let mut cases = Vec::new();
    if form.data.contains(0) {
        cases.push(if answers { "2" } else { "1" });
    }
    if (1..=255).any(|length| form.data.contains(length)) {
        cases.push(if answers { "4" } else { "3" });
    }
    cases.join(" or ")
}

fn fields(text: &mut Markdown, head: &str, fields: &[Field]) -> Outcome<()> {
    if fields.is_empty() {
        return Ok(());
    }
    let mut offset = 0;
    let mut rows = Vec::new();
    for field in fields {
        let length = if field.length == 0 { "the rest".to_owned() } else { field.length.to_string() };
        let form = match field_form(field.name, field.length) {
            ElementForm::Number(_) => "number",
            ElementForm::Bytes(_) | ElementForm::Variable => "bytes",
        };
        let secret = if field.secret { "; secret" } else { "" };
        let content = content(field.name)?;
        rows.push([
            offset.to_string(),
            length,
            field.name.to_owned(),
            form.to_owned(),
            format!("{content}{secret}"),
        ]);
        offset += usize::from(field.length);
    }
    text.table(["offset", "bytes", head, "form", "content"], &rows);
    Ok(())
}

/// What a field of a command holds.
fn content(name: &str) -> Outcome<String> {
    let known = match name {
        "AID or file identifier" => "the whole AID, or two bytes",
        "FCI" => "file control information",
        "data" => "bytes of the file",
        "data object" => "tag, length and value",
        "old PIN block" => "the PIN so far",
        "new PIN block" => "the PIN from now on",
        "own number" => "number of the card",
        "own sequence" => "sequence of the card",
        "req" | "val" | "ack" | "nack" | "TAC" => return Ok(format!("see {}", link("Messages"))),
        "PD" => return Ok(format!("see {}", link("Pay details"))),
        "parameter, value and MAC" => return Ok(format!("see {}", link("Scripts"))),
        "data groups" => return Ok(format!("see {}", link("Data groups"))),
        _ => return meanings::meaning(name),
    };
    Ok(known.to_owned())
}

fn status_words(text: &mut Markdown, row: &Row, sources: &Sources<'_>) -> Outcome<()> {
    let of = |kind: ListingKind| sources.standard.sources().iter().find(move |source| source.kind == kind);
    let own = of(ListingKind::Command(row.command)).ok_or("a listing")?;
    let before = of(ListingKind::Before).ok_or("a listing")?;
    let rows: Vec<[String; 3]> = row
        .status_words
        .iter()
        .chain(Row::COMMON)
        .map(|status| {
            [written(*status), status.meaning().to_owned(), lines(sources, row, [own, before], *status)]
        })
        .collect();
    text.table(["status word", "meaning", "line"], &rows);
    Ok(())
}

fn lines(sources: &Sources<'_>, row: &Row, [own, before]: [&Source; 2], status: StatusWord) -> String {
    let code = match status {
        StatusWord::WrongPin(_) => 0x63C0,
        StatusWord::WrongExpected(_) => 0x6C00,
        status => status.code(),
    };
    if status == StatusWord::MemoryFailure {
        return link_as("whenever the memory fails", "Memory");
    }
    let mut places = answering(sources, own, code);
    // Before the listing only an answer of known length is compared with Le.
    let is_known = row.forms.iter().any(|form| matches!(form.response, ResponseLength::Exactly(_)));
    if is_known || !matches!(status, StatusWord::WrongExpected(_)) {
        places.extend(answering(sources, before, code));
    }
    places.join("; ")
}
