//! STORE DATA.

use apdu_spec::command::CommandName;
use purse_tests::scheme::{issuer, party, usd};

use super::Situation;
use crate::certificate::{self, CHANGES, Inside};
use crate::draw::Draw;
use crate::issue::Issue;
use crate::message::apdu;

/// SELECT and the blocks that personalise a card, as few as do.
pub fn personalisation(issue: &Issue) -> Vec<Vec<u8>> {
    let mut blocks: Vec<Vec<u8>> = vec![Vec::new()];
    for group in issue.groups() {
        if blocks.last().is_some_and(|block| block.len() + group.len() > 255) {
            blocks.push(Vec::new());
        }
        if let Some(block) = blocks.last_mut() {
            block.extend(group);
        }
    }
    let count = blocks.len();
    let commands = blocks.iter().enumerate().map(|(place, block)| {
        let number = u8::try_from(place).unwrap_or(u8::MAX);
        apdu(CommandName::StoreData, if place + 1 == count { 0x80 } else { 0 }, number, block)
    });
    std::iter::once(super::select()).chain(commands).collect()
}

/// One block: some of the groups that the card has not got yet, mostly right.
pub(super) fn block(situation: &Situation<'_>, draw: &mut Draw) -> Vec<u8> {
    let Situation { view, session, issue, recent } = situation;
    if let Some(last) = recent.last().filter(|_| draw.once_in(12)) {
        return last.clone();
    }
    let begins = view.blocks == 0 || draw.once_in(20);
    let mut missing = issue.groups();
    if !begins {
        missing.retain(|group| session.group(u16::from_be_bytes([group[0], group[1]])).is_empty());
    }
    let count = missing.len();
    let taken = if draw.once_in(2) { count } else { 1 + draw.below(count.max(1)) };
    let mut data = Vec::new();
    let mut left = count;
    for group in missing.iter().take(taken) {
        let group = if draw.once_in(24) { changed(group.clone(), draw) } else { group.clone() };
        if data.len() + group.len() > 255 {
            break;
        }
        data.extend(group);
        left -= 1;
    }
    if draw.once_in(16) {
        match draw.below(5) {
            0 => data.truncate(draw.below(data.len())),
            1 => data.extend([0x15, 0x16, 0]),
            2 => data.extend([0x90, 0x10, 2, 3, 3]),
            3 => data.extend([0x80, 0x10, 0]),
            _ => {
                // A second pocket, of this or another currency.
                data.extend([0x15, draw.pick(&[0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x10]), 31]);
                data.extend(draw.pick(&[usd().0, [9, 0x78], [1, 0x24]]));
                data.extend([2, 0, 0, 0, 1]);
                data.extend([0, 0, 0, u8::from(!draw.once_in(4))]);
                data.extend([0; 20]);
            }
        }
    }
    data.truncate(255);
    if data.is_empty() {
        data.extend([0x90, 0x10, 2, 3, 3]);
    }
    let number = u8::try_from(view.blocks).unwrap_or(u8::MAX);
    let number = match draw.below(20) {
        _ if begins => 0,
        0 => number.wrapping_add(1),
        1 => number.wrapping_sub(1),
        _ => number,
    };
    let last = if draw.once_in(20) { left != 0 } else { left == 0 };
    apdu(CommandName::StoreData, if last { 0x80 } else { 0 }, number, &data)
}

/// A group with one thing changed, near every rule that there is for it.
fn changed(mut group: Vec<u8>, draw: &mut Draw) -> Vec<u8> {
    let value = &mut group[3..];
    match (value.len(), draw.below(11)) {
        (_, 0) => {
            group.pop();
            group[2] -= 1;
        }
        (0..197, 1) => {
            group.push(0);
            group[2] += 1;
        }
        (_, 2) => group[1] ^= 1 << draw.below(8),
        (21, 3) => value[0] = draw.pick(&[0, 1, 2, 3]),
        // Another number that is one: every digit counts in the last one.
        (21, 4 | 7) if draw.once_in(2) => {
            let at = draw.below(2) * 11 + 1;
            value[at..at + 8].copy_from_slice(&party(draw.bits() % 44_000_000_000_000).0);
        }
        (21, 4) => value[1 + draw.below(8)] ^= draw.pick(&[1, 0x10, 0x0A, 0xA0]),
        (21, 5) => value[9] = draw.pick(&[0, 255]),
        (21, 6) => value[10 + draw.below(2)] = draw.pick(&[0, 0x13, 0x1A, 0xA1, 0x12, 0x01]),
        (21, 7) => value[12 + draw.below(8)] ^= draw.pick(&[1, 0x10, 0x0A, 0xA0]),
        (21, 8) => value[20] = draw.pick(&[0, 1, 2, 3, 255]),
        (21, 9) => value[1..9].copy_from_slice(&issuer().0),
        (21, 10) => value[draw.below(2) * 11 + 1..][..8].fill(0),
        (31, 3..6) => {
            let codes = [[0, 0], [0x10, 0], [9, 0x7A], [9, 0xA7], [0x0A, 0], [9, 0x99], usd().0];
            value[..2].copy_from_slice(&draw.pick(&codes));
        }
        (31, 6..9) => {
            let maximum = [value[7], value[8], value[9], value[10]];
            value[3..7].copy_from_slice(&maximum);
            if draw.once_in(2) {
                value[6] = value[6].wrapping_add(1);
            }
        }
        (2, _) => {
            let tries = [[0, 0], [0, 1], [1, 0], [15, 15], [15, 16], [16, 16], [4, 3], [2, 3], [0, 3]];
            value.copy_from_slice(&draw.pick(&tries));
        }
        (8, _) => {
            let other = [0x25, 0x12, 0x34, 0x5F, 0xFF, 0xFF, 0xFF, 0xFF];
            let at = draw.below(8);
            if draw.once_in(4) {
                value.copy_from_slice(&other);
            } else {
                value[at] ^= draw.pick(&[1, 0x10, 0x0F, 0xF0]);
            }
        }
        (147, 3..6) => {
            let (at, bytes) = draw.pick(CHANGES);
            if let Ok(inside) = <&mut Inside>::try_from(&mut value[..]) {
                *inside = certificate::with(*inside, at, bytes);
            }
        }
        (64 | 12, _) => value[draw.below(value.len())] ^= 1,
        (length, 3..6) if length.is_multiple_of(17) => {
            value[17 * draw.below(length / 17)] = draw.pick(&[0, 1, 2, 9]);
        }
        (length, 6..9) if length.is_multiple_of(17) => {
            // One master more, up to nine of them.
            let count = draw.pick(&[1, 3, 7, 8, 9]);
            let masters: Vec<u8> = (1..=count).flat_map(|version| [version; 17]).collect();
            group.truncate(3);
            group[2] = u8::try_from(masters.len()).unwrap_or(255);
            group.extend(masters);
        }
        _ => {
            let at = draw.below(value.len());
            value[at] ^= 1 << draw.below(8);
        }
    }
    group
}
