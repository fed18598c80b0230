//! `--cut` and `--lose`: one counter over all cards of the command, in the order in which things happen.
//!
//! `--cut N`: the Nth program or erase operation, counted from when the command's cards have started, ends after its
//! first unit of 16 bytes, with garbage in the second; the card has no power from then on. `--lose N`: the
//! Nth response, SELECT's included, never reaches the terminal, for the card is pulled out right then: it has done what
//! it was told, and is not there again before the next command. (A response that is lost while the card stays is no
//! matter: the terminal asks again and gets the same answer.)

use std::cell::Cell;
use std::rc::Rc;

use purse_terminal::simulated_memory::{Cut, Flight};
use purse_terminal::transport::{InProcess, ResponseBuffer, Transport, TransportError};

/// What is still to happen; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Faults {
    /// Operations up to and with the one that is cut.
    cut: Rc<Cell<Option<u64>>>,
    /// Responses up to and with the one that is lost.
    lose: Rc<Cell<Option<u64>>>,
}

impl Faults {
    /// Counted from 1; none for no fault.
    pub(crate) fn new(cut: Option<u64>, lose: Option<u64>) -> Self {
        Self { cut: Rc::new(Cell::new(cut)), lose: Rc::new(Cell::new(lose)) }
    }

    /// Takes what has happened off a counter. Returns whether its moment has come.
    fn count(counter: &Cell<Option<u64>>, happened: u64) -> bool {
        match counter.get() {
            None => false,
            Some(left) if left > happened => {
                counter.set(Some(left - happened));
                false
            }
            Some(_) => {
                counter.set(None);
                true
            }
        }
    }
}

/// A virtual card under the command's faults.
#[derive(Debug)]
pub(crate) struct FaultySlot {
    inner: InProcess,
    faults: Faults,
    pulled: bool,
}

impl FaultySlot {
    /// With the faults that the command's cards share.
    pub(crate) const fn new(inner: InProcess, faults: Faults) -> Self {
        Self { inner, faults, pulled: false }
    }

    fn present(&self) -> Result<(), TransportError> {
        if self.pulled {
            return Err(TransportError::NoCard(format!(
                "the slot of `{}`: it was pulled out",
                self.inner.name()
            )));
        }
        Ok(())
    }
}

impl Transport for FaultySlot {
    fn transmit<'a>(
        &mut self,
        command: &[u8],
        response: &'a mut ResponseBuffer,
    ) -> Result<&'a [u8], TransportError> {
        self.present()?;
        // Set anew each time: other cards count too. A cut that struck elsewhere must not strike again here.
        let left = self.faults.cut.get();
        let operation = left.map_or(u64::MAX, |left| left - 1);
        self.inner.card_mut().cut(Cut { operation, units: 1, flight: Flight::Garbage });
        let before = self.inner.card().counts().operations();
        let length = self.inner.transmit(command, response).map(<[u8]>::len);
        let happened = self.inner.card().counts().operations() - before;
        Faults::count(&self.faults.cut, happened);
        let length = length?;
        if Faults::count(&self.faults.lose, 1) {
            self.pulled = true;
            return Err(TransportError::ResponseLost);
        }
        response.get(..length).ok_or(TransportError::Malformed("longer than its buffer"))
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.present()?;
        self.inner.reset()
    }

    fn name(&self) -> &str {
        self.inner.name()
    }
}
