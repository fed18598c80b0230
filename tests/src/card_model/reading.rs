//! What can be read: FCIs, EF.ID, records, balances.

use apdu_spec::command::{PocketBalance, Selection};
use apdu_spec::element::{Amount, Sequence};
use apdu_spec::file::{
    DIRECTORY_CONTROL, IDENTITY_CONTROL, IdentityFile, MASTER_CONTROL, exceptions_control, log_control,
    purse_control,
};
use apdu_spec::record::LogRecord;
use apdu_spec::status::StatusWord as Status;
use apdu_spec::status_block::StatusBlock;

use super::{Entry, Model, Pocket};
use crate::scheme::{VERSION, issuer};

impl Model {
    /// The FCI of a file that can be selected.
    pub(super) fn control(&self, selection: Selection<'_>) -> Vec<u8> {
        match selection {
            Selection::Application(_) => purse_control(&self.status_block()).to_vec(),
            Selection::File([0x3F, _]) => MASTER_CONTROL.to_vec(),
            Selection::File([0x2F, _]) => DIRECTORY_CONTROL.to_vec(),
            Selection::File([_, 0x15]) => IDENTITY_CONTROL.to_vec(),
            Selection::File([_, 0x18]) => log_control(self.sizes.window).to_vec(),
            Selection::File(_) => exceptions_control(self.sizes.exceptions).to_vec(),
        }
    }

    fn status_block(&self) -> StatusBlock {
        let [Pocket { parameters, balance, .. }, ..] = self.state.pockets;
        StatusBlock {
            life_cycle: self.life_cycle(),
            role: self.role,
            number: self.number,
            key_version: VERSION,
            sequence: Sequence(self.next()),
            currency: parameters.currency,
            exponent: parameters.exponent,
            balance: if self.state.locked { Amount::ZERO } else { Amount(balance) },
            expiry: self.state.expiry,
            maximum_balance: parameters.limits.maximum_balance,
        }
    }

    /// EF.ID.
    pub(super) fn identity_file(&self) -> IdentityFile {
        IdentityFile {
            status: self.status_block(),
            issuer: issuer(),
            administration_counter: self.state.script.0,
            flags: 0,
            pockets: self.state.pockets.map(|pocket| pocket.parameters),
        }
    }

    /// The record of a sequence as the log shows it; while locked open payments alone.
    pub(super) fn read_entry(&self, sequence: Sequence) -> Result<Vec<u8>, Status> {
        let place = sequence.0 as usize;
        if self.state.locked && !(self.is_open(place) && self.is_in_log(place)) {
            return Err(Status::SecurityStatus);
        }
        if place >= self.state.entries.len() {
            return Err(Status::ConditionsOfUse);
        }
        if !self.is_in_log(place) {
            return Err(Status::ReferenceNotFound);
        }
        Ok(self.log_record(place).emit().to_vec())
    }

    pub(super) fn log_record(&self, place: usize) -> LogRecord {
        let Entry { pay_details, role, state, balance, tac } = self.state.entries[place];
        let balance = if self.state.locked { Amount::ZERO } else { Amount(balance) };
        LogRecord { pay_details, role, state, balance, tac }
    }

    pub(super) fn balance(&self, pocket: u8) -> Result<Vec<u8>, Status> {
        if self.state.locked {
            return Err(Status::SecurityStatus);
        }
        let pocket = self.state.pockets.get(usize::from(pocket));
        let Pocket { parameters, balance, .. } =
            pocket.filter(|pocket| pocket.parameters.is_used()).ok_or(Status::ReferenceNotFound)?;
        let balance = PocketBalance {
            currency: parameters.currency,
            exponent: parameters.exponent,
            balance: Amount(*balance),
            maximum_balance: parameters.limits.maximum_balance,
        };
        Ok(balance.emit().to_vec())
    }
}
