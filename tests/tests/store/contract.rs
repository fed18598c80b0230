//! What the store costs, what it refuses, and what it does with a memory that no store has left so.

use super::model::forge::xxh64;
use super::model::{Action, Model, Simulated, View, card, geometry, identity};
use apdu_spec::cryptography::KeyBytes;
use apdu_spec::element::{KeyVersion, Kind, Sequence};
use apdu_spec::personalisation::MASTERS;
use apdu_spec::record::{RecordRole, RecordState};
use purse_card::memory::{Geometry, Memory, MemoryFailure};
use purse_card::store::{Administration, Entry, Masters, PowerUpError, Record, minimum_pages};
use purse_terminal::simulated_memory::{Counts, Cut, Flight, SimulatedMemory};

/// Flash as a chip card has it.
const FLASH: Geometry = Geometry { unit: 16, page_size: 4096, pages: 4, atomic: false };

/// Commits what an action does, and finishes.
fn act<const W: usize, const E: usize>(store: &mut Simulated<W, E>, model: &mut Model, action: Action) {
    for entry in model.entries::<W, E>(action) {
        store.commit(entry.clone()).unwrap();
        model.apply(&entry);
    }
    store.finish().unwrap();
}

#[test]
fn a_commit_is_one_program_and_erases_nothing() {
    for (unit, atomic, bytes) in [(1, false, 160), (4, true, 160), (16, false, 160), (64, false, 192)] {
        let (mut memory, mut model) = card::<3, 2>(geometry::<3, 2>(unit, atomic, 4, 1), 1, true);
        memory.reset_counts();
        let mut store = Simulated::<3, 2>::power_up(memory).unwrap();
        for round in 0..300 {
            for entry in model.entries::<3, 2>(Action::ALL[round % Action::ALL.len()]) {
                // Room is made after a response, or at the next power-up.
                if round % 2 == 0 {
                    store.finish().unwrap();
                } else {
                    store = Simulated::<3, 2>::power_up(store.into_memory()).unwrap();
                }
                store.memory_mut().reset_counts();
                store.commit(entry.clone()).unwrap();
                let counts = store.memory().counts();
                assert_eq!(counts, Counts { programs: 1, bytes_programmed: bytes, erases: 0 });
                model.apply(&entry);
            }
        }
        store.finish().unwrap();
        store.memory_mut().reset_counts();
        store.finish().unwrap();
        assert_eq!(store.memory().counts(), Counts::default(), "nothing is pending");
        assert_eq!(View::of(&store), model.view::<3>());
    }
}

#[test]
fn a_full_window_of_each_role_comes_back_after_power_up() {
    fn fill<const W: usize, const E: usize>(geometry: Geometry, actions: &[Action]) {
        let (memory, mut model) = card::<W, E>(geometry, 1, true);
        let mut store = Simulated::<W, E>::power_up(memory).unwrap();
        for round in 0..3 * W {
            act(&mut store, &mut model, actions[round % actions.len()]);
        }
        let view = model.view::<W>();
        assert_eq!(View::of(&store), view);
        assert_eq!(view.window.len(), W);
        let mut memory = store.into_memory();
        memory.reset_counts();
        let store = Simulated::<W, E>::power_up(memory).unwrap();
        assert_eq!(View::of(&store), view);
        assert_eq!(store.memory().counts(), Counts::default());
    }
    fill::<32, 8>(
        Geometry { pages: minimum_pages(FLASH, 32, 8).unwrap(), ..FLASH },
        &[Action::Purchase, Action::SettleNewest, Action::Load, Action::Transfer, Action::Refund],
    );
    fill::<512, 8>(
        Geometry { pages: minimum_pages(FLASH, 512, 8).unwrap(), ..FLASH },
        &[Action::Load, Action::Load, Action::Decline, Action::PayRefund, Action::SettleOldest],
    );
}

/// The bound of `minimum_pages`: everything that must be kept is there, in as many pages as it says, and every page
/// is full of it. One page less is refused, and would not do.
#[test]
fn room_is_made_at_the_bound() {
    fn at_the_bound<const W: usize, const E: usize>(slots: usize) {
        let geometry = geometry::<W, E>(16, false, slots, 0);
        // A key pair is one entry more than masters are, but needs a page of five slots.
        let kept = W + E + if slots < 5 { 4 } else { 5 };
        assert!((geometry.pages - 1) * slots > kept);
        assert!((geometry.pages - 2) * slots <= kept, "no page is superfluous");
        let small = Geometry { pages: geometry.pages - 1, ..geometry };
        let refused = Simulated::<W, E>::power_up(SimulatedMemory::new(small, 1)).unwrap_err();
        assert_eq!(refused.1, PowerUpError::Failure(MemoryFailure::NoRoom));

        let (memory, mut model) = card::<W, E>(geometry, 1, true);
        let mut store = Simulated::<W, E>::power_up(memory).unwrap();
        // Exceptions first, so that they are carried for ever.
        for _ in 0..E {
            act(&mut store, &mut model, Action::Transfer);
        }
        for round in 0..400 {
            let actions = [Action::Purchase, Action::RightPin, Action::SettleNewest, Action::Load];
            act(&mut store, &mut model, actions[round % actions.len()]);
            assert_eq!(store.open_exceptional(), E);
        }
        assert_eq!(store.exceptions().count(), E);
        assert_eq!(View::of(&store), model.view::<W>());
    }
    // What is kept, 7, 8, 11, 15 and 19, is all of the slots but one, where slots are a divisor of one more.
    at_the_bound::<1, 2>(4);
    at_the_bound::<2, 1>(4);
    at_the_bound::<3, 1>(4);
    at_the_bound::<5, 2>(4);
    at_the_bound::<9, 2>(4);
    at_the_bound::<8, 2>(8);
    at_the_bound::<12, 2>(5);
    // Ten with a key pair, nine with masters: one page more.
    at_the_bound::<4, 1>(5);
}

#[test]
fn too_small_or_odd_memories_have_no_minimum() {
    // 22 slots a page; 44, 43 and 525 entries to be kept.
    assert_eq!(minimum_pages(FLASH, 31, 8), Some(4));
    assert_eq!(minimum_pages(FLASH, 30, 8), Some(3));
    assert_eq!(minimum_pages(FLASH, 512, 8), Some(25));
    let odd = [
        Geometry { unit: 0, ..FLASH },
        Geometry { unit: 3, page_size: 4095, ..FLASH },
        Geometry { unit: 512, ..FLASH },
        Geometry { page_size: 4100, ..FLASH },
        Geometry { page_size: 512, ..FLASH },
        Geometry { page_size: 1 << 20, ..FLASH },
    ];
    for geometry in odd {
        assert_eq!(minimum_pages(geometry, 1, 1), None, "{geometry:?}");
    }
}

#[test]
fn entries_out_of_turn_are_refused_and_nothing_changes() {
    let model = Model::new(false);
    let geometry = geometry::<2, 1>(16, false, 4, 0);
    let mut blank = Simulated::<2, 1>::power_up(SimulatedMemory::new(geometry, 1)).unwrap();
    let pin = model.entries::<2, 1>(Action::WrongPin).remove(0);
    assert_eq!(blank.commit(pin), Err(MemoryFailure::Refused));
    assert_eq!(blank.finish(), Ok(()));
    assert_eq!(blank.memory().counts(), Counts::default());

    let (memory, mut model) = card::<2, 1>(geometry, 1, false);
    let mut store = Simulated::<2, 1>::power_up(memory).unwrap();
    act(&mut store, &mut model, Action::Transfer);
    act(&mut store, &mut model, Action::Load);
    let Some(Entry::Record(next)) = model.entries::<2, 1>(Action::Load).pop() else { panic!() };
    let mut transfer = next;
    transfer.role = RecordRole::Payer;
    transfer.pay_details.kind = Kind::Transfer;
    store.memory_mut().reset_counts();
    let refused = [
        Entry::Record(Record { sequence: Sequence(1), ..next }),
        Entry::Record(Record { sequence: Sequence(3), ..next }),
        Entry::Record(Record { sequence: Sequence::NONE, ..next }),
        Entry::Record(Record { settled: true, ..next }),
        // The only exception place is taken.
        Entry::Record(transfer),
        Entry::Mark(Sequence(1)),
        Entry::Mark(Sequence(2)),
        Entry::Mark(Sequence::NONE),
    ];
    for entry in refused {
        assert_eq!(store.commit(entry), Err(MemoryFailure::Refused));
    }
    assert_eq!(model.personalise(&mut store), Err(MemoryFailure::Refused));
    assert_eq!(store.memory().counts(), Counts::default());
    assert_eq!(View::of(&store), model.view::<2>());
    act(&mut store, &mut model, Action::Load);
    assert_eq!(View::of(&store), model.view::<2>());
}

#[test]
fn after_a_failure_nothing_is_written_until_power_up() {
    let (memory, model) = card::<2, 1>(geometry::<2, 1>(16, false, 4, 0), 1, false);
    let mut store = Simulated::<2, 1>::power_up(memory).unwrap();
    let entry = model.entries::<2, 1>(Action::Load).remove(0);
    store.memory_mut().cut(Cut { operation: 0, units: usize::MAX, flight: Flight::New });
    assert_eq!(store.commit(entry.clone()), Err(MemoryFailure::Write));
    store.memory_mut().power_on();
    assert_eq!(View::of(&store), model.view::<2>(), "it answers as before");
    store.memory_mut().reset_counts();
    assert_eq!(store.commit(entry.clone()), Err(MemoryFailure::Stopped));
    assert_eq!(store.finish(), Err(MemoryFailure::Stopped));
    assert_eq!(store.memory().counts(), Counts::default());

    let mut after = model;
    after.apply(&entry);
    let store = Simulated::<2, 1>::power_up(store.into_memory()).unwrap();
    assert_eq!(View::of(&store), after.view::<2>());
}

#[test]
fn states_follow_the_newest_word() {
    let (memory, mut model) = card::<3, 2>(geometry::<3, 2>(16, false, 4, 0), 1, false);
    let mut store = Simulated::<3, 2>::power_up(memory).unwrap();
    let state = |store: &Simulated<3, 2>, sequence| store.standing(Sequence(sequence)).map(|it| it.state);
    assert_eq!(store.free_places(), 3);
    act(&mut store, &mut model, Action::Purchase);
    assert_eq!(state(&store, 0), Some(RecordState::Open));
    act(&mut store, &mut model, Action::SettleNewest);
    assert_eq!(state(&store, 0), Some(RecordState::Settled));
    act(&mut store, &mut model, Action::Refund);
    assert_eq!(state(&store, 0), Some(RecordState::Refunded));
    assert_eq!(state(&store, 1), Some(RecordState::Settled));
    act(&mut store, &mut model, Action::Unload);
    assert_eq!((store.free_places(), store.open_exceptional()), (0, 1));
    act(&mut store, &mut model, Action::SettleNewest);
    assert_eq!((store.free_places(), store.open_exceptional()), (3, 0));
    assert_eq!(state(&store, 0), Some(RecordState::Refunded));
    act(&mut store, &mut model, Action::Transfer);
    assert_eq!((store.free_places(), state(&store, 0)), (2, None));
    act(&mut store, &mut model, Action::ReverseNewest);
    assert_eq!(state(&store, 3), Some(RecordState::Reversed));
    assert_eq!(state(&store, 4), Some(RecordState::Settled));
    assert_eq!(View::of(&store), model.view::<3>());
}

/// The last sequence can be used, and after it nothing.
#[test]
fn sequences_end() {
    let (memory, model) = card::<1, 1>(geometry::<1, 1>(16, false, 4, 0), 1, false);
    let mut store = Simulated::<1, 1>::power_up(memory).unwrap();
    let Some(Entry::Record(record)) = model.entries::<1, 1>(Action::Load).pop() else { panic!() };
    store.commit(Entry::Record(record)).unwrap();
    // No test lives four thousand million transactions: the only record of the window becomes the last but one.
    store.finish().unwrap();
    let store = late(store, Sequence(Sequence::LAST.0 - 1));
    let mut store = Simulated::<1, 1>::power_up(store).unwrap();
    assert_eq!(store.next_sequence(), Sequence::LAST);
    store.commit(Entry::Record(Record { sequence: Sequence::LAST, ..record })).unwrap();
    store.finish().unwrap();
    assert_eq!(store.next_sequence(), Sequence::NONE);
    assert!(store.record(Sequence::LAST).unwrap().is_some());
    assert_eq!(
        store.commit(Entry::Record(Record { sequence: Sequence::NONE, ..record })),
        Err(MemoryFailure::Refused)
    );
    let store = Simulated::<1, 1>::power_up(store.into_memory()).unwrap();
    assert_eq!(store.next_sequence(), Sequence::NONE);
}

/// The image of a card whose newest record has this sequence: found by its bytes, with a check of its own.
fn late(store: Simulated<1, 1>, sequence: Sequence) -> SimulatedMemory {
    let mut memory = store.into_memory();
    let geometry = memory.geometry();
    let header = 40_usize.next_multiple_of(16) + 2 * 16;
    let record = (0..geometry.pages).find_map(|page| {
        let write_number = u64::from_be_bytes(
            memory.bytes()[page * geometry.page_size + 21..page * geometry.page_size + 29]
                .try_into()
                .unwrap(),
        );
        let start = |slot: usize| page * geometry.page_size + header + slot * 176;
        (0..4).map(|slot| (start(slot), write_number << 16 | slot as u64)).find(|(start, seed)| {
            let entry = &memory.bytes()[*start..start + 160];
            entry[0] == 5 && xxh64(&entry[..152], *seed).to_be_bytes() == entry[152..]
        })
    });
    let (start, seed) = record.expect("there is a record");
    memory.bytes_mut()[start + 3..start + 7].copy_from_slice(&sequence.emit());
    let check = xxh64(&memory.bytes()[start..start + 152], seed).to_be_bytes();
    memory.bytes_mut()[start + 152..start + 160].copy_from_slice(&check);
    memory
}

/// A worn card at rest, its pages full of what it once was.
fn worn() -> (SimulatedMemory, Model) {
    let (memory, mut model) = card::<2, 2>(geometry::<2, 2>(16, false, 4, 1), 1, true);
    let mut store = Simulated::<2, 2>::power_up(memory).unwrap();
    for _ in 0..20 {
        for action in [Action::Purchase, Action::SettleNewest, Action::RightPin, Action::Load] {
            act(&mut store, &mut model, action);
        }
    }
    act(&mut store, &mut model, Action::Transfer);
    for action in [Action::Purchase, Action::Transfer, Action::SettleOldest, Action::Load, Action::Load] {
        act(&mut store, &mut model, action);
    }
    let mut memory = store.into_memory();
    let Geometry { page_size, pages, .. } = memory.geometry();
    assert!((0..pages).all(|page| !memory.blank(page, 0, page_size)), "every page has been used");
    memory.reset_counts();
    (memory, model)
}

/// Every bit, one by one: either it holds nothing that counts, or the card says that it is damaged. It never answers
/// anything but its state, and it writes nothing.
#[test]
fn no_flipped_bit_is_believed() {
    let (memory, model) = worn();
    let view = model.view::<2>();
    let (mut damaged, mut harmless) = (0, 0);
    for bit in 0..memory.bytes().len() * 8 {
        let mut flipped = memory.clone();
        flipped.bytes_mut()[bit / 8] ^= 1 << (bit % 8);
        match Simulated::<2, 2>::power_up(flipped) {
            Ok(store) => {
                harmless += 1;
                if harmless % 16 == 0 {
                    assert_eq!(View::of(&store), view, "bit {bit}");
                }
                assert_eq!(store.memory().counts().operations(), 0);
            }
            Err((memory, error)) => {
                damaged += 1;
                assert_eq!(error, PowerUpError::Damaged);
                assert_eq!(memory.counts(), Counts::default());
            }
        }
    }
    assert!(damaged > 10_000 && harmless > 1_000, "{damaged}, {harmless}");
}

/// A page gone, or another one's in its place. The one case that no log can tell is a newest page that is wholly
/// blank again: the same is left by a power cut just before it was built. Cells do not do that, and a file has its
/// length and its own check.
#[test]
fn a_page_missing_or_doubled_is_damage() {
    let (memory, model) = worn();
    let view = model.view::<2>();
    let Geometry { page_size, pages, unit, .. } = memory.geometry();
    let begun = page_size / unit;
    let write_number = |page: &usize| memory.bytes()[page * page_size + 21..page * page_size + 29].to_vec();
    let head = (0..pages).max_by_key(write_number).unwrap();
    let mut damaged = 0;
    for page in 0..pages {
        for other in (0..=pages).filter(|&other| (page, other) != (head, pages)) {
            let (mut bytes, mut units) = (memory.bytes().to_vec(), memory.begun().to_vec());
            let (to, to_units) = (page * page_size..(page + 1) * page_size, page * begun..(page + 1) * begun);
            if other == pages {
                bytes[to].fill(0xFF);
                units[to_units].fill(false);
            } else {
                bytes[to].copy_from_slice(&memory.bytes()[other * page_size..(other + 1) * page_size]);
                units[to_units].copy_from_slice(&memory.begun()[other * begun..(other + 1) * begun]);
            }
            let changed = SimulatedMemory::from_parts(memory.geometry(), bytes, units).unwrap();
            match Simulated::<2, 2>::power_up(changed) {
                Ok(store) => assert_eq!(View::of(&store), view, "page {page} became {other}"),
                Err((_, error)) => {
                    damaged += 1;
                    assert_eq!(error, PowerUpError::Damaged);
                }
            }
        }
    }
    assert!(damaged >= (pages - 1) * (pages - 1), "{damaged} of {}", pages * pages);
}

#[test]
fn an_image_of_another_form_is_told() {
    let (memory, _) = worn();
    let window = Simulated::<1, 2>::power_up(memory.clone()).unwrap_err();
    assert_eq!(window.1, PowerUpError::Form);
    let exceptions = Simulated::<2, 1>::power_up(memory.clone()).unwrap_err();
    assert_eq!(exceptions.1, PowerUpError::Form);
    assert_eq!(exceptions.0.counts(), Counts::default());
}

#[test]
fn a_memory_goes_through_its_parts() {
    let (memory, model) = worn();
    let (bytes, begun) = (memory.bytes().to_vec(), memory.begun().to_vec());
    assert!(SimulatedMemory::from_parts(memory.geometry(), bytes[1..].to_vec(), begun.clone()).is_none());
    assert!(SimulatedMemory::from_parts(memory.geometry(), bytes.clone(), begun[1..].to_vec()).is_none());
    let again = SimulatedMemory::from_parts(memory.geometry(), bytes, begun).unwrap();
    assert_eq!(View::of(&Simulated::<2, 2>::power_up(again).unwrap()), model.view::<2>());
}

#[test]
fn eight_masters_fit_and_secrets_are_not_shown() {
    let geometry = geometry::<1, 1>(16, false, 4, 0);
    let mut store = Simulated::<1, 1>::power_up(SimulatedMemory::new(geometry, 1)).unwrap();
    Model::new(true).personalise(&mut store).unwrap();
    let masters = Masters {
        keys: core::array::from_fn(|place| {
            let place = u8::try_from(place).unwrap();
            Some((KeyVersion(place + 1), KeyBytes([0xA0 + place; 16])))
        }),
        administration: Administration { counter: 7, mac: [0xB7; 8] },
    };
    assert_eq!(masters.clone().administration, masters.administration, "a copy is whole");
    store.commit(Entry::Masters(masters)).unwrap();
    let store = Simulated::<1, 1>::power_up(store.into_memory()).unwrap();
    let masters = store.masters().unwrap();
    assert_eq!(masters.keys.iter().flatten().count(), MASTERS);
    assert_eq!(masters.key(KeyVersion(8)).map(|key| key.0), Some([0xA7; 16]));
    assert!(masters.key(KeyVersion(9)).is_none());

    let shown = format!(
        "{:?} {:?} {:?} {:?}",
        store.pin(),
        masters,
        identity(),
        Entry::Pin(store.pin().unwrap().clone())
    );
    assert!(shown.contains("Pin {"), "{shown}");
    for secret in ["160", "[1, 1", "[2, 2", "[36,", "[3, 3", "18,", "255"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}
