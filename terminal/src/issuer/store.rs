//! Where the books are kept.

use apdu_spec::element::{Currency, Kind, Sequence};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;

use super::error::IssuerError;
use super::model::{
    Account, Card, ChainRecord, Debit, Exchange, Issue, LedgerAccount, Order, Pocket, Posting, Transfer,
};

/// What can go wrong with the books themselves.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum StoreError {
    /// SQLite reports an error.
    #[error("the issuer's database failed: {0}; nothing of this step was recorded, repeat it")]
    Database(#[from] rusqlite::Error),
    /// A database of another version, or not the issuer's at all.
    #[error(
        "the issuer's database has version {found}, this program knows version {expected}; the file is untouched, \
         use the program that wrote it"
    )]
    Version {
        /// What the file says.
        found: i64,
        /// What this program writes.
        expected: i64,
    },
    /// An SQLite file of something else.
    #[error("this database is not an issuer's; the file is untouched, name the right one")]
    Foreign,
    /// A row that this program never wrote.
    #[error("the issuer's database is damaged ({0}); nothing was changed, restore it from a copy")]
    Damaged(&'static str),
}

/// Rows in, rows out: the only thing a store has to know. `put_*` replaces the row of the same key.
pub trait Tables {
    /// Whether there is such an account.
    fn has_account(&self, account: &Account) -> Result<bool, StoreError>;
    /// All, by name and currency.
    fn accounts(&self) -> Result<Vec<Account>, StoreError>;
    /// A new account.
    fn put_account(&mut self, account: &Account) -> Result<(), StoreError>;

    /// The card of this number.
    fn card(&self, number: PartyNumber) -> Result<Option<Card>, StoreError>;
    /// All, by number.
    fn cards(&self) -> Result<Vec<Card>, StoreError>;
    /// A new card, or an old one as it is now.
    fn put_card(&mut self, card: &Card) -> Result<(), StoreError>;

    /// The cards with value that are being made, by number.
    fn issues(&self) -> Result<Vec<Issue>, StoreError>;
    /// A card that is being made.
    fn put_issue(&mut self, issue: &Issue) -> Result<(), StoreError>;
    /// One that is not any more.
    fn remove_issue(&mut self, card: PartyNumber) -> Result<(), StoreError>;

    /// The scripts ordered for a card, or for all cards, by card and counter.
    fn orders(&self, card: Option<PartyNumber>) -> Result<Vec<Order>, StoreError>;
    /// A new order, or an old one as it is now.
    fn put_order(&mut self, order: &Order) -> Result<(), StoreError>;

    /// One currency of a card.
    fn pocket(&self, card: PartyNumber, currency: Currency) -> Result<Option<Pocket>, StoreError>;
    /// All of a card, by currency.
    fn pockets(&self, card: PartyNumber) -> Result<Vec<Pocket>, StoreError>;
    /// A new pocket, or an old one as it is now.
    fn put_pocket(&mut self, card: PartyNumber, pocket: &Pocket) -> Result<(), StoreError>;

    /// The load or unload of a card at this sequence.
    fn transfer(
        &self,
        card: PartyNumber,
        sequence: Sequence,
        kind: Kind,
    ) -> Result<Option<Transfer>, StoreError>;
    /// All of a card, or of all cards, by card, sequence and kind.
    fn transfers(&self, card: Option<PartyNumber>) -> Result<Vec<Transfer>, StoreError>;
    /// The load of the highest sequence, the only one that can be unresolved.
    fn last_load(&self, card: PartyNumber) -> Result<Option<Transfer>, StoreError>;
    /// A new transfer, or an old one as it is now.
    fn put_transfer(&mut self, transfer: &Transfer) -> Result<(), StoreError>;

    /// The exchange of a card that has not come to its end: there is at most one.
    fn open_exchange(&self, card: PartyNumber) -> Result<Option<Exchange>, StoreError>;
    /// All that have not come to their end, by card.
    fn open_exchanges(&self) -> Result<Vec<Exchange>, StoreError>;
    /// A new exchange, or an old one as it is now.
    fn put_exchange(&mut self, exchange: &Exchange) -> Result<(), StoreError>;

    /// What a SAM's record of this sequence is, as it was submitted last.
    fn record(&self, sam: PartyNumber, sequence: Sequence) -> Result<Option<ChainRecord>, StoreError>;
    /// A record as submitted.
    fn put_record(
        &mut self,
        sam: PartyNumber,
        sequence: Sequence,
        record: &ChainRecord,
    ) -> Result<(), StoreError>;

    /// The debit of this PD, once its TAC has been verified.
    fn debit(&self, pay_details: &PayDetails) -> Result<Option<Debit>, StoreError>;
    /// All of this payer and sequence; more than one is a fork.
    fn debits(&self, payer: PartyNumber, sequence: Sequence) -> Result<Vec<Debit>, StoreError>;
    /// All debits that share payer and sequence with another, by payer and sequence.
    fn forked_debits(&self) -> Result<Vec<Debit>, StoreError>;
    /// A new debit, or an old one as it is now.
    fn put_debit(&mut self, debit: &Debit) -> Result<(), StoreError>;

    /// Appends to the ledger. The caller has made sure that the entries sum to zero.
    fn post(&mut self, posting: &Posting) -> Result<(), StoreError>;
    /// Sum of an account's entries, minor units.
    fn balance(&self, account: &LedgerAccount, currency: Currency) -> Result<i64, StoreError>;
    /// Sums of all accounts that have entries, by account and currency.
    fn balances(&self) -> Result<Vec<(LedgerAccount, Currency, i64)>, StoreError>;
}

/// Books with transactions.
pub trait Store {
    /// One step: all that `action` puts is durable when this returns `Ok`; nothing of it is when it returns an
    /// error or is cut short.
    fn step<T>(
        &mut self,
        action: impl FnOnce(&mut dyn Tables) -> Result<T, IssuerError>,
    ) -> Result<T, IssuerError>;

    /// Reads one consistent state.
    fn view<T>(&self, action: impl FnOnce(&dyn Tables) -> Result<T, IssuerError>) -> Result<T, IssuerError>;
}
