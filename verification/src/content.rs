//! The abstract content of a card: all that can ever matter of it, without the slots in which it lies. Two cards of
//! the same content are the same state.

use std::hash::{Hash, Hasher};

use apdu_spec::element::{Amount, Kind, Sequence};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::pocket::POCKETS;
use apdu_spec::record::{RecordRole, RecordState};
use purse_card::store::Store;
use purse_terminal::simulated_memory::SimulatedMemory;
use purse_tests::scheme::usd;
use rustc_hash::FxHasher;

/// One sequence of the card's life, also after its record has left the log.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Past {
    /// What was agreed on.
    pub pay_details: PayDetails,
    /// The payer's TAC.
    pub tac: [u8; 8],
    /// What the card did.
    pub role: RecordRole,
    /// What became of it.
    pub state: RecordState,
    /// The purchase of a refund, the debit of a reversal.
    pub reference: Option<u32>,
    /// Balance of the pocket after it.
    pub balance: u32,
    /// Whether the log still has it.
    pub in_log: bool,
}

/// A card, as far as anything depends on it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Content {
    /// Every transaction of its life; the log's own ones are the card's, the older ones are remembered for it.
    pub history: Vec<Past>,
    /// Balance, total without PIN and offline receipts of each pocket.
    pub pockets: [[u32; 3]; POCKETS],
    /// The last credited load.
    pub last_load: u32,
    /// H of a SAM.
    pub chain: [u8; 16],
    /// Tries left and limit.
    pub tries: [u8; 2],
    /// Blocked, locked, terminated.
    pub flags: [bool; 3],
    /// Highest script, and its MAC.
    pub script: (u32, [u8; 8]),
    /// Limits, expiry, the versions of the masters: what scripts change.
    pub parameters: Vec<u8>,
    /// A digest of PIN block and keys: what is never shown.
    pub secrets: u64,
    /// Wrong PINs that have been answered since the last right one. The card does not know this.
    pub guesses: u8,
}

impl Content {
    /// What a store holds. What has left its log is taken from what the card held `before`; an open exceptional record
    /// that has left it was closed if it is one of those that have been asked to `close`, and is lost if not.
    ///
    /// # Panics
    /// If the store does not answer for its own log: then nothing else can be said of it.
    pub fn of<const WINDOW: usize, const EXCEPTIONS: usize>(
        store: &Store<SimulatedMemory, WINDOW, EXCEPTIONS>,
        before: Option<&Self>,
        close: Closing,
    ) -> Self {
        let state = store.state();
        let pin = store.pin().map_or([0; 2], |pin| [pin.tries, pin.limit]);
        let parameters = store.parameters();
        let administration = store.administration();
        let mut bytes = Vec::new();
        if let Some(parameters) = parameters {
            bytes.extend(parameters.expiry.0);
            parameters.pockets.iter().for_each(|pocket| bytes.extend(pocket.emit()));
        }
        let masters = store.masters().into_iter().flat_map(|masters| masters.keys.iter().flatten());
        bytes.extend(masters.map(|(version, _)| version.0));
        Self {
            history: history(store, before, close),
            pockets: state.pockets.map(|pocket| {
                [pocket.balance, pocket.debited_without_pin, pocket.received_offline].map(|Amount(sum)| sum)
            }),
            last_load: state.last_load.0,
            chain: state.chain.0,
            tries: pin,
            flags: parameters.map_or([false; 3], |held| [held.blocked, held.locked, held.terminated]),
            script: (administration.counter, administration.mac),
            parameters: bytes,
            secrets: secrets(store),
            guesses: before.map_or(0, |before| before.guesses),
        }
    }

    /// Sequence of the next record.
    ///
    /// # Panics
    /// Never: nobody plays so long.
    pub fn next(&self) -> u32 {
        u32::try_from(self.history.len()).expect("a short life")
    }

    /// What pocket 0 holds.
    pub const fn balance(&self) -> u32 {
        self.balance_of(0)
    }

    /// What a pocket holds.
    pub const fn balance_of(&self, pocket: usize) -> u32 {
        self.pockets[pocket][0]
    }

    /// Payments of this card that its log has as open.
    pub fn open(&self) -> impl Iterator<Item = &Past> {
        self.history.iter().filter(|past| past.in_log && past.is_open())
    }

    /// Whether this card has credited these pay details.
    pub fn has_credited(&self, pay_details: &PayDetails) -> bool {
        self.history.iter().any(|past| past.role == RecordRole::Payee && past.pay_details == *pay_details)
    }

    /// Whether its log still says what it did under this sequence of its own, or it can still do something.
    pub fn remembers(&self, sequence: Sequence) -> bool {
        self.history.get(sequence.0 as usize).is_none_or(|past| past.in_log)
    }
}

impl std::fmt::Debug for Past {
    /// One line, as a person follows a history.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { role, state, reference, balance, in_log, .. } = self;
        let place = if *in_log { "" } else { ", gone" };
        let reference = reference.map_or(String::new(), |reference| format!(" of {reference}"));
        let said = Brief(&self.pay_details);
        write!(formatter, "{said:?} {} {}{reference}, {balance} left{place}", role.name(), state.name())
    }
}

/// Pay details in few words.
pub struct Brief<'a>(pub &'a PayDetails);

impl std::fmt::Debug for Brief<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let PayDetails { kind, currency, amount, from, from_sequence, to, to_sequence, .. } = self.0;
        let dollars = if *currency == usd() { " USD" } else { "" };
        write!(
            formatter,
            "{kind:?} {}{dollars} {from}#{} to {to}#{}",
            amount.0, from_sequence.0, to_sequence.0
        )
    }
}

impl std::fmt::Debug for Content {
    /// Without the chain and the limits, which differ where anything else does.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [euros, dollars, ..] = self.pockets;
        formatter
            .debug_struct("Content")
            .field("history", &self.history)
            .field("euros", &euros)
            .field("dollars", &dollars)
            .field("last_load", &self.last_load)
            .field("tries", &self.tries)
            .field("guesses", &self.guesses)
            .field("flags", &self.flags)
            .field("script", &self.script.0)
            .finish_non_exhaustive()
    }
}

impl Past {
    /// A payment of which the card does not know the end.
    pub fn is_open(&self) -> bool {
        self.role == RecordRole::Payer && self.state == RecordState::Open
    }

    /// One that the log must not lose.
    pub fn is_open_exceptional(&self) -> bool {
        self.is_open() && self.pay_details.kind != Kind::Purchase
    }
}

/// Which open records may have been closed by what has just happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// None.
    Nothing,
    /// The one of this sequence.
    One(u32),
    /// Any: a whole recovery has been played.
    Any,
}

impl Closing {
    const fn covers(self, sequence: usize) -> bool {
        match self {
            Self::Nothing => false,
            Self::One(closed) => closed as usize == sequence,
            Self::Any => true,
        }
    }
}

/// PIN block, own keys, masters and key pair, so that two cards that differ in them are not taken for the same.
fn secrets<const WINDOW: usize, const EXCEPTIONS: usize>(
    store: &Store<SimulatedMemory, WINDOW, EXCEPTIONS>,
) -> u64 {
    let mut hasher = FxHasher::default();
    if let Some(pin) = store.pin() {
        pin.block.hash(&mut hasher);
    }
    if let Some(identity) = store.identity() {
        identity.keys.iter().for_each(|key| key.0.hash(&mut hasher));
    }
    for (version, key) in store.masters().into_iter().flat_map(|masters| masters.keys.iter().flatten()) {
        (version.0, key.0).hash(&mut hasher);
    }
    if let Some(key) = store.transfer_key().expect("a memory that reads") {
        (key.private_key.0, key.issuer_key).hash(&mut hasher);
    }
    store.certificate().expect("a memory that reads").hash(&mut hasher);
    hasher.finish()
}

fn history<const WINDOW: usize, const EXCEPTIONS: usize>(
    store: &Store<SimulatedMemory, WINDOW, EXCEPTIONS>,
    before: Option<&Content>,
    close: Closing,
) -> Vec<Past> {
    let mut history = before.map_or_else(Vec::new, |before| before.history.clone());
    let next = store.next_sequence().0 as usize;
    // A card that went back would have a shorter life: that is seen by whoever compares.
    history.truncate(next);
    let first = history.len();
    for sequence in 0..next {
        let at = Sequence(u32::try_from(sequence).unwrap_or(u32::MAX));
        let standing = store.standing(at);
        if let Some(standing) = standing {
            let record = store.record(at).expect("a memory that reads").expect("a record that stands");
            let currency = record.pay_details.currency;
            let place = store.parameters().and_then(|parameters| {
                parameters.pockets.iter().position(|pocket| pocket.currency == currency)
            });
            let past = Past {
                pay_details: record.pay_details,
                tac: record.tac.0,
                role: record.role,
                state: standing.state,
                reference: record.reference.map(|reference| reference.0),
                balance: place.map_or(0, |place| record.pockets[place].balance.0),
                in_log: true,
            };
            match history.get_mut(sequence) {
                Some(known) => *known = past,
                None => history.push(past),
            }
        } else if let Some(known) = history.get_mut(sequence) {
            known.in_log = false;
        } else {
            panic!("record {sequence} has left before anybody saw it");
        }
    }
    // What was closed and left the log at once: a reversal and a refund say so, else it was settled.
    let closed: Vec<(u32, RecordState)> = history[first..].iter().filter_map(closed_by).collect();
    for (sequence, past) in history.iter_mut().enumerate() {
        let was_in_log = before.and_then(|before| before.history.get(sequence)).is_some_and(|old| old.in_log);
        if !was_in_log || past.in_log || past.role != RecordRole::Payer {
            continue;
        }
        let told = closed.iter().find(|(closed, _)| *closed as usize == sequence);
        if let Some((_, state)) = told {
            past.state = *state;
        } else if past.is_open_exceptional() && close.covers(sequence) {
            past.state = RecordState::Settled;
        }
    }
    history
}

/// Which payment a record closes, and how.
fn closed_by(past: &Past) -> Option<(u32, RecordState)> {
    let state = match past.role {
        RecordRole::Reversal => RecordState::Reversed,
        RecordRole::Payee => RecordState::Refunded,
        RecordRole::Payer | RecordRole::Declined => return None,
    };
    past.reference.map(|reference| (reference, state))
}
