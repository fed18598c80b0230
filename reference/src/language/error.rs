//! What is wrong with a text, and where.

use super::syntax::Place;

/// A text that is not of the language, or breaks one of its rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct TextError {
    /// Where.
    pub place: Place,
    /// What.
    pub message: String,
}

impl TextError {
    pub(crate) fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into() }
    }
}
