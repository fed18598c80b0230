//! The holder's PIN and lock: VERIFY, CHANGE PIN, LOCK, UNLOCK.

use apdu_spec::cryptography::Engine;
use apdu_spec::curve::Curve;
use apdu_spec::pin::PinBlock;
use apdu_spec::status::StatusWord;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::card::{Card, Outcome};
use crate::memory::Memory;
use crate::store::{Entry, Parameters, Pin};

impl<M: Memory, E: Engine + Curve, const WINDOW: usize, const EXCEPTIONS: usize>
    Card<M, E, WINDOW, EXCEPTIONS>
{
    /// VERIFY; without a PIN, the question whether it is verified.
    pub(crate) fn verify(&mut self, presented: Option<&PinBlock>) -> Outcome {
        let Some(presented) = presented else {
            let tries = self.pin()?.tries;
            return match (self.session.pin_verified, tries) {
                (true, _) => Ok(StatusWord::Success),
                (false, 0) => Err(StatusWord::PinBlocked),
                (false, left) => Err(StatusWord::WrongPin(left)),
            };
        };
        let restored = self.compare(presented)?;
        self.accept(restored)
    }

    /// CHANGE PIN: a VERIFY of the old one, then the new one with all its tries in one commit.
    pub(crate) fn change_pin(&mut self, old: &PinBlock, new: &PinBlock) -> Outcome {
        let mut restored = self.compare(old)?;
        restored.block = new.emit();
        self.accept(restored)
    }

    /// Compares only once the try is written and sealed, so that no cut gives it back.
    fn compare(&mut self, presented: &PinBlock) -> Result<Pin, StatusWord> {
        self.session.pin_verified = false;
        let mut pin = self.pin()?.clone();
        pin.tries = pin.tries.checked_sub(1).ok_or(StatusWord::PinBlocked)?;
        self.store.commit(Entry::Pin(pin.clone()))?;
        self.store.finish()?;
        let presented = Zeroizing::new(presented.emit());
        if bool::from(pin.block.ct_eq(&*presented)) {
            pin.tries = pin.limit;
            Ok(pin)
        } else {
            Err(StatusWord::WrongPin(pin.tries))
        }
    }

    fn accept(&mut self, pin: Pin) -> Outcome {
        self.store.commit(Entry::Pin(pin))?;
        self.session.pin_verified = true;
        Ok(StatusWord::Success)
    }

    fn pin(&self) -> Result<&Pin, StatusWord> {
        self.store.pin().ok_or(StatusWord::ConditionsOfUse)
    }

    /// LOCK and UNLOCK by the holder.
    pub(crate) fn set_lock(&mut self, locked: bool) -> Outcome {
        if !self.session.pin_verified {
            return Err(StatusWord::SecurityStatus);
        }
        let parameters = *self.store.parameters().ok_or(StatusWord::ConditionsOfUse)?;
        self.store.commit(Entry::Parameters(Parameters { locked, ..parameters }))?;
        Ok(StatusWord::Success)
    }
}
