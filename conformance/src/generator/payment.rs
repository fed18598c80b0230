//! Transfers of value, from the payer's and from the payee's side.

use apdu_spec::command::CommandName;
use purse_tests::scheme::{eur, jpy, party, usd};

use super::plain::sequence;
use crate::certificate::{self, PEERS};
use crate::draw::Draw;
use crate::message::{Details, of_sequence};
use crate::view::{PocketView, View};

/// The time that most PDs have.
const TIME: u32 = 1_800_000_000;

/// A message of a transfer.
pub(super) fn payment(view: &View, draw: &mut Draw) -> Vec<u8> {
    match draw.below(20) {
        0..3 => incoming(view, draw, true).initialize(),
        3..9 => voucher(view, draw, CommandName::Credit),
        9 | 10 => voucher(view, draw, CommandName::Decline),
        11..16 => debit(view, draw),
        16 | 17 => closing(view, draw, CommandName::Acknowledge),
        _ => closing(view, draw, CommandName::Reverse),
    }
}

/// Other parties: other cards, and the card itself.
fn stranger(view: &View, draw: &mut Draw) -> [u8; 8] {
    match draw.below(9) {
        0 => view.number,
        1 => view.issuer,
        2 => draw.pick(PEERS.as_slice()),
        choice => party(20 + choice as u64 % 3).0,
    }
}

/// An amount that is near something that matters.
fn amount(view: &View, draw: &mut Draw, pocket: &PocketView) -> u32 {
    let PocketView {
        balance, limits: [maximum, debit, one, total, transfer, offline], spent, received, ..
    } = *pocket;
    let edge = match draw.below(15) {
        0..4 => return 1 + u32::try_from(draw.below(4)).unwrap_or(0),
        4 => balance,
        5 => maximum.wrapping_sub(balance),
        6 => debit,
        7 => one,
        8 => total.wrapping_sub(spent),
        9 => offline.wrapping_sub(received),
        10 => view.payments().last().map_or(1, |record| record.details.amount),
        11 => u32::MAX.wrapping_sub(balance),
        12 => draw.pick(&[0, 1, u32::MAX]),
        13 => transfer,
        _ => return 1 + u32::try_from(draw.below(20)).unwrap_or(0),
    };
    edge.wrapping_add(draw.pick(&[0, 0, 0, 1, u32::MAX]))
}

fn pocket(view: &View, draw: &mut Draw) -> ([u8; 2], PocketView) {
    let used: Vec<&PocketView> = view.pockets.iter().filter(|pocket| pocket.currency != [0, 0]).collect();
    if used.is_empty() || draw.once_in(20) {
        let currency = draw.pick(&[jpy().0, [0, 0], eur().0, usd().0]);
        return (currency, view.pockets[0]);
    }
    let found = *if draw.once_in(3) { draw.pick(&used) } else { used[0] };
    (found.currency, found)
}

/// A version for a key between a purse and a SAM.
fn version(view: &View, draw: &mut Draw) -> u8 {
    let held: Vec<u8> = view.masters.iter().copied().filter(|version| *version != 0).collect();
    if view.is_purse() || held.is_empty() { view.key_version } else { draw.pick(&held) }
}

/// The other side of a payment of a kind.
fn other_side(view: &View, draw: &mut Draw, kind: u8) -> [u8; 8] {
    match kind {
        1 | 2 => view.issuer,
        5 => match view.peer.filter(|_| !draw.once_in(12)) {
            Some(peer) => peer,
            None => draw.pick(PEERS.as_slice()),
        },
        _ => party(20 + draw.below(2) as u64).0,
    }
}

/// The key version of a payment of a kind.
fn version_of(view: &View, draw: &mut Draw, kind: u8) -> u8 {
    match kind {
        1 | 2 => view.key_version,
        5 => 0,
        _ => version(view, draw),
    }
}

/// With a peer at hand it is often a transfer.
fn perhaps_transfer(view: &View, draw: &mut Draw, kind: u8) -> u8 {
    if view.peer.is_some() && draw.once_in(2) { 5 } else { kind }
}

/// PD with this card as the payee; `new` ones for INITIALIZE.
fn incoming(view: &View, draw: &mut Draw, new: bool) -> Details {
    let kind = match (draw.below(12), view.is_purse()) {
        (0, _) => draw.pick(&[1, 2, 3, 4, 5]),
        (1..7, _) => 1,
        (_, true) => 4,
        (_, false) => 3,
    };
    let kind = perhaps_transfer(view, draw, kind);
    let (currency, pocket) = pocket(view, draw);
    let to_sequence = if draw.once_in(6) && !new { sequence(view, draw) } else { view.sequence };
    // A refund pays back a purchase that there is.
    let purchases: Vec<_> = view.payments().filter(|record| record.details.kind == 3).collect();
    let purchase = purchases.get(draw.below(purchases.len())).filter(|_| kind == 4 && !draw.once_in(5));
    let mut details = Details {
        kind,
        key_version: version_of(view, draw, kind),
        currency,
        amount: amount(view, draw, &pocket),
        from: other_side(view, draw, kind),
        from_sequence: if kind == 1 { to_sequence } else { u32::from(draw.byte() & 7) },
        to: view.number,
        to_sequence,
        time: TIME + u32::from(draw.once_in(9)),
    };
    if let Some(purchase) = purchase {
        details.from = purchase.details.to;
        details.currency = purchase.details.currency;
        let less = u32::try_from(draw.below(3)).unwrap_or(0);
        details.amount = match draw.below(6) {
            5 => pocket.limits[5].wrapping_sub(pocket.received).min(purchase.details.amount).max(1),
            0 => purchase.details.amount.wrapping_add(1),
            1 => amount(view, draw, &pocket),
            _ => purchase.details.amount.saturating_sub(less).max(1),
        };
    }
    confuse(view, draw, &mut details);
    details
}

/// Wrong in nothing, one thing or several.
fn confuse(view: &View, draw: &mut Draw, details: &mut Details) {
    let times = draw.pick(&[0, 0, 0, 0, 1, 1, 2, 3]);
    for _ in 0..times {
        match draw.below(12) {
            0 => details.kind = draw.pick(&[0, 1, 2, 3, 4, 5, 6]),
            1 => details.key_version = draw.pick(&[0, 1, 2, 3, 9]),
            2 => details.currency = draw.pick(&[jpy().0, [0, 0], usd().0]),
            3 => details.amount = 0,
            4 => details.from = stranger(view, draw),
            5 => details.to = stranger(view, draw),
            6 => details.from_sequence = details.from_sequence.wrapping_add(1),
            7 => details.to_sequence = details.to_sequence.wrapping_add(1),
            8 => details.to_sequence = sequence(view, draw),
            9 => details.from_sequence = sequence(view, draw),
            10 => details.amount = u32::MAX,
            _ => details.time ^= 1,
        }
    }
}

/// Right, or of something else.
fn authenticator(draw: &mut Draw, right: [u8; 8], other: [u8; 8]) -> [u8; 8] {
    let mut mac = right;
    match draw.below(10) {
        0 => mac[draw.below(8)] ^= 1 << draw.below(8),
        1 => mac = other,
        _ => {}
    }
    mac
}

/// CREDIT or DECLINE.
fn voucher(view: &View, draw: &mut Draw, command: CommandName) -> Vec<u8> {
    let received: Vec<_> = view.records.iter().filter(|record| [2, 3].contains(&record.role)).collect();
    let known = received.get(draw.below(received.len())).filter(|_| draw.once_in(5));
    let (details, tac) = if let Some(record) = known {
        let mut details = record.details;
        if draw.once_in(3) {
            confuse(view, draw, &mut details);
        }
        (details, record.tac)
    } else {
        let mut details = incoming(view, draw, false);
        if draw.once_in(10) {
            // The loads that no record tells of any more.
            details.to_sequence = match draw.below(4) {
                0 => view.last_load,
                1 => view.last_load.wrapping_add(1),
                2 => view.last_load.wrapping_sub(1),
                _ => sequence(view, draw),
            };
            if details.kind == 1 {
                details.from_sequence = details.to_sequence;
            }
        }
        (details, details.tac())
    };
    let val = authenticator(draw, details.val(tac), details.ack());
    details.voucher(command, val, authenticator_of_other(draw, tac))
}

/// The issuer alone can check a TAC; another one breaks val.
fn authenticator_of_other(draw: &mut Draw, tac: [u8; 8]) -> [u8; 8] {
    if draw.once_in(20) { [7; 8] } else { tac }
}

fn debit(view: &View, draw: &mut Draw) -> Vec<u8> {
    let payments: Vec<_> = view.payments().collect();
    let mut details = match payments.get(draw.below(payments.len())).filter(|_| draw.once_in(5)) {
        Some(record) => {
            let mut details = record.details;
            if draw.once_in(2) {
                confuse(view, draw, &mut details);
            }
            details
        }
        None => outgoing(view, draw),
    };
    details.from = view.number;
    details.debit(authenticator(draw, details.req(), details.ack()))
}

fn outgoing(view: &View, draw: &mut Draw) -> Details {
    let kind = match (draw.below(12), view.is_purse()) {
        (0, _) => draw.pick(&[1, 2, 3, 4, 5]),
        (1..5, _) => 2,
        (_, true) => 3,
        (_, false) => 4,
    };
    let kind = perhaps_transfer(view, draw, kind);
    let (currency, pocket) = pocket(view, draw);
    let own = if draw.once_in(8) { sequence(view, draw) } else { view.sequence };
    let mut details = Details {
        kind,
        key_version: version_of(view, draw, kind),
        currency,
        amount: amount(view, draw, &pocket),
        from: view.number,
        from_sequence: own,
        to: other_side(view, draw, kind),
        to_sequence: if kind == 2 { own } else { u32::from(draw.byte() & 7) },
        time: TIME,
    };
    confuse(view, draw, &mut details);
    details
}

/// ACKNOWLEDGE or REVERSE.
fn closing(view: &View, draw: &mut Draw, command: CommandName) -> Vec<u8> {
    let payments: Vec<_> = view.payments().collect();
    match payments.get(draw.below(payments.len())).filter(|_| !draw.once_in(6)) {
        // Of a transfer only its payee is told.
        Some(record)
            if record.details.kind == 5 && view.peer != Some(record.details.to) && draw.once_in(2) =>
        {
            certificate::verify(&certificate::of(record.details.to))
        }
        Some(record) => {
            let (right, other) = match command {
                CommandName::Acknowledge => (record.details.ack(), record.details.nack()),
                _ => (record.details.nack(), record.details.ack()),
            };
            of_sequence(command, record.sequence, &authenticator(draw, right, other))
        }
        None => of_sequence(command, sequence(view, draw), &[draw.byte(); 8]),
    }
}
