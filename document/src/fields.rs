//! Bytes taken apart, field by field, in the standard's names.

use purse_terminal::explain::{Field, Hint, Object, Reading, explain};

use crate::Outcome;
use crate::markdown::hexadecimal;

/// One field that is not made of others.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub(crate) depth: usize,
    pub(crate) offset: usize,
    pub(crate) length: usize,
    pub(crate) name: String,
    pub(crate) meaning: String,
    /// It has parts, which follow.
    pub(crate) is_group: bool,
}

/// What these bytes are, as an object of this kind.
pub(crate) fn reading(bytes: &[u8], object: Object) -> Outcome<Reading> {
    let readings = explain(bytes, &Hint { object: Some(object), response_to: None })?;
    Ok(readings.into_iter().next().ok_or("no reading")?)
}

/// A response, by its command.
pub(crate) fn response(command: &[u8], bytes: &[u8]) -> Outcome<Reading> {
    let hint = Hint { object: Some(Object::Response), response_to: Some(command) };
    Ok(explain(bytes, &hint)?.into_iter().next().ok_or("no reading")?)
}

/// Its fields in order, groups before what they are made of.
pub(crate) fn leaves(reading: &Reading) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    for field in &reading.fields {
        put(&mut leaves, field, 0);
    }
    leaves
}

fn put(leaves: &mut Vec<Leaf>, field: &Field, depth: usize) {
    leaves.push(Leaf {
        depth,
        offset: field.offset,
        length: field.length,
        name: field.name.to_string(),
        meaning: field.meaning.clone().unwrap_or_default(),
        is_group: !field.parts.is_empty(),
    });
    for part in &field.parts {
        put(leaves, part, depth + 1);
    }
}

/// The fields as lines of fixed width. Every byte is shown: the keys and PINs of the document are examples.
pub(crate) fn lines(reading: &Reading, bytes: &[u8]) -> String {
    let leaves = leaves(reading);
    let shown = |leaf: &Leaf| {
        let value = bytes.get(leaf.offset..leaf.offset + leaf.length).unwrap_or(&[]);
        if leaf.is_group { String::new() } else { hexadecimal(value) }
    };
    let names = leaves
        .iter()
        .map(|leaf| 2 * leaf.depth + leaf.name.chars().count())
        .max()
        .unwrap_or(0)
        .max("field".len());
    let values = leaves.iter().map(|leaf| shown(leaf).len()).max().unwrap_or(0).max("bytes".len());
    let mut text = format!("offset  {:names$}  {:values$}  meaning\n", "field", "bytes");
    for leaf in &leaves {
        let name = format!("{}{}", "  ".repeat(leaf.depth), leaf.name);
        let line = format!("{:6}  {name:names$}  {:values$}  {}", leaf.offset, shown(leaf), leaf.meaning);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
