//! Status words.

use apdu_spec::command::COMMANDS;
use apdu_spec::status::StatusWord;

use crate::markdown::{Markdown, link};

use super::Sources;

/// As it is written: `63Cx`, `61xx`.
pub(crate) fn written(status: StatusWord) -> String {
    match status {
        StatusWord::MoreData(_) => "61xx".to_owned(),
        StatusWord::WrongPin(_) => "63Cx".to_owned(),
        StatusWord::WrongExpected(_) => "6Cxx".to_owned(),
        status => format!("{:04X}", status.code()),
    }
}

pub(crate) fn write(_: &Sources<'_>) -> Markdown {
    let mut text = Markdown::new();
    text.paragraph(
        "Every status word of the standard. Where ISO/IEC 7816-4 has one, it is that one; 9401 and 9402 are as in the \
         Chinese purse standard, 9404 is this standard's own. In 61xx and 6Cxx xx is a number of bytes, 00 for 256; in 63Cx x is the \
         number of PIN tries left. The last wrong try is 63C0, and from then on it is 6983.",
    )
    .paragraph(
        "6581 means that the memory has failed. The card then answers nothing else until it is powered up again, and \
         nobody can know what the command has done; it counts as a response that was lost.",
    );
    let rows = StatusWord::ALL.map(|status| {
        let commands: Vec<String> = COMMANDS
            .iter()
            .filter(|row| row.status_words.iter().any(|listed| listed.is_same_kind(status)))
            .map(|row| link(row.name))
            .collect();
        let common = COMMANDS.iter().all(|row| row.lists(status));
        let by = match status {
            StatusWord::MoreData(_) => link("T=0"),
            _ if common => "every command".to_owned(),
            _ => commands.join(", "),
        };
        [written(status), status.meaning().to_owned(), by]
    });
    text.table(["status word", "meaning", "answered by"], &rows);
    text
}
