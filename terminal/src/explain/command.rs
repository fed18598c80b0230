//! Command APDUs by the command table, as far as they go (section 6).

use apdu_spec::answer_to_reset::{GET_RESPONSE, GET_RESPONSE_CLASSES};
use apdu_spec::command::row::{CommandName, Form, ResponseLength, Row};
use apdu_spec::command::table::{
    self, CLASS_PURSE, CLASS_STANDARD, PIN_REFERENCE, SELECT_CONTROL, STORE_LAST, VERIFY_CERTIFICATE,
};
use apdu_spec::command::{Field as TableField, Request};
use apdu_spec::element::Kind;
use apdu_spec::file::File;
use apdu_spec::status::StatusWord;
use apdu_spec::tag;

use super::cursor::{Cursor, Meaning, bytes_of};
use super::element::{Element, Money};
use super::layout::put_pay_details;
use super::{Fit, Misfit, Object, Reading, group, script, template};

/// What is known of a command once its header has been read.
#[derive(Clone, Copy)]
pub(super) struct Known {
    /// The table's row, where class, instruction, P1 and P2 fit one.
    pub(super) row: Option<&'static Row>,
    pub(super) p1: u8,
    pub(super) p2: u8,
    class: u8,
    instruction: u8,
}

impl Known {
    /// From at least the header.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let &[class, instruction, p1, p2, ..] = bytes else { return None };
        let row = table::rows(instruction).find(|row| row.class == class && row.form(p1, p2).is_some());
        Some(Self { row, p1, p2, class, instruction })
    }

    fn form(&self) -> Option<&'static Form> {
        self.row.and_then(|row| row.form(self.p1, self.p2))
    }

    /// Whether the data may hold a PIN or a key: a command that only nearly has a row may too.
    pub(super) fn is_secret(&self) -> bool {
        table::rows(self.instruction).any(|row| row.data.iter().any(|field| field.secret))
    }

    /// `DEBIT purchase`
    pub(super) fn title(&self) -> String {
        match self.row {
            Some(row) => match row.command {
                CommandName::Initialize | CommandName::Debit => {
                    format!("{} {}", row.name, Kind::parse(self.p1).map_or("", Kind::name))
                }
                _ => row.name.to_owned(),
            },
            None if self.is_get_response() => "GET RESPONSE, of T=0".to_owned(),
            None => self.nearest().map_or_else(
                || "unknown command".to_owned(),
                |row| format!("{} with a header that it does not have", row.name),
            ),
        }
    }

    fn is_get_response(&self) -> bool {
        self.instruction == GET_RESPONSE
            && GET_RESPONSE_CLASSES.contains(&self.class)
            && (self.p1, self.p2) == (0, 0)
    }

    /// A row of this instruction.
    fn nearest(&self) -> Option<&'static Row> {
        table::rows(self.instruction).next()
    }

    fn class_meaning(&self) -> &'static str {
        match self.class {
            CLASS_STANDARD => "a command of ISO/IEC 7816-4",
            CLASS_PURSE => "a command of the purse",
            _ => "not a class of the standard",
        }
    }

    fn instruction_meaning(&self) -> String {
        match self.row.or(self.nearest()) {
            Some(row) => row.name.to_owned(),
            None if self.instruction == GET_RESPONSE => "GET RESPONSE".to_owned(),
            None => "not an instruction of the standard".to_owned(),
        }
    }
}

pub(super) fn read(bytes: &[u8]) -> Result<Reading, Misfit> {
    let mut cursor = Cursor::new(bytes, 0);
    let Some(known) = Known::parse(bytes) else {
        if bytes.is_empty() {
            return cursor.misfit("there are no bytes");
        }
        cursor.opaque("incomplete header", false, None);
        let mut reading =
            Reading::new(Object::Command, "no command: the header has 4 bytes", Fit::Asked, cursor.finish()?);
        reading.answer = Some(StatusWord::WrongLength);
        return Ok(reading);
    };
    put_header(&mut cursor, &known)?;
    let length_note = put_body(&mut cursor, &known)?;
    let adds_up = length_note.is_none();
    let mut reading = Reading::new(Object::Command, known.title(), Fit::Exact, cursor.finish()?);
    reading.notes.extend(length_note);
    match Request::parse(bytes) {
        Ok(request) if request.command().is_err() => {
            reading.notes.push(format!(
                "the data are malformed: where a card comes to look at them, it answers {:04X}, {}",
                StatusWord::WrongData.code(),
                StatusWord::WrongData.meaning()
            ));
            reading.fit = Fit::Likely;
        }
        Ok(_) => {}
        Err(answer) => {
            reading.answer = Some(answer);
            reading.fit = fit(&known, adds_up);
            if adds_up && answer == StatusWord::WrongLength && misses_expected(&known, bytes) {
                reading.notes.push(
                    "Le is missing, though there is a response; over T=0 commands with data are sent so"
                        .to_owned(),
                );
            }
        }
    }
    if known.is_get_response() {
        reading
            .notes
            .push("fetches what 61xx has announced; a card that speaks T=1 does not know it".to_owned());
        reading.fit = if adds_up { Fit::Likely } else { Fit::Asked };
    }
    Ok(reading)
}

/// How well bytes fit a command that a card refuses.
fn fit(known: &Known, adds_up: bool) -> Fit {
    let is_class = [CLASS_STANDARD, CLASS_PURSE].contains(&known.class);
    // ISO/IEC 7816-3 and 7816-4 rule these out for any card.
    let is_iso = known.class != 0xFF && ![6, 9].contains(&(known.instruction >> 4));
    match known.nearest() {
        Some(_) if known.row.is_some() => Fit::Likely,
        Some(_) if is_class => Fit::Possible,
        _ if adds_up && is_iso => Fit::Possible,
        _ => Fit::Asked,
    }
}

fn misses_expected(known: &Known, bytes: &[u8]) -> bool {
    let has_response = known.form().is_some_and(|form| form.response != ResponseLength::None);
    let Some(body) = apdu_spec::command::CommandBytes::parse(bytes).ok().and_then(|apdu| apdu.body().ok())
    else {
        return false;
    };
    let data_fit = known.form().is_some_and(|form| form.data.contains(body.data.len()));
    has_response && data_fit && body.expected.is_none()
}

fn put_header(cursor: &mut Cursor<'_>, known: &Known) -> Result<(), Misfit> {
    let Known { row, p1, p2, .. } = *known;
    cursor.leaf("CLA", 1, |_| Some(known.class_meaning().to_owned()))?;
    cursor.leaf("INS", 1, |_| Some(known.instruction_meaning()))?;
    let Some(row) = row else {
        let meaning = || known.nearest().map(|_| "not a P1 P2 of this command".to_owned());
        cursor.leaf("P1", 1, |_| {
            if known.nearest().is_some_and(|row| row.class == known.class) { meaning() } else { None }
        })?;
        cursor.leaf("P2", 1, |_| None)?;
        return Ok(());
    };
    let some = |text: &str| Some(text.to_owned());
    let (first, second): (Meaning, Meaning) = match row.command {
        CommandName::GetData => {
            let tag = u16::from_be_bytes([p1, p2]);
            let name = tag::name(tag).unwrap_or("not a data object of the standard").to_owned();
            cursor.leaf("P1 P2", 2, |_| Some(name))?;
            return Ok(());
        }
        CommandName::ReadBinary if p1 & 0x80 == 0 => {
            cursor.leaf("P1 P2", 2, |_| {
                Some(format!("the current EF, from offset {}", u16::from_be_bytes([p1, p2])))
            })?;
            return Ok(());
        }
        CommandName::ReadBinary => (Some(short_file(p1 & 0x1F)), Some(format!("from offset {p2}"))),
        CommandName::ReadRecord => {
            let file = if p2 >> 3 == 0 { "the current EF".to_owned() } else { short_file(p2 >> 3) };
            (Some(format!("record {p1}")), Some(file))
        }
        CommandName::Select => (
            some(if p1 == 0 { "by file identifier" } else { "by AID" }),
            some(if p2 == SELECT_CONTROL { "with FCI" } else { "without response" }),
        ),
        CommandName::Verify | CommandName::ChangePin => {
            (None, (p2 == PIN_REFERENCE).then(|| "the application's PIN".to_owned()))
        }
        CommandName::VerifyCertificate => {
            (None, (p2 == VERIFY_CERTIFICATE).then(|| "a certificate in plain".to_owned()))
        }
        CommandName::Initialize | CommandName::Debit => {
            (Kind::parse(p1).ok().map(|kind| kind.name().to_owned()), None)
        }
        CommandName::GetBalance => (None, Some(format!("pocket {p2}"))),
        CommandName::StoreData => (
            some(if p1 == STORE_LAST { "the last block" } else { "more blocks follow" }),
            Some(format!("block {p2}")),
        ),
        CommandName::Lock | CommandName::Unlock => (some(row.name), None),
        CommandName::Credit
        | CommandName::UpdateParameter
        | CommandName::GetProof
        | CommandName::ReadEntry
        | CommandName::Acknowledge
        | CommandName::Decline
        | CommandName::Reverse => (None, None),
    };
    cursor.leaf("P1", 1, |_| first)?;
    cursor.leaf("P2", 1, |_| second)?;
    Ok(())
}

fn short_file(identifier: u8) -> String {
    let name = tag::short_file(identifier).map_or("no file of the standard", File::name);
    format!("short identifier {identifier:02X}, {name}")
}

/// Lc, data and Le, short or extended. What does not add up, if anything.
fn put_body(cursor: &mut Cursor<'_>, known: &Known) -> Result<Option<String>, Misfit> {
    let expected = |le: u8| if le == 0 { 256 } else { usize::from(le) };
    let at_most = |length: usize| Some(format!("at most {}", bytes_of(length)));
    if known.is_secret() && !adds_up(cursor.rest()) {
        // A length that is wrong or has been forgotten may be a piece of what follows.
        cursor.opaque("body", true, None);
        return Ok(Some("Lc and what follows do not add up".to_owned()));
    }
    match *cursor.rest() {
        [] => return Ok(None),
        [le] => {
            cursor.leaf("Le", 1, |_| at_most(expected(le)))?;
            return Ok(None);
        }
        [0, _] => {
            cursor.opaque("body", known.is_secret(), None);
            return Ok(Some("behind P2 stands neither Lc nor Le".to_owned()));
        }
        [0, high, low, ref rest @ ..] => {
            let length = usize::from(u16::from_be_bytes([high, low]));
            if rest.is_empty() {
                let length = if length == 0 { 1 << 16 } else { length };
                cursor.leaf("extended Le", 3, |_| at_most(length))?;
            } else {
                cursor.leaf("extended Lc", 3, |_| Some(bytes_of(length)))?;
                put_data(cursor, known, length)?;
                match *cursor.rest() {
                    [high, low] => {
                        let le = usize::from(u16::from_be_bytes([high, low]));
                        cursor.leaf("extended Le", 2, |_| at_most(if le == 0 { 1 << 16 } else { le }))?;
                    }
                    _ if rest.len() != length => return Ok(Some(uneven(cursor, known, length, rest.len()))),
                    _ => {}
                }
            }
            return Ok(Some("an extended length: cards take short ones alone".to_owned()));
        }
        [lc, ref rest @ ..] => {
            let length = usize::from(lc);
            cursor.leaf("Lc", 1, |_| Some(bytes_of(length)))?;
            let following = rest.len();
            put_data(cursor, known, length)?;
            match *cursor.rest() {
                [] if following < length => return Ok(Some(uneven(cursor, known, length, following))),
                [] => {}
                [le] => {
                    cursor.leaf("Le", 1, |_| at_most(expected(le)))?;
                }
                _ => return Ok(Some(uneven(cursor, known, length, following))),
            }
        }
    }
    Ok(None)
}

/// Whether what is behind P2 has the length that Lc says, short or extended.
fn adds_up(body: &[u8]) -> bool {
    match *body {
        [] | [_] | [0, _, _] => true,
        [0, high, low, ref rest @ ..] => {
            let length = usize::from(u16::from_be_bytes([high, low]));
            rest.len() == length || rest.len() == length + 2
        }
        [lc, ref rest @ ..] => rest.len() == usize::from(lc) || rest.len() == usize::from(lc) + 1,
    }
}

/// The body does not have the length that Lc says.
fn uneven(cursor: &mut Cursor<'_>, known: &Known, length: usize, following: usize) -> String {
    cursor.opaque("too many bytes", known.is_secret(), None);
    format!("Lc says {}, and {following} follow", bytes_of(length))
}

/// So many bytes of data, or as many as there are.
fn put_data(cursor: &mut Cursor<'_>, known: &Known, length: usize) -> Result<(), Misfit> {
    let available = length.min(cursor.rest().len());
    let is_whole = available == length && known.form().is_some_and(|form| form.data.contains(length));
    let Some(row) = known.row.filter(|_| is_whole) else {
        if known.is_secret() {
            return cursor.secret("data", available, None);
        }
        return cursor.leaf("data", available, |_| None).map(drop);
    };
    cursor.group("data", length, |parts| match row.command {
        CommandName::Select => {
            let bytes = parts.rest();
            match (known.p1, bytes) {
                (0, [high, low]) => {
                    let name = tag::file([*high, *low]).map_or("no file of the standard", File::name);
                    parts.opaque("file identifier", false, Some(name.to_owned()));
                }
                _ => parts.opaque("AID", false, Some(template::application(bytes).to_owned())),
            }
            Ok(None)
        }
        CommandName::UpdateParameter => script::put(parts).map(|(name, _)| Some(format!("script: {name}"))),
        CommandName::StoreData => group::put(parts).map(|_| None),
        _ => put_fields(parts, row.data, &mut Money::default()).map(|()| None),
    })
}

/// Fields as the command table lists them.
pub(super) fn put_fields(
    cursor: &mut Cursor<'_>,
    fields: &[TableField],
    money: &mut Money,
) -> Result<(), Misfit> {
    for field in fields {
        let length = usize::from(field.length);
        match Element::of(field.name).filter(|element| element.length() == length) {
            Some(element) => {
                cursor.element(field.name, element, money)?;
            }
            None if field.name == "PD" => put_pay_details(cursor, money)?,
            None if field.length == 0 => cursor.opaque(field.name, field.secret, None),
            None if field.secret => cursor.secret(field.name, length, None)?,
            None => {
                cursor.leaf(field.name, length, |_| None)?;
            }
        }
    }
    Ok(())
}
