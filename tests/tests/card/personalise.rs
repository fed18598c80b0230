//! STORE DATA: all or nothing (section 6).

use apdu_spec::command::Command;
use apdu_spec::element::{Amount, Kind};
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::status::StatusWord as Status;
use proptest::prelude::*;
use purse_terminal::simulated_memory::{Cut, Flight};
use purse_tests::bench_card::CommonCard;
use purse_tests::scheme::{Profile, debit, issuer, party, pin};
use purse_tests::store_data::{
    blank, group, identifier, life_cycle, profiles, refuse_with, store, store_all,
};

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

/// What is last and what is not are two blocks, whatever they carry.
#[test]
fn the_same_bytes_with_another_p1_are_no_repeat() {
    let groups = Profile::purse(1, 12_34).groups();
    for blocks in 1..groups.len() {
        let mut bench = blank();
        for (number, group) in (0..).zip(&groups[..blocks]) {
            assert_eq!(store(&mut bench, false, number, group), Status::Success);
        }
        let number = u8::try_from(blocks - 1).unwrap();
        if number > 0 {
            assert_eq!(store(&mut bench, true, number, &groups[blocks - 1]), Status::ConditionsOfUse);
        }
        assert_eq!(store(&mut bench, false, number, &groups[blocks - 1]), Status::Success);
    }
    let mut bench = blank();
    store_all(&mut bench, &groups, Status::Success);
    let number = u8::try_from(groups.len() - 1).unwrap();
    assert_eq!(store(&mut bench, true, number, &groups[groups.len() - 1]), Status::Success);
    assert_eq!(store(&mut bench, false, number, &groups[groups.len() - 1]), Status::ConditionsOfUse);
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
fn a_new_card_has_its_keys() {
    let mut bench = blank();
    bench.personalise(&Profile::purse(1, 12_34));
    // No reset in between: the keys are ready.
    let purchase = bench.paying(Kind::Purchase, 1, party(2));
    bench.succeed(&debit(&purchase));
}
