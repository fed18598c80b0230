//! All listings at once: parsed, made into programs, ready to run.

use std::sync::Arc;

use apdu_spec::command::CommandName;
use apdu_spec::process::{LISTINGS, ListingKind};

use crate::compile::{Finding, Source, compile};
use crate::language::parse::parse;
use crate::language::syntax::Line;
use crate::machine::Curve;
use crate::program::Program;

/// The standard's text as programs.
#[derive(Clone, Debug)]
pub struct Standard {
    pub(crate) sources: Vec<Source>,
    /// By place of their sources; steps and BEFORE have none.
    pub(crate) programs: Vec<Option<Arc<Program>>>,
    /// What its cards compute with.
    pub(crate) curve: Curve,
}

impl Standard {
    /// The listings of `apdu-spec`.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn load() -> Result<Self, Finding> {
        Self::new(sources()?)
    }

    /// Other listings, as someone who changes a line has them.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn new(sources: Vec<Source>) -> Result<Self, Finding> {
        let mut programs = Vec::new();
        for (place, source) in sources.iter().enumerate() {
            programs.push(match source.kind {
                ListingKind::Step | ListingKind::Before => None,
                ListingKind::Command(_) | ListingKind::Process => Some(Arc::new(compile(&sources, place)?)),
            });
        }
        Ok(Self { sources, programs, curve: Curve::SOFTWARE })
    }

    /// The same text with other lines of one listing; programs that the listing is not part of stay the same ones.
    ///
    /// # Errors
    /// What is wrong with the other lines.
    pub fn with_lines(&self, listing: usize, lines: &[Line]) -> Result<Self, Finding> {
        let mut changed = self.clone();
        let Some(source) = changed.sources.get_mut(listing) else { return Ok(changed) };
        source.lines = lines.to_vec();
        for (place, program) in changed.programs.iter_mut().enumerate() {
            if let Some(program) = program.as_mut().filter(|program| program.has(listing)) {
                *program = Arc::new(compile(&changed.sources, place)?);
            }
        }
        Ok(changed)
    }

    /// The same text, whose cards compute on P-256 with this.
    pub fn computing(self, curve: Curve) -> Self {
        Self { curve, ..self }
    }

    /// Every listing, parsed.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The program of a command.
    pub(crate) fn command(&self, command: CommandName) -> Option<&Program> {
        let place = self.sources.iter().position(|source| source.kind == ListingKind::Command(command))?;
        self.programs.get(place)?.as_deref()
    }

    /// Name and number of a line.
    pub fn line(&self, listing: usize, line: usize) -> (String, u32) {
        let source = self.sources.get(listing);
        let number = source.and_then(|source| source.lines.get(line)).map_or(0, |line| line.number);
        (source.map_or(String::new(), |source| source.name.clone()), number)
    }
}

/// The listings of `apdu-spec`, parsed.
///
/// # Errors
/// A text that is not of the language.
pub fn sources() -> Result<Vec<Source>, Finding> {
    let parsed = LISTINGS.iter().map(|listing| {
        let lines = parse(listing.text);
        let lines = lines.map_err(|error| Finding { listing: listing.name.into(), error })?;
        Ok(Source { name: listing.name.into(), kind: listing.kind, lines })
    });
    parsed.collect()
}
