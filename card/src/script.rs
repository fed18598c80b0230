//! UPDATE PARAMETER: the issuer's scripts, each executed once (section 6).

use apdu_spec::command::Script;
use apdu_spec::cryptography::{Engine, KeyPurpose, Tac, script_mac};
use apdu_spec::curve::Curve;
use apdu_spec::element::{KeyVersion, Kind, Role, Sequence};
use apdu_spec::parameter::{Parameter, Resolution};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::pocket::PocketParameters;
use apdu_spec::record::RecordState;
use apdu_spec::status::StatusWord;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::card::{Card, Outcome};
use crate::keys::Keys;
use crate::memory::Memory;
use crate::store::{Administration, Entry, Parameters};

impl<M: Memory, E: Engine + Curve, const WINDOW: usize, const EXCEPTIONS: usize>
    Card<M, E, WINDOW, EXCEPTIONS>
{
    /// The MAC first; then the counter; then what the script asks for.
    pub(crate) fn update_parameter(&mut self, script: &Script<'_>) -> Outcome {
        let key = self.keys.own(KeyPurpose::Administration)?;
        let expected = script.signed(|bytes| script_mac(&self.engine, key, bytes));
        if !bool::from(expected.ct_eq(&script.mac)) {
            return Err(StatusWord::WrongMac);
        }
        let accepted = self.store.administration();
        if script.counter == accepted.counter && bool::from(script.mac.0.ct_eq(&accepted.mac)) {
            return Ok(StatusWord::Success);
        }
        if script.counter <= accepted.counter {
            return Err(StatusWord::ConditionsOfUse);
        }
        let parameter = Parameter::parse(script.id, script.value).map_err(|_| StatusWord::WrongData)?;
        let administration = Administration { counter: script.counter, mac: script.mac.0 };
        self.apply(&parameter, administration)?;
        Ok(StatusWord::Success)
    }

    fn apply(&mut self, parameter: &Parameter, administration: Administration) -> Result<(), StatusWord> {
        let mut parameters = *self.store.parameters().ok_or(StatusWord::ConditionsOfUse)?;
        parameters.administration = administration;
        match *parameter {
            Parameter::Limits { pocket, limits } => {
                let place = place(&mut parameters, pocket).filter(|pocket| pocket.is_used());
                place.ok_or(StatusWord::ReferenceNotFound)?.limits = limits;
            }
            Parameter::NewPocket { pocket, parameters: new } => {
                let known = parameters.pockets.iter().any(|pocket| pocket.currency == new.currency);
                let free = place(&mut parameters, pocket).ok_or(StatusWord::ReferenceNotFound)?;
                if known || free.is_used() || !new.currency.is_valid() {
                    return Err(StatusWord::WrongData);
                }
                *free = new;
            }
            Parameter::Expiry(expiry) if expiry.is_valid() => parameters.expiry = expiry,
            Parameter::Expiry(_) => return Err(StatusWord::WrongData),
            Parameter::PinTries => return self.restore_tries(administration),
            Parameter::Block => parameters.blocked = true,
            Parameter::Unblock => parameters.blocked = false,
            Parameter::Terminate if self.is_used_up() => parameters.terminated = true,
            Parameter::Terminate => return Err(StatusWord::ConditionsOfUse),
            Parameter::Resolve { sequence, tac, resolution } => {
                return self.resolve(sequence, tac, resolution, &parameters);
            }
            Parameter::ClearLock => parameters.locked = false,
            Parameter::ForgetMaster(version) => return self.forget_master(version, administration),
        }
        Ok(self.store.commit(Entry::Parameters(parameters))?)
    }

    fn restore_tries(&mut self, administration: Administration) -> Result<(), StatusWord> {
        let mut pin = self.store.pin().ok_or(StatusWord::ConditionsOfUse)?.clone();
        pin.tries = pin.limit;
        pin.administration = administration;
        Ok(self.store.commit(Entry::Pin(pin))?)
    }

    /// ACKNOWLEDGE or REVERSE in the issuer's name. A record that is in that state already leaves everything as it
    /// is, the counter too.
    fn resolve(
        &mut self,
        sequence: Sequence,
        tac: Tac,
        resolution: Resolution,
        parameters: &Parameters,
    ) -> Result<(), StatusWord> {
        let record = self.payer_record(sequence)?;
        if !bool::from(record.tac.ct_eq(&tac)) {
            return Err(StatusWord::ReferenceNotFound);
        }
        match (resolution, self.state_of(sequence)?) {
            (Resolution::Settled, RecordState::Settled | RecordState::Refunded)
            | (Resolution::Reversed, RecordState::Reversed) => Ok(()),
            (Resolution::Settled, RecordState::Open) => {
                // Cut between the two, the same script finds the record settled and its counter unused.
                self.store.commit(Entry::Mark(sequence))?;
                Ok(self.store.commit(Entry::Parameters(*parameters))?)
            }
            (Resolution::Reversed, RecordState::Open) => {
                self.take_back(&record, Some(parameters.administration))
            }
            (Resolution::Settled, RecordState::Reversed)
            | (Resolution::Reversed, RecordState::Settled | RecordState::Refunded) => {
                Err(StatusWord::ConditionsOfUse)
            }
        }
    }

    fn forget_master(
        &mut self,
        version: KeyVersion,
        administration: Administration,
    ) -> Result<(), StatusWord> {
        if self.identity()?.role != Role::Merchant {
            return Err(StatusWord::WrongData);
        }
        let mut masters = self.store.masters().ok_or(StatusWord::ConditionsOfUse)?.clone();
        let place =
            masters.keys.iter_mut().find(|key| key.as_ref().is_some_and(|(held, _)| *held == version));
        place.ok_or(StatusWord::ReferenceNotFound)?.zeroize();
        for sequence in self.sequences().filter(|sequence| self.is_open_payment(*sequence)) {
            let record = self.store.record(sequence)?;
            if record.is_some_and(|record| is_under_master(&record.pay_details, version)) {
                return Err(StatusWord::ConditionsOfUse);
            }
        }
        masters.administration = administration;
        self.store.commit(Entry::Masters(masters))?;
        self.keys = Keys::new(&self.engine, &self.store);
        Ok(())
    }
}

/// A SAM's own unload is under its own key, whatever its version.
fn is_under_master(pay_details: &PayDetails, version: KeyVersion) -> bool {
    pay_details.kind == Kind::Refund && pay_details.key_version == version
}

fn place(parameters: &mut Parameters, pocket: u8) -> Option<&mut PocketParameters> {
    parameters.pockets.get_mut(usize::from(pocket))
}
