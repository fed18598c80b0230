//! A recovery writes records of its own. It does what it does in an order in which none of them pushes an open purchase
//! out of the log that it could still have brought to its end.

#![allow(clippy::inconsistent_digit_grouping, reason = "euros and cents")]

use crate::support::{HOLDER, OPERATOR, World, client, introduce, transfer_data};
use apdu_spec::command::{InitializeData, Voucher};
use apdu_spec::element::{Amount, Kind, Sequence};
use apdu_spec::file::File;
use apdu_spec::number::PartyNumber;
use apdu_spec::parameter::Parameter;
use apdu_spec::pocket::Limits;
use apdu_spec::status::StatusWord;
use purse_card::memory::Geometry;
use purse_card::store::minimum_pages;
use purse_terminal::flow::purchase;
use purse_terminal::flow::recovery::{CardAtHand, Outcome, Report, recover};
use purse_terminal::transport::{EMPTY_RESPONSE, ResponseBuffer, Transport, TransportError};
use purse_terminal::virtual_card::VirtualCard;
use purse_tests::overheard::{Failing, Notes, overheard_issuer};
use purse_tests::scheme::{PURSE_LIMITS, TIME, VERSION, eur, issuer, party, pin, script};
use purse_tests::world::payment;

/// Records of the purse's log.
const WINDOW: u32 = 8;

fn small<const RECORDS: usize>(name: &str) -> VirtualCard {
    let shape = Geometry { unit: 16, page_size: 2048, pages: 0, atomic: false };
    let pages = minimum_pages(shape, RECORDS, 2).expect("a page holds slots");
    VirtualCard::with_sizes::<RECORDS, 2>(name, Geometry { pages, ..shape })
}

fn world() -> World {
    let mut world = World::on(small::<{ WINDOW as usize }>("purse"), small::<64>("sam"));
    world.load(20_00).unwrap();
    world
}

/// The purse has paid and left; the SAM has not heard of it.
fn pay_and_leave(world: &mut World) {
    debit_for(&mut client(&mut world.purse), &mut client(&mut world.sam));
}

/// A purchase that the SAM has not heard of.
fn debit_for(purse: &mut CardAtHand<'_>, sam: &mut CardAtHand<'_>) {
    let data = request(Kind::Purchase, 2_00, purse.status().number, purse.status().sequence);
    let (pay_details, req) = sam.initialize(&data).unwrap();
    purse.debit(&pay_details, req).unwrap();
}

/// What a payee is asked for.
fn request(kind: Kind, amount: u32, from: PartyNumber, from_sequence: Sequence) -> InitializeData {
    let (key_version, currency, amount) = (VERSION, eur(), Amount(amount));
    InitializeData { kind, key_version, currency, amount, from, from_sequence, time: TIME }
}

/// The issuer has given value, and the purse has left before it came.
fn load_and_leave(world: &mut World) {
    let mut purse = client(&mut world.purse);
    let data = request(Kind::Load, 5_00, issuer(), purse.status().sequence);
    let (pay_details, req) = purse.initialize(&data).unwrap();
    world.issuer.load(&pay_details, req, HOLDER).unwrap();
}

/// The SAM has paid back, and the purse has left before it came.
fn refund_and_leave(world: &mut World) -> Voucher {
    let (mut purse, mut sam) = (client(&mut world.purse), client(&mut world.sam));
    sam.verify(&pin(OPERATOR)).unwrap();
    let data = request(Kind::Refund, 5, sam.status().number, sam.status().sequence);
    let (pay_details, req) = purse.initialize(&data).unwrap();
    sam.debit(&pay_details, req).unwrap()
}

/// The issuer has declined an unload, and the purse has not heard of it.
fn unload_and_be_declined(world: &mut World) {
    let mut purse = client(&mut world.purse);
    let sequence = purse.status().sequence;
    let asked =
        world.issuer.unload_request(purse.status().number, eur(), Amount(1_00), sequence, TIME).unwrap();
    let voucher = purse.debit(&asked.pay_details, asked.req).unwrap();
    world.issuer.decline_unload(&voucher).unwrap();
}

/// These cards are at hand, in this order.
fn recover_in_order(world: &mut World, order: [Place; 3]) -> Report {
    let World { purse, sam, other, issuer } = world;
    let mut rigs = [Some(purse), Some(sam), other.as_mut()];
    let cards = order.map(|place| rigs[place as usize].take());
    let mut cards: Vec<CardAtHand<'_>> = cards.into_iter().flatten().map(client).collect();
    recover(&mut cards, Some(issuer))
}

/// A card's place in the world.
#[derive(Clone, Copy)]
enum Place {
    Purse,
    Sam,
    Other,
}

/// So many records later the purchase is the oldest one of the window.
fn until_it_is_the_oldest(world: &mut World, records: u32) {
    for _ in 0..records {
        world.pay(10).unwrap();
    }
}

#[test]
fn an_open_load_is_finished_after_the_purchase_that_it_would_push_out() {
    let mut world = world();
    pay_and_leave(&mut world);
    until_it_is_the_oldest(&mut world, WINDOW - 1);
    load_and_leave(&mut world);
    assert!(world.recover().is_complete());
    world.assert_settled();
}

#[test]
fn a_declined_unload_comes_back_after_the_purchase_that_it_would_push_out() {
    let mut world = world();
    unload_and_be_declined(&mut world);
    pay_and_leave(&mut world);
    until_it_is_the_oldest(&mut world, WINDOW - 1);
    assert!(world.recover().is_complete());
    world.assert_settled();
}

/// The other purse has debited, and nobody has heard of it.
fn transfer_and_leave(world: &mut World) -> Voucher {
    let (mut payer, mut payee) = (client(world.other.as_mut().unwrap()), client(&mut world.purse));
    introduce(&mut payer, &mut payee);
    let (pay_details, req) = payee.initialize(&transfer_data(&payer, 2_00)).unwrap();
    payer.debit(&pay_details, req).unwrap()
}

/// The other purse has paid this one, and left before it heard that the value has come.
fn be_paid_and_leave(world: &mut World) {
    let voucher = transfer_and_leave(world);
    let (mut payer, mut payee) = (client(world.other.as_mut().unwrap()), client(&mut world.purse));
    introduce(&mut payer, &mut payee);
    payee.credit(&voucher).unwrap();
}

#[test]
fn a_declined_unload_does_not_push_out_the_only_record_of_a_transfer_that_has_come() {
    let mut world = world().and_other();
    be_paid_and_leave(&mut world);
    unload_and_be_declined(&mut world);
    until_it_is_the_oldest(&mut world, WINDOW - 2);
    let report = world.recover();
    assert!(report.is_complete(), "{report:?}");
    world.assert_settled();
}

#[test]
fn an_open_load_does_not_push_out_the_only_record_of_a_transfer_that_has_come() {
    let mut world = world().and_other();
    be_paid_and_leave(&mut world);
    until_it_is_the_oldest(&mut world, WINDOW - 1);
    load_and_leave(&mut world);
    let report = world.recover();
    assert!(report.is_complete(), "{report:?}");
    world.assert_settled();
}

/// Each of two purses has paid the other, at the same time: the one by a debit that uses the sequence under which it has asked
/// for the other's payment. That debit has arrived, and nobody has heard of it.
fn pay_each_other_and_leave(world: &mut World) {
    let (mut one, mut other) = (client(&mut world.purse), client(world.other.as_mut().unwrap()));
    introduce(&mut one, &mut other);
    let (to_one, req) = one.initialize(&transfer_data(&other, 2_00)).unwrap();
    other.debit(&to_one, req).unwrap();
    let (to_other, req) = other.initialize(&transfer_data(&one, 2_00)).unwrap();
    let voucher = one.debit(&to_other, req).unwrap();
    other.credit(&voucher).unwrap();
}

/// An open transfer in EF.EXC is gone once it is settled, and with it what its card knows of its sequence.
#[test]
fn a_settled_transfer_does_not_take_along_the_only_record_from_which_another_is_declined() {
    let mut world = world().and_other();
    pay_each_other_and_leave(&mut world);
    until_it_is_the_oldest(&mut world, WINDOW);
    let report = world.recover();
    assert!(report.is_complete(), "{report:?}");
    world.assert_settled();
}

#[test]
fn a_refund_that_comes_does_not_push_out_a_purchase_whose_payee_is_at_hand() {
    let mut world = world();
    pay_and_leave(&mut world);
    until_it_is_the_oldest(&mut world, WINDOW - 1);
    refund_and_leave(&mut world);
    let report = recover_in_order(&mut world, [Place::Sam, Place::Purse, Place::Other]);
    assert!(report.is_complete(), "{report:?}");
    world.assert_settled();
}

#[test]
fn a_transfer_that_comes_does_not_push_out_a_purchase_whose_payee_is_at_hand() {
    let mut world = world().and_other();
    pay_and_leave(&mut world);
    until_it_is_the_oldest(&mut world, WINDOW - 1);
    transfer_and_leave(&mut world);
    let report = recover_in_order(&mut world, [Place::Other, Place::Sam, Place::Purse]);
    assert!(report.is_complete(), "{report:?}");
    world.assert_settled();
}

#[test]
fn an_open_load_does_not_push_out_the_only_record_of_a_refund_that_has_come() {
    let mut world = world();
    world.pay(10).unwrap();
    let voucher = refund_and_leave(&mut world);
    client(&mut world.purse).credit(&voucher).unwrap();
    until_it_is_the_oldest(&mut world, WINDOW - 1);
    load_and_leave(&mut world);
    let report = world.recover();
    assert!(report.is_complete(), "{report:?}");
    world.assert_settled();
}

/// What a SAM has been collected of may be overwritten, also if its payer has not heard yet.
#[test]
fn a_purchase_that_comes_does_not_push_out_the_only_record_of_another_one() {
    const SAM_WINDOW: u32 = 40;
    let mut world = World::on(small::<64>("purse"), small::<{ SAM_WINDOW as usize }>("sam")).and_other();
    world.load(20_00).unwrap();
    let (mut purse, mut sam) = (client(&mut world.purse), client(&mut world.sam));
    purchase::sell(&mut purse, &mut sam, &payment(1_00)).unwrap();
    world.collect().unwrap();
    // With the purchase and the collection the log is full, but the other purse's payment still finds its place.
    until_it_is_the_oldest(&mut world, SAM_WINDOW / 2);
    world.collect().unwrap();
    until_it_is_the_oldest(&mut world, SAM_WINDOW / 2 - 3);
    debit_for(&mut client(world.other.as_mut().unwrap()), &mut client(&mut world.sam));
    let report = recover_in_order(&mut world, [Place::Other, Place::Purse, Place::Sam]);
    assert!(report.is_complete(), "{report:?}");
    world.assert_settled();
}

/// Each of the purse's purchases names the same sequence of the SAM, which takes the first, and declines the others.
#[test]
fn what_a_purse_takes_back_does_not_push_out_the_only_record_from_which_it_declines_a_transfer() {
    let mut world = world().and_other();
    unload_and_be_declined(&mut world);
    for _ in 0..WINDOW {
        pay_and_leave(&mut world);
    }
    transfer_and_leave(&mut world);
    load_and_leave(&mut world);
    let report = world.recover();
    assert!(report.is_complete(), "{report:?}");
    world.assert_settled();
}

/// The issuer lets the purse take so much back offline between two loads.
fn limit_offline_receipts(world: &mut World, offline_receipts: u32) {
    let limits = Limits { offline_receipts: Amount(offline_receipts), ..PURSE_LIMITS };
    let script = script(party(1), 1, &Parameter::Limits { pocket: 0, limits });
    let mut response = EMPTY_RESPONSE;
    let answer = world.purse.inner_mut().transmit(&script, &mut response).unwrap();
    assert_eq!(answer, StatusWord::Success.emit());
}

#[test]
fn a_purchase_that_the_limit_of_offline_receipts_keeps_open_comes_back_because_the_open_load_lifts_it() {
    let mut world = world();
    limit_offline_receipts(&mut world, 3_00);
    // Both name the same sequence of the SAM: it credits the first, and declines the other.
    pay_and_leave(&mut world);
    pay_and_leave(&mut world);
    assert!(world.recover().is_complete());
    pay_and_leave(&mut world);
    pay_and_leave(&mut world);
    load_and_leave(&mut world);
    let report = world.recover();
    assert!(report.is_complete(), "{report:?}");
    world.assert_settled();
    assert_eq!(report.items.len(), 3, "{report:?}");
    assert!(matches!(report.items[0].outcome, Outcome::Settled), "the load: {report:?}");
    assert!(matches!(report.items[2].outcome, Outcome::Reversed), "{report:?}");
}

#[test]
fn a_refund_that_a_full_log_keeps_open_comes_back_once_the_open_collection_has_made_room() {
    let mut world = World::on(small::<{ WINDOW as usize }>("purse"), small::<12>("sam"));
    world.load(20_00).unwrap();
    world.pay(3_00).unwrap();
    refund_and_leave(&mut world);
    // The purse uses the sequence that it has named, so it declines the refund.
    let full = (0..12).find_map(|_| world.pay(10).err()).expect("a full log");
    assert_eq!(full.status_code(), Some(StatusWord::NoRoom.code()));
    let mut sam = client(&mut world.sam);
    let (amount, sequence) = (sam.status().balance, sam.status().sequence);
    let asked = world.issuer.unload_request(party(2), eur(), amount, sequence, TIME).unwrap();
    sam.debit(&asked.pay_details, asked.req).unwrap();
    let report = world.recover();
    assert!(report.is_complete(), "{report:?}");
    world.assert_settled();
}

#[test]
fn what_nothing_makes_possible_is_not_tried_for_ever() {
    let mut world = world();
    limit_offline_receipts(&mut world, 1_00);
    for _ in 0..2 {
        pay_and_leave(&mut world);
    }
    load_and_leave(&mut world);
    let report = world.recover();
    let open: Vec<_> =
        report.items.iter().filter(|item| matches!(item.outcome, Outcome::StillOpen(_))).collect();
    assert_eq!((open.len(), report.items.len()), (1, 3), "{report:?}");
    assert!(world.issuer.unresolved_load(party(1)).unwrap().is_none(), "the load is through");
}

#[test]
fn a_load_that_its_card_refuses_stays_open_for_that_reason_when_something_else_is_settled() {
    let mut world = world();
    pay_and_leave(&mut world);
    load_and_leave(&mut world);
    let script = script(party(1), 1, &Parameter::Block);
    let mut response = EMPTY_RESPONSE;
    let answer = world.purse.inner_mut().transmit(&script, &mut response).unwrap();
    assert_eq!(answer, StatusWord::Success.emit());
    // The purse declines, and that does not reach the issuer.
    let World { purse, sam, issuer, .. } = &mut world;
    let mut desk = overheard_issuer(issuer, &Notes::default(), Some(Failing::Before(2)));
    let mut cards: Vec<CardAtHand<'_>> = vec![client(purse), client(sam)];
    let report = recover(&mut cards, Some(&mut desk));
    assert!(matches!(report.items[1].outcome, Outcome::Settled), "the purchase: {report:?}");
    assert!(matches!(report.items[0].outcome, Outcome::StillOpen(_)), "the load: {report:?}");
}

/// A card of which EF.EXC cannot be read.
struct Unreadable<'a>(&'a mut dyn Transport);

impl Transport for Unreadable<'_> {
    fn transmit<'a>(
        &mut self,
        command: &[u8],
        response: &'a mut ResponseBuffer,
    ) -> Result<&'a [u8], TransportError> {
        const READ_RECORD: u8 = 0xB2;
        if let [_, READ_RECORD, _, reference, ..] = command
            && reference >> 3 == File::Exceptions.short_identifier().unwrap_or(0)
        {
            let status = StatusWord::MemoryFailure.emit();
            response[..status.len()].copy_from_slice(&status);
            return Ok(&response[..status.len()]);
        }
        self.0.transmit(command, response)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.0.reset()
    }

    fn name(&self) -> &str {
        self.0.name()
    }
}

#[test]
fn a_log_that_cannot_be_read_does_not_keep_a_load_from_being_finished() {
    let mut world = world();
    load_and_leave(&mut world);
    let World { purse, issuer, .. } = &mut world;
    let mut card = Unreadable(purse);
    let mut cards: [CardAtHand<'_>; 1] = [client_of(&mut card)];
    let report = recover(&mut cards, Some(issuer));
    assert_eq!(report.unread.len(), 1, "{report:?}");
    assert!(matches!(&report.items[..], [load] if matches!(load.outcome, Outcome::Settled)), "{report:?}");
    assert!(world.recover().is_complete());
    world.assert_settled();
}

fn client_of<'a>(card: &'a mut Unreadable<'_>) -> CardAtHand<'a> {
    purse_terminal::client::Client::select(card as &mut dyn Transport).expect("a card that can be selected")
}
