//! `spec`: the standard's command table.

use apdu_spec::command::{Authorisation, ByteSet, COMMANDS, DataLength, Field, Form, ResponseLength, Row};
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::status::StatusWord;
use serde_json::{Value, json};

use super::failure::Failure;
use super::output::Reply;
use super::view;

/// `spec`
pub(crate) fn spec(words: &[String]) -> Result<Reply, Failure> {
    if words.is_empty() {
        return Ok(all());
    }
    let row = find(&words.join(" "))?;
    let mut text = written(row);
    let mut fields = document(row);
    if let Some(listing) = listing(row) {
        text += "\n";
        text += listing;
        fields["listing"] = json!(listing);
    }
    Ok(Reply::new(text, fields))
}

/// The command's listing, printed below the row; the field `listing` in JSON.
fn listing(row: &Row) -> Option<&'static str> {
    apdu_spec::process::listing(row.command).map(|listing| listing.text)
}

fn all() -> Reply {
    let mut table =
        view::table(&["command", "CLA", "INS", "P1 P2", "data", "response", "needs", "what it does"], &[]);
    for row in &COMMANDS {
        let forms: Vec<[String; 3]> = row.forms.iter().map(form).collect();
        let column =
            |place: usize| forms.iter().map(|form| form[place].as_str()).collect::<Vec<_>>().join("\n");
        table.add_row([
            row.name.to_owned(),
            format!("{:02X}", row.class),
            format!("{:02X}", row.instruction),
            column(0),
            column(1),
            column(2),
            row.authorisation.name().to_owned(),
            row.description.to_owned(),
        ]);
    }
    let documents: Vec<Value> = COMMANDS.iter().map(document).collect();
    Reply::new(table.trim_fmt(), json!({ "commands": documents }))
}

/// The row of this name, in capitals or not, with hyphens or spaces.
pub(super) fn find(name: &str) -> Result<&'static Row, Failure> {
    let wanted = normal(name);
    if let Some(row) = COMMANDS.iter().find(|row| row.name == wanted) {
        return Ok(row);
    }
    let mut names: Vec<&str> = COMMANDS.iter().map(|row| row.name).collect();
    names.sort_by_key(|name| (!name.starts_with(&wanted), strsim::damerau_levenshtein(name, &wanted)));
    Err(Failure::new(
        super::failure::ExitCode::Usage,
        format!("no command is called `{}`", name.escape_debug()),
        format!("Nearest first: {}.", names.join(", ")),
    ))
}

fn normal(name: &str) -> String {
    let words = name.split(|letter: char| letter.is_whitespace() || matches!(letter, '-' | '_'));
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ").to_uppercase()
}

fn written(row: &Row) -> String {
    let mut lines = vec![
        format!("{}: {}", row.name, row.description),
        format!("CLA {:02X}, INS {:02X}", row.class, row.instruction),
        format!("executed when {}", life_cycles(row).join(", ")),
        format!("needs {}", needs(row.authorisation)),
        String::new(),
    ];
    let mut forms = view::table(&["P1 P2", "data", "response", ""], &[]);
    for of in row.forms {
        let [parameters, data, response] = form(of);
        forms.add_row([parameters, data, response, of.description.to_owned()]);
    }
    lines.push(forms.trim_fmt());
    for (title, fields) in [("data", row.data), ("response", row.response)] {
        if !fields.is_empty() {
            let mut table = view::table(&[title, "bytes", ""], &[]);
            for field in fields {
                let secret = if field.secret { "secret" } else { "" };
                table.add_row([field.name.to_owned(), length(field), secret.to_owned()]);
            }
            lines.push(String::new());
            lines.push(table.trim_fmt());
        }
    }
    lines.push(String::new());
    let mut table = view::table(&["status", "meaning"], &[]);
    for status in statuses(row) {
        table.add_row([code(*status), status.meaning().to_owned()]);
    }
    lines.push(table.trim_fmt());
    lines.join("\n") + "\n"
}

fn statuses(row: &Row) -> impl Iterator<Item = &'static StatusWord> {
    row.status_words.iter().chain(Row::COMMON)
}

/// `6Cxx` for one that carries a number.
fn code(status: StatusWord) -> String {
    match status {
        StatusWord::MoreData(_) | StatusWord::WrongExpected(_) => format!("{:02X}xx", status.code() >> 8),
        StatusWord::WrongPin(_) => format!("{:03X}x", status.code() >> 4),
        _ => format!("{:04X}", status.code()),
    }
}

fn life_cycles(row: &Row) -> Vec<&'static str> {
    row.life_cycles.iter().copied().map(LifeCycle::name).collect()
}

fn needs(authorisation: Authorisation) -> &'static str {
    match authorisation {
        Authorisation::Open => "nothing",
        other => other.name(),
    }
}

/// P1 P2, length of the data, length of the response.
fn form(form: &Form) -> [String; 3] {
    let response = match form.response {
        ResponseLength::None => "none".to_owned(),
        ResponseLength::Exactly(length) => length.to_string(),
        ResponseLength::Whole => "the whole object".to_owned(),
        ResponseLength::Part => "as Le asks".to_owned(),
    };
    [format!("{} {}", byte_set(form.p1), byte_set(form.p2)), data_length(form.data), response]
}

fn byte_set(set: ByteSet) -> String {
    match set {
        ByteSet::OneOf(values) => {
            values.iter().map(|value| format!("{value:02X}")).collect::<Vec<_>>().join("/")
        }
        ByteSet::Between(first, last) => format!("{first:02X}..{last:02X}"),
        ByteSet::ShortFile => "SFI<<3|4".to_owned(),
    }
}

fn data_length(length: DataLength) -> String {
    match length {
        DataLength::OneOf([0]) => "none".to_owned(),
        DataLength::OneOf(lengths) => {
            lengths.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
        }
        DataLength::Between(first, last) => format!("{first} to {last}"),
    }
}

fn length(field: &Field) -> String {
    if field.length == 0 { "the rest".to_owned() } else { field.length.to_string() }
}

fn document(row: &Row) -> Value {
    let fields = |fields: &[Field]| -> Vec<Value> {
        fields
            .iter()
            .map(|field| {
                let length = Some(field.length).filter(|length| *length > 0);
                json!({ "name": field.name, "length": length, "secret": field.secret })
            })
            .collect()
    };
    let forms: Vec<Value> = row
        .forms
        .iter()
        .map(|of| {
            let [_, data, response] = form(of);
            json!({
                "p1": byte_set(of.p1),
                "p2": byte_set(of.p2),
                "data": data,
                "response": response,
                "description": of.description,
            })
        })
        .collect();
    let statuses: Vec<Value> = statuses(row)
        .map(|status| json!({ "status_word": code(*status), "meaning": status.meaning() }))
        .collect();
    json!({
        "name": row.name,
        "class": format!("{:02X}", row.class),
        "instruction": format!("{:02X}", row.instruction),
        "description": row.description,
        "forms": forms,
        "data": fields(row.data),
        "response": fields(row.response),
        "life_cycles": life_cycles(row),
        "authorisation": row.authorisation.name(),
        "status_words": statuses,
    })
}
