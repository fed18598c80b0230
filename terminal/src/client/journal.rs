//! Reading EF.LOG and EF.EXC.

use apdu_spec::command::table::LAST_RECORD;
use apdu_spec::command::{Command, CommandName, Selection};
use apdu_spec::element::Sequence;
use apdu_spec::file::File;
use apdu_spec::record::{LogRecord, RecordRole, RecordState};
use apdu_spec::status::StatusWord;

use super::card::Client;
use super::error::CardError;
use crate::transport::{EMPTY_RESPONSE, Transport};

/// More records than any card keeps: what bounds the reading of a log that never ends.
pub(crate) const MOST_ENTRIES: u32 = 8192;
/// A locked card does not say where its log ends; no purse's is longer than this.
const MOST_REFUSED: u32 = 1024;

/// What a card has paid, and has not heard of.
#[derive(Debug, Default)]
pub struct OpenRecords {
    /// Oldest first.
    pub records: Vec<LogRecord>,
    /// EF.EXC has what was open before this sequence; it has left the log.
    pub in_log: Sequence,
}

impl<T: Transport> Client<T> {
    /// The FCI of EF.LOG, which says how many records it holds. EF.LOG is the current file then.
    pub fn log_control(&mut self) -> Result<[u8; 13], CardError> {
        let mut buffer = EMPTY_RESPONSE;
        let command = Command::Select(Selection::File(File::Log.identifier().unwrap_or_default()), true);
        let data = self.exchange(&command, &mut buffer)?;
        let reason = "the FCI of EF.LOG has a wrong length";
        data.try_into().map_err(|_| CardError::Malformed { command: CommandName::Select, reason })
    }

    /// READ RECORD of EF.LOG, 1 = newest; none behind the last.
    pub fn log_record(&mut self, number: u8) -> Result<Option<LogRecord>, CardError> {
        self.record(File::Log, number)
    }

    /// EF.EXC, oldest first: open records that the log had to let go.
    pub fn exceptions(&mut self) -> Result<Vec<LogRecord>, CardError> {
        let mut records = Vec::new();
        for number in 1..=LAST_RECORD {
            match self.record(File::Exceptions, number)? {
                Some(record) => records.push(record),
                None => break,
            }
        }
        Ok(records)
    }

    /// READ ENTRY: the record of one sequence; none where the log has let it go, or while locked, where it is not an
    /// open payer record.
    pub fn entry(&mut self, sequence: Sequence) -> Result<Option<LogRecord>, CardError> {
        let mut buffer = EMPTY_RESPONSE;
        let answer = self.exchange(&Command::ReadEntry(sequence), &mut buffer);
        let Some(record) = optional(CommandName::ReadEntry, answer)? else { return Ok(None) };
        let number = self.status().number;
        let (party, own) = match record.role {
            RecordRole::Payer => (record.pay_details.from, record.pay_details.from_sequence),
            RecordRole::Payee | RecordRole::Declined => {
                (record.pay_details.to, record.pay_details.to_sequence)
            }
            // It carries PD of the debit that it reverses, so only the number can be compared.
            RecordRole::Reversal => (record.pay_details.from, sequence),
        };
        if (party, own) == (number, sequence) {
            Ok(Some(record))
        } else {
            let reason = "the record is not the one asked for";
            Err(CardError::Malformed { command: CommandName::ReadEntry, reason })
        }
    }

    /// Records with their sequences, newest first, from before the next transaction down to the last one that the log
    /// holds, until `enough` says so of a record, which comes too. A locked card gives open payer records only.
    pub fn entries(
        &mut self,
        enough: impl FnMut(&LogRecord) -> bool,
    ) -> Result<Vec<(Sequence, LogRecord)>, CardError> {
        self.entries_from(0, enough)
    }

    /// The same down to this sequence.
    fn entries_from(
        &mut self,
        first: u32,
        mut enough: impl FnMut(&LogRecord) -> bool,
    ) -> Result<Vec<(Sequence, LogRecord)>, CardError> {
        let mut records = Vec::new();
        let next = self.status().sequence.0;
        let mut refused = 0;
        for sequence in (next.saturating_sub(MOST_ENTRIES).max(first)..next).rev().map(Sequence) {
            match self.entry(sequence) {
                Ok(Some(record)) => {
                    let last = enough(&record);
                    records.push((sequence, record));
                    if last {
                        break;
                    }
                }
                // Locked, this one is not open; those before it may be.
                Err(CardError::Refused { status: StatusWord::SecurityStatus, .. })
                    if refused < MOST_REFUSED =>
                {
                    refused += 1;
                }
                Ok(None) | Err(CardError::Refused { status: StatusWord::SecurityStatus, .. }) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(records)
    }

    /// Every payer record that is open, in EF.EXC and EF.LOG, oldest first.
    pub fn open_records(&mut self) -> Result<OpenRecords, CardError> {
        let mut records = self.exceptions()?;
        // What has left the log's window is older than all that is in it.
        let known = records.last().map_or(0, |record| record.pay_details.from_sequence.0.saturating_add(1));
        let entries = self.entries_from(known, |_| false)?;
        records.extend(entries.into_iter().rev().map(|(_, record)| record));
        let number = self.status().number;
        records.retain(|record| {
            record.role == RecordRole::Payer
                && record.state == RecordState::Open
                && record.pay_details.from == number
        });
        Ok(OpenRecords { records, in_log: Sequence(known) })
    }

    fn record(&mut self, file: File, number: u8) -> Result<Option<LogRecord>, CardError> {
        let mut buffer = EMPTY_RESPONSE;
        let command = Command::ReadRecord(file.short_identifier(), number);
        let answer = self.exchange(&command, &mut buffer);
        optional(CommandName::ReadRecord, answer)
    }
}

/// A record, or none where the card has it not.
fn optional(command: CommandName, answer: Result<&[u8], CardError>) -> Result<Option<LogRecord>, CardError> {
    match answer {
        Ok(data) => {
            let reason = "the record has a wrong length";
            let data = data.try_into().map_err(|_| CardError::Malformed { command, reason })?;
            LogRecord::parse(data).map(Some).map_err(|error| CardError::malformed(command, error))
        }
        Err(CardError::Refused {
            status: StatusWord::ReferenceNotFound | StatusWord::RecordNotFound,
            ..
        }) => Ok(None),
        Err(error) => Err(error),
    }
}
