//! How APDUs reach a card: one trait for the virtual card, a reader, and the middleware around either.

mod counted;
mod faulty;
mod in_process;
mod redaction;
mod traced;

use apdu_spec::command::apdu::LONGEST_RESPONSE;

pub use counted::{Counted, Counts};
pub use faulty::Faulty;
pub use in_process::InProcess;
pub use traced::{Trace, TraceFormat, Traced, TracedCommand};

/// Room for one short response with its status word.
pub type ResponseBuffer = [u8; LONGEST_RESPONSE];

/// An empty [`ResponseBuffer`].
pub const EMPTY_RESPONSE: ResponseBuffer = [0; LONGEST_RESPONSE];

/// Why no response came.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// There is no card; the command has not been sent.
    #[error("no card in {0}")]
    NoCard(String),
    /// There is no such reader; the command has not been sent.
    #[error("{0}")]
    NoReader(String),
    /// There is no smart card service to ask; the command has not been sent.
    #[error("{0}")]
    NoService(String),
    /// The command was sent; its response never arrived. The card may have executed it.
    #[error("the card's response was lost")]
    ResponseLost,
    /// The card lost its power while it executed the command, or before it. It may have executed it.
    #[error("the card has no power any more")]
    PowerLost,
    /// The card was taken out of its reader. It may have executed the command.
    #[error("the card was taken out of {0}")]
    CardRemoved(String),
    /// Another program has reset the card. It may have executed the command; its session is lost.
    #[error("another program has reset the card in {0}")]
    CardReset(String),
    /// The reader was unplugged. The card may have executed the command.
    #[error("reader {0} was unplugged")]
    ReaderRemoved(String),
    /// The smart card service has stopped. The card may have executed the command.
    #[error("the smart card service stopped while {0} was in use")]
    ServiceStopped(String),
    /// The reader or the service has failed in a way of its own. The card may have executed the command.
    #[error("the way to the card in {0} has failed: {1}")]
    Broken(String, String),
    /// No answer in all the time that a card may take. It may have executed the command, or still do so.
    #[error("{0} gave no answer within {1} s")]
    TimedOut(String, u64),
    /// The card does not answer its reset; nothing has been sent.
    #[error("the card in {0} does not answer: it may be the wrong way round, or no card for this")]
    Mute(String),
    /// What arrived is no response APDU. The card may have executed the command.
    #[error("the response is malformed: {0}")]
    Malformed(&'static str),
    /// Another process has the card or its reader.
    #[error("{0} is in use by another program")]
    InUse(String),
    /// The card cannot start: its memory, or its file, is damaged.
    #[error("{0} is damaged")]
    Damaged(String),
    /// Anything else; the card may have executed the command.
    #[error("{0}")]
    Other(String),
}

impl TransportError {
    /// Whether the card may have executed the command all the same.
    pub const fn may_have_happened(&self) -> bool {
        match self {
            Self::ResponseLost
            | Self::PowerLost
            | Self::CardRemoved(_)
            | Self::CardReset(_)
            | Self::ReaderRemoved(_)
            | Self::ServiceStopped(_)
            | Self::Broken(..)
            | Self::TimedOut(..)
            | Self::Malformed(_)
            | Self::Other(_) => true,
            Self::NoCard(_)
            | Self::NoReader(_)
            | Self::NoService(_)
            | Self::Mute(_)
            | Self::InUse(_)
            | Self::Damaged(_) => false,
        }
    }
}

/// How a card and its reader speak (ISO/IEC 7816-3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// T=0: header, P3 and data; a command either brings data or fetches some, with 61xx and 6Cxx.
    T0,
    /// T=1: blocks that carry whole APDUs.
    #[default]
    T1,
}

/// What a terminal knows of the card's session when it begins a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continuity {
    /// Nobody else can have talked to the card since this transport did.
    Kept,
    /// Another program may have selected something else, or reset the card: SELECT first.
    Unsure,
}

/// A way to one card. Whole APDUs cross it, each answered before the next.
pub trait Transport {
    /// Sends a command APDU. Returns the response APDU, its status word at the end, in `response`.
    fn transmit<'a>(
        &mut self,
        command: &[u8],
        response: &'a mut ResponseBuffer,
    ) -> Result<&'a [u8], TransportError>;

    /// Resets the card: its session is lost, its memory is not.
    fn reset(&mut self) -> Result<(), TransportError>;

    /// What a person calls this card or its reader.
    fn name(&self) -> &str;

    /// Begins a short phase during which no other program may talk to the card. Never held while a person or the
    /// issuer is waited for. A transport that is alone with its card has nothing to do.
    fn begin(&mut self) -> Result<Continuity, TransportError> {
        Ok(Continuity::Kept)
    }

    /// Ends the phase that [`Transport::begin`] began.
    fn end(&mut self) -> Result<(), TransportError> {
        Ok(())
    }
}

/// Hands every call on to the transport inside.
macro_rules! hand_on {
    ($pointer:ty) => {
        impl<T: Transport + ?Sized> Transport for $pointer {
            fn transmit<'a>(
                &mut self,
                command: &[u8],
                response: &'a mut ResponseBuffer,
            ) -> Result<&'a [u8], TransportError> {
                (**self).transmit(command, response)
            }

            fn reset(&mut self) -> Result<(), TransportError> {
                (**self).reset()
            }

            fn name(&self) -> &str {
                (**self).name()
            }

            fn begin(&mut self) -> Result<Continuity, TransportError> {
                (**self).begin()
            }

            fn end(&mut self) -> Result<(), TransportError> {
                (**self).end()
            }
        }
    };
}

hand_on!(&mut T);
hand_on!(Box<T>);
