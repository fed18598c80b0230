//! Somebody else comes to the payee after it has asked for value, and before the value has arrived.

use apdu_spec::element::Amount;
use apdu_spec::parameter::Parameter;
use apdu_spec::pocket::Limits;
use purse_terminal::client::Client;
use purse_terminal::transport::{EMPTY_RESPONSE, InProcess, ResponseBuffer, Transport, TransportError};
use purse_tests::scheme::{PURSE_LIMITS, SAM_LIMITS, party, script};

use super::Rig;

/// INS of CREDIT.
const CREDIT: u8 = 0x52;

type Event<'a> = Box<dyn FnOnce(&mut Rig) + 'a>;

/// A payee to which something happens just before its first CREDIT. What happens there is none of the commands that
/// the [`Rig`] counts, as long as it goes to the transport inside.
pub(crate) struct Interrupted<'a> {
    rig: &'a mut Rig,
    event: Option<Event<'a>>,
}

impl<'a> Interrupted<'a> {
    pub(crate) fn new(rig: &'a mut Rig, event: impl FnOnce(&mut Rig) + 'a) -> Self {
        Self { rig, event: Some(Box::new(event)) }
    }
}

impl Transport for Interrupted<'_> {
    fn transmit<'a>(
        &mut self,
        command: &[u8],
        response: &'a mut ResponseBuffer,
    ) -> Result<&'a [u8], TransportError> {
        if command.get(1) == Some(&CREDIT)
            && let Some(event) = self.event.take()
        {
            event(self.rig);
        }
        self.rig.transmit(command, response)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.rig.reset()
    }

    fn name(&self) -> &str {
        self.rig.name()
    }
}

/// Delivers the issuer's first script.
fn deliver(card: &mut InProcess, number: u64, parameter: &Parameter) {
    let mut response = EMPTY_RESPONSE;
    let answer = card.transmit(&script(party(number), 1, parameter), &mut response).unwrap();
    assert_eq!(answer, [0x90, 0x00]);
}

/// The issuer lets the pocket hold no more than it does. For purse 1 and SAM 2.
pub(crate) fn at_maximum(card: &mut InProcess, number: u64) {
    let limits = if number == 2 { SAM_LIMITS } else { PURSE_LIMITS };
    let status = *Client::select(&mut *card).unwrap().status();
    let maximum_balance = status.balance;
    assert_ne!(maximum_balance, Amount::ZERO);
    deliver(card, number, &Parameter::Limits { pocket: 0, limits: Limits { maximum_balance, ..limits } });
}

/// The issuer blocks the card.
pub(crate) fn block(card: &mut InProcess, number: u64) {
    deliver(card, number, &Parameter::Block);
}
