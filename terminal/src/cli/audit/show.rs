//! What an audit has found, for a person and for a program.

use apdu_spec::element::{Currency, Kind};
use apdu_spec::pay_details::PayDetails;
use serde_json::{Value, json};

use super::Audit;
use crate::cli::failure::ExitCode;
use crate::cli::output::Reply;
use crate::cli::receipt::pay_details_document;
use crate::cli::sums::Sums;
use crate::cli::view::table;
use crate::cli::words;

impl Audit {
    fn what(&self, pay_details: &PayDetails) -> &'static str {
        let is_collection = pay_details.kind == Kind::Unload && self.merchants.contains(&pay_details.from);
        if is_collection { "collection" } else { pay_details.kind.name() }
    }

    /// The sums, the scheme's own currency first.
    fn in_order(&self) -> Vec<(&Currency, &Sums)> {
        let mut sums: Vec<_> = self.sums.iter().collect();
        sums.sort_by_key(|(currency, _)| **currency != self.currency);
        sums
    }

    /// For a person and for a program.
    pub(crate) fn reply(&self) -> Reply {
        let exit = if self.adds_up() { None } else { Some(ExitCode::Other) };
        Reply::new(self.text(), self.document()).with_exit(exit)
    }

    /// Without the list of transfers that are done.
    pub(crate) fn text(&self) -> String {
        let mut lines = Vec::new();
        for (currency, sums) in self.in_order() {
            let money = |minor| words::decimal(*currency, minor);
            let mut table = table(&["", &words::currency(*currency)], &[1]);
            table.add_row(["issuer's float".to_owned(), money(sums.float)]);
            table.add_row(["  purses".to_owned(), money(sums.purses)]);
            table.add_row(["  merchants' SAMs".to_owned(), money(sums.merchants)]);
            table.add_row(["  in flight".to_owned(), money(sums.in_flight)]);
            table.add_row(["  sum".to_owned(), money(sums.held())]);
            table.add_row(["difference".to_owned(), money(sums.difference())]);
            for (_, held) in self.accounts.iter().filter(|(of, _)| of == currency) {
                table.add_row([format!("account {}", held.account.name), money(held.balance.into())]);
            }
            if sums.position != 0 {
                table.add_row(["exchanged".to_owned(), money(sums.position)]);
            }
            if !lines.is_empty() {
                lines.push(String::new());
            }
            lines.push(table.trim_fmt());
        }
        if !self.transfers.is_empty() {
            let mut table = table(&["time", "what", "amount", "from", "to", "where it is"], &[2]);
            for (pay_details, whereabouts) in &self.transfers {
                table.add_row([
                    words::time(pay_details.time),
                    self.what(pay_details).to_owned(),
                    words::money(pay_details.currency, pay_details.amount.0.into()),
                    pay_details.from.to_string(),
                    pay_details.to.to_string(),
                    whereabouts.words().to_owned(),
                ]);
            }
            lines.push(String::new());
            lines.push(table.trim_fmt());
        }
        if self.older {
            lines.push("(older payments are not listed: a card's log holds only its newest)".to_owned());
        }
        lines.push(String::new());
        lines.extend(self.remarks.iter().map(|remark| format!("remark: {remark}")));
        lines.extend(self.findings.iter().map(|finding| format!("WRONG: {finding}")));
        lines.push(if self.adds_up() { "It adds up." } else { "It does not add up." }.to_owned());
        lines.join("\n")
    }

    fn document(&self) -> Value {
        let currencies: Vec<Value> = self
            .in_order()
            .into_iter()
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
                    "position": amount(sums.position),
                    "outside": amount(sums.outside),
                })
            })
            .collect();
        let transfers: Vec<Value> = self
            .transfers
            .iter()
            .map(|(pay_details, whereabouts)| {
                let mut document = pay_details_document(pay_details);
                document["state"] = json!(whereabouts.code());
                document["in_flight"] = json!(whereabouts.is_in_flight());
                document
            })
            .collect();
        json!({
            "adds_up": self.adds_up(),
            "currencies": currencies,
            "transfers": transfers,
            "findings": self.findings,
            "remarks": self.remarks,
            "transfers_complete": !self.older,
        })
    }
}
