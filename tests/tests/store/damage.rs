//! What no store has left so, although every check holds, is damage: nothing of it is believed, and nothing is written.
//! The same under a card that has its power on (section 9).

use super::model::forge::{Content, Forge, UNIT};
use super::model::{Action, Model, Simulated, View, card, geometry};
use apdu_spec::element::Sequence;
use purse_card::memory::{Geometry, MemoryFailure};
use purse_card::store::{PowerUpError, minimum_pages};
use purse_terminal::simulated_memory::{Counts, SimulatedMemory};

/// Type bytes of entries.
const RECORD: u8 = 5;
const MARK: u8 = 6;

fn act(store: &mut Simulated<2, 2>, model: &mut Model, actions: &[Action]) {
    for action in actions {
        for entry in model.entries::<2, 2>(*action) {
            store.commit(entry.clone()).unwrap();
            model.apply(&entry);
        }
        store.finish().unwrap();
    }
}

/// A new card whose first page has room for eight entries: identity, parameters and PIN, then those of the actions.
fn young(actions: &[Action]) -> (Forge, Model) {
    let (memory, mut model) = card::<2, 2>(geometry::<2, 2>(UNIT, false, 8, 2), 1, false);
    let mut store = Simulated::<2, 2>::power_up(memory).unwrap();
    act(&mut store, &mut model, actions);
    (Forge::of(&store.into_memory()), model)
}

/// A card whose pages have gone round, an exception among what is kept.
fn worn() -> (Forge, Model) {
    let (memory, mut model) = card::<2, 2>(geometry::<2, 2>(UNIT, false, 4, 1), 1, false);
    let mut store = Simulated::<2, 2>::power_up(memory).unwrap();
    act(&mut store, &mut model, &[Action::Transfer]);
    for _ in 0..9 {
        act(&mut store, &mut model, &[Action::Purchase, Action::SettleNewest, Action::RightPin]);
    }
    (Forge::of(&store.into_memory()), model)
}

#[track_caller]
fn is_damaged(forge: &Forge) {
    let (memory, error) = Simulated::<2, 2>::power_up(forge.memory()).unwrap_err();
    assert_eq!(error, PowerUpError::Damaged);
    assert_eq!(memory.counts(), Counts::default(), "nothing is written");
    assert_eq!(memory.bytes(), forge.memory().bytes());
}

#[track_caller]
fn is_sound(forge: &Forge, model: &Model) {
    let store = Simulated::<2, 2>::power_up(forge.memory()).unwrap();
    assert_eq!(View::of(&store), model.view::<2>());
}

fn mark(sequence: u32) -> Content {
    let mut content = [0; 152];
    content[0] = MARK;
    content[1..5].copy_from_slice(&sequence.to_be_bytes());
    content
}

#[test]
fn what_is_forged_as_it_was_is_sound() {
    for (mut forge, model) in [young(&[Action::Purchase]), worn()] {
        is_sound(&forge, &model);
        for page in forge.live() {
            forge.renumber(page, forge.write_number(page) + 100);
        }
        is_sound(&forge, &model);
    }
}

/// Or a card that has lost its log could be personalised once more.
#[test]
fn a_card_whose_every_page_was_given_up_is_not_blank() {
    for (mut forge, _) in [young(&[]), worn()] {
        for page in forge.live() {
            forge.retire(page);
        }
        is_damaged(&forge);
    }
}

/// A page that has entries behind those that it was built with has counted once, whatever its commit unit reads now.
#[test]
fn a_page_that_entries_were_appended_to_and_that_seems_uncommitted_is_damage() {
    for (mut forge, _) in [young(&[Action::Purchase]), worn()] {
        let live = forge.live();
        let head = live[live.len() - 1];
        forge.uncommit(head);
        is_damaged(&forge);
    }
}

/// Nothing tells it from a card whose personalisation was cut.
#[test]
fn a_card_that_has_done_nothing_yet_and_seems_uncommitted_is_blank() {
    let (mut forge, _) = young(&[]);
    forge.uncommit(0);
    assert!(Simulated::<2, 2>::power_up(forge.memory()).unwrap().is_blank());
}

/// What is given up is older than what counts.
#[test]
fn a_newest_page_that_seems_to_be_given_up_is_damage() {
    let (mut forge, _) = worn();
    let live = forge.live();
    forge.retire(live[live.len() - 1]);
    is_damaged(&forge);
}

/// What a cut leaves of a build or of an erase, with a header that holds.
#[test]
fn a_page_half_built_or_half_erased_is_nothing() {
    let (good, model) = young(&[Action::Purchase]);
    let mut built = good.clone();
    built.set_header(1, 2, 1, 2);
    (0..2).for_each(|slot| built.set_entry(1, slot, &good.entry(0, slot)));
    built.uncommit(1);
    is_sound(&built, &model);
    built.set_entry(1, 2, &good.entry(0, 2));
    is_damaged(&built);

    let mut erased = good.clone();
    erased.set_header(1, 2, 0, 0);
    (0..4).for_each(|slot| erased.set_entry(1, slot, &good.entry(0, slot)));
    erased.retire(1);
    is_sound(&erased, &model);
    // A memory whose erase makes units blank before it has ended: what was given up stays nothing.
    erased.uncommit(1);
    is_sound(&erased, &model);
    for newer in [0, 1] {
        erased.set_header(1, 2, 0, good.write_number(0) + newer);
        is_damaged(&erased);
    }
}

#[test]
fn a_page_with_more_entries_than_slots_is_damage() {
    let (good, _) = worn();
    for page in good.live() {
        let mut forge = good.clone();
        let slots = u16::try_from(forge.slots()).unwrap();
        forge.set_header(page, slots + 1, good.position(page), good.write_number(page));
        is_damaged(&forge);
    }
}

#[test]
fn a_page_at_a_place_where_none_can_be_is_damage() {
    let (good, _) = worn();
    let live = good.live();
    let head = good.position(live[live.len() - 1]);
    for page in &live[..live.len() - 1] {
        for position in [0, 1, head - 1, head, head + 1, u64::MAX] {
            if position != good.position(*page) {
                let mut forge = good.clone();
                forge.set_header(*page, 4, position, good.write_number(*page));
                is_damaged(&forge);
            }
        }
    }
}

#[test]
fn pages_not_written_in_their_order_are_damage() {
    let (good, _) = worn();
    let live = good.live();
    for pair in live[..live.len() - 1].windows(2) {
        let mut forge = good.clone();
        forge.renumber(pair[0], good.write_number(pair[1]));
        is_damaged(&forge);
        forge.renumber(pair[1], good.write_number(pair[0]));
        is_damaged(&forge);
    }
}

/// A cut leaves one page that the head has just replaced, never two.
#[test]
fn one_replaced_page_is_passed_over_and_two_are_damage() {
    let (mut forge, model) = young(&[Action::Purchase]);
    assert_eq!(forge.live(), [0]);
    forge.set_header(1, 0, 0, 0);
    is_sound(&forge, &model);
    forge.set_header(2, 0, 0, 0);
    is_damaged(&forge);
}

#[test]
fn an_older_page_that_is_not_full_is_damage() {
    let (good, _) = worn();
    let live = good.live();
    let mut found = 0;
    for page in &live[..live.len() - 1] {
        let last = good.slots() - 1;
        if good.initial(*page) <= last {
            for only_seal in [false, true] {
                let mut forge = good.clone();
                forge.erase(*page, last, only_seal);
                is_damaged(&forge);
                found += 1;
            }
        }
    }
    assert!(found > 0, "no page to try it on");
}

#[test]
fn an_entry_behind_a_blank_or_unsealed_one_is_damage() {
    let (mut forge, model) = young(&[Action::Purchase]);
    let record = forge.entry(0, 3);
    assert_eq!(record[0], RECORD);
    let mut unsealed = forge.clone();
    unsealed.erase(0, 3, true);
    is_sound(&unsealed, &model);
    unsealed.set_entry(0, 4, &mark(0));
    is_damaged(&unsealed);
    forge.set_entry(0, 5, &mark(0));
    is_damaged(&forge);
    // With nothing between them it is a mark like any other.
    forge.set_entry(0, 4, &mark(0));
    let store = Simulated::<2, 2>::power_up(forge.memory()).unwrap();
    assert!(store.record(Sequence(0)).unwrap().unwrap().settled);
}

#[test]
fn a_log_without_one_of_what_it_must_have_is_damage() {
    // Identity, parameters, PIN, and the older record of the window: whether there was a newer one, none can tell.
    let (good, model) = young(&[Action::Purchase, Action::Load]);
    is_sound(&good, &model);
    for slot in 0..4 {
        let mut forge = good.clone();
        forge.set_entry(0, slot, &mark(9));
        is_damaged(&forge);
    }
}

#[test]
fn an_entry_that_says_what_none_can_say_is_damage() {
    let (good, _) = young(&[Action::Purchase, Action::Load]);
    // Types; role of an identity; role and kind of a record, and the kind of its pay details.
    let wrong = [(3, 0, 0), (3, 0, 7), (3, 0, 0xFF), (0, 1, 9), (4, 2, 9), (4, 11, 0), (3, 11, 6)];
    for (slot, place, byte) in wrong {
        let mut forge = good.clone();
        let mut content = forge.entry(0, slot);
        content[place] = byte;
        forge.set_entry(0, slot, &content);
        is_damaged(&forge);
    }
}

#[test]
fn a_record_that_is_there_twice_is_damage() {
    // The transfer is an exception; the first load has left the window.
    let (good, model) = young(&[Action::Transfer, Action::Load, Action::Load, Action::Load]);
    is_sound(&good, &model);
    for twice in [3, 6] {
        let mut forge = good.clone();
        let content = forge.entry(0, twice);
        forge.set_entry(0, 4, &content);
        is_damaged(&forge);
    }
}

#[test]
fn a_memory_without_power_is_no_damage() {
    let (forge, _) = worn();
    let mut memory = forge.memory();
    memory.power_off();
    let (memory, error) = Simulated::<2, 2>::power_up(memory).unwrap_err();
    assert_eq!(error, PowerUpError::Failure(MemoryFailure::Write));
    assert_eq!(memory.counts(), Counts::default());
}

#[test]
fn a_record_that_is_damaged_under_the_card_is_not_given() {
    let (good, model) = young(&[Action::Purchase, Action::Load]);
    let damage: [fn(&mut Forge); 3] = [
        |forge| forge.damage(0, 4),
        |forge| forge.damage_header(0),
        // Another record's, with a check that holds.
        |forge| {
            let mut content = forge.entry(0, 4);
            content[6] ^= 1;
            forge.set_entry(0, 4, &content);
        },
    ];
    for damage in damage {
        let mut forge = good.clone();
        damage(&mut forge);
        let mut store = Simulated::<2, 2>::power_up(good.memory()).unwrap();
        forge.put_under(store.memory_mut());
        assert_eq!(store.record(Sequence(1)), Err(MemoryFailure::Unreadable));
        good.put_under(store.memory_mut());
        assert_eq!(View::of(&store), model.view::<2>());
    }
}

/// No page is built of what does not hold.
#[test]
fn entries_or_pages_that_are_damaged_under_the_card_are_not_carried_on() {
    let (good, _) = worn();
    let damage: [fn(&mut Forge, usize); 2] = [
        |forge, page| (0..forge.slots()).for_each(|slot| forge.damage(page, slot)),
        |forge, page| forge.damage_header(page),
    ];
    for damage in damage {
        let (_, mut model) = worn();
        let mut store = Simulated::<2, 2>::power_up(good.memory()).unwrap();
        let mut forge = good.clone();
        for page in good.live() {
            damage(&mut forge, page);
        }
        forge.put_under(store.memory_mut());
        let failure = (0..40).find_map(|_| {
            let entry = model.entries::<2, 2>(Action::Load).remove(0);
            let done = store.commit(entry.clone()).and_then(|()| store.finish());
            model.apply(&entry);
            done.err()
        });
        assert_eq!(failure, Some(MemoryFailure::Unreadable));
        assert_eq!(store.finish(), Err(MemoryFailure::Stopped));
    }
}

/// Also where it is not the page that leaves.
#[test]
fn no_page_is_built_beside_one_that_is_damaged_under_the_card() {
    let (good, _) = worn();
    for page in good.live() {
        let (_, mut model) = worn();
        let mut store = Simulated::<2, 2>::power_up(good.memory()).unwrap();
        let mut forge = good.clone();
        forge.damage_header(page);
        forge.put_under(store.memory_mut());
        let erases = store.memory().counts().erases;
        let failure = (0..40).find_map(|_| {
            let entry = model.entries::<2, 2>(Action::Load).remove(0);
            let done = store.commit(entry.clone()).and_then(|()| store.finish());
            model.apply(&entry);
            done.err()
        });
        assert_eq!(failure, Some(MemoryFailure::Unreadable), "page {page}");
        assert!(store.memory().counts().erases <= erases + 1, "page {page}");
    }
}

#[test]
fn a_memory_has_so_many_pages_and_bytes_as_16_bits_can_say() {
    let bytes = |unit, page_size| Geometry { unit, page_size, pages: 4, atomic: false };
    assert_eq!(minimum_pages(bytes(1, 0xFFFF), 1, 1), Some(2));
    assert_eq!(minimum_pages(bytes(1, 0x1_0000), 1, 1), None);
    assert_eq!(minimum_pages(Geometry { pages: 0xFFFF, ..bytes(16, 4096) }, 1, 1), Some(2));
    assert_eq!(minimum_pages(Geometry { pages: 0x1_0000, ..bytes(16, 4096) }, 1, 1), None);
    // The largest unit is 256, and a page has four slots or is none.
    assert_eq!(minimum_pages(bytes(256, 3 * 256 + 4 * 512), 1, 1), Some(3));
    assert_eq!(minimum_pages(bytes(256, 2 * 256 + 4 * 512), 1, 1), None);
    assert_eq!(minimum_pages(bytes(512, 4096), 1, 1), None);
    let blank = SimulatedMemory::new(bytes(16, 3 * 16), 1);
    assert_eq!(
        Simulated::<1, 1>::power_up(blank).unwrap_err().1,
        PowerUpError::Failure(MemoryFailure::NoRoom)
    );
}
