//! The reference card as something that a terminal can talk to.

use std::cell::RefCell;
use std::rc::Rc;

use purse_reference::card::ReferenceCard;
use purse_reference::machine::Observer;

use crate::transport::{ResponseBuffer, Transport, TransportError};

/// Who watches a card; several cards may have the same one.
pub type SharedObserver<'a> = Rc<RefCell<dyn Observer + 'a>>;

/// A reference card in this process.
pub struct InReference<'a> {
    card: ReferenceCard<'a>,
    name: String,
    observer: SharedObserver<'a>,
}

impl std::fmt::Debug for InReference<'_> {
    /// Its name alone: the memory has keys.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "InReference({})", self.name)
    }
}

impl<'a> InReference<'a> {
    /// A card under this name, watched.
    pub fn new(card: ReferenceCard<'a>, name: &str, observer: SharedObserver<'a>) -> Self {
        Self { card, name: name.to_owned(), observer }
    }

    /// The card.
    pub const fn card(&self) -> &ReferenceCard<'a> {
        &self.card
    }
}

impl Transport for InReference<'_> {
    fn transmit<'b>(
        &mut self,
        command: &[u8],
        response: &'b mut ResponseBuffer,
    ) -> Result<&'b [u8], TransportError> {
        let execution = self.card.process_observed(command, &mut *self.observer.borrow_mut());
        let execution = execution.map_err(|fault| TransportError::Other(fault.to_string()))?;
        let room = response.get_mut(..execution.response.len());
        let room = room.ok_or(TransportError::Malformed("the answer is too long"))?;
        room.copy_from_slice(&execution.response);
        Ok(room)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.card.reset();
        Ok(())
    }

    fn name(&self) -> &str {
        &self.name
    }
}
