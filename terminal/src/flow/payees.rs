//! What a recovery hears before it writes anything: purses know what they have done with a transfer from a record in
//! their logs, which the recovery itself may push out.

use apdu_spec::cryptography::Authenticator;
use apdu_spec::element::Role;
use apdu_spec::pay_details::PayDetails;

use super::recovery::{CardAtHand, Item, Outcome, apart, hear};

/// What payees have said that they never will credit.
pub(super) type Nacks = [(PayDetails, Authenticator)];

/// Each purse at hand is asked what it has done with the transfers to it under sequences that it has used since. ack goes
/// to the payer at once, for a mark is no record, and the item is settled; nack is kept. What fails here is met again,
/// and reported, when its payer's turn comes.
pub(super) fn ask_payees(
    cards: &mut [CardAtHand<'_>],
    items: &mut Vec<Item>,
) -> Vec<(PayDetails, Authenticator)> {
    let mut nacks = Vec::new();
    let is_purse = |card: &CardAtHand<'_>| card.status().role == Role::Purse;
    if cards.iter().filter(|card| is_purse(card)).count() < 2 {
        return nacks;
    }
    let mut seen = Vec::new();
    let mut open_payments = Vec::new();
    for (place, card) in cards.iter_mut().enumerate().filter(|(_, card)| is_purse(card)) {
        if let Ok(status) = card.reselect() {
            seen.push((status.number, status.sequence, place));
            let open = card.open_records().unwrap_or_default();
            open_payments.extend(open.into_iter().map(|record| (place, record.pay_details)));
        }
        card.release();
    }
    for (payer, pay_details) in open_payments {
        // What a purse pays another purse is a transfer.
        let payee = seen.iter().find(|(number, ..)| *number == pay_details.to);
        let Some((_, _, payee)) = payee.filter(|(_, sequence, _)| *sequence > pay_details.to_sequence) else {
            continue;
        };
        let Ok([payer, payee]) = cards.get_disjoint_mut([payer, *payee]) else { continue };
        match apart(payer, payee, |payer, payee| hear(payer, payee, &pay_details)) {
            Ok(None) => items.push(Item { pay_details, outcome: Outcome::Settled }),
            Ok(Some(nack)) => nacks.push((pay_details, nack)),
            Err(_) => {}
        }
    }
    nacks
}
