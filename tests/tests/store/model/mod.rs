//! What the store must do, as a plain list of what has been committed, and what can be asked of a store.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod forge;

use std::collections::BTreeSet;

use apdu_spec::cryptography::{Chain, KeyBytes, Tac};
use apdu_spec::element::{Amount, Currency, Expiry, KeyVersion, Kind, Role, Sequence, Time};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::pocket::{POCKETS, PocketParameters};
use apdu_spec::record::{RecordRole, RecordState};
use purse_card::memory::Geometry;
use purse_card::store::{
    Administration, Entry, Identity, Masters, Parameters, Pin, PocketState, Record, Standing, State, Store,
    minimum_pages,
};
use purse_terminal::simulated_memory::SimulatedMemory;

/// A store over a simulated memory.
pub(crate) type Simulated<const W: usize, const E: usize> = Store<SimulatedMemory, W, E>;

/// A memory whose pages hold this many slots; `more` pages than necessary.
pub(crate) fn geometry<const W: usize, const E: usize>(
    unit: usize,
    atomic: bool,
    slots: usize,
    more: usize,
) -> Geometry {
    let header = 40_usize.next_multiple_of(unit) + 2 * unit;
    let slot = 160_usize.next_multiple_of(unit) + if atomic { 0 } else { unit };
    let page_size = header + slots * slot;
    let one = Geometry { unit, page_size, pages: 1, atomic };
    Geometry { pages: minimum_pages(one, W, E).unwrap() + more, ..one }
}

/// What can happen to a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Purchase,
    Transfer,
    Unload,
    Load,
    /// Against the newest settled purchase.
    Refund,
    /// A merchant SAM pays a refund.
    PayRefund,
    Decline,
    /// Settles the oldest, or the newest, open payment.
    SettleOldest,
    SettleNewest,
    ReverseOldest,
    ReverseNewest,
    /// A wrong PIN, and a right one: two commits with nothing between them.
    WrongPin,
    RightPin,
    Parameters,
    Masters,
}

impl Action {
    pub(crate) const ALL: [Self; 15] = [
        Self::Purchase,
        Self::Transfer,
        Self::Unload,
        Self::Load,
        Self::Refund,
        Self::PayRefund,
        Self::Decline,
        Self::SettleOldest,
        Self::SettleNewest,
        Self::ReverseOldest,
        Self::ReverseNewest,
        Self::WrongPin,
        Self::RightPin,
        Self::Parameters,
        Self::Masters,
    ];
}

/// Masters as something that can be compared.
type FlatMasters = Vec<Option<(u8, [u8; 16])>>;

/// All that a store answers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct View {
    pub(crate) next: u32,
    pub(crate) state: State,
    pub(crate) log: Vec<Option<(Standing, Record)>>,
    pub(crate) window: Vec<u32>,
    pub(crate) exceptions: Vec<u32>,
    pub(crate) open_exceptional: usize,
    pub(crate) free_places: usize,
    pub(crate) pin: Option<Pin>,
    pub(crate) parameters: Option<Parameters>,
    pub(crate) masters: Option<FlatMasters>,
    pub(crate) identity: Option<Vec<u8>>,
    pub(crate) administration: Administration,
}

fn flat_masters(masters: &Masters) -> FlatMasters {
    masters.keys.iter().map(|place| place.as_ref().map(|(version, key)| (version.0, key.0))).collect()
}

fn flat_identity(identity: &Identity) -> Vec<u8> {
    let mut bytes = vec![identity.role.code(), identity.key_version.0, identity.flags];
    bytes.extend(identity.number.0);
    bytes.extend(identity.issuer.0);
    bytes.extend(identity.keys.iter().flat_map(|key| key.0));
    bytes.extend(identity.balances.iter().flat_map(|balance| balance.emit()));
    bytes
}

impl View {
    pub(crate) fn of<const W: usize, const E: usize>(store: &Simulated<W, E>) -> Self {
        let next = store.next_sequence().0;
        // The oldest ones are asked for too, and one that is not there yet.
        let log = (0..=next)
            .map(|sequence| {
                let sequence = Sequence(sequence);
                let record = store.record(sequence).unwrap();
                assert_eq!(record.is_some(), store.standing(sequence).is_some());
                store.standing(sequence).zip(record)
            })
            .collect();
        Self {
            next,
            state: *store.state(),
            log,
            window: store.window_sequences().map(|sequence| sequence.0).collect(),
            exceptions: store.exceptions().map(|sequence| sequence.0).collect(),
            open_exceptional: store.open_exceptional(),
            free_places: store.free_places(),
            pin: store.pin().cloned(),
            parameters: store.parameters().copied(),
            masters: store.masters().map(flat_masters),
            identity: store.identity().map(flat_identity),
            administration: store.administration(),
        }
    }
}

/// A list of what has been committed.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    records: Vec<Record>,
    marks: BTreeSet<u32>,
    pin: Pin,
    parameters: Parameters,
    masters: Option<Masters>,
    counter: u32,
}

pub(crate) fn identity() -> Identity {
    Identity {
        role: Role::Purse,
        number: PartyNumber([0x95, 0x55, 0, 0, 0, 0, 0, 0x18]),
        key_version: KeyVersion(1),
        issuer: PartyNumber([0x90; 8]),
        flags: 1,
        keys: [1, 2, 3, 4].map(|byte| KeyBytes([byte; 16])),
        balances: [Amount(1000), Amount(2000), Amount(0), Amount(0), Amount(5)],
        first_sequence: Sequence(0),
    }
}

impl Model {
    pub(crate) fn new(masters: bool) -> Self {
        let mut pockets = [PocketParameters::UNUSED; POCKETS];
        pockets[0].currency = Currency([0x09, 0x78]);
        Self {
            records: Vec::new(),
            marks: BTreeSet::new(),
            pin: Pin {
                block: [0x24, 0x12, 0x34, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
                tries: 3,
                limit: 3,
                administration: Administration::default(),
            },
            parameters: Parameters {
                expiry: Expiry([0x30, 0x12]),
                pockets,
                blocked: false,
                locked: false,
                terminated: false,
                administration: Administration::default(),
            },
            masters: masters.then(|| Masters {
                keys: core::array::from_fn(|place| {
                    let version = u8::try_from(place).unwrap() + 1;
                    (version < 3).then_some((KeyVersion(version), KeyBytes([version; 16])))
                }),
                administration: Administration::default(),
            }),
            counter: 0,
        }
    }

    /// Personalises a store as this model begins.
    pub(crate) fn personalise<const W: usize, const E: usize>(
        &self,
        store: &mut Simulated<W, E>,
    ) -> Result<(), purse_card::memory::MemoryFailure> {
        store.personalise(&identity(), &self.parameters, self.masters.as_ref(), &self.pin, None)
    }

    fn state(&self, record: &Record) -> RecordState {
        let referred = |role, kind: Option<Kind>| {
            self.records.iter().any(|later| {
                later.role == role
                    && kind.is_none_or(|kind| later.pay_details.kind == kind)
                    && later.reference == Some(record.sequence)
            })
        };
        if record.role != RecordRole::Payer {
            RecordState::Settled
        } else if referred(RecordRole::Reversal, None) {
            RecordState::Reversed
        } else if referred(RecordRole::Payee, Some(Kind::Refund)) {
            RecordState::Refunded
        } else if self.marks.contains(&record.sequence.0) {
            RecordState::Settled
        } else {
            RecordState::Open
        }
    }

    fn is_open_exceptional(&self, record: &Record) -> bool {
        record.role == RecordRole::Payer
            && matches!(record.pay_details.kind, Kind::Transfer | Kind::Unload | Kind::Refund)
            && self.state(record) == RecordState::Open
    }

    fn in_log<const W: usize>(&self, record: &Record) -> bool {
        record.sequence.0 as usize + W >= self.records.len() || self.is_open_exceptional(record)
    }

    /// What a store of this window must answer.
    pub(crate) fn view<const W: usize>(&self) -> View {
        let next = u32::try_from(self.records.len()).unwrap();
        let oldest = next.saturating_sub(u32::try_from(W).unwrap());
        let state = self.records.last().map_or(
            State {
                pockets: identity().balances.map(|balance| PocketState { balance, ..PocketState::default() }),
                last_load: Sequence::NONE,
                administration: Administration::default(),
                chain: Chain::NONE,
            },
            |record| State {
                pockets: record.pockets,
                last_load: record.last_load,
                administration: record.administration,
                chain: record.chain,
            },
        );
        let mut log: Vec<_> = self
            .records
            .iter()
            .map(|record| {
                let standing =
                    Standing { role: record.role, kind: record.pay_details.kind, state: self.state(record) };
                let settled = self.marks.contains(&record.sequence.0);
                self.in_log::<W>(record).then_some((standing, Record { settled, ..*record }))
            })
            .collect();
        log.push(None);
        let collection = self.records.iter().rposition(|record| {
            record.role == RecordRole::Payer
                && record.pay_details.kind == Kind::Unload
                && self.state(record) == RecordState::Settled
        });
        let after = collection.map_or(0, |place| place + 1);
        let singles = [
            Some(self.parameters.administration),
            self.masters.as_ref().map(|masters| masters.administration),
            Some(self.pin.administration),
        ];
        let mut administration = state.administration;
        for other in singles.into_iter().flatten() {
            if other.counter > administration.counter {
                administration = other;
            }
        }
        View {
            next,
            state,
            log,
            window: (oldest..next).rev().collect(),
            exceptions: self
                .records
                .iter()
                .filter(|record| record.sequence.0 < oldest && self.is_open_exceptional(record))
                .map(|record| record.sequence.0)
                .collect(),
            open_exceptional: self.records.iter().filter(|record| self.is_open_exceptional(record)).count(),
            free_places: W.saturating_sub(self.records.len() - after),
            pin: Some(self.pin.clone()),
            parameters: Some(self.parameters),
            masters: self.masters.as_ref().map(flat_masters),
            identity: Some(flat_identity(&identity())),
            administration,
        }
    }

    /// Records that the payee may have credited or not, and that the log still has.
    fn open<const W: usize>(&self) -> impl DoubleEndedIterator<Item = &Record> {
        self.records.iter().filter(|record| {
            record.role == RecordRole::Payer
                && self.in_log::<W>(record)
                && self.state(record) == RecordState::Open
        })
    }

    fn next_record(&self, role: RecordRole, kind: Kind) -> Record {
        let number = u32::try_from(self.records.len()).unwrap();
        let filler = number.wrapping_mul(0x9E37_79B9).to_be_bytes();
        Record {
            sequence: Sequence(number),
            pay_details: PayDetails {
                kind,
                key_version: KeyVersion(filler[0]),
                currency: Currency([0x09, 0x78]),
                amount: Amount(number + 1),
                from: PartyNumber([filler[1]; 8]),
                from_sequence: Sequence(number),
                to: PartyNumber([filler[2]; 8]),
                to_sequence: Sequence(number ^ 0xFFFF),
                time: Time(number),
            },
            tac: Tac([filler[3]; 8]),
            role,
            settled: false,
            reference: None,
            last_load: Sequence(number / 2),
            administration: Administration { counter: number / 3, mac: [filler[1]; 8] },
            pockets: core::array::from_fn(|pocket| PocketState {
                balance: Amount(number * 10 + u32::try_from(pocket).unwrap()),
                debited_without_pin: Amount(number + 1),
                received_offline: Amount(number + 2),
            }),
            chain: Chain([filler[2]; 16]),
        }
    }

    fn next_administration(&self) -> Administration {
        let counter = self.counter + 1;
        Administration { counter, mac: [u8::try_from(counter % 251).unwrap(); 8] }
    }

    /// What this action commits, in order; nothing where it cannot be done now.
    pub(crate) fn entries<const W: usize, const E: usize>(&self, action: Action) -> Vec<Entry> {
        let payer = |kind| {
            let exceptional = kind != Kind::Purchase;
            let room = self.records.iter().filter(|record| self.is_open_exceptional(record)).count() < E;
            (!exceptional || room).then(|| vec![Entry::Record(self.next_record(RecordRole::Payer, kind))])
        };
        let reversal = |debit: Option<&Record>| {
            debit.map(|debit| {
                let own = self.next_record(RecordRole::Reversal, debit.pay_details.kind);
                let reference = Some(debit.sequence);
                vec![Entry::Record(Record {
                    pay_details: debit.pay_details,
                    tac: debit.tac,
                    reference,
                    ..own
                })]
            })
        };
        let mark = |record: Option<&Record>| record.map(|record| vec![Entry::Mark(record.sequence)]);
        let pin = |tries| Entry::Pin(Pin { tries, ..self.pin.clone() });
        let entries = match action {
            Action::Purchase => payer(Kind::Purchase),
            Action::Transfer => payer(Kind::Transfer),
            Action::Unload => payer(Kind::Unload),
            Action::PayRefund => payer(Kind::Refund),
            Action::Load => Some(vec![Entry::Record(self.next_record(RecordRole::Payee, Kind::Load))]),
            Action::Decline => Some(vec![Entry::Record(self.next_record(RecordRole::Declined, Kind::Load))]),
            Action::Refund => self
                .records
                .iter()
                .rfind(|record| {
                    record.pay_details.kind == Kind::Purchase
                        && record.role == RecordRole::Payer
                        && self.in_log::<W>(record)
                        && self.state(record) == RecordState::Settled
                })
                .map(|purchase| {
                    let own = self.next_record(RecordRole::Payee, Kind::Refund);
                    vec![Entry::Record(Record { reference: Some(purchase.sequence), ..own })]
                }),
            Action::SettleOldest => mark(self.open::<W>().next()),
            Action::SettleNewest => mark(self.open::<W>().next_back()),
            Action::ReverseOldest => reversal(self.open::<W>().next()),
            Action::ReverseNewest => reversal(self.open::<W>().next_back()),
            Action::WrongPin => (self.pin.tries > 0).then(|| vec![pin(self.pin.tries - 1)]),
            Action::RightPin => {
                (self.pin.tries > 0).then(|| vec![pin(self.pin.tries - 1), pin(self.pin.limit)])
            }
            Action::Parameters => {
                let locked = !self.parameters.locked;
                let administration = self.next_administration();
                Some(vec![Entry::Parameters(Parameters { locked, administration, ..self.parameters })])
            }
            Action::Masters => self.masters.clone().map(|masters| {
                let mut keys = masters.keys.clone();
                keys[0] = keys[0].is_none().then_some((KeyVersion(9), KeyBytes([9; 16])));
                vec![Entry::Masters(Masters { keys, administration: self.next_administration() })]
            }),
        };
        entries.unwrap_or_default()
    }

    /// Takes an entry as committed.
    pub(crate) fn apply(&mut self, entry: &Entry) {
        match entry {
            Entry::Record(record) => self.records.push(*record),
            Entry::Mark(sequence) => {
                self.marks.insert(sequence.0);
            }
            Entry::Pin(pin) => self.pin = pin.clone(),
            Entry::Parameters(parameters) => {
                self.parameters = *parameters;
                self.counter = parameters.administration.counter;
            }
            Entry::Masters(masters) => {
                self.masters = Some(masters.clone());
                self.counter = masters.administration.counter;
            }
        }
    }
}

/// A personalised card at rest, and its model.
pub(crate) fn card<const W: usize, const E: usize>(
    geometry: Geometry,
    seed: u64,
    masters: bool,
) -> (SimulatedMemory, Model) {
    let model = Model::new(masters);
    let mut store = Simulated::<W, E>::power_up(SimulatedMemory::new(geometry, seed)).unwrap();
    assert!(store.is_blank());
    model.personalise(&mut store).unwrap();
    store.finish().unwrap();
    assert_eq!(View::of(&store), model.view::<W>());
    (store.into_memory(), model)
}
