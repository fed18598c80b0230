//! VERIFY CERTIFICATE.

use crate::certificate::{self, PEERS, RENEWED};
use crate::draw::Draw;
use crate::view::View;

/// The certificate of a purse, or something near one.
pub(super) fn meeting(view: &View, draw: &mut Draw) -> Vec<u8> {
    let inside = match draw.below(12) {
        0..7 => certificate::of(draw.pick(PEERS.as_slice())),
        7 => *RENEWED,
        8 => certificate::of(view.number),
        9 => {
            let mut inside = certificate::of(draw.pick(PEERS.as_slice()));
            inside[draw.below(inside.len())] ^= 1 << draw.below(8);
            inside
        }
        _ => draw.pick(certificate::wrong()),
    };
    certificate::verify(&inside)
}
