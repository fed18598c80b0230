//! Rows of the database, read and written.

use apdu_spec::cryptography::Tac;
use apdu_spec::element::{Currency, KeyVersion, Kind, Role, Sequence};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::RecordRole;
use rusqlite::{Connection, Params, Row, params};

use super::model::{
    Account, Card, ChainRecord, Debit, Exchange, Issue, LastScript, LedgerAccount, Order, Pocket, Posting,
    Transfer,
};
use super::sqlite_orders;
use super::sqlite_values::{
    account_name, amount, card_state, currency, currency_digits, debit_state, digits, ledger_account,
    pay_details, sequence, small, transfer_state,
};
use super::store::{StoreError, Tables};

/// The tables within a transaction.
pub(super) struct Rows<'a>(pub(super) &'a Connection);

impl Rows<'_> {
    pub(super) fn write(&self, statement: &str, values: impl Params) -> Result<(), StoreError> {
        self.0.prepare_cached(statement)?.execute(values)?;
        Ok(())
    }

    pub(super) fn one<T>(
        &self,
        query: &str,
        values: impl Params,
        parse: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = self.0.prepare_cached(query)?;
        let mut rows = statement.query(values)?;
        rows.next()?.map(parse).transpose()
    }

    pub(super) fn all<T>(
        &self,
        query: &str,
        values: impl Params,
        parse: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.0.prepare_cached(query)?;
        let mut rows = statement.query(values)?;
        let mut parsed = Vec::new();
        while let Some(row) = rows.next()? {
            parsed.push(parse(row)?);
        }
        Ok(parsed)
    }
}

const CARD: &str = "SELECT number, role, key_version, account, state, script_counter, script_id, script_value, \
                    passed, chain FROM cards";
const POCKET: &str = "SELECT currency, issued, available FROM pockets WHERE card = ?1";
const TRANSFER: &str = "SELECT pay_details, tac, account, state, credited, withheld FROM transfers";
const DEBIT: &str = "SELECT pay_details, tac, state FROM debits";

fn card(row: &Row<'_>) -> Result<Card, StoreError> {
    let script = match row.get::<_, Option<i64>>(6)? {
        None => None,
        Some(id) => Some(LastScript { counter: small(row.get(5)?)?, id: small(id)?, value: row.get(7)? }),
    };
    Ok(Card {
        number: digits(&row.get::<_, String>(0)?)?,
        role: Role::parse(small(row.get(1)?)?).map_err(|_| StoreError::Damaged("a card's role"))?,
        key_version: KeyVersion(small(row.get(2)?)?),
        account: row.get(3)?,
        state: card_state::parse(&row.get::<_, String>(4)?)?,
        script,
        passed: sequence(row.get(8)?)?,
        chain: row.get(9)?,
    })
}

fn pocket(row: &Row<'_>) -> Result<Pocket, StoreError> {
    Ok(Pocket {
        currency: currency(&row.get::<_, String>(0)?)?,
        issued: amount(row.get(1)?)?,
        available: row.get(2)?,
    })
}

fn transfer(row: &Row<'_>) -> Result<Transfer, StoreError> {
    Ok(Transfer {
        pay_details: pay_details(row.get(0)?)?,
        tac: Tac(row.get(1)?),
        account: row.get(2)?,
        state: transfer_state::parse(&row.get::<_, String>(3)?)?,
        credited: amount(row.get(4)?)?,
        withheld: amount(row.get(5)?)?,
    })
}

fn debit(row: &Row<'_>) -> Result<Debit, StoreError> {
    Ok(Debit {
        pay_details: pay_details(row.get(0)?)?,
        tac: Tac(row.get(1)?),
        state: debit_state::parse(&row.get::<_, String>(2)?)?,
    })
}

impl Tables for Rows<'_> {
    fn has_account(&self, account: &Account) -> Result<bool, StoreError> {
        let values = params![account.name, currency_digits(account.currency)];
        let found =
            self.one("SELECT 1 FROM accounts WHERE name = ?1 AND currency = ?2", values, |_| Ok(()))?;
        Ok(found.is_some())
    }

    fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        self.all("SELECT name, currency FROM accounts ORDER BY name, currency", [], |row| {
            Ok(Account { name: row.get(0)?, currency: currency(&row.get::<_, String>(1)?)? })
        })
    }

    fn put_account(&mut self, account: &Account) -> Result<(), StoreError> {
        let values = params![account.name, currency_digits(account.currency)];
        self.write("INSERT INTO accounts (name, currency) VALUES (?1, ?2)", values)
    }

    fn card(&self, number: PartyNumber) -> Result<Option<Card>, StoreError> {
        self.one(&format!("{CARD} WHERE number = ?1"), [number.to_string()], card)
    }

    fn cards(&self) -> Result<Vec<Card>, StoreError> {
        self.all(&format!("{CARD} ORDER BY number"), [], card)
    }

    fn put_card(&mut self, card: &Card) -> Result<(), StoreError> {
        let script = card.script.as_ref();
        self.write(
            "INSERT INTO cards (number, role, key_version, account, state, script_counter, script_id, script_value, \
             passed, chain) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
             ON CONFLICT (number) DO UPDATE SET state = ?5, script_counter = ?6, script_id = ?7, script_value = ?8, \
             passed = ?9, chain = ?10",
            params![
                card.number.to_string(),
                card.role.code(),
                card.key_version.0,
                card.account,
                card_state::name(card.state),
                script.map_or(0, |last| last.counter),
                script.map(|last| last.id),
                script.map(|last| &last.value),
                card.passed.0,
                card.chain,
            ],
        )
    }

    fn issues(&self) -> Result<Vec<Issue>, StoreError> {
        sqlite_orders::issues(self)
    }

    fn put_issue(&mut self, issue: &Issue) -> Result<(), StoreError> {
        sqlite_orders::put_issue(self, issue)
    }

    fn remove_issue(&mut self, card: PartyNumber) -> Result<(), StoreError> {
        sqlite_orders::remove_issue(self, card)
    }

    fn orders(&self, card: Option<PartyNumber>) -> Result<Vec<Order>, StoreError> {
        sqlite_orders::orders(self, card)
    }

    fn put_order(&mut self, order: &Order) -> Result<(), StoreError> {
        sqlite_orders::put_order(self, order)
    }

    fn pocket(&self, card: PartyNumber, currency: Currency) -> Result<Option<Pocket>, StoreError> {
        let values = params![card.to_string(), currency_digits(currency)];
        self.one(&format!("{POCKET} AND currency = ?2"), values, pocket)
    }

    fn pockets(&self, card: PartyNumber) -> Result<Vec<Pocket>, StoreError> {
        self.all(&format!("{POCKET} ORDER BY currency"), [card.to_string()], pocket)
    }

    fn put_pocket(&mut self, card: PartyNumber, pocket: &Pocket) -> Result<(), StoreError> {
        let values =
            params![card.to_string(), currency_digits(pocket.currency), pocket.issued.0, pocket.available];
        self.write(
            "INSERT INTO pockets (card, currency, issued, available) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (card, currency) DO UPDATE SET issued = ?3, available = ?4",
            values,
        )
    }

    fn transfer(
        &self,
        card: PartyNumber,
        sequence: Sequence,
        kind: Kind,
    ) -> Result<Option<Transfer>, StoreError> {
        let values = params![card.to_string(), sequence.0, kind.code()];
        self.one(&format!("{TRANSFER} WHERE card = ?1 AND sequence = ?2 AND kind = ?3"), values, transfer)
    }

    fn transfers(&self, card: Option<PartyNumber>) -> Result<Vec<Transfer>, StoreError> {
        let values = [card.map(|number| number.to_string())];
        let query = format!("{TRANSFER} WHERE ?1 IS NULL OR card = ?1 ORDER BY card, sequence, kind");
        self.all(&query, values, transfer)
    }

    fn last_load(&self, card: PartyNumber) -> Result<Option<Transfer>, StoreError> {
        let values = params![card.to_string(), Kind::Load.code()];
        let query = format!("{TRANSFER} WHERE card = ?1 AND kind = ?2 ORDER BY sequence DESC LIMIT 1");
        self.one(&query, values, transfer)
    }

    fn put_transfer(&mut self, transfer: &Transfer) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO transfers (card, sequence, kind, pay_details, tac, account, currency, state, credited, \
             withheld) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
             ON CONFLICT (card, sequence, kind) DO UPDATE SET pay_details = ?4, tac = ?5, account = ?6, \
             currency = ?7, state = ?8, credited = ?9, withheld = ?10",
            params![
                transfer.card().to_string(),
                transfer.sequence().0,
                transfer.pay_details.kind.code(),
                transfer.pay_details.emit(),
                transfer.tac.0,
                transfer.account,
                currency_digits(transfer.pay_details.currency),
                transfer_state::name(transfer.state),
                transfer.credited.0,
                transfer.withheld.0,
            ],
        )
    }

    fn open_exchange(&self, card: PartyNumber) -> Result<Option<Exchange>, StoreError> {
        sqlite_orders::open_exchange(self, card)
    }

    fn open_exchanges(&self) -> Result<Vec<Exchange>, StoreError> {
        sqlite_orders::open_exchanges(self)
    }

    fn put_exchange(&mut self, exchange: &Exchange) -> Result<(), StoreError> {
        sqlite_orders::put_exchange(self, exchange)
    }

    fn record(&self, sam: PartyNumber, sequence: Sequence) -> Result<Option<ChainRecord>, StoreError> {
        let query = "SELECT role, pay_details, tac FROM records WHERE sam = ?1 AND sequence = ?2";
        self.one(query, params![sam.to_string(), sequence.0], |row| {
            let role = RecordRole::parse(small(row.get(0)?)?);
            Ok(ChainRecord {
                role: role.map_err(|_| StoreError::Damaged("a record's role"))?,
                pay_details: pay_details(row.get(1)?)?,
                tac: Tac(row.get(2)?),
            })
        })
    }

    fn put_record(
        &mut self,
        sam: PartyNumber,
        sequence: Sequence,
        record: &ChainRecord,
    ) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO records (sam, sequence, role, pay_details, tac) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (sam, sequence) DO UPDATE SET role = ?3, pay_details = ?4, tac = ?5",
            params![sam.to_string(), sequence.0, record.role.code(), record.pay_details.emit(), record.tac.0],
        )
    }

    fn debit(&self, pay_details: &PayDetails) -> Result<Option<Debit>, StoreError> {
        self.one(&format!("{DEBIT} WHERE pay_details = ?1"), [pay_details.emit()], debit)
    }

    fn debits(&self, payer: PartyNumber, sequence: Sequence) -> Result<Vec<Debit>, StoreError> {
        let query = format!("{DEBIT} WHERE payer = ?1 AND sequence = ?2 ORDER BY pay_details");
        self.all(&query, params![payer.to_string(), sequence.0], debit)
    }

    fn forked_debits(&self) -> Result<Vec<Debit>, StoreError> {
        let query = format!(
            "{DEBIT} WHERE (payer, sequence) IN \
             (SELECT payer, sequence FROM debits GROUP BY payer, sequence HAVING count(*) > 1) \
             ORDER BY payer, sequence, pay_details"
        );
        self.all(&query, [], debit)
    }

    fn put_debit(&mut self, debit: &Debit) -> Result<(), StoreError> {
        let PayDetails { from, from_sequence, .. } = debit.pay_details;
        self.write(
            "INSERT INTO debits (pay_details, payer, sequence, tac, state) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (pay_details) DO UPDATE SET tac = ?4, state = ?5",
            params![
                debit.pay_details.emit(),
                from.to_string(),
                from_sequence.0,
                debit.tac.0,
                debit_state::name(debit.state)
            ],
        )
    }

    fn post(&mut self, posting: &Posting) -> Result<(), StoreError> {
        let pay_details = posting.pay_details.map(|pay_details| pay_details.emit());
        self.write(
            "INSERT INTO postings (reason, pay_details) VALUES (?1, ?2)",
            params![posting.reason.name(), pay_details],
        )?;
        let id = self.0.last_insert_rowid();
        posting.entries.iter().try_for_each(|entry| {
            self.write(
                "INSERT INTO entries (posting, account, currency, amount) VALUES (?1, ?2, ?3, ?4)",
                params![id, account_name(&entry.account), currency_digits(entry.currency), entry.amount],
            )
        })
    }

    fn balance(&self, account: &LedgerAccount, currency: Currency) -> Result<i64, StoreError> {
        let query = "SELECT sum(amount) FROM entries WHERE account = ?1 AND currency = ?2";
        let values = params![account_name(account), currency_digits(currency)];
        // The sum of no rows is NULL.
        let sum = self.one(query, values, |row| Ok(row.get::<_, Option<i64>>(0)?))?;
        Ok(sum.flatten().unwrap_or(0))
    }

    fn balances(&self) -> Result<Vec<(LedgerAccount, Currency, i64)>, StoreError> {
        let query = "SELECT account, currency, sum(amount) FROM entries GROUP BY account, currency";
        let mut balances = self.all(query, [], |row| {
            let account = ledger_account(&row.get::<_, String>(0)?)?;
            Ok((account, currency(&row.get::<_, String>(1)?)?, row.get(2)?))
        })?;
        balances.sort();
        Ok(balances)
    }
}
