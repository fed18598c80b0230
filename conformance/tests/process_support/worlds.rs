//! The parties as they are when a process begins, and what may happen to one of them before a CREDIT.

#![allow(clippy::inconsistent_digit_grouping, reason = "euros and cents")]

use apdu_spec::command::InitializeData;
use apdu_spec::element::{Amount, Kind, Role};
use apdu_spec::parameter::Parameter;
use apdu_spec::pocket::Limits;
use apdu_spec::status::StatusWord;
use purse_card::memory::Geometry;
use purse_card::store::minimum_pages;
use purse_terminal::transport::{EMPTY_RESPONSE, Faulty, InProcess, Transport};
use purse_terminal::virtual_card::VirtualCard;
use purse_tests::scheme::{PURSE_LIMITS, SAM_LIMITS, TIME, VERSION, eur, issuer, party, pin, script};
use purse_tests::world::{HOLDER, OPERATOR, PIN, Rig, World, client};

/// Records of a small purse's log.
pub(super) const WINDOW: usize = 8;

pub(super) fn small<const RECORDS: usize>(name: &str) -> VirtualCard {
    let shape = Geometry { unit: 16, page_size: 2048, pages: 0, atomic: false };
    let pages = minimum_pages(shape, RECORDS, 2).expect("a page holds slots");
    VirtualCard::with_sizes::<RECORDS, 2>(name, Geometry { pages, ..shape })
}

pub(super) fn small_world() -> World {
    let mut world = World::on(small::<WINDOW>("purse"), small::<64>("sam"));
    world.load(20_00).unwrap();
    world
}

pub(super) fn deliver(rig: &mut Rig, number: u64, counter: u32, parameter: &Parameter) {
    let mut response = EMPTY_RESPONSE;
    let script = script(party(number), counter, parameter);
    // Its power may fail in this as well.
    if let Ok(answer) = rig.inner_mut().transmit(&script, &mut response) {
        assert_eq!(answer, StatusWord::Success.emit());
    }
}

/// The purse has asked, and may hold no more by the time that the value comes.
pub(crate) fn purse_full(rig: &mut Rig) {
    let limits = Limits { maximum_balance: Amount(1), ..PURSE_LIMITS };
    deliver(rig, 1, 7, &Parameter::Limits { pocket: 0, limits });
}

pub(crate) fn sam_full(rig: &mut Rig) {
    let limits = Limits { maximum_balance: Amount(1), ..SAM_LIMITS };
    deliver(rig, 2, 7, &Parameter::Limits { pocket: 0, limits });
}

fn request(kind: Kind, amount: u32, world: &mut World) -> InitializeData {
    let status = *client(match kind {
        Kind::Refund => &mut world.sam,
        _ => &mut world.purse,
    })
    .status();
    InitializeData {
        kind,
        key_version: VERSION,
        currency: eur(),
        amount: Amount(amount),
        from: if kind == Kind::Load { issuer() } else { status.number },
        from_sequence: status.sequence,
        time: TIME,
    }
}

/// The purse has paid and left; the SAM has not heard of it.
pub(super) fn pay_and_leave(world: &mut World) {
    let data = request(Kind::Purchase, 2_00, world);
    let (mut purse, mut sam) = (client(&mut world.purse), client(&mut world.sam));
    let (pay_details, req) = sam.initialize(&data).unwrap();
    purse.debit(&pay_details, req).unwrap();
}

/// The issuer has given value, and the purse has left before it came.
pub(super) fn load_and_leave(world: &mut World) {
    let data = request(Kind::Load, 5_00, world);
    let (pay_details, req) = client(&mut world.purse).initialize(&data).unwrap();
    world.issuer.load(&pay_details, req, HOLDER).unwrap();
}

/// The SAM has paid back and left.
pub(super) fn refund_and_leave(world: &mut World) {
    let data = request(Kind::Refund, 1_00, world);
    let (mut purse, mut sam) = (client(&mut world.purse), client(&mut world.sam));
    sam.verify(&pin(OPERATOR)).unwrap();
    let (pay_details, req) = purse.initialize(&data).unwrap();
    sam.debit(&pay_details, req).unwrap();
}

/// The purse, or the SAM with all that it holds, has paid the issuer and left.
pub(super) fn unload_and_leave(world: &mut World, role: Role) {
    let mut card = client(if role == Role::Purse { &mut world.purse } else { &mut world.sam });
    let status = *card.status();
    let amount = if role == Role::Purse { Amount(1_00) } else { status.balance };
    let asked = world.issuer.unload_request(status.number, eur(), amount, status.sequence, TIME).unwrap();
    card.debit(&asked.pay_details, asked.req).unwrap();
}

pub(crate) fn blank_purse() -> World {
    let mut world = World::new();
    world.purse = Faulty::new(InProcess::new(VirtualCard::in_memory("purse", Role::Purse)));
    world
}

pub(crate) fn open_load() -> World {
    let mut world = World::with_history();
    load_and_leave(&mut world);
    world
}

/// The purse has the load, and the issuer does not know.
pub(crate) fn unacknowledged_load() -> World {
    let mut world = open_load();
    let voucher = world.issuer.unresolved_load(party(1)).unwrap().expect("a load");
    client(&mut world.purse).credit(&voucher).unwrap();
    world
}

/// The purse can neither take its load nor decline it.
pub(crate) fn impossible_load() -> World {
    let mut world = open_load();
    deliver(&mut world.purse, 1, 1, &Parameter::Block);
    world
}

pub(crate) fn never_credited() -> World {
    let mut world = World::with_history();
    // The second names the same sequence of the SAM: it is declined.
    pay_and_leave(&mut world);
    pay_and_leave(&mut world);
    world
}

pub(crate) fn everything_open() -> World {
    let mut world = never_credited();
    refund_and_leave(&mut world);
    unload_and_leave(&mut world, Role::Purse);
    load_and_leave(&mut world);
    world
}

pub(crate) fn collection_open() -> World {
    let mut world = World::with_history();
    unload_and_leave(&mut world, Role::Merchant);
    world
}

/// The issuer has declined an unload that the purse has not taken back.
pub(crate) fn declined_unload() -> World {
    let mut world = World::with_history();
    let mut purse = client(&mut world.purse);
    let status = *purse.status();
    let asked =
        world.issuer.unload_request(status.number, eur(), Amount(1_00), status.sequence, TIME).unwrap();
    let voucher = purse.debit(&asked.pay_details, asked.req).unwrap();
    world.issuer.decline_unload(&voucher).unwrap();
    world
}

pub(crate) fn endangered() -> World {
    let mut world = small_world();
    pay_and_leave(&mut world);
    for _ in 1..WINDOW {
        world.pay(10).unwrap();
    }
    load_and_leave(&mut world);
    world
}

/// An unload that has left the window of the log.
pub(crate) fn exception() -> World {
    let mut world = small_world();
    unload_and_leave(&mut world, Role::Purse);
    for _ in 0..=WINDOW {
        world.pay(10).unwrap();
    }
    world
}

pub(crate) fn locked() -> World {
    let mut world = never_credited();
    let mut purse = client(&mut world.purse);
    purse.verify(&pin(PIN)).unwrap();
    purse.lock().unwrap();
    world
}

pub(crate) fn kept_open_by_a_limit() -> World {
    let mut world = small_world();
    let limits = Limits { offline_receipts: Amount(3_00), ..PURSE_LIMITS };
    deliver(&mut world.purse, 1, 1, &Parameter::Limits { pocket: 0, limits });
    pay_and_leave(&mut world);
    pay_and_leave(&mut world);
    assert!(world.recover().is_complete());
    pay_and_leave(&mut world);
    pay_and_leave(&mut world);
    load_and_leave(&mut world);
    world
}

pub(crate) fn kept_open_by_a_full_log() -> World {
    let mut world = World::on(small::<WINDOW>("purse"), small::<12>("sam"));
    world.load(20_00).unwrap();
    world.pay(3_00).unwrap();
    refund_and_leave(&mut world);
    (0..12).find_map(|_| world.pay(10).err()).expect("a full log");
    unload_and_leave(&mut world, Role::Merchant);
    world
}

pub(crate) fn blocked() -> World {
    let mut world = World::with_history();
    deliver(&mut world.purse, 1, 1, &Parameter::Block);
    world
}

/// The purse has nothing and is at its end.
pub(crate) fn terminated() -> World {
    let mut world = World::new();
    deliver(&mut world.purse, 1, 1, &Parameter::Terminate);
    world
}

pub(crate) fn blocked_sam() -> World {
    let mut world = World::with_history();
    deliver(&mut world.sam, 2, 1, &Parameter::Block);
    world
}

pub(crate) fn blank_sam() -> World {
    let mut world = World::with_history();
    world.sam = Faulty::new(InProcess::new(VirtualCard::in_memory("sam", Role::Merchant)));
    world
}
