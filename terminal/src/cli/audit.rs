//! `audit`: is every cent where the books say?
//!
//! For each currency, the issuer's float has to be what purses and SAMs hold and what is in flight.

mod show;

use std::collections::{BTreeMap, BTreeSet};

use apdu_spec::element::{Currency, Kind, Role, Sequence};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use purse_terminal::issuer::{AccountBalance, Books, Exchange, Fork, Pocket};

use super::census::{self, Census};
use super::context::{Context, Embedded};
use super::failure::Failure;
use super::output::Reply;
use super::sums::Sums;
use super::whereabouts::{Card, Whereabouts, booked_whereabouts, load_whereabouts, whereabouts};
use super::words;

/// `audit`
pub(crate) fn audit(context: &Context) -> Result<Reply, Failure> {
    Ok(Audit::take(context)?.reply())
}

/// Everything that an audit has found.
pub(crate) struct Audit {
    /// The scheme's.
    currency: Currency,
    sums: BTreeMap<Currency, Sums>,
    accounts: Vec<(Currency, AccountBalance)>,
    /// The SAMs, whose unloads are called collections.
    merchants: BTreeSet<PartyNumber>,
    transfers: Vec<(PayDetails, Whereabouts)>,
    forks: Vec<Fork>,
    findings: Vec<String>,
    remarks: Vec<String>,
    /// Cards have done more than their logs still hold.
    older: bool,
}

impl Audit {
    /// Reads the books, all cards of the home, and those in the readers that were named.
    pub(crate) fn take(context: &Context) -> Result<Self, Failure> {
        let issuer = context.issuer()?;
        // No card is made meanwhile.
        let _lock = context.home.lock()?;
        let Census { cards, findings, remarks, uncounted, held: _held } = census::take(context, &issuer)?;
        let cards_of_issuer = issuer.cards()?.into_iter();
        let mut audit = Self {
            currency: context.denomination().element(),
            sums: BTreeMap::new(),
            accounts: Vec::new(),
            merchants: cards_of_issuer
                .filter(|card| card.role == Role::Merchant)
                .map(|card| card.number)
                .collect(),
            transfers: Vec::new(),
            forks: issuer.forks()?,
            findings,
            remarks,
            older: false,
        };
        for books in issuer.books()? {
            audit.add_books(&books);
        }
        audit.add_cards(&cards, &uncounted, &issuer)?;
        audit.add_transfers(&cards, &issuer)?;
        audit.add_exchanges(&issuer)?;
        audit.add_issues(&cards, &issuer)?;
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
        self.accounts.extend(books.accounts.iter().map(|account| (books.currency, account.clone())));
        let sums = self.sums.entry(books.currency).or_default();
        sums.float = books.float.into();
        sums.accounts = books.accounts.iter().map(|held| i128::from(held.balance)).sum();
        sums.withheld = books.withheld.into();
        sums.unclaimed = books.unclaimed.into();
        sums.position = books.position.into();
        sums.outside = books.outside.into();
    }

    fn add_cards(
        &mut self,
        cards: &[Card],
        uncounted: &[PartyNumber],
        issuer: &Embedded,
    ) -> Result<(), Failure> {
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
        for number in
            registered.iter().filter(|number| !names.contains_key(number) && !uncounted.contains(number))
        {
            self.remarks.push(format!("card {number} is not in this home: what it holds is not counted"));
        }
        Ok(())
    }

    fn add_transfers(&mut self, cards: &[Card], issuer: &Embedded) -> Result<(), Failure> {
        // A number that exists twice has two cards, and each knows something.
        let mut by_number = BTreeMap::<PartyNumber, Vec<&Card>>::new();
        for card in cards {
            by_number.entry(card.number).or_default().push(card);
        }
        let booked = issuer.transfers(None)?;
        let mut found = BTreeMap::new();
        for card in cards {
            for record in card.payments() {
                let whereabouts = whereabouts(record, &by_number, &booked, issuer)?;
                let known = found.entry(record.pay_details).or_insert(whereabouts);
                // What one copy has under way another may know the end of.
                if known.is_in_flight() {
                    *known = whereabouts;
                }
            }
        }
        for transfer in &booked {
            let cards = by_number.get(&transfer.card()).map_or(&[][..], Vec::as_slice);
            match transfer.pay_details.kind {
                Kind::Load => {
                    found.insert(transfer.pay_details, load_whereabouts(transfer, cards));
                }
                // The card's log may have let it go.
                _ => {
                    found.entry(transfer.pay_details).or_insert(booked_whereabouts(transfer));
                }
            }
        }
        self.older = cards.iter().any(Card::has_forgotten);
        for (pay_details, whereabouts) in &found {
            if whereabouts.is_in_flight() {
                let sums = self.sums.entry(pay_details.currency).or_default();
                sums.in_flight += i128::from(pay_details.amount.0);
            }
        }
        self.transfers = found.into_iter().collect();
        self.transfers.sort_by_key(|(pay_details, _)| (pay_details.time, in_order(pay_details)));
        Ok(())
    }

    /// What is half exchanged is in an account, which counts it; its holder may wonder where it is.
    fn add_exchanges(&mut self, issuer: &Embedded) -> Result<(), Failure> {
        for Exchange { unload, currency, amount, .. } in issuer.open_exchanges()? {
            self.remarks.push(format!(
                "an exchange of {} for {} by card {} is not finished: run `purse recover`",
                words::money(unload.currency, unload.amount.0.into()),
                words::money(currency, amount.0.into()),
                unload.from
            ));
        }
        Ok(())
    }

    /// A card that was being made when its program ended: its value is in the float, and on no card yet.
    fn add_issues(&mut self, cards: &[Card], issuer: &Embedded) -> Result<(), Failure> {
        for issue in issuer.issues()? {
            if cards.iter().any(|card| card.number == issue.card) {
                continue;
            }
            for Pocket { currency, issued, .. } in issuer.pockets(issue.card)? {
                self.sums.entry(currency).or_default().in_flight += i128::from(issued.0);
                let money = words::money(currency, issued.0.into());
                self.remarks.push(format!(
                    "card {} was being made with {money}: run `purse recover`, with it if it is in a reader",
                    issue.card
                ));
            }
        }
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
                "card {} exists twice: its one transaction {} is {} payments and {} loads",
                fork.payer,
                fork.sequence,
                fork.debits.len(),
                usize::from(fork.load.is_some())
            ));
        }
    }
}

/// Within a second by card, and for each in its own order: a purse's first, then what its SAM did with the issuer.
const fn in_order(pay_details: &PayDetails) -> (PartyNumber, Sequence, Kind) {
    match pay_details.kind {
        Kind::Load | Kind::Refund => (pay_details.to, pay_details.to_sequence, pay_details.kind),
        Kind::Unload | Kind::Purchase | Kind::Transfer => {
            (pay_details.from, pay_details.from_sequence, pay_details.kind)
        }
    }
}
