//! Files and what reads them, byte for byte (section 4), and SELECT (section 5).

use apdu_spec::command::{Command, Selection};
use apdu_spec::element::{Kind, Role, Sequence};
use apdu_spec::file::{APPLICATION, IdentityFile};
use apdu_spec::parameter::Parameter;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::LogRecord;
use apdu_spec::status::StatusWord as Status;
use purse_tests::bench_card::{Answer, BenchCard, CommonCard};
use purse_tests::scheme::{Profile, acknowledge, certificate, issuer, party, pin, usd};
use purse_tests::stage::{Stage, profile, staged};

const READ_IDENTITY: Command<'static> = Command::ReadBinary(Some(0x15), 0);

fn select_file(identifier: u16, control: bool) -> Command<'static> {
    Command::Select(Selection::File(identifier.to_be_bytes()), control)
}

fn select_purse(control: bool) -> Command<'static> {
    Command::Select(Selection::Application(&APPLICATION), control)
}

fn hexed(answer: &Answer) -> String {
    format!("{}{:04X}", hex::encode_upper(&answer.data), answer.status.code())
}

/// Sends raw bytes; answers in hexadecimal. Reading never writes.
fn read<const W: usize, const X: usize>(bench: &mut BenchCard<W, X>, command: &str) -> String {
    hexed(&bench.unwritten(&hex::decode(command.replace(' ', "")).unwrap()))
}

fn plain(text: &str) -> String {
    text.replace(' ', "")
}

#[test]
fn select_answers_the_bytes_of_section_4() {
    let mut bench = CommonCard::new(&Profile::purse(1, 12_34));
    let purse = plain(&format!(
        "6F2A8407F0505552534501 A51FC11D 01 07 01 {} 01 00000000 0978 02 000004D2 3012 00003A98 9000",
        party(1)
    ));
    assert_eq!(read(&mut bench, "00A40400 07 F0505552534501 00"), purse);
    assert_eq!(read(&mut bench, "00A40400 07 F0505552534501 2C"), purse);
    assert_eq!(read(&mut bench, "00A40400 07 F0505552534501 2B"), "6C2C");
    assert_eq!(read(&mut bench, "00A4040C 07 F0505552534501"), "9000");
    assert_eq!(read(&mut bench, "00A40000 02 0015 00"), "6F0B800200B18201018302001590".to_owned() + "00");
    assert_eq!(read(&mut bench, "00A40000 02 0018 00"), "6F0B8205062100322083020018".to_owned() + "9000");
    assert_eq!(read(&mut bench, "00A40000 02 0019 00"), "6F0B8205022100320883020019".to_owned() + "9000");
    assert_eq!(read(&mut bench, "00A4000C 02 0019"), "9000");
    assert_eq!(read(&mut bench, "00A40000 02 3F00 00"), "6F07820138 83023F00 9000".replace(' ', ""));
    assert_eq!(read(&mut bench, "00A40000 02 2F00 00"), plain("6F0E80020012820101 83022F00 8801F0 9000"));
    assert_eq!(read(&mut bench, "00A4000C 02 2F00"), "9000");
    assert_eq!(read(&mut bench, "00B00000 00"), plain("6110 4F07F0505552534501 50055055525345 9000"));

    // More records than a byte can say are FF.
    let mut sam = BenchCard::<512, 8>::new(&Profile::sam(2, 0));
    assert_eq!(read(&mut sam, "00A40000 02 0018 00"), "6F0B820506210032FF830200189000");
}

#[test]
fn the_identity_file_is_177_bytes_of_section_4() {
    let mut bench = CommonCard::new(&Profile { flags: 1, ..Profile::purse(1, 12_34) });
    let limits = "00003A98 00002710 000009C4 00001388 00001388 00003A98";
    let status = format!("01 07 01 {} 01 00000000 0978 02 000004D2 3012 00003A98", party(1));
    let expected = plain(&format!(
        "{status} {} 00000000 01 0978 02 {limits} 0840 02 {limits} {}",
        issuer(),
        "00".repeat(81)
    ));
    assert_eq!(expected.len(), 2 * 0xB1);
    assert_eq!(read(&mut bench, "00B09500 00"), expected.clone() + "9000");

    // The script's counter and the sequence show.
    bench.spend(Kind::Purchase, 34, party(2));
    bench.accept_script(0x0102_0304, &Parameter::PinTries);
    let after = bench.succeed(&READ_IDENTITY);
    assert_eq!(after[12..16], [0, 0, 0, 1]);
    assert_eq!(after[19..23], [0, 0, 0x04, 0xB0]);
    assert_eq!(after[37..41], [1, 2, 3, 4]);
    let mut rest = hex::decode(&expected).unwrap();
    for range in [12..16, 19..23, 37..41] {
        rest[range.clone()].copy_from_slice(&after[range]);
    }
    assert_eq!(rest, after);

    // A merchant SAM says so.
    let mut sam = CommonCard::new(&Profile::sam(2, 5));
    assert_eq!(sam.succeed(&READ_IDENTITY)[..3], [1, 7, 2]);
}

#[test]
fn a_blank_card_has_no_number_no_key_version_and_no_currency() {
    let mut bench = CommonCard::blank();
    let answer = bench.send(&select_purse(true));
    assert_eq!((answer.status, answer.data.len()), (Status::Success, 44));
    assert_eq!(answer.data[..15], hex::decode("6F2A8407F0505552534501A51FC11D").unwrap());
    let status = &answer.data[15..];
    assert_eq!(status[..2], [1, 1]);
    assert_eq!(status[3..16], [0; 13], "number, key version and sequence");
    assert_eq!(status[16..18], [0, 0], "currency");
    let identity = bench.succeed(&READ_IDENTITY);
    assert_eq!((&identity[..29], identity.len()), (status, IdentityFile::LENGTH));
    assert!(identity[29..].iter().all(|byte| *byte == 0));
    assert_eq!(read(&mut bench, "00CA9F4F 00"), plain("9F4F 0A C224 C301 C401 C504 C608 9000"));
    bench.refuse(&Command::ReadRecord(Some(0x18), 1), Status::ConditionsOfUse);
    bench.refuse(&Command::GetBalance(0), Status::ConditionsOfUse);
    bench.refuse(&Command::Verify(None), Status::ConditionsOfUse);
}

#[test]
fn read_binary_reads_any_part_and_nothing_behind_the_end() {
    let mut bench = CommonCard::new(&Profile::purse(1, 12_34));
    let whole = bench.succeed(&READ_IDENTITY);
    for offset in 0..=255_u8 {
        for le in [1, 2, 0xB0, 0xB1, 0xB2, 0xFF, 0] {
            let short = bench.unwritten(&[0x00, 0xB0, 0x95, offset, le]);
            let current = bench.unwritten(&[0x00, 0xB0, 0x00, offset, le]);
            assert_eq!(short, current);
            let length = if le == 0 { 256 } else { usize::from(le) };
            let expected = whole.get(usize::from(offset)..).filter(|rest| !rest.is_empty());
            match expected {
                Some(rest) => assert_eq!(short.data, rest[..rest.len().min(length)]),
                None => assert_eq!((short.status, short.data.len()), (Status::WrongOffset, 0)),
            }
        }
    }
    bench.refuse(&Command::ReadBinary(None, 0x0100), Status::WrongOffset);
    bench.refuse(&Command::ReadBinary(None, 0x7FFF), Status::WrongOffset);
    let mut bench = bench.copied();
    bench.refuse(&Command::ReadBinary(Some(0x1E), 18), Status::WrongOffset);
    assert_eq!(read(&mut bench, "00B09E11 00"), "459000");
}

/// A purse whose window of 4 has lost two open unloads to EF.EXC.
fn with_exceptions() -> (BenchCard<4, 3>, Vec<PayDetails>) {
    let mut bench = BenchCard::<4, 3>::new(&Profile::purse(1, 10_00));
    let mut all = Vec::new();
    for kind in [
        Kind::Unload,
        Kind::Purchase,
        Kind::Unload,
        Kind::Purchase,
        Kind::Purchase,
        Kind::Purchase,
        Kind::Purchase,
    ] {
        let amount = 10 + u32::try_from(all.len()).unwrap();
        all.push(bench.spend(kind, amount, if kind == Kind::Unload { issuer() } else { party(2) }));
    }
    (bench, all)
}

#[test]
fn records_are_numbered_from_the_newest_and_exceptions_from_the_oldest() {
    let (mut bench, all) = with_exceptions();
    let mut balance = 10_00;
    let expected: Vec<Vec<u8>> = all
        .iter()
        .map(|pay_details| {
            balance -= pay_details.amount.0;
            let tac = certificate(pay_details, pay_details.key_version, None);
            [&pay_details.emit()[..], &[1, 0], &balance.to_be_bytes(), &tac.0].concat()
        })
        .collect();
    for bench in [&mut bench.copied(), &mut bench] {
        bench.select();
        for number in 1..=254 {
            let log = Command::ReadRecord(Some(0x18), number);
            match usize::from(number) {
                place @ 1..=4 => assert_eq!(bench.repeat(&log), expected[7 - place]),
                _ => bench.refuse(&log, Status::RecordNotFound),
            }
            let exceptions = Command::ReadRecord(Some(0x19), number);
            match number {
                1 => assert_eq!(bench.repeat(&exceptions), expected[0]),
                2 => assert_eq!(bench.repeat(&exceptions), expected[2]),
                _ => bench.refuse(&exceptions, Status::RecordNotFound),
            }
        }
        for (sequence, record) in (0..).zip(&expected) {
            let command = Command::ReadEntry(Sequence(sequence));
            match sequence {
                1 => bench.refuse(&command, Status::ReferenceNotFound),
                _ => assert_eq!(bench.repeat(&command), *record),
            }
        }
        bench.refuse(&Command::ReadEntry(Sequence(7)), Status::ConditionsOfUse);
        bench.refuse(&Command::ReadEntry(Sequence(0xFFFF_FFFF)), Status::ConditionsOfUse);
        bench.refuse_bytes(&[0x00, 0xB2, 0x00, 0xC4, 0], Status::WrongParameters);
    }
    // No gaps: the first one settled, the other one is the first.
    bench.succeed(&acknowledge(&all[0]));
    assert_eq!(bench.repeat(&Command::ReadRecord(Some(0x19), 1)), expected[2]);
    bench.refuse(&Command::ReadRecord(Some(0x19), 2), Status::RecordNotFound);
    let mut bench = bench.power_cycled();
    assert_eq!(bench.repeat(&Command::ReadRecord(Some(0x19), 1)), expected[2]);
    bench.refuse(&Command::ReadRecord(Some(0x19), 2), Status::RecordNotFound);
}

#[test]
fn data_objects_and_balances() {
    let mut bench = CommonCard::new(&Profile::purse(1, 12_34));
    assert_eq!(read(&mut bench, "00CA9F17 00"), "9F1701039000");
    assert_eq!(read(&mut bench, "00CA9F17 04"), "9F1701039000");
    assert_eq!(read(&mut bench, "00CA9F17 03"), "6C04");
    assert_eq!(read(&mut bench, "00CA9F4F 00"), plain("9F4F 0A C224 C301 C401 C504 C608 9000"));
    assert_eq!(read(&mut bench, "00CA9F4F 0C"), "6C0D");
    for tag in ["0000", "9F18", "9F4E", "009F", "C1C1", "FFFF"] {
        assert_eq!(read(&mut bench, &format!("00CA{tag} 00")), "6A88");
    }
    bench.try_pin("0000");
    assert_eq!(read(&mut bench, "00CA9F17 00"), "9F1701029000");
    assert_eq!(read(&mut bench, "805C0000 00"), plain("0978 02 000004D2 00003A98 9000"));
    assert_eq!(read(&mut bench, "805C0001 0B"), plain("0840 02 00000000 00003A98 9000"));
    for pocket in ["02", "03", "04"] {
        assert_eq!(read(&mut bench, &format!("805C00{pocket} 00")), "6A88");
    }
    assert_eq!(read(&mut bench, "805C0005 00"), "6A86");
    // The second pocket's money is its own.
    let load = bench.paid(Kind::Load, 7, issuer());
    bench.succeed(&Command::Credit(purse_tests::scheme::voucher(&PayDetails { currency: usd(), ..load })));
    assert_eq!(read(&mut bench, "805C0001 00"), plain("0840 02 00000007 00003A98 9000"));
    assert_eq!(read(&mut bench, "805C0000 00"), plain("0978 02 000004D2 00003A98 9000"));
    assert_eq!(bench.entry(0).balance.0, 7);
}

#[test]
fn each_life_cycle_shows_what_it_may() {
    for role in [Role::Purse, Role::Merchant] {
        for stage in Stage::ALL {
            let mut bench = staged(role, stage).bench;
            let answer = bench.send(&select_purse(true));
            let status = match stage {
                Stage::Blocked | Stage::BlockedAndLocked => Status::Blocked,
                Stage::Terminated => Status::Terminated,
                Stage::Blank | Stage::Active | Stage::Locked => Status::Success,
            };
            assert_eq!((answer.status, answer.data.len()), (status, 44), "{stage:?}");
            assert_eq!(bench.send(&select_purse(false)), Answer { data: Vec::new(), status });
            assert_eq!(bench.send(&select_file(0x0015, true)).status, Status::Success);
            let identity = bench.succeed(&READ_IDENTITY);
            assert_eq!(identity[..29], answer.data[15..], "both status blocks are one");
            assert_eq!(identity[1], stage.life_cycle().code());
            assert_eq!(bench.send(&Command::GetData([0x9F, 0x4F])).data.len(), 13);
            if stage == Stage::Blank {
                continue;
            }
            assert_eq!(identity[3..11], profile(role).number.0);
            let balance = if stage.is_locked() || stage == Stage::Terminated { 0 } else { 7_00 };
            assert_eq!(identity[19..23], u32::to_be_bytes(balance));
            assert_eq!(bench.succeed(&Command::GetData([0x9F, 0x17])), [0x9F, 0x17, 1, 3]);
            let reads =
                [Command::ReadRecord(Some(0x18), 1), Command::ReadEntry(Sequence(1)), Command::GetBalance(0)];
            for command in reads {
                if stage.is_locked() {
                    bench.refuse(&command, Status::SecurityStatus);
                } else {
                    bench.repeat(&command);
                }
            }
            // The open payment can be read in any state, so that it can be finished.
            if stage != Stage::Terminated {
                let record =
                    LogRecord::parse(&bench.repeat(&Command::ReadEntry(Sequence(2))).try_into().unwrap());
                assert_eq!(record.unwrap().balance.0, if stage.is_locked() { 0 } else { 7_00 });
            }
            bench.refuse(&Command::ReadRecord(Some(0x19), 1), Status::RecordNotFound);
            bench.repeat(&Command::GetProof(Sequence(1)));
        }
    }
}

#[test]
fn a_locked_purse_shows_exceptions_and_open_payments_without_their_balance() {
    let (mut bench, all) = with_exceptions();
    bench.succeed(&acknowledge(&all[5]));
    let open = bench.repeat(&Command::ReadRecord(Some(0x19), 2));
    bench.lock(pin("1234"));
    for blocked in [false, true] {
        if blocked {
            bench.accept_script(1, &Parameter::Block);
        }
        let locked = bench.repeat(&Command::ReadRecord(Some(0x19), 2));
        assert_eq!((&locked[..38], &locked[42..]), (&open[..38], &open[42..]));
        assert_eq!(locked[38..42], [0; 4]);
        assert_eq!(bench.repeat(&Command::ReadEntry(Sequence(2))), locked);
        bench.repeat(&Command::ReadEntry(Sequence(6)));
        for sequence in [1, 5, 7, 0xFFFF_FFFF] {
            bench.refuse(&Command::ReadEntry(Sequence(sequence)), Status::SecurityStatus);
        }
        bench.refuse(&Command::ReadRecord(Some(0x18), 1), Status::SecurityStatus);
        bench.refuse(&Command::ReadRecord(Some(0x18), 99), Status::SecurityStatus);
        bench.refuse(&Command::GetBalance(0), Status::SecurityStatus);
        // The life cycle comes before the pocket.
        bench.refuse(&Command::GetBalance(4), Status::SecurityStatus);
        bench.refuse(&Command::ReadRecord(Some(0x19), 3), Status::RecordNotFound);
        bench.succeed(&select_file(0x0019, false));
        assert_eq!(bench.repeat(&Command::ReadRecord(None, 2)), locked);
        bench.succeed(&select_file(0x0018, false));
        bench.refuse(&Command::ReadRecord(None, 1), Status::SecurityStatus);
    }
}
