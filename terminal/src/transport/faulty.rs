//! Loses responses.

use super::{Continuity, ResponseBuffer, Transport, TransportError};

/// What becomes of the card once a response is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It stays: only this response is lost.
    Once(u64),
    /// It is gone, too: nothing reaches it any more.
    Removal(u64),
}

/// Loses the Nth response: the command reaches the card, the answer never arrives.
#[derive(Debug)]
pub struct Faulty<T> {
    inner: T,
    fault: Option<Fault>,
    removed: bool,
    commands: u64,
}

impl<T: Transport> Faulty<T> {
    /// Loses nothing yet.
    pub fn new(inner: T) -> Self {
        Self { inner, fault: None, removed: false, commands: 0 }
    }

    /// Loses the `number`th response from now on, counted from 1; the card stays where it is.
    pub fn lose(&mut self, number: u64) {
        self.commands = 0;
        self.fault = Some(Fault::Once(number));
    }

    /// Loses the `number`th response from now on, counted from 1, because the card is taken away right then.
    pub fn remove(&mut self, number: u64) {
        self.commands = 0;
        self.fault = Some(Fault::Removal(number));
    }

    /// Brings a card that was taken away back, and loses nothing any more. The card has been without power.
    pub fn bring_back(&mut self) -> Result<(), TransportError> {
        self.fault = None;
        self.removed = false;
        self.inner.reset()
    }

    /// Commands since the start, or since a fault was set.
    pub const fn commands(&self) -> u64 {
        self.commands
    }

    /// The transport inside.
    pub const fn inner(&self) -> &T {
        &self.inner
    }

    /// The transport inside.
    pub const fn inner_mut(&mut self) -> &mut T {
        &mut self.inner
    }

    /// Gives the transport back.
    pub fn into_inner(self) -> T {
        self.inner
    }

    fn present(&self) -> Result<(), TransportError> {
        if self.removed { Err(TransportError::NoCard(self.inner.name().to_owned())) } else { Ok(()) }
    }
}

impl<T: Transport> Transport for Faulty<T> {
    fn transmit<'a>(
        &mut self,
        command: &[u8],
        response: &'a mut ResponseBuffer,
    ) -> Result<&'a [u8], TransportError> {
        self.present()?;
        self.commands += 1;
        let response = self.inner.transmit(command, response)?;
        match self.fault {
            Some(Fault::Once(number)) if number == self.commands => Err(TransportError::ResponseLost),
            Some(Fault::Removal(number)) if number == self.commands => {
                self.removed = true;
                Err(TransportError::ResponseLost)
            }
            _ => Ok(response),
        }
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.present()?;
        self.inner.reset()
    }

    fn name(&self) -> &str {
        self.inner.name()
    }

    fn begin(&mut self) -> Result<Continuity, TransportError> {
        self.present()?;
        self.inner.begin()
    }

    fn end(&mut self) -> Result<(), TransportError> {
        self.inner.end()
    }
}
