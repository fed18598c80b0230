//! `purse doctor`, with services of its own in every state.
#![cfg(all(feature = "pcsc", target_os = "linux"))]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Home, Run};
use purse_tests::reader_service::{ReaderService, VirtualReader, free_listeners, free_ports};
use serde_json::Value;

/// `doctor` without a home, at this socket, with this configuration.
fn doctor(socket: &Path, configuration: &Path) -> Run {
    let home = Home::none();
    let run = home
        .command(&["--json", "doctor", "--reader-conf"])
        .arg(configuration)
        .env("PCSCLITE_CSOCK_NAME", socket)
        .output()
        .expect("the program runs");
    assert!(!home.path().exists(), "doctor makes no home");
    run.into()
}

fn ask(service: &ReaderService) -> Run {
    doctor(&service.socket(), &service.configuration())
}

/// The findings of one check: state, what was found, remedy.
fn findings<'a>(document: &'a Value, check: &str) -> Vec<[&'a str; 3]> {
    let findings = document["findings"].as_array().expect("findings");
    let matching = findings.iter().filter(|finding| finding["check"] == check);
    matching
        .map(|finding| ["state", "found", "remedy"].map(|name| finding[name].as_str().unwrap_or("")))
        .collect()
}

#[track_caller]
fn expect(document: &Value, check: &str, state: &str, found: &str, remedy: &str) {
    let all = findings(document, check);
    let is_there = |[a, b, c]: &[&str; 3]| *a == state && b.contains(found) && c.contains(remedy);
    assert!(all.iter().any(is_there), "{check}, {state}: {document:#}");
}

#[test]
fn no_service() {
    let directory = tempfile::tempdir().unwrap();
    let document = doctor(&directory.path().join("nothing"), directory.path()).exits(3).json();
    assert_eq!((&document["command"], &document["ready"]), (&"doctor".into(), &false.into()));
    expect(&document, "build", "ok", "with readers", "");
    expect(&document, "service", "problem", "PCSCLITE_CSOCK_NAME names", "unset");
    assert!(findings(&document, "readers").is_empty());
}

#[test]
fn a_person_reads_the_remedies() {
    let directory = tempfile::tempdir().unwrap();
    let home = Home::none();
    let socket = directory.path().join("nothing");
    let run = home.run_with("PCSCLITE_CSOCK_NAME", socket.to_str().unwrap(), &["doctor"]).exits(3);
    assert!(run.stdout.contains("problem  service     PCSCLITE_CSOCK_NAME names"), "{run:#?}");
    assert!(run.stdout.ends_with("Not ready for cards in readers.\n"), "{run:#?}");
}

#[test]
fn a_service_that_says_nothing_is_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("silent");
    let _listener = UnixListener::bind(&socket).unwrap();
    let begin = Instant::now();
    let document = doctor(&socket, directory.path()).exits(3).json();
    expect(&document, "service", "problem", "does not answer within 5 s", "pcscd");
    assert!(begin.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_service_without_readers() {
    let mut service = ReaderService::start(&[]);
    let document = ask(&service).exits(3).json();
    expect(&document, "service", "ok", "pcscd answers", "");
    expect(&document, "readers", "problem", "no reader", "libccid");
    expect(&document, "vpcd", "note", "has no reader of it", "docs/readers.md");
    let socket = service.socket();
    service.stop();
    assert!(!service.is_running());
    let document = doctor(&socket, &service.configuration()).exits(3).json();
    expect(&document, "service", "problem", "", "");
    service.restart();
    expect(&ask(&service).exits(3).json(), "service", "ok", "pcscd answers", "");
}

#[test]
fn vpcd_that_listens() {
    let reader = VirtualReader::listening("Virtual PCD");
    let service = ReaderService::start(std::slice::from_ref(&reader));
    let document = ask(&service).exits(0).json();
    assert_eq!(document["ready"], true);
    for slot in reader.slots() {
        expect(&document, "reader", "note", &format!("{slot}: no card"), "Put a card in");
    }
    expect(&document, "vpcd", "note", "listens on every interface", "purse card serve");
    assert!(findings(&document, "readers").is_empty(), "{document:#}");
}

/// As much of a card as vpcd needs to see one: an ATR. Returns what it was told besides.
fn card(mut stream: TcpStream) -> Vec<Vec<u8>> {
    let mut told = Vec::new();
    let mut length = [0; 2];
    while stream.read_exact(&mut length).is_ok() {
        let mut message = vec![0; u16::from_be_bytes(length).into()];
        if stream.read_exact(&mut message).is_err() {
            break;
        }
        if message != [4] {
            told.push(message);
        } else if stream.write_all(&[0, 4, 0x3B, 0x80, 0x80, 0x01]).is_err() {
            break;
        }
    }
    told
}

#[test]
fn vpcd_that_connects() {
    let listeners = free_listeners();
    let port = listeners[0].local_addr().unwrap().port();
    // They end with the service: vpcd closes its side.
    let serve = |listener: TcpListener| thread::spawn(move || card(listener.accept().unwrap().0));
    let cards = listeners.map(serve);
    let reader = VirtualReader::connecting("Virtual PCD", "127.0.0.1", port);
    let mut service = ReaderService::start(std::slice::from_ref(&reader));
    let document = ask(&service).exits(0).json();
    for slot in reader.slots() {
        expect(&document, "reader", "ok", &format!("{slot}: has a card"), "");
    }
    expect(&document, "vpcd", "note", &format!("127.0.0.1, ports {port} and"), "takes pcscd down");
    service.stop();
    // The service turns the power on and off as it likes; `doctor` has neither reset the card nor sent it anything.
    for told in cards.map(|card| card.join().unwrap()) {
        assert!(told.iter().all(|message| message == &[0] || message == &[1]), "{told:?}");
    }
}

/// Debian 12 has vpcd 3.3. Should a later one bear it, what `doctor` and docs/readers.md say has to change.
#[test]
fn vpcd_that_connects_in_vain_takes_pcscd_down() {
    let directory = tempfile::tempdir().unwrap();
    let port = free_ports();
    let entry = format!(
        "FRIENDLYNAME \"V\"\nDEVICENAME 127.0.0.1:{port}\nLIBPATH /usr/lib/pcsc/drivers/serial/libifdvpcd.so\n"
    );
    std::fs::write(directory.path().join("vpcd"), entry).unwrap();
    let document = doctor(&directory.path().join("nothing"), directory.path()).exits(3).json();
    expect(&document, "vpcd", "problem", "and pcscd has gone", &format!("DEVICENAME /dev/null:0x{port:X}"));
    let service = std::panic::catch_unwind(|| {
        let mut service = ReaderService::start(&[VirtualReader::connecting("V", "127.0.0.1", port)]);
        let deadline = Instant::now() + Duration::from_secs(30);
        while service.is_running() {
            assert!(Instant::now() < deadline, "pcscd lives on");
            thread::sleep(Duration::from_millis(10));
        }
        service.log()
    });
    // It may be gone before it could be asked; then that is the panic.
    let log = service.unwrap_or_else(|panic| *panic.downcast::<String>().unwrap());
    assert!(log.contains("FD_SETSIZE") || log.contains("pcscd has ended"), "{log}");
}
