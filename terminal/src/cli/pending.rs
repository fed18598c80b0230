//! What is under way with which card, kept in the home: whoever finds such a marker finishes what it stands for first.
//!
//! A purchase whose response was lost is beyond proof once its record has left the purse's log, so it has to be brought
//! to its end before the purse pays again (section 7, "Log window"). Before a command that moves money first touches
//! its cards it writes `pending/NUMBER` for each of them, through to the disk, and removes them when the outcome
//! is certain. A command that is killed, or ends without knowing, leaves them.
//!
//! A marker is locked as long as its command runs: one that can be locked and is not empty was left behind.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use apdu_spec::element::{Sequence, Time};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use purse_terminal::amount::Money;
use purse_terminal::home::{private_directory, synchronise_directory};
use purse_terminal::hot_list::digits;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::context::Context;
use super::failure::{ExitCode, Failure};
use super::hot_list::refuse_listed;
use super::output::{Console, Reply};
use super::patience::while_busy;
use super::place::Place;
use super::recovery;

/// What a marker says of its command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// Its name.
    pub(crate) command: String,
    /// Minor units; none for a collection.
    pub(crate) amount: Option<u32>,
    /// Of this currency, by its letters.
    #[serde(default)]
    pub(crate) currency: Option<String>,
    /// What it is to become in an exchange.
    #[serde(default)]
    pub(crate) into: Option<String>,
    /// When it began, by the terminal's clock.
    pub(crate) time: u32,
    /// The numbers of its cards, each with the sequence that it had come to.
    #[serde(default)]
    pub(crate) cards: BTreeMap<String, u32>,
}

impl Note {
    pub(crate) fn new(command: &str, money: Option<Money>, time: Time) -> Self {
        Self {
            command: command.to_owned(),
            amount: money.map(|money| money.amount.0),
            currency: money.map(|money| money.denomination.code().to_owned()),
            into: None,
            time: time.0,
            cards: BTreeMap::new(),
        }
    }
}

impl Note {
    fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    fn is_same_as(&self, other: &Self) -> bool {
        // The same payment by another card is another payment. A collection repeated takes what is still there.
        self.amount.is_some()
            && self.command == other.command
            && self.amount == other.amount
            && (&self.currency, &self.into) == (&other.currency, &other.into)
            && self.cards.keys().eq(other.cards.keys())
    }

    fn done_before(&self) -> Reply {
        let command = &self.command;
        let text = format!(
            "the interrupted `purse {command}` was done: nothing more has moved; run it again to do it once more"
        );
        Reply::new(text, json!({ "interrupted": [{ "command": command, "outcome": "done" }] }))
    }
}

/// Whether an error leaves open what has happened.
pub(crate) trait Outcome {
    fn is_unknown(&self) -> bool;
}

impl Outcome for Failure {
    fn is_unknown(&self) -> bool {
        self.exit == ExitCode::OutcomeUnknown
    }
}

/// The markers of a command, locked. Dropping them leaves them where they are.
pub(crate) struct Pending {
    markers: Vec<Marker>,
}

struct Marker {
    number: PartyNumber,
    /// The card's next.
    sequence: Sequence,
    place: Place,
    path: PathBuf,
    file: File,
    /// Written by a command that has not come to its end; its note, if it can be read.
    left: bool,
    note: Option<Note>,
}

/// Moves money under markers: recovers first what an earlier command has left, and leaves the markers if the
/// outcome is unknown. If that earlier command was this very one and turns out to have been done, that is the answer:
/// who repeats a payment after an error does not pay twice.
pub(crate) fn under<E: Outcome + From<Failure>>(
    context: &Context,
    cards: &[&Place],
    note: &Note,
    work: impl FnOnce() -> Result<Reply, E>,
) -> Result<Reply, E> {
    let mut pending = Pending::take(context, cards)?;
    let note = &Note { cards: pending.cards(), ..note.clone() };
    if pending.finish_left(context, cards)? {
        let same = pending.notes().map(|(_, left)| left).find(|left| left.is_same_as(note));
        if same.is_some_and(|left| pending.has_happened(context, left) == Some(true)) {
            pending.remove();
            return Ok(note.done_before());
        }
    }
    pending.write(note)?;
    let result = work();
    if !result.as_ref().is_err_and(Outcome::is_unknown) {
        pending.remove();
    }
    result
}

/// Finishes what an earlier command has left with this card. For what moves money by letter and needs no marker of its own,
/// since an open transfer never leaves the payer's log: its records push others out all the same.
pub(crate) fn finish_left(context: &Context, card: &Place) -> Result<(), Failure> {
    let pending = Pending::take(context, &[card])?;
    if pending.finish_left(context, &[card])? {
        pending.remove();
    }
    Ok(())
}

impl Pending {
    /// Finishes what an earlier command has left, if one has. Whether one had.
    fn finish_left(&self, context: &Context, cards: &[&Place]) -> Result<bool, Failure> {
        let Some(what) = self.left() else { return Ok(false) };
        // A recovery leaves a listed purse out, so its marker stays.
        self.markers.iter().try_for_each(|marker| refuse_listed(context, marker.number))?;
        Console::say(&format!("note: an earlier {what} was interrupted; finishing that first"));
        recovery::before_money_moves(context, cards)?;
        Ok(true)
    }

    /// Locks the markers of these cards, in an order that all follow. A blank card has none: it moves no money.
    pub(crate) fn take(context: &Context, cards: &[&Place]) -> Result<Self, Failure> {
        // By number: a card is the same in a file and in a reader.
        let mut wanted = BTreeMap::new();
        for place in context.sam_first(cards) {
            let (number, _) = context.identify(place)?;
            wanted.insert(number, place.clone());
        }
        wanted.remove(&PartyNumber::default());
        let directory = context.home.pending_directory();
        match private_directory(&directory) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(Failure::file(&directory, &error));
            }
            _ => {}
        }
        let take = |(number, place): (PartyNumber, Place)| {
            Marker::take(context, number, place, directory.join(number.to_string()))
        };
        let mut markers = wanted.into_iter().map(take).collect::<Result<Vec<_>, _>>()?;
        for marker in &mut markers {
            // Only now does nobody else move it on.
            marker.sequence = context.identify(&marker.place)?.1;
        }
        Ok(Self { markers })
    }

    /// These places, and the home's other cards of the commands that were interrupted with them: what they stand for is
    /// finished for all of its cards at once.
    pub(crate) fn with_companions(context: &Context, places: &[&Place]) -> Result<Vec<Place>, Failure> {
        let directory = context.home.pending_directory();
        let left =
            |number: &str| -> Option<Note> { Note::read(&fs::read_to_string(directory.join(number)).ok()?) };
        let mut all: Vec<Place> = places.iter().map(|place| (*place).clone()).collect();
        for place in places {
            let number = context.identify(place)?.0.to_string();
            let Some(note) = left(&number) else { continue };
            for other in note.cards.keys().filter(|other| **other != number) {
                // It may have another one by now.
                if left(other).as_ref() != Some(&note) {
                    continue;
                }
                let Some(number) = digits(other) else { continue };
                // Another program may have it.
                let found = context.place_of(number)?.filter(|found| context.identify(found).is_ok());
                all.extend(found.filter(|found| !all.contains(found)));
            }
        }
        Ok(all)
    }

    /// Whether a command has left any, and which it was.
    fn left(&self) -> Option<String> {
        let marker = self.markers.iter().find(|marker| marker.left)?;
        let command = marker.note.as_ref().map(|note| format!("`purse {}`", note.command));
        Some(command.unwrap_or_else(|| "command".to_owned()))
    }

    /// The places of the cards with markers that were left, and what these say.
    pub(crate) fn notes(&self) -> impl Iterator<Item = (&Place, &Note)> {
        self.markers.iter().filter_map(|marker| Some((&marker.place, marker.note.as_ref()?)))
    }

    /// Whether what a command began is in the log of each of its cards that is here. None of them is believed alone: a
    /// purse that nobody has made would say that it has paid; and a payee that has nothing does not say that nobody has
    /// paid it. None where that cannot be told.
    pub(crate) fn has_happened(&self, context: &Context, note: &Note) -> Option<bool> {
        let is_its = |marker: &&Marker| note.cards.contains_key(&marker.number.to_string());
        let mut happened = None;
        for marker in self.markers.iter().filter(is_its) {
            happened = Some(
                recovery::has_happened(context, &marker.place, marker.number, note)?
                    && happened.unwrap_or(true),
            );
        }
        happened.filter(|happened| *happened || !self.lacks(note))
    }

    /// Whether one of the cards of this command is not here.
    pub(crate) fn lacks(&self, note: &Note) -> bool {
        let is_here = |card: &String| self.markers.iter().any(|marker| marker.number.to_string() == *card);
        !note.cards.keys().all(is_here)
    }

    fn cards(&self) -> BTreeMap<String, u32> {
        self.markers.iter().map(|marker| (marker.number.to_string(), marker.sequence.0)).collect()
    }

    fn write(&mut self, note: &Note) -> Result<(), Failure> {
        let text = serde_json::to_string(note).unwrap_or_default() + "\n";
        for Marker { path, file, .. } in &mut self.markers {
            // Never empty in between: a longer note's rest does no harm, an empty marker would.
            file.seek(SeekFrom::Start(0))
                .and_then(|_| file.write_all(text.as_bytes()))
                .and_then(|()| file.set_len(text.len() as u64))
                .and_then(|()| file.sync_all())
                .map_err(|error| Failure::file(path, &error))?;
        }
        if let Some(directory) = self.markers.first().and_then(|marker| marker.path.parent()) {
            let home = directory.parent().unwrap_or(directory);
            synchronise_directory(directory)
                .and_then(|()| synchronise_directory(home))
                .map_err(|error| Failure::file(directory, &error))?;
        }
        Ok(())
    }

    /// The outcome is certain. A marker that stays all the same only costs the next command a look at the cards.
    pub(crate) fn remove(self) {
        for marker in &self.markers {
            let _ = fs::remove_file(&marker.path);
        }
    }
}

impl Drop for Marker {
    fn drop(&mut self) {
        // One that was locked but not written stands for nothing.
        if !self.left
            && self.file.metadata().is_ok_and(|found| found.len() == 0)
            && is_at(&self.file, &self.path)
        {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Marker {
    fn take(context: &Context, number: PartyNumber, place: Place, path: PathBuf) -> Result<Self, Failure> {
        let is_busy = |error: &std::io::Error| error.kind() == ErrorKind::WouldBlock;
        let locked = match lock(&path) {
            Err(error) if is_busy(&error) => {
                // Whoever has the marker wants the card.
                context.release_parked();
                while_busy(|| lock(&path), is_busy)
            }
            locked => locked,
        };
        let mut file = locked.map_err(|error| match error.kind() {
            ErrorKind::WouldBlock => Failure::in_use(&place),
            _ => Failure::file(&path, &error),
        })?;
        let mut text = String::new();
        let read = file.read_to_string(&mut text);
        let left = read.is_err() || !text.is_empty();
        Ok(Self { number, sequence: Sequence(0), place, path, file, left, note: Note::read(&text) })
    }
}

/// A transfer has come to its end without the command that began it: its markers stand for nothing any more. Those that
/// somebody has are left to him.
pub(crate) fn ended(context: &Context, pay_details: &PayDetails) {
    let directory = context.home.pending_directory();
    let parties = [pay_details.from, pay_details.to].map(|party| party.to_string());
    for path in parties.iter().map(|party| directory.join(party)).filter(|path| path.exists()) {
        let Ok(mut file) = lock(&path) else { continue };
        let mut text = String::new();
        let Some(note) = file.read_to_string(&mut text).ok().and_then(|_| Note::read(&text)) else {
            continue;
        };
        if note.command == "transfer"
            && note.time == pay_details.time.0
            && parties.iter().all(|party| note.cards.contains_key(party))
        {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Opens and locks a marker. The command that had it before may have removed it in between.
fn lock(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    file.try_lock()?;
    if is_at(&file, path) { Ok(file) } else { Err(ErrorKind::WouldBlock.into()) }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let same = |a: &fs::Metadata, b: &fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    matches!((file.metadata(), fs::metadata(path)), (Ok(a), Ok(b)) if same(&a, &b))
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}
