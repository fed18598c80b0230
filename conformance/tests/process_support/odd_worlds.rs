//! Parties that are there seldom: cards in each other's place, one of both expired, pockets with gaps.

#![allow(clippy::inconsistent_digit_grouping, reason = "euros and cents")]

use apdu_spec::command::InitializeData;
use apdu_spec::cryptography::KeyPurpose;
use apdu_spec::element::{Amount, Currency, Expiry, Kind, Role, Sequence};
use apdu_spec::parameter::Parameter;
use apdu_spec::personalisation::{CardProfile, IdentityGroup, PocketGroup};
use apdu_spec::pocket::{Limits, PocketParameters};
use apdu_spec::software::Software;
use purse_terminal::client::Client;
use purse_terminal::transport::{Faulty, InProcess, Transport};
use purse_terminal::virtual_card::VirtualCard;
use purse_tests::scheme::{
    PURSE_LIMITS, Profile, SAM_LIMITS, TIME, VERSION, eur, issuer, master, own_key, party, pin,
};
use purse_tests::world::{HOLDER, MERCHANT, OPERATOR, PIN, World, client, rig};

use super::worlds::{
    WINDOW, collection_open, deliver, load_and_leave, pay_and_leave, refund_and_leave, small, small_world,
    unload_and_leave,
};

/// Over before everything here happens.
const PAST: Parameter = Parameter::Expiry(Expiry([0x26, 0x12]));

/// A SAM in the purse's place.
pub(super) fn sam_for_purse() -> World {
    World { purse: rig("purse", &Profile::sam(1, 0)), ..World::with_history() }
}

/// A purse in the SAM's place.
pub(super) fn purse_for_sam() -> World {
    World { sam: rig("sam", &Profile::purse(2, 0)), ..World::with_history() }
}

pub(super) fn expired_purse() -> World {
    let mut world = World::with_history();
    deliver(&mut world.purse, 1, 1, &PAST);
    world
}

pub(super) fn expired_sam() -> World {
    let mut world = World::with_history();
    deliver(&mut world.sam, 2, 1, &PAST);
    world
}

/// Three pockets of five, of currencies whose codes and exponents have zeros where they can.
fn gaps(balances: [u32; 3]) -> World {
    let aud = Currency::from_numeric(36).expect("a code");
    let pyg = Currency::from_numeric(600).expect("a code");
    let pocket = |currency, exponent, balance| {
        let parameters = PocketParameters { currency, exponent, limits: SAM_LIMITS };
        Some(PocketGroup { parameters, balance: Amount(balance) })
    };
    let [first, second, third] = balances;
    let profile = CardProfile {
        identity: IdentityGroup {
            role: Role::Merchant,
            number: party(2),
            key_version: VERSION,
            expiry: Expiry([0x30, 0x12]),
            issuer: issuer(),
            flags: 0,
        },
        pockets: [pocket(aud, 2, first), None, pocket(pyg, 0, second), None, pocket(eur(), 2, third)],
        keys: KeyPurpose::ALL.map(|purpose| own_key(purpose, party(2), VERSION)),
        masters: &[(VERSION, master(KeyPurpose::Payment, VERSION))],
        pin: pin(OPERATOR),
        key_pair: None,
    };
    let mut world = World::new();
    world.sam = Faulty::new(InProcess::new(VirtualCard::in_memory("sam", Role::Merchant)));
    let mut card = Client::select(&mut world.sam as &mut dyn Transport).expect("a blank card");
    card.personalise(&profile, &Software).expect("a card that takes its profile");
    for currency in [aud, pyg] {
        world.issuer.register_account(MERCHANT, currency, 0).unwrap();
    }
    world
}

pub(super) fn three_pockets() -> World {
    gaps([1_00, 200, 3_00])
}

pub(super) fn first_pocket_empty() -> World {
    gaps([0, 200, 3_00])
}

pub(super) fn pockets_empty() -> World {
    gaps([0, 0, 0])
}

/// The issuer has records that are not the SAM's.
pub(super) fn wrong_records() -> World {
    let mut world = collection_open();
    let mut sam = client(&mut world.sam);
    let records = (0..sam.status().sequence.0).map(|sequence| {
        let mut record = sam.entry(Sequence(sequence)).unwrap().expect("a record");
        record.tac.0[0] ^= 1;
        record
    });
    let records: Vec<_> = records.collect();
    world.issuer.submit_records(party(2), Sequence(0), &records).unwrap();
    world
}

/// The purse's first transaction of all is open.
pub(super) fn first_of_all() -> World {
    let mut world = World { purse: rig("purse", &Profile::purse(1, 20_00)), ..World::new() };
    pay_and_leave(&mut world);
    world
}

/// A load that never came, and a purse that has come to its end meanwhile.
pub(super) fn terminated_with_a_load() -> World {
    let mut world = World::new();
    load_and_leave(&mut world);
    deliver(&mut world.purse, 1, 1, &Parameter::Terminate);
    world
}

/// A refund that is declined, and after it a collection whose records the issuer has not had.
pub(super) fn refund_and_collection() -> World {
    let mut world = World::with_history();
    refund_and_leave(&mut world);
    // The purse's sequence passes.
    world.load(1_00).unwrap();
    unload_and_leave(&mut world, Role::Merchant);
    world
}

pub(super) fn two_unloads() -> World {
    let mut world = World::with_history();
    unload_and_leave(&mut world, Role::Purse);
    unload_and_leave(&mut world, Role::Purse);
    world
}

/// The issuer has declined the first of two.
pub(super) fn declined_and_unloaded() -> World {
    let mut world = super::worlds::declined_unload();
    unload_and_leave(&mut world, Role::Purse);
    world
}

/// Two purchases that are declined and cannot be taken back, and an unload that can be settled.
pub(super) fn two_kept_open() -> World {
    let mut world = World::with_history();
    let limits = Limits { offline_receipts: Amount(0), ..PURSE_LIMITS };
    deliver(&mut world.purse, 1, 1, &Parameter::Limits { pocket: 0, limits });
    for _ in 0..3 {
        pay_and_leave(&mut world);
    }
    unload_and_leave(&mut world, Role::Purse);
    world
}

/// The oldest record of the log is a purchase that is declined and that only a load lets come back.
pub(super) fn endangered_and_kept_open() -> World {
    let mut world = small_world();
    let limits = Limits { offline_receipts: Amount(0), ..PURSE_LIMITS };
    deliver(&mut world.purse, 1, 1, &Parameter::Limits { pocket: 0, limits });
    pay_and_leave(&mut world);
    for _ in 1..WINDOW {
        world.pay(10).unwrap();
    }
    load_and_leave(&mut world);
    world
}

/// An unload is the last record that has left the log.
pub(super) fn just_left() -> World {
    let mut world = small_world();
    unload_and_leave(&mut world, Role::Purse);
    for _ in 0..WINDOW {
        world.pay(10).unwrap();
    }
    world
}

pub(super) fn locked_with_exception() -> World {
    let mut world = super::worlds::exception();
    let mut purse = client(&mut world.purse);
    purse.verify(&pin(PIN)).unwrap();
    purse.lock().unwrap();
    world
}

/// Nothing else is open.
pub(super) fn load_alone() -> World {
    let mut world = World::new();
    load_and_leave(&mut world);
    world
}

/// The oldest record is a purchase that stays open; the purse has a load that the issuer does not know of.
pub(super) fn endangered_and_unheard() -> World {
    let mut world = small_world();
    let limits = Limits { offline_receipts: Amount(0), ..PURSE_LIMITS };
    deliver(&mut world.purse, 1, 1, &Parameter::Limits { pocket: 0, limits });
    pay_and_leave(&mut world);
    for _ in 2..WINDOW {
        world.pay(10).unwrap();
    }
    load_and_leave(&mut world);
    let voucher = world.issuer.unresolved_load(party(1)).unwrap().expect("a load");
    client(&mut world.purse).credit(&voucher).unwrap();
    world
}

pub(super) fn two_declined() -> World {
    let mut world = World::with_history();
    for _ in 0..3 {
        pay_and_leave(&mut world);
    }
    world
}

/// Two purses have paid and left; of each the oldest record of the log is such a purchase. One has a load.
pub(super) fn two_have_paid() -> World {
    let mut world = small_world().and_other_on(small::<WINDOW>("other purse"));
    oldest_and_newest(&mut world);
    load_and_leave(&mut world);
    change_purses(&mut world);
    oldest_and_newest(&mut world);
    change_purses(&mut world);
    world
}

fn oldest_and_newest(world: &mut World) {
    pay_and_leave(world);
    for _ in 2..WINDOW {
        world.pay(10).unwrap();
    }
    pay_and_leave(world);
}

fn change_purses(world: &mut World) {
    let other = world.other.as_mut().expect("two purses");
    std::mem::swap(&mut world.purse, other);
}

/// The SAM has paid all that it holds, and there is a load for it.
pub(super) fn load_and_collection() -> World {
    let mut world = collection_open();
    let mut sam = client(&mut world.sam);
    let status = *sam.status();
    let data = InitializeData {
        kind: Kind::Load,
        key_version: VERSION,
        currency: eur(),
        amount: Amount(1_00),
        from: issuer(),
        from_sequence: status.sequence,
        time: TIME,
    };
    let (pay_details, req) = sam.initialize(&data).unwrap();
    world.issuer.load(&pay_details, req, HOLDER).unwrap();
    world
}
