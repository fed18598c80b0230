//! A wrong authenticator is 6988 and writes nothing; a right one is right for one transaction only (section 3).

use apdu_spec::command::{Command, CommandName, DebitData, Voucher};
use apdu_spec::cryptography::{Authenticator, Tac};
use apdu_spec::element::{Kind, Sequence};
use apdu_spec::parameter::Parameter;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::status::StatusWord as Status;
use purse_tests::bench_card::CommonCard;
use purse_tests::scheme::{
    Profile, acknowledge, debit, issuer, party, pin, reverse, script, session, voucher,
};

/// Flips each of the last `count` bytes' bits, but for the last `skip` bytes; all are refused as a wrong MAC.
#[track_caller]
fn refuse_flips(bench: &mut CommonCard, good: &[u8], from: usize, count: usize) {
    for bit in 0..count * 8 {
        let mut bytes = good.to_vec();
        bytes[from + bit / 8] ^= 0x80 >> (bit % 8);
        bench.refuse_bytes(&bytes, Status::WrongMac);
    }
    // Nothing is counted: after any number of them the right one is taken.
    for filling in [0x00, 0xFF] {
        let mut bytes = good.to_vec();
        bytes[from..from + count].fill(filling);
        bench.refuse_bytes(&bytes, Status::WrongMac);
    }
}

fn bytes(command: &Command<'_>) -> Vec<u8> {
    command.emit().as_bytes().to_vec()
}

/// Purse and SAM with money, their PINs verified, and a settled purchase of 5.00 for a refund.
fn cards() -> [CommonCard; 2] {
    let mut purse = CommonCard::new(&Profile::purse(1, 50_00));
    purse.verify(pin("1234"));
    purse.spend_settled(Kind::Purchase, 5_00, party(2));
    let mut sam = CommonCard::new(&Profile::sam(2, 50_00));
    sam.verify(pin("9999"));
    [purse, sam]
}

fn payments(place: usize) -> [(Kind, apdu_spec::number::PartyNumber); 2] {
    let payment = if place == 0 { (Kind::Purchase, party(2)) } else { (Kind::Refund, party(1)) };
    [payment, (Kind::Unload, issuer())]
}

fn receipts(place: usize) -> [(Kind, apdu_spec::number::PartyNumber); 2] {
    let receipt = if place == 0 { (Kind::Refund, party(2)) } else { (Kind::Purchase, party(1)) };
    [receipt, (Kind::Load, issuer())]
}

#[test]
fn a_wrong_req_debits_nothing() {
    for (place, mut bench) in cards().into_iter().enumerate() {
        for (kind, peer) in payments(place) {
            let pay_details = bench.paying(kind, 1_00, peer);
            let good = bytes(&debit(&pay_details));
            refuse_flips(&mut bench, &good, 5 + 27, 8);
            let mut session = session(&pay_details);
            for other in [session.ack(), session.nack(), session.val(Tac::NONE)] {
                let command = Command::Debit(DebitData::new(&pay_details, other));
                bench.refuse(&command, Status::WrongMac);
            }
            bench.succeed(&debit(&pay_details));
            // A repeat is verified too.
            refuse_flips(&mut bench, &good, 5 + 27, 8);
        }
    }
}

#[test]
fn a_wrong_val_or_an_exchanged_tac_credits_and_declines_nothing() {
    for (place, mut bench) in cards().into_iter().enumerate() {
        for (kind, peer) in receipts(place) {
            let pay_details = bench.paid(kind, 1_00, peer);
            let good = voucher(&pay_details);
            let credit = bytes(&Command::Credit(good));
            let decline = bytes(&Command::Decline(good));
            for command in [&credit, &decline] {
                // val, then TAC: no one under way can put another certificate in its place.
                refuse_flips(&mut bench, command, 5 + 36, 8);
                refuse_flips_of_tac(&mut bench, command, good.tac);
            }
            let mut session = session(&pay_details);
            for other in [session.req(), session.ack(), session.nack(), session.val(Tac([1; 8]))] {
                let forged = Voucher { val: other, ..good };
                bench.refuse(&Command::Credit(forged), Status::WrongMac);
                bench.refuse(&Command::Decline(forged), Status::WrongMac);
            }
            bench.succeed(&Command::Credit(good));
            for command in [&credit, &decline] {
                refuse_flips(&mut bench, command, 5 + 36, 8);
                refuse_flips_of_tac(&mut bench, command, good.tac);
            }
        }
    }
}

/// As [`refuse_flips`] for a TAC, which may be all zero itself.
#[track_caller]
fn refuse_flips_of_tac(bench: &mut CommonCard, good: &[u8], tac: Tac) {
    for bit in 0..64 {
        let mut bytes = good.to_vec();
        bytes[5 + 44 + bit / 8] ^= 0x80 >> (bit % 8);
        bench.refuse_bytes(&bytes, Status::WrongMac);
    }
    assert_eq!(good[5 + 44..5 + 52], tac.0);
}

#[test]
fn no_bit_of_pay_details_can_be_changed_under_way() {
    for (place, mut bench) in cards().into_iter().enumerate() {
        for (kind, peer) in receipts(place) {
            let good = voucher(&bench.paid(kind, 1_00, peer));
            for command in [Command::Credit(good), Command::Decline(good)] {
                for bit in 0..36 * 8 {
                    let mut bytes = bytes(&command);
                    bytes[5 + bit / 8] ^= 0x80 >> (bit % 8);
                    let answer = bench.unwritten(&bytes);
                    assert!(answer.data.is_empty());
                    let refused = [
                        Status::WrongMac,
                        Status::WrongData,
                        Status::ReferenceNotFound,
                        Status::ConditionsOfUse,
                    ];
                    assert!(refused.contains(&answer.status), "{bit}: {:?}", answer.status);
                }
            }
            bench.succeed(&Command::Credit(good));
        }
    }
}

#[test]
fn a_wrong_ack_settles_nothing_and_a_wrong_nack_returns_nothing() {
    for (place, mut bench) in cards().into_iter().enumerate() {
        for (kind, peer) in payments(place) {
            for reversed in [false, true] {
                let pay_details = bench.spend(kind, 1_00, peer);
                let (ack, nack) = (bytes(&acknowledge(&pay_details)), bytes(&reverse(&pay_details)));
                for command in [&ack, &nack] {
                    refuse_flips(&mut bench, command, 5 + 4, 8);
                }
                let sequence = pay_details.from_sequence;
                let mut session = session(&pay_details);
                bench.refuse(&Command::Acknowledge(sequence, session.nack()), Status::WrongMac);
                bench.refuse(&Command::Reverse(sequence, session.ack()), Status::WrongMac);
                bench.refuse(&Command::Reverse(sequence, session.req()), Status::WrongMac);
                // Another transaction's.
                let other = PayDetails { time: apdu_spec::element::Time(1), ..pay_details };
                bench.refuse(&acknowledge(&other), Status::WrongMac);
                bench.refuse(&reverse(&other), Status::WrongMac);
                bench.transmit(if reversed { &nack } else { &ack });
                // Closed: a wrong one is still a wrong one, whatever the state.
                for command in [&ack, &nack] {
                    refuse_flips(&mut bench, command, 5 + 4, 8);
                }
            }
        }
    }
}

#[test]
fn a_script_is_taken_only_with_its_own_mac() {
    for (number, mut bench) in [1, 2].into_iter().zip(cards()) {
        let own = party(number);
        let limits = Profile::purse(1, 0).limits;
        for parameter in [Parameter::Limits { pocket: 0, limits }, Parameter::Block, Parameter::PinTries] {
            let good = script(own, 7, &parameter);
            refuse_flips(&mut bench, &good, good.len() - 8, 8);
            // Counter, id, value: all of it is covered; so is the card that it is for.
            for bit in 0..(good.len() - 8 - 5) * 8 {
                let mut bytes = good.clone();
                bytes[5 + bit / 8] ^= 0x80 >> (bit % 8);
                bench.refuse_bytes(&bytes, Status::WrongMac);
            }
            bench.refuse_bytes(&script(party(3), 7, &parameter), Status::WrongMac);
        }
        bench.accept_script(7, &Parameter::Block);
        let good = script(own, 7, &Parameter::Block);
        refuse_flips(&mut bench, &good, good.len() - 8, 8);
        bench.accept_script(8, &Parameter::Unblock);
    }
}

#[test]
fn another_cards_messages_are_wrong_here() {
    // The same pay details but for the purse: its own key differs.
    let [mut purse, mut sam] = cards();
    let load = purse.paid(Kind::Load, 1_00, issuer());
    let foreign = PayDetails { to: party(3), ..load };
    let swapped = Voucher { pay_details: load, ..voucher(&foreign) };
    purse.refuse(&Command::Credit(swapped), Status::WrongMac);
    let sale = sam.paid(Kind::Purchase, 1_00, party(1));
    let foreign = PayDetails { from: party(3), ..sale };
    let swapped = Voucher { pay_details: sale, ..voucher(&foreign) };
    sam.refuse(&Command::Credit(swapped), Status::WrongMac);
    // A SAM's req for one purse is none for another.
    let purchase = purse.paying(Kind::Purchase, 1_00, party(2));
    let other = PayDetails { from: party(3), ..purchase };
    purse.refuse(&Command::Debit(DebitData::new(&purchase, session(&other).req())), Status::WrongMac);
}

#[test]
fn commands_without_a_mac_write_nothing_at_all() {
    for mut bench in cards() {
        let load = bench.paid(Kind::Load, 1_00, issuer());
        for command in [
            purse_tests::scheme::initialize(&load),
            Command::GetProof(Sequence(0)),
            Command::GetBalance(0),
            Command::ReadEntry(Sequence(0)),
            Command::ReadRecord(Some(0x18), 1),
            Command::GetData([0x9F, 0x17]),
            Command::Verify(None),
        ] {
            let name: CommandName = command.name();
            for _ in 0..50 {
                let answer = bench.unwritten(command.emit().as_bytes());
                assert_ne!(answer.status, Status::WrongMac, "{name:?}");
            }
        }
        bench.refuse(&Command::Acknowledge(Sequence(99), Authenticator([0; 8])), Status::ConditionsOfUse);
    }
}
