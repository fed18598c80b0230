//! The database: durable after each step, untouched by a step that fails, and nobody else's file is harmed.

use std::fs;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use apdu_spec::element::{Amount, Sequence, Time};
use apdu_spec::parameter::Parameter;
use apdu_spec::pocket::{Limits, PocketParameters};
use apdu_spec::software::Software;
use purse_terminal::issuer::{
    Account, Bargain, Issuer, IssuerError, MemoryStore, SqliteStore, Store, StoreError, Transfer, Way,
};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::support::*;

fn reopen(path: &Path) -> Issuer<SqliteStore, Software> {
    Issuer::new(SqliteStore::open(path).unwrap(), Software, issuer_number(), keyring())
}

/// What a kill leaves behind: the files as they are, without any closing.
fn files_of(path: &Path) -> TempDir {
    let copy = TempDir::new().unwrap();
    for suffix in ["", "-wal"] {
        let name = format!("issuer.db{suffix}");
        let source = path.with_file_name(&name);
        if source.exists() {
            fs::copy(source, copy.path().join(&name)).unwrap();
        }
    }
    copy
}

fn entries_sum_to_zero(path: &Path) {
    let connection = Connection::open(path).unwrap();
    let query = "SELECT count(*) FROM (SELECT posting FROM entries GROUP BY posting, currency HAVING sum(amount) <> 0)";
    assert_eq!(connection.query_row(query, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
    let broken: Option<String> =
        connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(broken.as_deref(), Some("ok"));
    assert!(
        connection.prepare("PRAGMA foreign_key_check").unwrap().query([]).unwrap().next().unwrap().is_none()
    );
}

#[test]
fn whatever_was_answered_survives_a_kill() {
    let mut scheme = Scheme::in_a_database();
    let path = scheme.directory.as_ref().unwrap().path().join("issuer.db");
    let mut sam = Sam::new();
    let check = |scheme: &Scheme<SqliteStore>| {
        let copy = files_of(&path);
        let path = copy.path().join("issuer.db");
        let reopened = reopen(&path);
        assert_eq!(reopened.books(), scheme.issuer.books());
        assert_eq!(reopened.transfers(None), scheme.issuer.transfers(None));
        assert_eq!(reopened.cards(), scheme.issuer.cards());
        drop(reopened);
        entries_sum_to_zero(&path);
    };
    check(&scheme);
    scheme.load(&load_details(purse(), 0, 1_000));
    check(&scheme);
    let open = load_details(purse(), 1, 500);
    scheme.issuer.load(&open, req(&open), "holder").unwrap();
    check(&scheme);
    scheme.issuer.load_declined(purse(), Sequence(1), nack(&open)).unwrap();
    check(&scheme);
    sam.sell(2, 300);
    let collection = scheme.debit(&mut sam, EUR);
    scheme.issuer.unload(&collection).unwrap();
    check(&scheme);
    scheme.submit(&sam);
    check(&scheme);
    scheme.issuer.unload(&voucher(unload_details(purse(), 3, 100))).unwrap();
    check(&scheme);
}

#[test]
fn a_step_that_is_cut_short_leaves_nothing() {
    let scheme = Scheme::in_a_database();
    let path = scheme.directory.as_ref().unwrap().path().join("issuer.db");
    drop(scheme.issuer);
    let mut store = SqliteStore::open(&path).unwrap();
    let account = Account { name: "cut".into(), currency: EUR };
    let refused = store.step(|tables| {
        tables.put_account(&account)?;
        Err::<(), _>(IssuerError::UnknownCard(purse()))
    });
    assert!(refused.is_err());
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        store.step(|tables| {
            tables.put_account(&account)?;
            panic!("power fails");
            #[allow(unreachable_code)]
            Ok(())
        })
    }));
    assert!(panicked.is_err());
    assert!(!store.view(|tables| Ok(tables.has_account(&account)?)).unwrap());
    let mut memory = MemoryStore::new();
    let refused = memory.step(|tables| {
        tables.put_account(&account)?;
        Err::<(), _>(IssuerError::UnknownCard(purse()))
    });
    assert!(refused.is_err());
    assert_eq!(memory, MemoryStore::new());
}

#[test]
fn two_processes_take_turns() {
    let mut scheme = Scheme::in_a_database();
    let path = scheme.directory.as_ref().unwrap().path().join("issuer.db");
    scheme.load(&load_details(purse(), 0, 100));
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let path = path.clone();
            std::thread::spawn(move || {
                let mut issuer = reopen(&path);
                for round in 0..5 {
                    let details = unload_details(purse(), 1 + (thread + round) % 7, 1);
                    issuer.unload(&voucher(details)).unwrap();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(scheme.float(), 93, "seven unloads, each credited once");
    entries_sum_to_zero(&path);
}

/// What a step has read is still so when it writes: another step does not even begin.
#[test]
fn a_step_begins_only_after_the_one_before() {
    let scheme = Scheme::in_a_database();
    let path = scheme.directory.as_ref().unwrap().path().join("issuer.db");
    let (mut first, mut second) = (SqliteStore::open(&path).unwrap(), SqliteStore::open(&path).unwrap());
    let (began, begins) = mpsc::channel();
    let other = first.step(|tables| {
        tables.accounts()?;
        let other = std::thread::spawn(move || {
            second.step(|_| {
                began.send(()).unwrap();
                Ok(())
            })
        });
        let within = begins.recv_timeout(Duration::from_millis(200));
        assert_eq!(within, Err(mpsc::RecvTimeoutError::Timeout));
        Ok(other)
    });
    other.unwrap().join().unwrap().unwrap();
    begins.recv().unwrap();
}

#[test]
fn another_version_or_another_file_is_refused_and_untouched() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("issuer.db");
    drop(SqliteStore::open(&path).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(&path).unwrap();
    let version = StoreError::Version { found: 99, expected: 2 };
    assert_eq!(SqliteStore::open(&path).err(), Some(version));
    assert_eq!(fs::read(&path).unwrap(), before);

    let path = directory.path().join("other.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE songs (name TEXT)").unwrap();
    let before = fs::read(&path).unwrap();
    assert_eq!(SqliteStore::open(&path).err(), Some(StoreError::Foreign));
    assert_eq!(fs::read(&path).unwrap(), before);

    let path = directory.path().join("letter.txt");
    fs::write(&path, "Dear issuer, this is a letter. ".repeat(20)).unwrap();
    let before = fs::read(&path).unwrap();
    assert_eq!(SqliteStore::open(&path).err(), Some(StoreError::Foreign));
    assert_eq!(fs::read(&path).unwrap(), before);
}

/// Books that an earlier version of the program wrote.
fn books_of_version_1(path: &Path) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(include_str!("../../images/books-1.sql")).unwrap();
}

fn user_version(path: &Path) -> i64 {
    let connection = Connection::open(path).unwrap();
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

/// The schema as SQLite has it, without regard to where a column's text breaks.
fn schema(path: &Path) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let mut statement =
        connection.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY sql").unwrap();
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    rows.map(|sql| sql.unwrap().split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// A way to open books.
type Opening = fn(&Path) -> Result<SqliteStore, StoreError>;

#[test]
fn books_of_an_earlier_version_are_brought_up_to_date() {
    let directory = TempDir::new().unwrap();
    let new = directory.path().join("new.db");
    drop(SqliteStore::open(&new).unwrap());
    let openings: [(&str, Opening); 2] = [("a.db", SqliteStore::open), ("b.db", SqliteStore::open_existing)];
    for (name, open) in openings {
        let path = directory.path().join(name);
        books_of_version_1(&path);
        assert_eq!(user_version(&path), 1);
        let store = open(&path).unwrap();
        let mut issuer = Issuer::new(store, Software, number(955_500_000_000_000), keyring());
        // What was there is there.
        let books = issuer.books().unwrap();
        let balances: Vec<_> =
            books[0].accounts.iter().map(|held| (held.account.name.as_str(), held.balance)).collect();
        assert_eq!((books.len(), balances), (1, vec![("holder", 5_100), ("merchant", 1_500)]));
        assert_eq!((books[0].float, books[0].outside, books[0].position), (3_400, -10_000, 0));
        assert_eq!((issuer.cards().unwrap().len(), issuer.transfers(None).unwrap().len()), (2, 4));
        let card = number(955_500_000_000_001);
        let open_load = issuer.unresolved_load(card).unwrap().unwrap().pay_details;
        assert_eq!(open_load.amount, Amount(200));
        // What is new works on it: the counters go on, and so do the sequences.
        let parameters = PocketParameters { currency: JPY, exponent: 0, limits: Limits::default() };
        let pocket = Parameter::NewPocket { pocket: 1, parameters };
        assert_eq!(issuer.order(card, &pocket, Way::Queue).unwrap().counter, 2);
        assert_eq!(issuer.waiting(card).unwrap().len(), 1);
        let bargain = Bargain { from: EUR, gives: Amount(1), to: JPY, gets: Amount(1) };
        issuer.exchange_request(card, &bargain, Sequence(5), Time(1)).unwrap();
        drop(issuer);
        assert_eq!(user_version(&path), user_version(&new));
        assert_eq!(schema(&path), schema(&new));
        entries_sum_to_zero(&path);
        // Once more there is nothing to do.
        assert_eq!(reopen(&path).open_exchanges().unwrap().len(), 1);
    }
}

/// A step that fails, and be it the last, leaves the books of the earlier version as they were.
#[test]
fn books_that_cannot_be_brought_up_to_date_stay_as_they_are() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("issuer.db");
    books_of_version_1(&path);
    // Somebody has a table of that name already.
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE exchanges (mine TEXT)").unwrap();
    let before = schema(&path);
    assert!(matches!(SqliteStore::open(&path), Err(StoreError::Database(_))));
    assert_eq!((user_version(&path), schema(&path)), (1, before));
}

#[test]
fn the_ledger_only_grows() {
    let scheme = Scheme::in_a_database();
    let connection = Connection::open(scheme.directory.unwrap().path().join("issuer.db")).unwrap();
    assert!(connection.execute("UPDATE entries SET amount = 1", []).is_err());
    assert!(connection.execute("DELETE FROM entries", []).is_err());
}

#[test]
fn a_damaged_row_is_an_error() {
    let mut scheme = Scheme::in_a_database();
    scheme.load(&load_details(purse(), 0, 100));
    let connection = Connection::open(scheme.directory.as_ref().unwrap().path().join("issuer.db")).unwrap();
    connection.execute("UPDATE transfers SET pay_details = zeroblob(36)", []).unwrap();
    let transfers: Result<Vec<Transfer>, _> = scheme.issuer.transfers(None);
    assert_eq!(transfers, Err(IssuerError::Store(StoreError::Damaged("pay details"))));
}

/// Nothing that is printed for debugging has a key in it.
#[test]
fn keys_are_not_printed() {
    let scheme = Scheme::in_memory();
    let printed = format!("{:?}", scheme.issuer);
    assert!(printed.contains("KeyBytes(..)"));
    assert!(!printed.contains("1, 1, 1, 1, 1, 1, 1, 1") && !printed.contains("01010101"));
}

/// The keys are not in the database, and neither is anything made of them but what cards have sent.
#[test]
fn keys_are_not_stored() {
    let mut scheme = Scheme::in_a_database();
    let load = load_details(purse(), 0, 100);
    scheme.load(&load);
    let path = scheme.directory.as_ref().unwrap().path().join("issuer.db");
    let copy = files_of(&path);
    let mut stored = fs::read(copy.path().join("issuer.db")).unwrap();
    stored.extend(fs::read(copy.path().join("issuer.db-wal")).unwrap_or_default());
    let holds = |bytes: &[u8]| stored.windows(bytes.len()).any(|window| window == bytes);
    assert!(holds(&load.emit()), "the search finds what is there");
    for byte in 1..=4 {
        assert!(!holds(&[byte; 16]));
    }
    assert!(!holds(&val(&load, apdu_spec::cryptography::Tac::NONE).0));
    assert!(!holds(&nack(&load).0));
}
