//! Every row of the command table in every life cycle and role: what the card answers is what the protocol allows,
//! and what it refuses changes nothing (section 6).

use apdu_spec::command::{COMMANDS, Command, CommandName, ResponseLength, Row, Selection, table};
use apdu_spec::element::{Amount, Expiry, Kind, Role, Sequence};
use apdu_spec::file::APPLICATION;
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::parameter::Parameter;
use apdu_spec::status::StatusWord as Status;
use purse_tests::bench_card::Answer;
use purse_tests::rows::{
    check, copy, everywhere, example, gate, lengths, life_cycles, only_reads, raw, selected, takes,
};
use purse_tests::scheme::{
    acknowledge, debit, initialize, issuer, key_pair, party, pay_details, pin, reverse, script, session,
    voucher,
};
use purse_tests::stage::{Stage, Staged, profile, staged};

/// Well-formed commands with data that fit the card's history; every row has at least one.
fn plausible(role: Role, stage: Stage, staged: &Staged) -> Vec<(CommandName, Vec<u8>)> {
    let next = selected(&staged.bench).sequence().0;
    let profile = profile(role);
    let (me, peer) = (profile.number, if role == Role::Purse { party(2) } else { party(1) });
    let load = pay_details(Kind::Load, 5_00, (issuer(), next), (me, next));
    let (receipt, payment) = match role {
        Role::Purse => (Kind::Refund, Kind::Purchase),
        Role::Merchant => (Kind::Purchase, Kind::Refund),
    };
    let receipt = pay_details(receipt, 50, (peer, 9), (me, next));
    let payment = pay_details(payment, 50, (me, next), (peer, 9));
    let unload = pay_details(Kind::Unload, 50, (me, next), (issuer(), next));
    let groups = profile.groups();
    let mut commands = vec![
        Command::Select(Selection::Application(&APPLICATION), true),
        Command::Select(Selection::Application(&APPLICATION), false),
        Command::Select(Selection::File([0x3F, 0x00]), true),
        Command::Select(Selection::File([0x2F, 0x00]), true),
        Command::Select(Selection::File([0x00, 0x15]), true),
        Command::Select(Selection::File([0x00, 0x18]), false),
        Command::ReadBinary(None, 0),
        Command::ReadBinary(Some(0x15), 1),
        Command::ReadBinary(Some(0x1E), 0),
        Command::ReadBinary(Some(0x18), 0),
        Command::ReadRecord(None, 1),
        Command::ReadRecord(Some(0x18), 1),
        Command::ReadRecord(Some(0x19), 1),
        Command::ReadRecord(Some(0x15), 1),
        Command::GetData([0x9F, 0x17]),
        Command::GetData([0x9F, 0x4F]),
        Command::GetData([0x7F, 0x21]),
        Command::Verify(None),
        Command::Verify(Some(pin(profile.pin))),
        Command::Verify(Some(pin("0000"))),
        Command::ChangePin(pin(profile.pin), pin("4321")),
        Command::ChangePin(pin("0000"), pin("4321")),
        Command::GetProof(Sequence(1)),
        Command::GetProof(Sequence(2)),
        Command::GetProof(Sequence(next)),
        Command::GetBalance(0),
        Command::GetBalance(4),
        Command::ReadEntry(Sequence(0)),
        Command::ReadEntry(Sequence(2)),
        Command::ReadEntry(Sequence(next)),
        Command::Acknowledge(Sequence(0), session(&staged.load).ack()),
        acknowledge(&staged.settled),
        acknowledge(&staged.open),
        reverse(&staged.settled),
        reverse(&staged.open),
        Command::VerifyCertificate(key_pair(party(3)).certificate),
        Command::Lock,
        Command::Unlock,
        Command::StoreData(false, 0, &groups[0]),
        Command::StoreData(true, 0, &groups[0]),
        Command::StoreData(false, 1, &groups[1]),
    ];
    commands.extend([&load, &receipt, &payment, &unload].map(initialize));
    commands.extend([&staged.settled, &staged.open, &payment, &unload, &load].map(debit));
    for voucher in [&staged.load, &load, &receipt, &payment].map(voucher) {
        commands.extend([Command::Credit(voucher), Command::Decline(voucher)]);
    }
    let mut bytes: Vec<(CommandName, Vec<u8>)> =
        commands.iter().map(|command| (command.name(), command.emit().as_bytes().to_vec())).collect();
    let limits = profile.limits;
    let parameters = [
        Parameter::Limits { pocket: 0, limits },
        Parameter::Limits { pocket: 4, limits },
        Parameter::Expiry(Expiry([0x35, 0x01])),
        Parameter::PinTries,
        Parameter::Block,
        Parameter::Unblock,
        Parameter::Terminate,
        Parameter::ClearLock,
        Parameter::ForgetMaster(purse_tests::scheme::VERSION),
    ];
    bytes.extend(
        parameters.iter().map(|parameter| (CommandName::UpdateParameter, script(me, 100, parameter))),
    );
    assert!(stage == Stage::Blank || next >= 3, "the history is there");
    bytes
}

#[test]
fn the_table_is_the_protocols() {
    for row in &COMMANDS {
        for life_cycle in LifeCycle::ALL {
            let expected = life_cycles(row.command).contains(&life_cycle);
            assert_eq!(row.is_allowed(life_cycle), expected, "{} {life_cycle:?}", row.name);
        }
        for (p1, p2) in (0..=255).flat_map(|p1| (0..=255).map(move |p2| (p1, p2))) {
            let taken = table::rows(row.instruction).any(|row| row.form(p1, p2).is_some());
            assert_eq!(taken, takes(row.command, p1, p2), "{} {p1:02X} {p2:02X}", row.name);
        }
    }
}

#[test]
fn plausible_commands_in_every_life_cycle() {
    everywhere(|role, stage, staged, is_selected| {
        let commands = plausible(role, stage, staged);
        assert!(COMMANDS.iter().all(|row| commands.iter().any(|(name, _)| *name == row.command)));
        for with_pin in [false, true] {
            for (name, bytes) in &commands {
                let mut bench = copy(staged, is_selected);
                if with_pin && is_selected && matches!(stage, Stage::Active | Stage::Locked) {
                    bench.verify(pin(profile(role).pin));
                }
                let before = bench.card.memory().counts();
                let answer = check(&mut bench, table::row(*name), bytes, &(role, stage, is_selected));
                if let Some(status) = gate(*name, stage, is_selected) {
                    assert_eq!(answer.status, status, "{name:?} in {stage:?}");
                    assert_eq!(bench.card.memory().counts(), before);
                }
            }
        }
    });
}

#[test]
fn garbage_of_every_allowed_length_in_every_life_cycle() {
    everywhere(|role, stage, staged, is_selected| {
        // Nothing of it may write, but for the PIN's tries: those go last, on a card of their own.
        let mut bench = copy(staged, is_selected);
        for row in &COMMANDS {
            for form in row.forms {
                for length in lengths(form) {
                    for filling in [0x00, 0xFF, 0x5A] {
                        let data = vec![filling; length];
                        let bytes = raw(row, example(form), form, &data);
                        let moves = [CommandName::Select, CommandName::Lock, CommandName::Unlock];
                        let mut other = copy(staged, is_selected);
                        let used = if moves.contains(&row.command) { &mut other } else { &mut bench };
                        let answer = check(used, row, &bytes, &(role, stage, is_selected));
                        if let Some(status) = gate(row.command, stage, is_selected) {
                            assert_eq!(answer.status, status, "{} in {stage:?}", row.name);
                        }
                    }
                }
            }
        }
    });
}

#[test]
fn wrong_class_p1_and_p2_come_before_selection_and_life_cycle() {
    everywhere(|role, stage, staged, is_selected| {
        let mut bench = copy(staged, is_selected);
        for row in &COMMANDS {
            let form = &row.forms[0];
            let (p1, p2) = example(form);
            let data = vec![0x11; lengths(form)[0]];
            for class in (0..=255).filter(|class| *class != row.class) {
                let mut bytes = raw(row, (p1, p2), form, &data);
                bytes[0] = class;
                let answer = bench.unwritten(&bytes);
                assert!(answer.data.is_empty());
                // An instruction of the other known class is either an unknown class or an unknown instruction.
                let known = [0x00, 0x80].contains(&class);
                assert!(
                    answer.status == Status::UnknownClass
                        || known && answer.status == Status::UnknownInstruction,
                    "{} with class {class:02X}: {:?}",
                    row.name,
                    answer.status
                );
            }
            let others = (0..=255).flat_map(|byte| [(byte, p2), (p1, byte)]);
            for (p1, p2) in others {
                let bytes = raw(row, (p1, p2), form, &data);
                if !takes(row.command, p1, p2) {
                    bench.refuse_bytes(&bytes, Status::WrongParameters);
                } else if only_reads(row.command) && row.command != CommandName::Select {
                    check(&mut bench, row, &bytes, &(role, stage, is_selected));
                } else {
                    check(&mut copy(staged, is_selected), row, &bytes, &(role, stage, is_selected));
                }
            }
        }
    });
}

#[test]
fn wrong_lengths_come_before_selection_and_life_cycle() {
    everywhere(|_, _, staged, is_selected| {
        let mut bench = copy(staged, is_selected);
        for row in &COMMANDS {
            for form in row.forms {
                let allowed = lengths(form);
                let values = example(form);
                for length in (0..=255).filter(|length| !allowed.contains(length)) {
                    bench.refuse_bytes(&raw(row, values, form, &vec![0x11; length]), Status::WrongLength);
                }
                let whole = raw(row, values, form, &vec![0x11; allowed[0].max(1)]);
                // Data that Lc does not announce, Lc that announces more, extended length.
                bench.refuse_bytes(&[&whole[..], &[0, 0]].concat(), Status::WrongLength);
                bench.refuse_bytes(&[&whole[..4], &[0x20, 0x11]].concat(), Status::WrongLength);
                bench.refuse_bytes(&[&whole[..4], &[0x00, 0x00, 0x01, 0x11]].concat(), Status::WrongLength);
                bench.refuse_bytes(&[&whole[..4], &[0x00, 0x00, 0x00]].concat(), Status::WrongLength);
                for length in 0..4 {
                    bench.refuse_bytes(&whole[..length], Status::WrongLength);
                }
                let data = vec![0x11; allowed[0]];
                let absent = raw(row, values, form, &data);
                if form.response != ResponseLength::None {
                    bench.refuse_bytes(&absent[..absent.len() - 1], Status::WrongLength);
                }
                if let ResponseLength::Exactly(due) = form.response {
                    for le in 1..due {
                        let bytes = [&absent[..absent.len() - 1], &[le]].concat();
                        bench.refuse_bytes(&bytes, Status::WrongExpected(due));
                    }
                }
            }
        }
    });
}

/// How long the answers of section 6 are.
fn answers(role: Role, staged: &Staged) -> Vec<(Vec<u8>, u8)> {
    let number = profile(role).number;
    let peer = if role == Role::Purse { party(2) } else { party(1) };
    let load = pay_details(Kind::Load, 5_00, (issuer(), 3), (number, 3));
    let unload = pay_details(Kind::Unload, 50, (number, 3), (issuer(), 3));
    let payment = if role == Role::Purse { Kind::Purchase } else { Kind::Refund };
    let payment = pay_details(payment, 50, (number, 3), (peer, 9));
    let commands = [
        (Command::Select(Selection::Application(&APPLICATION), true), 44),
        (Command::Select(Selection::File([0x3F, 0x00]), true), 9),
        (Command::Select(Selection::File([0x00, 0x15]), true), 13),
        (Command::Select(Selection::File([0x00, 0x18]), true), 13),
        (Command::Select(Selection::File([0x00, 0x19]), true), 13),
        (Command::ReadRecord(Some(0x18), 1), 50),
        (Command::GetData([0x9F, 0x17]), 4),
        (Command::GetData([0x9F, 0x4F]), 13),
        (initialize(&load), 20),
        (Command::Credit(voucher(&load)), 8),
        (Command::Credit(voucher(&staged.load)), 8),
        (debit(&unload), 16),
        (debit(&payment), 16),
        (debit(&staged.open), 16),
        (Command::GetProof(Sequence(2)), 16),
        (Command::GetBalance(1), 11),
        (Command::ReadEntry(Sequence(1)), 50),
        (Command::Decline(voucher(&load)), 8),
    ];
    commands.map(|(command, length)| (command.emit().as_bytes().to_vec(), length)).to_vec()
}

#[test]
fn le_too_small_says_the_exact_length_and_more_than_enough_is_enough() {
    for role in [Role::Purse, Role::Merchant] {
        let staged = staged(role, Stage::Active);
        for (bytes, length) in answers(role, &staged) {
            let without = &bytes[..bytes.len() - 1];
            let mut bench = selected(&staged.bench);
            bench.verify(pin(profile(role).pin));
            bench.refuse_bytes(without, Status::WrongLength);
            for le in 1..length {
                bench.refuse_bytes(&[without, &[le]].concat(), Status::WrongExpected(length));
            }
            let mut good = None;
            for le in (length..=255).chain([0]) {
                let mut bench = selected(&staged.bench);
                bench.verify(pin(profile(role).pin));
                let answer = bench.transmit(&[without, &[le]].concat());
                assert_eq!(
                    (answer.status, answer.data.len()),
                    (Status::Success, usize::from(length)),
                    "{bytes:02X?}"
                );
                assert_eq!(*good.get_or_insert(answer.clone()), answer);
            }
        }
    }
}

#[test]
fn a_command_without_an_answer_takes_an_le_too() {
    let staged = staged(Role::Purse, Stage::Active);
    let scripted = script(party(1), 1, &Parameter::Expiry(Expiry([0x31, 0x01])));
    for bytes in
        [acknowledge(&staged.open).emit().as_bytes(), reverse(&staged.open).emit().as_bytes(), &scripted]
    {
        let mut bench = selected(&staged.bench);
        let answer = bench.transmit(&[bytes, &[0]].concat());
        assert_eq!(answer, Answer { data: Vec::new(), status: Status::Success });
    }
    assert_eq!(selected(&staged.bench).balance(), Amount(7_00));
}

#[test]
fn unknown_instructions_and_classes_in_every_life_cycle() {
    everywhere(|_, _, staged, is_selected| {
        let mut bench = copy(staged, is_selected);
        for instruction in 0..=255 {
            let rows: Vec<&Row> = COMMANDS.iter().filter(|row| row.instruction == instruction).collect();
            for body in [&[][..], &[0], &[2, 0x3F, 0x00], &[2, 0x3F, 0x00, 0], &[0, 0, 0], &[9, 1]] {
                for class in [0x00, 0x80].into_iter().filter(|_| rows.is_empty()) {
                    let bytes = [&[class, instruction, 0, 0], body].concat();
                    bench.refuse_bytes(&bytes, Status::UnknownInstruction);
                }
            }
            for class in (0..=255).filter(|class| ![0x00, 0x80].contains(class)) {
                bench.refuse_bytes(&[class, instruction, 0xEE, 0xEE, 1], Status::UnknownClass);
            }
        }
    });
}

#[test]
fn class_instruction_parameters_and_length_are_checked_in_this_order() {
    everywhere(|_, _, staged, is_selected| {
        let mut bench = copy(staged, is_selected);
        // All four are wrong, then one less each time; an unexecutable rest stays wrong.
        bench.refuse_bytes(&[0x84, 0x51, 0xFF, 0xFF, 9, 1], Status::UnknownClass);
        bench.refuse_bytes(&[0x80, 0x51, 0xFF, 0xFF, 9, 1], Status::UnknownInstruction);
        for row in COMMANDS.iter().filter(|row| !takes(row.command, 0xFF, 0xFF)) {
            bench.refuse_bytes(&[0x84, row.instruction, 0xFF, 0xFF, 9, 1], Status::UnknownClass);
            bench.refuse_bytes(&[row.class, row.instruction, 0xFF, 0xFF, 9, 1], Status::WrongParameters);
            let (p1, p2) = example(&row.forms[0]);
            bench.refuse_bytes(&[row.class, row.instruction, p1, p2, 9, 1], Status::WrongLength);
        }
    });
}
