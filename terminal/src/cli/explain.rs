//! `explain`: bytes in the standard's names.

use std::io::Read;

use purse_terminal::explain::{self, Field, Hint, Object, Reading, text};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::arguments::ExplainArguments;
use super::failure::{ExitCode, Failure};
use super::output::Reply;
use super::view;

/// What stands where a PIN or a key would.
const HIDDEN: &str = "(hidden)";

/// `explain`
pub(crate) fn explain(arguments: &ExplainArguments) -> Result<Reply, Failure> {
    let response_to =
        arguments.response_to.as_deref().map(|text| bytes("--response-to", text)).transpose()?;
    let hint =
        Hint { object: arguments.kind, response_to: response_to.as_ref().map(|bytes| bytes.as_slice()) };
    let (mut texts, mut documents) = (Vec::new(), Vec::new());
    let objects = objects(&arguments.objects)?;
    for (number, object) in (1..).zip(&objects) {
        let which = if objects.len() > 1 { format!("object {number}: ") } else { String::new() };
        let readings = explain::explain(object, &hint).map_err(|misfit| {
            let names: Vec<&str> = Object::ALL.map(Object::name).to_vec();
            Failure::new(
                ExitCode::Usage,
                format!("{which}{misfit}"),
                format!("`--as KIND` takes the bytes for one of {}.", names.join(", ")),
            )
        })?;
        let many = readings.len();
        for (place, reading) in (1..).zip(&readings) {
            let count = if many > 1 { format!(" (reading {place} of {many})") } else { String::new() };
            texts.push(written(object, reading, arguments.reveal, &count));
        }
        let readings: Vec<Value> =
            readings.iter().map(|reading| document(object, reading, arguments.reveal)).collect();
        documents.push(json!({ "length": object.len(), "readings": readings }));
    }
    Ok(Reply::new(texts.join("\n"), json!({ "objects": documents })))
}

/// One argument is one object; bytes that stand alone are one together.
fn objects(arguments: &[String]) -> Result<Vec<Zeroizing<Vec<u8>>>, Failure> {
    if arguments.len() > 1 && arguments.iter().all(|argument| argument.len() == 2 && argument != "-") {
        return Ok(vec![bytes("the bytes", &arguments.join(" "))?]);
    }
    (1..)
        .zip(arguments)
        .map(|(number, argument)| match argument.as_str() {
            "-" => {
                let mut text = Zeroizing::new(String::new());
                std::io::stdin()
                    .read_to_string(&mut text)
                    .map_err(|error| Failure::usage(format!("standard input: {error}")))?;
                bytes("standard input", &text)
            }
            _ if arguments.len() == 1 => bytes("the bytes", argument),
            _ => bytes(&format!("object {number}"), argument),
        })
        .collect()
}

fn bytes(what: &str, text: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    text::parse(text).map(Zeroizing::new).map_err(|error| Failure::usage(format!("{what}: {error}")))
}

/// What may be shown of a field without parts.
fn shown(bytes: &[u8], field: &Field, reveal: bool) -> String {
    if field.secret && !reveal {
        return HIDDEN.to_owned();
    }
    hex::encode_upper(bytes.get(field.range()).unwrap_or(&[]))
}

fn written(bytes: &[u8], reading: &Reading, reveal: bool, count: &str) -> String {
    let mut table = view::table(&["offset", "field", "bytes", "meaning"], &[0]);
    let mut rows = Vec::new();
    flatten(&reading.fields, 0, &mut rows);
    for (depth, field) in rows {
        let value = if field.parts.is_empty() { shown(bytes, field, reveal) } else { String::new() };
        let name = format!("{:width$}{}", "", field.name, width = 2 * depth);
        let meaning = field.meaning.clone().unwrap_or_default();
        table.add_row([field.offset.to_string(), name, value, meaning]);
    }
    let length = if bytes.len() == 1 { "1 byte".to_owned() } else { format!("{} bytes", bytes.len()) };
    let title = format!("{}: {}, {length}{count}", reading.object.name(), reading.title);
    let answer = reading.answer.map(|status| {
        format!("A card answers {:04X}: {}.", status.code(), explain::status_meaning(status.code()))
    });
    let notes = reading.notes.iter().map(|note| format!("Note: {note}."));
    let lines: Vec<String> = [title, table.trim_fmt()].into_iter().chain(answer).chain(notes).collect();
    lines.join("\n") + "\n"
}

fn flatten<'a>(fields: &'a [Field], depth: usize, rows: &mut Vec<(usize, &'a Field)>) {
    for field in fields {
        rows.push((depth, field));
        flatten(&field.parts, depth + 1, rows);
    }
}

fn document(bytes: &[u8], reading: &Reading, reveal: bool) -> Value {
    let fields: Vec<Value> =
        reading.fields.iter().map(|field| field_document(bytes, field, reveal)).collect();
    let mut document = json!({
        "as": reading.object.name(),
        "title": reading.title,
        "fit": reading.fit.name(),
        "fields": fields,
        "notes": reading.notes,
    });
    if let Some(status) = reading.answer {
        let code = status.code();
        document["answer"] =
            json!({ "status_word": format!("{code:04X}"), "meaning": explain::status_meaning(code) });
    }
    document
}

fn field_document(bytes: &[u8], field: &Field, reveal: bool) -> Value {
    let mut document = json!({
        "name": field.name,
        "offset": field.offset,
        "length": field.length,
        "meaning": field.meaning,
    });
    if !field.parts.is_empty() {
        let parts: Vec<Value> = field.parts.iter().map(|part| field_document(bytes, part, reveal)).collect();
        document["fields"] = json!(parts);
    } else if field.secret && !reveal {
        document["hidden"] = json!(true);
    } else {
        document["bytes"] = json!(shown(bytes, field, reveal));
    }
    document
}
