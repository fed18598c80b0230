//! A command APDU as the card takes it apart: what is understood and sent again is the same command.

use apdu_spec::command::apdu::{CommandBytes, LONGEST_COMMAND};
use apdu_spec::command::{Apdu, Request, ResponseLength, table};
use apdu_spec::status::StatusWord as Status;

/// Runs one command.
///
/// # Panics
/// Where something is understood that was not sent, or refused with a status word of a later check.
pub fn target(data: &[u8]) {
    let request = match Request::parse(data) {
        Ok(request) => request,
        Err(status) => return refused(data, status),
    };
    let parsed = CommandBytes::parse(data).expect("a request has a header");
    let body = parsed.body().expect("a request has a body");
    let CommandBytes { class, instruction, p1, p2, .. } = parsed;
    assert_eq!((class, instruction), (request.row.class, request.row.instruction));
    let form = request.row.form(p1, p2).expect("a request has a form");
    assert!(form.data.contains(body.data.len()));
    assert_eq!(body.expected, request.expected);
    match form.response {
        ResponseLength::None => {}
        ResponseLength::Exactly(length) => assert!(body.expected >= Some(u16::from(length))),
        ResponseLength::Whole | ResponseLength::Part => assert!(body.expected.is_some()),
    }

    let whole = Apdu::new(class, instruction, p1, p2, body.data, body.expected);
    assert_eq!(whole.as_bytes(), data, "the four cases of an APDU");

    let command = match request.command() {
        Ok(command) => command,
        Err(status) => return assert_eq!(status, Status::WrongData),
    };
    assert_eq!(command.name(), request.row.command);
    let emitted = command.emit();
    let again = CommandBytes::parse(emitted.as_bytes()).expect("what is sent has a header");
    let sent = again.body().expect("what is sent has a body");
    let header = (again.class, again.instruction, again.p1, again.p2);
    assert_eq!((header, sent.data), ((class, instruction, p1, p2), body.data));
    let once_more = Request::parse(emitted.as_bytes()).expect("what is sent is a command");
    let once_more = once_more.command().expect("with the same data").emit();
    assert_eq!(once_more.as_bytes(), emitted.as_bytes());
}

/// A refused command has passed the checks before the one that it fails (section 6).
fn refused(data: &[u8], status: Status) {
    let Some([class, instruction, p1, p2]) = data.first_chunk::<4>() else {
        return assert_eq!(status, Status::WrongLength);
    };
    // What no short APDU can be is not looked at.
    if data.len() > LONGEST_COMMAND {
        return assert_eq!(status, Status::WrongLength);
    }
    let class_known = [0x00, 0x80].contains(class);
    let rows: Vec<_> = table::rows(*instruction).collect();
    let of_class = rows.iter().any(|row| row.class == *class);
    let has_form = rows.iter().any(|row| row.form(*p1, *p2).is_some());
    match status {
        Status::UnknownClass => assert!(!class_known || !rows.is_empty() && !of_class),
        Status::UnknownInstruction => assert!(class_known && rows.is_empty()),
        Status::WrongParameters => assert!(of_class && !has_form),
        Status::WrongLength | Status::WrongExpected(_) => assert!(of_class && has_form),
        other => panic!("{other:?} to {data:02X?}"),
    }
}
