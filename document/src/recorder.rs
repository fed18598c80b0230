//! Writes down what parties say to each other: APDUs to cards, messages to the issuer.

use std::cell::RefCell;
use std::rc::Rc;

use apdu_spec::command::{Proof, Voucher};
use apdu_spec::cryptography::Authenticator;
use apdu_spec::element::{Amount, Currency, Sequence, Time};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::LogRecord;
use apdu_spec::software::Software;
use purse_terminal::flow::IssuerDesk;
use purse_terminal::issuer::{
    Issuer, IssuerError, MemoryStore, SignedScript, SubmissionReport, UnloadRequest, Unloaded, Unsettleable,
};
use purse_terminal::transport::{InProcess, ResponseBuffer, Transport, TransportError};

use crate::scheme::Who;

/// Bytes of a message to the issuer, with their name.
pub(crate) type Part = (String, Vec<u8>);

/// One command or message with its answer.
#[derive(Clone, Debug)]
pub(crate) enum Exchange {
    /// An APDU to a card and back; the response may have been lost on its way.
    Card { who: Who, command: Vec<u8>, response: Vec<u8>, lost: bool },
    /// A message to the issuer and back.
    Issuer { name: &'static str, sent: Vec<Part>, answered: Vec<Part> },
}

/// Where it is written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Protocol(Rc<RefCell<Vec<Exchange>>>);

impl Protocol {
    fn write(&self, exchange: Exchange) {
        self.0.borrow_mut().push(exchange);
    }

    /// Everything since this was called last.
    pub(crate) fn take(&self) -> Vec<Exchange> {
        self.0.take()
    }
}

/// A card whose APDUs are written down.
#[derive(Debug)]
pub(crate) struct RecordedCard {
    pub(crate) who: Who,
    pub(crate) inner: InProcess,
    pub(crate) protocol: Protocol,
    /// The card leaves as it answers a command of this instruction.
    pub(crate) leaves_at: Option<u8>,
    /// It has left.
    pub(crate) is_away: bool,
}

impl RecordedCard {
    pub(crate) fn new(who: Who, inner: InProcess, protocol: &Protocol) -> Self {
        Self { who, inner, protocol: protocol.clone(), leaves_at: None, is_away: false }
    }

    /// The card is here again, and stays.
    pub(crate) fn bring_back(&mut self) -> Result<(), TransportError> {
        self.leaves_at = None;
        self.is_away = false;
        self.inner.reset()
    }
}

impl Transport for RecordedCard {
    fn transmit<'a>(
        &mut self,
        command: &[u8],
        response: &'a mut ResponseBuffer,
    ) -> Result<&'a [u8], TransportError> {
        if self.is_away {
            return Err(TransportError::NoCard(self.inner.name().to_owned()));
        }
        self.is_away = self.leaves_at.is_some() && command.get(1).copied() == self.leaves_at;
        let answer = self.inner.transmit(command, response)?;
        self.protocol.write(Exchange::Card {
            who: self.who,
            command: command.to_vec(),
            response: answer.to_vec(),
            lost: self.is_away,
        });
        if self.is_away { Err(TransportError::ResponseLost) } else { Ok(answer) }
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        if self.is_away {
            return Err(TransportError::NoCard(self.inner.name().to_owned()));
        }
        self.inner.reset()
    }

    fn name(&self) -> &str {
        self.inner.name()
    }
}

/// The shipping issuer, its books in memory, of which the messages are written down.
#[derive(Debug)]
pub(crate) struct RecordedIssuer {
    pub(crate) inner: Issuer<MemoryStore, Software>,
    pub(crate) protocol: Protocol,
}

fn part(name: &str, bytes: &[u8]) -> Part {
    (name.to_owned(), bytes.to_vec())
}

fn voucher_parts(voucher: &Voucher) -> Vec<Part> {
    vec![part("PD", &voucher.pay_details.emit()), part("val", &voucher.val.0), part("TAC", &voucher.tac.0)]
}

impl RecordedIssuer {
    fn write(&self, name: &'static str, sent: Vec<Part>, answered: Vec<Part>) {
        self.protocol.write(Exchange::Issuer { name, sent, answered });
    }
}

impl IssuerDesk for RecordedIssuer {
    fn number(&self) -> PartyNumber {
        self.inner.number()
    }

    fn load(
        &mut self,
        pay_details: &PayDetails,
        req: Authenticator,
        account: &str,
    ) -> Result<Proof, IssuerError> {
        let proof = self.inner.load(pay_details, req, account)?;
        let sent = vec![part("PD", &pay_details.emit()), part("req", &req.0)];
        self.write("load: req", sent, vec![part("val", &proof.val.0), part("TAC", &proof.tac.0)]);
        Ok(proof)
    }

    fn unresolved_load(&self, card: PartyNumber) -> Result<Option<Voucher>, IssuerError> {
        let voucher = self.inner.unresolved_load(card)?;
        let answered = voucher.as_ref().map_or_else(Vec::new, voucher_parts);
        self.write("load: ask for an unresolved one", vec![part("number", &card.0)], answered);
        Ok(voucher)
    }

    fn load_acknowledged(
        &mut self,
        card: PartyNumber,
        sequence: Sequence,
        ack: Authenticator,
    ) -> Result<(), IssuerError> {
        self.inner.load_acknowledged(card, sequence, ack)?;
        let sent = vec![part("number", &card.0), part("sequence", &sequence.emit()), part("ack", &ack.0)];
        self.write("load: ack", sent, Vec::new());
        Ok(())
    }

    fn load_declined(
        &mut self,
        card: PartyNumber,
        sequence: Sequence,
        nack: Authenticator,
    ) -> Result<(), IssuerError> {
        self.inner.load_declined(card, sequence, nack)?;
        let sent = vec![part("number", &card.0), part("sequence", &sequence.emit()), part("nack", &nack.0)];
        self.write("load: nack", sent, Vec::new());
        Ok(())
    }

    fn unload_request(
        &self,
        card: PartyNumber,
        currency: Currency,
        amount: Amount,
        sequence: Sequence,
        time: Time,
    ) -> Result<UnloadRequest, IssuerError> {
        let asked = self.inner.unload_request(card, currency, amount, sequence, time)?;
        let sent = vec![
            part("number", &card.0),
            part("currency", &currency.0),
            part("amount", &amount.emit()),
            part("sequence", &sequence.emit()),
            part("time", &time.emit()),
        ];
        let answered = vec![part("PD", &asked.pay_details.emit()), part("req", &asked.req.0)];
        self.write("unload: ask for req", sent, answered);
        Ok(asked)
    }

    fn unload(&mut self, voucher: &Voucher) -> Result<Unloaded, IssuerError> {
        let unloaded = self.inner.unload(voucher)?;
        let answered = match &unloaded {
            Unloaded::Credited { ack, credited, withheld } => vec![
                part("ack", &ack.0),
                part("credited", &credited.emit()),
                part("withheld", &withheld.emit()),
            ],
            _ => Vec::new(),
        };
        self.write("unload: val", voucher_parts(voucher), answered);
        Ok(unloaded)
    }

    fn decline_unload(&mut self, voucher: &Voucher) -> Result<Authenticator, IssuerError> {
        let nack = self.inner.decline_unload(voucher)?;
        self.write("unload: decline", voucher_parts(voucher), vec![part("nack", &nack.0)]);
        Ok(nack)
    }

    fn records_wanted(&self, sam: PartyNumber) -> Result<Sequence, IssuerError> {
        let first = self.inner.records_wanted(sam)?;
        let answered = vec![part("first sequence", &first.emit())];
        self.write("collection: ask which records are wanted", vec![part("number", &sam.0)], answered);
        Ok(first)
    }

    fn submit_records(
        &mut self,
        sam: PartyNumber,
        first: Sequence,
        records: &[LogRecord],
    ) -> Result<SubmissionReport, IssuerError> {
        let report = self.inner.submit_records(sam, first, records)?;
        let mut sent = vec![part("number", &sam.0), part("first sequence", &first.emit())];
        sent.extend(records.iter().map(|record| part("record", &record.emit())));
        self.write("collection: records", sent, Vec::new());
        Ok(report)
    }

    fn resolve(
        &mut self,
        card: PartyNumber,
        record: &LogRecord,
        unsettleable: Unsettleable,
    ) -> Result<SignedScript, IssuerError> {
        self.inner.resolve(card, record, unsettleable)
    }
}
