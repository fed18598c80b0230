//! The rows of section 6 as a test needs them: where they are allowed, what they take, what every answer must be.

use apdu_spec::command::{CommandName, Form, ResponseLength, Row};
use apdu_spec::element::Role;
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::status::StatusWord as Status;

use crate::bench_card::{Answer, CommonCard};
use crate::stage::{Stage, Staged, staged};

/// The last column of section 6.
pub fn life_cycles(command: CommandName) -> &'static [LifeCycle] {
    use CommandName as Name;
    use LifeCycle::{Active, Blank, Blocked, Locked, Terminated};
    match command {
        Name::Select | Name::ReadBinary | Name::GetData => &LifeCycle::ALL,
        Name::ReadRecord | Name::Credit | Name::GetProof | Name::ReadEntry | Name::Decline => {
            &[Active, Locked, Blocked, Terminated]
        }
        Name::VerifyCertificate => &[Active, Locked, Blocked, Terminated],
        Name::GetBalance => &[Active, Blocked, Terminated],
        Name::UpdateParameter | Name::Acknowledge | Name::Reverse => &[Active, Locked, Blocked],
        Name::Verify => &[Active, Locked],
        Name::ChangePin | Name::Initialize | Name::Debit | Name::Lock => &[Active],
        Name::Unlock => &[Locked],
        Name::StoreData => &[Blank],
    }
}

/// P1 and P2 of section 6.
pub fn takes(command: CommandName, p1: u8, p2: u8) -> bool {
    use CommandName as Name;
    match command {
        Name::Select => [0x00, 0x04].contains(&p1) && [0x00, 0x0C].contains(&p2),
        Name::ReadBinary => p1 < 0x80 || (0x81..=0x9E).contains(&p1),
        Name::ReadRecord => (1..=254).contains(&p1) && p2 & 7 == 4 && p2 >> 3 <= 30,
        Name::GetData => true,
        Name::Verify | Name::ChangePin => (p1, p2) == (0x00, 0x80),
        Name::VerifyCertificate => (p1, p2) == (0x00, 0xBE),
        Name::Initialize | Name::Debit => (1..=5).contains(&p1) && p2 == 0,
        Name::GetBalance => p1 == 0 && p2 <= 4,
        Name::Lock | Name::Unlock => p1 <= 1 && p2 == 0,
        Name::StoreData => p1 == 0x00 || p1 == 0x80,
        Name::Credit
        | Name::UpdateParameter
        | Name::GetProof
        | Name::ReadEntry
        | Name::Acknowledge
        | Name::Decline
        | Name::Reverse => (p1, p2) == (0, 0),
    }
}

/// Commands that never write, so that one card can take them all.
pub fn only_reads(command: CommandName) -> bool {
    use CommandName as Name;
    matches!(
        command,
        Name::Select
            | Name::ReadBinary
            | Name::ReadRecord
            | Name::GetData
            | Name::GetBalance
            | Name::GetProof
            | Name::ReadEntry
            | Name::Initialize
    )
}

/// The same card, its application selected.
pub fn selected(card: &CommonCard) -> CommonCard {
    let mut copy = card.copied();
    copy.select();
    copy
}

/// What an answer must be, whatever the command is: listed, data only with success, nothing written when refused.
#[track_caller]
pub fn check(bench: &mut CommonCard, row: &Row, bytes: &[u8], context: &dyn core::fmt::Debug) -> Answer {
    let before = bench.card.memory().counts();
    let answer = bench.transmit(bytes);
    let written = bench.card.memory().counts() != before;
    let status = answer.status;
    assert!(row.lists(status), "{} answers {status:?} to {bytes:02X?} in {context:?}", row.name);
    let good = matches!(status, Status::Success | Status::Blocked | Status::Terminated);
    assert!(good || answer.data.is_empty(), "{} gives data with {status:?}", row.name);
    assert!(good || matches!(status, Status::WrongPin(_)) || !written, "{} wrote with {status:?}", row.name);
    answer
}

/// The status word with which selection or life cycle refuse a command; none where they let it pass.
pub fn gate(command: CommandName, stage: Stage, is_selected: bool) -> Option<Status> {
    if [CommandName::Select, CommandName::ReadBinary].contains(&command) {
        None
    } else if !is_selected {
        Some(Status::ConditionsOfUse)
    } else if life_cycles(command).contains(&stage.life_cycle()) {
        None
    } else if stage == Stage::Locked {
        Some(Status::SecurityStatus)
    } else {
        Some(Status::ConditionsOfUse)
    }
}

/// Every role and life cycle, not selected and selected.
pub fn everywhere(mut test: impl FnMut(Role, Stage, &Staged, bool)) {
    for role in [Role::Purse, Role::Merchant] {
        for stage in Stage::ALL {
            let staged = staged(role, stage);
            for is_selected in [false, true] {
                test(role, stage, &staged, is_selected);
            }
        }
    }
}

/// The same card, selected or not.
pub fn copy(staged: &Staged, is_selected: bool) -> CommonCard {
    if is_selected { selected(&staged.bench) } else { staged.bench.copied() }
}

/// Lengths that a form takes: the shortest, the longest and all in between.
pub fn lengths(form: &Form) -> Vec<usize> {
    (0..=255).filter(|length| form.data.contains(*length)).collect()
}

/// A command of this form and these data; Le is 00 where an answer is due.
pub fn raw(row: &Row, (p1, p2): (u8, u8), form: &Form, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![row.class, row.instruction, p1, p2];
    if !data.is_empty() {
        bytes.push(u8::try_from(data.len()).unwrap());
        bytes.extend(data);
    }
    if form.response != ResponseLength::None {
        bytes.push(0);
    }
    bytes
}

/// Some P1 and P2 of a form.
pub fn example(form: &Form) -> (u8, u8) {
    let pairs = (0..=255).flat_map(|p1| (0..=255).map(move |p2| (p1, p2)));
    let found = pairs.into_iter().find(|(p1, p2)| form.p1.contains(*p1) && form.p2.contains(*p2));
    found.expect("a form takes something")
}
