//! What parties say to each other, written down: APDUs to cards, messages to the issuer, which may fail too.

use std::cell::RefCell;
use std::rc::Rc;

use apdu_spec::command::{Proof, Voucher};
use apdu_spec::cryptography::Authenticator;
use apdu_spec::element::{Amount, Currency, Sequence, Time};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::LogRecord;
use purse_terminal::flow::IssuerDesk;
use purse_terminal::issuer::{
    IssuerError, SignedScript, StoreError, SubmissionReport, UnloadRequest, Unloaded, Unsettleable,
};
use purse_terminal::transport::{Continuity, ResponseBuffer, Transport, TransportError};

use crate::world::Rig;

/// INS of CREDIT, before which something may happen to its card.
const CREDIT: u8 = 0x52;

/// One thing said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// To whom.
    pub to: &'static str,
    /// The APDU, or name and content of the message.
    pub words: Vec<u8>,
    /// What came back; none where nothing did, or a refusal of the issuer.
    pub answer: Option<Vec<u8>>,
}

/// Where it is written.
#[derive(Clone, Debug, Default)]
pub struct Notes(Rc<RefCell<Vec<Said>>>);

impl Notes {
    fn write(&self, to: &'static str, words: Vec<u8>, answer: Option<Vec<u8>>) {
        self.0.borrow_mut().push(Said { to, words, answer });
    }

    /// All of it.
    pub fn take(&self) -> Vec<Said> {
        self.0.take()
    }
}

/// What happens to a payee just before its first CREDIT.
pub type Event = fn(&mut Rig);

/// A card that is listened to.
#[derive(Debug)]
pub struct Overheard<'a> {
    rig: &'a mut Rig,
    who: &'static str,
    notes: Notes,
    event: Option<Event>,
}

impl<'a> Overheard<'a> {
    /// Of this name.
    pub fn new(rig: &'a mut Rig, who: &'static str, notes: &Notes, event: Option<Event>) -> Self {
        Self { rig, who, notes: notes.clone(), event }
    }
}

impl Transport for Overheard<'_> {
    fn transmit<'b>(
        &mut self,
        command: &[u8],
        response: &'b mut ResponseBuffer,
    ) -> Result<&'b [u8], TransportError> {
        if command.get(1) == Some(&CREDIT)
            && let Some(event) = self.event.take()
        {
            event(self.rig);
        }
        let result = self.rig.transmit(command, response);
        // What does not reach the card has not been said.
        if !matches!(result, Err(TransportError::NoCard(_))) {
            let answer = result.as_ref().ok().map(|answer| answer.to_vec());
            self.notes.write(self.who, command.to_vec(), answer);
        }
        result
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.rig.reset()?;
        self.notes.write(self.who, b"reset".to_vec(), Some(Vec::new()));
        Ok(())
    }

    fn name(&self) -> &str {
        self.rig.name()
    }

    fn begin(&mut self) -> Result<Continuity, TransportError> {
        self.rig.begin()
    }

    fn end(&mut self) -> Result<(), TransportError> {
        self.rig.end()
    }
}

/// How the way to the issuer fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failing {
    /// Message of this number, from 1, does not arrive.
    Before(u32),
    /// Its answer does not arrive.
    After(u32),
    /// The issuer refuses it.
    Refused(u32),
}

/// An issuer that is listened to.
pub struct OverheardIssuer<'a> {
    inner: &'a mut dyn IssuerDesk,
    notes: Notes,
    failing: Option<Failing>,
    count: RefCell<u32>,
}

impl std::fmt::Debug for OverheardIssuer<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "OverheardIssuer({:?})", self.failing)
    }
}

fn voucher_bytes(voucher: &Voucher) -> Vec<u8> {
    [voucher.pay_details.emit().as_slice(), &voucher.val.0, &voucher.tac.0].concat()
}

impl<'a> OverheardIssuer<'a> {
    /// This one.
    pub fn new(inner: &'a mut dyn IssuerDesk, notes: &Notes, failing: Option<Failing>) -> Self {
        Self { inner, notes: notes.clone(), failing, count: RefCell::new(0) }
    }

    /// Messages so far.
    pub fn messages(&self) -> u32 {
        *self.count.borrow()
    }

    fn failure(&self) -> IssuerError {
        match self.failing {
            Some(Failing::Refused(_)) => IssuerError::PayDetails("somebody has said so"),
            _ => IssuerError::Store(StoreError::Damaged("out of reach")),
        }
    }

    /// Writes a message down; whether it arrives, and whether its answer does.
    fn message(&self, name: &str, content: &[&[u8]]) -> (bool, bool) {
        let number = {
            let mut count = self.count.borrow_mut();
            *count += 1;
            *count
        };
        let words = [name.as_bytes(), &content.concat()].concat();
        self.notes.write("issuer", words, None);
        let is_stopped =
            [Failing::Before(number), Failing::Refused(number)].map(Some).contains(&self.failing);
        (!is_stopped, self.failing != Some(Failing::After(number)))
    }
}

/// Calls the inner issuer, unless the message or its answer is lost.
macro_rules! pass {
    ($this:ident, $name:literal, [$($content:expr),*], $call:expr) => {{
        let (arrives, answers) = $this.message($name, &[$($content),*]);
        if !arrives {
            return Err($this.failure());
        }
        let result = $call;
        if answers { result } else { Err($this.failure()) }
    }};
}

impl IssuerDesk for OverheardIssuer<'_> {
    fn number(&self) -> PartyNumber {
        self.inner.number()
    }

    fn load(
        &mut self,
        pay_details: &PayDetails,
        req: Authenticator,
        account: &str,
    ) -> Result<Proof, IssuerError> {
        pass!(
            self,
            "load",
            [&pay_details.emit(), &req.0, account.as_bytes()],
            self.inner.load(pay_details, req, account)
        )
    }

    fn unresolved_load(&self, card: PartyNumber) -> Result<Option<Voucher>, IssuerError> {
        pass!(self, "unresolved", [&card.0], self.inner.unresolved_load(card))
    }

    fn load_acknowledged(
        &mut self,
        card: PartyNumber,
        sequence: Sequence,
        ack: Authenticator,
    ) -> Result<(), IssuerError> {
        pass!(
            self,
            "acknowledged",
            [&card.0, &sequence.emit(), &ack.0],
            self.inner.load_acknowledged(card, sequence, ack)
        )
    }

    fn load_declined(
        &mut self,
        card: PartyNumber,
        sequence: Sequence,
        nack: Authenticator,
    ) -> Result<(), IssuerError> {
        pass!(
            self,
            "declined",
            [&card.0, &sequence.emit(), &nack.0],
            self.inner.load_declined(card, sequence, nack)
        )
    }

    fn unload_request(
        &self,
        card: PartyNumber,
        currency: Currency,
        amount: Amount,
        sequence: Sequence,
        time: Time,
    ) -> Result<UnloadRequest, IssuerError> {
        pass!(
            self,
            "request",
            [&card.0, &currency.0, &amount.emit(), &sequence.emit(), &time.emit()],
            self.inner.unload_request(card, currency, amount, sequence, time)
        )
    }

    fn unload(&mut self, voucher: &Voucher) -> Result<Unloaded, IssuerError> {
        pass!(self, "unload", [&voucher_bytes(voucher)], self.inner.unload(voucher))
    }

    fn decline_unload(&mut self, voucher: &Voucher) -> Result<Authenticator, IssuerError> {
        pass!(self, "decline", [&voucher_bytes(voucher)], self.inner.decline_unload(voucher))
    }

    fn records_wanted(&self, sam: PartyNumber) -> Result<Sequence, IssuerError> {
        pass!(self, "wanted", [&sam.0], self.inner.records_wanted(sam))
    }

    fn submit_records(
        &mut self,
        sam: PartyNumber,
        first: Sequence,
        records: &[LogRecord],
    ) -> Result<SubmissionReport, IssuerError> {
        let bytes: Vec<u8> = records.iter().flat_map(LogRecord::emit).collect();
        pass!(
            self,
            "records",
            [&sam.0, &first.emit(), &bytes],
            self.inner.submit_records(sam, first, records)
        )
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
