//! What a card is given after whatever has happened to it: payments of every kind that fit it, with the right
//! authenticators. So what a card does next is looked at, too, and not only what it says.

use apdu_spec::command::{Command, DebitData};
use apdu_spec::element::{Kind, Role};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::{RecordRole, RecordState};
use purse_tests::scheme::{issuer, party, pay_details, session, voucher};

use crate::content::Content;

/// How many there are: a payment, a load, a refund, an unload.
pub const SEQUELS: usize = 4;

/// Whom a purse pays, and who pays a SAM.
const STRANGER: u64 = 8;

/// One of them, for a card that holds this; none where it has no purchase that could be refunded.
pub fn sequel(turn: usize, role: Role, number: PartyNumber, content: &Content) -> Option<Vec<u8>> {
    let next = content.next();
    let stranger = (party(STRANGER), next);
    let own = (number, next);
    let command = match (turn % SEQUELS, role) {
        (0, Role::Purse) => debit(&pay_details(Kind::Purchase, 1, own, stranger)),
        (0, Role::Merchant) => Command::Credit(voucher(&pay_details(Kind::Purchase, 1, stranger, own))),
        (1, _) => Command::Credit(voucher(&pay_details(Kind::Load, 1, (issuer(), next), own))),
        (2, Role::Purse) => {
            let purchase = content.history.iter().rev().find(|past| {
                past.in_log
                    && (past.role, past.pay_details.kind, past.state)
                        == (RecordRole::Payer, Kind::Purchase, RecordState::Settled)
            })?;
            let PayDetails { amount, to, .. } = purchase.pay_details;
            Command::Credit(voucher(&pay_details(Kind::Refund, amount.0, (to, 900 + next), own)))
        }
        (2, Role::Merchant) => debit(&pay_details(Kind::Refund, 1, own, stranger)),
        (_, Role::Purse) => debit(&pay_details(Kind::Unload, 1, own, (issuer(), next))),
        (_, Role::Merchant) => debit(&pay_details(Kind::Unload, content.balance(), own, (issuer(), next))),
    };
    Some(command.emit().as_bytes().to_vec())
}

fn debit(pay_details: &PayDetails) -> Command<'static> {
    Command::Debit(DebitData::new(pay_details, session(pay_details).req()))
}
