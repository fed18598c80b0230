//! Situations of two purses: one pays the other, or has, and the recovery brings it to its end.

#![allow(clippy::inconsistent_digit_grouping, reason = "euros and cents")]

use apdu_spec::certificate::CertificateBody;
use apdu_spec::element::{Amount, Expiry, Role, Time};
use apdu_spec::parameter::Parameter;
use apdu_spec::pocket::Limits;
use purse_terminal::transport::{Faulty, InProcess};
use purse_terminal::virtual_card::VirtualCard;
use purse_tests::scheme::{PURSE_LIMITS, Profile, issuer_private_key, key_pair, party, signed};
use purse_tests::world::{PIN, Rig, World, client, introduce, rig, transfer_data};

use super::Process::{Recovery, Transfer};
use super::situations::{Situation, Usual, situation};
use super::trouble::*;
use super::worlds::{deliver, pay_and_leave, small_world, unload_and_leave};

/// All of them.
pub(super) fn transfers() -> Vec<Situation> {
    let transfer = situation("a transfer", Transfer, 2_00, two_purses);
    // Some month of 2031.
    let late = Time(1_930_000_000);
    // December 2030.
    let last_month = Time(1_924_000_000);
    let mut all = vec![
        Situation {
            troubles: &[
                PURSE_DEBIT,
                OTHER_CREDIT,
                REFUSED_BY_OTHER,
                PURSE_MEETS,
                OTHER_MEETS,
                MEETING_AGAIN,
                STRANGE_PURSES,
            ],
            ..transfer
        },
        Situation {
            name: "a transfer with a PIN",
            pin: Some(PIN),
            troubles: &[PURSE_DEBIT, MEETING_AGAIN],
            ..transfer
        },
        Situation { name: "a transfer with a wrong PIN", pin: Some("0000"), ..transfer },
        Situation { name: "a transfer of more than there is", amount: 90_00, pin: Some(PIN), ..transfer },
        Situation { name: "a transfer of nothing", amount: 0, ..transfer },
        Situation {
            name: "a transfer that the payee declines",
            event: Some(other_full),
            troubles: &[MEETING_AGAIN],
            ..transfer
        },
        Situation { name: "a transfer with expired cards", time: late, ..transfer },
        Situation { name: "a transfer of an expired purse", world: expired_payer, ..transfer },
        Situation { name: "a transfer to an expired purse", world: expired_payee, ..transfer },
        Situation { name: "a transfer with an expired certificate", time: late, world: renewed, ..transfer },
        Situation {
            name: "a transfer of a purse whose certificate alone has expired",
            time: late,
            world: payee_certified_anew,
            ..transfer
        },
        Situation {
            name: "a transfer to a purse whose certificate alone has expired",
            time: late,
            world: payer_certified_anew,
            ..transfer
        },
        Situation { name: "a transfer in the last month", time: last_month, ..transfer },
        Situation { name: "a transfer of a purse without a key pair", world: payer_without_key, ..transfer },
        Situation { name: "a transfer to a purse without a key pair", world: payee_without_key, ..transfer },
        Situation { name: "a transfer of a purse to its copy", world: copied, ..transfer },
        Situation { name: "a transfer of a blank purse", world: blank_payer, ..transfer },
        Situation { name: "a transfer to a blank purse", world: blank_payee, ..transfer },
        Situation { name: "a transfer of a SAM", swapped: true, ..transfer },
        Situation { name: "a transfer to a SAM", world: World::with_history, ..transfer },
        Situation { name: "a transfer of a blocked purse", world: blocked_payer, ..transfer },
        Situation { name: "a transfer to a blocked purse", world: blocked_payee, ..transfer },
    ];
    all.extend(recoveries());
    all
}

fn recoveries() -> Vec<Situation> {
    let recovery =
        Situation { usual: Usual::CardsLeave, ..situation("a recovery", Recovery, 0, transfer_open) };
    vec![
        Situation {
            name: "a recovery of a transfer",
            troubles: &[SETTLING_TRANSFER, PURSE_MEETS, OTHER_MEETS, MEETING_LATE],
            ..recovery
        },
        Situation {
            name: "a recovery of a transfer that has been credited",
            world: transfer_credited,
            ..recovery
        },
        Situation {
            name: "a recovery of a transfer that is declined",
            world: transfer_declined,
            troubles: &[SETTLING_TRANSFER, MEETING_LATE],
            ..recovery
        },
        Situation {
            name: "a recovery of transfers that another one has overtaken",
            world: transfers_overtaken,
            troubles: &[ODD_PURSES],
            ..recovery
        },
        Situation {
            name: "a recovery of a transfer that the payee does not take any more",
            world: transfer_over_limit,
            ..recovery
        },
        Situation { name: "a recovery of a transfer without the payee", is_alone: true, ..recovery },
        Situation { name: "a recovery of transfers both ways", world: both_ways, ..recovery },
        Situation {
            name: "a recovery of transfers both ways that others have overtaken",
            world: both_ways_overtaken,
            ..recovery
        },
        Situation { name: "a recovery of a transfer that has left the log", world: left, ..recovery },
        Situation {
            name: "a recovery of a transfer among others",
            world: among_others,
            troubles: &[SETTLING_TRANSFER, PURSE_MEETS, OTHER_MEETS, MEETING_LATE],
            ..recovery
        },
    ]
}

/// The purse with its history, and another one with 10.00.
fn two_purses() -> World {
    World::with_history().and_other()
}

fn with_other(other: Rig) -> World {
    World { other: Some(other), ..World::with_history() }
}

fn other(world: &mut World) -> &mut Rig {
    world.other.as_mut().expect("two purses")
}

/// The payer has debited and left; the payee has not heard of it.
fn leave(payer: &mut Rig, payee: &mut Rig, amount: u32) {
    let (mut payer, mut payee) = (client(payer), client(payee));
    introduce(&mut payer, &mut payee);
    let (pay_details, req) = payee.initialize(&transfer_data(&payer, amount)).unwrap();
    payer.debit(&pay_details, req).unwrap();
}

fn transfer_and_leave(world: &mut World, amount: u32) {
    let World { purse, other, .. } = world;
    leave(purse, other.as_mut().expect("two purses"), amount);
}

fn transfer_open() -> World {
    let mut world = World::new().and_other();
    world.load(20_00).unwrap();
    transfer_and_leave(&mut world, 2_00);
    world
}

/// The payee has it, and the payer does not know.
fn transfer_credited() -> World {
    let mut world = transfer_open();
    credit_the_first(&mut world);
    world
}

fn credit_the_first(world: &mut World) {
    let World { purse, other, .. } = world;
    let (mut payer, mut payee) = (client(purse), client(other.as_mut().expect("two purses")));
    introduce(&mut payer, &mut payee);
    let record = payer.open_records().unwrap().records.remove(0);
    let voucher = payer.proof(&record.pay_details).unwrap();
    payee.credit(&voucher).unwrap();
}

/// Three that name the same sequence of the payee: two are declined.
fn transfer_declined() -> World {
    let mut world = transfer_open();
    transfer_and_leave(&mut world, 1_00);
    transfer_and_leave(&mut world, 50);
    world
}

/// The first of three that name the same sequence is credited: the payee has used it, and never will credit the others.
fn transfers_overtaken() -> World {
    let mut world = transfer_declined();
    credit_the_first(&mut world);
    world
}

/// The payee would come to hold too much.
fn transfer_over_limit() -> World {
    let mut world = transfer_open();
    other_full(other(&mut world));
    world
}

/// Each has paid the other. One of both has lost its turn.
fn both_ways() -> World {
    let mut world = transfer_open();
    let World { purse, other, .. } = &mut world;
    leave(other.as_mut().expect("two purses"), purse, 3_00);
    world
}

/// Both have lost their turn.
fn both_ways_overtaken() -> World {
    let mut world = both_ways();
    world.pay(10).unwrap();
    world
}

/// In EF.EXC.
fn left() -> World {
    let mut world = small_world().and_other();
    transfer_and_leave(&mut world, 2_00);
    for _ in 0..=super::worlds::WINDOW {
        world.pay(10).unwrap();
    }
    world
}

/// The purse's payments to everybody are open, and two of its purchases are declined.
fn among_others() -> World {
    let mut world = two_purses();
    pay_and_leave(&mut world);
    pay_and_leave(&mut world);
    transfer_and_leave(&mut world, 2_00);
    unload_and_leave(&mut world, Role::Purse);
    transfer_and_leave(&mut world, 1_00);
    world
}

/// The other purse has asked, and may hold no more by the time that the value comes.
fn other_full(rig: &mut Rig) {
    let limits = Limits { maximum_balance: Amount(1), ..PURSE_LIMITS };
    deliver(rig, 3, 7, &Parameter::Limits { pocket: 0, limits });
}

/// Over before everything here happens.
const PAST: Parameter = Parameter::Expiry(Expiry([0x26, 0x12]));
/// Later than everything here happens, and than certificates last.
const FUTURE: Parameter = Parameter::Expiry(Expiry([0x35, 0x12]));

fn expired_payer() -> World {
    let mut world = two_purses();
    deliver(&mut world.purse, 1, 1, &PAST);
    world
}

fn expired_payee() -> World {
    let mut world = two_purses();
    deliver(other(&mut world), 3, 1, &PAST);
    world
}

/// The cards last longer than their certificates.
fn renewed() -> World {
    let mut world = two_purses();
    deliver(&mut world.purse, 1, 1, &FUTURE);
    deliver(other(&mut world), 3, 1, &FUTURE);
    world
}

/// A purse that lasts as long, and its certificate too.
fn certified_anew(name: &str, number: u64) -> Rig {
    let mut key_pair = key_pair(party(number));
    let body = CertificateBody { expiry: Expiry([0x35, 0x12]), ..key_pair.certificate.body };
    key_pair.certificate = signed(body, &issuer_private_key());
    let mut rig = rig(name, &Profile { key_pair: Some(key_pair), ..Profile::purse(number, 20_00) });
    deliver(&mut rig, number, 1, &FUTURE);
    rig
}

fn payer_certified_anew() -> World {
    World { purse: certified_anew("purse", 1), ..renewed() }
}

fn payee_certified_anew() -> World {
    World { other: Some(certified_anew("other purse", 3)), ..renewed() }
}

fn payer_without_key() -> World {
    let mut world = two_purses();
    world.purse = rig("purse", &Profile::purse(1, 20_00));
    world
}

fn payee_without_key() -> World {
    with_other(rig("other purse", &Profile::purse(3, 20_00)))
}

fn copied() -> World {
    with_other(rig("copy", &Profile::purse(1, 20_00).with_key_pair()))
}

fn blank() -> Rig {
    Faulty::new(InProcess::new(VirtualCard::in_memory("purse", Role::Purse)))
}

fn blank_payer() -> World {
    World { purse: blank(), ..two_purses() }
}

fn blank_payee() -> World {
    with_other(blank())
}

fn blocked_payer() -> World {
    let mut world = two_purses();
    deliver(&mut world.purse, 1, 1, &Parameter::Block);
    world
}

fn blocked_payee() -> World {
    let mut world = two_purses();
    deliver(other(&mut world), 3, 1, &Parameter::Block);
    world
}
