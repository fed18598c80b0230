//! The issuer's scripts.

use purse_tests::scheme::{eur, jpy, usd};

use super::plain::sequence;
use crate::draw::Draw;
use crate::message;
use crate::view::View;

/// A script with the next counter and the right MAC.
pub(super) fn signed(view: &View, draw: &mut Draw, id: u8, value: &[u8]) -> Vec<u8> {
    let counter = match draw.below(16) {
        0 => view.counter,
        1 => view.counter.wrapping_sub(1),
        2 => view.counter.wrapping_add(1 + u32::from(draw.byte())),
        _ => view.counter.wrapping_add(1),
    };
    let mut bytes = message::script(view.number, view.key_version, counter, id, value);
    if draw.once_in(16) {
        let at = 5 + draw.below(bytes.len().saturating_sub(5));
        bytes[at] ^= 1 << draw.below(8);
    }
    bytes
}

/// Any script.
pub(super) fn script(view: &View, draw: &mut Draw) -> Vec<u8> {
    let id = draw.pick(&[1, 1, 2, 2, 3, 3, 4, 4, 5, 6, 7, 8, 8, 8, 8, 9, 10, 10, 0, 11]);
    let mut value = value(view, draw, id);
    match draw.below(24) {
        0 if value.len() < 28 => value.push(0),
        1 => {
            value.pop();
        }
        _ => {}
    }
    signed(view, draw, id, &value)
}

fn value(view: &View, draw: &mut Draw, id: u8) -> Vec<u8> {
    match id {
        1 => [[pocket(draw)].as_slice(), &limits(draw)].concat(),
        2 => {
            let free = view.pockets.iter().position(|pocket| pocket.currency == [0, 0]);
            let place = match free {
                Some(free) if !draw.once_in(3) => u8::try_from(free).unwrap_or(0),
                _ => pocket(draw),
            };
            let codes = [jpy().0, eur().0, usd().0, [9, 0x99], [8, 0x26], [1, 0x24]];
            let wrong = [[0, 0], [0x19, 0x78], [9, 0x7A], [9, 0xA8], [0x0A, 0x78]];
            let currency = if draw.once_in(3) { draw.pick(&wrong) } else { draw.pick(&codes) };
            [[place].as_slice(), &currency, &[draw.byte() & 3], &limits(draw)].concat()
        }
        3 => draw
            .pick(&[
                [0x31, 0x01],
                [0x99, 0x12],
                [0x31, 0x13],
                [0x31, 0x00],
                [0x3A, 0x01],
                [0xA3, 0x01],
                [0x30, 0x1A],
                [0x30, 0xA1],
                [0x30, 0x09],
                [0x30, 0x10],
                [0x30, 0x11],
                [0x30, 0x20],
            ])
            .to_vec(),
        8 => resolution(view, draw),
        10 => {
            let versions = [view.masters[0], view.masters[1], 0, 9, view.masters[7]];
            vec![if draw.once_in(3) { draw.pick(&view.masters) } else { draw.pick(&versions) }]
        }
        _ => Vec::new(),
    }
}

fn resolution(view: &View, draw: &mut Draw) -> Vec<u8> {
    let payments: Vec<_> = view.payments().collect();
    let picked = payments.get(draw.below(payments.len())).filter(|_| !draw.once_in(5));
    let (at, mut tac) =
        picked.map_or_else(|| (sequence(view, draw), [0; 8]), |found| (found.sequence, found.tac));
    if draw.once_in(10) {
        tac[draw.below(8)] ^= 1;
    }
    let how = draw.pick(&[1, 1, 1, 2, 2, 2, 0, 3]);
    [at.to_be_bytes().as_slice(), &tac, &[how]].concat()
}

fn pocket(draw: &mut Draw) -> u8 {
    draw.pick(&[0, 0, 1, 1, 2, 3, 4, 5, 255])
}

/// Limits as small as those of the cards here, or none at all.
fn limits(draw: &mut Draw) -> Vec<u8> {
    let mut bytes = Vec::new();
    for usual in [40_u32, 15, 6, 10, 12, 14] {
        let limit = match draw.below(6) {
            0 => 0,
            1 => u32::MAX,
            2 => u32::from(draw.byte()),
            _ => usual,
        };
        bytes.extend(limit.to_be_bytes());
    }
    bytes
}
