//! The issuer as a terminal sees it, here or elsewhere.

use apdu_spec::command::{Proof, Voucher};
use apdu_spec::cryptography::{Authenticator, Engine};
use apdu_spec::element::{Amount, Currency, Sequence, Time};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::LogRecord;

use crate::issuer::{
    Issuer, IssuerError, SignedScript, Store, SubmissionReport, UnloadRequest, Unloaded, Unsettleable,
};

/// What a terminal asks of the issuer. Every call is one step of the issuer, durable when it returns.
pub trait IssuerDesk {
    /// The issuer's number.
    fn number(&self) -> PartyNumber;

    /// Debits the account and gives val for a load.
    fn load(
        &mut self,
        pay_details: &PayDetails,
        req: Authenticator,
        account: &str,
    ) -> Result<Proof, IssuerError>;

    /// The load of this card that has neither ack nor nack, with its val, if there is one.
    fn unresolved_load(&self, card: PartyNumber) -> Result<Option<Voucher>, IssuerError>;

    /// The card has credited its load.
    fn load_acknowledged(
        &mut self,
        card: PartyNumber,
        sequence: Sequence,
        ack: Authenticator,
    ) -> Result<(), IssuerError>;

    /// The card never credits its load.
    fn load_declined(
        &mut self,
        card: PartyNumber,
        sequence: Sequence,
        nack: Authenticator,
    ) -> Result<(), IssuerError>;

    /// PD and req of an unload or a collection.
    fn unload_request(
        &self,
        card: PartyNumber,
        currency: Currency,
        amount: Amount,
        sequence: Sequence,
        time: Time,
    ) -> Result<UnloadRequest, IssuerError>;

    /// Takes the val of an unload or a collection.
    fn unload(&mut self, voucher: &Voucher) -> Result<Unloaded, IssuerError>;

    /// Declines an unload for ever and gives nack.
    fn decline_unload(&mut self, voucher: &Voucher) -> Result<Authenticator, IssuerError>;

    /// The first sequence of a merchant SAM that no collection has passed.
    fn records_wanted(&self, sam: PartyNumber) -> Result<Sequence, IssuerError>;

    /// Takes a merchant SAM's records from this sequence on.
    fn submit_records(
        &mut self,
        sam: PartyNumber,
        first: Sequence,
        records: &[LogRecord],
    ) -> Result<SubmissionReport, IssuerError>;

    /// Signs how a card closes an open record that cannot be settled any more.
    fn resolve(
        &mut self,
        card: PartyNumber,
        record: &LogRecord,
        unsettleable: Unsettleable,
    ) -> Result<SignedScript, IssuerError>;
}

impl<S: Store, E: Engine> IssuerDesk for Issuer<S, E> {
    fn number(&self) -> PartyNumber {
        self.number()
    }

    fn load(
        &mut self,
        pay_details: &PayDetails,
        req: Authenticator,
        account: &str,
    ) -> Result<Proof, IssuerError> {
        self.load(pay_details, req, account)
    }

    fn unresolved_load(&self, card: PartyNumber) -> Result<Option<Voucher>, IssuerError> {
        self.unresolved_load(card)
    }

    fn load_acknowledged(
        &mut self,
        card: PartyNumber,
        sequence: Sequence,
        ack: Authenticator,
    ) -> Result<(), IssuerError> {
        self.load_acknowledged(card, sequence, ack)
    }

    fn load_declined(
        &mut self,
        card: PartyNumber,
        sequence: Sequence,
        nack: Authenticator,
    ) -> Result<(), IssuerError> {
        self.load_declined(card, sequence, nack)
    }

    fn unload_request(
        &self,
        card: PartyNumber,
        currency: Currency,
        amount: Amount,
        sequence: Sequence,
        time: Time,
    ) -> Result<UnloadRequest, IssuerError> {
        self.unload_request(card, currency, amount, sequence, time)
    }

    fn unload(&mut self, voucher: &Voucher) -> Result<Unloaded, IssuerError> {
        self.unload(voucher)
    }

    fn decline_unload(&mut self, voucher: &Voucher) -> Result<Authenticator, IssuerError> {
        self.decline_unload(voucher)
    }

    fn records_wanted(&self, sam: PartyNumber) -> Result<Sequence, IssuerError> {
        self.records_wanted(sam)
    }

    fn submit_records(
        &mut self,
        sam: PartyNumber,
        first: Sequence,
        records: &[LogRecord],
    ) -> Result<SubmissionReport, IssuerError> {
        self.submit_records(sam, first, records)
    }

    fn resolve(
        &mut self,
        card: PartyNumber,
        record: &LogRecord,
        unsettleable: Unsettleable,
    ) -> Result<SignedScript, IssuerError> {
        self.resolve(card, record, unsettleable)
    }
}
