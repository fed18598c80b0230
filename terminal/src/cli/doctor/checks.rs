//! Findings and remedies, as a pure function of what was seen.

use super::Finding;
use super::observed::{Linux, Observed, Reader, ReaderState, Service, Socket, SocketState, System};
use super::reader_conf::{Link, VirtualReader};

/// Everything there is to say, in the order in which it has to be mended.
pub(super) fn findings(observed: &Observed) -> Vec<Finding> {
    let mut findings = vec![build(observed.service.is_some())];
    findings.extend(service(observed));
    if let Some(Service::Readers(readers)) = &observed.service {
        findings.extend(presence(observed.system, readers));
        findings.extend(readers.iter().map(reader));
    }
    if observed.system == System::Linux {
        findings.extend(vpcd(&observed.linux, is_gone(observed)));
        findings.extend(kernel(observed.linux.has_nfc_module));
    }
    findings
}

fn build(has_readers: bool) -> Finding {
    if has_readers {
        return Finding::ok("build", "this program was built with readers");
    }
    Finding::problem(
        "build",
        "this program was built without readers (feature `pcsc`)",
        "cargo build --features pcsc; it is on by default, `--no-default-features` leaves it out.\n\
         On Debian it needs `sudo apt-get install libpcsclite-dev pkg-config`.",
    )
}

fn service(observed: &Observed) -> Option<Finding> {
    let Observed { system, linux, .. } = observed;
    let again = restart(*system, linux);
    // Without one, the build says it already.
    let finding = match observed.service.as_ref()? {
        Service::Readers(_) => Finding::ok("service", format!("{} answers", name(*system))),
        Service::Silent(seconds) => Finding::problem(
            "service",
            format!("{} does not answer within {seconds} s", name(*system)),
            again,
        ),
        Service::Denied(error) => denied(*system, &linux.socket, error),
        Service::Stopped if *system == System::Linux => Finding::problem(
            "service",
            "pcscd and this program's libpcsclite speak different versions of their protocol",
            "Have one pcsc-lite only: a second one is often in /usr/local, or in a container or sandbox.",
        ),
        Service::Stopped => Finding::problem("service", format!("{} has stopped", name(*system)), again),
        Service::Absent if *system == System::Linux => absent(linux),
        Service::Absent => Finding::problem("service", format!("{} is not running", name(*system)), again),
        Service::Failed(error) => Finding::problem("service", format!("{}: {error}", name(*system)), again),
    };
    Some(finding)
}

const fn name(system: System) -> &'static str {
    match system {
        System::MacOs => "macOS's smart card service",
        System::Windows => "the service Smart Card (SCardSvr)",
        System::Linux => "pcscd",
    }
}

fn restart(system: System, linux: &Linux) -> String {
    match system {
        System::MacOs => "Unplug the reader and plug it in again; else restart macOS.".to_owned(),
        System::Windows => "Plug in a reader: Windows runs the service only where there is one.\n\
             Else `sc start SCardSvr` as administrator."
            .to_owned(),
        System::Linux if linux.has_systemd => "sudo systemctl restart pcscd.socket pcscd.service".to_owned(),
        System::Linux => "End pcscd and start it again: sudo pcscd".to_owned(),
    }
}

/// No service at the socket: there are four reasons.
fn absent(linux: &Linux) -> Finding {
    let Linux { socket: Socket { path, is_named, state }, has_systemd, .. } = linux;
    let path = path.display();
    let start = if *has_systemd { "sudo systemctl enable --now pcscd.socket" } else { "sudo pcscd" };
    if *is_named && *state == SocketState::Missing {
        return Finding::problem(
            "service",
            format!("PCSCLITE_CSOCK_NAME names {path}, and that is not there"),
            "Start the pcscd that it is for, or unset the variable.",
        );
    }
    if linux.daemon.is_none() {
        let start = if *has_systemd { "" } else { "\nThen, as there is no systemd: sudo pcscd" };
        return Finding::problem(
            "service",
            "pcscd is not installed",
            format!("sudo apt-get install pcscd libccid{start}"),
        );
    }
    match state {
        SocketState::Missing => {
            Finding::problem("service", format!("pcscd is not running: no {path}"), start)
        }
        SocketState::Denied => denied(System::Linux, &linux.socket, "no access"),
        SocketState::Refused | SocketState::Open => Finding::problem(
            "service",
            format!("pcscd has gone: {path} is there, and nobody answers"),
            if *has_systemd { restart(System::Linux, linux) } else { start.to_owned() },
        ),
    }
}

fn denied(system: System, socket: &Socket, error: &str) -> Finding {
    let remedy = match system {
        _ if socket.state == SocketState::Denied => format!(
            "`ls -l {0}` and its directory show who may; pcscd's own socket is open to all.",
            socket.path.display()
        ),
        System::Linux => rule("access_pcsc"),
        System::MacOs | System::Windows => "Log in at the machine itself.".to_owned(),
    };
    Finding::problem("permission", format!("{} lets you not in: {error}", name(system)), remedy)
}

fn rule(action: &str) -> String {
    format!(
        "Log in at the machine itself, or allow it, as root, in /etc/polkit-1/rules.d/40-purse.rules:\n\
         polkit.addRule(function(action, subject) {{\n  \
         if (action.id == \"org.debian.pcsc-lite.{action}\" && subject.user == \"YOUR NAME\") return \"yes\";\n\
         }});"
    )
}

fn presence(system: System, readers: &[Reader]) -> Option<Finding> {
    let remedy = match system {
        _ if !readers.is_empty() => return None,
        System::Linux => {
            "Plug one in; for one on USB the driver is `sudo apt-get install libccid`.\n\
             Or have a virtual one: `sudo apt-get install vsmartcard-vpcd`, and restart pcscd."
        }
        System::MacOs => {
            "Plug one in. macOS has a driver for readers that follow CCID; others need their maker's."
        }
        System::Windows => {
            "Plug one in, and see that the Device Manager lists it under smart card readers.\n\
             A remote desktop session has the readers of the client's machine."
        }
    };
    Some(Finding::problem("readers", "there is no reader", remedy))
}

fn reader(reader: &Reader) -> Finding {
    let name = &reader.name;
    match &reader.state {
        ReaderState::Card => Finding::ok("reader", format!("{name}: has a card")),
        ReaderState::Empty => Finding::note("reader", format!("{name}: no card"), "Put a card in."),
        ReaderState::Mute => Finding::note(
            "reader",
            format!("{name}: the card does not answer"),
            "Turn it round, clean its contacts, or try another.",
        ),
        ReaderState::InUse => Finding::note(
            "reader",
            format!("{name}: another program has the card to itself"),
            "End that program, or wait for it.",
        ),
        ReaderState::Denied(error) => {
            Finding::problem("permission", format!("{name}: not for you: {error}"), rule("access_card"))
        }
        ReaderState::Unknown => Finding::note(
            "reader",
            format!("{name}: its state is unknown"),
            "Unplug it and plug it in again.",
        ),
    }
}

fn is_gone(observed: &Observed) -> bool {
    matches!(observed.service, Some(Service::Absent | Service::Stopped | Service::Failed(_)))
        && observed.linux.socket.state != SocketState::Open
}

fn vpcd(linux: &Linux, is_gone: bool) -> Vec<Finding> {
    let configuration = linux.configuration.display();
    let mut findings: Vec<Finding> = linux
        .virtual_readers
        .iter()
        .map(|reader| virtual_reader(reader, is_gone, linux.has_systemd))
        .collect();
    findings.extend(linux.virtual_readers.iter().filter(|reader| !reader.has_driver).map(|reader| {
        Finding::note(
            "vpcd",
            format!("{} needs {}, which is not there", reader.file.display(), reader.driver.display()),
            "sudo apt-get install --reinstall vsmartcard-vpcd, or take the entry out.",
        )
    }));
    if linux.virtual_readers.len() > 1 {
        // Measured: the driver keeps its slots for all entries together, and the last one has them.
        findings.push(Finding::note(
            "vpcd",
            "vpcd has more than one entry: a card of the last one is in all of these readers, the others get none",
            format!("Leave one entry of vpcd in {configuration}; it has two slots. Then restart pcscd."),
        ));
    }
    if findings.is_empty() && linux.has_vpcd {
        findings.push(Finding::note(
            "vpcd",
            format!("vpcd is installed, and {configuration} has no reader of it"),
            "Only virtual cards in readers need it; docs/readers.md has what to write there.",
        ));
    } else if findings.is_empty() {
        findings.push(Finding::note(
            "vpcd",
            "vpcd, the virtual reader, is not installed",
            "Only virtual cards in readers need it: sudo apt-get install vsmartcard-vpcd, and restart pcscd.",
        ));
    }
    findings
}

fn virtual_reader(reader: &VirtualReader, is_gone: bool, has_systemd: bool) -> Finding {
    let VirtualReader { file, name, link, .. } = reader;
    let file = file.display();
    match link {
        Link::Unreadable(device) => Finding::note(
            "vpcd",
            format!("{file}: vpcd cannot read DEVICENAME {device}"),
            "DEVICENAME /dev/null:0x8C7B, then restart pcscd.",
        ),
        Link::Listens(port) => Finding::note(
            "vpcd",
            format!(
                "{name} listens on every interface of this machine, ports {port} and {}: who reaches them can be its card",
                port + 1
            ),
            if has_systemd {
                "Keep it to this machine: `sudo systemctl edit pcscd.service`, there\n\
                 [Service]\nIPAddressDeny=any\nIPAddressAllow=localhost\n\
                 and restart pcscd. `purse card serve NAME` is a card for it."
            } else {
                "Keep both ports closed to others by a firewall. `purse card serve NAME` is a card for it."
            },
        ),
        // Measured: vpcd 3.3 waits on a socket that it does not have, and glibc aborts pcscd for it.
        Link::Connects(host, port) => {
            let found = format!("{name} connects to cards at {host}, ports {port} and {}", port + 1);
            let remedy = format!(
                "vpcd up to 3.3 takes pcscd down when a port has no card, at the start or later. Start one\n\
                 `purse card serve NAME --listen` for each port, then pcscd; or in {file}\n\
                 DEVICENAME /dev/null:0x{port:04X}\n\
                 and restart pcscd."
            );
            if is_gone {
                Finding::problem("vpcd", format!("{found}, and pcscd has gone"), remedy)
            } else {
                Finding::note("vpcd", found, remedy)
            }
        }
    }
}

fn kernel(has_nfc_module: bool) -> Option<Finding> {
    has_nfc_module.then(|| {
        Finding::note(
            "kernel",
            "Linux's own driver pn533 is loaded; it takes contactless readers (ACR122U and its kin) from pcscd",
            "If such a reader is missing: sudo modprobe -r pn533_usb pn533 nfc\n\
             To keep them out: lines `blacklist pn533_usb`, `blacklist pn533` and `blacklist nfc` in\n\
             /etc/modprobe.d/blacklist-nfc.conf. Then plug the reader in again.",
        )
    })
}

#[cfg(test)]
mod tests;
