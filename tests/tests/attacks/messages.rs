//! Attacks by messages, as they were made on other systems: made ahead, kept back, never passed on, or sent without end.

#![allow(clippy::inconsistent_digit_grouping, reason = "euros and cents")]

use crate::flow_support::{HOLDER, World, client, payment, select};
use apdu_spec::command::{Command, CommandName, Initialized, Proof, Request, Voucher};
use apdu_spec::element::{Amount, Kind, Role};
use apdu_spec::status::StatusWord;
use purse_terminal::client::Failure;
use purse_terminal::flow::FlowError;
use purse_terminal::flow::load::{self, Load};
use purse_terminal::flow::purchase::{self, Payment};
use purse_terminal::transport::{ResponseBuffer, Transport, TransportError};
use purse_tests::bench_card::CommonCard;
use purse_tests::scheme::{
    Profile, TIME, acknowledge, debit, eur, initialize, issuer, party, pay_details, pin, reverse, session,
    voucher,
};

/// Pre-play: answers that are had from a purse today, for a terminal of tomorrow, need that terminal's SAM to have asked.
#[test]
fn what_a_purse_answers_ahead_pays_one_sale_of_one_sam_and_else_comes_back() {
    let mut purse = CommonCard::new(&Profile::purse(1, 50_00));
    let mut sam = CommonCard::new(&Profile::sam(2, 0));
    // Of a sale that no SAM has asked for, the purse says nothing, whatever numbers the thief foresees.
    for (sam_sequence, time) in [(0, 1_800_000_000), (1, 1_800_000_000), (0, 1_900_000_000)] {
        let mut foreseen = pay_details(Kind::Purchase, 5_00, (party(1), 0), (party(2), sam_sequence));
        foreseen.time.0 = time;
        let mut guessed = debit(&foreseen);
        if let Command::Debit(data) = &mut guessed {
            data.req.0[0] ^= 1;
        }
        purse.refuse(&guessed, StatusWord::WrongMac);
    }
    // The SAM is asked to sell, and the purse pays; both answers are kept, and the SAM sells to somebody else first.
    let kept = pay_details(Kind::Purchase, 5_00, (party(1), 0), (party(2), 0));
    let asked = Initialized::parse(&sam.succeed(&initialize(&kept))).unwrap();
    assert_eq!(asked.req, session(&kept).req());
    let proof = Proof::parse(&purse.succeed(&debit(&kept))).unwrap();
    sam.receive(Kind::Purchase, 7_00, party(3));
    let held = Voucher { pay_details: kept, val: proof.val, tac: proof.tac };
    sam.refuse(&Command::Credit(held), StatusWord::ConditionsOfUse);
    // For another sale, another SAM or another time they are no answers at all.
    let mut later = kept;
    later.to_sequence.0 = 1;
    sam.refuse(&Command::Credit(Voucher { pay_details: later, ..held }), StatusWord::WrongMac);
    let mut other = CommonCard::new(&Profile::sam(4, 0));
    other.refuse(&Command::Credit(held), StatusWord::WrongData);
    // And the holder has the money back by the SAM's own word.
    let nack = sam.succeed(&Command::Decline(held));
    assert_eq!(nack, session(&kept).nack().0);
    purse.succeed(&reverse(&kept));
    assert_eq!((purse.balance(), sam.balance()), (Amount(50_00), Amount(7_00)));
}

/// A device between card and terminal that says yes to every PIN and never shows it to the card.
struct Wedge<'a>(&'a mut dyn Transport);

impl Transport for Wedge<'_> {
    fn transmit<'a>(
        &mut self,
        command: &[u8],
        response: &'a mut ResponseBuffer,
    ) -> Result<&'a [u8], TransportError> {
        if command.get(1) == Some(&0x20) {
            response[..2].copy_from_slice(&[0x90, 0x00]);
            return Ok(&response[..2]);
        }
        self.0.transmit(command, response)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.0.reset()
    }

    fn name(&self) -> &'static str {
        "wedge"
    }
}

#[test]
fn a_wedge_that_says_yes_to_any_pin_pays_nothing_above_the_limit() {
    let mut world = World::with_history();
    world.load(60_00).unwrap();
    let before = world.money();
    let any = pin("0000");
    let paid = select(Wedge(&mut world.purse)).and_then(|mut purse| {
        let payment = Payment { pin: Some(&any), ..payment(30_00) };
        purchase::purchase(&mut purse, &mut client(&mut world.sam), &payment).map(|_| ())
    });
    assert_eq!(paid.unwrap_err().failure(), Failure::Authentication);
    assert!(world.recover().is_complete());
    assert_eq!(world.assert_settled(), before);
}

/// A stranger's reader starts payments without end, with good forms and with messages that nobody has signed.
#[test]
fn a_reader_that_starts_payments_without_end_fills_nothing_up() {
    for role in [Role::Purse, Role::Merchant] {
        let (mut card, takes, pays, peer) = match role {
            Role::Purse => (CommonCard::new(&Profile::purse(1, 50_00)), Kind::Load, Kind::Purchase, party(2)),
            Role::Merchant => {
                (CommonCard::new(&Profile::sam(2, 50_00)), Kind::Purchase, Kind::Refund, party(1))
            }
        };
        card.verify(pin(if role == Role::Purse { "1234" } else { "9999" }));
        let from = if takes == Kind::Load { issuer() } else { peer };
        let counts = card.card.memory().counts();
        for round in 0..500_u32 {
            let mut asked = card.paid(takes, 1 + round % 50, from);
            asked.time.0 += round;
            card.succeed(&initialize(&asked));
            let mut unsigned = voucher(&asked);
            unsigned.val.0[3] ^= 0x10;
            assert_eq!(card.send(&Command::Credit(unsigned)).status, StatusWord::WrongMac);
            assert_eq!(card.send(&Command::Decline(unsigned)).status, StatusWord::WrongMac);
            let details = card.paying(pays, 1, peer);
            let Command::Debit(mut data) = debit(&details) else { unreachable!() };
            data.req.0[7] ^= 1;
            assert_eq!(card.send(&Command::Debit(data)).status, StatusWord::WrongMac);
        }
        assert_eq!(card.card.memory().counts(), counts, "{role:?}: 2,000 commands wrote nothing");
        // All the room that there is for open payments is there still.
        for _ in 0..7 {
            card.spend(Kind::Unload, 1, issuer());
        }
        let open = card.spend(Kind::Unload, 1, issuer());
        card.succeed(&acknowledge(&open));
    }
}

/// A reader that loses each CREDIT on its way to the card.
struct Deaf<'a>(&'a mut dyn Transport);

impl Transport for Deaf<'_> {
    fn transmit<'a>(
        &mut self,
        command: &[u8],
        response: &'a mut ResponseBuffer,
    ) -> Result<&'a [u8], TransportError> {
        let request = Request::parse(command).expect("a command of the table");
        if request.row.command == CommandName::Credit {
            return Err(TransportError::ResponseLost);
        }
        self.0.transmit(command, response)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.0.reset()
    }

    fn name(&self) -> &'static str {
        "deaf"
    }
}

/// An account is charged for a load that the card never hears of, and the card is tapped again and again.
#[test]
fn a_load_that_never_reached_the_card_is_charged_once_and_reaches_it_later() {
    let mut world = World::new();
    let float = world.float();
    let load = Load { account: HOLDER, currency: eur(), amount: Amount(20_00), time: TIME };
    for _ in 0..3 {
        let loaded = select(Deaf(&mut world.purse))
            .and_then(|mut purse| load::load(&mut purse, &mut world.issuer, &load).map(|_| ()));
        assert!(matches!(loaded, Err(FlowError::OutcomeUnknown { .. })), "{loaded:?}");
        let money = world.money();
        assert_eq!((money.purse, money.holder, world.float() - float), (0, 80_00, 20_00));
    }
    assert!(world.recover().is_complete());
    assert_eq!(world.assert_settled().purse, 20_00);
    world.load(5_00).unwrap();
    let after = world.assert_settled();
    assert_eq!((after.purse, after.holder), (25_00, 75_00));
}

#[test]
fn a_load_whose_answers_are_lost_is_charged_for_what_the_card_has() {
    for lost in 0..8 {
        let mut world = World::new();
        let float = world.float();
        world.purse.lose(lost);
        let first = world.load(20_00);
        world.bring_back();
        assert!(world.recover().is_complete(), "{lost}");
        let after = world.assert_settled();
        // Charged for what the purse has and for nothing else, whichever response was lost.
        assert_eq!((after.purse, after.holder), (world.float() - float, 100_00 - after.purse), "{first:?}");
        assert!([0, 20_00].contains(&after.purse) && (first.is_err() || after.purse == 20_00), "{lost}");
        world.load(5_00).unwrap();
        assert_eq!(world.assert_settled().purse, after.purse + 5_00, "{lost}");
    }
}
