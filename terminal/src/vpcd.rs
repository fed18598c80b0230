//! A card in a PC/SC reader that does not exist: the card's side of the protocol of vsmartcard's vpcd, a reader driver
//! for pcscd.
//!
//! Each message is two bytes of length, the high one first, and so many bytes. One byte alone is a control: power off,
//! power on, reset (none of which is answered), or the question for the ATR. Everything else is a command APDU and is
//! answered. A cut is a closed connection; an empty answer would hang vpcd's clients, so none is ever sent.

mod connection;
mod echo_card;
mod plug;
mod served_card;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::transport::{ResponseBuffer, TransportError};

pub use echo_card::EchoCard;
pub use plug::{Plug, Stop};
pub use served_card::ServedCard;

use connection::{Connection, Parted};

/// Port of vpcd's first slot (8C7B).
pub const FIRST_SLOT: u16 = 0x8C7B;
/// Port of vpcd's second slot.
pub const SECOND_SLOT: u16 = FIRST_SLOT + 1;

/// How long a slot is left empty so that pcscd notices.
const EMPTY_SLOT: Duration = Duration::from_secs(1);

/// A card as vpcd's slot sees it.
///
/// An error of [`TransportError::NoCard`] says that the card has no power now and ends the connection alone; any other
/// ends the serving too.
pub trait SlotCard {
    /// What it says of itself, with power or without.
    fn answer_to_reset(&self) -> &[u8];

    /// Gives it power; its session is new.
    fn power_on(&mut self) -> Result<(), TransportError>;

    /// Takes its power.
    fn power_off(&mut self);

    /// A warm reset: its session is lost.
    fn reset(&mut self) -> Result<(), TransportError>;

    /// Answers a command; what it says is kept. The answer is never empty.
    fn respond<'a>(
        &mut self,
        command: &[u8],
        response: &'a mut ResponseBuffer,
    ) -> Result<&'a [u8], TransportError>;

    /// After the response was sent: what a payment need not wait for.
    fn finish(&mut self) -> Result<(), TransportError>;
}

/// What happens while a card is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// vpcd is there, at this address.
    Connected(SocketAddr),
    /// vpcd is there, but has not asked for the card: it takes one card at a time.
    Unasked,
    /// vpcd has gone; the card has no power until it is back.
    Gone,
}

/// Why the serving has ended. The card is without power.
#[derive(Debug)]
pub enum Ended {
    /// [`Stop::ask`] was called.
    Stopped,
    /// The card: it has lost its power, its response got lost, or it does not start.
    Card(TransportError),
}

/// Serves a card until `stop` is asked for or the card ends it: waits for vpcd, does what it says, and when it has gone
/// takes the card's power and waits again.
///
/// # Errors
/// The listener has failed, or the address of vpcd is none.
pub fn serve(
    card: &mut dyn SlotCard,
    plug: &Plug,
    stop: &Stop,
    events: &mut dyn FnMut(Event),
) -> io::Result<Ended> {
    card.power_off();
    while let Some((stream, address)) = plug.wait(stop)? {
        events(Event::Connected(address));
        // A connection that breaks while it is set up is one that has gone.
        let parted = Connection::new(stream).and_then(|mut connection| {
            if !connection.is_asked()? {
                events(Event::Unasked);
            }
            // A reversed vpcd would not bear a card that leaves.
            connection.run(card, matches!(plug, Plug::Connect(..)))
        });
        stop.release();
        card.power_off();
        match parted {
            Ok(Parted::Card(error)) if !matches!(error, TransportError::NoCard(_)) => {
                return Ok(Ended::Card(error));
            }
            Ok(_) | Err(_) if stop.is_asked() => {}
            // pcscd looks for cards about twice a second, and takes one that comes right after another has left for
            // the same one, which it believes to be gone: it has to see the slot empty once.
            Ok(Parted::Unnoticed) => stop.pause(EMPTY_SLOT),
            Ok(Parted::Gone | Parted::Card(_)) | Err(_) => events(Event::Gone),
        }
    }
    Ok(Ended::Stopped)
}
