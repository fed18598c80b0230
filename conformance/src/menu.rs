//! The menu of one card state: every row of the command table in every form, with right and with wrong data.

use apdu_spec::command::apdu::LONGEST_COMMAND;
use apdu_spec::command::{COMMANDS, CommandName};
use apdu_spec::file::APPLICATION;
use apdu_spec::number::PartyNumber;
use purse_reference::session::Session;
use purse_tests::scheme::{eur, jpy, party, private_key};

use crate::certificate::{self, Inside, PEERS, RENEWED};
use crate::draw::Draw;
use crate::generator::{self, Situation, personalisation, select};
use crate::issue::Issue;
use crate::message::{self, Details, apdu, name_of, of_sequence};
use crate::view::View;

/// Generated commands that join the fixed ones.
const GENERATED: usize = 40;

/// Every command of the menu. `recent` are the ways to this state, for repeats; `seed` is for what is generated.
pub fn menu(view: &View, session: &Session, issue: &Issue, recent: &[Vec<u8>], seed: u64) -> Vec<Vec<u8>> {
    let mut menu = Menu { view, commands: Vec::new() };
    menu.files();
    menu.holder();
    menu.certificates();
    menu.records();
    menu.incoming();
    menu.past();
    menu.outgoing();
    menu.scripts();
    menu.forms();
    menu.commands.extend(personalisation(issue));
    menu.commands.extend_from_slice(recent);
    menu.other_data(recent);
    let situation = Situation { view, session, issue, recent };
    let mut draw = Draw::new(seed);
    for _ in 0..GENERATED {
        menu.commands.push(generator::command(&situation, &mut draw));
    }
    menu.commands
}

struct Menu<'a> {
    view: &'a View,
    commands: Vec<Vec<u8>>,
}

impl Menu<'_> {
    fn put(&mut self, command: CommandName, p1: u8, p2: u8, data: &[u8]) {
        self.commands.push(apdu(command, p1, p2, data));
    }

    fn with_expected(&mut self, mut command: Vec<u8>, expected: &[u8]) {
        for expected in expected {
            if let Some(last) = command.last_mut() {
                *last = *expected;
            }
            self.commands.push(command.clone());
        }
    }

    fn files(&mut self) {
        for control in [0, 0x0C] {
            self.put(CommandName::Select, 4, control, &APPLICATION);
            self.put(CommandName::Select, 4, control, &APPLICATION[..5]);
            for file in [[0x3F, 0], [0x2F, 0], [0, 0x15], [0, 0x18], [0, 0x19], [0, 0x16]] {
                self.put(CommandName::Select, 0, control, &file);
            }
        }
        self.with_expected(select(), &[43, 44, 45]);
        for (file, length) in [([0x3F, 0], 9), ([0x2F, 0], 16), ([0, 0x15], 13)] {
            self.with_expected(apdu(CommandName::Select, 0, 0, &file), &[length - 1, length]);
        }
        for (p1, p2) in [(0, 0), (0, 17), (0, 18), (0, 176), (0, 177), (1, 0)] {
            self.put(CommandName::ReadBinary, p1, p2, &[]);
        }
        for file in [21, 24, 25, 30, 3] {
            self.put(CommandName::ReadBinary, 0x80 | file, 0, &[]);
        }
        self.with_expected(apdu(CommandName::ReadBinary, 0x95, 170, &[]), &[1, 6, 7, 8]);
        for number in [1, 2, 4, 5, 8, 9] {
            for file in [0, 24, 25] {
                self.put(CommandName::ReadRecord, number, file << 3 | 4, &[]);
            }
        }
        for file in [21, 30, 3] {
            self.put(CommandName::ReadRecord, 1, file << 3 | 4, &[]);
        }
        self.with_expected(apdu(CommandName::ReadRecord, 1, 0xC4, &[]), &[49, 50, 51]);
        for [high, low] in
            [[0x9F, 0x17], [0x9F, 0x4F], [0x7F, 0x4F], [0x7F, 0x17], [0x9F, 0x18], [0x9F, 0x21]]
        {
            let command = apdu(CommandName::GetData, high, low, &[]);
            self.with_expected(command, &[0, 3, 4, 12, 13]);
        }
        self.with_expected(apdu(CommandName::GetData, 0x7F, 0x21, &[]), &[0, 150, 151]);
        for pocket in 0..5 {
            self.put(CommandName::GetBalance, 0, pocket, &[]);
        }
        self.with_expected(apdu(CommandName::GetBalance, 0, 0, &[]), &[10, 11]);
    }

    fn holder(&mut self) {
        let right = self.view.pin;
        let wrong = [0x24, 0x99, 0x99, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
        let malformed = [0x24, 0x12, 0x34, 0xFF, 0xFF, 0xFF, 0xFF, 0xF0];
        for block in [&right[..], &wrong, &malformed, &[]] {
            self.put(CommandName::Verify, 0, 0x80, block);
        }
        let new = [0x25, 0x12, 0x34, 0x5F, 0xFF, 0xFF, 0xFF, 0xFF];
        for (old, new) in [(right, new), (wrong, new), (right, malformed), (malformed, new), (right, right)] {
            self.put(CommandName::ChangePin, 0, 0x80, &[old, new].concat());
        }
        self.put(CommandName::Lock, 0, 0, &[]);
        self.put(CommandName::Unlock, 1, 0, &[]);
    }

    /// Of each other purse, of this one, of a later key, signed by this one, and such as break a rule.
    fn certificates(&mut self) {
        let right = PEERS.iter().copied().chain([self.view.number]).map(certificate::of).chain([*RENEWED]);
        let mut own_word = certificate::of(PEERS[0]);
        certificate::sign(&mut own_word, &private_key(PartyNumber(self.view.number)));
        let wrong = certificate::wrong().iter().copied().chain([own_word]);
        let all: Vec<Inside> = right.chain(wrong).collect();
        self.commands.extend(all.iter().map(|inside| certificate::verify(inside)));
    }

    /// Everything about one sequence, for every one that there is and those beside.
    fn records(&mut self) {
        let next = self.view.sequence;
        let first = self.view.records.first().map_or(next, |record| record.sequence);
        let mut sequences: Vec<u32> = self.view.records.iter().map(|record| record.sequence).collect();
        sequences.extend([next, next.wrapping_add(1), first.wrapping_sub(1), 0, u32::MAX]);
        for sequence in sequences {
            let known = self.view.records.iter().find(|record| record.sequence == sequence).copied();
            for command in [CommandName::GetProof, CommandName::ReadEntry] {
                self.commands.push(of_sequence(command, sequence, &[]));
            }
            let (ack, nack) =
                known.map_or(([1; 8], [2; 8]), |known| (known.details.ack(), known.details.nack()));
            for mac in [ack, nack, [0; 8]] {
                for command in [CommandName::Acknowledge, CommandName::Reverse] {
                    self.commands.push(of_sequence(command, sequence, &mac));
                }
            }
            let Some(known) = known else { continue };
            for command in [CommandName::Credit, CommandName::Decline] {
                for details in [known.details, Details { time: known.details.time ^ 1, ..known.details }] {
                    self.commands.push(details.voucher(command, details.val(known.tac), known.tac));
                }
                self.commands.push(known.details.voucher(command, [0; 8], known.tac));
            }
            if known.role == 1 {
                let Details { kind, time, .. } = known.details;
                let other = Details { time: time ^ 1, ..known.details };
                self.commands.push(known.details.debit(known.details.req()));
                self.commands.push(known.details.debit([0; 8]));
                self.commands.push(other.debit(other.req()));
                self.commands.push(Details { kind: kind ^ 1, ..known.details }.debit(known.details.req()));
            }
            for (how, tac) in [(1, known.tac), (2, known.tac), (3, known.tac), (1, [9; 8]), (2, [9; 8])] {
                let value = [sequence.to_be_bytes().as_slice(), &tac, &[how]].concat();
                self.script(1, 8, &value);
            }
        }
    }

    /// Every single thing wrong, and pairs with the MAC.
    fn variants(&self, right: Details) -> Vec<Details> {
        let view = self.view;
        let stranger = party(24).0;
        vec![
            right,
            Details { amount: 0, ..right },
            Details { amount: u32::MAX, ..right },
            Details { key_version: 0, ..right },
            Details { key_version: 9, ..right },
            Details { key_version: 9, amount: 0, ..right },
            Details { currency: jpy().0, ..right },
            Details { currency: [0, 0], ..right },
            Details { currency: view.pockets[1].currency, ..right },
            Details { currency: jpy().0, key_version: 9, ..right },
            Details { from: view.number, ..right },
            Details { from: stranger, ..right },
            Details { from: view.issuer, ..right },
            Details { to: view.issuer, ..right },
            Details { to: view.number, ..right },
            Details { to: stranger, ..right },
            Details { from_sequence: right.from_sequence.wrapping_add(1), ..right },
            Details { to_sequence: right.to_sequence.wrapping_add(1), ..right },
            Details {
                from_sequence: right.from_sequence.wrapping_add(1),
                to_sequence: right.to_sequence.wrapping_add(1),
                ..right
            },
            Details {
                from_sequence: right.from_sequence.wrapping_sub(1),
                to_sequence: right.to_sequence.wrapping_sub(1),
                ..right
            },
        ]
    }

    fn key_version(&self, kind: u8) -> u8 {
        let held = self.view.masters.iter().copied().find(|version| *version != 0);
        if kind == 5 {
            return 0;
        }
        if [1, 2].contains(&kind) || self.view.is_purse() { self.view.key_version } else { held.unwrap_or(1) }
    }

    fn other_side(&self, kind: u8) -> [u8; 8] {
        match kind {
            1 | 2 => self.view.issuer,
            5 => self.view.peer.unwrap_or(PEERS[0]),
            _ => party(20).0,
        }
    }

    fn amounts(&self) -> Vec<u32> {
        let pocket = self.view.pockets[0];
        let [maximum, debit, one, total, transfer, offline] = pocket.limits;
        let edges = [
            pocket.balance,
            maximum.wrapping_sub(pocket.balance),
            debit,
            transfer,
            one,
            total.wrapping_sub(pocket.spent),
            offline.wrapping_sub(pocket.received),
        ];
        let mut amounts: Vec<u32> = edges.iter().flat_map(|edge| [*edge, edge.wrapping_add(1)]).collect();
        amounts.extend([1, 2]);
        amounts.sort_unstable();
        amounts.dedup();
        amounts
    }

    fn incoming(&mut self) {
        let view = self.view;
        for kind in 0..7 {
            let right = Details {
                kind,
                key_version: self.key_version(kind),
                currency: if view.pockets[0].currency == [0, 0] { eur().0 } else { view.pockets[0].currency },
                amount: 1,
                from: self.other_side(kind),
                from_sequence: if kind == 1 { view.sequence } else { 3 },
                to: view.number,
                to_sequence: view.sequence,
                time: 1_800_000_000,
            };
            let mut all = self.variants(right);
            all.extend(self.amounts().into_iter().map(|amount| Details { amount, ..right }));
            for details in all {
                let tac = details.tac();
                self.commands.push(details.initialize());
                for command in [CommandName::Credit, CommandName::Decline] {
                    self.commands.push(details.voucher(command, details.val(tac), tac));
                    self.commands.push(details.voucher(command, details.nack(), tac));
                }
            }
        }
    }

    /// Payments under sequences whose records may be gone.
    fn past(&mut self) {
        let view = self.view;
        let first = view.records.first().map_or(view.sequence, |record| record.sequence);
        let last = view.last_load;
        let sequences =
            [last, last.wrapping_sub(1), last.wrapping_add(1), first.wrapping_sub(1), first, 0, 1];
        for sequence in sequences {
            for kind in [1, if view.is_purse() { 4 } else { 3 }, 5] {
                let details = Details {
                    kind,
                    key_version: self.key_version(kind),
                    currency: view.pockets[0].currency,
                    amount: 2,
                    from: self.other_side(kind),
                    from_sequence: sequence,
                    to: view.number,
                    to_sequence: sequence,
                    time: 1_800_000_000,
                };
                for command in [CommandName::Credit, CommandName::Decline] {
                    self.commands.push(details.voucher(command, details.val(details.tac()), details.tac()));
                }
            }
        }
    }

    fn outgoing(&mut self) {
        let view = self.view;
        for kind in 0..7 {
            let right = Details {
                kind,
                key_version: self.key_version(kind),
                currency: if view.pockets[0].currency == [0, 0] { eur().0 } else { view.pockets[0].currency },
                amount: 1,
                from: view.number,
                from_sequence: view.sequence,
                to: self.other_side(kind),
                to_sequence: if kind == 2 { view.sequence } else { 3 },
                time: 1_800_000_000,
            };
            let mut all = self.variants(right);
            all.extend(self.amounts().into_iter().map(|amount| Details { amount, ..right }));
            for details in all {
                self.commands.push(details.debit(details.req()));
                self.commands.push(details.debit(details.ack()));
            }
        }
    }

    fn script(&mut self, ahead: u32, id: u8, value: &[u8]) {
        let counter = self.view.counter.wrapping_add(ahead);
        let View { number, key_version, .. } = *self.view;
        self.commands.push(message::script(number, key_version, counter, id, value));
    }

    fn scripts(&mut self) {
        let limits: Vec<u8> = [50_u32, 10, 5, 9, 9, 9].iter().flat_map(|limit| limit.to_be_bytes()).collect();
        for place in [0, 2, 5] {
            self.script(1, 1, &[[place].as_slice(), &limits].concat());
            for currency in [jpy().0, eur().0, [0, 0], [9, 0x9A]] {
                self.script(1, 2, &[[place].as_slice(), &currency, &[0], &limits].concat());
            }
        }
        for month in [[0x31, 0x01], [0x31, 0x13], [0x31, 0x00], [0x3A, 0x01]] {
            self.script(1, 3, &month);
        }
        for id in [0, 4, 5, 6, 7, 9, 11] {
            self.script(1, id, &[]);
            self.script(0, id, &[]);
            self.script(1, id, &[0]);
        }
        self.script(2, 5, &[]);
        for version in [1, 2, 0, 9] {
            self.script(1, 10, &[version]);
        }
        for id in [1, 2, 3, 8, 10] {
            self.script(1, id, &[]);
            self.script(1, id, &[1; 26]);
        }
        let mut broken = message::script(
            self.view.number,
            self.view.key_version,
            self.view.counter.wrapping_add(1),
            5,
            &[],
        );
        if let Some(last) = broken.last_mut() {
            *last ^= 1;
        }
        self.commands.push(broken);
    }

    /// The last script's counter and MAC over something else.
    fn other_data(&mut self, recent: &[Vec<u8>]) {
        for command in recent.iter().filter(|command| name_of(command) == "UPDATE PARAMETER") {
            let mut other = command.clone();
            if let Some(id) = other.get_mut(9) {
                *id ^= 1;
            }
            self.commands.push(other);
        }
    }

    /// Of every row: another class, P1, P2 and length, no Le, a short one.
    fn forms(&mut self) {
        for row in &COMMANDS {
            let form = &row.forms[0];
            let p1 = (0..=255).find(|byte| form.p1.contains(*byte)).unwrap_or(0);
            let p2 = (0..=255).find(|byte| form.p2.contains(*byte)).unwrap_or(0);
            let length = (0..=255).find(|length| form.data.contains(*length)).unwrap_or(0);
            let right = apdu(row.command, p1, p2, &vec![0; length]);
            self.commands.push(right.clone());
            self.commands.push([row.class ^ 0x80].iter().chain(&right[1..]).copied().collect());
            self.commands.push([0x81].iter().chain(&right[1..]).copied().collect());
            self.commands.push([&right[..2], &[0xFF], &right[3..]].concat());
            self.commands.push([&right[..3], &[0xFF], &right[4..]].concat());
            self.commands.push(right[..right.len() - 1].to_vec());
            self.commands.push([right.as_slice(), &[0]].concat());
            self.commands.push([right.as_slice(), &[0, 0]].concat());
            self.commands.push([&right[..4], &[0, 0, 1]].concat());
            self.commands.push(apdu(row.command, p1, p2, &vec![0; length + 1]));
            self.commands.push([&right[..4], &[1]].concat());
        }
        self.commands.extend([vec![0x12], vec![0xFF, 0xA4], vec![0x81, 0xFF, 0, 0], vec![0x81, 0x51, 0, 0]]);
        self.commands.extend([
            vec![0x80, 0x5C, 0, 9, 0, 0, 1],
            vec![0x80, 0x5C, 0, 9, 1, 0],
            vec![0, 0xB2, 0, 4, 0, 0],
        ]);
        self.commands.extend([
            vec![],
            vec![0],
            vec![0, 0xA4, 4],
            vec![0x80, 0xFF, 0, 0],
            vec![0, 0x55, 0, 0, 1, 1],
        ]);
        // The longest short command, and one byte more, of a class and of an instruction that there are not.
        let long = |header: &[u8], length: usize| [header, &vec![0xFF; length - header.len()]].concat();
        for header in [&[0xFF][..], &[0, 0xFE], &[0x80, 0x5C, 0, 9]] {
            self.commands.extend([long(header, LONGEST_COMMAND), long(header, LONGEST_COMMAND + 1)]);
        }
    }
}
