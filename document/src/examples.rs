//! What the example's transactions come to, by the engine in software.

use apdu_spec::cryptography::{Chain, Engine as _, KeyPurpose, Tac, chain, tac};
use apdu_spec::element::Kind;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::RecordRole;
use apdu_spec::software::Software;
use apdu_spec::status_block::StatusBlock;

use crate::Outcome;
use crate::recorder::Exchange;
use crate::run::Runs;
use crate::scheme::{Who, key};

/// The payer's certificate; a collection's needs H.
pub(crate) fn tac_of(details: &PayDetails, collection: Option<Chain>) -> Tac {
    if details.kind == Kind::Load {
        return Tac::NONE;
    }
    tac(&Software, &mut Software.load(&key(KeyPurpose::Tac, details.from)), details, collection)
}

/// H after one more record of the SAM.
pub(crate) fn chain_after(before: Chain, role: RecordRole, details: &PayDetails, tac: Tac) -> Outcome<Chain> {
    let mut key = Software.load(&key(KeyPurpose::Tac, Who::Sam.number()?));
    Ok(chain(&Software, &mut key, before, role, details, tac))
}

impl Runs {
    /// PD of a transaction of the run.
    pub(crate) fn transaction(&self, name: &str) -> Outcome<PayDetails> {
        let found = self.transactions.iter().find(|(known, _)| *known == name);
        Ok(found.map(|(_, details)| *details).ok_or("no such transaction")?)
    }

    /// PD of the purchase.
    pub(crate) fn purchase(&self) -> Outcome<PayDetails> {
        self.transaction("purchase")
    }

    /// What the purse said of itself when it was selected for its purchase.
    pub(crate) fn status_block(&self) -> Outcome<Vec<u8>> {
        let run = self.processes.iter().find(|run| run.title == "Purchase").ok_or("no purchase")?;
        let answer = run.exchanges.iter().find_map(|exchange| match exchange {
            Exchange::Card { who: Who::Purse, response, .. } => Some(response),
            _ => None,
        });
        let block = answer.and_then(|answer| answer.get(15..15 + StatusBlock::LENGTH));
        Ok(block.ok_or("SELECT answers with the status block")?.to_vec())
    }

    /// What READ BINARY gave of EF.ID.
    pub(crate) fn identity_file(&self) -> Outcome<Vec<u8>> {
        let exchanges = self.processes.iter().flat_map(|run| &run.exchanges);
        let answer = exchanges.into_iter().find_map(|exchange| match exchange {
            Exchange::Card { command, response, .. } if command.get(1) == Some(&0xB0) => Some(response),
            _ => None,
        });
        let answer = answer.and_then(|answer| answer.split_last_chunk::<2>());
        Ok(answer.ok_or("nobody has read EF.ID")?.0.to_vec())
    }
}
