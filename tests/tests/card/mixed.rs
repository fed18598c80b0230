//! Messages of three purses mixed up: whatever one of them has said, to another or under another name, reversed, repeated
//! or redirected, moves nothing but what it was said for.

use apdu_spec::command::{Command, DebitData, InitializeData, Voucher};
use apdu_spec::cryptography::{Authenticator, Tac};
use apdu_spec::element::{Amount, Kind};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::status::StatusWord;
use purse_tests::bench_card::CommonCard;
use purse_tests::scheme::{Profile, certificate, key_pair, party, pay_details, session};

const PURSES: [u64; 3] = [1, 2, 3];

/// Purses 1, 2 and 3 with 50.00 each, each of which has debited 1.00 to each of the others, in the order of the numbers.
struct Three {
    cards: [CommonCard; 3],
    /// Of every ordered pair.
    open: Vec<PayDetails>,
}

fn transfer(amount: u32, from: (u64, u32), to: (u64, u32)) -> PayDetails {
    pay_details(Kind::Transfer, amount, (party(from.0), from.1), (party(to.0), to.1))
}

fn meet(card: &mut CommonCard, peer: u64) {
    card.succeed(&Command::VerifyCertificate(key_pair(party(peer)).certificate));
}

fn three() -> Three {
    let mut cards = PURSES.map(|number| CommonCard::new(&Profile::purse(number, 50_00).with_key_pair()));
    let mut open = Vec::new();
    for (card, own) in cards.iter_mut().zip(PURSES) {
        for (sequence, peer) in (0..).zip(PURSES.into_iter().filter(|peer| *peer != own)) {
            // Each payee asks under its third sequence: two debits of its own come before.
            let agreed = transfer(1_00, (own, sequence), (peer, 2));
            meet(card, peer);
            card.succeed(&Command::Debit(DebitData::new(&agreed, session(&agreed).req())));
            open.push(agreed);
        }
    }
    Three { cards, open }
}

/// Everything that has been said about a transfer, with what it is.
fn messages(agreed: &PayDetails) -> [(&'static str, Authenticator); 4] {
    let mut session = session(agreed);
    let tac = tac(agreed);
    [("req", session.req()), ("val", session.val(tac)), ("ack", session.ack()), ("nack", session.nack())]
}

fn tac(agreed: &PayDetails) -> Tac {
    certificate(agreed, purse_tests::scheme::VERSION, None)
}

/// What a card could be told with pay details and an authenticator.
fn commands(agreed: &PayDetails, said: Authenticator) -> [(&'static str, Command<'static>); 5] {
    let voucher = Voucher { pay_details: *agreed, val: said, tac: tac(agreed) };
    [
        ("req", Command::Debit(DebitData::new(agreed, said))),
        ("val", Command::Credit(voucher)),
        ("val", Command::Decline(voucher)),
        ("ack", Command::Acknowledge(agreed.from_sequence, said)),
        ("nack", Command::Reverse(agreed.from_sequence, said)),
    ]
}

/// The same pay details as others would have them.
fn altered(agreed: &PayDetails) -> Vec<PayDetails> {
    let PayDetails { from, from_sequence, to, to_sequence, .. } = *agreed;
    vec![
        *agreed,
        PayDetails { amount: Amount(2_00), ..*agreed },
        PayDetails { from: to, to: from, ..*agreed },
        PayDetails { from: to, to: from, from_sequence: to_sequence, to_sequence: from_sequence, ..*agreed },
        PayDetails { kind: Kind::Purchase, ..*agreed },
        PayDetails { kind: Kind::Refund, ..*agreed },
        PayDetails { time: apdu_spec::element::Time(agreed.time.0 + 1), ..*agreed },
    ]
}

/// Whether this is what `said_about` was said for, at purse `own` with `peer`.
fn is_right(
    command: &Command<'_>,
    told: &PayDetails,
    said_about: &PayDetails,
    (own, peer): (u64, u64),
) -> bool {
    let (own, peer) = (party(own), party(peer));
    match command {
        // The payer puts its own number into the pay details.
        Command::Debit(_) => PayDetails { from: own, ..*told } == *said_about && told.to == peer,
        Command::Credit(_) | Command::Decline(_) => told == said_about && (told.from, told.to) == (peer, own),
        // These name a sequence, and the card's log says whose payment that is.
        _ => {
            (said_about.from, said_about.to) == (own, peer) && said_about.from_sequence == told.from_sequence
        }
    }
}

#[test]
fn nothing_that_three_purses_have_said_moves_what_it_was_not_said_for() {
    let Three { cards, open } = three();
    let (mut tried, mut accepted) = (0, 0);
    for (place, own) in PURSES.into_iter().enumerate() {
        for peer in PURSES.into_iter().filter(|peer| *peer != own) {
            let mut card = cards[place].copied();
            card.select();
            meet(&mut card, peer);
            for said_about in &open {
                for (said, authenticator) in messages(said_about) {
                    for told in open.iter().flat_map(altered) {
                        for (wanted, command) in commands(&told, authenticator) {
                            tried += 1;
                            if said == wanted && is_right(&command, &told, said_about, (own, peer)) {
                                // On a copy: the next message finds the card as it was.
                                let mut copy = card.copied();
                                copy.select();
                                meet(&mut copy, peer);
                                copy.succeed(&command);
                                accepted += 1;
                            } else {
                                let answer = card.unwritten(command.emit().as_bytes());
                                assert_ne!(
                                    answer.status,
                                    StatusWord::Success,
                                    "{said} as {command:?} by {own} with {peer}"
                                );
                                assert!(answer.data.is_empty());
                            }
                        }
                    }
                }
            }
        }
    }
    // Of each pair: the payer's repeated DEBIT, the payee's CREDIT and DECLINE, and ACKNOWLEDGE and REVERSE of whatever
    // pay details name that sequence.
    assert!(accepted > 6 * 3 && tried > 20_000, "{accepted} of {tried}");
    let mut cards = cards;
    for card in &mut cards {
        card.select();
        assert_eq!(card.balance(), Amount(48_00));
    }
}

#[test]
fn what_is_asked_for_one_purse_no_other_pays() {
    let Three { mut cards, .. } = three();
    // Purse 2 asks purse 1; the terminal takes that to purse 3.
    let [_, asking, other] = &mut cards;
    meet(asking, 1);
    let agreed = transfer(5_00, (1, 2), (2, 2));
    let request = InitializeData {
        kind: agreed.kind,
        key_version: agreed.key_version,
        currency: agreed.currency,
        amount: agreed.amount,
        from: agreed.from,
        from_sequence: agreed.from_sequence,
        time: agreed.time,
    };
    asking.succeed(&Command::Initialize(request));
    meet(other, 2);
    let redirected = DebitData::new(&agreed, session(&agreed).req());
    other.refuse(&Command::Debit(redirected), StatusWord::WrongMac);
    // Purse 2 answers for a purse that is not the one it has met.
    meet(asking, 3);
    asking.refuse(&Command::Initialize(request), StatusWord::ConditionsOfUse);
}
