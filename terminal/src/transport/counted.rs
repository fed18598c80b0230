//! Counts what crosses.

use super::{Continuity, ResponseBuffer, Transport, TransportError};

/// APDUs and bytes that have crossed a transport.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Commands sent.
    pub commands: u64,
    /// Bytes of commands, header, Lc and Le included.
    pub bytes_sent: u64,
    /// Bytes of the responses that arrived, status words included.
    pub bytes_received: u64,
}

impl Counts {
    /// Bytes both ways.
    pub const fn bytes(&self) -> u64 {
        self.bytes_sent + self.bytes_received
    }
}

/// Counts commands, and bytes both ways.
#[derive(Debug)]
pub struct Counted<T> {
    inner: T,
    counts: Counts,
}

impl<T: Transport> Counted<T> {
    /// Counts from zero.
    pub fn new(inner: T) -> Self {
        Self { inner, counts: Counts::default() }
    }

    /// What has crossed since the start or the last [`Self::reset_counts`].
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Counts from zero again.
    pub fn reset_counts(&mut self) {
        self.counts = Counts::default();
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
}

impl<T: Transport> Transport for Counted<T> {
    fn transmit<'a>(
        &mut self,
        command: &[u8],
        response: &'a mut ResponseBuffer,
    ) -> Result<&'a [u8], TransportError> {
        self.counts.commands += 1;
        self.counts.bytes_sent += command.len() as u64;
        let response = self.inner.transmit(command, response)?;
        self.counts.bytes_received += response.len() as u64;
        Ok(response)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.inner.reset()
    }

    fn name(&self) -> &str {
        self.inner.name()
    }

    fn begin(&mut self) -> Result<Continuity, TransportError> {
        self.inner.begin()
    }

    fn end(&mut self) -> Result<(), TransportError> {
        self.inner.end()
    }
}
