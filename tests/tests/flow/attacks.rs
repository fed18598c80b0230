//! Attackers who know what they do: answers of honest cards that are changed, kept for later or given by another card,
//! and a card that waits for keys.

#![allow(clippy::inconsistent_digit_grouping, reason = "euros and cents")]

use crate::support::hostile::{Scripted, Wire, done, status};
use crate::support::{World, client, payment, select};
use apdu_spec::command::CommandName;
use apdu_spec::cryptography::KeyPurpose;
use apdu_spec::element::{Expiry, Role};
use apdu_spec::file::purse_control;
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::number::PartyNumber;
use apdu_spec::personalisation::{CardProfile, IdentityGroup, PocketGroup};
use apdu_spec::pocket::PocketParameters;
use apdu_spec::software::Software;
use apdu_spec::status_block::StatusBlock;
use purse_terminal::client::{CardError, Client, Failure};
use purse_terminal::flow::{FlowError, purchase};
use purse_terminal::transport::{ResponseBuffer, Transport, TransportError};
use purse_tests::scheme::{PURSE_LIMITS, VERSION, eur, issuer, master, own_key, party, pin};

/// Somebody between an honest card and the terminal, who changes one byte of one answer and keeps all of them.
struct Between<'a> {
    card: &'a mut dyn Transport,
    /// Number of the answer, place in it, and what is changed.
    change: Option<(usize, usize, u8)>,
    answers: Vec<Vec<u8>>,
}

impl<'a> Between<'a> {
    fn new(card: &'a mut dyn Transport, change: Option<(usize, usize, u8)>) -> Self {
        Self { card, change, answers: Vec::new() }
    }
}

impl Transport for Between<'_> {
    fn transmit<'a>(
        &mut self,
        command: &[u8],
        response: &'a mut ResponseBuffer,
    ) -> Result<&'a [u8], TransportError> {
        let length = self.card.transmit(command, response)?.len();
        if let Some((answer, place, change)) = self.change
            && answer == self.answers.len()
        {
            response[place] ^= change;
        }
        self.answers.push(response[..length].to_vec());
        Ok(&response[..length])
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.card.reset()
    }

    fn name(&self) -> &'static str {
        "between"
    }
}

/// A purchase of 1.00 through somebody on each side, and the answers that he has seen.
fn pay(
    world: &mut World,
    changes: [Option<(usize, usize, u8)>; 2],
) -> (Result<(), FlowError>, [Vec<Vec<u8>>; 2]) {
    let mut purse = Between::new(&mut world.purse, changes[0]);
    let mut sam = Between::new(&mut world.sam, changes[1]);
    let paid = select(&mut sam).and_then(|mut sam| {
        let mut purse = select(&mut purse)?;
        purchase::purchase(&mut purse, &mut sam, &payment(1_00)).map(|_| ())
    });
    (paid, [purse.answers, sam.answers])
}

#[test]
fn any_byte_of_any_answer_may_be_wrong() {
    let mut world = World::with_history();
    let before = world.money();
    let (paid, answers) = pay(&mut world, [None, None]);
    paid.unwrap();
    assert_eq!(
        answers.each_ref().map(Vec::len),
        [3, 3],
        "SELECT, DEBIT, ACKNOWLEDGE; SELECT, INITIALIZE, CREDIT"
    );
    let mut failed = 0;
    for (side, answers) in answers.iter().enumerate() {
        for (number, answer) in answers.iter().enumerate() {
            for (place, change) in (0..answer.len()).flat_map(|place| [0x01, 0x80, 0xFF].map(|c| (place, c)))
            {
                let mut changes = [None, None];
                changes[side] = Some((number, place, change));
                let mut world = World::with_history();
                let (paid, _) = pay(&mut world, changes);
                let sam = world.money().sam;
                let recovered = world.recover();
                let what = format!("{changes:?}: {paid:?}");
                assert!(recovered.is_complete(), "{what}: {recovered:?}");
                let after = world.assert_settled();
                let moved = before.purse - after.purse;
                assert!([0, 1_00].contains(&moved) && after.sam - before.sam == moved, "{what}: {after:?}");
                // Who says that it is paid has been paid.
                assert!(paid.is_err() || sam == before.sam + 1_00, "{what}");
                failed += usize::from(paid.is_err());
            }
        }
    }
    assert!(failed > 100, "{failed}");
}

#[test]
fn answers_of_an_earlier_purchase_pay_nobody_again() {
    let mut world = World::with_history();
    let (paid, [of_purse, of_sam]) = pay(&mut world, [None, None]);
    paid.unwrap();
    let before = world.money();
    let mut sam = Client::select(Scripted::new(of_sam)).unwrap();
    let sold = purchase::sell(&mut client(&mut world.purse), &mut sam, &payment(1_00));
    assert_eq!(sold.unwrap_err().failure(), Failure::Authentication);
    // The purse is where it was before that purchase, as its answers have it, or where it is now.
    for sequence in [None, Some(status_of(&mut world).sequence.0)] {
        let mut answers = of_purse.clone();
        if let Some(sequence) = sequence {
            answers[0] = done(&purse_control(&status(Role::Purse, party(1), sequence)));
        }
        let mut purse = Client::select(Scripted::new(answers)).unwrap();
        let sold = purchase::sell(&mut purse, &mut client(&mut world.sam), &payment(1_00));
        assert_eq!(sold.unwrap_err().failure(), Failure::OutcomeUnknown, "{sequence:?}");
    }
    assert!(world.recover().is_complete());
    assert_eq!(world.assert_settled(), before);
}

fn status_of(world: &mut World) -> StatusBlock {
    *client(&mut world.purse).status()
}

#[test]
fn a_request_that_was_kept_pays_the_merchant_it_came_from() {
    let mut world = World::with_history();
    let before = world.money();
    // The purse leaves before DEBIT; what the SAM has said is kept.
    let purse_status = status_of(&mut world);
    let mut sam = Between::new(&mut world.sam, None);
    let gone = Scripted::selected(Wire::Whole, &purse_status, &[vec![0x6F, 0x00]]);
    let sold =
        purchase::sell(&mut Client::select(gone).unwrap(), &mut select(&mut sam).unwrap(), &payment(1_00));
    assert!(sold.is_err());
    let mut kept = sam.answers;
    kept.push(done(&[0; 8]));
    let mut sam = Client::select(Scripted::new(kept)).unwrap();
    let sold = purchase::purchase(&mut client(&mut world.purse), &mut sam, &payment(1_00)).unwrap();
    assert!(!sold.acknowledged, "the ack was a guess");
    assert!(world.recover().is_complete());
    let after = world.assert_settled();
    assert_eq!((after.purse, after.sam), (before.purse - 1_00, before.sam + 1_00));
}

fn blank() -> StatusBlock {
    StatusBlock { life_cycle: LifeCycle::Blank, ..status(Role::Purse, PartyNumber::default(), 0) }
}

/// Personalises such a card; what it has seen.
fn personalise(role: Role, answers: &[Vec<u8>]) -> (Result<(), CardError>, Vec<Vec<u8>>) {
    let masters = [(VERSION, master(KeyPurpose::Payment, VERSION))];
    let parameters = PocketParameters { currency: eur(), exponent: 2, limits: PURSE_LIMITS };
    let pocket = PocketGroup { parameters, balance: apdu_spec::element::Amount::ZERO };
    let profile = CardProfile {
        identity: IdentityGroup {
            role,
            number: party(5),
            key_version: VERSION,
            expiry: Expiry([0x30, 0x12]),
            issuer: issuer(),
            flags: 0,
        },
        pockets: [Some(pocket), None, None, None, None],
        keys: KeyPurpose::ALL.map(|purpose| own_key(purpose, party(5), VERSION)),
        masters: if role == Role::Merchant { &masters } else { &[] },
        pin: pin("1234"),
        key_pair: None,
    };
    let mut card = Client::select(Scripted::selected(Wire::Whole, &blank(), answers)).unwrap();
    let result = card.personalise(&profile, &Software);
    (result, card.into_transport().sent)
}

#[test]
fn a_hostile_blank_card_learns_no_master_key_but_those_of_a_sam() {
    for role in [Role::Purse, Role::Merchant] {
        let (_, sent) = personalise(role, &[done(&[])]);
        let all = sent.concat();
        let holds = |key: &[u8]| all.windows(key.len()).any(|bytes| bytes == key);
        for purpose in KeyPurpose::ALL {
            assert!(holds(&own_key(purpose, party(5), VERSION).0), "{purpose:?}: it gets its own");
            let is_due = role == Role::Merchant && purpose == KeyPurpose::Payment;
            assert_eq!(holds(&master(purpose, VERSION).0), is_due, "{purpose:?} for {role:?}");
        }
    }
    // One that does not take the first block gets no other.
    let (result, sent) = personalise(Role::Merchant, &[vec![0x69, 0x85]]);
    assert!(matches!(result, Err(CardError::Refused { command: CommandName::StoreData, .. })), "{result:?}");
    assert_eq!(sent.len(), 2);
}

#[test]
fn a_card_that_takes_every_block_and_is_another_one_then_is_not_done() {
    let became = |status: &StatusBlock| {
        let answers = [done(&[]), done(&purse_control(status))];
        let (result, sent) = personalise(Role::Purse, &answers);
        assert_eq!(sent.len(), 3, "SELECT, a block, SELECT");
        result
    };
    became(&status(Role::Purse, party(5), 0)).unwrap();
    for other in [blank(), status(Role::Purse, party(1), 0)] {
        assert!(matches!(became(&other), Err(CardError::OtherCard)));
    }
}
