//! STORE DATA: all or nothing (section 6).

use apdu_spec::command::Command;
use apdu_spec::element::{Amount, Kind, Role};
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::status::StatusWord as Status;
use proptest::prelude::*;
use purse_terminal::simulated_memory::{Cut, Flight};
use purse_tests::bench_card::CommonCard;
use purse_tests::scheme::{Profile, debit, issuer, party, pin};

fn blank() -> CommonCard {
    let mut bench = CommonCard::blank();
    bench.select();
    bench
}

fn life_cycle(bench: &mut CommonCard) -> LifeCycle {
    bench.identity().status.life_cycle
}

fn store(bench: &mut CommonCard, last: bool, number: u8, data: &[u8]) -> Status {
    let answer = bench.send(&Command::StoreData(last, number, data));
    assert!(answer.data.is_empty());
    answer.status
}

/// One block and the last one.
#[track_caller]
fn store_all(bench: &mut CommonCard, groups: &[Vec<u8>], status: Status) {
    for (number, group) in (0..).zip(groups) {
        assert_eq!(store(bench, false, number, group), Status::Success);
    }
    // The last block has nothing of its own: an empty one cannot be sent, so that the last group goes again with it.
    let last = u8::try_from(groups.len() - 1).unwrap();
    let bytes = &groups[usize::from(last)];
    assert_eq!(store(bench, true, last, bytes), Status::ConditionsOfUse, "the last number has been used");
    assert_eq!(store(bench, false, 0, &groups[0]), Status::Success, "00 starts anew");
    for (number, group) in (1..).zip(&groups[1..usize::from(last)]) {
        assert_eq!(store(bench, false, number, group), Status::Success);
    }
    assert_eq!(store(bench, true, last, bytes), status);
    let expected = if status == Status::Success { LifeCycle::Active } else { LifeCycle::Blank };
    assert_eq!(life_cycle(bench), expected);
}

fn profiles() -> [Profile; 2] {
    [Profile::purse(1, 12_34), Profile::sam(2, 12_34)]
}

/// DGI of a group.
fn identifier(group: &[u8]) -> u16 {
    u16::from_be_bytes([group[0], group[1]])
}

/// A group with another value.
fn group(identifier: u16, value: &[u8]) -> Vec<u8> {
    [&identifier.to_be_bytes()[..], &[u8::try_from(value.len()).unwrap()], value].concat()
}

/// The profile's groups with one replaced, sent in one block each: the answer to the whole.
#[track_caller]
fn refuse_with(profile: &Profile, replaced: u16, value: &[u8]) {
    let mut groups = profile.groups();
    let place = groups.iter().position(|group| identifier(group) == replaced).unwrap();
    groups[place] = group(replaced, value);
    let mut bench = blank();
    let mut statuses = Vec::new();
    for (number, group) in (0..).zip(&groups) {
        let last = usize::from(number) + 1 == groups.len();
        statuses.push(store(&mut bench, last, number, group));
        if statuses.last() != Some(&Status::Success) {
            break;
        }
    }
    assert_eq!(statuses.pop(), Some(Status::WrongData), "{replaced:04X} {value:02X?}");
    assert_eq!(life_cycle(&mut bench.power_cycled()), LifeCycle::Blank);
}

/// The value of a group of the profile.
fn value(profile: &Profile, wanted: u16) -> Vec<u8> {
    let groups = profile.groups();
    groups.iter().find(|group| identifier(group) == wanted).unwrap()[3..].to_vec()
}

#[test]
fn any_blocks_of_whole_groups_make_a_card() {
    for profile in profiles() {
        let mut bench = blank();
        let groups = profile.groups();
        store_all(&mut bench, &groups, Status::Success);
        let identity = bench.identity();
        assert_eq!((identity.status.role, identity.status.number), (profile.role, profile.number));
        assert_eq!((identity.status.balance, identity.issuer), (Amount(12_34), issuer()));
        bench.select();
        bench.verify(pin(profile.pin));
        bench.receive(Kind::Load, 1, issuer());
        let mut bench = bench.power_cycled();
        assert_eq!((bench.balance(), life_cycle(&mut bench)), (Amount(12_35), LifeCycle::Active));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn groups_in_any_order_and_any_blocks(
        order in Just((0..8_usize).collect::<Vec<_>>()).prop_shuffle(),
        breaks in prop::collection::vec(any::<bool>(), 8),
        is_sam: bool,
    ) {
        let profile = &profiles()[usize::from(is_sam)];
        let groups = profile.groups();
        let mut blocks = vec![Vec::new()];
        for place in order.into_iter().filter(|place| *place < groups.len()) {
            let last = blocks.last_mut().unwrap();
            if !last.is_empty() && (breaks[place] || last.len() + groups[place].len() > 255) {
                blocks.push(groups[place].clone());
            } else {
                last.extend(&groups[place]);
            }
        }
        let mut bench = blank();
        for (number, block) in (0..).zip(&blocks) {
            prop_assert_eq!(life_cycle(&mut bench), LifeCycle::Blank);
            let last = usize::from(number) + 1 == blocks.len();
            prop_assert_eq!(store(&mut bench, last, number, block), Status::Success);
        }
        prop_assert_eq!(life_cycle(&mut bench), LifeCycle::Active);
    }
}

#[test]
fn every_mandatory_group_is_missed_and_the_card_stays_blank() {
    for profile in profiles() {
        let groups = profile.groups();
        for missing in 0..groups.len() {
            let rest: Vec<_> = groups
                .iter()
                .enumerate()
                .filter(|(place, _)| *place != missing)
                .map(|(_, of)| of.clone())
                .collect();
            let is_optional = identifier(&groups[missing]) == 0x1512;
            let status = if is_optional { Status::Success } else { Status::WrongData };
            let mut bench = blank();
            store_all(&mut bench, &rest, status);
            if !is_optional {
                // It is no worse for it.
                bench = bench.power_cycled();
                bench.personalise(&profile);
                assert_eq!(life_cycle(&mut bench), LifeCycle::Active);
            }
        }
    }
    let rest: Vec<_> = Profile::purse(1, 0).groups()[..4].to_vec();
    store_all(&mut blank(), &rest, Status::WrongData);
}

#[test]
fn blocks_come_in_order_and_00_starts_anew() {
    let profile = Profile::purse(1, 12_34);
    let groups = profile.groups();
    let mut bench = blank();
    assert_eq!(store(&mut bench, false, 1, &groups[0]), Status::ConditionsOfUse);
    assert_eq!(store(&mut bench, true, 255, &groups[0]), Status::ConditionsOfUse);
    assert_eq!(store(&mut bench, false, 0, &groups[0]), Status::Success);
    assert_eq!(store(&mut bench, false, 2, &groups[1]), Status::ConditionsOfUse);
    assert_eq!(store(&mut bench, false, 1, &groups[1]), Status::Success);
    // The last block again: the same answer, and it counts once.
    assert_eq!(store(&mut bench, false, 1, &groups[1]), Status::Success);
    assert_eq!(store(&mut bench, false, 1, &groups[2]), Status::ConditionsOfUse);
    assert_eq!(store(&mut bench, false, 3, &groups[2]), Status::ConditionsOfUse);
    assert_eq!(store(&mut bench, false, 2, &groups[2]), Status::Success);
    // Anew: what was there does not count any more, so that it may come again, and has to.
    assert_eq!(store(&mut bench, false, 0, &groups[1]), Status::Success);
    assert_eq!(store(&mut bench, true, 1, &groups[3..].concat()), Status::WrongData);
    let whole = groups.concat();
    assert_eq!(store(&mut bench, true, 0, &whole), Status::Success);
    for _ in 0..2 {
        assert_eq!(store(&mut bench, true, 0, &whole), Status::Success, "the last block again");
    }
    assert_eq!(store(&mut bench, true, 0, &groups[0]), Status::ConditionsOfUse);
    assert_eq!(store(&mut bench, false, 0, &whole), Status::ConditionsOfUse);
    assert_eq!(store(&mut bench, false, 1, &whole), Status::ConditionsOfUse);
    assert_eq!(bench.balance(), Amount(12_34));
    bench.card.reset();
    bench.select();
    bench.refuse(&Command::StoreData(true, 0, &whole), Status::ConditionsOfUse);
}

#[test]
fn the_last_block_again_gives_no_money_back() {
    let profile = Profile::purse(1, 12_34);
    let whole = profile.groups().concat();
    let mut bench = blank();
    assert_eq!(store(&mut bench, true, 0, &whole), Status::Success);
    bench.spend_settled(Kind::Purchase, 2_34, party(2));
    bench.refuse(&Command::StoreData(false, 0, &whole), Status::ConditionsOfUse);
    assert!(bench.unwritten(Command::StoreData(true, 0, &whole).emit().as_bytes()).data.is_empty());
    assert_eq!(bench.balance(), Amount(10_00));
}

#[test]
fn another_block_is_refused_by_the_life_cycle_from_the_last_one_on() {
    // 6982 in 06, 6985 elsewhere, also in the session that made the card.
    let profile = Profile::purse(1, 12_34);
    let mut bench = blank();
    bench.personalise(&profile);
    bench.refuse(&Command::StoreData(false, 0, &[1]), Status::ConditionsOfUse);
    bench.lock(pin("1234"));
    bench.refuse(&Command::StoreData(false, 0, &[1]), Status::SecurityStatus);
}

#[test]
fn a_reset_and_a_cut_start_anew() {
    let groups = Profile::purse(1, 12_34).groups();
    for power in [false, true] {
        let mut bench = blank();
        for (number, group) in (0..).zip(&groups[..groups.len() - 1]) {
            assert_eq!(store(&mut bench, false, number, group), Status::Success);
        }
        if power {
            bench = bench.power_cycled();
        } else {
            bench.card.reset();
            bench.select();
        }
        let last = u8::try_from(groups.len() - 1).unwrap();
        assert_eq!(store(&mut bench, true, last, &groups[groups.len() - 1]), Status::ConditionsOfUse);
        assert_eq!(store(&mut bench, true, 0, &groups[groups.len() - 1]), Status::WrongData);
        assert_eq!(life_cycle(&mut bench), LifeCycle::Blank);
        store_all(&mut bench, &groups, Status::Success);
    }
}

#[test]
fn nothing_holds_before_the_last_block_is_whole() {
    for profile in profiles() {
        let blocks = profile.blocks();
        let mut bench = blank();
        for (number, block) in (0..).zip(&blocks[..blocks.len() - 1]) {
            assert_eq!(store(&mut bench, false, number, block), Status::Success);
        }
        let number = u8::try_from(blocks.len() - 1).unwrap();
        let before = bench.card.memory().counts().operations();
        let template = CommonCard::memory();
        let mut operations = 0;
        for operation in 0..100 {
            for (units, flight) in
                [(0, Flight::Old), (0, Flight::Garbage), (1, Flight::Unstable), (2, Flight::New)]
            {
                let mut memory = template.clone();
                memory.cut(Cut { operation: before + operation, units, flight });
                let mut bench = CommonCard::on(memory);
                bench.select();
                for (number, block) in (0..).zip(&blocks[..blocks.len() - 1]) {
                    assert_eq!(store(&mut bench, false, number, block), Status::Success);
                }
                let answer = store(&mut bench, true, number, &blocks[usize::from(number)]);
                let was_cut = bench.card.memory().is_off();
                let mut bench = bench.power_cycled();
                let found = life_cycle(&mut bench);
                if answer == Status::Success {
                    assert_eq!(found, LifeCycle::Active, "what was answered holds");
                } else {
                    assert_eq!(answer, Status::MemoryFailure);
                }
                if found == LifeCycle::Blank {
                    bench.personalise(&profile);
                    bench.select();
                }
                assert_eq!(bench.balance(), Amount(12_34));
                bench.verify(pin(profile.pin));
                bench.receive(Kind::Load, 1, issuer());
                operations = operations.max(if was_cut { operation + 1 } else { 0 });
            }
            if operations <= operation {
                break;
            }
        }
        assert!(operations >= 3, "a page is more than one program");
    }
}

#[test]
fn key_check_values_must_fit_but_for_a_sams_own_payment_key() {
    for profile in profiles() {
        let good = value(&profile, 0x9000);
        for place in 0..good.len() {
            let mut wrong = good.clone();
            wrong[place] ^= 1;
            if profile.role == Role::Merchant && (3..6).contains(&place) {
                let mut groups = profile.groups();
                let keys = groups.iter().position(|of| identifier(of) == 0x9000).unwrap();
                groups[keys] = group(0x9000, &wrong);
                store_all(&mut blank(), &groups, Status::Success);
            } else {
                refuse_with(&profile, 0x9000, &wrong);
            }
        }
        let mut keys = value(&profile, 0x8000);
        keys[0] ^= 1;
        refuse_with(&profile, 0x8000, &keys);
    }
}

#[test]
fn unknown_groups_groups_twice_and_groups_across_blocks_are_wrong_data() {
    let profile = Profile::purse(1, 12_34);
    let groups = profile.groups();
    let known = [0x1501, 0x1511, 0x1512, 0x1513, 0x1514, 0x1515, 0x8000, 0x9000, 0x8001, 0x8010, 0x9010];
    let later = [0x8020, 0x9020, 0x7F21];
    let mut bench = blank();
    for identifier in
        (0..=0xFFFF_u16).filter(|identifier| !known.contains(identifier) && !later.contains(identifier))
    {
        assert_eq!(
            store(&mut bench, false, 0, &group(identifier, &[0; 3])),
            Status::WrongData,
            "{identifier:04X}"
        );
    }
    for (place, twice) in groups.iter().enumerate() {
        let mut bench = blank();
        assert_eq!(store(&mut bench, false, 0, &[&twice[..], twice].concat()), Status::WrongData);
        assert_eq!(store(&mut bench, false, 0, twice), Status::Success);
        assert_eq!(
            store(&mut bench, false, 1, &[&groups[(place + 1) % groups.len()][..], twice].concat()),
            Status::WrongData
        );
        // A refused block has left nothing behind, and its number is still the next one.
        assert_eq!(store(&mut bench, false, 1, &groups[(place + 1) % groups.len()]), Status::Success);
        for length in 1..twice.len() {
            assert_eq!(store(&mut blank(), false, 0, &twice[..length]), Status::WrongData);
            let before = &groups[(place + 1) % groups.len()];
            let both = [&before[..], &twice[..length]].concat();
            assert_eq!(store(&mut blank(), false, 0, &both), Status::WrongData);
        }
        // A value that is a byte too long or too short for its group.
        let inside = twice[3..].to_vec();
        refuse_with(&profile, identifier(twice), &[&inside[..], &[0]].concat());
        refuse_with(&profile, identifier(twice), &inside[..inside.len() - 1]);
        refuse_with(&profile, identifier(twice), &[]);
    }
}

#[test]
fn values_that_no_card_can_have() {
    for profile in profiles() {
        let identity = value(&profile, 0x1501);
        // Role, a digit of the number, its check digit, key version, month, issuer, flags.
        for (place, byte) in [
            (0, 0),
            (0, 3),
            (1, 0xF0),
            (8, identity[8] ^ 1),
            (9, 0),
            (11, 0x13),
            (11, 0x00),
            (12, 0xAA),
            (19, identity[19] ^ 1),
            (20, 2),
            (20, 0xFF),
        ] {
            let mut wrong = identity.clone();
            wrong[place] = byte;
            refuse_with(&profile, 0x1501, &wrong);
        }
        let pocket = value(&profile, 0x1511);
        for (range, bytes) in
            [(0..2, &[0, 0][..]), (0..2, &[0x0A, 0x00]), (0..2, &[0x19, 0x78]), (3..7, &[0xFF; 4])]
        {
            let mut wrong = pocket.clone();
            wrong[range].copy_from_slice(bytes);
            refuse_with(&profile, 0x1511, &wrong);
        }
        // The second pocket has the first one's currency.
        refuse_with(&profile, 0x1512, &pocket);
        for block in [
            [0x23, 0x12, 0x3F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            [0; 8],
            [0x24, 0x12, 0x34, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F],
        ] {
            refuse_with(&profile, 0x8010, &block);
        }
        refuse_with(&profile, 0x9010, &[3, 0]);
        refuse_with(&profile, 0x9010, &[4, 3]);
    }
    let sam = Profile::sam(2, 0);
    let masters = value(&sam, 0x8001);
    refuse_with(&sam, 0x8001, &[&[0][..], &masters[1..17]].concat());
    refuse_with(&sam, 0x8001, &masters[..33]);
    refuse_with(
        &sam,
        0x8001,
        &(1..=9).flat_map(|version| [&[version][..], &[7; 16]].concat()).collect::<Vec<_>>(),
    );
    let eight: Vec<u8> = (1..=8).flat_map(|version| [&[version][..], &[7; 16]].concat()).collect();
    let mut groups = sam.groups();
    let place = groups.iter().position(|of| identifier(of) == 0x8001).unwrap();
    groups[place] = group(0x8001, &eight);
    store_all(&mut blank(), &groups, Status::Success);
}

#[test]
fn a_new_card_has_its_keys() {
    let mut bench = blank();
    bench.personalise(&Profile::purse(1, 12_34));
    // No reset in between: the keys are ready.
    let purchase = bench.paying(Kind::Purchase, 1, party(2));
    bench.succeed(&debit(&purchase));
}
