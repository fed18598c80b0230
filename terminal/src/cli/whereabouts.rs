//! Where the value of a transfer is, as its payer, its payee and the issuer's books know it.

use std::collections::BTreeMap;

use apdu_spec::element::{Kind, Role};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::{LogRecord, RecordRole, RecordState};
use purse_terminal::issuer::{DebitState, Store, Transfer, TransferState};

use purse_terminal::virtual_card::{MERCHANT_WINDOW, PURSE_WINDOW};

use super::context::Embedded;
use super::failure::Failure;
use super::snapshot::Holdings;

/// A card as the audit found it.
pub(crate) struct Card {
    pub(crate) name: String,
    pub(crate) number: PartyNumber,
    pub(crate) role: Role,
    pub(crate) holdings: Holdings,
    /// Of the load that the issuer has had no word about.
    pub(crate) has_credited_load: bool,
}

/// Where a transfer's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whereabouts {
    /// The payee has credited it.
    Paid,
    /// The payer has it back.
    Returned,
    /// Booked as unclaimed by the issuer.
    Unclaimed,
    /// The payer has paid, and the payee has not credited yet.
    InFlight,
    /// The payee never will credit; the payer can take it back.
    Declined,
    /// The payee's log has let it go and the books have not heard of it: only the sums tell whether it was credited.
    Forgotten,
}

impl Whereabouts {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Returned => "returned",
            Self::Unclaimed => "unclaimed",
            Self::InFlight => "in flight: run `purse recover`",
            Self::Declined => "declined, in flight back: run `purse recover`",
            Self::Forgotten => "not known any more, and not counted",
        }
    }

    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Returned => "returned",
            Self::Unclaimed => "unclaimed",
            Self::InFlight => "in_flight",
            Self::Declined => "declined",
            Self::Forgotten => "forgotten",
        }
    }

    pub(crate) const fn is_in_flight(self) -> bool {
        matches!(self, Self::InFlight | Self::Declined)
    }
}

impl Card {
    /// The card's payments, EF.EXC's too.
    pub(crate) fn payments(&self) -> impl Iterator<Item = &LogRecord> {
        let entries = self.holdings.entries.iter().map(|(_, record)| record);
        entries
            .chain(&self.holdings.exceptions)
            .filter(|record| record.role == RecordRole::Payer && record.pay_details.from == self.number)
    }

    /// Whether its log has let records go.
    pub(crate) fn has_forgotten(&self) -> bool {
        let window = match self.role {
            Role::Purse => PURSE_WINDOW,
            Role::Merchant => MERCHANT_WINDOW,
        };
        self.holdings.entries.len() >= window
    }

    /// Whether the card's log begins after this sequence of its own.
    fn is_past(&self, pay_details: &PayDetails) -> bool {
        let oldest = self.holdings.entries.iter().map(|(sequence, _)| *sequence).min();
        oldest.is_some_and(|oldest| pay_details.to_sequence < oldest)
    }

    /// What the card did under this sequence as payee, if its log still says.
    pub(crate) fn as_payee(&self, pay_details: &PayDetails) -> Option<RecordRole> {
        let entry = self.holdings.entries.iter().find(|(sequence, _)| *sequence == pay_details.to_sequence);
        entry
            .filter(|(_, record)| record.pay_details == *pay_details)
            .map(|(_, record)| record.role)
            .filter(|role| matches!(role, RecordRole::Payee | RecordRole::Declined))
    }
}

/// Where the value of a payer's record is.
pub(crate) fn whereabouts(
    record: &LogRecord,
    cards: &BTreeMap<PartyNumber, Vec<&Card>>,
    booked: &[Transfer],
    issuer: &Embedded,
) -> Result<Whereabouts, Failure> {
    let pay_details = &record.pay_details;
    let payees = cards.get(&pay_details.to).map_or(&[][..], Vec::as_slice);
    match record.state {
        // In the issuer's name, unless the payee had it after all.
        RecordState::Settled
            if matches!(pay_details.kind, Kind::Transfer | Kind::Refund)
                && as_payee(payees, pay_details) != Some(RecordRole::Payee)
                && issuer
                    .store()
                    .view(|tables| Ok(tables.debit(pay_details)?))?
                    .is_some_and(|debit| debit.state == DebitState::Unclaimed) =>
        {
            return Ok(Whereabouts::Unclaimed);
        }
        RecordState::Settled | RecordState::Refunded => return Ok(Whereabouts::Paid),
        RecordState::Reversed => return Ok(Whereabouts::Returned),
        RecordState::Open => {}
    }
    if pay_details.kind == Kind::Unload {
        let known = booked.iter().find(|transfer| transfer.pay_details == *pay_details);
        return Ok(match known.map(|transfer| transfer.state) {
            Some(TransferState::Credited) => Whereabouts::Paid,
            Some(TransferState::Declined) => Whereabouts::Declined,
            Some(TransferState::Waiting | TransferState::Given | TransferState::Acknowledged) | None => {
                Whereabouts::InFlight
            }
        });
    }
    match as_payee(payees, pay_details) {
        Some(RecordRole::Payee) => return Ok(Whereabouts::Paid),
        Some(_) => return Ok(Whereabouts::Declined),
        None => {}
    }
    // The payee's log has let it go, or the payee is elsewhere: what has the issuer been told?
    let told = issuer.store().view(|tables| {
        let record = tables.record(pay_details.to, pay_details.to_sequence)?;
        let credited = record
            .is_some_and(|record| record.role == RecordRole::Payee && record.pay_details == *pay_details);
        Ok((credited, tables.debit(pay_details)?.map(|debit| debit.state)))
    })?;
    Ok(match told {
        (_, Some(DebitState::Unclaimed)) => Whereabouts::Unclaimed,
        (true, _) | (_, Some(DebitState::Collected)) => Whereabouts::Paid,
        (_, Some(DebitState::Reversed)) => Whereabouts::Declined,
        (false, Some(DebitState::Verified) | None) => {
            let payee = cards.get(&pay_details.to);
            let forgotten = payee.is_some_and(|copies| copies.iter().all(|payee| payee.is_past(pay_details)));
            if forgotten { Whereabouts::Forgotten } else { Whereabouts::InFlight }
        }
    })
}

/// What a card, or one of its copies, did as payee. One that has credited outweighs the others.
fn as_payee(cards: &[&Card], pay_details: &PayDetails) -> Option<RecordRole> {
    let roles = cards.iter().filter_map(|card| card.as_payee(pay_details));
    roles.max_by_key(|role| *role == RecordRole::Payee)
}

/// Where the value of an unload is that only the books know of any more. An open one would still be on the card.
pub(crate) const fn booked_whereabouts(unload: &Transfer) -> Whereabouts {
    match unload.state {
        TransferState::Waiting => Whereabouts::InFlight,
        TransferState::Declined => Whereabouts::Returned,
        TransferState::Credited | TransferState::Given | TransferState::Acknowledged => Whereabouts::Paid,
    }
}

/// Where the value of a load is: the card knows, and until it has told the issuer so does only the card.
pub(crate) fn load_whereabouts(load: &Transfer, cards: &[&Card]) -> Whereabouts {
    match load.state {
        TransferState::Declined => return Whereabouts::Returned,
        TransferState::Acknowledged | TransferState::Credited | TransferState::Waiting => {
            return Whereabouts::Paid;
        }
        TransferState::Given => {}
    }
    match as_payee(cards, &load.pay_details) {
        Some(RecordRole::Payee) => Whereabouts::Paid,
        Some(_) => Whereabouts::Declined,
        None if cards.iter().any(|card| card.has_credited_load) => Whereabouts::Paid,
        None => Whereabouts::InFlight,
    }
}
