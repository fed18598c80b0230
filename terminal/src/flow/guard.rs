//! What a terminal checks of a card before it begins, because the card cannot: it has no clock, and does not know what
//! it is taken for.

use apdu_spec::certificate::{Certificate, CertificateBody};
use apdu_spec::element::{Expiry, Role, Time};
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::status_block::StatusBlock;
use jiff::Timestamp;
use jiff::tz::Offset;

use super::error::{FlowError, Party};
use crate::client::Client;
use crate::transport::Transport;

/// Whether a card's last month of validity is over at this time (UTC). An expiry that is no month is over.
pub fn is_expired(expiry: Expiry, now: Time) -> bool {
    let Expiry([year, month]) = expiry;
    let decimal = |byte: u8| i16::from(byte >> 4) * 10 + i16::from(byte & 15);
    if !expiry.is_valid() {
        return true;
    }
    // No second of 32 bits lies outside of what jiff knows.
    let date = Offset::UTC.to_datetime(Timestamp::from_second(i64::from(now.0)).unwrap_or_default());
    (2000 + decimal(year), decimal(month)) < (date.year(), i16::from(date.month()))
}

/// It is a personalised card of this role.
pub(super) fn role(status: &StatusBlock, wanted: Role) -> Result<Party, FlowError> {
    if status.life_cycle == LifeCycle::Blank {
        return Err(FlowError::Blank);
    }
    if status.role != wanted {
        return Err(FlowError::WrongRole { wanted: Party::of(wanted), found: status.role });
    }
    Ok(Party::of(wanted))
}

/// It is a personalised card; whose.
pub(super) fn any_role(status: &StatusBlock) -> Result<Party, FlowError> {
    role(status, status.role)
}

/// The certificate of a purse that takes part in transfers, not past its last month.
pub(super) fn certificate<T: Transport>(card: &mut Client<T>, now: Time) -> Result<Certificate, FlowError> {
    let certificate = any_certificate(card)?;
    current(&certificate, now)?;
    Ok(certificate)
}

/// The same at any time: what has been debited comes to its end whenever that is.
pub(super) fn any_certificate<T: Transport>(card: &mut Client<T>) -> Result<Certificate, FlowError> {
    let party = role(card.status(), Role::Purse)?;
    let certificate = card.certificate().map_err(FlowError::card(party))?;
    certificate.ok_or(FlowError::NoKeyPair(card.status().number))
}

/// A certificate that is not past its last month.
pub(super) fn current(certificate: &Certificate, now: Time) -> Result<(), FlowError> {
    let CertificateBody { number, expiry, .. } = certificate.body;
    if is_expired(expiry, now) { Err(FlowError::CertificateExpired { number, expiry }) } else { Ok(()) }
}

/// It has not expired.
pub(super) fn validity(status: &StatusBlock, now: Time) -> Result<(), FlowError> {
    if is_expired(status.expiry, now) {
        return Err(FlowError::Expired { party: Party::of(status.role), expiry: status.expiry });
    }
    Ok(())
}
