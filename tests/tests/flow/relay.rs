//! A transfer by letters: the cards are never at hand together, and letters are lost, doubled, late and changed.

#![allow(clippy::inconsistent_digit_grouping, reason = "euros and cents")]

use crate::support::{Rig, client, rig};
use apdu_spec::element::{Amount, Kind};
use apdu_spec::record::{RecordRole, RecordState};
use purse_terminal::flow::FlowError;
use purse_terminal::flow::letter::{Content, Letter, LetterError};
use purse_terminal::flow::relay::{self, Reply};
use purse_terminal::flow::transfer::Transfer;
use purse_tests::scheme::{Profile, TIME, eur, party};

fn order(amount: u32) -> Transfer<'static> {
    Transfer { currency: eur(), amount: Amount(amount), time: TIME, pin: None }
}

fn purse(number: u64, balance: u32) -> Rig {
    rig("purse", &Profile::purse(number, balance).with_key_pair())
}

fn balance(card: &mut Rig) -> u32 {
    client(card).status().balance.0
}

/// Carries a letter out, through its text.
fn carry(card: &mut Rig, letter: &Letter) -> Result<Reply, FlowError> {
    let letter = Letter::parse(&letter.text()).expect("a letter");
    relay::carry_out(&mut client(card), &letter, None, TIME)
}

#[track_caller]
fn answered(card: &mut Rig, letter: &Letter) -> Letter {
    match carry(card, letter) {
        Ok(Reply::Letter(answer)) => answer,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_offer_becomes_a_request_a_payment_and_the_payees_word() {
    let (mut alice, mut bob) = (purse(1, 50_00), purse(2, 0));
    let offer = relay::offer(&mut client(&mut alice), &order(5_00)).unwrap();
    let request = answered(&mut bob, &offer);
    assert_eq!((balance(&mut alice), balance(&mut bob)), (50_00, 0), "nothing has moved");
    let payment = answered(&mut alice, &request);
    assert_eq!((balance(&mut alice), balance(&mut bob)), (45_00, 0), "in flight");
    let credited = answered(&mut bob, &payment);
    assert!(matches!(credited.content, Content::Credited(..)));
    assert_eq!((balance(&mut alice), balance(&mut bob)), (45_00, 5_00));
    assert!(matches!(carry(&mut alice, &credited), Ok(Reply::Settled(_))));
    let record = client(&mut alice).log_record(1).unwrap().unwrap();
    assert_eq!((record.role, record.state), (RecordRole::Payer, RecordState::Settled));
}

#[test]
fn each_letter_as_often_as_one_likes_and_for_nobody_else() {
    let (mut alice, mut bob, mut carol) = (purse(1, 50_00), purse(2, 0), purse(3, 10_00));
    let offer = relay::offer(&mut client(&mut alice), &order(5_00)).unwrap();
    let request = answered(&mut bob, &offer);
    let payment = answered(&mut alice, &request);
    let credited = answered(&mut bob, &payment);
    assert!(matches!(carry(&mut alice, &credited), Ok(Reply::Settled(_))));
    for _ in 0..3 {
        assert_eq!(answered(&mut alice, &request), payment);
        assert_eq!(answered(&mut bob, &payment), credited);
        assert!(matches!(carry(&mut alice, &credited), Ok(Reply::Settled(_))));
    }
    for letter in [&request, &payment, &credited] {
        assert!(
            matches!(carry(&mut carol, letter), Err(FlowError::WrongPurse(_))),
            "{:?}",
            letter.content.name()
        );
    }
    assert!(matches!(carry(&mut alice, &payment), Err(FlowError::WrongPurse(_))), "its own");
    // An offer is for whoever comes; a request that follows from an old one is refused by the payer.
    let late = answered(&mut carol, &offer);
    assert!(carry(&mut alice, &late).is_err());
    assert_eq!((balance(&mut alice), balance(&mut bob), balance(&mut carol)), (45_00, 5_00, 10_00));
}

#[test]
fn whatever_letter_is_lost_the_payee_introduces_itself_and_it_goes_on() {
    let (mut alice, mut bob) = (purse(1, 50_00), purse(2, 0));
    let offer = relay::offer(&mut client(&mut alice), &order(5_00)).unwrap();
    let request = answered(&mut bob, &offer);
    let lost = answered(&mut alice, &request);
    let introduction = relay::introduction(&mut client(&mut bob)).unwrap();
    let introduction = Letter::parse(&introduction.text()).unwrap();
    let again = relay::payments(&mut client(&mut alice), &introduction.sender).unwrap();
    assert_eq!(again, [lost]);
    let stranger = relay::introduction(&mut client(&mut purse(3, 0))).unwrap();
    assert!(relay::payments(&mut client(&mut alice), &stranger.sender).unwrap().is_empty());
    let credited = answered(&mut bob, &again[0]);
    assert!(matches!(carry(&mut alice, &credited), Ok(Reply::Settled(_))));
    assert!(relay::payments(&mut client(&mut alice), &introduction.sender).unwrap().is_empty());
}

#[test]
fn a_payee_that_cannot_take_it_any_more_declines_and_the_payer_has_it_back() {
    let (mut alice, mut bob, mut carol) = (purse(1, 50_00), purse(2, 5_00), purse(3, 0));
    let offer = relay::offer(&mut client(&mut alice), &order(5_00)).unwrap();
    let request = answered(&mut bob, &offer);
    let payment = answered(&mut alice, &request);
    // Bob pays somebody before: the sequence that he has named is gone.
    let to_carol = relay::offer(&mut client(&mut bob), &order(1_00)).unwrap();
    let asked = answered(&mut carol, &to_carol);
    let paid = answered(&mut bob, &asked);
    answered(&mut carol, &paid);
    let declined = answered(&mut bob, &payment);
    assert!(matches!(declined.content, Content::Declined(..)));
    assert!(matches!(carry(&mut alice, &declined), Ok(Reply::Reversed(_))));
    assert!(matches!(carry(&mut alice, &declined), Ok(Reply::Reversed(_))), "once");
    assert_eq!((balance(&mut alice), balance(&mut bob), balance(&mut carol)), (50_00, 4_00, 1_00));
}

#[test]
fn a_letter_that_was_changed_under_way_moves_nothing() {
    let (mut alice, mut bob) = (purse(1, 50_00), purse(2, 0));
    let offer = relay::offer(&mut client(&mut alice), &order(5_00)).unwrap();
    let request = answered(&mut bob, &offer);
    let change = |letter: &Letter, amount: u32| {
        let mut changed = *letter;
        match &mut changed.content {
            Content::Request(pay_details, _)
            | Content::Credited(pay_details, _)
            | Content::Declined(pay_details, _) => pay_details.amount = Amount(amount),
            Content::Payment(voucher) => voucher.pay_details.amount = Amount(amount),
            Content::Introduction | Content::Offer { .. } => {}
        }
        changed
    };
    assert!(carry(&mut alice, &change(&request, 1)).is_err());
    let payment = answered(&mut alice, &request);
    assert!(carry(&mut bob, &change(&payment, 50_00)).is_err());
    let credited = answered(&mut bob, &payment);
    let Content::Credited(pay_details, ack) = credited.content else { panic!() };
    let lie = Letter { content: Content::Declined(pay_details, ack), ..credited };
    assert!(carry(&mut alice, &lie).is_err(), "an ack is no nack");
    assert_eq!((balance(&mut alice), balance(&mut bob)), (45_00, 5_00));
    // The ack is right, and what it is said to be about is not.
    assert!(carry(&mut alice, &change(&credited, 50_00)).is_err(), "nobody has been paid that");
    assert!(matches!(carry(&mut alice, &credited), Ok(Reply::Settled(_))));
    assert!(carry(&mut alice, &change(&credited, 50_00)).is_err(), "nor later");
    let next = relay::offer(&mut client(&mut alice), &order(5_00)).unwrap();
    let request = answered(&mut bob, &next);
    let payment = answered(&mut alice, &request);
    let meanwhile = relay::offer(&mut client(&mut bob), &order(1_00)).unwrap();
    let asked = answered(&mut alice, &meanwhile);
    answered(&mut bob, &asked);
    let declined = answered(&mut bob, &payment);
    assert!(carry(&mut alice, &change(&declined, 50_00)).is_err(), "nobody has that back");
    assert!(matches!(carry(&mut alice, &declined), Ok(Reply::Reversed(_))));
    assert!(carry(&mut alice, &change(&declined, 50_00)).is_err(), "nor later");
    assert_eq!(balance(&mut alice), 45_00);
}

#[test]
fn a_text_that_is_not_the_whole_letter_is_none() {
    let letter = relay::offer(&mut client(&mut purse(1, 50_00)), &order(5_00)).unwrap();
    let text = letter.text();
    assert!(text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b':'));
    assert_eq!(Letter::parse(&format!(" {}\n {}\n", &text[..40], text[40..].to_lowercase())), Ok(letter));
    for length in 0..text.len() {
        assert!(Letter::parse(&text[..length]).is_err(), "{length}");
    }
    for place in 7..text.len() {
        let other = if &text[place..=place] == "A" { "B" } else { "A" };
        let wrong = format!("{}{other}{}", &text[..place], &text[place + 1..]);
        assert_eq!(Letter::parse(&wrong), Err(LetterError::Copied), "{place}");
    }
    assert_eq!(Letter::parse("PURSE2:AAAA"), Err(LetterError::Prefix));
    assert!(Letter::parse(&format!("{text}AAAAAAAA")).is_err());
    let foreign = purse_tests::scheme::key_pair(party(9)).certificate;
    let wrong = Letter { sender: foreign, content: letter.content };
    assert!(Letter::parse(&wrong.text()).is_ok(), "an offer has no other name in it");
}

#[test]
fn letters_are_about_transfers_and_nothing_else() {
    let (mut alice, mut bob) = (purse(1, 50_00), purse(2, 0));
    let offer = relay::offer(&mut client(&mut alice), &order(5_00)).unwrap();
    let mut request = answered(&mut bob, &offer);
    for kind in [Kind::Load, Kind::Unload, Kind::Purchase, Kind::Refund] {
        let Content::Request(pay_details, _) = &mut request.content else { panic!() };
        pay_details.kind = kind;
        assert_eq!(Letter::parse(&request.text()), Err(LetterError::Content), "{kind:?}");
    }
}
