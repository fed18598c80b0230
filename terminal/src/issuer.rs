//! The embedded issuer: accounts, cards, transfers and a double-entry ledger (section 7 of the protocol).
//!
//! A pure state machine: no clock, no file, no randomness of its own. Every method is one step, every step one
//! transaction of its [`Store`]: all of it is recorded, or nothing, and the answer is given only after that
//! (record before response). Signs in the ledger: positive is what the issuer owes, so that a holder's account
//! and the float (the value on cards) are positive, and what came in from outside is negative.

mod authority;
mod books;
mod collection;
mod error;
mod exchange;
mod issue;
mod ledger;
mod load;
mod memory;
mod model;
mod order;
mod records;
mod registration;
mod resolve;
mod script;
mod sqlite;
mod sqlite_orders;
mod sqlite_rows;
mod sqlite_values;
mod store;
mod unload;

use apdu_spec::cryptography::Engine;
use apdu_spec::number::PartyNumber;

use authority::Authority;
pub use authority::{Keyring, MasterKeys};
pub use books::{AccountBalance, Books, Fork};
pub use collection::Collected;
pub use error::{IssuerError, Message, Refusal};
pub use exchange::Bargain;
pub use memory::MemoryStore;
pub use model::{
    Account, Card, CardState, ChainRecord, Debit, DebitState, Entry, Exchange, ExchangeState, Issue,
    LastScript, LedgerAccount, Order, OrderState, Pocket, Posting, Reason, Transfer, TransferState,
};
pub use order::Way;
pub use records::{BadRecord, Flaw, SubmissionReport};
pub use registration::{Funding, NewCard};
pub use resolve::Unsettleable;
pub use script::SignedScript;
pub use sqlite::SqliteStore;
pub use store::{Store, StoreError, Tables};
pub use unload::{UnloadRequest, Unloaded};

/// The issuer over its books and its keys.
#[derive(Clone, Debug)]
pub struct Issuer<S, E> {
    store: S,
    authority: Authority<E>,
}

impl<S: Store, E: Engine> Issuer<S, E> {
    /// The issuer of this number, with its master keys; neither is kept in the store.
    pub const fn new(store: S, engine: E, number: PartyNumber, keyring: Keyring) -> Self {
        Self { store, authority: Authority::new(engine, number, keyring) }
    }

    /// The issuer's number, `from` of a load and `to` of an unload.
    pub const fn number(&self) -> PartyNumber {
        self.authority.number()
    }

    /// Where the books are kept.
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// Gives the books back.
    pub fn into_store(self) -> S {
        self.store
    }
}
