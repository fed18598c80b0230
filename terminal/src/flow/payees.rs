//! What a recovery hears before it writes anything: purses know what they have done with a transfer from a record in
//! their logs, which the recovery itself may push out.

use apdu_spec::cryptography::Authenticator;
use apdu_spec::element::Role;
use apdu_spec::pay_details::PayDetails;

use super::recovery::{CardAtHand, apart, hear};

/// What a payee says of a payment.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    /// ack: it has the value.
    Credited(Authenticator),
    /// nack: it never will have it.
    Declined(Authenticator),
}

/// What payees have said.
pub(super) type Answers = [(PayDetails, Answer)];

/// Each purse at hand is asked what it has done with the transfers to it under sequences that it has used since. Their
/// payers hear of it when their turns come, for a settled transfer that was in EF.EXC is gone too. What fails here is met
/// again, and reported, then.
pub(super) fn ask_payees(cards: &mut [CardAtHand<'_>]) -> Vec<(PayDetails, Answer)> {
    let mut answers = Vec::new();
    let is_purse = |card: &CardAtHand<'_>| card.status().role == Role::Purse;
    if cards.iter().filter(|card| is_purse(card)).count() < 2 {
        return answers;
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
        if let Ok(answer) = apart(payer, payee, |payer, payee| hear(payer, payee, &pay_details)) {
            answers.push((pay_details, answer));
        }
    }
    answers
}
