//! What of an APDU a trace may show: the fields of the command table, never a PIN or a key.

use apdu_spec::command::CommandName;
use apdu_spec::command::apdu::CommandBytes;
use apdu_spec::command::{Field, Row, table};
use apdu_spec::element::Kind;
use apdu_spec::status::StatusWord;
use serde::Serialize;

/// A field as a trace shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Shown {
    /// Name in the standard.
    pub(super) name: &'static str,
    /// Hexadecimal, or how many bytes have been left out.
    pub(super) value: String,
}

/// A command as a trace shows it.
#[derive(Clone, Debug)]
pub(super) struct ShownCommand {
    /// Name in the standard, with the kind where it has one; none for a command of none of its rows.
    pub(super) name: Option<String>,
    /// CLA INS P1 P2, as far as they are there.
    pub(super) header: String,
    /// The data field.
    pub(super) fields: Vec<Shown>,
    row: Option<&'static Row>,
}

/// Takes a command apart.
pub(super) fn command(bytes: &[u8]) -> ShownCommand {
    let header = hex::encode_upper(bytes.get(..4).unwrap_or(bytes));
    let Ok(apdu) = CommandBytes::parse(bytes) else {
        return ShownCommand { name: None, header, fields: hidden(bytes.len().saturating_sub(4)), row: None };
    };
    let row = table::rows(apdu.instruction)
        .find(|row| row.class == apdu.class && row.form(apdu.p1, apdu.p2).is_some());
    let (fields, whole) = match (row, apdu.body()) {
        (Some(row), Ok(body)) => {
            let fits = row.form(apdu.p1, apdu.p2).is_some_and(|form| form.data.contains(body.data.len()));
            let fields = if fits { shown(row.data, body.data) } else { None };
            // A VERIFY without its header's length right may still carry a PIN.
            (fields.clone().unwrap_or_else(|| hidden(body.data.len())), fields.is_some())
        }
        // The length does not add up, or nobody knows what it is.
        _ => (hidden(bytes.len().saturating_sub(4)), false),
    };
    let name = row.map(|row| match row.command {
        CommandName::Initialize | CommandName::Debit => {
            format!("{} {}", row.name, Kind::parse(apdu.p1).map_or("", Kind::name))
        }
        _ => row.name.to_owned(),
    });
    ShownCommand { name, header, fields, row: row.filter(|_| whole) }
}

/// Takes the response to this command apart: its data, and its status word, none where it has none.
pub(super) fn response(command: &ShownCommand, bytes: &[u8]) -> (Vec<Shown>, Option<u16>) {
    let Some((data, code)) = bytes.split_last_chunk() else { return (hidden(bytes.len()), None) };
    let code = u16::from_be_bytes(*code);
    // A card could send back what it was sent, so what the table does not expect is not shown either.
    let expected = command.row.filter(|row| row.data.iter().all(|field| !field.secret));
    let done = StatusWord::from_code(code).is_some_and(|status| {
        matches!(status, StatusWord::Success | StatusWord::Blocked | StatusWord::Terminated)
    });
    let fields = expected.filter(|_| done).and_then(|row| shown(row.response, data));
    (fields.unwrap_or_else(|| hidden(data.len())), Some(code))
}

/// The data by their fields; none where they do not fit these. An absent data field has none.
fn shown(fields: &'static [Field], mut data: &[u8]) -> Option<Vec<Shown>> {
    if data.is_empty() {
        return Some(Vec::new());
    }
    let mut parts = Vec::new();
    for field in fields {
        let length = if field.length == 0 { data.len() } else { usize::from(field.length) };
        let (value, rest) = data.split_at_checked(length)?;
        data = rest;
        let value = if field.secret { omitted(length) } else { hex::encode_upper(value) };
        parts.push(Shown { name: field.name, value });
    }
    data.is_empty().then_some(parts)
}

fn hidden(length: usize) -> Vec<Shown> {
    if length == 0 { Vec::new() } else { vec![Shown { name: "data", value: omitted(length) }] }
}

fn omitted(length: usize) -> String {
    format!("({length} bytes)")
}
