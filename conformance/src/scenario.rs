//! Ways to states that chance seldom finds: a locked card with a file current, an open payment in EF.EXC, a load whose
//! record is gone, the last sequence.

use apdu_spec::command::CommandName;
use apdu_spec::element::Sequence;
use purse_tests::scheme::party;

use crate::certificate::{self, PEERS};
use crate::generator::select;
use crate::issue::Issue;
use crate::message::{self, Details, apdu, of_sequence};
use crate::view::View;

/// One step; the command depends on the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// VERIFY with the right PIN.
    Verify,
    /// VERIFY with a wrong one.
    WrongPin,
    /// LOCK.
    Lock,
    /// SELECT of an EF.
    Select([u8; 2]),
    /// READ RECORD 1 of a short identifier.
    Read(u8),
    /// A script without value.
    Script(u8),
    /// A load.
    Load(u32),
    /// A debit of a kind.
    Debit(u8, u32),
    /// An unload of all that pocket 0 holds.
    UnloadAll,
    /// A payment to this card that it declines.
    Decline,
    /// ACKNOWLEDGE of the newest payment.
    Acknowledge,
    /// Limits of pocket 0 that are below what it has received offline.
    LowLimits,
    /// A new pocket, of the currency with this code, in place 4.
    NewPocket(u8),
    /// A refund of the newest payment.
    Refund(u32),
    /// SELECT of the application, again.
    Reselect,
    /// GET PROOF of the newest payment.
    Prove,
    /// VERIFY CERTIFICATE of one of the other purses.
    Meet(usize),
    /// A transfer from the peer.
    Receive(u32),
    /// REVERSE of the newest payment.
    Reverse,
    /// A transfer from the peer that is declined.
    DeclineTransfer,
}

impl Step {
    /// The command.
    pub fn command(self, view: &View) -> Vec<u8> {
        match self {
            Self::Verify => apdu(CommandName::Verify, 0, 0x80, &view.pin),
            Self::WrongPin => {
                apdu(CommandName::Verify, 0, 0x80, &[0x24, 0x99, 0x99, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])
            }
            Self::Lock => apdu(CommandName::Lock, 0, 0, &[]),
            Self::Select(file) => apdu(CommandName::Select, 0, 0, &file),
            Self::Read(file) => apdu(CommandName::ReadRecord, 1, file << 3 | 4, &[]),
            Self::Script(id) => {
                let counter = view.counter.wrapping_add(1);
                message::script(view.number, view.key_version, counter, id, &[])
            }
            Self::LowLimits => {
                let counter = view.counter.wrapping_add(1);
                let limits = [40, 15, 6, 5, 12, 0_u32].iter().flat_map(|limit| limit.to_be_bytes());
                let value: Vec<u8> = std::iter::once(0).chain(limits).collect();
                message::script(view.number, view.key_version, counter, 1, &value)
            }
            Self::NewPocket(code) => {
                let counter = view.counter.wrapping_add(1);
                let value = [&[4, 3, code, 2][..], &[0; 24]].concat();
                message::script(view.number, view.key_version, counter, 2, &value)
            }
            Self::Load(amount) => credited(view, 1, amount, CommandName::Credit),
            Self::Decline => credited(view, if view.is_purse() { 4 } else { 3 }, 1, CommandName::Decline),
            Self::Refund(amount) => credited(view, 4, amount, CommandName::Credit),
            Self::Reselect => select(),
            Self::Prove => {
                let newest = view.payments().last().map_or(0, |found| found.sequence);
                of_sequence(CommandName::GetProof, newest, &[])
            }
            Self::Meet(place) => certificate::verify(&certificate::of(PEERS[place])),
            Self::Receive(amount) => credited(view, 5, amount, CommandName::Credit),
            Self::DeclineTransfer => credited(view, 5, 1, CommandName::Decline),
            Self::UnloadAll => Self::Debit(2, view.pockets[0].balance).command(view),
            Self::Debit(kind, amount) => {
                let unloads = kind == 2;
                let details = Details {
                    kind,
                    key_version: version(view, kind),
                    currency: view.pockets[0].currency,
                    amount,
                    from: view.number,
                    from_sequence: view.sequence,
                    to: other_side(view, kind),
                    to_sequence: if unloads { view.sequence } else { 3 },
                    time: 1_800_000_000,
                };
                details.debit(details.req())
            }
            Self::Acknowledge => {
                let newest = view.payments().last();
                let (sequence, ack) =
                    newest.map_or((0, [0; 8]), |found| (found.sequence, found.details.ack()));
                of_sequence(CommandName::Acknowledge, sequence, &ack)
            }
            Self::Reverse => {
                let newest = view.payments().last();
                let (sequence, nack) =
                    newest.map_or((0, [0; 8]), |found| (found.sequence, found.details.nack()));
                of_sequence(CommandName::Reverse, sequence, &nack)
            }
        }
    }
}

fn credited(view: &View, kind: u8, amount: u32, command: CommandName) -> Vec<u8> {
    let loads = kind == 1;
    let details = Details {
        kind,
        key_version: version(view, kind),
        currency: view.pockets[0].currency,
        amount,
        from: other_side(view, kind),
        from_sequence: if loads { view.sequence } else { 3 },
        to: view.number,
        to_sequence: view.sequence,
        time: 1_800_000_000,
    };
    let tac = details.tac();
    details.voucher(command, details.val(tac), tac)
}

/// The key version of a kind, if all is right.
fn version(view: &View, kind: u8) -> u8 {
    match kind {
        5 => 0,
        3 | 4 if !view.is_purse() => view.masters[0],
        _ => view.key_version,
    }
}

/// Who is on the other side of a kind, if all is right.
fn other_side(view: &View, kind: u8) -> [u8; 8] {
    match kind {
        1 | 2 => view.issuer,
        5 => view.peer.unwrap_or(PEERS[0]),
        _ => party(20).0,
    }
}

const EXCEPTIONS: [u8; 2] = [0, 0x19];
const MASTER: [u8; 2] = [0x3F, 0];
const LOG: [u8; 2] = [0, 0x18];

/// All of them for a card. In how many of the last states the whole menu is worth trying comes first.
pub fn scenarios(issue: &Issue) -> Vec<(usize, Vec<Step>)> {
    use Step::{
        Acknowledge, Debit, Decline, Load, Lock, LowLimits, Meet, NewPocket, Read, Refund, Reselect, Script,
        Select, UnloadAll, Verify, WrongPin,
    };
    let window = usize::try_from(issue.shape.sizes().window).unwrap_or(0).min(16);
    let is_purse = issue.masters.is_empty();
    let mut all = vec![
        (2, vec![Verify, Lock, Select(EXCEPTIONS)]),
        // No longer selected: that comes before the lock.
        (1, vec![Verify, Lock, Select(MASTER)]),
        (1, vec![Script(5), Select(MASTER)]),
        (1, vec![Verify, Lock, Script(5)]),
        (1, vec![Script(5), Select(LOG)]),
        (1, vec![Script(5), Script(6)]),
        (1, vec![WrongPin, WrongPin, WrongPin]),
        (1, vec![UnloadAll, Acknowledge, Script(7)]),
        (1, vec![Verify, Lock, Script(9)]),
        (3, vec![Load(1), Read(24), Select(LOG)]),
        (1, vec![Select([0, 0x15])]),
        // The yen, which the menu tries again elsewhere.
        (1, vec![NewPocket(0x92)]),
    ];
    let aged = |first: &[Step]| {
        let mut steps = first.to_vec();
        if !is_purse {
            // A SAM lets go of records before a settled collection only.
            steps.extend([Debit(2, 0), Acknowledge]);
        }
        let left = if is_purse { window } else { window.saturating_sub(2) };
        steps.extend(std::iter::repeat_n(Decline, left));
        steps
    };
    let with = |mut steps: Vec<Step>, more: &[Step]| {
        steps.extend_from_slice(more);
        steps
    };
    all.push((2, with(aged(&[Load(1)]), &[Debit(2, 0), Decline])));
    all.push((1, with(aged(&[Load(1)]), &[Decline, Select(MASTER)])));
    all.push((1, with(aged(&[Decline, Load(1)]), &[Debit(2, 0), Decline])));
    all.push((1, with(aged(&[Decline, Decline]), &[Debit(2, 0)])));
    if is_purse {
        let waiting = aged(&[Debit(2, 1)]);
        all.push((2, with(waiting.clone(), &[Read(25), Select(EXCEPTIONS)])));
        all.push((3, with(waiting.clone(), &[Verify, Select(EXCEPTIONS), Lock])));
        all.push((1, with(waiting, &[UnloadAll, Script(7)])));
        all.push((1, with(aged(&[Debit(2, 1), Debit(2, 2)]), &[Select(EXCEPTIONS)])));
        all.push((2, with(aged(&[UnloadAll]), &[Script(7)])));
        all.push((2, vec![Verify, Debit(3, 3), Acknowledge, Debit(3, 3), Acknowledge, Refund(2)]));
        all.push((2, vec![Verify, Debit(3, 3), Acknowledge, Debit(3, 4), Acknowledge, Refund(2)]));
        all.push((1, vec![Verify, Debit(3, 15), Acknowledge]));
        // An open purchase is lost with its place in the log's window.
        all.push((2, aged(&[Verify, Debit(3, 3)])));
        // What comes back by REVERSE is at the limit of offline receipts, and above it.
        all.push((1, vec![Verify, Debit(3, 14)]));
        all.push((1, vec![Verify, Debit(3, 15)]));
        // No refund pays back an unload.
        all.push((1, vec![Debit(2, 3), Acknowledge]));
        // Near the limit of all debits without PIN.
        all.push((1, vec![Debit(3, 6)]));
        // Above it, once it is lower.
        all.push((2, vec![Debit(3, 6), LowLimits, Verify]));
        let low = [Verify, Debit(3, 3), Acknowledge, Debit(2, 1), Debit(3, 1), Refund(2), LowLimits];
        all.push((1, low.to_vec()));
        all.push((2, vec![Load(20), Debit(3, u32::MAX), Acknowledge, Refund(u32::MAX)]));
    } else {
        let waiting = with(aged(&[Verify, Debit(4, 1)]), &[Debit(2, 0)]);
        all.push((2, with(waiting, &[Read(25), Select(EXCEPTIONS)])));
        // Its unload waits, under no master.
        all.push((1, with(aged(&[Debit(2, 0)]), &[Debit(2, 0)])));
    }
    if issue.has_key_pair {
        all.extend(transfers(&aged));
    }
    if let Some(first) = issue.first_sequence {
        // A transfer that is open when no sequence is left: with its peer, and without.
        if issue.has_key_pair && first < Sequence::EXHAUSTED.0 {
            let left = usize::try_from(Sequence::LAST.0 - first).unwrap_or(0);
            let declined = vec![Decline; left];
            all.push((2, [&[Meet(0), Debit(5, 1)], declined.as_slice(), &[Reselect]].concat()));
        }
        let pairs = std::iter::repeat_n([Debit(2, u32::from(is_purse)), Acknowledge], 7).flatten();
        let mut steps: Vec<Step> = pairs.collect();
        all.push((4, steps.clone()));
        // The newest one stays open: behind it no sequence is left, or one.
        for count in [11, 9] {
            steps.truncate(count);
            all.push((2, steps.clone()));
        }
    }
    all
}

/// Between purses. `aged` has so much happen after its steps that their records leave the log's window.
fn transfers(aged: &dyn Fn(&[Step]) -> Vec<Step>) -> Vec<(usize, Vec<Step>)> {
    use Step::{
        Acknowledge, Debit, DeclineTransfer, Lock, LowLimits, Meet, Prove, Receive, Reselect, Reverse,
        Script, Select, UnloadAll, Verify,
    };
    let then = |first: &[Step], more: &[Step]| [aged(first), more.to_vec()].concat();
    vec![
        (1, vec![Meet(0)]),
        (1, vec![Meet(2)]),
        (1, vec![Meet(0), Meet(1), Select(EXCEPTIONS)]),
        (1, vec![Meet(0), Verify]),
        (1, vec![Meet(0), Debit(5, 1), Meet(1)]),
        // The peer of the session before is none.
        (1, vec![Meet(0), Debit(5, 1), Reselect, Prove, Debit(5, 1), Receive(1), Acknowledge, Reverse]),
        (2, vec![Meet(0), Debit(5, 1), Acknowledge]),
        (1, vec![Meet(0), Debit(5, 2), Reverse]),
        (1, vec![Meet(0), DeclineTransfer]),
        (2, vec![Verify, Meet(0), Debit(5, 1), Receive(1), Lock]),
        // A repeat of what was credited is all that CREDIT still answers.
        (1, vec![Meet(0), Receive(1), Script(5)]),
        (1, vec![Meet(0), Receive(2), UnloadAll, Acknowledge, Script(7)]),
        // At the limits of offline receipts, and above them once they are lower.
        (1, vec![Meet(1), Receive(14)]),
        (1, vec![Meet(1), Receive(9), Receive(4), Verify, Debit(5, 3)]),
        (1, vec![Meet(1), Receive(3), Debit(5, 1), LowLimits]),
        // In EF.EXC, alone and with an unload in the last place.
        (2, then(&[Meet(0), Debit(5, 1)], &[Select(EXCEPTIONS)])),
        (1, then(&[Meet(0), Debit(5, 1), Debit(2, 1)], &[])),
        (1, then(&[Meet(0), Debit(5, 1), Receive(1)], &[Meet(1)])),
        (1, vec![Meet(0), Debit(5, 1), Debit(5, 1), Debit(2, 1)]),
    ]
}
