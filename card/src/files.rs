//! Reading: SELECT, READ BINARY, READ RECORD, READ ENTRY, GET DATA, GET BALANCE.

use apdu_spec::certificate::TAG_CERTIFICATE;
use apdu_spec::command::table::{LOG_FORMAT, TAG_LOG_FORMAT, TAG_PIN_TRIES};
use apdu_spec::command::{PocketBalance, Request, Selection};
use apdu_spec::cryptography::Engine;
use apdu_spec::curve::Curve;
use apdu_spec::element::{Amount, Currency, Expiry, KeyVersion, Role, Sequence};
use apdu_spec::file::{self, File, IdentityFile, Structure};
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::number::PartyNumber;
use apdu_spec::pocket::{POCKETS, PocketParameters};
use apdu_spec::record::{LogRecord, RecordState};
use apdu_spec::status::StatusWord;
use apdu_spec::status_block::StatusBlock;
use apdu_spec::wire::Writer;

use crate::card::{Card, Outcome, Session};
use crate::memory::Memory;

impl<M: Memory, E: Engine + Curve, const WINDOW: usize, const EXCEPTIONS: usize>
    Card<M, E, WINDOW, EXCEPTIONS>
{
    /// SELECT. Nothing changes before it is certain that the answer fits Le.
    pub(crate) fn select(
        &mut self,
        request: &Request<'_>,
        selection: Selection<'_>,
        control: bool,
        answer: &mut Writer<'_>,
    ) -> Outcome {
        let file = match selection {
            Selection::Application(identifier) if identifier == file::APPLICATION => File::Purse,
            Selection::Application(_) => return Err(StatusWord::FileNotFound),
            Selection::File(identifier) => self.reachable(|file| file.identifier() == Some(identifier))?,
        };
        if control {
            match file {
                File::Master => answer.put(&file::MASTER_CONTROL),
                File::Directory => answer.put(&file::DIRECTORY_CONTROL),
                File::Purse => answer.put(&file::purse_control(&self.status_block())),
                File::Identity => answer.put(&file::IDENTITY_CONTROL),
                File::Log => answer.put(&file::log_control(WINDOW)),
                File::Exceptions => answer.put(&file::exceptions_control(EXCEPTIONS)),
            };
            request.check_room(answer.length())?;
        }
        match file {
            File::Master | File::Purse => {
                self.session = Session { file, ..Session::NEW };
                self.keys.part_from_peer();
            }
            File::Directory | File::Identity | File::Log | File::Exceptions => self.session.file = file,
        }
        Ok(match (file, self.life_cycle()) {
            (File::Purse, LifeCycle::Blocked) => StatusWord::Blocked,
            (File::Purse, LifeCycle::Terminated) => StatusWord::Terminated,
            _ => StatusWord::Success,
        })
    }

    /// The MF, or a file below the current DF.
    fn reachable(&self, wanted: impl Fn(File) -> bool) -> Result<File, StatusWord> {
        let directory = if self.session.is_selected() { File::Purse } else { File::Master };
        File::ALL
            .into_iter()
            .find(|file| wanted(*file) && (*file == File::Master || file.parent() == directory))
            .ok_or(StatusWord::FileNotFound)
    }

    /// The EF that a short identifier names, or else the current one; it becomes current once it is read.
    fn elementary(&self, short_identifier: Option<u8>, structure: Structure) -> Result<File, StatusWord> {
        let file = match short_identifier {
            Some(wanted) => self.reachable(|file| file.short_identifier() == Some(wanted))?,
            None => self.session.file,
        };
        match file.structure() {
            Structure::Dedicated => Err(StatusWord::NoCurrentFile),
            found if found == structure => Ok(file),
            _ => Err(StatusWord::FileStructure),
        }
    }

    pub(crate) fn read_binary(
        &mut self,
        short_identifier: Option<u8>,
        offset: u16,
        request: &Request<'_>,
        answer: &mut Writer<'_>,
    ) -> Outcome {
        let file = self.elementary(short_identifier, Structure::Transparent)?;
        let identity;
        let content: &[u8] = if file == File::Directory {
            &file::DIRECTORY
        } else {
            identity = self.identity_file().emit();
            &identity
        };
        let rest = content.get(usize::from(offset)..).filter(|rest| !rest.is_empty());
        let rest = rest.ok_or(StatusWord::WrongOffset)?;
        let length = rest.len().min(usize::from(request.expected.unwrap_or(0)));
        answer.put(rest.get(..length).unwrap_or(rest));
        self.session.file = file;
        Ok(StatusWord::Success)
    }

    pub(crate) fn read_record(
        &mut self,
        short_identifier: Option<u8>,
        number: u8,
        answer: &mut Writer<'_>,
    ) -> Outcome {
        let file = self.elementary(short_identifier, Structure::Records);
        if self.is_locked() && file != Ok(File::Exceptions) {
            return Err(StatusWord::SecurityStatus);
        }
        let file = file?;
        let place = usize::from(number).saturating_sub(1);
        let sequence = if file == File::Exceptions {
            self.store.exceptions().nth(place)
        } else {
            self.store.window_sequences().nth(place)
        };
        answer.put(&self.log_record(sequence.ok_or(StatusWord::RecordNotFound)?)?.emit());
        self.session.file = file;
        Ok(StatusWord::Success)
    }

    pub(crate) fn read_entry(&mut self, sequence: Sequence, answer: &mut Writer<'_>) -> Outcome {
        if self.is_locked() && !self.is_open_payment(sequence) {
            return Err(StatusWord::SecurityStatus);
        }
        if sequence >= self.store.next_sequence() {
            return Err(StatusWord::ConditionsOfUse);
        }
        answer.put(&self.log_record(sequence)?.emit());
        Ok(StatusWord::Success)
    }

    pub(crate) fn get_data(
        &mut self,
        tag: [u8; 2],
        request: &Request<'_>,
        answer: &mut Writer<'_>,
    ) -> Outcome {
        match (tag, self.store.pin()) {
            (TAG_LOG_FORMAT, _) => answer.put(&LOG_FORMAT),
            (TAG_PIN_TRIES, Some(pin)) => answer.put(&TAG_PIN_TRIES).put(&[1, pin.tries]),
            (TAG_CERTIFICATE, _) => {
                let certificate = self.store.certificate()?.ok_or(StatusWord::ReferenceNotFound)?;
                answer.put(&certificate.object())
            }
            _ => return Err(StatusWord::ReferenceNotFound),
        };
        request.check_room(answer.length())?;
        Ok(StatusWord::Success)
    }

    pub(crate) fn get_balance(&mut self, pocket: u8, answer: &mut Writer<'_>) -> Outcome {
        if self.is_locked() {
            return Err(StatusWord::SecurityStatus);
        }
        let place = usize::from(pocket);
        let parameters = self.store.parameters().and_then(|parameters| parameters.pockets.get(place));
        let parameters = parameters.filter(|pocket| pocket.is_used()).ok_or(StatusWord::ReferenceNotFound)?;
        let balance = PocketBalance {
            currency: parameters.currency,
            exponent: parameters.exponent,
            balance: self.store.state().pockets.get(place).map_or(Amount::ZERO, |pocket| pocket.balance),
            maximum_balance: parameters.limits.maximum_balance,
        };
        answer.put(&balance.emit());
        Ok(StatusWord::Success)
    }

    /// A record as the log shows it (section 4).
    fn log_record(&self, sequence: Sequence) -> Result<LogRecord, StatusWord> {
        let record = self.store.record(sequence)?.ok_or(StatusWord::ReferenceNotFound)?;
        let state = self.store.standing(sequence).map_or(RecordState::Settled, |standing| standing.state);
        let parameters = self.store.parameters();
        let place = parameters.and_then(|parameters| {
            parameters.pockets.iter().position(|pocket| pocket.currency == record.pay_details.currency)
        });
        let balance =
            place.and_then(|place| record.pockets.get(place)).map_or(Amount::ZERO, |pocket| pocket.balance);
        Ok(LogRecord {
            pay_details: record.pay_details,
            role: record.role,
            state,
            balance: if self.is_locked() { Amount::ZERO } else { balance },
            tac: record.tac,
        })
    }

    fn status_block(&self) -> StatusBlock {
        let identity = self.store.identity();
        let parameters = self.store.parameters();
        let pocket = parameters.map_or(PocketParameters::UNUSED, |parameters| {
            let [first, ..] = parameters.pockets;
            first
        });
        let [state, ..] = self.store.state().pockets;
        StatusBlock {
            life_cycle: self.life_cycle(),
            role: identity.map_or(Role::Purse, |identity| identity.role),
            number: identity.map_or(PartyNumber::NONE, |identity| identity.number),
            key_version: identity.map_or(KeyVersion::NONE, |identity| identity.key_version),
            sequence: self.store.next_sequence(),
            currency: if identity.is_some() { pocket.currency } else { Currency::NONE },
            exponent: pocket.exponent,
            balance: if self.is_locked() { Amount::ZERO } else { state.balance },
            expiry: parameters.map_or(Expiry::default(), |parameters| parameters.expiry),
            maximum_balance: pocket.limits.maximum_balance,
        }
    }

    fn identity_file(&self) -> IdentityFile {
        let identity = self.store.identity();
        IdentityFile {
            status: self.status_block(),
            issuer: identity.map_or(PartyNumber::NONE, |identity| identity.issuer),
            administration_counter: self.store.administration().counter,
            flags: identity.map_or(0, |identity| identity.flags),
            pockets: self
                .store
                .parameters()
                .map_or([PocketParameters::UNUSED; POCKETS], |parameters| parameters.pockets),
        }
    }
}
