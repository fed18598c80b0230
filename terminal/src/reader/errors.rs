//! What the service's errors mean: before a command was sent, and while one was under way.

use std::ffi::{CStr, CString};
use std::time::Duration;

use pcsc::{Context, Error, ReaderState, Scope, State};

use crate::transport::TransportError;

/// Nothing has been sent yet: establishing, listing, connecting, beginning a phase.
pub(super) fn before(error: Error, reader: &str) -> TransportError {
    match error {
        Error::NoService | Error::ServiceStopped | Error::Shutdown | Error::InvalidHandle => {
            TransportError::NoService("there is no smart card service; `purse doctor` tells more".to_owned())
        }
        Error::NoAccess | Error::SecurityViolation => TransportError::NoService(
            "the smart card service does not let this user in; `purse doctor` tells more".to_owned(),
        ),
        Error::NoReadersAvailable => TransportError::NoReader("there is no reader".to_owned()),
        Error::UnknownReader | Error::ReaderUnavailable => {
            TransportError::NoReader(format!("reader {reader} is not there any more"))
        }
        Error::NoSmartcard | Error::RemovedCard => TransportError::NoCard(reader.to_owned()),
        Error::SharingViolation | Error::ServerTooBusy => TransportError::InUse(reader.to_owned()),
        Error::UnresponsiveCard | Error::UnpoweredCard | Error::UnsupportedCard | Error::ProtoMismatch => {
            TransportError::Mute(reader.to_owned())
        }
        _ if Context::establish(Scope::User).is_err() => {
            TransportError::NoService("the smart card service has stopped".to_owned())
        }
        error => TransportError::NoReader(format!("{reader}: {error}")),
    }
}

/// A command was under way. Where the service's word leaves it open what has become of card, reader or service itself,
/// it is asked.
pub(super) fn during(error: Error, reader: &str) -> TransportError {
    match error {
        // A reset ends what card and reader had agreed on.
        Error::ResetCard | Error::ProtoMismatch => TransportError::CardReset(reader.to_owned()),
        Error::RemovedCard | Error::NoSmartcard => TransportError::CardRemoved(reader.to_owned()),
        Error::ReaderUnavailable | Error::UnknownReader => TransportError::ReaderRemoved(reader.to_owned()),
        Error::NoService | Error::ServiceStopped | Error::Shutdown => {
            TransportError::ServiceStopped(reader.to_owned())
        }
        Error::InsufficientBuffer => TransportError::Malformed("longer than a short APDU"),
        Error::InvalidParameter | Error::InvalidValue => {
            TransportError::Other(format!("{reader}: the service refuses this command: {error}"))
        }
        error => match look(reader) {
            TransportError::ResponseLost if !matches!(error, Error::NotTransacted | Error::CommError) => {
                TransportError::Broken(reader.to_owned(), error.to_string())
            }
            found => found,
        },
    }
}

/// What is left of the way to a card whose response has not come.
pub(super) fn look(reader: &str) -> TransportError {
    let Ok(context) = Context::establish(Scope::User) else {
        return TransportError::ServiceStopped(reader.to_owned());
    };
    let Ok(name) = CString::new(reader) else { return TransportError::ResponseLost };
    let Ok(state) = state(&context, &name) else { return TransportError::ReaderRemoved(reader.to_owned()) };
    if state.intersects(State::UNKNOWN | State::UNAVAILABLE) {
        TransportError::ReaderRemoved(reader.to_owned())
    } else if state.contains(State::EMPTY) {
        TransportError::CardRemoved(reader.to_owned())
    } else {
        TransportError::ResponseLost
    }
}

/// What the service says of a reader now.
pub(super) fn state(context: &Context, reader: &CStr) -> Result<State, Error> {
    let mut states = [ReaderState::new(reader, State::UNAWARE)];
    match context.get_status_change(Duration::ZERO, &mut states) {
        Ok(()) | Err(Error::Timeout) => Ok(states[0].event_state()),
        Err(error) => Err(error),
    }
}
