//! A card that does nothing, to measure what is around it.

use apdu_spec::status::StatusWord;
use apdu_spec::wire::Writer;

use super::SlotCard;
use crate::transport::{ResponseBuffer, TransportError};

/// Answers every command with the same number of zero bytes and 9000.
#[derive(Clone, Copy, Debug)]
pub struct EchoCard {
    length: u8,
}

impl EchoCard {
    /// T=1, as the purse; its historical bytes are "ECHO", so that its reader can be found.
    pub const ANSWER_TO_RESET: [u8; 10] = [0x3B, 0x84, 0x81, 0x11, 0xFE, 0x45, 0x43, 0x48, 0x4F, 0xEB];

    /// With so many data bytes in each answer.
    pub const fn new(length: u8) -> Self {
        Self { length }
    }
}

impl SlotCard for EchoCard {
    fn answer_to_reset(&self) -> &[u8] {
        &Self::ANSWER_TO_RESET
    }

    fn power_on(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    fn power_off(&mut self) {}

    fn reset(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    fn respond<'a>(
        &mut self,
        _: &[u8],
        response: &'a mut ResponseBuffer,
    ) -> Result<&'a [u8], TransportError> {
        let data = [0; u8::MAX as usize];
        let data = data.get(..usize::from(self.length)).unwrap_or_default();
        let length = Writer::new(response).put(data).put(&StatusWord::Success.emit()).length();
        response.get(..length).ok_or(TransportError::Malformed("longer than its buffer"))
    }

    fn finish(&mut self) -> Result<(), TransportError> {
        Ok(())
    }
}
