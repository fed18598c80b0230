//! Tags of the data objects that cross the wire (ISO/IEC 7816-4 § 7.4.3; C1 to C6 are the purse's own), for whoever
//! reads them back.

use crate::file::{File, TAG_CONTROL, TAG_PROPRIETARY, TAG_STATUS_BLOCK};

/// Application template, in EF.DIR.
pub const APPLICATION_TEMPLATE: u16 = 0x61;
/// AID, in the application template.
pub const APPLICATION_IDENTIFIER: u16 = 0x4F;
/// Application label, in the application template.
pub const APPLICATION_LABEL: u16 = 0x50;
/// FCI template.
pub const CONTROL: u16 = TAG_CONTROL as u16;
/// Number of bytes in a transparent file.
pub const FILE_SIZE: u16 = 0x80;
/// File descriptor; of a file with records also their length and number.
pub const FILE_DESCRIPTOR: u16 = 0x82;
/// File identifier.
pub const FILE_IDENTIFIER: u16 = 0x83;
/// DF name: an AID.
pub const FILE_NAME: u16 = 0x84;
/// Short file identifier, in the five high bits.
pub const SHORT_IDENTIFIER: u16 = 0x88;
/// Proprietary template.
pub const PROPRIETARY: u16 = TAG_PROPRIETARY as u16;
/// Status block.
pub const STATUS_BLOCK: u16 = TAG_STATUS_BLOCK as u16;
/// PIN tries left.
pub const PIN_TRIES: u16 = u16::from_be_bytes(crate::command::table::TAG_PIN_TRIES);
/// Log format: tags and lengths of what a log record is made of.
pub const LOG_FORMAT: u16 = u16::from_be_bytes(crate::command::table::TAG_LOG_FORMAT);
/// Certificate of a purse's key.
pub const CERTIFICATE: u16 = u16::from_be_bytes(crate::certificate::TAG_CERTIFICATE);
/// What the certificate says.
pub const CERTIFICATE_BODY: u16 = u16::from_be_bytes(crate::certificate::TAG_BODY);
/// The issuer's signature over it.
pub const CERTIFICATE_SIGNATURE: u16 = u16::from_be_bytes(crate::certificate::TAG_SIGNATURE);

/// Name of a tag in the standard.
pub const fn name(tag: u16) -> Option<&'static str> {
    Some(match tag {
        APPLICATION_TEMPLATE => "application template",
        APPLICATION_IDENTIFIER => "AID",
        APPLICATION_LABEL => "application label",
        CONTROL => "FCI template",
        FILE_SIZE => "file size",
        FILE_DESCRIPTOR => "file descriptor",
        FILE_IDENTIFIER => "file identifier",
        FILE_NAME => "DF name",
        SHORT_IDENTIFIER => "short file identifier",
        PROPRIETARY => "proprietary template",
        STATUS_BLOCK => "status block",
        PIN_TRIES => "PIN tries",
        LOG_FORMAT => "log format",
        CERTIFICATE => "certificate",
        CERTIFICATE_BODY => "certificate body",
        CERTIFICATE_SIGNATURE => "signature",
        _ => return None,
    })
}

/// What a tag of the log format stands for in a record.
pub const fn log_field(tag: u8) -> Option<&'static str> {
    Some(match tag {
        0xC2 => "PD",
        0xC3 => "role",
        0xC4 => "state",
        0xC5 => "balance",
        0xC6 => "TAC",
        _ => return None,
    })
}

/// What a file descriptor's first byte says of a file's structure (ISO/IEC 7816-4 table 14).
pub const fn structure(descriptor: u8) -> Option<&'static str> {
    Some(match descriptor {
        0x38 => "DF",
        0x01 => "transparent EF",
        0x02 => "linear EF, records of fixed length",
        0x06 => "cyclic EF, records of fixed length",
        _ => return None,
    })
}

/// The file of this identifier.
pub fn file(identifier: [u8; 2]) -> Option<File> {
    File::ALL.into_iter().find(|file| file.identifier() == Some(identifier))
}

/// The file of this short identifier.
pub fn short_file(identifier: u8) -> Option<File> {
    File::ALL.into_iter().find(|file| file.short_identifier() == Some(identifier))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::table;
    use std::collections::BTreeSet;

    #[test]
    fn every_tag_and_structure_has_a_name_of_its_own_and_nothing_else_has_one() {
        let tags = [
            APPLICATION_TEMPLATE,
            APPLICATION_IDENTIFIER,
            APPLICATION_LABEL,
            CONTROL,
            FILE_SIZE,
            FILE_DESCRIPTOR,
            FILE_IDENTIFIER,
            FILE_NAME,
            SHORT_IDENTIFIER,
            PROPRIETARY,
            STATUS_BLOCK,
            PIN_TRIES,
            LOG_FORMAT,
            CERTIFICATE,
            CERTIFICATE_BODY,
            CERTIFICATE_SIGNATURE,
        ];
        let named: BTreeSet<_> = (0..=u16::MAX).filter_map(name).filter(|name| !name.is_empty()).collect();
        assert_eq!(named.len(), tags.len());
        assert!((0..=u16::MAX).all(|tag| name(tag).is_some() == tags.contains(&tag)));
        // ISO/IEC 7816-4 table 14: a DF, and EFs that are transparent, linear and cyclic.
        let structures = [0x38, 0x01, 0x02, 0x06];
        let named: BTreeSet<_> = structures.map(structure).into();
        assert_eq!(named.len(), structures.len());
        assert!((0..=u8::MAX).all(|byte| {
            structure(byte).map(|name| !name.is_empty()) == structures.contains(&byte).then_some(true)
        }));
    }

    #[test]
    fn files_are_found_by_their_identifiers_and_nothing_else_is() {
        let all = |found: fn(&File) -> bool| File::ALL.iter().filter(|file| found(file)).count();
        for found in File::ALL {
            assert!(found.identifier().is_none_or(|identifier| file(identifier) == Some(found)));
            assert!(found.short_identifier().is_none_or(|identifier| short_file(identifier) == Some(found)));
        }
        let found = (0..=u16::MAX).filter(|identifier| file(identifier.to_be_bytes()).is_some()).count();
        assert_eq!(found, all(|file| file.identifier().is_some()));
        let found = (0..=u8::MAX).filter(|identifier| short_file(*identifier).is_some()).count();
        assert_eq!(found, all(|file| file.short_identifier().is_some()));
        assert!(found > 0);
    }

    #[test]
    fn the_log_format_names_the_fields_of_a_record() {
        let [_, _, length, ref format @ ..] = table::LOG_FORMAT;
        assert_eq!(usize::from(length), format.len());
        let record = table::row(crate::command::CommandName::ReadEntry).response;
        assert_eq!(format.len() / 2, record.len());
        for (pair, field) in format.chunks(2).zip(record) {
            assert_eq!((log_field(pair[0]), pair[1]), (Some(field.name), field.length));
        }
    }
}
