//! A scheme with two purses and two merchant SAMs, and the cards' side of every process.

use std::collections::BTreeMap;

use apdu_spec::command::Voucher;
use apdu_spec::cryptography::{
    Authenticator, Chain, Engine, KeyBytes, KeyPurpose, Session, Tac, card_key, chain, tac,
};
use apdu_spec::element::{Amount, Currency, KeyVersion, Kind, Role, Sequence, Time};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::{LogRecord, RecordRole, RecordState};
use apdu_spec::software::{Software, SoftwareKey};
use purse_terminal::issuer::{
    Funding, Issuer, IssuerError, Keyring, MasterKeys, MemoryStore, NewCard, SqliteStore, Store, Unloaded,
};
use tempfile::TempDir;

pub(crate) const KEY_VERSION: KeyVersion = KeyVersion(1);
pub(crate) const EUR: Currency = Currency([0x09, 0x78]);
pub(crate) const JPY: Currency = Currency([0x03, 0x92]);
/// What the holder's account has at first, in each currency.
pub(crate) const OPENING: i64 = 10_000;

/// Declares each of the functions as a test on both stores.
macro_rules! on_both_stores {
    ($($rule:ident),+ $(,)?) => {
        mod in_memory {
            $(#[test] fn $rule() { super::$rule(crate::support::Scheme::in_memory()); })+
        }
        mod in_a_database {
            $(#[test] fn $rule() { super::$rule(crate::support::Scheme::in_a_database()); })+
        }
    };
}

pub(crate) fn number(payload: u64) -> PartyNumber {
    PartyNumber::with_check_digit(payload).unwrap()
}

pub(crate) fn issuer_number() -> PartyNumber {
    number(900_000_000_000_000)
}

pub(crate) fn purse() -> PartyNumber {
    number(100_000_000_000_001)
}

pub(crate) fn other_purse() -> PartyNumber {
    number(100_000_000_000_002)
}

pub(crate) fn sam_number() -> PartyNumber {
    number(200_000_000_000_001)
}

pub(crate) fn masters() -> MasterKeys {
    let [load, payment, tac, administration] = [1, 2, 3, 4].map(|byte| KeyBytes([byte; 16]));
    MasterKeys { load, payment, tac, administration }
}

pub(crate) fn keyring() -> Keyring {
    Keyring::from([(KEY_VERSION, masters())])
}

fn key(purpose: KeyPurpose, card: PartyNumber) -> SoftwareKey {
    let mut master = Software.load(masters().key(purpose));
    Software.load(&card_key(&Software, &mut master, purpose, card, KEY_VERSION))
}

/// The card that shares the LOAD key with the issuer in this PD.
fn session(pay_details: &PayDetails) -> Session<'static, Software> {
    let card = if pay_details.kind == Kind::Load { pay_details.to } else { pay_details.from };
    Session::new(&Software, &mut key(KeyPurpose::Load, card), pay_details)
}

pub(crate) fn req(pay_details: &PayDetails) -> Authenticator {
    session(pay_details).req()
}

pub(crate) fn val(pay_details: &PayDetails, tac: Tac) -> Authenticator {
    session(pay_details).val(tac)
}

pub(crate) fn ack(pay_details: &PayDetails) -> Authenticator {
    session(pay_details).ack()
}

pub(crate) fn nack(pay_details: &PayDetails) -> Authenticator {
    session(pay_details).nack()
}

pub(crate) fn wrong(Authenticator(mut bytes): Authenticator) -> Authenticator {
    bytes[7] ^= 1;
    Authenticator(bytes)
}

pub(crate) fn bad(Tac(mut bytes): Tac) -> Tac {
    bytes[0] ^= 0x80;
    Tac(bytes)
}

/// The payer's TAC of anything but a collection.
pub(crate) fn certificate(pay_details: &PayDetails) -> Tac {
    tac(&Software, &mut key(KeyPurpose::Tac, pay_details.from), pay_details, None)
}

pub(crate) fn load_details(card: PartyNumber, sequence: u32, amount: u32) -> PayDetails {
    PayDetails {
        kind: Kind::Load,
        key_version: KEY_VERSION,
        currency: EUR,
        amount: Amount(amount),
        from: issuer_number(),
        from_sequence: Sequence(sequence),
        to: card,
        to_sequence: Sequence(sequence),
        time: Time(1_700_000_000),
    }
}

pub(crate) fn unload_details(card: PartyNumber, sequence: u32, amount: u32) -> PayDetails {
    PayDetails { kind: Kind::Unload, from: card, to: issuer_number(), ..load_details(card, sequence, amount) }
}

pub(crate) fn purchase_details(payer: PartyNumber, sequence: u32, sam: &Sam, amount: u32) -> PayDetails {
    PayDetails {
        kind: Kind::Purchase,
        from: payer,
        to: sam.number,
        to_sequence: sam.sequence(),
        ..load_details(payer, sequence, amount)
    }
}

/// An unload or collection as its payer has debited it.
pub(crate) fn voucher(pay_details: PayDetails) -> Voucher {
    let tac = certificate(&pay_details);
    Voucher { pay_details, val: val(&pay_details, tac), tac }
}

pub(crate) fn open_record(pay_details: PayDetails) -> LogRecord {
    let tac = certificate(&pay_details);
    LogRecord { pay_details, role: RecordRole::Payer, state: RecordState::Open, balance: Amount(0), tac }
}

/// The issuer with its cards.
pub(crate) struct Scheme<S> {
    pub(crate) issuer: Issuer<S, Software>,
    /// The database lives as long as the scheme.
    pub(crate) directory: Option<TempDir>,
}

impl Scheme<MemoryStore> {
    pub(crate) fn in_memory() -> Self {
        Self::new(MemoryStore::new(), None)
    }
}

impl Scheme<SqliteStore> {
    pub(crate) fn in_a_database() -> Self {
        let directory = TempDir::new().unwrap();
        let store = SqliteStore::open(&directory.path().join("issuer.db")).unwrap();
        Self::new(store, Some(directory))
    }
}

impl<S: Store> Scheme<S> {
    fn new(store: S, directory: Option<TempDir>) -> Self {
        let mut issuer = Issuer::new(store, Software, issuer_number(), keyring());
        for currency in [EUR, JPY] {
            issuer.register_account("holder", currency, OPENING).unwrap();
            issuer.register_account("merchant", currency, 0).unwrap();
        }
        let mut scheme = Self { issuer, directory };
        for (number, role, account) in [
            (purse(), Role::Purse, "holder"),
            (other_purse(), Role::Purse, "holder"),
            (sam_number(), Role::Merchant, "merchant"),
        ] {
            scheme.register(number, role, account);
        }
        scheme
    }

    pub(crate) fn register(&mut self, number: PartyNumber, role: Role, account: &str) {
        let pockets = [(EUR, Amount(0)), (JPY, Amount(0))];
        let new = NewCard {
            number,
            role,
            key_version: KEY_VERSION,
            account,
            pockets: &pockets,
            funding: Funding::Outside,
        };
        self.issuer.register_card(&new).unwrap();
    }

    pub(crate) fn balance(&self, name: &str, currency: Currency) -> i64 {
        let accounts = self.issuer.accounts().unwrap();
        let mut same =
            accounts.iter().filter(|held| held.account.name == name && held.account.currency == currency);
        same.next().unwrap().balance
    }

    pub(crate) fn float(&self) -> i64 {
        self.issuer.books().unwrap().iter().find(|books| books.currency == EUR).unwrap().float
    }

    pub(crate) fn withheld(&self) -> i64 {
        self.issuer.books().unwrap().iter().find(|books| books.currency == EUR).unwrap().withheld
    }

    pub(crate) fn unclaimed(&self) -> i64 {
        self.issuer.books().unwrap().iter().find(|books| books.currency == EUR).unwrap().unclaimed
    }

    /// Loads and acknowledges.
    pub(crate) fn load(&mut self, pay_details: &PayDetails) {
        let proof = self.issuer.load(pay_details, req(pay_details), "holder").unwrap();
        assert_eq!(proof.tac, Tac::NONE);
        assert_eq!(proof.val, val(pay_details, Tac::NONE));
        self.issuer.load_acknowledged(pay_details.to, pay_details.to_sequence, ack(pay_details)).unwrap();
    }

    /// Submits everything that the issuer has not got and delivers the collection's val.
    pub(crate) fn collect(&mut self, sam: &mut Sam, currency: Currency) -> Unloaded {
        let voucher = self.debit(sam, currency);
        self.submit(sam);
        self.issuer.unload(&voucher).unwrap()
    }

    /// What the SAM debits for the issuer's req for its whole balance.
    pub(crate) fn debit(&mut self, sam: &mut Sam, currency: Currency) -> Voucher {
        let balance = sam.balance(currency);
        let request =
            self.issuer.unload_request(sam.number, currency, balance, sam.sequence(), Time(5)).unwrap();
        assert_eq!(request.req, req(&request.pay_details));
        sam.collection(request.pay_details)
    }

    /// Submits the records that the issuer wants.
    pub(crate) fn submit(&mut self, sam: &Sam) -> purse_terminal::issuer::SubmissionReport {
        let first = self.issuer.records_wanted(sam.number).unwrap();
        let records = &sam.records[first.0 as usize..];
        self.issuer.submit_records(sam.number, first, records).unwrap()
    }

    pub(crate) fn resolve(
        &mut self,
        record: &LogRecord,
    ) -> Result<purse_terminal::issuer::SignedScript, IssuerError> {
        let refuse = purse_terminal::issuer::Unsettleable::Refuse;
        self.issuer.resolve(record.pay_details.from, record, refuse)
    }
}

/// A merchant SAM: what it does to records, balance and chain.
#[derive(Clone)]
pub(crate) struct Sam {
    pub(crate) number: PartyNumber,
    pub(crate) records: Vec<LogRecord>,
    balances: BTreeMap<Currency, u32>,
    chain: Chain,
}

impl Sam {
    pub(crate) fn new() -> Self {
        Self::issued(sam_number(), EUR, 0)
    }

    pub(crate) fn issued(number: PartyNumber, currency: Currency, amount: u32) -> Self {
        let balances = BTreeMap::from([(currency, amount)]);
        Self { number, records: Vec::new(), balances, chain: Chain::NONE }
    }

    pub(crate) fn sequence(&self) -> Sequence {
        Sequence(u32::try_from(self.records.len()).unwrap())
    }

    pub(crate) fn balance(&self, currency: Currency) -> Amount {
        Amount(self.balances.get(&currency).copied().unwrap_or(0))
    }

    fn record(&mut self, role: RecordRole, pay_details: PayDetails, tac: Tac) {
        let state = if role == RecordRole::Payer { RecordState::Open } else { RecordState::Settled };
        self.chain =
            chain(&Software, &mut key(KeyPurpose::Tac, self.number), self.chain, role, &pay_details, tac);
        let balance = self.balances.entry(pay_details.currency).or_default();
        match role {
            RecordRole::Payee | RecordRole::Reversal => *balance += pay_details.amount.0,
            RecordRole::Payer => *balance -= pay_details.amount.0,
            RecordRole::Declined => {}
        }
        let balance = Amount(*balance);
        self.records.push(LogRecord { pay_details, role, state, balance, tac });
    }

    /// Credits a purchase with a TAC that it cannot check.
    pub(crate) fn credit_with(&mut self, pay_details: PayDetails, tac: Tac) {
        self.record(RecordRole::Payee, pay_details, tac);
    }

    pub(crate) fn credit(&mut self, pay_details: PayDetails) {
        self.credit_with(pay_details, certificate(&pay_details));
    }

    pub(crate) fn credit_load(&mut self, pay_details: PayDetails) {
        self.credit_with(pay_details, Tac::NONE);
    }

    pub(crate) fn decline(&mut self, pay_details: PayDetails) {
        self.record(RecordRole::Declined, pay_details, certificate(&pay_details));
    }

    /// A purchase of 1.00 and the like from the first purse, at its sequence.
    pub(crate) fn sell(&mut self, payer_sequence: u32, amount: u32) -> PayDetails {
        let pay_details = purchase_details(purse(), payer_sequence, self, amount);
        self.credit(pay_details);
        pay_details
    }

    pub(crate) fn refund(&mut self, payee_sequence: u32, amount: u32) -> PayDetails {
        let pay_details = PayDetails {
            kind: Kind::Refund,
            from: self.number,
            from_sequence: self.sequence(),
            to: purse(),
            to_sequence: Sequence(payee_sequence),
            ..load_details(purse(), 0, amount)
        };
        self.record(RecordRole::Payer, pay_details, certificate(&pay_details));
        pay_details
    }

    pub(crate) fn reverse(&mut self, pay_details: PayDetails) {
        self.record(RecordRole::Reversal, pay_details, certificate(&pay_details));
    }

    pub(crate) fn collection(&mut self, pay_details: PayDetails) -> Voucher {
        let tac = tac(&Software, &mut key(KeyPurpose::Tac, self.number), &pay_details, Some(self.chain));
        self.record(RecordRole::Payer, pay_details, tac);
        Voucher { pay_details, val: val(&pay_details, tac), tac }
    }
}

/// Credited and withheld of a collection that went through.
pub(crate) fn amounts(unloaded: Unloaded) -> (u32, u32) {
    match unloaded {
        Unloaded::Credited { credited, withheld, .. } => (credited.0, withheld.0),
        other => panic!("not credited: {other:?}"),
    }
}
