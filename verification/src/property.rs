//! What must hold, by name, and how often it has been looked at.

use serde::Serialize;

/// What must hold of the purse (section 1 of the design, and what follows from it).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(usize)]
pub enum Property {
    /// The balances never add up to more than the issuer answers for.
    NoValueCreated,
    /// What the balances lack is exactly what is in flight, and what is in flight is in a log.
    AllValueAccounted,
    /// A card debits only pay details that their payee has asked for.
    DebitOnRequest,
    /// Of credit and reversal at most one happens for the same pay details.
    OneEnd,
    /// A payment comes back at most once, by refund or reversal, and never more than it was.
    OneReturn,
    /// What an answer says is in memory before it leaves.
    RecordBeforeResponse,
    /// The identical command gives the identical answer or an error, and has no second effect.
    SameAnswer,
    /// What a power-up has decided stays, however the cells read later.
    DecisionStays,
    /// A cut leaves the state before a command or the one after it.
    AllOrNothing,
    /// A card that keeps its power and one that has lost it say the same.
    MemoryAnswers,
    /// With both parties at hand and the records in their windows, recovery ends with nothing in flight.
    RecoveryFinishes,
    /// The sequence of a card never goes back.
    SequenceRises,
    /// Nobody tries more PINs than there are tries, wherever the power fails.
    PinTries,
    /// A collection pays a merchant no more than the SAM gave up.
    CollectionPays,
    /// A SAM with no collection open can always be collected.
    CollectionHasItsPlace,
    /// A purse with no unload open can always be unloaded.
    UnloadHasItsPlace,
    /// Of a transfer a card does and says something only with the purse that it has met in this session.
    PeerIsPresent,
    /// Nobody receives more offline between two loads than the limit, and what is received is counted.
    OfflineReceipts,
    /// Nothing is written before a MAC or a PIN has been verified, nor by a command that is refused.
    NothingWritten,
}

impl Property {
    /// Every one.
    pub const ALL: [Self; 19] = [
        Self::NoValueCreated,
        Self::AllValueAccounted,
        Self::DebitOnRequest,
        Self::OneEnd,
        Self::OneReturn,
        Self::RecordBeforeResponse,
        Self::SameAnswer,
        Self::DecisionStays,
        Self::AllOrNothing,
        Self::MemoryAnswers,
        Self::RecoveryFinishes,
        Self::SequenceRises,
        Self::PinTries,
        Self::CollectionPays,
        Self::CollectionHasItsPlace,
        Self::UnloadHasItsPlace,
        Self::PeerIsPresent,
        Self::OfflineReceipts,
        Self::NothingWritten,
    ];

    /// As the table and the documents call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoValueCreated => "no value created",
            Self::AllValueAccounted => "all value accounted",
            Self::DebitOnRequest => "no debit without a req of the named payee",
            Self::OneEnd => "at most one of credit and reversal",
            Self::OneReturn => "a payment comes back at most once",
            Self::RecordBeforeResponse => "record before response",
            Self::SameAnswer => "identical command, identical answer",
            Self::DecisionStays => "a power-up's decision stays",
            Self::AllOrNothing => "a cut leaves before or after",
            Self::MemoryAnswers => "the same with power as after a power cycle",
            Self::RecoveryFinishes => "recovery ends with nothing in flight",
            Self::SequenceRises => "sequences never go back",
            Self::PinTries => "PIN tries never more than allowed",
            Self::CollectionPays => "a collection pays no more than the SAM gave up",
            Self::CollectionHasItsPlace => "a collection always has its place",
            Self::UnloadHasItsPlace => "an unload always has its place",
            Self::PeerIsPresent => "no transfer without its peer",
            Self::OfflineReceipts => "no more received offline than the limit",
            Self::NothingWritten => "nothing written before a MAC or PIN is verified",
        }
    }
}

/// Something that should hold and does not.
#[derive(Clone, Debug, Serialize)]
pub struct Violation {
    /// The name of the property.
    pub property: &'static str,
    /// Where it happened.
    pub place: String,
}

/// How often each property has been looked at, and where one did not hold.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    checks: [u64; Property::ALL.len()],
    violations: Vec<Violation>,
    violated: [u64; Property::ALL.len()],
}

/// Violations that are kept with their place; the others are only counted.
const KEPT: u64 = 3;

impl Tally {
    /// Looks at a property.
    pub fn check(&mut self, property: Property, holds: bool, place: impl FnOnce() -> String) {
        self.checks[property as usize] += 1;
        if !holds {
            self.violated[property as usize] += 1;
            if self.violated[property as usize] <= KEPT {
                self.violations.push(Violation { property: property.name(), place: place() });
            }
        }
    }

    /// Adds what another one has counted.
    pub fn add(&mut self, other: &Self) {
        for property in Property::ALL {
            self.checks[property as usize] += other.checks(property);
            self.violated[property as usize] += other.violated(property);
        }
        self.violations.extend(other.violations.iter().cloned());
    }

    /// How often it was looked at.
    pub const fn checks(&self, property: Property) -> u64 {
        self.checks[property as usize]
    }

    /// How often it did not hold.
    pub const fn violated(&self, property: Property) -> u64 {
        self.violated[property as usize]
    }

    /// The first violations of each property.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Whether everything has held.
    pub const fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }
}
