//! Cards whose memory is programmed byte by byte, small enough to erase pages all the time: the power fails at every
//! byte of every operation, and after a recovery every cent is in its place.

use crate::support::World;
use crate::support::process::{PROCESSES, PURSES, Process, SIDES, Side, TRANSFER, check};
use apdu_spec::parameter::Parameter;
use purse_card::memory::Geometry;
use purse_card::store::minimum_pages;
use purse_terminal::simulated_memory::{Cut, Flight};
use purse_terminal::transport::{EMPTY_RESPONSE, Transport};
use purse_terminal::virtual_card::VirtualCard;
use purse_tests::scheme::{party, script};

/// Slots of a page: few, so that one is soon full.
const SLOTS: usize = 5;
/// A header of 40 bytes, the commit and retire units, and slots of an entry of 160 bytes with its seal.
const PAGE_SIZE: usize = 40 + 2 + SLOTS * 161;
/// Entries after which each page of both cards has been used.
const ROUND: u32 = 26;
/// Further entries after which a page ends: as many as it has slots.
const HISTORIES: std::ops::Range<u32> = ROUND..ROUND + 5;
/// What the interrupted byte comes to; each one in turn.
const FLIGHTS: [Flight; 4] = [Flight::Old, Flight::New, Flight::Garbage, Flight::AllUnstable];

fn small<const WINDOW: usize, const EXCEPTIONS: usize>(name: &str) -> VirtualCard {
    let shape = Geometry { unit: 1, page_size: PAGE_SIZE, pages: 0, atomic: false };
    let pages = minimum_pages(shape, WINDOW, EXCEPTIONS).expect("a page holds slots");
    let card = VirtualCard::with_sizes::<WINDOW, EXCEPTIONS>(name, Geometry { pages, ..shape });
    assert!(card.is_powered());
    card
}

/// The usual history on small cards, and so many scripts, each of which is an entry: where a page ends depends on them.
fn world(scripts: u32) -> World {
    let world = World::on(small::<8, 2>("purse"), small::<12, 2>("sam")).and_history();
    let mut world = world.and_other_on(small::<8, 2>("other purse"));
    let World { purse, sam, other, .. } = &mut world;
    let other = other.as_mut().expect("the other purse");
    for counter in 1..=scripts {
        for (number, rig) in [(1, &mut *purse), (2, &mut *sam), (3, &mut *other)] {
            let mut response = EMPTY_RESPONSE;
            let script = script(party(number), counter, &Parameter::PinTries);
            assert_eq!(rig.transmit(&script, &mut response).unwrap(), [0x90, 0x00]);
        }
    }
    world
}

/// A program or erase of a card's memory.
struct Operation {
    bytes: usize,
    is_erase: bool,
}

/// What a card's memory does in a process.
fn operations(process: &Process, side: Side, scripts: u32) -> Vec<Operation> {
    let mut operations = Vec::new();
    let mut before = 0;
    for operation in 0.. {
        let mut world = world(scripts);
        let card = side(&mut world).inner_mut().card_mut();
        card.reset_counts();
        // It is done, and the card ends with it.
        card.cut(Cut { operation, units: usize::MAX, flight: Flight::New });
        let _ = (process.run)(&mut world);
        let counts = side(&mut world).inner().card().counts();
        if counts.operations() == operation {
            break;
        }
        let programmed = usize::try_from(counts.bytes_programmed).unwrap();
        let is_erase = programmed == before;
        operations
            .push(Operation { bytes: if is_erase { PAGE_SIZE } else { programmed - before }, is_erase });
        before = programmed;
    }
    operations
}

fn cuts(process: &Process) {
    let sides = if process.name == TRANSFER.name { PURSES } else { SIDES };
    for (name, side) in sides {
        let (mut entries, mut erases, mut failed) = (0, 0, 0);
        for scripts in HISTORIES {
            for (operation, Operation { bytes, is_erase }) in (0..).zip(operations(process, side, scripts)) {
                entries += usize::from(bytes == 160);
                erases += usize::from(is_erase);
                // As many units as it has is a cut just after it.
                for units in 0..=bytes {
                    let flight = FLIGHTS[(units + scripts as usize) % FLIGHTS.len()];
                    let cut = Cut { operation, units, flight };
                    let what = format!("with a cut of the {name} after {scripts} scripts: {cut:?}");
                    let result = check(world(scripts), process, &what, |world| {
                        side(world).inner_mut().card_mut().cut(cut);
                    });
                    failed += usize::from(result.is_err());
                }
            }
        }
        if entries > 0 {
            assert!(erases > 0, "no page of the {name} was erased");
            assert!(failed >= SLOTS * 160, "{name}: {failed}");
        } else {
            assert_eq!((erases, failed), (0, 0), "{name}");
        }
    }
}

#[test]
fn a_load_survives_a_cut_at_every_byte() {
    cuts(&PROCESSES[0]);
}

#[test]
fn a_purchase_survives_a_cut_at_every_byte() {
    cuts(&PROCESSES[1]);
}

#[test]
fn a_refund_survives_a_cut_at_every_byte() {
    cuts(&PROCESSES[2]);
}

#[test]
fn an_unload_survives_a_cut_at_every_byte() {
    cuts(&PROCESSES[3]);
}

#[test]
fn a_collection_survives_a_cut_at_every_byte() {
    cuts(&PROCESSES[4]);
}

#[test]
fn a_transfer_survives_a_cut_at_every_byte() {
    cuts(&TRANSFER);
}
