//! Files, PIN and lock, and commands that are none.

use apdu_spec::command::CommandName;
use apdu_spec::file::APPLICATION;

use super::script;
use crate::certificate::PEERS;
use crate::draw::Draw;
use crate::message::{Details, apdu, of_sequence};
use crate::view::View;

/// SELECT of the application, with FCI.
pub fn select() -> Vec<u8> {
    apdu(CommandName::Select, 4, 0, &APPLICATION)
}

/// SELECT of something.
pub(super) fn selection(draw: &mut Draw) -> Vec<u8> {
    let control = draw.pick(&[0, 0, 0x0C]);
    let mut command = match draw.below(8) {
        0..3 => apdu(CommandName::Select, 4, control, &APPLICATION),
        3 => apdu(CommandName::Select, 4, control, draw.pick(&[&APPLICATION[..6], &[0xF0; 7], &[0xF0; 16]])),
        4 => apdu(CommandName::Select, 4, control, &[APPLICATION.as_slice(), &[1]].concat()),
        _ => {
            let files = [[0x3F, 0], [0x2F, 0], [0, 0x15], [0, 0x18], [0, 0x19], [0, 0x16], [0x3F, 1]];
            apdu(CommandName::Select, 0, control, &draw.pick(&files))
        }
    };
    if control == 0 && draw.once_in(3) {
        replace_expected(&mut command, draw.pick(&[1, 8, 9, 12, 13, 15, 16, 17, 43, 44, 45, 255]));
    }
    command
}

/// What shows what a command has left in the session: which file is current, whether the PIN is verified; and, where
/// there is a key pair, who the peer is: req is made with its key.
pub fn probes(view: &View) -> Vec<Vec<u8>> {
    let mut probes = vec![
        apdu(CommandName::ReadBinary, 0, 0, &[]),
        apdu(CommandName::ReadRecord, 1, 4, &[]),
        apdu(CommandName::Verify, 0, 0x80, &[]),
    ];
    if view.has_key_pair {
        probes.extend(PEERS.iter().map(|peer| {
            let details = Details {
                kind: 5,
                key_version: 0,
                currency: view.pockets[0].currency,
                amount: 1,
                from: *peer,
                from_sequence: 3,
                to: view.number,
                to_sequence: view.sequence,
                time: 1_800_000_000,
            };
            details.initialize()
        }));
    }
    probes
}

/// One of them, or the same again.
pub(super) fn following(view: &View, last: &[u8], draw: &mut Draw) -> Vec<u8> {
    let mut all = probes(view);
    all.push(last.to_vec());
    all.swap_remove(draw.below(all.len()))
}

/// Another Le in a command that has one.
fn replace_expected(command: &mut [u8], expected: u8) {
    if let Some(last) = command.last_mut() {
        *last = expected;
    }
}

/// A sequence of the log, on its edges, or none.
pub(super) fn sequence(view: &View, draw: &mut Draw) -> u32 {
    let next = view.sequence;
    match draw.below(12) {
        0..7 if !view.records.is_empty() => draw.pick(&view.records).sequence,
        7 => next,
        8 => next.wrapping_add(1),
        9 => draw.pick(&[0, u32::MAX, u32::MAX - 1]),
        10 => view.records.first().map_or(next, |record| record.sequence).wrapping_sub(1),
        _ => next.wrapping_sub(u32::try_from(draw.below(16)).unwrap_or(0)),
    }
}

/// Something that only reads.
pub(super) fn reading(view: &View, draw: &mut Draw) -> Vec<u8> {
    let mut command = match draw.below(12) {
        0 => {
            let offset = draw.pick(&[0_u8, 1, 17, 18, 19, 176, 177, 178]);
            let file = draw.pick(&[0_u8, 0x95, 0x95, 0x9E, 0x98, 0x99, 0x83]);
            apdu(CommandName::ReadBinary, if file == 0 { draw.byte() & 1 } else { file }, offset, &[])
        }
        1..4 => {
            let number = draw.pick(&[1, 1, 2, 3, 4, 5, 8, 12, 13, 254]);
            let file = draw.pick(&[0, 24, 24, 25, 25, 21, 30, 7, 31]);
            apdu(CommandName::ReadRecord, number, file << 3 | 4, &[])
        }
        4 => {
            let tags = [
                [0x9F, 0x17],
                [0x9F, 0x4F],
                [0x9F, 0x17],
                [0x7F, 0x4F],
                [0x9F, 0x18],
                [0x17, 0x17],
                [0x7F, 0x21],
                [0x7F, 0x22],
                [0x9F, 0x21],
            ];
            let [high, low] = draw.pick(&tags);
            apdu(CommandName::GetData, high, low, &[])
        }
        5 => {
            let pocket = u8::try_from(draw.below(6)).unwrap_or(0);
            apdu(CommandName::GetBalance, 0, pocket, &[])
        }
        6..9 => of_sequence(CommandName::GetProof, sequence(view, draw), &[]),
        _ => of_sequence(CommandName::ReadEntry, sequence(view, draw), &[]),
    };
    if draw.once_in(4) {
        let expected =
            draw.pick(&[0, 1, 3, 4, 5, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 49, 50, 51, 150, 151, 255]);
        replace_expected(&mut command, expected);
    }
    command
}

/// A PIN block: the right one, a wrong one, or none.
fn block(view: &View, draw: &mut Draw) -> [u8; 8] {
    let other = [0x24, 0x43, 0x21, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
    match draw.below(12) {
        0..6 => view.pin,
        6 => other,
        7 => [0x2C, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0xFF],
        8 => [0x25, 0x12, 0x34, 0x5F, 0xFF, 0xFF, 0xFF, 0xFF],
        9 => digits(draw),
        // Every rule of the block broken once.
        _ => {
            let mut wrong =
                if draw.once_in(2) { view.pin } else { [0x2C, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0xFF] };
            match draw.below(9) {
                0 => wrong[0] = 0x14,
                1 => wrong[0] = 0x23,
                2 => wrong[0] = 0x2D,
                3 => wrong[0] += 1,
                4 => wrong[7] = 0xFE,
                5 => wrong[3] = 0x0F,
                6 => wrong[2] |= 0x0F,
                7 => wrong[1] = 0xA1,
                _ => wrong[0] = 0x34,
            }
            wrong
        }
    }
}

/// A block of so many digits, also of too few and too many; 9 and 0 are among them.
fn digits(draw: &mut Draw) -> [u8; 8] {
    let count = draw.pick(&[0, 3, 4, 5, 11, 12, 13, 14]);
    let mut block = [0x20 | count, 0, 0, 0, 0, 0, 0, 0];
    for place in 2..16 {
        let nibble = if place < usize::from(count) + 2 { draw.pick(&[9, 0, 5]) } else { 15 };
        block[place / 2] |= if place % 2 == 0 { nibble << 4 } else { nibble };
    }
    if draw.once_in(3) {
        // One digit that is none, or one that should be filling.
        let place = 2 + draw.below(14);
        let nibble = draw.pick(&[0x0A, 0x0F, 0x09]);
        block[place / 2] = match place % 2 {
            0 => block[place / 2] & 0x0F | nibble << 4,
            _ => block[place / 2] & 0xF0 | nibble,
        };
    }
    block
}

/// What the holder does: PIN and lock.
pub(super) fn holder(view: &View, draw: &mut Draw) -> Vec<u8> {
    match draw.below(10) {
        0..4 if draw.once_in(3) || view.tries < 2 => apdu(CommandName::Verify, 0, 0x80, &view.pin),
        0..4 => apdu(CommandName::Verify, 0, 0x80, &block(view, draw)),
        4 => apdu(CommandName::Verify, 0, 0x80, &[]),
        5 | 6 => {
            let blocks = [block(view, draw), block(view, draw)].concat();
            apdu(CommandName::ChangePin, 0, 0x80, &blocks)
        }
        7 => apdu(CommandName::Lock, 0, 0, &[]),
        8 if view.locked => apdu(CommandName::Unlock, 1, 0, &[]),
        _ => apdu(draw.pick(&[CommandName::Lock, CommandName::Unlock]), u8::from(draw.once_in(2)), 0, &[]),
    }
}

/// What brings a card back that does nothing any more.
pub(super) fn unblocking(view: &View, draw: &mut Draw) -> Vec<u8> {
    let id = if view.blocked {
        6
    } else if view.tries == 0 {
        4
    } else if view.locked {
        9
    } else {
        return select();
    };
    script::signed(view, draw, id, &[])
}

/// A command with something wrong outside of its data.
pub(super) fn damaged(mut command: Vec<u8>, draw: &mut Draw) -> Vec<u8> {
    // A repeat of one that is short already.
    if command.len() < 5 {
        return command;
    }
    let place = draw.below(4);
    match draw.below(12) {
        0 => command[0] = draw.pick(&[0, 0x80, 0x01, 0x81, 0x84, 0xFF]),
        1 => {
            command[1] =
                draw.pick(&[0, 0x20, 0x2A, 0x2C, 0x44, 0x50, 0x52, 0x55, 0x78, 0xA4, 0xB0, 0xE2, 0xFF]);
        }
        2 => command[2] = draw.pick(&[0, 1, 2, 3, 4, 5, 6, 0x7F, 0x80, 0x81, 0x9E, 0x9F, 0xFF]),
        3 => command[3] = draw.pick(&[0, 1, 4, 5, 0x0C, 0x80, 0xBE, 0xC4, 0xF4, 0xFC, 0xFF]),
        4 => command.truncate(draw.below(command.len() + 1)),
        5 => command.truncate(place),
        6 => command.push(draw.byte()),
        7 => {
            command.pop();
        }
        8 if command.len() > 5 => {
            let length = command[4];
            command[4] = draw.pick(&[0, length.wrapping_add(1), length.wrapping_sub(1), 255]);
        }
        9 => {
            command.truncate(4);
            command.extend([0, 0, draw.pick(&[0, 1])]);
        }
        10 => {
            // One byte of data more or less, with the length that says so.
            let length = command.get(4).copied();
            if let Some(length) = length.filter(|length| command.len() > usize::from(*length) + 4) {
                let (shorter, at) = (draw.once_in(2), 5 + usize::from(length));
                if shorter && length > 0 && at <= command.len() {
                    command.remove(at - 1);
                    command[4] -= 1;
                } else if length < 255 && at <= command.len() {
                    command.insert(at, draw.byte());
                    command[4] += 1;
                }
            }
        }
        _ => {
            let at = draw.below(command.len());
            command[at] ^= 1 << draw.below(8);
        }
    }
    command
}
