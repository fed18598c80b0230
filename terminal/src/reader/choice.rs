//! Which reader is meant: by its exact name, else by a part of it that only one has.

use super::{Occupancy, Reader};
use crate::transport::TransportError;

/// What a name comes to among the readers that are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// This one.
    Reader(String),
    /// Any of these as soon as it has a card: now none has one that is free.
    AnyOf(Vec<String>),
}

/// Picks the reader that is meant. An exact name is that reader. A part of a name (in whatever case) is the one
/// reader that has it; of several, the only one with a card that is free. The empty name is a part of every name.
///
/// # Errors
/// No reader fits, or more than one: the error lists them.
pub fn choose(readers: &[Reader], wanted: &str) -> Result<Choice, TransportError> {
    let names = fitting(readers, wanted)?;
    if let [only] = names.as_slice() {
        return Ok(Choice::Reader(only.clone()));
    }
    let meant: Vec<&Reader> = readers.iter().filter(|reader| names.contains(&reader.name)).collect();
    let mut with_card = meant.iter().filter(|reader| reader.has_free_card());
    match (with_card.next(), with_card.next()) {
        (Some(only), None) => Ok(Choice::Reader(only.name.clone())),
        (None, _) => Ok(Choice::AnyOf(names)),
        _ => Err(TransportError::NoReader(format!("`{wanted}` could be any of: {}", list(&meant)))),
    }
}

/// The readers that may be meant: the one of this exact name, or all that have this part in theirs.
///
/// # Errors
/// No reader fits; the error lists those that there are.
pub fn fitting(readers: &[Reader], wanted: &str) -> Result<Vec<String>, TransportError> {
    if readers.iter().any(|reader| reader.name == wanted) {
        return Ok(vec![wanted.to_owned()]);
    }
    let part = wanted.to_lowercase();
    let names = readers.iter().map(|reader| &reader.name);
    let fitting: Vec<String> = names.filter(|name| name.to_lowercase().contains(&part)).cloned().collect();
    if !fitting.is_empty() {
        return Ok(fitting);
    }
    Err(TransportError::NoReader(if readers.is_empty() {
        "there is no reader".to_owned()
    } else {
        let all: Vec<&Reader> = readers.iter().collect();
        format!("no reader is called `{wanted}`; there are: {}", list(&all))
    }))
}

fn list(readers: &[&Reader]) -> String {
    let names: Vec<String> =
        readers.iter().map(|reader| format!("`{}`{}", reader.name, state(reader))).collect();
    names.join(", ")
}

const fn state(reader: &Reader) -> &'static str {
    match reader.occupancy {
        Occupancy::Card { .. } => "",
        Occupancy::Empty => " (empty)",
        Occupancy::Mute => " (its card does not answer)",
        Occupancy::Unavailable => " (unplugged)",
    }
}

#[cfg(test)]
mod tests {
    use super::super::Holder;
    use super::*;

    fn reader(name: &str, occupancy: Occupancy) -> Reader {
        Reader { name: name.to_owned(), occupancy }
    }

    fn card(holder: Holder) -> Occupancy {
        Occupancy::Card { answer_to_reset: vec![0x3B, 0], holder }
    }

    fn chosen(readers: &[Reader], wanted: &str) -> String {
        match choose(readers, wanted) {
            Ok(Choice::Reader(name)) => name,
            Ok(Choice::AnyOf(names)) => format!("any of {}", names.join("+")),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn an_exact_name_is_that_reader_whatever_is_in_it() {
        for occupancy in [Occupancy::Empty, Occupancy::Mute, card(Holder::Exclusive), card(Holder::Nobody)] {
            let readers = [reader("Reader 0", occupancy), reader("Reader 0 bis", card(Holder::Nobody))];
            assert_eq!(chosen(&readers, "Reader 0"), "Reader 0");
        }
    }

    #[test]
    fn a_part_of_a_name_has_to_be_unique_among_those_with_a_free_card() {
        let two = |first, second| [reader("ACS One 00", first), reader("Gemalto Two 01", second)];
        let readers = two(Occupancy::Empty, Occupancy::Empty);
        assert_eq!(chosen(&readers, "acs"), "ACS One 00");
        assert_eq!(chosen(&readers, "TWO"), "Gemalto Two 01");
        assert_eq!(chosen(&readers, ""), "any of ACS One 00+Gemalto Two 01");
        assert_eq!(chosen(&readers, " 0"), "any of ACS One 00+Gemalto Two 01");
        for busy in [Occupancy::Empty, Occupancy::Mute, Occupancy::Unavailable, card(Holder::Exclusive)] {
            assert_eq!(chosen(&two(busy.clone(), card(Holder::Nobody)), "0"), "Gemalto Two 01");
            assert_eq!(chosen(&two(card(Holder::Shared), busy), "0"), "ACS One 00");
        }
        let both = chosen(&two(card(Holder::Nobody), card(Holder::Shared)), "0");
        assert!(both.contains("`ACS One 00`") && both.contains("`Gemalto Two 01`"), "{both}");
    }

    #[test]
    fn a_name_that_nobody_has_is_answered_with_those_that_there_are() {
        assert_eq!(chosen(&[], "x"), "there is no reader");
        let error = chosen(&[reader("A", Occupancy::Empty), reader("B", card(Holder::Nobody))], "x");
        assert!(error.contains("`A` (empty)") && error.contains("`B`"), "{error}");
    }
}
