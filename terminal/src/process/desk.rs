//! The issuer's messages as the standard's bytes: from and to the calls of [`IssuerDesk`].

use apdu_spec::command::Voucher;
use apdu_spec::cryptography::{Authenticator, Tac};
use apdu_spec::element::{Amount, Currency, Sequence, Time};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::LogRecord;
use purse_reference::process::{Answer, Sent};

use crate::flow::IssuerDesk;
use crate::issuer::{IssuerError, Unloaded};

/// Takes the fields of a message one after the other.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH], String> {
        let (field, rest) = self.0.split_first_chunk().ok_or("the message is too short")?;
        self.0 = rest;
        Ok(*field)
    }

    fn number(&mut self) -> Result<PartyNumber, String> {
        Ok(PartyNumber(self.take()?))
    }

    fn pay_details(&mut self) -> Result<PayDetails, String> {
        PayDetails::parse(&self.take()?).map_err(|_| "no pay details".into())
    }

    fn voucher(&mut self) -> Result<Voucher, String> {
        let pay_details = self.pay_details()?;
        Ok(Voucher { pay_details, val: Authenticator(self.take()?), tac: Tac(self.take()?) })
    }

    const fn rest(self) -> &'a [u8] {
        self.0
    }
}

fn done(fields: &[&[u8]]) -> Answer {
    Answer { data: fields.concat(), status: 0x9000 }
}

fn refused(error: &IssuerError) -> Answer {
    super::status(if matches!(error, IssuerError::Store(_)) { 0x6581 } else { 0x6985 })
}

/// Asks the issuer. An error is a message that it does not have.
pub(super) fn ask(issuer: &mut dyn IssuerDesk, message: &Sent<'_>) -> Result<Answer, String> {
    let mut fields = Fields(&message.data);
    let answered: Result<Answer, IssuerError> = match message.name {
        "UNRESOLVED LOAD" => issuer.unresolved_load(fields.number()?).map(|found| match found {
            Some(Voucher { pay_details, val, tac }) => done(&[&pay_details.emit(), &val.0, &tac.0]),
            None => super::status(0x6A88),
        }),
        "LOAD" => {
            let (pay_details, req) = (fields.pay_details()?, Authenticator(fields.take()?));
            let account = std::str::from_utf8(fields.rest()).map_err(|_| "an account's name is text")?;
            issuer.load(&pay_details, req, account).map(|proof| done(&[&proof.val.0, &proof.tac.0]))
        }
        "LOAD ACKNOWLEDGED" => {
            let (card, sequence) = (fields.number()?, Sequence::parse(fields.take()?));
            issuer.load_acknowledged(card, sequence, Authenticator(fields.take()?)).map(|()| done(&[]))
        }
        "LOAD DECLINED" => {
            let (card, sequence) = (fields.number()?, Sequence::parse(fields.take()?));
            issuer.load_declined(card, sequence, Authenticator(fields.take()?)).map(|()| done(&[]))
        }
        "UNLOAD REQUEST" => {
            let (card, currency) = (fields.number()?, Currency(fields.take()?));
            let (amount, sequence) = (Amount::parse(fields.take()?), Sequence::parse(fields.take()?));
            let asked = issuer.unload_request(card, currency, amount, sequence, Time::parse(fields.take()?));
            asked.map(|asked| done(&[&asked.pay_details.emit(), &asked.req.0]))
        }
        "UNLOAD" => issuer.unload(&fields.voucher()?).map(|unloaded| match unloaded {
            Unloaded::Credited { ack, credited, withheld } => {
                done(&[&ack.0, &credited.emit(), &withheld.emit()])
            }
            Unloaded::RecordsMissing { .. } => super::status(0x6A88),
            Unloaded::ChainDoesNotFit => super::status(0x6A80),
        }),
        "DECLINE UNLOAD" => issuer.decline_unload(&fields.voucher()?).map(|nack| done(&[&nack.0])),
        "RECORDS WANTED" => issuer.records_wanted(fields.number()?).map(|first| done(&[&first.emit()])),
        "SUBMIT RECORDS" => {
            let (sam, first) = (fields.number()?, Sequence::parse(fields.take()?));
            let records = fields.rest();
            let (records, []) = records.as_chunks::<{ LogRecord::LENGTH }>() else {
                return Err("no whole records".into());
            };
            let records: Result<Vec<LogRecord>, _> = records.iter().map(LogRecord::parse).collect();
            let records = records.map_err(|_| "no records")?;
            issuer.submit_records(sam, first, &records).map(|_| done(&[]))
        }
        other => return Err(format!("the issuer knows no {other}")),
    };
    Ok(answered.unwrap_or_else(|error| refused(&error)))
}
