//! Objects of the standard byte by byte.

use purse_terminal::explain::Object;

use crate::Outcome;
use crate::fields::{Leaf, leaves, reading};
use crate::markdown::{Markdown, code};

use super::meanings::meaning;

/// The table of an object's fields, with an example of each. `without` leaves this many bytes out at the front.
pub(crate) fn table(text: &mut Markdown, bytes: &[u8], object: Object, without: usize) -> Outcome<()> {
    let reading = reading(bytes, object)?;
    let mut rows = Vec::new();
    let mut skip_deeper_than = usize::MAX;
    for leaf in leaves(&reading).iter().filter(|leaf| leaf.offset >= without) {
        if leaf.depth > skip_deeper_than {
            continue;
        }
        // What has a table of its own is one field here.
        let is_whole = leaf.is_group && ["PD", "status block"].contains(&leaf.name.as_str());
        let is_later_pocket = leaf.is_group && leaf.name.starts_with("pocket ") && leaf.name != "pocket 0";
        skip_deeper_than = if is_whole || is_later_pocket { leaf.depth } else { usize::MAX };
        rows.push(row(leaf, bytes, without, is_whole)?);
    }
    text.table(["offset", "bytes", "field", "content", "example"], &rows);
    Ok(())
}

fn row(leaf: &Leaf, bytes: &[u8], without: usize, is_whole: bool) -> Outcome<[String; 5]> {
    let value = bytes.get(leaf.offset..leaf.offset + leaf.length).unwrap_or(&[]);
    let shown = if leaf.is_group && !is_whole { String::new() } else { code(value) };
    Ok([
        (leaf.offset - without).to_string(),
        leaf.length.to_string(),
        format!("{}{}", "- ".repeat(usize::from(leaf.depth > 0)), leaf.name),
        meaning(&leaf.name)?,
        shown,
    ])
}
