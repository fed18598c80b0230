//! Personalisation in every way that the text tells apart: each data group left out, each value near each of its rules,
//! blocks in order and out of it. Each is a history of a blank card of its own.

use apdu_spec::command::CommandName;
use apdu_spec::number::PartyNumber;
use purse_tests::scheme::{key_pair, party, private_key, public_key};

use crate::certificate::{self, CHANGES, Inside};
use crate::draw::Draw;
use crate::generator::select;
use crate::issue::Issue;
use crate::message::apdu;

/// Data groups with their identifiers.
type Groups = Vec<Vec<u8>>;

fn identifier(group: &[u8]) -> u16 {
    u16::from_be_bytes([group[0], group[1]])
}

fn group(identifier: u16, value: &[u8]) -> Vec<u8> {
    let length = u8::try_from(value.len()).unwrap_or(255);
    [&identifier.to_be_bytes()[..], &[length], value].concat()
}

/// STORE DATA.
fn block(last: bool, number: usize, data: &[u8]) -> Vec<u8> {
    apdu(CommandName::StoreData, if last { 0x80 } else { 0 }, u8::try_from(number).unwrap_or(255), data)
}

/// At least two blocks of these groups.
fn blocks_of(groups: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut blocks: Vec<Vec<u8>> = vec![Vec::new()];
    for group in groups {
        let is_full = blocks.last().is_some_and(|block| block.len() + group.len() > 255);
        if is_full || blocks.len() == 1 && identifier_of(group) == Some(0x8000) {
            blocks.push(Vec::new());
        }
        if let Some(block) = blocks.last_mut() {
            block.extend(group);
        }
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

fn identifier_of(group: &[u8]) -> Option<u16> {
    Some(u16::from_be_bytes([*group.first()?, *group.get(1)?]))
}

/// The blocks of these groups, and what a card shows of itself afterwards.
fn history(groups: &[Vec<u8>], right: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let blocks = blocks_of(groups);
    let count = blocks.len();
    let mut commands = vec![select()];
    commands.extend(blocks.iter().enumerate().map(|(place, data)| block(place + 1 == count, place, data)));
    // What was refused is refused as a whole: the last group alone does not mend it, all of the last block does.
    let right = blocks_of(right);
    commands.push(block(true, count - 1, groups.last().map_or(&[0], |group| group.as_slice())));
    commands.push(block(true, right.len() - 1, right.last().map_or(&[0], |block| block.as_slice())));
    commands.push(select());
    commands.push(apdu(CommandName::ReadBinary, 0x95, 0, &[]));
    commands
}

/// Every history for this card.
pub fn rooms(issue: &Issue) -> Vec<Vec<Vec<u8>>> {
    let groups = issue.groups();
    let mut room = Room { all: vec![history(&groups, &groups)], groups };
    room.forms();
    room.identity();
    room.pockets();
    room.keys();
    room.key_pair();
    room.pin();
    room.blocks();
    room.all
}

struct Room {
    groups: Groups,
    all: Vec<Vec<Vec<u8>>>,
}

impl Room {
    fn place(&self, wanted: u16) -> Option<usize> {
        self.groups.iter().position(|group| identifier(group) == wanted)
    }

    fn value(&self, wanted: u16) -> Vec<u8> {
        self.place(wanted).map_or_else(Vec::new, |place| self.groups[place][3..].to_vec())
    }

    /// With another value of a group, or with one more group.
    fn with(&mut self, wanted: u16, value: &[u8]) {
        let mut groups = self.groups.clone();
        match self.place(wanted) {
            Some(place) => groups[place] = group(wanted, value),
            None => groups.push(group(wanted, value)),
        }
        self.all.push(history(&groups, &self.groups));
    }

    /// With bytes of a value changed.
    fn changed(&mut self, wanted: u16, at: usize, bytes: &[u8]) {
        let mut value = self.value(wanted);
        if let Some(changed) = value.get_mut(at..at + bytes.len()) {
            changed.copy_from_slice(bytes);
            self.with(wanted, &value);
        }
    }

    /// Each group left out, too short, too long, empty, twice; unknown ones of every length.
    fn forms(&mut self) {
        for place in 0..self.groups.len() {
            let wanted = identifier(&self.groups[place]);
            let value = self.value(wanted);
            let mut without = self.groups.clone();
            without.remove(place);
            self.all.push(history(&without, &self.groups));
            self.with(wanted, &value[..value.len() - 1]);
            self.with(wanted, &[value.as_slice(), &[0]].concat());
            self.with(wanted, &[]);
            let mut twice = without.clone();
            twice.insert(0, self.groups[place].clone());
            twice.insert(1, self.groups[place].clone());
            self.all.push(history(&twice, &self.groups));
            let mut later = self.groups.clone();
            later.push(self.groups[place].clone());
            self.all.push(history(&later, &self.groups));
            for end in [1, 2, 4] {
                let cut = self.groups[place].len().saturating_sub(end);
                let mut groups = without.clone();
                groups.push(self.groups[place][..cut].to_vec());
                self.all.push(history(&groups, &self.groups));
            }
        }
        let (identity, pin) = (self.value(0x1501), self.value(0x8010));
        self.with(0x1502, &identity);
        self.with(0x8011, &pin);
        for unknown in [0x1510, 0x1516, 0x1500, 0x8002, 0x8021, 0x7F20, 0x7F22, 0x9021, 0x9011] {
            for length in [0, 1, 2, 8, 12, 21, 31, 32, 64, 147] {
                self.with(unknown, &vec![3; length]);
            }
        }
        for tail in [&[0x15][..], &[0x15, 0x11], &[0x90, 0x10, 2, 3], &[0x90, 0x10, 0]] {
            let mut groups = self.groups.clone();
            groups.push(tail.to_vec());
            self.all.push(history(&groups, &self.groups));
            self.all.push(vec![select(), block(false, 0, tail), block(false, 0, &self.groups[0])]);
        }
    }

    fn identity(&mut self) {
        for role in 0..4 {
            self.changed(0x1501, 0, &[role]);
        }
        for at in [1, 12] {
            let number = self.value(0x1501)[at..at + 8].to_vec();
            self.changed(0x1501, at, &[0; 8]);
            for place in 0..16 {
                let add = |by: u8| {
                    let mut number = number.clone();
                    let byte = &mut number[place / 2];
                    *byte = if place % 2 == 0 {
                        byte.wrapping_add(by << 4)
                    } else {
                        *byte & 0xF0 | (*byte + by) & 15
                    };
                    number
                };
                // Another digit; and ten more, which the sum does not show.
                let (one, ten) = (add(1), add(10));
                self.changed(0x1501, at, &one);
                self.changed(0x1501, at, &ten);
            }
            let mut draw = Draw::new(7);
            for _ in 0..24 {
                let payload = 1 + draw.bits() % 999_999_999_999_999;
                let number = PartyNumber::with_check_digit(payload).map_or([0; 8], |number| number.0);
                self.changed(0x1501, at, &number);
            }
            for payload in [1, 5, 999_999_999_999_999, 500_000_000_000_000] {
                let number = PartyNumber::with_check_digit(payload).map_or([0; 8], |number| number.0);
                self.changed(0x1501, at, &number);
            }
        }
        let issuer = self.value(0x1501)[12..20].to_vec();
        self.changed(0x1501, 1, &issuer);
        for version in [0, 255] {
            self.changed(0x1501, 9, &[version]);
        }
        for month in [
            [0x30, 0x00],
            [0x30, 0x13],
            [0x30, 0x09],
            [0x30, 0x10],
            [0x30, 0x0A],
            [0x30, 0x0C],
            [0x30, 0xA1],
            [0x30, 0x11],
            [0x3A, 0x01],
            [0xA0, 0x01],
            [0x99, 0x12],
        ] {
            self.changed(0x1501, 10, &month);
        }
        for flags in [0, 1, 2, 3, 0x80] {
            self.changed(0x1501, 20, &[flags]);
        }
    }

    fn pockets(&mut self) {
        let currencies =
            [[0, 0], [0, 1], [1, 0], [9, 0x99], [0x10, 0], [0x0A, 0], [9, 0xA7], [9, 0x7A], [0x19, 0x78]];
        for currency in currencies {
            self.changed(0x1511, 0, &currency);
        }
        self.changed(0x1511, 3, &[0, 0, 0, 30, 0, 0, 0, 30]);
        self.changed(0x1511, 3, &[0, 0, 0, 30, 0, 0, 0, 29]);
        self.changed(0x1511, 2, &[255]);
        // Five pockets: none with another's currency, and each two of them with the same.
        let pocket = self.value(0x1511);
        let of = |code: u8, balance: u8| {
            let mut value = pocket.clone();
            value[..2].copy_from_slice(&[1, code]);
            value[3..7].copy_from_slice(&[0, 0, 0, balance]);
            value
        };
        let rest: Groups = self
            .groups
            .iter()
            .filter(|group| !(0x1511..=0x1515).contains(&identifier(group)))
            .cloned()
            .collect();
        let mut five = |codes: [u8; 5], balances: [u8; 5], left_out: Option<usize>| {
            let mut groups = rest.clone();
            for (place, identifier) in (0x1511..=0x1515).enumerate() {
                if left_out != Some(place) {
                    groups.insert(
                        place.min(groups.len()),
                        group(identifier, &of(codes[place], balances[place])),
                    );
                }
            }
            self.all.push(history(&groups, &self.groups));
        };
        five([1, 2, 3, 4, 5], [1, 2, 3, 4, 5], None);
        five([1, 2, 3, 4, 5], [0, 0, 0, 0, 5], None);
        for one in 0..5 {
            five([1, 2, 3, 4, 5], [0, 0, 0, 0, 0], Some(one));
            for two in 0..one {
                let mut codes = [1, 2, 3, 4, 5];
                codes[one] = codes[two];
                five(codes, [1, 1, 1, 1, 1], None);
            }
        }
    }

    fn keys(&mut self) {
        for at in 0..64 {
            let value = self.value(0x8000)[at];
            self.changed(0x8000, at, &[value ^ 1]);
        }
        for at in 0..12 {
            let value = self.value(0x9000)[at];
            self.changed(0x9000, at, &[value ^ 1]);
        }
        let master = |version: &u8| std::iter::once(*version).chain([0xAA; 16]);
        let masters = |versions: &[u8]| versions.iter().flat_map(master).collect::<Vec<u8>>();
        for count in 0..=9 {
            let versions: Vec<u8> = (1..=count).collect();
            self.with(0x8001, &masters(&versions));
            if count > 0 {
                self.with(0x8001, &[masters(&versions).as_slice(), &[9]].concat());
                self.with(0x8001, &masters(&versions)[1..]);
            }
        }
        for one in 0..8 {
            let mut versions = [1, 2, 3, 4, 5, 6, 7, 8];
            versions[one] = 0;
            self.with(0x8001, &masters(&versions));
            for two in 0..one {
                let mut versions = [1, 2, 3, 4, 5, 6, 7, 8];
                versions[one] = versions[two];
                self.with(0x8001, &masters(&versions));
            }
        }
    }

    /// Key pair, issuer's key and certificate: all, some or none of them, and each rule broken.
    fn key_pair(&mut self) {
        const GROUPS: [u16; 3] = [0x8020, 0x9020, 0x7F21];
        let number = self.value(0x1501)[1..9].try_into().unwrap_or([0; 8]);
        let pair = key_pair(PartyNumber(number));
        let right = pair.certificate.emit();
        let values = [&pair.private_key.0[..], &pair.issuer_key.0, &right];
        let issued = self.groups.clone();
        let rest: Groups =
            issued.iter().filter(|group| !GROUPS.contains(&identifier(group))).cloned().collect();
        // Every choice of the three; on a SAM none is right but the empty one.
        for choice in 0..8 {
            let chosen = GROUPS.iter().zip(&values).enumerate().filter(|(place, _)| choice >> place & 1 == 1);
            let chosen = chosen.map(|(_, (identifier, value))| group(*identifier, value));
            self.all.push(history(&rest.iter().cloned().chain(chosen).collect::<Groups>(), &issued));
        }
        // From here on with all three of them.
        self.groups = rest;
        self.groups.extend(GROUPS.iter().zip(&values).map(|(identifier, value)| group(*identifier, value)));
        let backwards: Groups = self.groups.iter().rev().cloned().collect();
        self.all.push(history(&backwards, &self.groups));
        let others = [[0; 32], [0xFF; 32], private_key(party(20)).0];
        for private in others {
            self.with(0x8020, &private);
        }
        let last = pair.private_key.0[31];
        self.changed(0x8020, 31, &[last ^ 1]);
        for issuer in [[0; 64], [1; 64], public_key(&private_key(party(20))).0] {
            self.with(0x9020, &issuer);
        }
        let of_another = key_pair(party(20)).certificate;
        let all = CHANGES.iter().map(|(at, bytes)| certificate::with(right, *at, bytes));
        let mut all: Vec<Inside> = all.collect();
        all.extend([
            of_another.emit(),
            certificate::with(right, 3, &of_another.body.number.0),
            certificate::with(right, 13, &of_another.body.public_key.0),
        ]);
        let mut foreign = right;
        certificate::sign(&mut foreign, &private_key(party(20)));
        all.push(foreign);
        for inside in all {
            self.with(0x7F21, &inside);
        }
        // A bit of each byte; those of number and key are signed no longer.
        for (at, byte) in right.iter().enumerate() {
            self.changed(0x7F21, at, &[byte ^ 1]);
        }
        // As the key pair of another number, of the same issuer.
        let other = of_another.body.number;
        self.changed(0x1501, 1, &other.0);
        self.groups = issued;
    }

    fn pin(&mut self) {
        for tries in [
            [0, 1],
            [1, 0],
            [0, 0],
            [1, 1],
            [15, 15],
            [15, 16],
            [16, 16],
            [16, 15],
            [4, 3],
            [3, 3],
            [2, 3],
            [0, 3],
        ] {
            self.with(0x9010, &tries);
        }
        for digits in 0..16_u8 {
            let mut value = [0x20 | digits, 0, 0, 0, 0, 0, 0, 0];
            for place in 2..16 {
                let nibble = if place < usize::from(digits) + 2 { 9 } else { 15 };
                value[place / 2] |= if place % 2 == 0 { nibble << 4 } else { nibble };
            }
            self.with(0x8010, &value);
        }
        for at in 0..8 {
            let value = self.value(0x8010)[at];
            for other in [
                value ^ 1,
                value ^ 0x10,
                value ^ 0x0F,
                value ^ 0xF0,
                value & 0xF0 | 0x0A,
                value & 0x0F | 0xA0,
            ] {
                self.changed(0x8010, at, &[other]);
            }
        }
    }

    /// Blocks again, skipped, from the beginning, behind the last one.
    fn blocks(&mut self) {
        let one_each: Vec<Vec<u8>> = self
            .groups
            .iter()
            .enumerate()
            .map(|(place, group)| block(place + 1 == self.groups.len(), place, group))
            .collect();
        let count = one_each.len();
        let with = |commands: Vec<Vec<u8>>| std::iter::once(select()).chain(commands).collect::<Vec<_>>();
        let twice: Vec<_> = one_each.iter().flat_map(|block| [block.clone(), block.clone()]).collect();
        self.all.push(with(twice));
        let again: Vec<_> = one_each[..count - 1].iter().chain(&one_each).cloned().collect();
        self.all.push(with(again));
        for skipped in 0..count {
            let mut fewer = one_each.clone();
            fewer.remove(skipped);
            self.all.push(with(fewer));
        }
        let mut wrong = one_each.clone();
        wrong.insert(2, block(false, 2, &[0x15]));
        wrong.insert(2, block(false, 3, &[0x15]));
        wrong.insert(2, block(true, 2, &self.groups[2]));
        wrong.insert(2, block(false, 1, &self.groups[2]));
        wrong.insert(2, block(false, 3, &self.groups[2]));
        self.all.push(with(wrong));
        // Five pockets begun, then all anew: nothing is left of them.
        let pocket = self.value(0x1511);
        for identifier in 0x1511..=0x1515 {
            let begun = block(false, 0, &group(identifier, &pocket));
            self.all.push(with(vec![
                begun.clone(),
                block(false, 1, &self.groups[0]),
                begun.clone(),
                block(false, 1, &self.groups[0]),
            ]));
        }
        for group in &self.groups {
            let begun = block(false, 0, group);
            let other = block(false, 1, &[&group[..], &[0x15, 0x16, 0]].concat());
            self.all.push(with(vec![begun.clone(), other, begun, block(false, 0, &[0x15, 0x16, 0])]));
        }
        let mut behind = with(one_each.clone());
        let last = one_each[count - 1].clone();
        let verify = apdu(CommandName::Verify, 0, 0x80, &self.value(0x8010));
        let lock = apdu(CommandName::Lock, 0, 0, &[]);
        behind.extend([last.clone(), select(), last.clone(), one_each[0].clone(), last.clone()]);
        behind.extend([verify, lock, last.clone(), one_each[0].clone(), one_each[count - 2].clone()]);
        behind.extend([
            block(false, count - 1, &self.groups[count - 1]),
            block(true, count, &self.groups[count - 1]),
        ]);
        self.all.push(behind);
    }
}
