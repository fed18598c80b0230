//! Every finding and its remedy, without a system.

use std::path::PathBuf;

use super::super::State;
use super::*;

/// All well: a reader with a card, and vpcd not installed.
fn well(system: System) -> Observed {
    Observed {
        system,
        service: Some(Service::Readers(vec![with("R", ReaderState::Card)])),
        linux: Linux {
            daemon: Some("/usr/sbin/pcscd".into()),
            socket: Socket {
                path: "/run/pcscd/pcscd.comm".into(),
                is_named: false,
                state: SocketState::Open,
            },
            has_systemd: true,
            has_nfc_module: false,
            configuration: "/etc/reader.conf.d".into(),
            has_vpcd: false,
            virtual_readers: Vec::new(),
        },
    }
}

fn with(name: &str, state: ReaderState) -> Reader {
    Reader { name: name.to_owned(), state }
}

fn asked(system: System, service: Service) -> Observed {
    Observed { service: Some(service), ..well(system) }
}

fn virtual_reader(link: Link) -> VirtualReader {
    VirtualReader {
        file: "/etc/reader.conf.d/vpcd".into(),
        name: "Virtual PCD".to_owned(),
        driver: "/x/libifdvpcd.so".into(),
        has_driver: true,
        link,
    }
}

/// The only finding of a check: its state, and words that have to be there.
#[track_caller]
fn expect(observed: &Observed, check: &str, state: State, found: &str, remedy: &str) {
    let findings = findings(observed);
    let matching: Vec<_> = findings.iter().filter(|finding| finding.check == check).collect();
    let [finding] = matching[..] else { panic!("{check}: {findings:#?}") };
    assert_eq!(finding.state, state, "{finding:#?}");
    assert!(finding.found.contains(found), "{finding:#?}");
    assert_eq!(finding.remedy.is_none(), state == State::Ok, "{finding:#?}");
    assert!(finding.remedy.as_deref().unwrap_or("").contains(remedy), "{finding:#?}");
}

#[test]
fn all_well() {
    for system in [System::Linux, System::MacOs, System::Windows] {
        let findings = findings(&well(system));
        let problems = findings.iter().filter(|finding| finding.state == State::Problem).count();
        assert_eq!(problems, 0, "{findings:#?}");
        let checks: Vec<_> = findings.iter().map(|finding| finding.check).collect();
        let all = ["build", "service", "reader", "vpcd"];
        assert_eq!(checks, if system == System::Linux { &all[..] } else { &all[..3] });
    }
}

#[test]
fn a_build_without_readers_says_how_to_get_them() {
    let observed = Observed { service: None, ..well(System::Linux) };
    expect(&observed, "build", State::Problem, "without readers", "libpcsclite-dev");
    assert!(
        findings(&observed).iter().all(|finding| finding.check != "service" && finding.check != "readers")
    );
    expect(&well(System::Linux), "build", State::Ok, "with readers", "");
}

#[test]
fn the_service_elsewhere() {
    for (service, found) in [
        (Service::Silent(5), "does not answer within 5 s"),
        (Service::Absent, "is not running"),
        (Service::Stopped, "has stopped"),
        (Service::Failed("odd".to_owned()), "odd"),
    ] {
        expect(&asked(System::MacOs, service.clone()), "service", State::Problem, found, "restart macOS");
        expect(&asked(System::Windows, service), "service", State::Problem, found, "sc start SCardSvr");
    }
    for system in [System::MacOs, System::Windows] {
        let denied = asked(system, Service::Denied("no".to_owned()));
        expect(&denied, "permission", State::Problem, "no", "at the machine itself");
    }
}

#[test]
fn the_service_on_linux_in_trouble() {
    let linux = |service| asked(System::Linux, service);
    let restart = "systemctl restart pcscd";
    expect(&linux(Service::Silent(5)), "service", State::Problem, "does not answer within 5 s", restart);
    expect(&linux(Service::Failed("odd".to_owned())), "service", State::Problem, "odd", restart);
    expect(&linux(Service::Stopped), "service", State::Problem, "different versions", "one pcsc-lite only");
    let mut bare = linux(Service::Silent(5));
    bare.linux.has_systemd = false;
    expect(&bare, "service", State::Problem, "does not answer", "sudo pcscd");
    expect(
        &linux(Service::Denied("no".to_owned())),
        "permission",
        State::Problem,
        "no",
        "pcsc-lite.access_pcsc",
    );
}

#[test]
fn no_service_on_linux_has_its_reasons() {
    let absent = |state, has_systemd| {
        let mut observed = asked(System::Linux, Service::Absent);
        observed.linux.socket.state = state;
        observed.linux.has_systemd = has_systemd;
        observed
    };
    let expect =
        |observed: &Observed, found, remedy| expect(observed, "service", State::Problem, found, remedy);
    let missing = SocketState::Missing;
    expect(&absent(missing, true), "not running: no /run/pcscd", "systemctl enable --now pcscd.socket");
    expect(&absent(missing, false), "not running: no /run/pcscd", "sudo pcscd");
    for state in [SocketState::Refused, SocketState::Open] {
        expect(&absent(state, true), "nobody answers", "systemctl restart");
        expect(&absent(state, false), "nobody answers", "sudo pcscd");
    }
    let mut named = absent(missing, true);
    named.linux.socket = Socket { path: "/nowhere".into(), is_named: true, state: missing };
    named.linux.daemon = None;
    expect(&named, "PCSCLITE_CSOCK_NAME names /nowhere", "unset");
    for (has_systemd, remedy) in [(true, "apt-get install pcscd libccid"), (false, "no systemd: sudo pcscd")]
    {
        let mut nothing = absent(missing, has_systemd);
        nothing.linux.daemon = None;
        expect(&nothing, "not installed", remedy);
    }
    let denied = absent(SocketState::Denied, true);
    super::tests::expect(&denied, "permission", State::Problem, "no access", "ls -l /run/pcscd");
}

#[test]
fn no_reader_is_a_problem() {
    for (system, remedy) in [
        (System::Linux, "libccid"),
        (System::Linux, "vpcd"),
        (System::MacOs, "CCID"),
        (System::Windows, "Device Manager"),
    ] {
        expect(&asked(system, Service::Readers(Vec::new())), "readers", State::Problem, "no reader", remedy);
    }
}

#[test]
fn what_is_in_a_reader() {
    for (state, expected, found, remedy) in [
        (ReaderState::Card, State::Ok, "R: has a card", ""),
        (ReaderState::Empty, State::Note, "R: no card", "Put"),
        (ReaderState::Mute, State::Note, "R: the card does not answer", "Turn"),
        (ReaderState::InUse, State::Note, "R: another program", "wait"),
        (ReaderState::Unknown, State::Note, "R: its state is unknown", "Unplug"),
    ] {
        let observed = asked(System::Linux, Service::Readers(vec![with("R", state)]));
        expect(&observed, "reader", expected, found, remedy);
    }
    let denied = Service::Readers(vec![with("R", ReaderState::Denied("no".to_owned()))]);
    expect(&asked(System::Linux, denied), "permission", State::Problem, "R: not for you", "access_card");
    let two = Service::Readers(vec![with("A", ReaderState::Card), with("B", ReaderState::Empty)]);
    let findings = findings(&asked(System::Linux, two));
    assert_eq!(findings.iter().filter(|finding| finding.check == "reader").count(), 2);
}

#[test]
fn vpcd_listening_is_open_to_all() {
    let mut observed = well(System::Linux);
    observed.linux.virtual_readers = vec![virtual_reader(Link::Listens(35963))];
    expect(
        &observed,
        "vpcd",
        State::Note,
        "every interface of this machine, ports 35963 and 35964",
        "IPAddressDeny",
    );
    observed.linux.has_systemd = false;
    expect(&observed, "vpcd", State::Note, "Virtual PCD", "firewall");
}

#[test]
fn vpcd_connecting_is_suspected_when_pcscd_has_gone() {
    let mut observed = well(System::Linux);
    observed.linux.virtual_readers = vec![virtual_reader(Link::Connects("127.0.0.1".to_owned(), 35963))];
    expect(&observed, "vpcd", State::Note, "127.0.0.1, ports 35963 and 35964", "DEVICENAME /dev/null:0x8C7B");
    observed.linux.socket.state = SocketState::Missing;
    for gone in [Service::Absent, Service::Stopped, Service::Failed("odd".to_owned())] {
        observed.service = Some(gone);
        expect(&observed, "vpcd", State::Problem, "pcscd has gone", "purse card serve");
    }
    observed.linux.socket.state = SocketState::Open;
    expect(&observed, "vpcd", State::Note, "connects", "3.3");
}

#[test]
fn vpcd_twice_is_once_too_often() {
    let mut observed = well(System::Linux);
    observed.linux.virtual_readers = [7000, 8000].map(|port| virtual_reader(Link::Listens(port))).to_vec();
    let findings = findings(&observed);
    let [.., last] = &findings[..] else { panic!("{findings:#?}") };
    assert_eq!((findings.len(), last.check, last.state), (6, "vpcd", State::Note));
    assert!(last.found.contains("more than one entry"), "{last:?}");
    assert!(last.remedy.as_deref().unwrap().contains("/etc/reader.conf.d"), "{last:?}");
}

#[test]
fn vpcd_half_there() {
    let mut observed = well(System::Linux);
    expect(&observed, "vpcd", State::Note, "not installed", "apt-get install vsmartcard-vpcd");
    observed.linux.has_vpcd = true;
    expect(&observed, "vpcd", State::Note, "/etc/reader.conf.d has no reader of it", "docs/readers.md");
    observed.linux.virtual_readers = vec![virtual_reader(Link::Unreadable("host:x".to_owned()))];
    expect(&observed, "vpcd", State::Note, "cannot read DEVICENAME host:x", "0x8C7B");
    observed.linux.virtual_readers =
        vec![VirtualReader { has_driver: false, ..virtual_reader(Link::Listens(7000)) }];
    let findings = findings(&observed);
    let driver = findings.last().unwrap();
    assert_eq!((driver.check, driver.state), ("vpcd", State::Note));
    assert!(driver.found.contains("needs /x/libifdvpcd.so, which is not there"), "{driver:?}");
    // Nobody's business elsewhere.
    observed.system = System::Windows;
    assert!(super::findings(&observed).iter().all(|finding| finding.check != "vpcd"));
}

#[test]
fn the_kernel_may_have_taken_the_reader() {
    let mut observed = well(System::Linux);
    observed.linux.has_nfc_module = true;
    expect(&observed, "kernel", State::Note, "pn533", "modprobe -r");
    observed.linux.configuration = PathBuf::new();
    observed.system = System::MacOs;
    assert!(findings(&observed).iter().all(|finding| finding.check != "kernel"));
}
