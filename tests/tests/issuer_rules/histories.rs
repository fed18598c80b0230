//! Random histories: after each step the ledger sums to zero, both stores say the same, and nobody has gained.

use apdu_spec::element::{Kind, Sequence};
use apdu_spec::parameter::{Parameter, Resolution};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::software::Software;
use proptest::prelude::*;
use purse_terminal::issuer::{Issuer, MemoryStore, SqliteStore, Store};

use crate::support::*;

/// What may happen next.
#[derive(Clone, Debug)]
enum Event {
    /// A load at the purse's sequence, and whether the purse credits it, declines it or never sees it.
    Load { amount: u32, fate: u8 },
    /// The purse debits an unload; whether the issuer hears of it.
    Unload { amount: u32, heard: bool },
    /// The unload of this place comes late: to be credited, or to be declined.
    Settle { place: usize, decline: bool },
    /// A purchase; whether the SAM gets it.
    Purchase { amount: u32, arrives: bool },
    /// The SAM credits what nobody has paid.
    Forgery { amount: u32 },
    /// The SAM pays the purse back.
    Refund { amount: u32 },
    /// A collection; whether the records come with it.
    Collect { records: bool },
    /// Everything submitted again.
    Submit,
    /// The issuer is asked to resolve the purse's debit of this place, and the purse obeys.
    Resolve { place: usize },
    /// Old ack or nack, whichever.
    Late { place: usize, ack: bool },
}

fn event() -> impl Strategy<Value = Event> {
    let amount = 1_u32..900;
    prop_oneof![
        (amount.clone(), 0_u8..3).prop_map(|(amount, fate)| Event::Load { amount, fate }),
        (amount.clone(), any::<bool>()).prop_map(|(amount, heard)| Event::Unload { amount, heard }),
        (0_usize..4, any::<bool>()).prop_map(|(place, decline)| Event::Settle { place, decline }),
        (amount.clone(), any::<bool>()).prop_map(|(amount, arrives)| Event::Purchase { amount, arrives }),
        amount.clone().prop_map(|amount| Event::Forgery { amount }),
        amount.prop_map(|amount| Event::Refund { amount }),
        any::<bool>().prop_map(|records| Event::Collect { records }),
        Just(Event::Submit),
        (0_usize..6).prop_map(|place| Event::Resolve { place }),
        (0_usize..4, any::<bool>()).prop_map(|(place, ack)| Event::Late { place, ack }),
    ]
}

/// A debit of the purse, as the purse and its payee know it.
struct Payment {
    details: PayDetails,
    credited: bool,
    reversed: bool,
}

/// The cards as they really are.
struct World {
    sam: Sam,
    sequence: u32,
    balance: u32,
    /// What SAMs credited without anybody having paid it.
    forged: i64,
    loads: Vec<PayDetails>,
    payments: Vec<Payment>,
}

impl World {
    fn new() -> Self {
        Self { sam: Sam::new(), sequence: 0, balance: 0, forged: 0, loads: Vec::new(), payments: Vec::new() }
    }

    fn next(&mut self) -> u32 {
        self.sequence += 1;
        self.sequence - 1
    }

    fn debit(&mut self, amount: u32) -> Option<u32> {
        self.balance = self.balance.checked_sub(amount)?;
        Some(self.next())
    }

    /// Place of the purse's last, last but one … debit.
    fn place(&self, back: usize) -> Option<usize> {
        self.payments.len().checked_sub(back + 1)
    }

    fn reverse(&mut self, place: usize) {
        let payment = &mut self.payments[place];
        assert!(!payment.credited, "the payee has it: {:?}", payment.details);
        if !payment.reversed {
            payment.reversed = true;
            self.balance += payment.details.amount.0;
        }
    }

    fn happens<S: Store>(&mut self, scheme: &mut Scheme<S>, event: &Event) {
        match *event {
            Event::Load { amount, fate } => self.load(scheme, amount, fate),
            Event::Unload { amount, heard } => {
                if let Some(sequence) = self.debit(amount) {
                    let details = unload_details(purse(), sequence, amount);
                    self.payments.push(Payment { details, credited: heard, reversed: false });
                    if heard {
                        scheme.issuer.unload(&voucher(details)).unwrap();
                    }
                }
            }
            Event::Settle { place, decline } => self.settle(scheme, place, decline),
            Event::Purchase { amount, arrives } => {
                if let Some(sequence) = self.debit(amount) {
                    let details = purchase_details(purse(), sequence, &self.sam, amount);
                    self.payments.push(Payment { details, credited: arrives, reversed: false });
                    if arrives {
                        self.sam.credit(details);
                    }
                }
            }
            Event::Forgery { amount } => {
                let details = purchase_details(other_purse(), 9, &self.sam, amount);
                self.sam.credit_with(details, bad(certificate(&details)));
                self.forged += i64::from(amount);
            }
            Event::Refund { amount } => {
                if self.sam.balance(EUR).0 >= amount {
                    let sequence = self.next();
                    self.sam.refund(sequence, amount);
                    self.balance += amount;
                }
            }
            Event::Collect { records } => {
                let collection = scheme.debit(&mut self.sam, EUR);
                if records {
                    scheme.submit(&self.sam);
                }
                scheme.issuer.unload(&collection).unwrap();
            }
            Event::Submit => drop(scheme.submit(&self.sam)),
            Event::Resolve { place } => {
                let Some(place) = self.place(place) else { return };
                let record = open_record(self.payments[place].details);
                let Ok(script) = scheme.resolve(&record) else { return };
                match Parameter::parse(script.id, &script.value) {
                    Ok(Parameter::Resolve { resolution: Resolution::Reversed, .. }) => self.reverse(place),
                    _ => assert!(self.payments[place].credited, "settled, and nobody has it"),
                }
            }
            Event::Late { place, ack: wanted } => {
                let Some(details) = self.loads.iter().rev().nth(place).copied() else { return };
                let sequence = details.to_sequence;
                let _ = if wanted {
                    // Only what the card has credited has an ack.
                    scheme.issuer.load_acknowledged(purse(), sequence, wrong(ack(&details)))
                } else {
                    scheme.issuer.load_declined(purse(), sequence, nack(&details))
                };
            }
        }
    }

    fn load<S: Store>(&mut self, scheme: &mut Scheme<S>, amount: u32, fate: u8) {
        let details = load_details(purse(), self.sequence, amount);
        if scheme.issuer.load(&details, req(&details), "holder").is_err() {
            return;
        }
        self.loads.push(details);
        let sequence = Sequence(self.next());
        match fate {
            0 => {
                self.balance += amount;
                scheme.issuer.load_acknowledged(purse(), sequence, ack(&details)).unwrap();
            }
            1 => scheme.issuer.load_declined(purse(), sequence, nack(&details)).unwrap(),
            // The card goes on without it, and can only decline it from now on.
            _ => {}
        }
    }

    /// The unload of this place comes late, to be credited or declined.
    fn settle<S: Store>(&mut self, scheme: &mut Scheme<S>, place: usize, decline: bool) {
        let Some(place) = self.place(place) else { return };
        let details = self.payments[place].details;
        if details.to != issuer_number() {
            return;
        }
        if !decline {
            let credited = scheme.issuer.unload(&voucher(details)).is_ok();
            assert!(!(credited && self.payments[place].reversed));
            self.payments[place].credited |= credited;
        } else if scheme.issuer.decline_unload(&voucher(details)).is_ok() {
            self.reverse(place);
        }
    }

    /// The ledger sums to zero; the issuer owes what cards hold and what is in flight, but for what was forged.
    fn check<S: Store>(&self, scheme: &Scheme<S>) {
        for books in scheme.issuer.books().unwrap() {
            let accounts: i64 = books.accounts.iter().map(|held| held.balance).sum();
            let sum = books.float + accounts + books.withheld + books.unclaimed + books.outside;
            assert_eq!(sum, 0, "{books:?}");
            assert!(books.accounts.iter().all(|held| held.balance >= 0), "{books:?}");
        }
        let open = scheme.issuer.open_transfers().unwrap();
        let open: i64 = open.iter().map(|transfer| i64::from(transfer.pay_details.amount.0)).sum();
        let lost = self.payments.iter().filter(|payment| !payment.credited && !payment.reversed);
        let lost: i64 = lost.map(|payment| i64::from(payment.details.amount.0)).sum();
        let cards = i64::from(self.balance) + i64::from(self.sam.balance(EUR).0);
        // Loads without ack and collections without records are on the books; a lost debit is in the purse only.
        assert_eq!(scheme.float() + self.forged, cards + lost + open, "lost {lost}, open {open}");
        assert!(scheme.withheld() <= self.forged, "nothing but forgeries is withheld");
        let sold = self.sam.records.iter().filter(|record| {
            record.pay_details.kind == Kind::Purchase && record.tac == certificate(&record.pay_details)
        });
        let sold: i64 = sold.map(|record| i64::from(record.pay_details.amount.0)).sum();
        assert!(scheme.balance("merchant", EUR) <= sold);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_sums_to_zero_after_each_step(events in prop::collection::vec(event(), 1..50)) {
        let (mut scheme, mut world) = (Scheme::in_memory(), World::new());
        for event in &events {
            world.happens(&mut scheme, event);
            world.check(&scheme);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_stores_say_the_same_and_a_database_can_be_reopened(events in prop::collection::vec(event(), 1..30)) {
        let (mut memory, mut database) = (Scheme::in_memory(), Scheme::in_a_database());
        let (mut first, mut second) = (World::new(), World::new());
        let path = database.directory.as_ref().unwrap().path().join("issuer.db");
        for event in &events {
            first.happens(&mut memory, event);
            second.happens(&mut database, event);
            second.check(&database);
            same(&memory.issuer, &database.issuer);
            let store = SqliteStore::open(&path).unwrap();
            database.issuer = Issuer::new(store, Software, issuer_number(), keyring());
        }
        same(&memory.issuer, &database.issuer);
    }
}

fn same(memory: &Issuer<MemoryStore, Software>, database: &Issuer<SqliteStore, Software>) {
    assert_eq!(memory.books(), database.books());
    assert_eq!(memory.cards(), database.cards());
    assert_eq!(memory.transfers(None), database.transfers(None));
    assert_eq!(memory.forks(), database.forks());
    for card in memory.cards().unwrap() {
        assert_eq!(memory.pockets(card.number), database.pockets(card.number));
    }
}
