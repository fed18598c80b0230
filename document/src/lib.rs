//! The standard as a document: Markdown, pictures and an HTML book, written from the tables of `apdu-spec`, the
//! listings, and real runs of card, terminal and issuer. Everything is fixed, so that the same sources give the same
//! bytes.

pub mod book;
mod chapter;
mod examples;
mod fields;
mod life_cycle_diagram;
mod markdown;
mod picture;
mod recorder;
mod run;
mod scheme;
mod sequence_diagram;

pub use markdown::anchor;

/// Whatever is wrong ends the writing.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Where the document is kept.
pub const DOCUMENT: &str = "docs/standard.md";

/// A file that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// From the root of the project.
    pub path: String,
    /// All of it.
    pub content: String,
}

/// Every file of the document.
///
/// # Errors
/// A listing is not of the language, a run does not come to its end, or something has no description.
pub fn files() -> Outcome<Vec<File>> {
    let standard = purse_reference::standard::Standard::load()?;
    let runs = run::play()?;
    let edges = life_cycle_diagram::edges(&standard)?;
    let sources = chapter::Sources { runs: &runs, edges: &edges, standard: &standard };
    let mut files = vec![
        File { path: DOCUMENT.to_owned(), content: chapter::document(&sources)? },
        File { path: chapter::page().to_owned(), content: chapter::with_functions()? },
        picture("life-cycle.svg", life_cycle_diagram::draw(&edges)?),
    ];
    for run in runs.processes.iter().chain(&runs.recoveries).chain(&runs.personalisations) {
        files.push(picture(run.file, sequence_diagram::draw(run)?));
    }
    Ok(files)
}

fn picture(name: &str, content: String) -> File {
    File { path: format!("docs/standard/{name}"), content }
}
