//! Books in an SQLite database: write-ahead log, foreign keys, one transaction for each step.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::error::IssuerError;
use super::sqlite_rows::Rows;
use super::store::{Store, StoreError, Tables};

/// `user_version` of a database that this program writes.
const VERSION: i64 = STEPS[STEPS.len() - 1].0;
/// `application_id` of an issuer's database: `PURS` in ASCII.
const APPLICATION: i64 = 0x5055_5253;
/// How long a step waits for another process to finish its own.
const PATIENCE: Duration = Duration::from_secs(10);

/// Version 1. Numbers of parties and currencies are text of their digits, PD and TAC are bytes of the wire, amounts are
/// minor units. The ledger only grows.
const SCHEMA: &str = "
CREATE TABLE accounts (
    name TEXT NOT NULL CHECK (name <> ''),
    currency TEXT NOT NULL,
    PRIMARY KEY (name, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE cards (
    number TEXT PRIMARY KEY CHECK (length(number) = 16),
    role INTEGER NOT NULL,
    key_version INTEGER NOT NULL CHECK (key_version BETWEEN 1 AND 255),
    account TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'blocked', 'terminated')),
    script_counter INTEGER NOT NULL CHECK (script_counter >= 0),
    script_id INTEGER,
    script_value BLOB,
    passed INTEGER NOT NULL,
    chain BLOB NOT NULL CHECK (length(chain) = 16),
    CHECK ((script_counter = 0) = (script_id IS NULL) AND (script_id IS NULL) = (script_value IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE pockets (
    card TEXT NOT NULL REFERENCES cards (number),
    currency TEXT NOT NULL,
    issued INTEGER NOT NULL CHECK (issued >= 0),
    available INTEGER NOT NULL,
    PRIMARY KEY (card, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE transfers (
    card TEXT NOT NULL REFERENCES cards (number),
    sequence INTEGER NOT NULL,
    kind INTEGER NOT NULL CHECK (kind IN (1, 2)),
    pay_details BLOB NOT NULL CHECK (length(pay_details) = 36),
    tac BLOB NOT NULL CHECK (length(tac) = 8),
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('given', 'acknowledged', 'declined', 'credited', 'waiting')),
    credited INTEGER NOT NULL CHECK (credited >= 0),
    withheld INTEGER NOT NULL CHECK (withheld >= 0),
    PRIMARY KEY (card, sequence, kind),
    FOREIGN KEY (account, currency) REFERENCES accounts (name, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE records (
    sam TEXT NOT NULL REFERENCES cards (number),
    sequence INTEGER NOT NULL,
    role INTEGER NOT NULL CHECK (role BETWEEN 1 AND 4),
    pay_details BLOB NOT NULL CHECK (length(pay_details) = 36),
    tac BLOB NOT NULL CHECK (length(tac) = 8),
    PRIMARY KEY (sam, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE debits (
    pay_details BLOB PRIMARY KEY CHECK (length(pay_details) = 36),
    payer TEXT NOT NULL REFERENCES cards (number),
    sequence INTEGER NOT NULL,
    tac BLOB NOT NULL CHECK (length(tac) = 8),
    state TEXT NOT NULL CHECK (state IN ('verified', 'collected', 'reversed', 'unclaimed'))
) STRICT, WITHOUT ROWID;
CREATE INDEX debits_by_payer ON debits (payer, sequence);

CREATE TABLE postings (
    id INTEGER PRIMARY KEY,
    reason TEXT NOT NULL,
    pay_details BLOB
) STRICT;

CREATE TABLE entries (
    posting INTEGER NOT NULL REFERENCES postings (id),
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount <> 0)
) STRICT;
CREATE INDEX entries_by_account ON entries (account, currency, amount);
CREATE INDEX entries_by_posting ON entries (posting);
CREATE TRIGGER entries_stay BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END;
CREATE TRIGGER entries_remain BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END;
";

/// What makes each version out of the one before.
const STEPS: [(i64, &str); 1] = [(
    2,
    "
CREATE TABLE orders (
    card TEXT NOT NULL REFERENCES cards (number),
    counter INTEGER NOT NULL CHECK (counter > 0),
    id INTEGER NOT NULL,
    value BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'filed', 'done', 'refused', 'superseded')),
    PRIMARY KEY (card, counter)
) STRICT, WITHOUT ROWID;

CREATE TABLE issues (
    card TEXT PRIMARY KEY REFERENCES cards (number),
    name TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE exchanges (
    card TEXT NOT NULL REFERENCES cards (number),
    sequence INTEGER NOT NULL,
    unload BLOB NOT NULL CHECK (length(unload) = 36),
    currency TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    state TEXT NOT NULL CHECK (state IN ('agreed', 'converted', 'loading', 'done', 'cancelled', 'kept')),
    load INTEGER,
    PRIMARY KEY (card, sequence),
    CHECK (state <> 'loading' OR load IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX open_exchanges ON exchanges (card) WHERE state IN ('agreed', 'converted', 'loading');
",
)];

/// Books in a file.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
}

/// What a database file turned out to be.
enum Content {
    Empty,
    /// Of this version, which this program knows.
    Books(i64),
}

impl SqliteStore {
    /// Opens the books, or begins new ones where the file is not there or empty. Books of an earlier version are brought
    /// up to date. A file of a later version or of another program is refused and left as it is.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(PATIENCE)?;
        // Before anything is written: the journal mode is part of the file.
        content(&connection).map_err(not_a_database)?;
        prepare(&connection)?;
        bring_up_to_date(&mut connection)?;
        Ok(Self { connection })
    }
}

impl SqliteStore {
    /// Opens books that there are, of an earlier version too. Anything else, an empty file too, is refused and left as it is.
    pub fn open_existing(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        let found = content(&connection).map_err(not_a_database)?;
        if let Content::Empty = found {
            return Err(StoreError::Foreign);
        }
        prepare(&connection)?;
        if let Content::Books(..VERSION) = found {
            bring_up_to_date(&mut connection)?;
        }
        Ok(Self { connection })
    }
}

fn prepare(connection: &Connection) -> Result<(), StoreError> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(())
}

/// Whatever version the file has, and be it none, it is this program's afterwards: in one transaction, so that a kill
/// leaves the one or the other.
fn bring_up_to_date(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Once more: two processes may have found it so.
    let found = match content(&transaction)? {
        Content::Books(version) => version,
        Content::Empty => {
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            1
        }
    };
    for (version, step) in STEPS.iter().filter(|(version, _)| *version > found) {
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", version)?;
    }
    Ok(transaction.commit()?)
}

fn content(connection: &Connection) -> Result<Content, StoreError> {
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let (version, application) = (number("user_version")?, number("application_id")?);
    let objects: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (application, version, objects) {
        (0, 0, 0) => Ok(Content::Empty),
        (APPLICATION, version @ 1..=VERSION, 1..) => Ok(Content::Books(version)),
        (APPLICATION, found, _) => Err(StoreError::Version { found, expected: VERSION }),
        _ => Err(StoreError::Foreign),
    }
}

fn not_a_database(error: StoreError) -> StoreError {
    match error {
        StoreError::Database(ref cause) if cause.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            StoreError::Foreign
        }
        other => other,
    }
}

impl Store for SqliteStore {
    fn step<T>(
        &mut self,
        action: impl FnOnce(&mut dyn Tables) -> Result<T, IssuerError>,
    ) -> Result<T, IssuerError> {
        // Immediate: no other process can write between what this step reads and what it writes.
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(StoreError::from)?;
        let result = action(&mut Rows(&transaction))?;
        transaction.commit().map_err(StoreError::from)?;
        Ok(result)
    }

    fn view<T>(&self, action: impl FnOnce(&dyn Tables) -> Result<T, IssuerError>) -> Result<T, IssuerError> {
        let transaction = self.connection.unchecked_transaction().map_err(StoreError::from)?;
        action(&Rows(&transaction))
    }
}
