//! Rows of what is to be done: cards that are being made, scripts for cards, exchanges.

use apdu_spec::number::PartyNumber;
use rusqlite::{Row, params};

use super::model::{Exchange, Issue, Order};
use super::sqlite_rows::Rows;
use super::sqlite_values::{
    amount, currency, currency_digits, digits, exchange_state, order_state, pay_details, sequence, small,
};
use super::store::StoreError;

const OPEN_EXCHANGE: &str = "SELECT unload, currency, amount, state, load FROM exchanges \
                             WHERE state IN ('agreed', 'converted', 'loading')";

fn order(row: &Row<'_>) -> Result<Order, StoreError> {
    Ok(Order {
        card: digits(&row.get::<_, String>(0)?)?,
        counter: small(row.get(1)?)?,
        id: small(row.get(2)?)?,
        value: row.get(3)?,
        state: order_state::parse(&row.get::<_, String>(4)?)?,
    })
}

fn exchange(row: &Row<'_>) -> Result<Exchange, StoreError> {
    Ok(Exchange {
        unload: pay_details(row.get(0)?)?,
        currency: currency(&row.get::<_, String>(1)?)?,
        amount: amount(row.get(2)?)?,
        state: exchange_state::parse(&row.get::<_, String>(3)?)?,
        load: row.get::<_, Option<i64>>(4)?.map(sequence).transpose()?,
    })
}

pub(super) fn issues(rows: &Rows<'_>) -> Result<Vec<Issue>, StoreError> {
    rows.all("SELECT card, name FROM issues ORDER BY card", [], |row| {
        Ok(Issue { card: digits(&row.get::<_, String>(0)?)?, name: row.get(1)? })
    })
}

pub(super) fn put_issue(rows: &Rows<'_>, issue: &Issue) -> Result<(), StoreError> {
    let values = params![issue.card.to_string(), issue.name];
    rows.write("INSERT INTO issues (card, name) VALUES (?1, ?2)", values)
}

pub(super) fn remove_issue(rows: &Rows<'_>, card: PartyNumber) -> Result<(), StoreError> {
    rows.write("DELETE FROM issues WHERE card = ?1", [card.to_string()])
}

pub(super) fn orders(rows: &Rows<'_>, card: Option<PartyNumber>) -> Result<Vec<Order>, StoreError> {
    let query = "SELECT card, counter, id, value, state FROM orders WHERE ?1 IS NULL OR card = ?1 \
                 ORDER BY card, counter";
    rows.all(query, [card.map(|number| number.to_string())], order)
}

pub(super) fn put_order(rows: &Rows<'_>, order: &Order) -> Result<(), StoreError> {
    rows.write(
        "INSERT INTO orders (card, counter, id, value, state) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (card, counter) DO UPDATE SET state = ?5",
        params![order.card.to_string(), order.counter, order.id, order.value, order_state::name(order.state)],
    )
}

pub(super) fn open_exchange(rows: &Rows<'_>, card: PartyNumber) -> Result<Option<Exchange>, StoreError> {
    rows.one(&format!("{OPEN_EXCHANGE} AND card = ?1"), [card.to_string()], exchange)
}

pub(super) fn open_exchanges(rows: &Rows<'_>) -> Result<Vec<Exchange>, StoreError> {
    rows.all(&format!("{OPEN_EXCHANGE} ORDER BY card, sequence"), [], exchange)
}

pub(super) fn put_exchange(rows: &Rows<'_>, exchange: &Exchange) -> Result<(), StoreError> {
    let Exchange { unload, currency, amount, state, load } = exchange;
    rows.write(
        "INSERT INTO exchanges (card, sequence, unload, currency, amount, state, load) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
         ON CONFLICT (card, sequence) DO UPDATE SET unload = ?3, currency = ?4, amount = ?5, state = ?6, load = ?7",
        params![
            unload.from.to_string(),
            unload.from_sequence.0,
            unload.emit(),
            currency_digits(*currency),
            amount.0,
            exchange_state::name(*state),
            load.map(|sequence| sequence.0),
        ],
    )
}
