//! STORE DATA block by block and group by group.

use apdu_spec::command::Command;
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::status::StatusWord as Status;

use crate::bench_card::CommonCard;
use crate::scheme::Profile;

/// A blank card with its application selected.
pub fn blank() -> CommonCard {
    let mut bench = CommonCard::blank();
    bench.select();
    bench
}

/// What the card says of itself.
pub fn life_cycle(bench: &mut CommonCard) -> LifeCycle {
    bench.identity().status.life_cycle
}

/// One block.
pub fn store(bench: &mut CommonCard, last: bool, number: u8, data: &[u8]) -> Status {
    let answer = bench.send(&Command::StoreData(last, number, data));
    assert!(answer.data.is_empty());
    answer.status
}

/// All groups, one in each block: how the last one ends; the card stays blank unless that is success.
#[track_caller]
pub fn store_all(bench: &mut CommonCard, groups: &[Vec<u8>], status: Status) {
    for (number, group) in (0..).zip(groups) {
        let last = usize::from(number) + 1 == groups.len();
        let expected = if last { status } else { Status::Success };
        assert_eq!(store(bench, last, number, group), expected, "block {number}");
    }
    let expected = if status == Status::Success { LifeCycle::Active } else { LifeCycle::Blank };
    assert_eq!(life_cycle(bench), expected);
}

/// A purse and a SAM with 12.34 each.
pub fn profiles() -> [Profile; 2] {
    [Profile::purse(1, 12_34), Profile::sam(2, 12_34)]
}

/// DGI of a group.
pub fn identifier(group: &[u8]) -> u16 {
    u16::from_be_bytes([group[0], group[1]])
}

/// A group with another value.
pub fn group(identifier: u16, value: &[u8]) -> Vec<u8> {
    [&identifier.to_be_bytes()[..], &[u8::try_from(value.len()).expect("a group is short and there")], value]
        .concat()
}

/// The profile's groups with one replaced, sent in one block each: the answer to the whole.
#[track_caller]
pub fn refuse_with(profile: &Profile, replaced: u16, value: &[u8]) {
    let mut groups = profile.groups();
    let place =
        groups.iter().position(|group| identifier(group) == replaced).expect("a group is short and there");
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
pub fn value(profile: &Profile, wanted: u16) -> Vec<u8> {
    let groups = profile.groups();
    groups.iter().find(|group| identifier(group) == wanted).expect("a group is short and there")[3..].to_vec()
}
