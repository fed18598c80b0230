//! States of a memory: a card's history, stopped after each of its commands. Pages are so small that the log wraps,
//! pages are erased and records move to EF.EXC within it, and every place of the head is the next one at some time.

use apdu_spec::element::{Amount, Kind, Role};
use apdu_spec::record::RecordRole;
use apdu_spec::status::StatusWord;
use purse_card::memory::Geometry;
use purse_card::store::Store;
use purse_terminal::simulated_memory::SimulatedMemory;
use purse_tests::scheme::{PURSE_LIMITS, Profile, SAM_LIMITS};

use super::commands::{self, Trial};
use crate::content::{Closing, Content};
use crate::explorer::{boot, personalised, process};

/// A card at rest.
#[derive(Clone, Debug)]
pub(super) struct Rest {
    /// Purse 1 or SAM 2.
    pub role: Role,
    /// Its memory.
    pub memory: SimulatedMemory,
    /// What it holds.
    pub content: Content,
    /// It has not been personalised.
    pub is_blank: bool,
    /// It takes part in transfers, or will.
    pub has_key_pair: bool,
}

/// What a purse does, over and over.
const PURSE: [&str; 14] = [
    "load",
    "purchase",
    "acknowledge",
    "unload",
    "purchase",
    "wrong PIN",
    "purchase",
    "right PIN",
    "acknowledge",
    "refund",
    "decline",
    "unload",
    "reverse",
    "purchase",
];
/// What a SAM does.
const SAM: [&str; 10] = [
    "purchase",
    "collect",
    "acknowledge",
    "purchase",
    "refund out",
    "decline",
    "wrong PIN",
    "right PIN",
    "collect",
    "acknowledge",
];
/// What a purse does that its holder locks and its issuer blocks.
const LOCKED: [&str; 14] = [
    "unload",
    "purchase",
    "lock",
    "acknowledge",
    "wrong PIN",
    "right PIN",
    "block",
    "reverse an unload",
    "unblock",
    "unlock",
    "purchase",
    "lock",
    "clear the lock",
    "acknowledge",
];
/// What a purse does that is paid by purses and pays them: EF.EXC holds a transfer and an unload at a time.
const TRANSFERS: [&str; 16] = [
    "transfer",
    "purchase",
    "receive a transfer",
    "unload",
    "decline a transfer",
    "purchase",
    "wrong PIN",
    "receive a transfer",
    "right PIN",
    "acknowledge a transfer",
    "reverse an unload",
    "transfer",
    "receive a transfer",
    "load",
    "reverse a transfer",
    "acknowledge",
];
/// Commands of a history, unless more are asked for.
pub const COMMANDS: usize = 34;

/// Every state of every history of so many commands.
///
/// # Panics
/// If nothing of a history can be done any more.
pub(super) fn states<const WINDOW: usize, const EXCEPTIONS: usize>(
    geometry: Geometry,
    commands: usize,
) -> Vec<Rest> {
    let mut states = Vec::new();
    for (role, has_key_pair) in [(Role::Purse, false), (Role::Purse, true), (Role::Merchant, false)] {
        states.push(blank::<WINDOW, EXCEPTIONS>(geometry, role, has_key_pair));
        // Empty, so that it can be terminated.
        states.push(new::<WINDOW, EXCEPTIONS>(geometry, role, 0, has_key_pair));
    }
    for (role, names, has_key_pair) in [
        (Role::Purse, &PURSE[..], false),
        (Role::Merchant, &SAM[..], false),
        (Role::Purse, &LOCKED[..], false),
        (Role::Purse, &TRANSFERS[..], true),
    ] {
        let balance = if role == Role::Purse { 50 } else { 20 };
        let mut rest = new::<WINDOW, EXCEPTIONS>(geometry, role, balance, has_key_pair);
        states.push(rest.clone());
        for turn in 0..commands {
            let trials = commands::trials(&rest);
            let wanted = names[turn % names.len()];
            let Some(trial) = trials.iter().find(|trial| trial.name == wanted) else { continue };
            if let Some(next) = play::<WINDOW, EXCEPTIONS>(&rest, trial) {
                rest = next;
                states.push(rest.clone());
            }
        }
    }
    states
}

/// What a card of this role is made of.
pub(super) fn profile(role: Role, balance: u32, has_key_pair: bool) -> Profile {
    match role {
        Role::Purse if has_key_pair => profile(role, balance, false).with_key_pair(),
        Role::Purse => Profile { limits: PURSE_LIMITS, ..Profile::purse(1, balance) },
        Role::Merchant => {
            let mut limits = SAM_LIMITS;
            limits.debit_without_pin = Amount(0);
            Profile { limits, pin: crate::explorer::PIN, ..Profile::sam(2, balance) }
        }
    }
}

fn blank<const WINDOW: usize, const EXCEPTIONS: usize>(
    geometry: Geometry,
    role: Role,
    has_key_pair: bool,
) -> Rest {
    let rest = at_rest::<WINDOW, EXCEPTIONS>(SimulatedMemory::new(geometry, 1), role);
    Rest { is_blank: true, has_key_pair, ..rest }
}

fn new<const WINDOW: usize, const EXCEPTIONS: usize>(
    geometry: Geometry,
    role: Role,
    balance: u32,
    has_key_pair: bool,
) -> Rest {
    let memory = personalised::<WINDOW, EXCEPTIONS>(geometry, &profile(role, balance, has_key_pair));
    Rest { has_key_pair, ..at_rest::<WINDOW, EXCEPTIONS>(memory, role) }
}

fn at_rest<const WINDOW: usize, const EXCEPTIONS: usize>(memory: SimulatedMemory, role: Role) -> Rest {
    let store = Store::<_, WINDOW, EXCEPTIONS>::power_up(memory).map_err(|(_, error)| error);
    let store = store.expect("a blank memory, or a card that has been personalised");
    let content = Content::of(&store, None, Closing::Nothing);
    Rest { role, memory: store.into_memory(), content, is_blank: false, has_key_pair: false }
}

/// The card after a command; none if it refuses.
fn play<const WINDOW: usize, const EXCEPTIONS: usize>(rest: &Rest, trial: &Trial) -> Option<Rest> {
    let mut card = boot::<WINDOW, EXCEPTIONS>(rest.memory.clone(), trial.verified);
    for command in &trial.preamble {
        process(&mut card, command);
    }
    let (_, status) = process(&mut card, &trial.command);
    if !matches!(status, StatusWord::Success | StatusWord::WrongPin(_)) {
        return None;
    }
    card.finish();
    let store = Store::<_, WINDOW, EXCEPTIONS>::power_up(card.into_memory()).ok()?;
    let content = Content::of(&store, Some(&rest.content), trial.closing());
    let has_key_pair = rest.has_key_pair;
    Some(Rest { role: rest.role, memory: store.into_memory(), content, is_blank: false, has_key_pair })
}

/// The newest open payment of a card, of this kind or of any.
pub(super) fn newest_open(content: &Content, kind: Option<Kind>) -> Option<u32> {
    let fits = |past: &crate::content::Past| {
        past.in_log
            && past.is_open()
            && past.role == RecordRole::Payer
            && kind.is_none_or(|kind| past.pay_details.kind == kind)
    };
    content.history.iter().rposition(fits).and_then(|place| u32::try_from(place).ok())
}
