//! SELECT, the current file and the session (section 5).

use apdu_spec::command::{Command, Selection};
use apdu_spec::element::Kind;
use apdu_spec::file::APPLICATION;
use apdu_spec::status::StatusWord as Status;
use purse_tests::bench_card::{BenchCard, CommonCard};
use purse_tests::scheme::{Profile, party, pin};

const READ_IDENTITY: Command<'static> = Command::ReadBinary(Some(0x15), 0);

fn select_file(identifier: u16, control: bool) -> Command<'static> {
    Command::Select(Selection::File(identifier.to_be_bytes()), control)
}

fn select_purse(control: bool) -> Command<'static> {
    Command::Select(Selection::Application(&APPLICATION), control)
}

#[test]
fn the_current_file_is_what_was_selected_or_read_last() {
    let mut bench = CommonCard::new(&Profile::purse(1, 10_00));
    bench.spend(Kind::Purchase, 1_00, party(2));
    bench.select();
    bench.refuse(&Command::ReadBinary(None, 0), Status::NoCurrentFile);
    bench.refuse(&Command::ReadRecord(None, 1), Status::NoCurrentFile);
    bench.refuse(&Command::ReadBinary(Some(0x18), 0), Status::FileStructure);
    bench.refuse(&Command::ReadRecord(Some(0x15), 1), Status::FileStructure);
    for unknown in [1, 2, 0x14, 0x16, 0x1D] {
        bench.refuse(&Command::ReadBinary(Some(unknown), 0), Status::FileNotFound);
        bench.refuse(&Command::ReadRecord(Some(unknown), 1), Status::FileNotFound);
    }
    // None of these has made a file current; a refused offset or record does not either.
    bench.refuse(&Command::ReadBinary(Some(0x15), 200), Status::WrongOffset);
    bench.refuse(&Command::ReadRecord(Some(0x18), 9), Status::RecordNotFound);
    bench.refuse(&Command::ReadBinary(None, 0), Status::NoCurrentFile);

    bench.succeed(&select_file(0x0018, true));
    bench.repeat(&Command::ReadRecord(None, 1));
    bench.refuse(&Command::ReadBinary(None, 0), Status::FileStructure);
    for (wrong, status) in [
        (select_file(0x0017, true), Status::FileNotFound),
        (select_file(0x0017, false), Status::FileNotFound),
        (Command::Select(Selection::Application(&[0xF0, 0x50]), true), Status::FileNotFound),
        (Command::Select(Selection::Application(&APPLICATION[..6]), true), Status::FileNotFound),
        (
            Command::Select(Selection::Application(&[&APPLICATION[..], &[0]].concat()), false),
            Status::FileNotFound,
        ),
    ] {
        bench.refuse(&wrong, status);
        bench.repeat(&Command::ReadRecord(None, 1));
    }
    bench.succeed(&select_file(0x0015, false));
    bench.refuse(&Command::ReadRecord(None, 1), Status::FileStructure);
    assert_eq!(bench.repeat(&Command::ReadBinary(None, 0)), bench.repeat(&READ_IDENTITY));
    // A short identifier makes its file current.
    bench.repeat(&Command::ReadRecord(Some(0x18), 1));
    bench.repeat(&Command::ReadRecord(None, 1));
    bench.select();
    bench.refuse(&Command::ReadRecord(None, 1), Status::NoCurrentFile);
}

/// What the session remembers: 9000 verified, 63C3 not, 6985 not selected.
fn session<const W: usize, const X: usize>(bench: &mut BenchCard<W, X>) -> Status {
    bench.unwritten(Command::Verify(None).emit().as_bytes()).status
}

#[test]
fn a_session_begins_with_select_and_ends_with_the_mf_and_at_reset() {
    let mut bench = CommonCard::new(&Profile::purse(1, 10_00)).copied();
    assert_eq!(session(&mut bench), Status::ConditionsOfUse);
    bench.refuse(&select_file(0x0015, true), Status::FileNotFound);
    bench.refuse(&select_file(0x0018, true), Status::FileNotFound);
    bench.succeed(&select_file(0x2F00, true));
    assert_eq!(session(&mut bench), Status::ConditionsOfUse);

    bench.succeed(&select_purse(false));
    assert_eq!(session(&mut bench), Status::WrongPin(3));
    bench.verify(pin("1234"));
    // What does not end it: files of the application, and whatever fails.
    for command in [select_file(0x0015, true), select_file(0x0018, false), READ_IDENTITY] {
        bench.repeat(&command);
        assert_eq!(session(&mut bench), Status::Success);
    }
    bench.refuse(&Command::Select(Selection::Application(&APPLICATION[..6]), true), Status::FileNotFound);
    bench.refuse(&select_file(0x0017, true), Status::FileNotFound);
    for wrong in [
        "00A40400 07 F0505552534501 2B",
        "00A40400 07 F0505552534501",
        "00A40000 02 3F00 08",
        "00A40001 02 3F00 00",
    ] {
        let answer = bench.unwritten(&hex::decode(wrong.replace(' ', "")).unwrap());
        assert!(answer.data.is_empty() && answer.status != Status::Success, "{wrong}");
        assert_eq!(session(&mut bench), Status::Success, "{wrong}");
    }
    bench.repeat(&Command::ReadBinary(None, 0));

    bench.repeat(&select_purse(false));
    assert_eq!(session(&mut bench), Status::WrongPin(3));
    bench.refuse(&Command::ReadBinary(None, 0), Status::NoCurrentFile);
    bench.verify(pin("1234"));
    bench.repeat(&select_file(0x3F00, false));
    assert_eq!(session(&mut bench), Status::ConditionsOfUse);
    bench.refuse(&select_file(0x0015, true), Status::FileNotFound);
    bench.refuse(&Command::ReadBinary(None, 0), Status::NoCurrentFile);
    bench.select();
    assert_eq!(session(&mut bench), Status::WrongPin(3));
    bench.verify(pin("1234"));
    bench.card.reset();
    assert_eq!(session(&mut bench), Status::ConditionsOfUse);
    bench.select();
    assert_eq!(session(&mut bench), Status::WrongPin(3));
}
