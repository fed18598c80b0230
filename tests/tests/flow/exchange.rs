//! Exchange with an issuer that is not always heard: at every message, lost on the way to it or on the way back, for once
//! or from then on. A recovery finishes it, and no value is made or lost.

#![allow(clippy::inconsistent_digit_grouping, reason = "euros and cents")]

use std::cell::Cell;

use apdu_spec::command::{Proof, Voucher};
use apdu_spec::cryptography::Authenticator;
use apdu_spec::element::{Amount, Currency, Sequence, Time};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::LogRecord;
use apdu_spec::software::Software;
use purse_terminal::flow::exchange::{self, End, ExchangeDesk};
use purse_terminal::flow::load::{self, Load};
use purse_terminal::flow::{FlowError, IssuerDesk, recovery};
use purse_terminal::issuer::{
    Bargain, Exchange, ExchangeState, Issuer, IssuerError, MemoryStore, SignedScript, SubmissionReport,
    UnloadRequest, Unloaded, Unsettleable,
};
use purse_tests::scheme::{TIME, eur, party, usd};

use crate::support::{HOLDER, World, client};

fn bargain() -> Bargain {
    Bargain { from: eur(), gives: Amount(10_00), to: usd(), gets: Amount(10_85) }
}

/// What happens to the issuer's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    /// Which message it is, from 1.
    at: u32,
    /// The issuer has heard it, and its answer is lost.
    heard: bool,
    /// And so are all that follow.
    dead: bool,
}

/// The issuer behind such a line.
struct Far<'a> {
    issuer: &'a mut Issuer<MemoryStore, Software>,
    line: Line,
    messages: Cell<u32>,
}

impl Far<'_> {
    fn is_lost(&self) -> bool {
        let number = self.messages.get() + 1;
        self.messages.set(number);
        number == self.line.at || self.line.dead && number > self.line.at
    }

    fn asks<T>(
        &self,
        ask: impl FnOnce(&Issuer<MemoryStore, Software>) -> Result<T, IssuerError>,
    ) -> Result<T, IssuerError> {
        if self.is_lost() { Err(IssuerError::Unanswered("lost")) } else { ask(self.issuer) }
    }

    fn tells<T>(
        &mut self,
        tell: impl FnOnce(&mut Issuer<MemoryStore, Software>) -> Result<T, IssuerError>,
    ) -> Result<T, IssuerError> {
        if !self.is_lost() {
            return tell(self.issuer);
        }
        if self.line.heard && self.messages.get() == self.line.at {
            let _ = tell(self.issuer);
        }
        Err(IssuerError::Unanswered("lost"))
    }
}

impl IssuerDesk for Far<'_> {
    fn number(&self) -> PartyNumber {
        self.issuer.number()
    }

    fn load(
        &mut self,
        pay_details: &PayDetails,
        req: Authenticator,
        account: &str,
    ) -> Result<Proof, IssuerError> {
        self.tells(|issuer| issuer.load(pay_details, req, account))
    }

    fn unresolved_load(&self, card: PartyNumber) -> Result<Option<Voucher>, IssuerError> {
        self.asks(|issuer| issuer.unresolved_load(card))
    }

    fn load_acknowledged(
        &mut self,
        card: PartyNumber,
        sequence: Sequence,
        ack: Authenticator,
    ) -> Result<(), IssuerError> {
        self.tells(|issuer| issuer.load_acknowledged(card, sequence, ack))
    }

    fn load_declined(
        &mut self,
        card: PartyNumber,
        sequence: Sequence,
        nack: Authenticator,
    ) -> Result<(), IssuerError> {
        self.tells(|issuer| issuer.load_declined(card, sequence, nack))
    }

    fn unload_request(
        &self,
        card: PartyNumber,
        currency: Currency,
        amount: Amount,
        sequence: Sequence,
        time: Time,
    ) -> Result<UnloadRequest, IssuerError> {
        self.asks(|issuer| issuer.unload_request(card, currency, amount, sequence, time))
    }

    fn unload(&mut self, voucher: &Voucher) -> Result<Unloaded, IssuerError> {
        self.tells(|issuer| issuer.unload(voucher))
    }

    fn decline_unload(&mut self, voucher: &Voucher) -> Result<Authenticator, IssuerError> {
        self.tells(|issuer| issuer.decline_unload(voucher))
    }

    fn records_wanted(&self, sam: PartyNumber) -> Result<Sequence, IssuerError> {
        self.asks(|issuer| issuer.records_wanted(sam))
    }

    fn submit_records(
        &mut self,
        sam: PartyNumber,
        first: Sequence,
        records: &[LogRecord],
    ) -> Result<SubmissionReport, IssuerError> {
        self.tells(|issuer| issuer.submit_records(sam, first, records))
    }

    fn resolve(
        &mut self,
        card: PartyNumber,
        record: &LogRecord,
        unsettleable: Unsettleable,
    ) -> Result<SignedScript, IssuerError> {
        self.tells(|issuer| issuer.resolve(card, record, unsettleable))
    }
}

impl ExchangeDesk for Far<'_> {
    fn exchange_request(
        &mut self,
        card: PartyNumber,
        bargain: &Bargain,
        sequence: Sequence,
        time: Time,
    ) -> Result<UnloadRequest, IssuerError> {
        self.tells(|issuer| issuer.exchange_request(card, bargain, sequence, time))
    }

    fn open_exchange(&self, card: PartyNumber) -> Result<Option<Exchange>, IssuerError> {
        self.asks(|issuer| issuer.open_exchange(card))
    }

    fn end_exchange(&mut self, card: PartyNumber) -> Result<ExchangeState, IssuerError> {
        self.tells(|issuer| issuer.end_exchange(card))
    }

    fn account(&self, card: PartyNumber) -> Result<String, IssuerError> {
        self.asks(|issuer| issuer.card(card).map(|card| card.account))
    }
}

/// 30.00 on the purse, 70.00 in its account.
fn world() -> World {
    let mut world = World::new();
    let mut purse = client(&mut world.purse);
    let order = Load { account: HOLDER, currency: eur(), amount: Amount(30_00), time: TIME };
    load::load(&mut purse, &mut world.issuer, &order).unwrap();
    world
}

/// Pockets, accounts and the issuer's position, euros and dollars; the float has to be what the pockets hold.
fn money(world: &mut World) -> [[i64; 2]; 3] {
    let mut purse = client(&mut world.purse);
    let pockets = [0, 1].map(|place| i64::from(purse.balance(place).unwrap().balance.0));
    let books = world.issuer.books().unwrap();
    let of = |currency| books.iter().find(|books| books.currency == currency).unwrap();
    let both = [of(eur()), of(usd())];
    for (books, pocket) in both.iter().zip(pockets) {
        assert_eq!(books.float, pocket, "{books:?}");
        let accounts: i64 = books.accounts.iter().map(|held| held.balance).sum();
        assert_eq!(
            books.float + accounts + books.position + books.withheld + books.unclaimed + books.outside,
            0
        );
    }
    [pockets, both.map(|books| books.accounts[0].balance), both.map(|books| books.position)]
}

const BEFORE: [[i64; 2]; 3] = [[30_00, 0], [70_00, 0], [0, 0]];
const AFTER: [[i64; 2]; 3] = [[20_00, 10_85], [70_00, 0], [10_00, -10_85]];

fn recover(world: &mut World) {
    let mut cards = [client(&mut world.purse)];
    let report = recovery::recover(&mut cards, Some(&mut world.issuer));
    assert!(report.is_complete(), "{report:?}");
    let [purse] = &mut cards;
    if let Some(item) = exchange::finish(purse, &mut world.issuer, TIME) {
        item.outcome.unwrap();
    }
    assert_eq!(world.issuer.open_exchange(party(1)).unwrap(), None);
}

/// One exchange over this line. Whether it met the fault.
fn exchanged(world: &mut World, line: Line) -> (bool, Result<End, FlowError>) {
    let World { purse, issuer, .. } = world;
    let mut purse = client(purse);
    let mut far = Far { issuer, line, messages: Cell::new(0) };
    let result = exchange::exchange(&mut purse, &mut far, &bargain(), TIME);
    (far.messages.get() >= line.at, result)
}

#[test]
fn an_exchange_is_finished_whatever_message_to_the_issuer_is_lost() {
    let (mut messages, mut halves) = (0, 0);
    for heard in [false, true] {
        for dead in [false, true] {
            for at in 1.. {
                let mut world = world();
                let line = Line { at, heard, dead };
                let (met, result) = exchanged(&mut world, line);
                if !met {
                    assert!(matches!(result, Ok(End::Done)), "{line:?}: {result:?}");
                    break;
                }
                messages += 1;
                halves += usize::from(matches!(result, Err(FlowError::ExchangeHalfDone { .. })));
                let certain = !matches!(
                    result,
                    Err(FlowError::OutcomeUnknown { .. } | FlowError::ExchangeHalfDone { .. })
                );
                recover(&mut world);
                let found = money(&mut world);
                match result {
                    Ok(End::Done) => assert_eq!(found, AFTER, "{line:?}"),
                    Ok(other) => panic!("{line:?}: {other:?}"),
                    Err(error) if certain => assert_eq!(found, BEFORE, "{line:?}: {error}"),
                    Err(error) => assert!(found == BEFORE || found == AFTER, "{line:?}: {found:?} {error}"),
                }
            }
        }
    }
    assert!(messages > 20 && halves > 1, "{messages} {halves}");
}

/// The recovery loses messages too, as often as it likes.
#[test]
fn a_recovery_that_loses_messages_is_done_again() {
    for at in 1.. {
        let mut start = world();
        let (met, result) = exchanged(&mut start, Line { at, heard: true, dead: true });
        if !met {
            break;
        }
        drop(result);
        for again in 1..4 {
            let World { purse, issuer, .. } = &mut start;
            let mut purse = client(purse);
            let line = Line { at: again, heard: true, dead: false };
            let _ = exchange::finish(&mut purse, &mut Far { issuer, line, messages: Cell::new(0) }, TIME);
        }
        recover(&mut start);
        let found = money(&mut start);
        assert!(found == BEFORE || found == AFTER, "{at}: {found:?}");
    }
}

/// Each response of the card is lost, and each recovery's too.
#[test]
fn an_exchange_is_finished_whatever_response_is_lost() {
    let sound = Line { at: u32::MAX, heard: false, dead: false };
    let mut lost = 0;
    for response in 1..40 {
        let mut world = world();
        world.purse.remove(response);
        let World { purse, issuer, .. } = &mut world;
        let result = purse_terminal::client::Client::select(purse).map_err(|_| ()).and_then(|mut purse| {
            let mut far = Far { issuer, line: sound, messages: Cell::new(0) };
            exchange::exchange(&mut purse, &mut far, &bargain(), TIME).map_err(|_| ())
        });
        lost += usize::from(result.is_err());
        world.purse.bring_back().unwrap();
        recover(&mut world);
        let found = money(&mut world);
        assert!(found == BEFORE || found == AFTER, "{response}: {found:?}");
        assert!(result.is_err() || found == AFTER, "{response}");
    }
    assert!(lost > 2, "{lost}");
}
