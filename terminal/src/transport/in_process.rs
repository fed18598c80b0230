//! A virtual card in this process.

use super::{ResponseBuffer, Transport, TransportError};
use crate::virtual_card::VirtualCard;

/// The way to a [`VirtualCard`]: real APDU bytes, no reader.
#[derive(Debug)]
pub struct InProcess {
    card: VirtualCard,
}

impl InProcess {
    /// Talks to this card.
    pub const fn new(card: VirtualCard) -> Self {
        Self { card }
    }

    /// The card, to look at its memory.
    pub const fn card(&self) -> &VirtualCard {
        &self.card
    }

    /// The card, to set a cut or to power it up again.
    pub const fn card_mut(&mut self) -> &mut VirtualCard {
        &mut self.card
    }

    /// Takes the card out.
    pub fn into_card(self) -> VirtualCard {
        self.card
    }
}

impl Transport for InProcess {
    fn transmit<'a>(
        &mut self,
        command: &[u8],
        response: &'a mut ResponseBuffer,
    ) -> Result<&'a [u8], TransportError> {
        let length = self.card.process(command, response)?;
        let answer = response.get(..length).ok_or(TransportError::Malformed("longer than its buffer"))?;
        // What the card does after its answer comes too late to take the answer back, even if its power fails in it.
        self.card.finish();
        Ok(answer)
    }

    /// A card that has lost its power stays without, as one that was taken from the reader: see
    /// [`VirtualCard::power_up`].
    fn reset(&mut self) -> Result<(), TransportError> {
        self.card.reset()
    }

    fn name(&self) -> &str {
        self.card.name()
    }
}
