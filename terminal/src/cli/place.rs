//! Where a card is: in a file of the home, or in a reader.

use std::fmt;

/// The place of a card.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// A virtual card of the home, by its name.
    File(String),
    /// A card in the reader of this exact name.
    Reader(String),
}

impl Place {
    /// Of a virtual card.
    pub(crate) fn file(name: &str) -> Self {
        Self::File(name.to_owned())
    }

    /// Its name alone.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::File(name) | Self::Reader(name) => name,
        }
    }

    /// The option that names it, as it would be typed; none for the default card.
    pub(crate) fn option(&self) -> String {
        match self {
            Self::File(name) if name == "card" => String::new(),
            Self::File(name) => format!(" --card {name}"),
            Self::Reader(name) => format!(" --reader '{name}'"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(name) => write!(formatter, "card `{name}`"),
            Self::Reader(name) => write!(formatter, "the card in reader `{name}`"),
        }
    }
}
