//! What can be the case when a process begins.

#![allow(clippy::inconsistent_digit_grouping, reason = "euros and cents")]

use apdu_spec::command::InitializeData;
use apdu_spec::element::{Amount, Kind, Role, Time};
use apdu_spec::parameter::Parameter;
use apdu_spec::pocket::Limits;
use apdu_spec::status::StatusWord;
use purse_card::memory::Geometry;
use purse_card::store::minimum_pages;
use purse_terminal::transport::{EMPTY_RESPONSE, Faulty, InProcess, Transport};
use purse_terminal::virtual_card::VirtualCard;
use purse_tests::overheard::Event;
use purse_tests::scheme::{PURSE_LIMITS, SAM_LIMITS, TIME, VERSION, eur, issuer, party, pin, script};
use purse_tests::world::{HOLDER, OPERATOR, PIN, Rig, World, client};

use super::Process;

/// One of them.
#[derive(Clone, Copy)]
pub(crate) struct Situation {
    pub(crate) name: &'static str,
    pub(crate) process: Process,
    pub(crate) world: fn() -> World,
    pub(crate) amount: u32,
    pub(crate) time: Time,
    pub(crate) pin: Option<&'static str>,
    /// Just before a CREDIT.
    pub(crate) event: Option<Event>,
    /// The cards stand in each other's place.
    pub(crate) swapped: bool,
    /// The purse is the only card at hand.
    pub(crate) is_alone: bool,
}

const fn situation(name: &'static str, process: Process, amount: u32, world: fn() -> World) -> Situation {
    Situation {
        name,
        process,
        world,
        amount,
        time: TIME,
        pin: None,
        event: None,
        swapped: false,
        is_alone: false,
    }
}

/// Records of a small purse's log.
const WINDOW: usize = 8;

fn small<const RECORDS: usize>(name: &str) -> VirtualCard {
    let shape = Geometry { unit: 16, page_size: 2048, pages: 0, atomic: false };
    let pages = minimum_pages(shape, RECORDS, 2).expect("a page holds slots");
    VirtualCard::with_sizes::<RECORDS, 2>(name, Geometry { pages, ..shape })
}

fn small_world() -> World {
    let mut world = World::on(small::<WINDOW>("purse"), small::<64>("sam"));
    world.load(20_00).unwrap();
    world
}

fn deliver(rig: &mut Rig, number: u64, counter: u32, parameter: &Parameter) {
    let mut response = EMPTY_RESPONSE;
    let script = script(party(number), counter, parameter);
    // Its power may fail in this as well.
    if let Ok(answer) = rig.inner_mut().transmit(&script, &mut response) {
        assert_eq!(answer, StatusWord::Success.emit());
    }
}

/// The purse has asked, and may hold no more by the time that the value comes.
fn purse_full(rig: &mut Rig) {
    let limits = Limits { maximum_balance: Amount(1), ..PURSE_LIMITS };
    deliver(rig, 1, 7, &Parameter::Limits { pocket: 0, limits });
}

fn sam_full(rig: &mut Rig) {
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
fn pay_and_leave(world: &mut World) {
    let data = request(Kind::Purchase, 2_00, world);
    let (mut purse, mut sam) = (client(&mut world.purse), client(&mut world.sam));
    let (pay_details, req) = sam.initialize(&data).unwrap();
    purse.debit(&pay_details, req).unwrap();
}

/// The issuer has given value, and the purse has left before it came.
fn load_and_leave(world: &mut World) {
    let data = request(Kind::Load, 5_00, world);
    let (pay_details, req) = client(&mut world.purse).initialize(&data).unwrap();
    world.issuer.load(&pay_details, req, HOLDER).unwrap();
}

/// The SAM has paid back and left.
fn refund_and_leave(world: &mut World) {
    let data = request(Kind::Refund, 1_00, world);
    let (mut purse, mut sam) = (client(&mut world.purse), client(&mut world.sam));
    sam.verify(&pin(OPERATOR)).unwrap();
    let (pay_details, req) = purse.initialize(&data).unwrap();
    sam.debit(&pay_details, req).unwrap();
}

/// The purse, or the SAM with all that it holds, has paid the issuer and left.
fn unload_and_leave(world: &mut World, role: Role) {
    let mut card = client(if role == Role::Purse { &mut world.purse } else { &mut world.sam });
    let status = *card.status();
    let amount = if role == Role::Purse { Amount(1_00) } else { status.balance };
    let asked = world.issuer.unload_request(status.number, eur(), amount, status.sequence, TIME).unwrap();
    card.debit(&asked.pay_details, asked.req).unwrap();
}

fn blank_purse() -> World {
    let mut world = World::new();
    world.purse = Faulty::new(InProcess::new(VirtualCard::in_memory("purse", Role::Purse)));
    world
}

fn open_load() -> World {
    let mut world = World::with_history();
    load_and_leave(&mut world);
    world
}

/// The purse has the load, and the issuer does not know.
fn unacknowledged_load() -> World {
    let mut world = open_load();
    let voucher = world.issuer.unresolved_load(party(1)).unwrap().expect("a load");
    client(&mut world.purse).credit(&voucher).unwrap();
    world
}

/// The purse can neither take its load nor decline it.
fn impossible_load() -> World {
    let mut world = open_load();
    deliver(&mut world.purse, 1, 1, &Parameter::Block);
    world
}

fn never_credited() -> World {
    let mut world = World::with_history();
    // The second names the same sequence of the SAM: it is declined.
    pay_and_leave(&mut world);
    pay_and_leave(&mut world);
    world
}

fn everything_open() -> World {
    let mut world = never_credited();
    refund_and_leave(&mut world);
    unload_and_leave(&mut world, Role::Purse);
    load_and_leave(&mut world);
    world
}

fn collection_open() -> World {
    let mut world = World::with_history();
    unload_and_leave(&mut world, Role::Merchant);
    world
}

/// The issuer has declined an unload that the purse has not taken back.
fn declined_unload() -> World {
    let mut world = World::with_history();
    let mut purse = client(&mut world.purse);
    let status = *purse.status();
    let asked =
        world.issuer.unload_request(status.number, eur(), Amount(1_00), status.sequence, TIME).unwrap();
    let voucher = purse.debit(&asked.pay_details, asked.req).unwrap();
    world.issuer.decline_unload(&voucher).unwrap();
    world
}

fn endangered() -> World {
    let mut world = small_world();
    pay_and_leave(&mut world);
    for _ in 1..WINDOW {
        world.pay(10).unwrap();
    }
    load_and_leave(&mut world);
    world
}

/// An unload that has left the window of the log.
fn exception() -> World {
    let mut world = small_world();
    unload_and_leave(&mut world, Role::Purse);
    for _ in 0..=WINDOW {
        world.pay(10).unwrap();
    }
    world
}

fn locked() -> World {
    let mut world = never_credited();
    let mut purse = client(&mut world.purse);
    purse.verify(&pin(PIN)).unwrap();
    purse.lock().unwrap();
    world
}

fn kept_open_by_a_limit() -> World {
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

fn kept_open_by_a_full_log() -> World {
    let mut world = World::on(small::<WINDOW>("purse"), small::<12>("sam"));
    world.load(20_00).unwrap();
    world.pay(3_00).unwrap();
    refund_and_leave(&mut world);
    (0..12).find_map(|_| world.pay(10).err()).expect("a full log");
    unload_and_leave(&mut world, Role::Merchant);
    world
}

fn blocked() -> World {
    let mut world = World::with_history();
    deliver(&mut world.purse, 1, 1, &Parameter::Block);
    world
}

/// The purse has nothing and is at its end.
fn terminated() -> World {
    let mut world = World::new();
    deliver(&mut world.purse, 1, 1, &Parameter::Terminate);
    world
}

fn blocked_sam() -> World {
    let mut world = World::with_history();
    deliver(&mut world.sam, 2, 1, &Parameter::Block);
    world
}

fn blank_sam() -> World {
    let mut world = World::with_history();
    world.sam = Faulty::new(InProcess::new(VirtualCard::in_memory("sam", Role::Merchant)));
    world
}

/// All of them.
#[allow(clippy::too_many_lines, reason = "a list")]
pub(crate) fn situations() -> Vec<Situation> {
    use Process::{Collection, Load, Purchase, Recovery, Refund, Unload};
    // Some month of 2031: every card has expired.
    let late = Time(1_930_000_000);
    // December 2030: none has.
    let last_month = Time(1_924_000_000);
    let history = World::with_history;
    let load = situation("a load", Load, 5_00, history);
    let purchase = situation("a purchase", Purchase, 2_00, history);
    let refund = Situation { pin: Some(OPERATOR), ..situation("a refund", Refund, 1_00, history) };
    let unload = situation("an unload", Unload, 4_00, history);
    let collection = situation("a collection", Collection, 0, history);
    let recovery = situation("a recovery", Recovery, 0, history);
    vec![
        load,
        Situation { name: "a load of a blank card", world: blank_purse, ..load },
        Situation { name: "a load of an expired card", time: late, ..load },
        Situation { name: "a load of more than the account has", amount: 200_00, ..load },
        Situation { name: "a load of more than the purse may hold", amount: 99_000_00, ..load },
        Situation { name: "a load that the purse declines", event: Some(purse_full), ..load },
        Situation { name: "a load after one that is open", world: open_load, ..load },
        Situation {
            name: "a load after one that the purse declines",
            world: open_load,
            event: Some(purse_full),
            ..load
        },
        Situation {
            name: "a load after one that the issuer has not heard of",
            world: unacknowledged_load,
            ..load
        },
        Situation { name: "a load after one that nothing can finish", world: impossible_load, ..load },
        purchase,
        Situation { name: "a purchase with a PIN", pin: Some(PIN), ..purchase },
        Situation { name: "a purchase with a wrong PIN", pin: Some("0000"), ..purchase },
        Situation {
            name: "a purchase above the limit without PIN",
            amount: 16_00,
            world: || {
                let mut world = World::with_history();
                world.load(60_00).unwrap();
                world
            },
            ..purchase
        },
        Situation { name: "a purchase of more than there is", amount: 90_00, pin: Some(PIN), ..purchase },
        Situation { name: "a purchase of nothing", amount: 0, ..purchase },
        Situation { name: "a purchase that the SAM declines", event: Some(sam_full), ..purchase },
        Situation { name: "a purchase with expired cards", time: late, ..purchase },
        Situation { name: "a purchase with the cards exchanged", swapped: true, ..purchase },
        Situation { name: "a purchase of a blank purse", world: blank_purse, ..purchase },
        refund,
        Situation { name: "a refund of more than was paid", amount: 50_00, ..refund },
        Situation { name: "a refund with a wrong PIN", pin: Some("0000"), ..refund },
        Situation { name: "a refund that the purse declines", event: Some(purse_full), ..refund },
        Situation { name: "a refund after payments that are declined", world: never_credited, ..refund },
        Situation { name: "a refund with expired cards", time: late, ..refund },
        Situation { name: "a refund with the cards exchanged", swapped: true, ..refund },
        unload,
        Situation { name: "an unload of more than there is", amount: 90_00, ..unload },
        Situation { name: "an unload of nothing", amount: 0, ..unload },
        Situation { name: "an unload of a SAM", swapped: true, ..unload },
        Situation { name: "an unload of an expired purse", time: late, ..unload },
        collection,
        Situation { name: "a collection of nothing", world: World::new, ..collection },
        Situation { name: "a collection of a purse", swapped: true, ..collection },
        Situation { name: "a collection with one open", world: collection_open, ..collection },
        Situation { name: "a load of a blocked purse", world: blocked, ..load },
        Situation { name: "a load of a terminated purse", world: terminated, ..load },
        Situation { name: "a load in the last month", time: last_month, ..load },
        Situation { name: "a purchase of a blocked purse", world: blocked, ..purchase },
        Situation { name: "a purchase of a terminated purse", world: terminated, ..purchase },
        Situation { name: "a purchase from a blocked SAM", world: blocked_sam, ..purchase },
        Situation { name: "a purchase from a blank SAM", world: blank_sam, ..purchase },
        Situation { name: "a purchase in the last month", time: last_month, ..purchase },
        Situation { name: "a refund of a blocked purse", world: blocked, ..refund },
        Situation { name: "a refund of a blank SAM", world: blank_sam, ..refund },
        Situation { name: "a refund in the last month", time: last_month, ..refund },
        Situation { name: "an unload of a blocked purse", world: blocked, ..unload },
        Situation { name: "an unload of a terminated purse", world: terminated, ..unload },
        Situation { name: "a collection of a blocked SAM", world: blocked_sam, ..collection },
        Situation { name: "a recovery of a blocked purse", world: blocked, ..recovery },
        Situation { name: "a recovery of a terminated purse", world: terminated, ..recovery },
        recovery,
        Situation { name: "a recovery of nothing", world: World::new, ..recovery },
        Situation { name: "a recovery of a load", world: open_load, ..recovery },
        Situation {
            name: "a recovery of a load that the issuer has not heard of",
            world: unacknowledged_load,
            ..recovery
        },
        Situation {
            name: "a recovery of a load that nothing can finish",
            world: impossible_load,
            ..recovery
        },
        Situation {
            name: "a recovery of a load that is declined",
            world: open_load,
            event: Some(purse_full),
            ..recovery
        },
        Situation { name: "a recovery of payments that are declined", world: never_credited, ..recovery },
        Situation { name: "a recovery of everything", world: everything_open, ..recovery },
        Situation {
            name: "a recovery without the payee",
            world: everything_open,
            is_alone: true,
            ..recovery
        },
        Situation { name: "a recovery of a collection", world: collection_open, ..recovery },
        Situation { name: "a recovery of an unload that was declined", world: declined_unload, ..recovery },
        Situation {
            name: "a recovery of a purchase that a load would push out",
            world: endangered,
            ..recovery
        },
        Situation { name: "a recovery of what has left the log", world: exception, ..recovery },
        Situation { name: "a recovery of a locked purse", world: locked, ..recovery },
        Situation {
            name: "a recovery that a limit keeps from its end",
            world: kept_open_by_a_limit,
            ..recovery
        },
        Situation {
            name: "a recovery that a full log keeps from its end",
            world: kept_open_by_a_full_log,
            ..recovery
        },
        Situation {
            name: "a recovery of three cards",
            world: || World::with_history().and_other(),
            ..recovery
        },
    ]
}
