//! What a process says to others than a card, and what a terminal is told.

use apdu_spec::command::row::Field;
use apdu_spec::data_element::ElementForm;
use apdu_spec::message::{INPUTS, MESSAGES, Recipient};

use crate::markdown::Markdown;

fn fields(fields: &[Field]) -> String {
    let named = |field: &Field| match field.length {
        0 => format!("{}, the rest", field.name),
        length => format!("{} {length}", field.name),
    };
    if fields.is_empty() { "none".into() } else { fields.iter().map(named).collect::<Vec<_>>().join("; ") }
}

/// Tables of messages and of inputs.
pub(crate) fn put(text: &mut Markdown) {
    text.heading(3, "Messages to issuer and terminal")
        .paragraph(
            "A process speaks to cards by the commands of this standard, and else by these messages. Numbers are lengths in bytes, fields are in this order, numbers big-endian. \
             Their status words are those of the listings; how a message travels is left open.",
        );
    let to = |recipient| match recipient {
        Recipient::Issuer => "ISSUER",
        Recipient::Terminal => "TERMINAL",
        Recipient::Card => "PAYER, PAYEE",
    };
    let rows: Vec<[String; 6]> = MESSAGES
        .iter()
        .map(|message| {
            let words = message.status_words.iter();
            let words = words.map(|status| format!("{:04X}: {}", status.code, status.meaning));
            [
                message.name.into(),
                to(message.recipient).into(),
                fields(message.data),
                fields(message.response),
                words.collect::<Vec<_>>().join("; "),
                message.description.into(),
            ]
        })
        .collect();
    text.table(["message", "to", "data", "answer", "status words", "what it does"], &rows);
    text.heading(3, "What a terminal is told");
    let rows: Vec<[String; 3]> = INPUTS
        .iter()
        .map(|input| {
            let form = match input.form {
                ElementForm::Number(length) => format!("number of {length} bytes"),
                ElementForm::Bytes(length) => format!("{length} bytes"),
                ElementForm::Variable => "bytes".into(),
            };
            [input.name.into(), form, input.meaning.into()]
        })
        .collect();
    text.table(["INPUT", "form", "what it is"], &rows);
}
