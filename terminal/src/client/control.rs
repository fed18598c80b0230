//! Reads the FCI of the application, whatever it is that the card calls so.

use apdu_spec::command::CommandName;
use apdu_spec::file::{CONTROL_LENGTH, TAG_CONTROL, TAG_PROPRIETARY, TAG_STATUS_BLOCK};
use apdu_spec::status_block::StatusBlock;
use iso7816_tlv::ber::{Tag, Tlv, Value};

use super::error::CardError;

/// FCIs are read up to this length: later cards may say more than we know. `iso7816-tlv` recurses once for each
/// nested template, and a template takes two bytes, so this bounds the recursion too.
const LONGEST_CONTROL: usize = 2 * CONTROL_LENGTH;

/// The status block out of `6F { 84 .. A5 { C1 <status block> } }`.
pub(crate) fn status_block(bytes: &[u8]) -> Result<StatusBlock, CardError> {
    let malformed = |reason| CardError::Malformed { command: CommandName::Select, reason };
    if bytes.len() > LONGEST_CONTROL {
        return Err(malformed("the FCI is too long"));
    }
    let control = Tlv::from_bytes(bytes).map_err(|_| malformed("the FCI is not BER-TLV"))?;
    if !is(control.tag(), TAG_CONTROL) {
        return Err(malformed("the answer is no FCI"));
    }
    let proprietary = child(&control, TAG_PROPRIETARY).ok_or(malformed("the FCI has no proprietary part"))?;
    let block = child(proprietary, TAG_STATUS_BLOCK).ok_or(malformed("the FCI has no status block"))?;
    let Value::Primitive(block) = block.value() else {
        return Err(malformed("the status block is a template"));
    };
    let block = block.as_slice().try_into().map_err(|_| malformed("the status block has a wrong length"))?;
    StatusBlock::parse(block).map_err(|error| CardError::malformed(CommandName::Select, error))
}

fn child(parent: &Tlv, tag: u8) -> Option<&Tlv> {
    match parent.value() {
        Value::Constructed(children) => children.iter().find(|child| is(child.tag(), tag)),
        Value::Primitive(_) => None,
    }
}

fn is(tag: &Tag, byte: u8) -> bool {
    tag.to_bytes() == [byte]
}
