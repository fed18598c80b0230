//! What cannot be settled between the cards any more, the issuer resolves (section 7): a script for each open record.

use apdu_spec::record::LogRecord;

use super::desk::IssuerDesk;
use super::error::{FlowError, Party};
use super::guard;
use crate::client::Client;
use crate::issuer::{SignedScript, Unsettleable};
use crate::transport::Transport;

/// One open record, and whether the issuer has resolved it.
#[derive(Debug)]
pub struct Item {
    /// As it was while it was open.
    pub record: LogRecord,
    /// The script that the card has executed, or why there is none.
    pub outcome: Result<SignedScript, FlowError>,
}

/// Asks the issuer about every open payer record of the card and delivers its scripts. To be tried after a recovery:
/// the issuer refuses what can still be settled. The card is released while the issuer is asked, and at the end.
pub fn resolve<T: Transport>(
    card: &mut Client<T>,
    issuer: &mut (dyn IssuerDesk + '_),
    unsettleable: Unsettleable,
) -> Result<Vec<Item>, FlowError> {
    let resolved = resolve_in_phases(card, issuer, unsettleable);
    card.release();
    resolved
}

fn resolve_in_phases<T: Transport>(
    card: &mut Client<T>,
    issuer: &mut (dyn IssuerDesk + '_),
    unsettleable: Unsettleable,
) -> Result<Vec<Item>, FlowError> {
    let party = guard::any_role(card.status())?;
    let failed = FlowError::card(party);
    card.reselect().map_err(failed)?;
    let number = card.status().number;
    let records = card.open_records().map_err(failed)?.records;
    let mut items = Vec::new();
    for record in records {
        card.release();
        let outcome = match issuer.resolve(number, &record, unsettleable) {
            Ok(script) => match deliver(card, &script) {
                Ok(()) => Ok(script),
                Err(error) => Err(error.in_doubt(&record.pay_details)),
            },
            Err(error) => Err(FlowError::Issuer(error)),
        };
        items.push(Item { record, outcome });
    }
    Ok(items)
}

/// UPDATE PARAMETER. Delivered again it changes nothing, so a lost response is no harm. The card is held for it and
/// stays so.
pub fn deliver<T: Transport>(card: &mut Client<T>, script: &SignedScript) -> Result<(), FlowError> {
    let failed = FlowError::card(Party::of(card.status().role));
    card.hold().map_err(failed)?;
    match card.update_parameter(&script.script()) {
        Err(error) if error.may_have_happened() => {
            card.reconnect().map_err(failed)?;
            card.update_parameter(&script.script()).map_err(failed)
        }
        certain => certain.map_err(failed),
    }
}
