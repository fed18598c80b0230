//! An issuer that somebody listens to: every message and every answer as the standard's bytes.

use apdu_spec::command::{Proof, Voucher};
use apdu_spec::cryptography::Authenticator;
use apdu_spec::element::{Amount, Currency, Sequence, Time};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::LogRecord;
use purse_terminal::flow::IssuerDesk;
use purse_terminal::issuer::{
    IssuerError, SignedScript, SubmissionReport, UnloadRequest, Unloaded, Unsettleable,
};

use crate::overheard::Overhearing;

/// The issuer, overheard: messages have the names of [`apdu_spec::message::MESSAGES`]. `resolve`, which no process uses,
/// is not heard.
pub struct OverheardIssuer<'a> {
    desk: &'a mut dyn IssuerDesk,
    listener: Overhearing,
}

impl std::fmt::Debug for OverheardIssuer<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("OverheardIssuer").field("listener", &self.listener).finish_non_exhaustive()
    }
}

impl<'a> OverheardIssuer<'a> {
    pub(crate) const fn new(desk: &'a mut dyn IssuerDesk, listener: Overhearing) -> Self {
        Self { desk, listener }
    }

    /// Messages so far.
    pub const fn messages(&self) -> u32 {
        self.listener.messages()
    }
}

/// Says, asks, answers.
fn heard<T>(
    listener: &Overhearing,
    message: &'static str,
    content: &[&[u8]],
    ask: impl FnOnce() -> Result<T, IssuerError>,
    bytes: impl FnOnce(&T) -> Vec<u8>,
) -> Result<T, IssuerError> {
    listener.said(message, &content.concat())?;
    let result = ask();
    listener.answered(&result.as_ref().map_or_else(|_| Vec::new(), bytes))?;
    result
}

impl IssuerDesk for OverheardIssuer<'_> {
    fn number(&self) -> PartyNumber {
        self.desk.number()
    }

    fn load(
        &mut self,
        pay_details: &PayDetails,
        req: Authenticator,
        account: &str,
    ) -> Result<Proof, IssuerError> {
        heard(
            &self.listener,
            "LOAD",
            &[&pay_details.emit(), &req.0, account.as_bytes()],
            || self.desk.load(pay_details, req, account),
            |proof| [proof.val.0, proof.tac.0].concat(),
        )
    }

    fn unresolved_load(&self, card: PartyNumber) -> Result<Option<Voucher>, IssuerError> {
        heard(
            &self.listener,
            "UNRESOLVED LOAD",
            &[&card.0],
            || self.desk.unresolved_load(card),
            |found| found.map_or_else(Vec::new, |voucher| voucher.emit().to_vec()),
        )
    }

    fn load_acknowledged(
        &mut self,
        card: PartyNumber,
        sequence: Sequence,
        ack: Authenticator,
    ) -> Result<(), IssuerError> {
        heard(
            &self.listener,
            "LOAD ACKNOWLEDGED",
            &[&card.0, &sequence.emit(), &ack.0],
            || self.desk.load_acknowledged(card, sequence, ack),
            |()| Vec::new(),
        )
    }

    fn load_declined(
        &mut self,
        card: PartyNumber,
        sequence: Sequence,
        nack: Authenticator,
    ) -> Result<(), IssuerError> {
        heard(
            &self.listener,
            "LOAD DECLINED",
            &[&card.0, &sequence.emit(), &nack.0],
            || self.desk.load_declined(card, sequence, nack),
            |()| Vec::new(),
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
        heard(
            &self.listener,
            "UNLOAD REQUEST",
            &[&card.0, &currency.0, &amount.emit(), &sequence.emit(), &time.emit()],
            || self.desk.unload_request(card, currency, amount, sequence, time),
            |asked| [asked.pay_details.emit().as_slice(), &asked.req.0].concat(),
        )
    }

    fn unload(&mut self, voucher: &Voucher) -> Result<Unloaded, IssuerError> {
        heard(
            &self.listener,
            "UNLOAD",
            &[&voucher.emit()],
            || self.desk.unload(voucher),
            |unloaded| match unloaded {
                Unloaded::Credited { ack, credited, withheld } => {
                    [ack.0.as_slice(), &credited.emit(), &withheld.emit()].concat()
                }
                Unloaded::RecordsMissing { .. } | Unloaded::ChainDoesNotFit => Vec::new(),
            },
        )
    }

    fn decline_unload(&mut self, voucher: &Voucher) -> Result<Authenticator, IssuerError> {
        heard(
            &self.listener,
            "DECLINE UNLOAD",
            &[&voucher.emit()],
            || self.desk.decline_unload(voucher),
            |nack| nack.0.to_vec(),
        )
    }

    fn records_wanted(&self, sam: PartyNumber) -> Result<Sequence, IssuerError> {
        heard(
            &self.listener,
            "RECORDS WANTED",
            &[&sam.0],
            || self.desk.records_wanted(sam),
            |first| first.emit().to_vec(),
        )
    }

    fn submit_records(
        &mut self,
        sam: PartyNumber,
        first: Sequence,
        records: &[LogRecord],
    ) -> Result<SubmissionReport, IssuerError> {
        let bytes: Vec<u8> = records.iter().flat_map(LogRecord::emit).collect();
        heard(
            &self.listener,
            "SUBMIT RECORDS",
            &[&sam.0, &first.emit(), &bytes],
            || self.desk.submit_records(sam, first, records),
            |_| Vec::new(),
        )
    }

    fn resolve(
        &mut self,
        card: PartyNumber,
        record: &LogRecord,
        unsettleable: Unsettleable,
    ) -> Result<SignedScript, IssuerError> {
        self.desk.resolve(card, record, unsettleable)
    }
}
