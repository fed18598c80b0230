//! What a recovery hears before it writes: a payee knows what it has done with a payment from a record in its log, which the
//! recovery itself may push out.

use apdu_spec::pay_details::PayDetails;

use super::recovery::CardAtHand;
use super::settlement::{Answer, apart, hear};

/// A payment, with its payer's place among the cards.
pub(super) type Payment = (usize, PayDetails);

/// What payees have said.
pub(super) type Answers = Vec<(PayDetails, Answer)>;

/// A card is asked what it has done with these payments to it, as far as it has used their sequences since: that writes
/// nothing. Their payers hear of it when their turns come, for a settled transfer
/// that was in EF.EXC is gone, and what its card knew of the sequence with it. What fails here is met again, and reported, then.
pub(super) fn ask_payee(
    cards: &mut [CardAtHand<'_>],
    payee: usize,
    asked: &[Payment],
    answers: &mut Answers,
) {
    if asked.is_empty() {
        return;
    }
    let Some(card) = cards.get_mut(payee) else { return };
    let selected = card.reselect().map(|status| status.sequence);
    card.release();
    let Ok(next) = selected else { return };
    for (payer, pay_details) in asked.iter().filter(|(_, pay_details)| pay_details.to_sequence < next) {
        let Ok([payer, payee]) = cards.get_disjoint_mut([*payer, payee]) else { continue };
        if let Ok(answer) = apart(payer, payee, |payer, payee| hear(payer, payee, pay_details)) {
            answers.push((*pay_details, answer));
        }
    }
}
