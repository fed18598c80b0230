//! UPDATE PARAMETER.

use apdu_spec::command::Script;
use apdu_spec::cryptography::{Engine as _, KeyPurpose, Tac, script_mac};
use apdu_spec::element::{KeyVersion, Kind, Role, Sequence};
use apdu_spec::parameter::{Parameter, Resolution};
use apdu_spec::pin::TRIES;
use apdu_spec::record::RecordState;
use apdu_spec::software::Software;
use apdu_spec::status::StatusWord as Status;

use super::{Execution, Model, State};
use crate::scheme::{VERSION, own_key};

impl Model {
    pub(super) fn update_parameter(&mut self, script: &Script<'_>) -> Execution {
        let mut between = None;
        match self.scripted(script, &mut between) {
            Ok(state) => {
                self.state = state;
                Execution { between, ..Ok(Vec::new()).into() }
            }
            Err(status) => Err(status).into(),
        }
    }

    fn scripted(&self, script: &Script<'_>, between: &mut Option<State>) -> Result<State, Status> {
        let mut key = Software.load(&own_key(KeyPurpose::Administration, self.number, VERSION));
        if script.signed(|bytes| script_mac(&Software, &mut key, bytes)) != script.mac {
            return Err(Status::WrongMac);
        }
        let this = (script.counter, script.mac.0);
        if this == self.state.script {
            return Ok(self.state.clone());
        }
        if script.counter <= self.state.script.0 {
            return Err(Status::ConditionsOfUse);
        }
        let parameter = Parameter::parse(script.id, script.value).map_err(|_| Status::WrongData)?;
        let mut state = State { script: this, ..self.state.clone() };
        match parameter {
            Parameter::Limits { pocket, limits } => {
                let pocket = state.pockets.get_mut(usize::from(pocket));
                let pocket = pocket.filter(|pocket| pocket.parameters.is_used());
                pocket.ok_or(Status::ReferenceNotFound)?.parameters.limits = limits;
            }
            Parameter::NewPocket { pocket, parameters } => {
                let known =
                    state.pockets.iter().any(|pocket| pocket.parameters.currency == parameters.currency);
                let pocket = state.pockets.get_mut(usize::from(pocket)).ok_or(Status::ReferenceNotFound)?;
                if known || pocket.parameters.is_used() || !parameters.currency.is_valid() {
                    return Err(Status::WrongData);
                }
                pocket.parameters = parameters;
            }
            Parameter::Expiry(expiry) if expiry.is_valid() => state.expiry = expiry,
            Parameter::Expiry(_) => return Err(Status::WrongData),
            Parameter::PinTries => state.tries = TRIES,
            Parameter::Block => state.blocked = true,
            Parameter::Unblock => state.blocked = false,
            Parameter::Terminate if self.is_used_up() => state.terminated = true,
            Parameter::Terminate => return Err(Status::ConditionsOfUse),
            Parameter::Resolve { sequence, tac, resolution } => {
                return self.resolved(sequence, tac, resolution, state, between);
            }
            Parameter::ClearLock => state.locked = false,
            Parameter::ForgetMaster(version) => self.forget(version, &mut state)?,
        }
        Ok(state)
    }

    /// ACKNOWLEDGE or REVERSE in the issuer's name. A record that is in that state already leaves all as it is.
    fn resolved(
        &self,
        sequence: Sequence,
        tac: Tac,
        resolution: Resolution,
        mut scripted: State,
        between: &mut Option<State>,
    ) -> Result<State, Status> {
        let (place, entry) = self.payment(sequence)?;
        if entry.tac != tac {
            return Err(Status::ReferenceNotFound);
        }
        match (resolution, entry.state) {
            (Resolution::Settled, RecordState::Settled | RecordState::Refunded)
            | (Resolution::Reversed, RecordState::Reversed) => Ok(self.state.clone()),
            (Resolution::Settled, RecordState::Open) => {
                scripted.entries[place].state = RecordState::Settled;
                // The settled mark first, then the parameters with the counter.
                *between = Some(State { script: self.state.script, ..scripted.clone() });
                Ok(scripted)
            }
            (Resolution::Reversed, RecordState::Open) => {
                Ok(State { script: scripted.script, ..self.taken_back(place, true)? })
            }
            _ => Err(Status::ConditionsOfUse),
        }
    }

    fn forget(&self, version: KeyVersion, state: &mut State) -> Result<(), Status> {
        if self.role != Role::Merchant {
            return Err(Status::WrongData);
        }
        if !state.masters.contains(&version) {
            return Err(Status::ReferenceNotFound);
        }
        let under_it = |place: usize| {
            let pay_details = self.state.entries[place].pay_details;
            (pay_details.kind, pay_details.key_version) == (Kind::Refund, version)
        };
        let open = (0..self.state.entries.len()).filter(|place| self.is_open(*place));
        if open.into_iter().any(|place| self.is_in_log(place) && under_it(place)) {
            return Err(Status::ConditionsOfUse);
        }
        state.masters.retain(|held| *held != version);
        Ok(())
    }
}
