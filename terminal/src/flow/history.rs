//! What a card remembers.

use apdu_spec::element::Sequence;
use apdu_spec::record::{LogRecord, RecordRole};

use crate::client::{CardError, Client};
use crate::transport::Transport;

/// A record with its place in the card's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The card's own sequence; no two entries have the same.
    pub sequence: Sequence,
    /// What was done, and what became of it.
    pub record: LogRecord,
}

/// EF.LOG, newest first, then EF.EXC, newest first. A locked card refuses (6982). The card is released
/// at the end.
pub fn history<T: Transport>(card: &mut Client<T>) -> Result<Vec<Entry>, CardError> {
    newest(card, usize::MAX)
}

/// At most so many of them, the newest: no older record is read.
pub fn newest<T: Transport>(card: &mut Client<T>, count: usize) -> Result<Vec<Entry>, CardError> {
    let entries = read(card, count);
    card.release();
    entries
}

fn read<T: Transport>(card: &mut Client<T>, count: usize) -> Result<Vec<Entry>, CardError> {
    card.reselect()?;
    // A locked card would show its open records only, which is not its history.
    card.log_record(1)?;
    let mut read = 0;
    let log = card.entries(|_| {
        read += 1;
        read >= count
    })?;
    let mut entries: Vec<Entry> =
        log.into_iter().map(|(sequence, record)| Entry { sequence, record }).collect();
    if entries.len() >= count {
        return Ok(entries);
    }
    for record in card.exceptions()?.into_iter().rev() {
        let sequence = match record.role {
            RecordRole::Payer | RecordRole::Reversal => record.pay_details.from_sequence,
            RecordRole::Payee | RecordRole::Declined => record.pay_details.to_sequence,
        };
        if entries.iter().all(|entry| entry.sequence != sequence) {
            entries.push(Entry { sequence, record });
        }
    }
    entries.truncate(count);
    Ok(entries)
}
