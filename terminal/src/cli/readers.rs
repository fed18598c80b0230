//! `readers`, and what every command does that is given a reader.

#[cfg(feature = "pcsc")]
use std::time::Duration;

#[cfg(feature = "pcsc")]
use purse_terminal::reader::answer_to_reset::AnswerToReset;
#[cfg(feature = "pcsc")]
use purse_terminal::reader::{Connect, Holder, InReader, Occupancy, Reader, Service, Sharing, Waiting};
#[cfg(feature = "pcsc")]
use purse_terminal::transport::TransportError;
#[cfg(feature = "pcsc")]
use serde_json::json;

use super::failure::Failure;
#[cfg(feature = "pcsc")]
use super::output::Console;
use super::output::Reply;
#[cfg(feature = "pcsc")]
use super::patience::while_busy;
#[cfg(feature = "pcsc")]
use super::view::table;

/// The reader that is meant, with a card in it.
#[cfg(feature = "pcsc")]
pub(crate) fn find(wanted: &str, except: Option<&str>, wait: Option<u64>) -> Result<String, Failure> {
    let waiting = wait.map_or(Waiting::Not, |seconds| Waiting::For(Duration::from_secs(seconds)));
    let tell = |names: &str| Console::say(&format!("waiting for a card in {names}"));
    Ok(Service::connect().and_then(|service| service.find(wanted, except, waiting, tell))?)
}

/// The way to the card in this reader.
#[cfg(feature = "pcsc")]
pub(crate) fn connect(reader: &str, exclusive: bool) -> Result<InReader, Failure> {
    let sharing = if exclusive { Sharing::Exclusive } else { Sharing::Shared };
    let connect = Connect { sharing, ..Connect::default() };
    // Most commands take a fraction of a second, and the service needs a moment to notice their end.
    let connected =
        while_busy(|| InReader::connect(reader, connect), |error| matches!(error, TransportError::InUse(_)));
    Ok(connected?)
}

/// `readers`
#[cfg(feature = "pcsc")]
pub(crate) fn readers() -> Result<Reply, Failure> {
    let readers = Service::connect().and_then(|service| service.readers())?;
    if readers.is_empty() {
        return Ok(Reply::new("there is no reader; `purse doctor` tells more", json!({ "readers": [] })));
    }
    let mut table = table(&["reader", "card", "protocol", "held by", "answer to reset"], &[]);
    let mut documents = Vec::new();
    for reader in &readers {
        let shown = Shown::new(reader);
        table.add_row([
            reader.name.clone(),
            shown.card.to_owned(),
            shown.protocol.clone(),
            shown.holder.to_owned(),
            shown.answer_to_reset.clone(),
        ]);
        documents.push(shown.document(&reader.name));
    }
    Ok(Reply::new(table.trim_fmt(), json!({ "readers": documents })))
}

/// A reader in words.
#[cfg(feature = "pcsc")]
struct Shown {
    card: &'static str,
    protocol: String,
    holder: &'static str,
    answer_to_reset: String,
}

#[cfg(feature = "pcsc")]
impl Shown {
    fn new(reader: &Reader) -> Self {
        let bare = |card| Self { card, protocol: String::new(), holder: "", answer_to_reset: String::new() };
        match &reader.occupancy {
            Occupancy::Empty => bare("none"),
            Occupancy::Mute => bare("mute"),
            Occupancy::Unavailable => bare("reader unplugged"),
            Occupancy::Card { answer_to_reset, holder } => {
                let parsed = AnswerToReset::parse(answer_to_reset);
                Self {
                    card: if parsed.as_ref().is_some_and(AnswerToReset::is_purse) {
                        "purse"
                    } else {
                        "another"
                    },
                    protocol: parsed.map_or_else(String::new, |parsed| parsed.protocols_in_words()),
                    holder: match holder {
                        Holder::Nobody => "nobody",
                        Holder::Shared => "others, shared",
                        Holder::Exclusive => "another alone",
                    },
                    answer_to_reset: hex::encode_upper(answer_to_reset),
                }
            }
        }
    }

    fn document(&self, name: &str) -> serde_json::Value {
        json!({
            "name": name,
            "card": self.card,
            "protocol": self.protocol,
            "holder": self.holder,
            "answer_to_reset": self.answer_to_reset,
        })
    }
}

#[cfg(not(feature = "pcsc"))]
pub(crate) fn find(_: &str, _: Option<&str>, _: Option<u64>) -> Result<String, Failure> {
    Err(Failure::no_readers())
}

#[cfg(not(feature = "pcsc"))]
pub(crate) fn readers() -> Result<Reply, Failure> {
    Err(Failure::no_readers())
}
