//! `balance`, `history`, `card list`, `card show`: looking, and changing nothing.

use apdu_spec::element::Sequence;
use apdu_spec::file::FLAG_DISPOSABLE;
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::number::PartyNumber;
use apdu_spec::pocket::PocketParameters;
use apdu_spec::record::{LogRecord, RecordRole, RecordState};
use apdu_spec::status_block::StatusBlock;
use comfy_table::{CellAlignment, Table, presets};
use purse_terminal::client::Client;
use purse_terminal::flow::history::{self, Entry};
use purse_terminal::transport::Transport;
use serde_json::{Value, json};

use super::context::Context;
use super::failure::Failure;
use super::output::Reply;
use super::place::Place;
use super::served;
use super::snapshot::Snapshot;
use super::words;

/// `balance`
pub(crate) fn balance(context: &Context) -> Result<Reply, Failure> {
    let mut card = context.card()?;
    let number = card.status().number;
    let balances = Balances::read(context, &mut card)?;
    let mut fields = balances.document();
    fields["card"] = json!(context.card_place()?.name());
    fields["number"] = json!(number.to_string());
    Ok(Reply::new(balances.lines.join("\n"), fields))
}

/// What the pockets of a card hold.
pub(crate) struct Balances {
    /// For a person, one for each pocket.
    pub(crate) lines: Vec<String>,
    pockets: Vec<Value>,
}

impl Balances {
    /// Of a card that shows it.
    pub(crate) fn read<T: Transport>(context: &Context, card: &mut Client<T>) -> Result<Self, Failure> {
        not_locked(context, card.status())?;
        Self::of(card)
    }

    fn of<T: Transport>(card: &mut Client<T>) -> Result<Self, Failure> {
        let mut balances = Self { lines: Vec::new(), pockets: Vec::new() };
        for (place, pocket) in used_pockets(card)? {
            let balance = card.balance(place)?;
            balances.lines.push(words::money(pocket.currency, balance.balance.0.into()));
            balances.pockets.push(json!({
                "currency": words::currency(pocket.currency),
                "balance": words::amount(pocket.currency, balance.balance.0),
                "maximum_balance": words::amount(pocket.currency, balance.maximum_balance.0),
            }));
        }
        Ok(balances)
    }

    /// All pockets, and the first once more by itself: it stands for the card, for most have no other.
    pub(crate) fn document(&self) -> Value {
        let mut fields = self.pockets.first().cloned().unwrap_or_else(|| json!({}));
        fields["pockets"] = json!(self.pockets);
        fields
    }
}

/// A locked card shows nothing, and a person should hear why.
pub(crate) fn not_locked(context: &Context, status: &StatusBlock) -> Result<(), Failure> {
    match status.life_cycle {
        LifeCycle::Locked => Err(Failure::locked(context.card_place()?)),
        LifeCycle::Blank => Err(Failure::blank(context.card_place()?)),
        LifeCycle::Active | LifeCycle::Blocked | LifeCycle::Terminated => Ok(()),
    }
}

fn used_pockets<T: Transport>(card: &mut Client<T>) -> Result<Vec<(u8, PocketParameters)>, Failure> {
    let pockets = card.identity()?.pockets;
    Ok((0..).zip(pockets).filter(|(_, pocket)| pocket.is_used()).collect())
}

/// `history`
pub(crate) fn history(context: &Context, count: u32) -> Result<Reply, Failure> {
    let mut card = context.card()?;
    not_locked(context, card.status())?;
    let status = *card.status();
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    // One more than is shown tells whether there are more.
    let mut entries = history::newest(&mut card, count.saturating_add(1))?;
    let has_more = entries.len() > count;
    entries.truncate(count);
    let mut table = table(&["no.", "time", "what", "amount", "with", "state", "balance"], &[0, 3, 6]);
    let mut records = Vec::new();
    for Entry { sequence, record } in entries {
        let row = Row::new(&status, sequence, &record);
        table.add_row(row.cells());
        records.push(row.document());
    }
    let mut text = if records.is_empty() { "nothing yet".to_owned() } else { table.trim_fmt() };
    if has_more {
        text += "\n(the card knows of older ones: --count shows more)";
    }
    let fields = json!({
        "card": context.card_place()?.name(), "number": status.number.to_string(), "records": records,
        "more": has_more,
    });
    Ok(Reply::new(text, fields))
}

/// One line of a history.
struct Row<'a> {
    sequence: Sequence,
    record: &'a LogRecord,
    what: &'static str,
    amount: i128,
    with: PartyNumber,
    state: &'static str,
}

impl<'a> Row<'a> {
    fn new(status: &StatusBlock, sequence: Sequence, record: &'a LogRecord) -> Self {
        let LogRecord { pay_details, role, state, .. } = record;
        let amount = i128::from(pay_details.amount.0);
        let (amount, with) = match role {
            RecordRole::Payer => (-amount, pay_details.to),
            RecordRole::Payee => (amount, pay_details.from),
            RecordRole::Declined => (0, pay_details.from),
            RecordRole::Reversal => (amount, pay_details.to),
        };
        let state = match (role, state) {
            (RecordRole::Payer, state) => state.name(),
            (RecordRole::Payee, RecordState::Refunded) => RecordState::Refunded.name(),
            (RecordRole::Payee, _) => "credited",
            (RecordRole::Declined, _) => "declined",
            (RecordRole::Reversal, _) => "taken back",
        };
        Self { sequence, record, what: words::kind(pay_details.kind, status.role), amount, with, state }
    }

    fn cells(&self) -> [String; 7] {
        let currency = self.record.pay_details.currency;
        let sign = if self.amount > 0 { "+" } else { "" };
        [
            self.sequence.to_string(),
            words::time(self.record.pay_details.time),
            self.what.to_owned(),
            format!("{sign}{}", words::money(currency, self.amount)),
            self.with.to_string(),
            self.state.to_owned(),
            words::money(currency, self.record.balance.0.into()),
        ]
    }

    fn document(&self) -> Value {
        let pay_details = &self.record.pay_details;
        json!({
            "sequence": self.sequence.0,
            "time": words::time(pay_details.time),
            "kind": pay_details.kind.name(),
            "role": self.record.role.name(),
            "state": self.record.state.name(),
            "currency": words::currency(pay_details.currency),
            "amount": words::amount(pay_details.currency, pay_details.amount.0),
            "change": words::amount(pay_details.currency, self.amount),
            "balance": words::amount(pay_details.currency, self.record.balance.0),
            "from": pay_details.from.to_string(),
            "from_sequence": pay_details.from_sequence.0,
            "to": pay_details.to.to_string(),
            "to_sequence": pay_details.to_sequence.0,
        })
    }
}

/// `card list`
pub(crate) fn list(context: &Context) -> Result<Reply, Failure> {
    let mut table = table(&["name", "number", "role", "state", "balance", "expires"], &[4]);
    let mut cards = Vec::new();
    for name in context.home.cards()? {
        let found = Snapshot::take(&context.home, &name).and_then(|mut card| {
            let status = *card.client().status();
            let balances = if is_hidden(&status) { None } else { Some(Balances::of(card.client_mut())?) };
            Ok((status, balances))
        });
        match found {
            Ok((status, balances)) => {
                let mut document = status_document(&name, &status);
                document["pockets"] = json!(balances.as_ref().map(|balances| &balances.pockets));
                let balance = balances.map_or_else(|| "hidden".to_owned(), |found| found.lines.join("\n"));
                table.add_row([
                    name.clone(),
                    status.number.to_string(),
                    words::role(status.role).to_owned(),
                    status.life_cycle.name().to_owned(),
                    balance,
                    words::expiry(status.expiry),
                ]);
                cards.push(document);
            }
            // One bad file does not hide the others.
            Err(failure) => {
                let failure = served::explained(&context.home, &name, failure);
                table.add_row([name.clone(), failure.message.clone()]);
                cards.push(json!({ "name": name, "problem": failure.message }));
            }
        }
    }
    Ok(Reply::new(table.trim_fmt(), json!({ "cards": cards })))
}

/// `card show`
pub(crate) fn show(context: &Context, name: Option<&str>) -> Result<Reply, Failure> {
    let place = match name {
        Some(name) => &Place::file(name),
        None => context.card_place()?,
    };
    let name = place.name();
    let mut card = context.open_card(place)?;
    let status = *card.status();
    let mut fields = status_document(name, &status);
    let mut lines = vec![
        format!("name      {name}"),
        format!("number    {}", status.number),
        format!("role      {}", words::role(status.role)),
        format!("state     {}", status.life_cycle.name()),
    ];
    if status.life_cycle != LifeCycle::Blank {
        let identity = card.identity()?;
        let tries = card.pin_tries()?;
        lines.push(format!("issuer    {}", identity.issuer));
        lines.push(format!("keys      version {}", status.key_version.0));
        lines.push(format!("expires   {}", words::expiry(status.expiry)));
        lines.push(format!("sequence  {}", status.sequence));
        lines.push(format!("PIN       {tries} tries left"));
        fields["issuer"] = json!(identity.issuer.to_string());
        fields["pin_tries"] = json!(tries);
        if identity.flags & FLAG_DISPOSABLE != 0 {
            lines.push("disposable: it takes no load, and ends its life when it is empty".to_owned());
        }
        fields["disposable"] = json!(identity.flags & FLAG_DISPOSABLE != 0);
        let mut pockets = Vec::new();
        for (place, pocket) in (0..).zip(&identity.pockets).filter(|(_, pocket)| pocket.is_used()) {
            let mut amounts = Vec::new();
            if status.life_cycle != LifeCycle::Locked {
                let balance = card.balance(place)?.balance;
                amounts.push(("balance", words::decimal(pocket.currency, balance.0.into())));
            }
            amounts.extend(limits(pocket));
            lines.push(format!("pocket    {}", words::currency(pocket.currency)));
            lines.extend(
                amounts
                    .iter()
                    .map(|(name, text)| format!("  {name:<36}{text:>12}", name = name.replace('_', " "))),
            );
            let mut document = json!({ "currency": words::currency(pocket.currency) });
            for (name, text) in amounts {
                document[name] = json!(text);
            }
            pockets.push(document);
        }
        fields["pockets"] = json!(pockets);
    }
    if !matches!(status.life_cycle, LifeCycle::Blank | LifeCycle::Locked) {
        lines.insert(4, format!("balance   {}", words::money(status.currency, status.balance.0.into())));
    }
    Ok(Reply::new(lines.join("\n"), fields))
}

fn limits(pocket: &PocketParameters) -> [(&'static str, String); 6] {
    let decimal = |amount: apdu_spec::element::Amount| words::decimal(pocket.currency, amount.0.into());
    let limits = &pocket.limits;
    [
        ("maximum_balance", decimal(limits.maximum_balance)),
        ("maximum_debit", decimal(limits.maximum_debit)),
        ("debit_without_pin", decimal(limits.debit_without_pin)),
        ("total_without_pin", decimal(limits.total_without_pin)),
        ("maximum_transfer", decimal(limits.maximum_transfer)),
        ("offline_receipts", decimal(limits.offline_receipts)),
    ]
}

const fn is_hidden(status: &StatusBlock) -> bool {
    matches!(status.life_cycle, LifeCycle::Blank | LifeCycle::Locked)
}

fn status_document(name: &str, status: &StatusBlock) -> Value {
    json!({
        "name": name,
        "number": status.number.to_string(),
        "role": words::role_code(status.role),
        "life_cycle": status.life_cycle.name(),
        "key_version": status.key_version.0,
        "sequence": status.sequence.0,
        "currency": words::currency(status.currency),
        "balance": if is_hidden(status) { Value::Null } else { words::amount(status.currency, status.balance.0) },
        "expiry": words::expiry(status.expiry),
    })
}

/// A table without lines, numbers to the right.
pub(crate) fn table(headings: &[&str], right: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(headings.iter().copied());
    for (place, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if right.contains(&place) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
