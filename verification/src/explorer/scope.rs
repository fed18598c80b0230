//! What one exploration is of: its parties, and the bounds within which it is exhaustive.

use apdu_spec::element::{Amount, Currency, Expiry, Kind, Role};
use apdu_spec::parameter::Parameter;
use apdu_spec::pocket::{Limits, PocketParameters};
use purse_tests::scheme::{Profile, VERSION, eur, jpy, usd};

use super::message::PIN;

/// A card that takes part.
#[derive(Clone, Debug)]
pub struct Party {
    /// Purse or merchant SAM.
    pub role: Role,
    /// What it starts with, minor units: euros.
    pub balance: u32,
    /// The same in its other pocket: dollars.
    pub dollars: u32,
    /// Transactions that it may come to: no step that would use more sequences is followed.
    pub sequences: u32,
}

/// One exploration.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each switches one party or one trick, in any combination")]
pub struct Scope {
    /// Its name in the table.
    pub name: &'static str,
    /// The cards, at most four.
    pub parties: Vec<Party>,
    /// Kinds that a payee may be asked for.
    pub kinds: Vec<Kind>,
    /// Amounts, minor units.
    pub amounts: Vec<u32>,
    /// Currencies that it is asked for in.
    pub currencies: Vec<Currency>,
    /// Requests that may be known at once.
    pub requests: usize,
    /// Requests name the payer's next sequence, and up to so many beyond it and behind it.
    pub ahead: u32,
    /// The issuer takes part.
    pub issuer: bool,
    /// PINs are tried, and the holder locks.
    pub pins: bool,
    /// The holder locks, and knows the PIN.
    pub locks: bool,
    /// Cards are also shown certificates of purses that are not there, forged ones, and their own.
    pub strangers: bool,
    /// The issuer's scripts that are known from the start, each with the place of its card, in the order of their
    /// counters.
    pub scripts: Vec<(usize, Parameter)>,
    /// The attacker has the PAYM masters out of a SAM: he makes every message of purchase and refund himself.
    pub stolen_masters: bool,
    /// Sequences of the merchant that he makes messages for.
    pub merchant_sequences: u32,
    /// Records of every card's log.
    pub window: usize,
    /// Places of every card's EF.EXC.
    pub exceptions: usize,
    /// What a card may receive offline between two loads, minor units.
    pub offline_receipts: u32,
    /// Payments need the PIN beyond the first minor unit.
    pub pin_limits: bool,
    /// Recoveries are played.
    pub recovery: bool,
    /// Words are tried in the place of others too, and requests for one PD in another's.
    pub confusions: bool,
}

/// Limits that nothing here comes near, so that they hide nothing.
const LIMITS: Limits = Limits {
    maximum_balance: Amount(100),
    maximum_debit: Amount(100),
    debit_without_pin: Amount(100),
    total_without_pin: Amount(100),
    maximum_transfer: Amount(100),
    offline_receipts: Amount(100),
};

impl Scope {
    /// The profile of a party.
    pub fn profile(&self, place: usize) -> Profile {
        let Party { role, balance, dollars, .. } = self.parties[place];
        let number = place as u64 + 1;
        let profile = match role {
            Role::Purse => Profile::purse(number, balance),
            Role::Merchant => Profile::sam(number, balance),
        };
        let mut limits = Limits { offline_receipts: Amount(self.offline_receipts), ..LIMITS };
        if self.pin_limits {
            limits.debit_without_pin = Amount(1);
            limits.total_without_pin = Amount(1);
        }
        let profile = Profile { limits, pin: PIN, dollars: Amount(dollars), ..profile };
        if role == Role::Purse && self.has_transfers() { profile.with_key_pair() } else { profile }
    }

    /// Purses pay purses, and so have key pairs.
    pub fn has_transfers(&self) -> bool {
        self.kinds.contains(&Kind::Transfer)
    }
}

fn purse(balance: u32, sequences: u32) -> Party {
    Party { role: Role::Purse, balance, dollars: 0, sequences }
}

fn sam(balance: u32, sequences: u32) -> Party {
    Party { role: Role::Merchant, balance, dollars: 0, sequences }
}

/// A scope in which everything is off.
fn bare(name: &'static str, parties: Vec<Party>, kinds: &[Kind]) -> Scope {
    Scope {
        name,
        parties,
        kinds: kinds.to_vec(),
        amounts: vec![1],
        currencies: vec![eur()],
        requests: 2,
        ahead: 0,
        issuer: false,
        pins: false,
        locks: false,
        strangers: false,
        scripts: Vec::new(),
        stolen_masters: false,
        merchant_sequences: 0,
        window: 2,
        exceptions: 2,
        offline_receipts: LIMITS.offline_receipts.0,
        pin_limits: false,
        recovery: true,
        confusions: true,
    }
}

/// Scripts that change what a card is: limits, a pocket, expiry, a master, the end.
fn parameters() -> Vec<(usize, Parameter)> {
    let lower = Limits { maximum_balance: Amount(1), maximum_debit: Amount(0), ..LIMITS };
    let pocket = PocketParameters { currency: jpy(), exponent: 0, limits: LIMITS };
    vec![
        (0, Parameter::Limits { pocket: 0, limits: lower }),
        (0, Parameter::NewPocket { pocket: 4, parameters: pocket }),
        (0, Parameter::Expiry(Expiry([0x31, 0x01]))),
        (0, Parameter::Terminate),
        (1, Parameter::ForgetMaster(VERSION)),
        (1, Parameter::Terminate),
    ]
}

/// Every exploration, at a level: each level has all that the one before it has, and more.
pub fn scopes(level: u32) -> Vec<Scope> {
    let requests = level as usize + 1;
    let (purchase, refund, load) = (Kind::Purchase, Kind::Refund, Kind::Load);
    let mut scopes = vec![
        Scope { issuer: true, requests, ..bare("load and unload", vec![purse(1, level + 2)], &[load]) },
        Scope {
            pins: true,
            scripts: [Parameter::Block, Parameter::Unblock, Parameter::PinTries, Parameter::ClearLock]
                .map(|parameter| (0, parameter))
                .to_vec(),
            pin_limits: true,
            requests: level as usize,
            ..bare("PIN, lock and scripts", vec![purse(3, level), sam(0, level)], &[purchase])
        },
        Scope {
            stolen_masters: true,
            merchant_sequences: 2,
            requests: usize::MAX,
            amounts: vec![1, 2],
            recovery: false,
            window: 3,
            ..bare("stolen masters", vec![purse(2, level + 2)], &[])
        },
        Scope {
            requests,
            window: 6,
            ..bare("purchase and refund", vec![purse(2, level + 1), sam(1, level + 1)], &[purchase, refund])
        },
        // The purse's log ends within it, the SAM's has room.
        Scope {
            requests,
            window: 5,
            confusions: false,
            ..bare(
                "purchase and refund, a longer life",
                vec![purse(3, level + 4), sam(1, level + 1)],
                &[purchase, refund],
            )
        },
        Scope {
            issuer: true,
            requests,
            ..bare("purchase and collection", vec![purse(2, level + 1), sam(0, level + 2)], &[purchase])
        },
        Scope {
            requests,
            window: 4,
            ..bare(
                "two purses and a SAM",
                vec![purse(2, level + 1), purse(1, level), sam(0, level + 2)],
                &[purchase],
            )
        },
        Scope {
            requests,
            window: 4,
            confusions: false,
            ..bare(
                "three purses and a SAM",
                vec![purse(1, level), purse(1, level), purse(1, level), sam(0, level + 2)],
                &[purchase],
            )
        },
        Scope {
            scripts: parameters(),
            requests: level as usize,
            window: 3,
            // A SAM that has forgotten its master, and a card that is terminated, finish nothing any more.
            recovery: false,
            ..bare("scripts", vec![purse(2, level + 1), sam(2, level + 1)], &[purchase, refund])
        },
        Scope {
            issuer: true,
            requests,
            amounts: vec![1, 2],
            ahead: 1,
            window: 3,
            ..bare(
                "everything",
                vec![purse(2, level + 1), purse(0, level), sam(1, level + 1)],
                &[load, purchase, refund],
            )
        },
    ];
    scopes.extend(transfers(level));
    scopes
}

/// Those in which purses pay purses.
fn transfers(level: u32) -> Vec<Scope> {
    let requests = level as usize + 1;
    let (transfer, load, purchase) = (Kind::Transfer, Kind::Load, Kind::Purchase);
    let both = |balance, dollars, sequences| Party { dollars, ..purse(balance, sequences) };
    vec![
        Scope {
            strangers: true,
            requests,
            amounts: vec![1, 2],
            ..bare("transfer: two purses", vec![purse(3, level + 2), purse(1, level + 2)], &[transfer])
        },
        Scope {
            issuer: true,
            requests,
            // Two that are received, and the next one only after a load or an unload.
            offline_receipts: 2,
            confusions: false,
            ..bare(
                "transfer, load and unload: two purses",
                vec![purse(3, level + 3), purse(0, level + 1)],
                &[transfer, load],
            )
        },
        Scope {
            locks: true,
            requests: level as usize,
            confusions: false,
            ..bare(
                "transfer and lock: two purses",
                vec![purse(2, level + 1), purse(1, level + 1)],
                &[transfer],
            )
        },
        Scope {
            requests,
            window: 3,
            exceptions: 3,
            ..bare(
                "transfers: three purses",
                vec![purse(2, level + 1), purse(1, level + 1), purse(0, level + 1)],
                &[transfer],
            )
        },
        Scope {
            issuer: true,
            requests,
            currencies: vec![eur(), usd()],
            ..bare(
                "two pockets: two purses",
                vec![both(1, 1, level + 2), both(0, 1, level)],
                &[transfer, load],
            )
        },
        Scope {
            requests,
            window: 3,
            ..bare(
                "transfer and purchase: two purses, a SAM",
                vec![purse(3, level + 2), purse(1, level + 1), sam(0, level)],
                &[transfer, purchase],
            )
        },
    ]
}

/// The scope of this name and level; none of that name.
pub fn scope(name: &str, level: u32) -> Option<Scope> {
    scopes(level).into_iter().find(|scope| scope.name == name)
}
