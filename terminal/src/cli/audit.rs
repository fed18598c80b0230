//! `audit`: is every cent where the books say?
//!
//! For each currency, the issuer's float has to be what purses and SAMs hold and what is in flight. All cards of the
//! home are read from copies, so that an audit changes nothing: not a record, not a PIN try, not a power-up.

use std::collections::{BTreeMap, BTreeSet};

use apdu_spec::element::{Currency, Kind, Role, Sequence};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use purse_terminal::issuer::{Books, Fork};
use serde_json::{Value, json};

use super::context::{Context, Embedded};
use super::failure::{ExitCode, Failure};
use super::output::Reply;
use super::snapshot::Snapshot;
use super::view::table;
use super::whereabouts::{Card, Whereabouts, load_whereabouts, whereabouts};
use super::words;

/// `audit`
pub(crate) fn audit(context: &Context) -> Result<Reply, Failure> {
    Ok(Audit::take(context)?.reply())
}

/// The sums of one currency, minor units.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    float: i128,
    purses: i128,
    merchants: i128,
    in_flight: i128,
    accounts: i128,
    withheld: i128,
    unclaimed: i128,
    outside: i128,
}

impl Sums {
    const fn held(&self) -> i128 {
        self.purses + self.merchants + self.in_flight
    }

    /// What the cards have beyond the books.
    const fn difference(&self) -> i128 {
        self.held() - self.float
    }

    /// The ledger's own entries sum to zero.
    const fn ledger_holds(&self) -> bool {
        self.float + self.accounts + self.withheld + self.unclaimed + self.outside == 0
    }
}

/// Everything that an audit has found.
pub(crate) struct Audit {
    sums: BTreeMap<Currency, Sums>,
    transfers: Vec<(PayDetails, Whereabouts)>,
    forks: Vec<Fork>,
    findings: Vec<String>,
    remarks: Vec<String>,
}

impl Audit {
    /// Reads the books and all cards of the home.
    pub(crate) fn take(context: &Context) -> Result<Self, Failure> {
        let issuer = context.issuer()?;
        let mut cards = Vec::new();
        for name in context.home.cards()? {
            let mut card = Snapshot::take(&context.home, &name)?;
            if card.identity().is_none() {
                continue;
            }
            let holdings = card.holdings(&context.scheme.keys)?;
            let status = card.client().status();
            let (number, role) = (status.number, status.role);
            let load = issuer.unresolved_load(number)?;
            let has_credited_load = load.is_some_and(|load| card.has_credited(&load).unwrap_or(false));
            cards.push(Card { name, number, role, holdings, has_credited_load });
        }
        let mut audit = Self {
            sums: BTreeMap::new(),
            transfers: Vec::new(),
            forks: issuer.forks()?,
            findings: Vec::new(),
            remarks: Vec::new(),
        };
        for books in issuer.books()? {
            audit.add_books(&books);
        }
        audit.add_cards(&cards, &issuer)?;
        audit.add_transfers(&cards, &issuer)?;
        audit.judge();
        Ok(audit)
    }

    /// Whether everything is accounted for.
    pub(crate) fn adds_up(&self) -> bool {
        self.findings.is_empty()
    }

    /// Whether anything is on its way.
    pub(crate) fn has_value_in_flight(&self) -> bool {
        self.sums.values().any(|sums| sums.in_flight != 0)
    }

    fn add_books(&mut self, books: &Books) {
        let sums = self.sums.entry(books.currency).or_default();
        sums.float = books.float.into();
        sums.accounts = books.accounts.iter().map(|held| i128::from(held.balance)).sum();
        sums.withheld = books.withheld.into();
        sums.unclaimed = books.unclaimed.into();
        sums.outside = books.outside.into();
    }

    fn add_cards(&mut self, cards: &[Card], issuer: &Embedded) -> Result<(), Failure> {
        let mut names = BTreeMap::<PartyNumber, &str>::new();
        for card in cards {
            if let Some(other) = names.insert(card.number, &card.name) {
                let finding = format!(
                    "`{other}` and `{}` are the same card {}: a copy is a fork of the purse",
                    card.name, card.number
                );
                self.findings.push(finding);
            }
            for (currency, balance) in &card.holdings.balances {
                let sums = self.sums.entry(*currency).or_default();
                let sum = match card.role {
                    Role::Purse => &mut sums.purses,
                    Role::Merchant => &mut sums.merchants,
                };
                *sum += i128::from(balance.0);
            }
        }
        let registered: BTreeSet<PartyNumber> = issuer.cards()?.iter().map(|card| card.number).collect();
        for card in cards.iter().filter(|card| !registered.contains(&card.number)) {
            self.findings.push(format!("`{}` ({}) is none of this issuer's cards", card.name, card.number));
        }
        for number in registered.iter().filter(|number| !names.contains_key(number)) {
            self.remarks.push(format!("card {number} is not in this home: what it holds is not counted"));
        }
        Ok(())
    }

    fn add_transfers(&mut self, cards: &[Card], issuer: &Embedded) -> Result<(), Failure> {
        let by_number: BTreeMap<PartyNumber, &Card> = cards.iter().map(|card| (card.number, card)).collect();
        let booked = issuer.transfers(None)?;
        let mut found = BTreeMap::new();
        for card in by_number.values() {
            for record in card.payments() {
                let whereabouts = whereabouts(record, &by_number, &booked, issuer)?;
                found.insert(record.pay_details, whereabouts);
            }
        }
        for load in booked.iter().filter(|transfer| transfer.pay_details.kind == Kind::Load) {
            let card = by_number.get(&load.card());
            found.insert(load.pay_details, load_whereabouts(load, card.copied()));
        }
        for (pay_details, whereabouts) in &found {
            if whereabouts.is_in_flight() {
                let sums = self.sums.entry(pay_details.currency).or_default();
                sums.in_flight += i128::from(pay_details.amount.0);
            }
        }
        self.transfers = found.into_iter().collect();
        self.transfers.sort_by_key(|(pay_details, _)| in_order(pay_details));
        Ok(())
    }

    fn judge(&mut self) {
        for (currency, sums) in &self.sums {
            let difference = sums.difference();
            if difference > 0 {
                let money = words::money(*currency, difference);
                self.findings
                    .push(format!("cards hold {money} more than the issuer's float: made of nothing"));
            } else if difference < 0 {
                let money = words::money(*currency, -difference);
                self.findings.push(format!("{money} of the issuer's float are on no card and not in flight"));
            }
            if sums.withheld != 0 {
                let money = words::money(*currency, sums.withheld);
                self.findings.push(format!("{money} were collected that no good record accounts for"));
            }
            if !sums.ledger_holds() {
                self.findings
                    .push(format!("the ledger in {} does not sum to zero", words::currency(*currency)));
            }
        }
        for fork in &self.forks {
            self.findings.push(format!(
                "card {} exists twice: {} different debits with good TACs under sequence {}",
                fork.payer,
                fork.debits.len(),
                fork.sequence
            ));
        }
    }

    /// For a person and for a program.
    pub(crate) fn reply(&self) -> Reply {
        let exit = if self.adds_up() { None } else { Some(ExitCode::Other) };
        Reply::new(self.text(), self.document()).with_exit(exit)
    }

    /// Without the list of transfers that are done.
    pub(crate) fn text(&self) -> String {
        let mut lines = Vec::new();
        for (currency, sums) in &self.sums {
            let money = |minor| words::decimal(*currency, minor);
            let mut table = table(&["", &words::currency(*currency)], &[1]);
            table.add_row(["issuer's float".to_owned(), money(sums.float)]);
            table.add_row(["  purses".to_owned(), money(sums.purses)]);
            table.add_row(["  merchants' SAMs".to_owned(), money(sums.merchants)]);
            table.add_row(["  in flight".to_owned(), money(sums.in_flight)]);
            table.add_row(["  sum".to_owned(), money(sums.held())]);
            table.add_row(["difference".to_owned(), money(sums.difference())]);
            lines.push(table.trim_fmt());
        }
        if !self.transfers.is_empty() {
            let mut table = table(&["time", "what", "amount", "from", "to", "where it is"], &[2]);
            for (pay_details, whereabouts) in &self.transfers {
                table.add_row([
                    words::time(pay_details.time),
                    pay_details.kind.name().to_owned(),
                    words::money(pay_details.currency, pay_details.amount.0.into()),
                    pay_details.from.to_string(),
                    pay_details.to.to_string(),
                    whereabouts.words().to_owned(),
                ]);
            }
            lines.push(String::new());
            lines.push(table.trim_fmt());
        }
        lines.push(String::new());
        lines.extend(self.remarks.iter().map(|remark| format!("remark: {remark}")));
        lines.extend(self.findings.iter().map(|finding| format!("WRONG: {finding}")));
        lines.push(if self.adds_up() { "It adds up." } else { "It does not add up." }.to_owned());
        lines.join("\n")
    }

    fn document(&self) -> Value {
        let currencies: Vec<Value> = self
            .sums
            .iter()
            .map(|(currency, sums)| {
                let amount = |minor: i128| words::amount(*currency, minor);
                json!({
                    "currency": words::currency(*currency),
                    "float": amount(sums.float),
                    "purses": amount(sums.purses),
                    "merchants": amount(sums.merchants),
                    "in_flight": amount(sums.in_flight),
                    "difference": amount(sums.difference()),
                    "accounts": amount(sums.accounts),
                    "withheld": amount(sums.withheld),
                    "unclaimed": amount(sums.unclaimed),
                    "outside": amount(sums.outside),
                })
            })
            .collect();
        let transfers: Vec<Value> = self
            .transfers
            .iter()
            .map(|(pay_details, whereabouts)| {
                json!({
                    "time": words::time(pay_details.time),
                    "kind": pay_details.kind.name(),
                    "currency": words::currency(pay_details.currency),
                    "amount": words::amount(pay_details.currency, pay_details.amount.0),
                    "from": pay_details.from.to_string(),
                    "from_sequence": pay_details.from_sequence.0,
                    "to": pay_details.to.to_string(),
                    "to_sequence": pay_details.to_sequence.0,
                    "state": whereabouts.code(),
                    "in_flight": whereabouts.is_in_flight(),
                })
            })
            .collect();
        json!({
            "adds_up": self.adds_up(),
            "currencies": currencies,
            "transfers": transfers,
            "findings": self.findings,
            "remarks": self.remarks,
        })
    }
}

/// By card, and for each in its own order: a purse's first, then what its SAM did with the issuer. Clocks say less.
const fn in_order(pay_details: &PayDetails) -> (PartyNumber, Sequence, Kind) {
    match pay_details.kind {
        Kind::Load | Kind::Refund => (pay_details.to, pay_details.to_sequence, pay_details.kind),
        Kind::Unload | Kind::Purchase | Kind::Transfer => {
            (pay_details.from, pay_details.from_sequence, pay_details.kind)
        }
    }
}
