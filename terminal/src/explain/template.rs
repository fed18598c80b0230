//! Data objects with tag, length and value: FCIs, EF.DIR, what GET DATA gives (section 4, ISO/IEC 7816-4 § 6).

use apdu_spec::certificate::CertificateBody;
use apdu_spec::file::{APPLICATION, DIRECTORY, File};
use apdu_spec::status_block::StatusBlock;
use apdu_spec::tag;

use super::cursor::{Cursor, bytes_of};
use super::element::{Element, Money};
use super::layout::STATUS_BLOCK;
use super::{Fit, Misfit, Object, Reading};

/// Templates in templates in the standard: three. What nests deeper is shown as bytes.
const DEEPEST: u8 = 6;

/// The body of a certificate (section 8): version, key index, role, number, expiry, public key.
const CERTIFICATE_BODY: &[(&str, Element)] = &[
    ("version", Element::Version),
    ("issuer key index", Element::Opaque(1)),
    ("role", Element::Role),
    ("purse number", Element::Number),
    ("expiry", Element::Expiry),
    ("public key x", Element::Opaque(32)),
    ("public key y", Element::Opaque(32)),
];

/// Where tag and length end, and how long the value is.
struct Header {
    tag: u16,
    tag_length: usize,
    length_length: usize,
    value_length: usize,
}

impl Header {
    /// Tags of one and two bytes, lengths of up to two bytes behind 81 and 82; none where something else stands.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (&first, rest) = bytes.split_first()?;
        let (tag, tag_length, rest) = match rest.split_first() {
            Some((&second, rest)) if first & 0x1F == 0x1F && second & 0x80 == 0 => {
                (u16::from_be_bytes([first, second]), 2, rest)
            }
            _ if first & 0x1F == 0x1F => return None,
            _ => (u16::from(first), 1, rest),
        };
        let (length_length, value_length) = match *rest {
            [length @ ..=0x7F, ..] => (1, usize::from(length)),
            [0x81, length, ..] => (2, usize::from(length)),
            [0x82, high, low, ..] => (3, usize::from(u16::from_be_bytes([high, low]))),
            _ => return None,
        };
        Some(Self { tag, tag_length, length_length, value_length })
    }

    /// Bit 6 of the first byte.
    fn is_template(&self) -> bool {
        let [high, low] = self.tag.to_be_bytes();
        let first = if self.tag_length == 2 { high } else { low };
        first & 0x20 != 0 && self.tag != tag::CERTIFICATE_BODY
    }
}

/// Puts one data object after the other.
pub(super) fn put(cursor: &mut Cursor<'_>) -> Result<(), Misfit> {
    put_nested(cursor, DEEPEST)
}

fn put_nested(cursor: &mut Cursor<'_>, depth: u8) -> Result<(), Misfit> {
    while !cursor.rest().is_empty() {
        let Some(header) = Header::parse(cursor.rest()) else {
            return cursor.misfit("no tag and length of a data object stand here");
        };
        let Header { tag, tag_length, length_length, value_length } = header;
        let name = tag::name(tag).unwrap_or("data object");
        let whole = tag_length + length_length + value_length;
        cursor.group(name, whole, |parts| {
            let meaning =
                if tag::name(tag).is_some() { None } else { Some("not of the standard".to_owned()) };
            parts.leaf("tag", tag_length, |_| meaning)?;
            parts.leaf("length", length_length, |_| Some(bytes_of(value_length)))?;
            if header.is_template() && depth > 0 {
                put_nested(parts, depth - 1)?;
            } else {
                put_value(parts, tag)?;
            }
            Ok(None)
        })?;
    }
    Ok(())
}

/// A value that is no template.
fn put_value(parts: &mut Cursor<'_>, tag: u16) -> Result<(), Misfit> {
    let money = &mut Money::default();
    let bytes = parts.rest();
    match (tag, bytes) {
        (tag::STATUS_BLOCK, _) if bytes.len() == StatusBlock::LENGTH => parts.elements(STATUS_BLOCK, money),
        (tag::CERTIFICATE_BODY, _) if bytes.len() == CertificateBody::LENGTH => {
            parts.elements(CERTIFICATE_BODY, money)
        }
        (tag::FILE_DESCRIPTOR, [_, _, _, _, _]) => {
            parts.leaf("descriptor byte", 1, structure)?;
            parts.leaf("data coding byte", 1, |_| None)?;
            parts.leaf("record length", 2, |bytes| integer(bytes).map(|length| format!("{length} bytes")))?;
            parts.leaf("number of records", 1, |bytes| match bytes {
                [u8::MAX] => Some(format!("{} or more", u8::MAX)),
                _ => integer(bytes).map(|number| format!("at most {number}")),
            })?;
            Ok(())
        }
        (tag::LOG_FORMAT, _) if bytes.len().is_multiple_of(2) => bytes.chunks(2).try_for_each(|pair| {
            let name = pair.first().and_then(|tag| tag::log_field(*tag)).unwrap_or("unknown field");
            let length = pair.last().map(|length| bytes_of((*length).into()));
            parts.leaf(name, 2, |_| length).map(drop)
        }),
        _ => {
            let meaning = value(tag, bytes);
            parts.opaque("value", false, meaning);
            Ok(())
        }
    }
}

fn value(tag: u16, bytes: &[u8]) -> Option<String> {
    match (tag, bytes) {
        (tag::FILE_SIZE, _) => integer(bytes).map(|length| format!("{length} bytes")),
        (tag::FILE_DESCRIPTOR, _) => structure(bytes),
        (tag::FILE_IDENTIFIER, [high, low]) => tag::file([*high, *low]).map(File::name).map(str::to_owned),
        (tag::SHORT_IDENTIFIER, [byte]) => {
            tag::short_file(byte >> 3).map(|file| format!("{:02X}, {}", byte >> 3, file.name()))
        }
        (tag::APPLICATION_IDENTIFIER | tag::FILE_NAME, _) => Some(application(bytes).to_owned()),
        (tag::APPLICATION_LABEL, _) => ascii(bytes),
        (tag::PIN_TRIES, _) => integer(bytes).map(|tries| format!("tries left: {tries}")),
        _ => None,
    }
}

fn structure(bytes: &[u8]) -> Option<String> {
    bytes.first().and_then(|byte| tag::structure(*byte)).map(str::to_owned)
}

/// What an AID names.
pub(super) fn application(bytes: &[u8]) -> &'static str {
    if bytes == APPLICATION { File::Purse.name() } else { "not an application of the standard" }
}

/// Printable characters between quotation marks.
pub(super) fn ascii(bytes: &[u8]) -> Option<String> {
    let is_text = !bytes.is_empty() && bytes.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    is_text.then(|| format!("\"{}\"", String::from_utf8_lossy(bytes)))
}

fn integer(bytes: &[u8]) -> Option<u32> {
    (1..=4)
        .contains(&bytes.len())
        .then(|| bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
}

/// Whether the bytes are one data object with this tag, to the last byte.
fn is_one(bytes: &[u8], tags: &[u16]) -> bool {
    Header::parse(bytes).is_some_and(|header| {
        tags.contains(&header.tag)
            && header.tag_length + header.length_length + header.value_length == bytes.len()
    })
}

fn read(object: Object, title: String, bytes: &[u8], tags: &[u16]) -> Result<Reading, Misfit> {
    let mut cursor = Cursor::new(bytes, 0);
    let Some(header) = Header::parse(bytes).filter(|header| tags.contains(&header.tag)) else {
        let tags: Vec<String> = tags.iter().map(|tag| format!("{tag:02X}")).collect();
        return cursor.misfit(format!("it does not begin with the tag {}", tags.join(", ")));
    };
    if header.tag_length + header.length_length + header.value_length < bytes.len() {
        cursor = Cursor::new(bytes, 0);
        let length = header.tag_length + header.length_length + header.value_length;
        cursor.leaf("object", length, |_| None)?;
        return cursor.misfit("the data object ends here, the bytes do not");
    }
    put(&mut cursor)?;
    // Two bytes without a value are rather a status word.
    let fit = if header.value_length > 0 { Fit::Exact } else { Fit::Asked };
    Ok(Reading::new(object, title, fit, cursor.finish()?))
}

/// Title of an FCI, none where it is not one.
pub(super) fn control_title(bytes: &[u8]) -> Option<String> {
    if !is_one(bytes, &[tag::CONTROL]) {
        return None;
    }
    let mut inner = bytes.get(2..)?;
    while let Some(header) = Header::parse(inner) {
        let start = header.tag_length + header.length_length;
        let value = inner.get(start..start + header.value_length)?;
        match (header.tag, value) {
            (tag::FILE_NAME, _) if value == APPLICATION => return Some(title_of(File::Purse)),
            (tag::FILE_IDENTIFIER, [high, low]) => {
                return Some(
                    tag::file([*high, *low]).map_or_else(|| "FCI of another file".to_owned(), title_of),
                );
            }
            _ => inner = inner.get(start + header.value_length..)?,
        }
    }
    Some("FCI of another file".to_owned())
}

fn title_of(file: File) -> String {
    format!("FCI of {}", file.name())
}

pub(super) fn control(bytes: &[u8]) -> Result<Reading, Misfit> {
    let title = control_title(bytes).unwrap_or_else(|| "FCI".to_owned());
    read(Object::Control, title, bytes, &[tag::CONTROL])
}

/// Whether it is the content of EF.DIR.
pub(super) fn is_directory(bytes: &[u8]) -> bool {
    bytes == DIRECTORY || is_one(bytes, &[tag::APPLICATION_TEMPLATE])
}

pub(super) fn directory(bytes: &[u8]) -> Result<Reading, Misfit> {
    read(Object::Directory, "content of EF.DIR".to_owned(), bytes, &[tag::APPLICATION_TEMPLATE])
}

/// What GET DATA can give.
const DATA_OBJECTS: &[u16] = &[tag::PIN_TRIES, tag::LOG_FORMAT, tag::CERTIFICATE];

/// Name of a data object that GET DATA can give.
pub(super) fn data_object_name(bytes: &[u8]) -> Option<&'static str> {
    Header::parse(bytes).filter(|_| is_one(bytes, DATA_OBJECTS)).and_then(|header| tag::name(header.tag))
}

pub(super) fn data_object(bytes: &[u8]) -> Result<Reading, Misfit> {
    let name = data_object_name(bytes).unwrap_or("unknown");
    read(Object::DataObject, format!("data object: {name}"), bytes, DATA_OBJECTS)
}
