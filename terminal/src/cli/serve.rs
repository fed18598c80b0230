//! `card serve`: a virtual card of the home in a PC/SC reader, until Ctrl-C.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};

use purse_terminal::transport::{Protocol, TransportError};
use purse_terminal::vpcd::{self, Ended, Event, FIRST_SLOT, Plug, SECOND_SLOT, ServedCard, Stop};
use serde_json::json;

use super::arguments::ServeArguments;
use super::context::Context;
use super::failure::{ExitCode, Failure};
use super::output::{Console, Document, Reply};
use super::served::{self, Served};

/// Serves the card until somebody stops it or the card has met its fault.
pub(crate) fn serve(context: &Context, name: &str, place: &ServeArguments) -> Result<Reply, Failure> {
    let card = context.virtual_card(name)?;
    let number = card.number();
    let choosing = served::choosing(&context.home);
    let (plug, address, event) = plug(context, place)?;
    // Before anybody is told of the card: who reads that line may stop this at once.
    let stop = Stop::new();
    let asked = stop.clone();
    ctrlc::set_handler(move || asked.ask())
        .map_err(|error| Failure::other(format!("no signal can be caught: {error}"), "Try again."))?;
    let protocol = if place.t0 { Protocol::T0 } else { Protocol::T1 };
    // After the card, so that it goes before the card does: who has the card's file has the word about it too.
    let words = Served {
        name: name.to_owned(),
        number: number.map(|number| number.to_string()),
        pid: std::process::id(),
        address: address.clone(),
    };
    let announcement = served::announce(&context.home, &words)?;
    drop(choosing);
    let mut served = ServedCard::new(card, protocol)
        .with_cut(context.global.cut)
        .with_lost_response(context.global.lose)
        .with_trace(context.trace().cloned());
    if number.is_none() {
        let change = announcement.changer().map_err(|error| Failure::file(announcement.path(), &error))?;
        served = served.with_number_told(move |number| {
            change.write(&Served { number: Some(number.to_string()), ..words });
        });
    }
    context.console.event(
        "card serve",
        &format!("card `{name}`: {event} {} {address}; Ctrl-C takes it out", preposition(&plug)),
        json!({ "event": event, "card": name, "address": address }),
    )?;
    let ended = vpcd::serve(&mut served, &plug, &stop, &mut |event| match event {
        Event::Connected(peer) => Console::say(&format!("vpcd is there ({peer})")),
        Event::Unasked => Console::say(&format!(
            "nobody asks for the card: {address} may have one already; --port names another slot"
        )),
        Event::Gone => Console::say("vpcd has gone; waiting for it"),
    });
    drop(announcement);
    served.into_card().close().map_err(|error| Failure::virtual_card(name, &error))?;
    match ended {
        Ok(Ended::Stopped) => Console::say(&format!("card `{name}` is out of the reader")),
        Ok(Ended::Card(TransportError::PowerLost)) => {
            Console::say(&format!("card `{name}` has lost its power, as --cut asked for"));
        }
        Ok(Ended::Card(TransportError::ResponseLost)) => Console::say(&format!(
            "card `{name}` was pulled out before its response got through, as --lose asked for"
        )),
        Ok(Ended::Card(error)) => {
            return Err(Failure::new(
                ExitCode::NoCard,
                format!("card `{name}`: {error}"),
                "`purse card show` looks at it.",
            ));
        }
        Err(error) => return Err(meeting(&address, &error)),
    }
    Ok(Reply { document: Document::Said, ..Reply::default() })
}

/// How vpcd is met, where, and what that is called.
fn plug(context: &Context, place: &ServeArguments) -> Result<(Plug, String, &'static str), Failure> {
    let served = served::served(&context.home);
    let is_taken = |port: u16| served.iter().any(|served| served.address.ends_with(&format!(":{port}")));
    let slots = [FIRST_SLOT, SECOND_SLOT];
    let Some(port) = place.port.or_else(|| slots.into_iter().find(|port| !is_taken(*port))) else {
        let names: Vec<&str> = served.iter().map(|served| served.name.as_str()).collect();
        return Err(Failure::other(
            format!("both slots of vpcd have a card of this home: {}", names.join(", ")),
            "Take one out with Ctrl-C, or name the port of another vpcd by --port.",
        ));
    };
    if !place.listen {
        let host = &place.host;
        let address = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        return Ok((Plug::Connect(host.clone(), port), address, "connecting"));
    }
    // Never on other addresses: whoever can connect can use the card.
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(listener) => {
            let address = listener.local_addr().map_or(String::new(), |address| address.to_string());
            Ok((Plug::Listen(listener), address, "listening"))
        }
        Err(error) if error.kind() == ErrorKind::AddrInUse => Err(Failure::other(
            format!("another program listens on 127.0.0.1 on port {port}"),
            "If that is vpcd, go to it without --listen; else choose another port with --port, and the same in vpcd's \
             DEVICENAME; or free this one.",
        )),
        Err(error) => Err(meeting(&format!("127.0.0.1:{port}"), &error)),
    }
}

const fn preposition(plug: &Plug) -> &'static str {
    match plug {
        Plug::Listen(_) => "on",
        Plug::Connect(..) => "to",
    }
}

fn meeting(address: &str, error: &std::io::Error) -> Failure {
    Failure::other(
        format!("vpcd cannot be met on {address}: {error}"),
        "Give another port with --port, or another host with --host.",
    )
}
