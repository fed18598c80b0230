//! Which cards of the home are in readers: `served/NAME` for each, locked by the `purse card serve` that has the card.
//! One that nobody has locked was left behind by a program that was killed, and says nothing.

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use apdu_spec::number::PartyNumber;
use purse_terminal::home::{Home, private_directory};
use serde::{Deserialize, Serialize};

use super::failure::{ExitCode, Failure};
use super::place::Place;

/// A card in a reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Served {
    /// Its name in the home; the name of the file, so not in it.
    #[serde(skip)]
    pub(crate) name: String,
    /// 16 digits; none for a blank card.
    pub(crate) number: Option<String>,
    /// The process that has it.
    pub(crate) pid: u32,
    /// Where that process meets vpcd.
    pub(crate) address: String,
}

/// The word of a running `card serve`; dropping it takes it back.
#[derive(Debug)]
pub(crate) struct Announcement {
    path: PathBuf,
    /// Locked as long as it is open.
    file: File,
}

/// Says something else in the place of a running announcement.
#[derive(Debug)]
pub(crate) struct Changer(File);

impl Changer {
    /// Whoever reads it in between finds no word at all, as if the card were not served yet.
    pub(crate) fn write(mut self, served: &Served) {
        // The card is served all the same if this fails.
        let _ = rewrite(&mut self.0, served);
    }
}

impl Announcement {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Another handle of the same file, with the same lock.
    pub(crate) fn changer(&self) -> std::io::Result<Changer> {
        Ok(Changer(self.file.try_clone()?))
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        // One that stays behind is not locked and says nothing.
        let _ = fs::remove_file(&self.path);
    }
}

/// Held while a slot is chosen and until that is said, so that two do not choose the same one. None where a directory
/// cannot be locked: then the second card finds out that nobody asks for it.
pub(crate) fn choosing(home: &Home) -> Option<File> {
    // An error shows when the word is written.
    let _ = private_directory(&home.served_directory());
    let directory = File::open(home.served_directory()).ok()?;
    directory.lock().ok()?;
    Some(directory)
}

/// Says that this card is in a reader. Whoever calls has the card's file, so nobody else says so of this card.
pub(crate) fn announce(home: &Home, served: &Served) -> Result<Announcement, Failure> {
    let directory = home.served_directory();
    match private_directory(&directory) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(Failure::file(&directory, &error));
        }
        _ => {}
    }
    let path = directory.join(&served.name);
    let file = write(&path, served).map_err(|error| Failure::file(&path, &error))?;
    Ok(Announcement { path, file })
}

fn write(path: &Path, served: &Served) -> std::io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    // Waits for nobody but another `purse` that looks at a stale one just now.
    file.lock()?;
    rewrite(&mut file, served)?;
    Ok(file)
}

fn rewrite(file: &mut File, served: &Served) -> std::io::Result<()> {
    let text = serde_json::to_string(served).unwrap_or_default() + "\n";
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(text.as_bytes())
}

/// The home's cards that are in readers now, sorted by name.
pub(crate) fn served(home: &Home) -> Vec<Served> {
    let entries = fs::read_dir(home.served_directory()).into_iter().flatten().flatten();
    let mut found: Vec<Served> = entries.filter_map(|entry| read(&entry.path())).collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// The name of the card with this number, if it is in a reader.
pub(crate) fn name_of(home: &Home, number: PartyNumber) -> Option<String> {
    let number = number.to_string();
    let found = served(home).into_iter().find(|served| served.number.as_ref() == Some(&number));
    found.map(|served| served.name)
}

/// What a locked one says.
fn read(path: &Path) -> Option<Served> {
    let name = path.file_name()?.to_str()?.to_owned();
    let mut file = File::open(path).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {}
        _ => return None,
    }
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    Some(Served { name, ..serde_json::from_str(&text).ok()? })
}

/// A card that cannot be opened because it is in a reader: says so. Any other failure stays as it is.
pub(crate) fn explained(home: &Home, name: &str, failure: Failure) -> Failure {
    if failure.message != Failure::in_use(&Place::file(name)).message {
        return failure;
    }
    match served(home).into_iter().find(|served| served.name == name) {
        Some(Served { pid, .. }) => Failure::new(
            ExitCode::NoCard,
            format!("card `{name}` is in a reader: `purse card serve` has it (process {pid})"),
            "Name its reader by --reader NAME, a SAM's by --sam-reader, a payee's by --to-reader; `purse readers` lists them.",
        ),
        None => failure,
    }
}
