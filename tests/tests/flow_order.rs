//! A recovery writes records of its own. It does what it does in an order in which none of them pushes an open purchase
//! out of the log that it could still have brought to its end.

#![allow(clippy::inconsistent_digit_grouping, reason = "euros and cents")]

mod flow_support;

use apdu_spec::command::InitializeData;
use apdu_spec::element::{Amount, Kind};
use flow_support::{HOLDER, World, client};
use purse_card::memory::Geometry;
use purse_card::store::minimum_pages;
use purse_terminal::virtual_card::VirtualCard;
use purse_tests::scheme::{TIME, VERSION, eur, issuer};

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
    let (mut purse, mut sam) = (client(&mut world.purse), client(&mut world.sam));
    let data = InitializeData {
        kind: Kind::Purchase,
        key_version: VERSION,
        currency: eur(),
        amount: Amount(2_00),
        from: purse.status().number,
        from_sequence: purse.status().sequence,
        time: TIME,
    };
    let (pay_details, req) = sam.initialize(&data).unwrap();
    purse.debit(&pay_details, req).unwrap();
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
    let mut purse = client(&mut world.purse);
    let sequence = purse.status().sequence;
    let data = InitializeData {
        kind: Kind::Load,
        key_version: VERSION,
        currency: eur(),
        amount: Amount(5_00),
        from: issuer(),
        from_sequence: sequence,
        time: TIME,
    };
    let (pay_details, req) = purse.initialize(&data).unwrap();
    world.issuer.load(&pay_details, req, HOLDER).unwrap();
    assert!(world.recover().is_complete());
    world.assert_settled();
}

#[test]
fn a_declined_unload_comes_back_after_the_purchase_that_it_would_push_out() {
    let mut world = world();
    let mut purse = client(&mut world.purse);
    let sequence = purse.status().sequence;
    let asked =
        world.issuer.unload_request(purse.status().number, eur(), Amount(1_00), sequence, TIME).unwrap();
    let voucher = purse.debit(&asked.pay_details, asked.req).unwrap();
    world.issuer.decline_unload(&voucher).unwrap();
    pay_and_leave(&mut world);
    until_it_is_the_oldest(&mut world, WINDOW - 1);
    assert!(world.recover().is_complete());
    world.assert_settled();
}
