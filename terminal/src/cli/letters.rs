//! The letter of a transfer that goes on with one reader: one file in the home, which is replaced whole.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::PathBuf;

use purse_terminal::flow::letter::Letter;
use purse_terminal::home::{Home, private_directory, replace_private, synchronise_directory};
use serde_json::json;

use super::failure::{Failure, IN_FLIGHT};
use super::output::Reply;

/// The file of the one transfer that a home has under way.
const NAME: &str = "transfer";

/// What is under way, held by one program at a time.
pub(crate) struct Letters {
    directory: PathBuf,
    _lock: File,
}

impl Letters {
    /// # Errors
    /// The directory, or another program that goes on with the same transfer.
    pub(crate) fn open(home: &Home) -> Result<Self, Failure> {
        let directory = home.letters_directory();
        let failed = |error: &std::io::Error| Failure::file(&directory, error);
        match private_directory(&directory) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(failed(&error)),
            _ => {}
        }
        let lock = File::open(&directory).map_err(|error| failed(&error))?;
        lock.try_lock().map_err(|_| {
            Failure::other("another `purse transfer --taps` is running here", "Wait until it has ended.")
        })?;
        Ok(Self { directory, _lock: lock })
    }

    fn path(&self) -> PathBuf {
        self.directory.join(NAME)
    }

    /// The last letter; none where nothing is under way.
    pub(crate) fn current(&self) -> Result<Option<Letter>, Failure> {
        let path = self.path();
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            text => text.map_err(|error| Failure::file(&path, &error))?,
        };
        let letter = Letter::parse(&text).map_err(|error| {
            Failure::other(
                format!("{}: no letter: {error}", path.display()),
                "Run `purse transfer --taps --abandon`; what the payer's card has debited is in its log.",
            )
            .with_money(IN_FLIGHT)
        });
        letter.map(Some)
    }

    /// Through to the disk.
    pub(crate) fn keep(&self, letter: &Letter) -> Result<(), Failure> {
        let path = self.path();
        replace_private(&path, format!("{}\n", letter.text()).as_bytes())
            .map_err(|error| Failure::file(&path, &error))
    }

    /// It is over.
    pub(crate) fn forget(&self) -> Result<(), Failure> {
        let path = self.path();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Failure::file(&path, &error)),
            _ => {
                synchronise_directory(&self.directory).map_err(|error| Failure::file(&self.directory, &error))
            }
        }
    }

    /// `transfer --taps --abandon`
    pub(crate) fn abandon(&self) -> Result<Reply, Failure> {
        let current = self.current();
        self.forget()?;
        let goes_on = |payer: &str| {
            format!(
                "forgotten; if {payer} has debited it, `purse proof export` with the payee's card and `purse proof \
                 import` with the payer's go on with it"
            )
        };
        let (text, abandoned) = match current {
            // Whatever it was.
            Err(_) => (goes_on("the payer's card"), Some("unknown")),
            Ok(None) => ("no transfer was under way".to_owned(), None),
            Ok(Some(letter)) => {
                let text = match letter.pay_details() {
                    Some(pay_details) => goes_on(&format!("the card of {}", pay_details.from)),
                    None => "forgotten; nothing had moved".to_owned(),
                };
                (text, Some(letter.content.name()))
            }
        };
        Ok(Reply::new(text, json!({ "abandoned": abandoned })))
    }
}
