//! A card is selected, held while it is talked to, and let go of.

use apdu_spec::command::{Command, CommandName, Selection};
use apdu_spec::file::APPLICATION;
use apdu_spec::status::StatusWord;
use apdu_spec::status_block::StatusBlock;

use super::card::{Client, transmit};
use super::control;
use super::error::CardError;
use crate::transport::{Continuity, EMPTY_RESPONSE, Transport};

impl<T: Transport> Client<T> {
    /// Selects the application: 1 APDU. A blocked or terminated card, and a blank one, select too: see
    /// [`StatusBlock::life_cycle`]. The card is held.
    pub fn select(mut transport: T) -> Result<Self, CardError> {
        transport.begin().map_err(CardError::Begin)?;
        match select(&mut transport) {
            Ok(status) => Ok(Self { transport, status, held: true, selected: true, peer: None }),
            Err(error) => {
                // What is wrong with the card has been said already.
                let _ = transport.end();
                Err(error)
            }
        }
    }

    /// Holds the card: no other program can talk to it. Where one may have done so it is selected again, which ends the
    /// session (PIN verified). A card of another number is refused. Held already, nothing is done. On an error the card
    /// is not held, and nothing but SELECT has been sent.
    pub fn hold(&mut self) -> Result<(), CardError> {
        self.begin()?;
        if self.selected { Ok(()) } else { self.reselect().map(|_| ()) }
    }

    /// Lets other programs talk to the card.
    pub fn release(&mut self) {
        if std::mem::take(&mut self.held) {
            // What is wrong shows at the next command.
            let _ = self.transport.end();
        }
    }

    /// Whether the card is held.
    pub const fn is_held(&self) -> bool {
        self.held
    }

    /// Selects again, which ends the session (PIN verified). A card of another number is refused. The card is held
    /// afterwards; on an error it is not.
    pub fn reselect(&mut self) -> Result<&StatusBlock, CardError> {
        let number = self.status.number;
        self.select_if(|status| status.number == number)?;
        Ok(&self.status)
    }

    /// Resets the card and selects again: for a card that is back after its response was lost. It is held for both, so
    /// that no other program loses its session, and afterwards; on an error it is not.
    pub fn reconnect(&mut self) -> Result<&StatusBlock, CardError> {
        self.begin()?;
        self.selected = false;
        if let Err(error) = self.transport.reset() {
            self.release();
            return Err(CardError::Reset(error));
        }
        self.reselect()
    }

    /// Begins a phase, unless the card is held.
    fn begin(&mut self) -> Result<(), CardError> {
        if !self.held {
            let continuity = self.transport.begin().map_err(CardError::Begin)?;
            self.held = true;
            self.selected &= continuity == Continuity::Kept;
        }
        Ok(())
    }

    /// SELECT in a phase, which ends if the card is not the one that is wanted.
    pub(super) fn select_if(&mut self, wanted: impl FnOnce(&StatusBlock) -> bool) -> Result<(), CardError> {
        self.begin()?;
        self.selected = false;
        let error = match select(&mut self.transport) {
            Ok(status) if wanted(&status) => {
                self.status = status;
                self.selected = true;
                match self.peer.map_or(Ok(()), |peer| self.meet(&peer)) {
                    Ok(()) => return Ok(()),
                    Err(error) => error,
                }
            }
            Ok(_) => CardError::OtherCard,
            Err(error) => error,
        };
        self.release();
        Err(error)
    }

    /// Gives the transport back, released.
    pub fn into_transport(mut self) -> T {
        self.release();
        self.transport
    }
}

/// SELECT with FCI. 6283 and 6285 come with the FCI too.
fn select<T: Transport>(transport: &mut T) -> Result<StatusBlock, CardError> {
    let command = Command::Select(Selection::Application(&APPLICATION), true);
    let mut buffer = EMPTY_RESPONSE;
    let (data, status) = transmit(transport, &command, &mut buffer)?;
    match status {
        StatusWord::Success | StatusWord::Blocked | StatusWord::Terminated => control::status_block(data),
        status => Err(CardError::Refused { command: CommandName::Select, status }),
    }
}
