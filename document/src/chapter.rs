//! The chapters, one a file, in their order.

mod commands;
mod cryptography;
mod elements;
mod files;
mod issuer;
mod language;
mod layouts;
mod listings;
mod meanings;
mod memory;
mod messages;
mod personalisation;
mod processes;
mod repeats;
mod scope;
mod states;
mod status;
mod transport;
mod vectors;

use purse_reference::standard::Standard;

use crate::Outcome;
use crate::life_cycle_diagram::Edges;
use crate::markdown::{Markdown, link};
use crate::run::Runs;

pub(crate) use language::{page, with_functions};

/// What chapters are written from.
#[derive(Debug)]
pub(crate) struct Sources<'a> {
    pub(crate) runs: &'a Runs,
    pub(crate) edges: &'a Edges,
    pub(crate) standard: &'a Standard,
}

/// A chapter: its title, and what follows it.
struct Chapter {
    title: &'static str,
    text: Markdown,
}

/// The whole document.
pub(crate) fn document(sources: &Sources<'_>) -> Outcome<String> {
    let chapters = [
        Chapter { title: "Scope and sources", text: scope::write() },
        Chapter { title: "Transport", text: transport::write()? },
        Chapter { title: "Data elements", text: elements::write(sources)? },
        Chapter { title: "Personalisation data and scripts", text: personalisation::write(sources)? },
        Chapter { title: "Cryptography", text: cryptography::write(sources)? },
        Chapter { title: "Files", text: files::write(sources)? },
        Chapter { title: "Life cycle and session", text: states::write(sources) },
        Chapter { title: "Commands", text: commands::write(sources)? },
        Chapter { title: "Steps that commands share", text: listings::steps(sources) },
        Chapter { title: "Status words", text: status::write(sources) },
        Chapter { title: "Memory", text: memory::write() },
        Chapter { title: "Processes", text: processes::write(sources)? },
        Chapter { title: "The issuer", text: issuer::write() },
        Chapter { title: "The language of the listings", text: language::write() },
    ];
    let mut document = Markdown::new();
    document.heading(1, "The purse: a standard").paragraph(
        "This document says all that a card, a terminal and an issuer have to do to take part. It is generated: the numbers, \
         names and listings come from the tables that the programs themselves use, and the bytes of every example come \
         from a run of a real card. `make standard` writes it anew; a test compares.",
    );
    let titles: Vec<String> = chapters.iter().map(|chapter| link(chapter.title)).collect();
    document.list(&titles);
    for chapter in &chapters {
        document.heading(2, chapter.title).append(&chapter.text);
    }
    Ok(document.to_string())
}
