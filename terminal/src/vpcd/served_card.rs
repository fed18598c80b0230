//! A virtual card in vpcd's slot, with the faults and the trace of the command line.

use apdu_spec::answer_to_reset::{ATR_T0, ATR_T1};
use apdu_spec::number::PartyNumber;
use purse_card::transmission::T0;

use super::SlotCard;
use crate::simulated_memory::{Cut, Flight};
use crate::transport::{Protocol, ResponseBuffer, Trace, TransportError};
use crate::virtual_card::VirtualCard;

/// A [`VirtualCard`] as a reader sees it.
pub struct ServedCard {
    card: VirtualCard,
    /// None with T=1.
    t0: Option<T0>,
    /// Program and erase operations up to and with the one that is cut.
    cut: Option<u64>,
    /// Responses up to and with the one that is lost.
    lose: Option<u64>,
    /// The power has failed: it does not come back.
    lost_power: bool,
    /// Operations of the memory when the command began, or its response had been sent.
    counted: u64,
    trace: Option<Trace>,
    /// Told once when a blank card has got its number.
    on_number: Option<OnNumber>,
}

/// What is to be done when a blank card has got its number.
type OnNumber = Box<dyn FnOnce(PartyNumber) + Send>;

impl std::fmt::Debug for ServedCard {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ServedCard").field("card", &self.card).finish_non_exhaustive()
    }
}

impl ServedCard {
    /// This card, without faults.
    pub fn new(card: VirtualCard, protocol: Protocol) -> Self {
        let t0 = match protocol {
            Protocol::T0 => Some(T0::new()),
            Protocol::T1 => None,
        };
        Self { card, t0, cut: None, lose: None, lost_power: false, counted: 0, trace: None, on_number: None }
    }

    /// The power fails at this program or erase operation of a command, counted from 1 and from now on: after its first
    /// unit, with garbage in the second. What a power-up does is not counted.
    pub fn with_cut(mut self, operation: Option<u64>) -> Self {
        self.cut = operation;
        self
    }

    /// This response, counted from 1 and from now on, is never sent. With T=0 what GET RESPONSE brings, 61xx and 6Cxx
    /// are responses too.
    pub fn with_lost_response(mut self, response: Option<u64>) -> Self {
        self.lose = response;
        self
    }

    /// Every command is traced.
    pub fn with_trace(mut self, trace: Option<Trace>) -> Self {
        self.trace = trace;
        self
    }

    /// If the card is blank: `tell` hears of the number that it gets.
    pub fn with_number_told(mut self, tell: impl FnOnce(PartyNumber) + Send + 'static) -> Self {
        self.on_number = Some(Box::new(tell));
        self
    }

    /// Takes the card out.
    pub fn into_card(self) -> VirtualCard {
        self.card
    }

    fn process(&mut self, command: &[u8], response: &mut ResponseBuffer) -> Result<usize, TransportError> {
        self.arm();
        let card = &mut self.card;
        let length = match &mut self.t0 {
            None => card.process(command, response),
            Some(t0) => t0.exchange(command, response, |apdu, response| card.process(apdu, response)),
        };
        self.count()?;
        let length = length?;
        if let Some(left) = &mut self.lose {
            *left = left.saturating_sub(1);
            if *left == 0 {
                return Err(TransportError::ResponseLost);
            }
        }
        Ok(length)
    }

    /// Sets the cut for this command: a power-up has forgotten it.
    fn arm(&mut self) {
        if let Some(left) = self.cut {
            let operation = left.saturating_sub(1);
            self.card.cut(Cut { operation, units: 1, flight: Flight::Garbage });
        }
        self.counted = self.card.counts().operations();
    }

    /// Takes what has been done since off the cut; an error where it has struck.
    fn count(&mut self) -> Result<(), TransportError> {
        let now = self.card.counts().operations();
        let done = now.saturating_sub(self.counted);
        self.counted = now;
        match &mut self.cut {
            Some(left) if *left <= done => {
                self.lost_power = true;
                self.cut = None;
                Err(TransportError::PowerLost)
            }
            Some(left) => {
                *left -= done;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl SlotCard for ServedCard {
    fn answer_to_reset(&self) -> &[u8] {
        if self.t0.is_some() { &ATR_T0 } else { &ATR_T1 }
    }

    fn power_on(&mut self) -> Result<(), TransportError> {
        if self.lost_power {
            return Err(TransportError::PowerLost);
        }
        if let Some(t0) = &mut self.t0 {
            t0.reset();
        }
        self.card.power_up()
    }

    fn power_off(&mut self) {
        self.card.power_off();
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        if !self.card.is_powered() {
            return self.power_on();
        }
        if let Some(t0) = &mut self.t0 {
            t0.reset();
        }
        self.card.reset()
    }

    fn respond<'a>(
        &mut self,
        command: &[u8],
        response: &'a mut ResponseBuffer,
    ) -> Result<&'a [u8], TransportError> {
        let traced = self.trace.as_ref().map(|trace| trace.command(command));
        let answer = self.process(command, response).and_then(|length| {
            response.get(..length).ok_or(TransportError::Malformed("longer than its buffer"))
        });
        if let (Some(trace), Some(traced)) = (&self.trace, &traced) {
            trace.answer(self.card.name(), traced, &answer);
        }
        answer
    }

    fn finish(&mut self) -> Result<(), TransportError> {
        self.card.finish();
        if let Some(number) = self.card.number()
            && let Some(tell) = self.on_number.take()
        {
            tell(number);
        }
        self.count()
    }
}
