//! The issuer's messages as the standard's bytes: from and to the calls of [`IssuerDesk`].

use apdu_spec::command::Voucher;
use apdu_spec::cryptography::Authenticator;
use apdu_spec::element::{Amount, Currency, DataError, Sequence, Time};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::LogRecord;
use apdu_spec::status::StatusWord;
use apdu_spec::wire::Reader;
use purse_reference::process::{Answer, Sent};

use crate::flow::IssuerDesk;
use crate::issuer::{IssuerError, Unloaded};

fn done(fields: &[&[u8]]) -> Answer {
    Answer { data: fields.concat(), status: StatusWord::Success.code() }
}

fn refused(error: &IssuerError) -> Answer {
    match error {
        IssuerError::Unanswered(_) => super::UNKNOWN,
        IssuerError::Store(_) => super::status(StatusWord::MemoryFailure),
        _ => super::status(StatusWord::ConditionsOfUse),
    }
}

/// Asks the issuer. An error is a message that it does not have, or of another form.
pub(super) fn ask(issuer: &mut dyn IssuerDesk, message: &Sent<'_>) -> Result<Answer, String> {
    let answered =
        answer(issuer, message).map_err(|_| format!("the issuer knows no such {}", message.name))?;
    Ok(answered.unwrap_or_else(|error| refused(&error)))
}

fn answer(issuer: &mut dyn IssuerDesk, message: &Sent<'_>) -> Result<Result<Answer, IssuerError>, DataError> {
    let mut fields = Reader::new(&message.data);
    Ok(match message.name {
        "UNRESOLVED LOAD" => issuer.unresolved_load(PartyNumber(fields.take()?)).map(|found| match found {
            Some(voucher) => done(&[&voucher.emit()]),
            None => super::status(StatusWord::ReferenceNotFound),
        }),
        "LOAD" => {
            let (pay_details, req) = (PayDetails::parse(&fields.take()?)?, Authenticator(fields.take()?));
            let account = std::str::from_utf8(fields.rest()).map_err(|_| DataError::Value)?;
            issuer.load(&pay_details, req, account).map(|proof| done(&[&proof.val.0, &proof.tac.0]))
        }
        "LOAD ACKNOWLEDGED" => {
            let (card, sequence) = (PartyNumber(fields.take()?), Sequence::parse(fields.take()?));
            issuer.load_acknowledged(card, sequence, Authenticator(fields.take()?)).map(|()| done(&[]))
        }
        "LOAD DECLINED" => {
            let (card, sequence) = (PartyNumber(fields.take()?), Sequence::parse(fields.take()?));
            issuer.load_declined(card, sequence, Authenticator(fields.take()?)).map(|()| done(&[]))
        }
        "UNLOAD REQUEST" => {
            let (card, currency) = (PartyNumber(fields.take()?), Currency(fields.take()?));
            let (amount, sequence) = (Amount::parse(fields.take()?), Sequence::parse(fields.take()?));
            let asked = issuer.unload_request(card, currency, amount, sequence, Time::parse(fields.take()?));
            asked.map(|asked| done(&[&asked.pay_details.emit(), &asked.req.0]))
        }
        "UNLOAD" => issuer.unload(&Voucher::parse(fields.rest())?).map(|unloaded| match unloaded {
            Unloaded::Credited { ack, credited, withheld } => {
                done(&[&ack.0, &credited.emit(), &withheld.emit()])
            }
            Unloaded::RecordsMissing { .. } => super::status(StatusWord::ReferenceNotFound),
            Unloaded::ChainDoesNotFit => super::status(StatusWord::WrongData),
        }),
        "DECLINE UNLOAD" => {
            issuer.decline_unload(&Voucher::parse(fields.rest())?).map(|nack| done(&[&nack.0]))
        }
        "RECORDS WANTED" => {
            issuer.records_wanted(PartyNumber(fields.take()?)).map(|first| done(&[&first.emit()]))
        }
        "SUBMIT RECORDS" => {
            let (sam, first) = (PartyNumber(fields.take()?), Sequence::parse(fields.take()?));
            let (records, []) = fields.rest().as_chunks::<{ LogRecord::LENGTH }>() else {
                return Err(DataError::Length);
            };
            let records: Vec<LogRecord> = records.iter().map(LogRecord::parse).collect::<Result<_, _>>()?;
            issuer.submit_records(sam, first, &records).map(|_| done(&[]))
        }
        _ => return Err(DataError::Value),
    })
}
