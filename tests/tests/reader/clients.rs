//! Clients that nobody here wrote: `opensc-tool`, `scriptor`, `pcsc_scan` and pyscard, on cards that `purse card serve`
//! has put into readers of the real pcscd.
#![cfg(all(feature = "pcsc", target_os = "linux"))]

use crate::client_support::{Stage, holds, opensc_tool, python, python_json, run, scriptor};
use crate::support::{PURSE_SLOT, SAM_SLOT};
use apdu_spec::file::APPLICATION;
use apdu_spec::pin::TRIES;
use serde_json::{Value, json};

#[test]
fn tools_list_the_readers_and_the_answers_to_reset() {
    let Stage { counter, .. } = &Stage::new("T=1");
    let readers = run(counter, "opensc-tool", &["--list-readers"]).exits(0).stdout;
    let rows: Vec<Vec<&str>> = readers.lines().skip(2).map(|row| row.split_whitespace().collect()).collect();
    assert_eq!(
        rows,
        [["0", "Yes", "Virtual", "PCD", "00", "00"], ["1", "Yes", "Virtual", "PCD", "00", "01"]],
        "{readers}"
    );
    let answer_to_reset = |slot| run(counter, "opensc-tool", &["--reader", slot, "--atr"]).exits(0).stdout;
    assert_eq!(answer_to_reset(PURSE_SLOT), "3b:85:81:11:fe:50:55:52:53:45:aa\n");
    assert_eq!(answer_to_reset(SAM_SLOT), "3b:05:50:55:52:53:45\n");
    let readers = run(counter, "pcsc_scan", &["-r"]).exits(0).stdout;
    assert_eq!(readers, "0: Virtual PCD 00 00\n1: Virtual PCD 00 01\n");
    let scan = run(counter, "pcsc_scan", &["-c"]).exits(0).stdout;
    let found: Vec<&str> = scan.split("ATR: ").skip(1).map(|rest| rest.lines().next().unwrap()).collect();
    assert_eq!(found, ["3B 85 81 11 FE 50 55 52 53 45 AA", "3B 05 50 55 52 53 45"], "{scan}");
}

#[test]
fn opensc_tool_sees_no_difference_between_the_protocols() {
    for protocol in ["T=1", "T=0"] {
        let stage = Stage::new(protocol);
        for slot in stage.slots() {
            // Its drivers for other cards ask around first, each for an application or a file that is not here.
            let name =
                run(&stage.counter, "opensc-tool", &["--reader", slot.reader, "--name"]).exits(0).stdout;
            assert_eq!(name, "Unsupported card\n");
            holds(&slot.expected.tour(), |commands| opensc_tool(&stage.counter, slot.reader, commands));
        }
        let [fci, _] =
            &opensc_tool(&stage.counter, PURSE_SLOT, &["00A4040007F050555253450100", "00B201C400"])[..]
        else {
            panic!("two answers")
        };
        assert!(fci.starts_with("6F2A8407F0505552534501A51FC11D0107019555000000000018"), "{fci}");
        assert!(fci.ends_with("9000"), "{fci}");
        stage.end();
    }
}

#[test]
fn scriptor_sees_what_either_protocol_sends() {
    for protocol in ["T=1", "T=0"] {
        let stage = Stage::new(protocol);
        for slot in stage.slots() {
            let tour = slot.translate(&slot.expected.tour());
            holds(&tour, |commands| scriptor(&stage.counter, slot.reader, slot.protocol, commands));
        }
        stage.end();
    }
}

#[test]
fn the_bytes_of_either_protocol_are_these() {
    let stage = Stage::new("T=1");
    let commands =
        ["00A4040007F050555253450100", "00C000002C", "00B201C400", "00B201C432", "00B0950000", "00200080"];
    let lengths_and_status = |answers: &[String]| -> Vec<(usize, String)> {
        answers.iter().map(|answer| (answer.len() / 2 - 2, answer[answer.len() - 4..].to_owned())).collect()
    };
    let t1 = scriptor(&stage.counter, PURSE_SLOT, "T=1", &commands);
    let t0 = scriptor(&stage.counter, SAM_SLOT, "T=0", &commands);
    let row = |length: usize, status: &str| (length, status.to_owned());
    assert_eq!(
        lengths_and_status(&t1),
        // GET RESPONSE is T=0's alone.
        [row(44, "9000"), row(0, "6D00"), row(50, "9000"), row(50, "9000"), row(177, "9000"), row(0, "63C3")]
    );
    assert_eq!(
        lengths_and_status(&t0),
        [row(0, "612C"), row(44, "9000"), row(0, "6C32"), row(50, "9000"), row(0, "6CB1"), row(0, "63C3")]
    );
    // In pieces, and gone once another command has come.
    let [_, first, second, .., late] = &scriptor(
        &stage.counter,
        SAM_SLOT,
        "T=0",
        &[commands[0], "00C0000010", "00C000001C", commands[0], commands[5], "00C000002C"],
    )[..] else {
        panic!("six answers")
    };
    assert_eq!((&first[32..], late.as_str()), ("611C", "6985"));
    assert_eq!(format!("{}{second}", &first[..32]), t0[1]);
    stage.end();
}

#[test]
fn a_python_script_reads_the_card_and_verifies_a_pin() {
    for protocol in ["T=1", "T=0"] {
        let stage = Stage::new(protocol);
        for (slot, pin) in stage.slots().into_iter().zip(["1234", "9999"]) {
            let expected = &slot.expected;
            let seen = python_json(&stage.counter, slot.reader, &format!("9876\n{pin}\n"));
            let shown = &expected.shown;
            for same in ["life_cycle", "role", "number", "key_version", "sequence", "balance", "expiry"] {
                assert_eq!(seen["status"][same], shown[same], "{same}: {seen:#}");
            }
            let bytes = |bytes: &[u8]| Value::from(hex::encode_upper(bytes));
            assert_eq!(seen["status"]["bytes"], bytes(&expected.status().emit()));
            assert_eq!(seen["application"], bytes(&APPLICATION));
            assert_eq!(seen["identity"], bytes(&expected.identity.emit()));
            let log = seen["log"].as_array().unwrap();
            assert_eq!(log.len(), expected.log.len());
            for ((line, told), record) in log.iter().zip(&expected.history).zip(&expected.log) {
                for same in ["kind", "role", "state", "amount", "balance"] {
                    assert_eq!(line[same], told[same], "{same}: {line:#}");
                }
                for same in ["from", "from_sequence", "to", "to_sequence"] {
                    assert_eq!(line[same], told[same], "{same}: {line:#}");
                }
                assert_eq!(line["time"], record.pay_details.time.0);
                assert_eq!(line["bytes"], bytes(&record.emit()));
            }
            assert_eq!((&seen["protocol"], &seen["pin_tries"]), (&json!(slot.protocol), &json!(TRIES)));
            assert_eq!(seen["verified"], "63C3");
            assert_eq!(
                seen["verify"],
                json!([
                    { "status": "63C2", "verified": "63C2", "pin_tries": 2 },
                    { "status": "9000", "verified": "9000", "pin_tries": 3 },
                ])
            );
        }
        stage.end();
    }
}

#[test]
fn the_python_script_speaks_to_people_too() {
    let stage = Stage::new("T=1");
    let python = |reader, options: &[&str], pins| python(&stage.counter, reader, options, pins);
    let said = python("00 00", &[], "").exits(0).stdout;
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("purse 9555000000000018, active, valid to 20"), "{said}");
    assert!(lines[0].ends_with(", T=1"), "{said}");
    assert_eq!(lines[1], "balance 28.50 of at most 150.00 (currency 978)");
    assert_eq!(
        lines[2],
        "purchase of 2.50 from 9555000000000018 to 9555000000000026: payer, open, balance 28.50"
    );
    assert_eq!(lines.last(), Some(&"PIN: 3 tries left"));
    let error = python("Virtual", &[], "").exits(1).stderr;
    assert!(error.contains("is 2 of the readers ['Virtual PCD 00 00', 'Virtual PCD 00 01']"), "{error}");
    // What no PIN can be is not sent, for the card would count it.
    for nonsense in ["12a4", "123", "1234567890123", "1234\n12 34"] {
        let error = python("00 00", &["--verify"], nonsense).exits(1).stderr;
        assert!(error.contains("4 to 12 digits"), "{nonsense}: {error}");
    }
    assert_eq!(python_json(&stage.counter, PURSE_SLOT, "")["pin_tries"], TRIES);
    stage.end();
}
