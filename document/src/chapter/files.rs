//! Files: what there is, what each says of itself, who may read it.

use apdu_spec::command::table::{LOG_FORMAT, TAG_LOG_FORMAT, TAG_PIN_TRIES};
use apdu_spec::file::{
    APPLICATION, DIRECTORY, DIRECTORY_CONTROL, File, IDENTITY_CONTROL, MASTER_CONTROL, Structure,
    exceptions_control, log_control,
};
use apdu_spec::tag;
use purse_terminal::explain::Object;
use purse_terminal::virtual_card::{EXCEPTIONS, PURSE_WINDOW};

use crate::Outcome;
use crate::fields::{lines, reading};
use crate::markdown::{Markdown, code, hexadecimal, link};
use crate::scheme::{Who, key_pair};

use super::{Sources, layouts};

pub(crate) fn write(sources: &Sources<'_>) -> Outcome<Markdown> {
    let mut text = Markdown::new();
    text.paragraph(
        "The card has two directories and four files. After reset the MF is the current file. EF.DIR lies below it and can be \
         read there; everything else lies below the application, and can be reached once that is selected. Keys, PIN, and what a pocket has spent since the \
         last PIN are in no file, and no command reads them.",
    );
    let rows = File::ALL.map(|file| {
        let identifier = file
            .identifier()
            .map_or_else(|| format!("AID {}", hexadecimal(&APPLICATION)), |id| hexadecimal(&id));
        let short = file.short_identifier().map_or_else(String::new, |short| format!("{short:02X}"));
        let structure = match (file.structure(), file) {
            (Structure::Dedicated, _) => "directory",
            (Structure::Transparent, _) => "transparent",
            (Structure::Records, File::Log) => "cyclic, records of 50 bytes",
            (Structure::Records, _) => "linear, records of 50 bytes",
        };
        [
            file.name().to_owned(),
            identifier,
            short,
            file.parent().name().to_owned(),
            structure.to_owned(),
            access(file).to_owned(),
        ]
    });
    text.table(["file", "identifier", "short identifier", "below", "structure", "read by"], &rows);
    for file in File::ALL {
        text.heading(3, file.name());
        describe(&mut text, file, sources)?;
    }
    objects(&mut text)?;
    Ok(text)
}

const fn access(file: File) -> &'static str {
    match file {
        File::Master => "SELECT only",
        File::Purse => "SELECT only: its file control information carries the status block",
        File::Directory => "READ BINARY, always, while the application is not selected",
        File::Identity => "READ BINARY, in every life cycle",
        File::Log => "READ RECORD and READ ENTRY; not while the lock is set",
        File::Exceptions => "READ RECORD, and READ ENTRY; also while the lock is set",
    }
}

fn control(text: &mut Markdown, bytes: &[u8]) -> Outcome<()> {
    text.paragraph(&format!("File control information: {}", code(bytes)));
    text.code("text", &lines(&reading(bytes, Object::Control)?, bytes));
    Ok(())
}

fn describe(text: &mut Markdown, file: File, sources: &Sources<'_>) -> Outcome<()> {
    match file {
        File::Master => {
            text.paragraph("Selecting it ends the session.");
            control(text, &MASTER_CONTROL)
        }
        File::Directory => {
            text.paragraph(&format!("Says which application is here. Its content: {}", code(&DIRECTORY)));
            text.code("text", &lines(&reading(&DIRECTORY, Object::Directory)?, &DIRECTORY));
            control(text, &DIRECTORY_CONTROL)
        }
        File::Purse => {
            let mut bytes = vec![0x6F, 0x2A, 0x84, 0x07];
            bytes.extend(APPLICATION);
            bytes.extend([0xA5, 0x1F, 0xC1, 0x1D]);
            bytes.extend(sources.runs.status_block()?);
            text.paragraph("The application. It is selected by its AID, all seven bytes of it; a session begins, in which no PIN is verified. \
                The answer is 9000, 6283 where the issuer has blocked the card, 6285 where it is terminated, each with the file control information.");
            control(text, &bytes)
        }
        File::Identity => {
            text.paragraph("Status block, issuer and pockets in one read.");
            layouts::table(text, &sources.runs.identity_file()?, Object::Identity, 0)?;
            text.paragraph("Pocket 1 to 4 have the fields of pocket 0.");
            control(text, &IDENTITY_CONTROL)
        }
        File::Log => {
            text.paragraph(&format!(
                "The records of the newest sequences. READ RECORD counts from the newest, which is 1, and reaches 254; READ ENTRY takes a sequence. \
                 A purse keeps at least 32 records, a merchant SAM at least 512. The ninth byte of the file control information says how many, at most FF. \
                 The record is in {}. With {PURSE_WINDOW} records:", link("Log record")
            ));
            control(text, &log_control(PURSE_WINDOW))
        }
        File::Exceptions => {
            text.paragraph(&format!(
                "Payments that are still open and that EF.LOG has had to let go: unloads, refunds, transfers. Numbered from 1 without gaps, the oldest first; \
                 a record leaves the file when it is closed. An open *purchase* that EF.LOG lets go is gone. \
                 There are {EXCEPTIONS} places, of which the last one is for an unload; see {}.", link("CHECK.ROOM")
            ));
            control(text, &exceptions_control(EXCEPTIONS))
        }
    }
}

/// What GET DATA gives.
fn objects(text: &mut Markdown) -> Outcome<()> {
    text.heading(3, "Data objects")
        .paragraph("GET DATA gives an object whole, tag and length included. Another tag is 6A88; so is 7F21 on a card without a key pair.");
    let tries = [TAG_PIN_TRIES[0], TAG_PIN_TRIES[1], 0x01, 0x03];
    let certificate = key_pair(Who::Purse.number()?)?.certificate.object();
    for bytes in [&tries[..], &LOG_FORMAT[..], &certificate[..]] {
        text.code("text", &lines(&reading(bytes, Object::DataObject)?, bytes));
    }
    let row = |tag: u16| tag::name(tag).map(|name| [format!("{tag:02X}"), name.to_owned()]);
    let tags: Vec<[String; 2]> = [
        tag::APPLICATION_TEMPLATE,
        tag::APPLICATION_IDENTIFIER,
        tag::APPLICATION_LABEL,
        tag::CONTROL,
        tag::FILE_SIZE,
        tag::FILE_DESCRIPTOR,
        tag::FILE_IDENTIFIER,
        tag::FILE_NAME,
        tag::SHORT_IDENTIFIER,
        tag::PROPRIETARY,
        tag::STATUS_BLOCK,
        tag::PIN_TRIES,
        tag::LOG_FORMAT,
        tag::CERTIFICATE,
        tag::CERTIFICATE_BODY,
        tag::CERTIFICATE_SIGNATURE,
    ]
    .into_iter()
    .filter_map(row)
    .collect();
    text.paragraph("Tags:").table(["tag", "data object"], &tags);
    let fields: Vec<[String; 2]> = LOG_FORMAT
        .iter()
        .filter_map(|tag| tag::log_field(*tag).map(|name| [format!("{tag:02X}"), name.to_owned()]))
        .collect();
    text.paragraph(&format!(
        "In the log format ({}) each field of a record has a tag and its length:",
        hexadecimal(&TAG_LOG_FORMAT)
    ));
    text.table(["tag", "field of a record"], &fields);
    Ok(())
}
