//! Response APDUs, by the command that they answer or by their form, and status words (section 6).

use apdu_spec::command::row::{CommandName, ResponseLength, Row};
use apdu_spec::command::table::COMMANDS;
use apdu_spec::element::Currency;
use apdu_spec::status::StatusWord;

use super::command::{Known, put_fields};
use super::cursor::Cursor;
use super::element::Money;
use super::layout::{is_identity, is_record, put_identity, put_record};
use super::template::{self, control_title, data_object_name, is_directory};
use super::{Fit, Misfit, Object, Reading};

/// What a status word says, with the number that it carries.
pub fn meaning(code: u16) -> String {
    match StatusWord::from_code(code) {
        Some(status @ StatusWord::WrongPin(left)) => format!("{}, tries left: {left}", status.meaning()),
        Some(status @ (StatusWord::MoreData(length) | StatusWord::WrongExpected(length))) => {
            let length = if length == 0 { 256 } else { u16::from(length) };
            format!("{}: {length} bytes", status.meaning())
        }
        Some(status) => status.meaning().to_owned(),
        None => "not a status word of the standard".to_owned(),
    }
}

pub(super) fn status(bytes: &[u8]) -> Result<Reading, Misfit> {
    let mut cursor = Cursor::new(bytes, 0);
    let Ok(code) = bytes.try_into().map(u16::from_be_bytes) else {
        return cursor.misfit(format!("a status word has {} bytes, not {}", StatusWord::LENGTH, bytes.len()));
    };
    put_status(&mut cursor, code)?;
    let [first, _] = code.to_be_bytes();
    let fit = match StatusWord::from_code(code) {
        Some(_) => Fit::Exact,
        // ISO/IEC 7816-3 § 10.3.3: what a SW1 may be.
        None if matches!(first >> 4, 6 | 9) && first != 0x60 => Fit::Possible,
        None => Fit::Asked,
    };
    Ok(Reading::new(Object::Status, format!("status word {code:04X}"), fit, cursor.finish()?))
}

fn put_status(cursor: &mut Cursor<'_>, code: u16) -> Result<(), Misfit> {
    cursor.leaf("status word", StatusWord::LENGTH, |_| Some(meaning(code))).map(drop)
}

/// What the data of a response are.
enum Data {
    Fields(&'static Row),
    Record,
    Control,
    Identity,
    Directory,
    Object,
    Part(usize),
    OneOf(String),
    Unknown,
}

pub(super) fn read(bytes: &[u8], command: Option<&[u8]>) -> Result<Reading, Misfit> {
    let Some((data, code)) = bytes.split_last_chunk() else {
        return Cursor::new(bytes, 0).misfit("a response ends with a status word of 2 bytes");
    };
    let code = u16::from_be_bytes(*code);
    let known = command.and_then(Known::parse);
    let (kind, title) = match (&known, command) {
        (Some(known), _) => (of_command(known, data, code), format!("response to {}", known.title())),
        (None, Some(_)) => (Data::Unknown, "response to no command".to_owned()),
        (None, None) => of_form(data, code),
    };
    let is_secret = known.is_some_and(|known| known.is_secret());
    let fit = match kind {
        _ if command.is_some() => Fit::Exact,
        _ if data.is_empty() || StatusWord::from_code(code).is_none() => Fit::Asked,
        Data::Unknown => Fit::Possible,
        _ => Fit::Likely,
    };
    let mut cursor = Cursor::new(bytes, 0);
    let unknown = matches!(kind, Data::Unknown) && !data.is_empty();
    if !data.is_empty() {
        cursor.group("data", data.len(), |parts| {
            match kind {
                Data::Fields(row) => put_fields(parts, row.response, &mut Money::default())?,
                Data::Record => put_record(parts)?,
                Data::Identity => put_identity(parts)?,
                Data::Control | Data::Directory | Data::Object => template::put(parts)?,
                Data::Part(offset) => {
                    parts.opaque("content", false, Some(format!("of the file, from offset {offset}")));
                }
                Data::OneOf(names) => parts.opaque(names, false, None),
                // A card could send back what it was sent.
                Data::Unknown => parts.opaque("unknown", is_secret, None),
            }
            Ok(None)
        })?;
    }
    put_status(&mut cursor, code)?;
    let mut reading = Reading::new(Object::Response, title, fit, cursor.finish()?);
    if let Some(row) = known.and_then(|known| known.row) {
        let listed = StatusWord::from_code(code)
            .is_some_and(|status| row.lists(status) || matches!(status, StatusWord::MoreData(_)));
        if !listed {
            reading.notes.push(format!("{} does not answer {code:04X}", row.name));
        }
    }
    if unknown && command.is_some() {
        reading.notes.push("these data are not what the command table expects".to_owned());
    }
    Ok(reading)
}

/// Whether a status word comes with data.
fn brings_data(code: u16) -> bool {
    StatusWord::from_code(code).is_some_and(|status| {
        matches!(
            status,
            StatusWord::Success | StatusWord::Blocked | StatusWord::Terminated | StatusWord::MoreData(_)
        )
    })
}

fn of_command(known: &Known, data: &[u8], code: u16) -> Data {
    let Some(row) = known.row.filter(|_| brings_data(code)) else { return Data::Unknown };
    let found = match row.command {
        CommandName::Select => control_title(data).map(|_| Data::Control),
        CommandName::GetData => data_object_name(data).map(|_| Data::Object),
        CommandName::ReadBinary => Some(content(known, data)),
        CommandName::ReadRecord | CommandName::ReadEntry => is_record(data).then_some(Data::Record),
        _ => has_length(row, data.len()).then_some(Data::Fields(row)),
    };
    found.unwrap_or(Data::Unknown)
}

/// What READ BINARY has read.
fn content(known: &Known, data: &[u8]) -> Data {
    let Known { p1, p2, .. } = *known;
    let offset = if p1 & 0x80 == 0 { usize::from(u16::from_be_bytes([p1, p2])) } else { usize::from(p2) };
    match offset {
        0 if is_identity(data) => Data::Identity,
        0 if is_directory(data) => Data::Directory,
        _ => Data::Part(offset),
    }
}

fn has_length(row: &Row, length: usize) -> bool {
    let is_fixed = row.forms.iter().any(
        |form| matches!(form.response, ResponseLength::Exactly(exactly) if usize::from(exactly) == length),
    );
    is_fixed && length > 0
}

/// By what the data look like, with a title.
fn of_form(data: &[u8], code: u16) -> (Data, String) {
    let response = |to: &str| format!("response to {to}");
    if !brings_data(code) {
        return (Data::Unknown, "response".to_owned());
    }
    if let Some(title) = control_title(data) {
        return (Data::Control, format!("response to SELECT, {title}"));
    }
    if let Some(name) = data_object_name(data) {
        return (Data::Object, format!("response to GET DATA, {name}"));
    }
    if is_identity(data) {
        return (Data::Identity, response("READ BINARY of EF.ID"));
    }
    if is_directory(data) {
        return (Data::Directory, response("READ BINARY of EF.DIR"));
    }
    let rows: Vec<&Row> = COMMANDS.iter().filter(|row| has_length(row, data.len())).collect();
    let names: Vec<&str> = rows.iter().map(|row| row.name).collect();
    let title = response(&names.join(" or "));
    match rows.as_slice() {
        [row, ..] if is_record(data) && row.command == CommandName::ReadRecord => (Data::Record, title),
        [row] if row.command == CommandName::GetBalance => {
            let currency = data.first_chunk().copied().map_or(Currency::NONE, Currency);
            if currency.is_valid() {
                (Data::Fields(row), title)
            } else {
                (Data::Unknown, "response".to_owned())
            }
        }
        // 8 bytes may be ack or nack; their names are the commands'.
        [row, others @ ..]
            if others.iter().all(|other| other.response == row.response) && !is_records(row) =>
        {
            (Data::Fields(row), title)
        }
        [_, ..] if !rows.iter().any(|row| is_records(row)) => {
            let fields = rows.iter().flat_map(|row| row.response).map(|field| field.name);
            (Data::OneOf(fields.collect::<Vec<_>>().join(" or ")), title)
        }
        _ => (Data::Unknown, "response".to_owned()),
    }
}

fn is_records(row: &Row) -> bool {
    matches!(row.command, CommandName::ReadRecord | CommandName::ReadEntry)
}
