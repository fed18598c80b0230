//! What precedes every command, SELECT, and the holder's PIN and lock.

use apdu_spec::certificate::{Certificate, CertificateBody};
use apdu_spec::command::{CommandName, Selection};
use apdu_spec::curve::Curve as _;
use apdu_spec::element::Role;
use apdu_spec::file::APPLICATION;
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::pin::{PinBlock, TRIES};
use apdu_spec::software::Software;
use apdu_spec::status::StatusWord as Status;

use super::{Execution, Model, State};
use crate::bench_card::Answer;
use crate::rows::life_cycles;

impl Model {
    /// Selection, then life cycle (06: 6982, else 6985).
    pub(super) fn gate(&self, command: CommandName) -> Result<(), Status> {
        let free = matches!(command, CommandName::Select | CommandName::ReadBinary);
        if !free && !self.selected {
            Err(Status::ConditionsOfUse)
        } else if life_cycles(command).contains(&self.life_cycle()) {
            Ok(())
        } else if self.life_cycle() == LifeCycle::Locked {
            Err(Status::SecurityStatus)
        } else {
            Err(Status::ConditionsOfUse)
        }
    }

    pub(super) fn life_cycle(&self) -> LifeCycle {
        let State { terminated, blocked, locked, .. } = self.state;
        match (terminated, blocked, locked) {
            (true, ..) => LifeCycle::Terminated,
            (_, true, _) => LifeCycle::Blocked,
            (.., true) => LifeCycle::Locked,
            _ => LifeCycle::Active,
        }
    }

    pub(super) fn select(
        &mut self,
        selection: Selection<'_>,
        control: bool,
        room: u16,
    ) -> Result<Answer, Status> {
        let below = self.selected;
        let (length, selected) = match selection {
            Selection::Application(identifier) if identifier == APPLICATION => (44, true),
            Selection::File([0x3F, 0x00]) => (9, false),
            Selection::File([0x2F, 0x00]) if !below => (16, false),
            Selection::File([0x00, 0x15 | 0x18 | 0x19]) if below => (13, true),
            _ => return Err(Status::FileNotFound),
        };
        if control && room < length {
            return Err(Status::WrongExpected(u8::try_from(length).expect("short")));
        }
        let is_application = matches!(selection, Selection::Application(_));
        self.verified &= !is_application && selected;
        self.peer = self.peer.filter(|_| !is_application && selected);
        self.selected = selected;
        let data = if control { self.control(selection) } else { Vec::new() };
        let status = match self.life_cycle() {
            LifeCycle::Blocked if is_application => Status::Blocked,
            LifeCycle::Terminated if is_application => Status::Terminated,
            _ => Status::Success,
        };
        Ok(Answer { data, status })
    }

    /// The certificate of another purse of this issuer, signed with its key.
    pub(super) fn verify_certificate(&mut self, certificate: &Certificate) -> Result<Vec<u8>, Status> {
        let own = self.key_pair.as_ref().ok_or(Status::ConditionsOfUse)?;
        let CertificateBody { role, number, issuer_key, public_key, .. } = certificate.body;
        if role != Role::Purse || number == self.number {
            return Err(Status::WrongData);
        }
        if issuer_key != own.certificate.body.issuer_key {
            return Err(Status::ReferenceNotFound);
        }
        if !certificate.is_signed_by(&Software, &own.issuer_key) {
            return Err(Status::WrongMac);
        }
        if Software.agree(&own.private_key, &public_key).is_none() {
            return Err(Status::WrongData);
        }
        self.peer = Some(number);
        Ok(Vec::new())
    }

    pub(super) fn ask_for_tries(&self) -> Result<Vec<u8>, Status> {
        match (self.verified, self.state.tries) {
            (true, _) => Ok(Vec::new()),
            (false, 0) => Err(Status::PinBlocked),
            (false, left) => Err(Status::WrongPin(left)),
        }
    }

    /// A try is taken before the comparison, and given back after success.
    pub(super) fn present(&mut self, block: &PinBlock, new: Option<&PinBlock>) -> Execution {
        self.verified = false;
        let Some(left) = self.state.tries.checked_sub(1) else {
            return Err(Status::PinBlocked).into();
        };
        self.state.tries = left;
        let between = Some(self.state.clone());
        if self.state.pin != block.emit() {
            return Execution { answer: Err(Status::WrongPin(left)), between };
        }
        self.state.tries = TRIES;
        self.state.pin = new.unwrap_or(block).emit();
        self.verified = true;
        Execution { between, ..Ok(Vec::new()).into() }
    }

    pub(super) fn set_lock(&mut self, locked: bool) -> Result<Vec<u8>, Status> {
        if !self.verified {
            return Err(Status::SecurityStatus);
        }
        self.state.locked = locked;
        Ok(Vec::new())
    }
}
