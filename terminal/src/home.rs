//! A home: the directory with a scheme, its issuer's ledger and its virtual cards.
//!
//! It is made as a whole in a directory beside its place and then renamed, so that a kill at any moment leaves either
//! no home or a complete one. Everything in it is written through by whoever writes it, so that a program
//! that is interrupted (Ctrl-C, a kill) has nothing to tidy up and needs no signal handler.

use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

/// Ending of a card's file.
const CARD_ENDING: &str = "purse";
/// Longest name of a card.
const LONGEST_NAME: usize = 64;

/// Why a home cannot be found or made.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// No data directory on this system.
    #[error("this system has no data directory for the user: {0}")]
    NoDataDirectory(#[from] etcetera::HomeDirError),
    /// There is one already, or something else.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// There is none.
    #[error("there is no purse home at {}", .0.display())]
    Missing(PathBuf),
    /// Another program is making it.
    #[error("another program is making {}", .0.display())]
    Busy(PathBuf),
    /// The file system.
    #[error("{}: {}", .0.display(), .1)]
    System(PathBuf, #[source] io::Error),
    /// A card's name that could lead out of the home or hide in it.
    #[error("`{0}` is not a card's name: letters, digits, `-` and `_` make one, at most 64")]
    Name(String),
}

/// Paths of a home. Nothing is kept open here.
#[derive(Clone, Debug)]
pub struct Home {
    directory: PathBuf,
}

impl Home {
    /// The place of the home if nobody names another: `purse` in the user's data directory.
    pub fn default_directory() -> Result<PathBuf, HomeError> {
        Ok(etcetera::choose_base_strategy()?.data_dir().join("purse"))
    }

    /// A home that has been made.
    pub fn open(directory: PathBuf) -> Result<Self, HomeError> {
        let home = Self { directory };
        match home.scheme().try_exists() {
            Ok(true) => Ok(home),
            Ok(false) => Err(HomeError::Missing(home.directory)),
            Err(error) => Err(HomeError::System(home.directory, error)),
        }
    }

    /// Makes a home: `build` fills a new directory of mode 0700, which then takes its place. An empty directory there
    /// is replaced; anything else stays as it is and is an error.
    pub fn create<T, E: From<HomeError>>(
        directory: &Path,
        build: impl FnOnce(&Self) -> Result<T, E>,
    ) -> Result<(Self, T), E> {
        let system = |error| HomeError::System(directory.to_owned(), error);
        ensure_free(directory)?;
        let absolute = std::path::absolute(directory).map_err(system)?;
        let (Some(parent), Some(name)) = (absolute.parent(), absolute.file_name()) else {
            return Err(HomeError::Exists(directory.to_owned()).into());
        };
        fs::create_dir_all(parent).map_err(system)?;
        let workshop = parent.join(format!(".{}.init", name.to_string_lossy()));
        let lock = claim(&workshop, directory)?;
        let result = build(&Self { directory: workshop.clone() });
        let value = match result {
            Ok(value) => value,
            Err(error) => {
                // What was begun is of no use to anybody; that it stays behind is not worth a second error.
                let _ = fs::remove_dir_all(&workshop);
                return Err(error);
            }
        };
        synchronise(&workshop).map_err(system)?;
        ensure_free(directory)?;
        fs::rename(&workshop, &absolute).map_err(system)?;
        synchronise_directory(parent).map_err(system)?;
        drop(lock);
        Ok((Self { directory: directory.to_owned() }, value))
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Keeps other programs from changing what the home has only once: its scheme, and which cards are being issued.
    /// Waits for the one that has it; the lock goes with the file, and with the program.
    pub fn lock(&self) -> Result<File, HomeError> {
        let lock = File::open(&self.directory).and_then(|file| file.lock().map(|()| file));
        lock.map_err(|error| HomeError::System(self.directory.clone(), error))
    }

    /// Currency, limits and keys.
    pub fn scheme(&self) -> PathBuf {
        self.directory.join("scheme.toml")
    }

    /// The issuer's ledger.
    pub fn issuer(&self) -> PathBuf {
        self.directory.join("issuer.db")
    }

    /// The directory of the card files.
    pub fn cards_directory(&self) -> PathBuf {
        self.directory.join("cards")
    }

    /// The directory of the markers of what is under way; it is there once money has moved.
    pub fn pending_directory(&self) -> PathBuf {
        self.directory.join("pending")
    }

    /// The list of purses that are not taken; it is there once one was made or imported.
    pub fn hot_list(&self) -> PathBuf {
        self.directory.join("hot-list")
    }

    /// The directory of the transfer that goes on with one reader; it is there once one did.
    pub fn letters_directory(&self) -> PathBuf {
        self.directory.join("letters")
    }

    /// The directory of what says which cards are in readers; it is there once one was.
    pub fn served_directory(&self) -> PathBuf {
        self.directory.join("served")
    }

    /// The file of a card, whether it is there or not.
    pub fn card(&self, name: &str) -> Result<PathBuf, HomeError> {
        let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if letters && !name.starts_with('-') && (1..=LONGEST_NAME).contains(&name.len()) {
            Ok(self.cards_directory().join(name).with_extension(CARD_ENDING))
        } else {
            Err(HomeError::Name(name.to_owned()))
        }
    }

    /// The names of all cards, sorted.
    pub fn cards(&self) -> Result<Vec<String>, HomeError> {
        let directory = self.cards_directory();
        let system = |error| HomeError::System(directory.clone(), error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&directory).map_err(system)? {
            let path = entry.map_err(system)?.path();
            let name = path.file_stem().and_then(|stem| stem.to_str());
            if let (Some(name), Some(CARD_ENDING)) = (name, path.extension().and_then(|end| end.to_str()))
                && self.card(name).is_ok()
            {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }
}

/// Nothing, or an empty directory, may be where a home is to be.
fn ensure_free(directory: &Path) -> Result<(), HomeError> {
    match fs::read_dir(directory).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(HomeError::Exists(directory.to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            Err(HomeError::Exists(directory.to_owned()))
        }
        Err(error) => Err(HomeError::System(directory.to_owned(), error)),
    }
}

/// Makes the directory that the home is built in, or takes over the one that a killed program left. The lock is held
/// as long as the file lives, and goes with the program.
fn claim(workshop: &Path, directory: &Path) -> Result<File, HomeError> {
    let system = |error| HomeError::System(workshop.to_owned(), error);
    match private_directory(workshop) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(system(error)),
        _ => {}
    }
    let lock = File::open(workshop).map_err(system)?;
    lock.try_lock().map_err(|_| HomeError::Busy(directory.to_owned()))?;
    for entry in fs::read_dir(workshop).map_err(system)? {
        let path = entry.map_err(system)?.path();
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.map_err(system)?;
    }
    Ok(lock)
}

/// Makes a directory that only its owner may enter.
pub fn private_directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Writes a new file that only its owner may read, through to the disk.
pub fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = new_private(path)?;
    io::Write::write_all(&mut file, content)?;
    file.sync_all()
}

fn new_private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A new file that only its owner may read, whose place is taken before there is anything to write. One that is never
/// written is removed again.
#[derive(Debug)]
pub struct NewFile {
    path: PathBuf,
    file: Option<File>,
}

impl NewFile {
    /// Takes the place. A file that is there is left as it is.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), file: Some(new_private(path)?) })
    }

    /// Where it is to be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Through to the disk.
    pub fn write(mut self, content: &[u8]) -> io::Result<()> {
        let Some(mut file) = self.file.take() else { return Ok(()) };
        io::Write::write_all(&mut file, content).and_then(|()| file.sync_all()).inspect_err(|_| {
            // Half of it is worse than nothing.
            let _ = fs::remove_file(&self.path);
        })
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if self.file.is_some() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Puts a file that only its owner may read in the place of what is there, if anything: whole, or not at all.
pub fn replace_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let directory = path.parent().ok_or(ErrorKind::InvalidInput)?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    io::Write::write_all(&mut file, content)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    synchronise_directory(directory)
}

/// Brings all files below a directory, and the directories themselves, to the disk.
fn synchronise(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() { synchronise(&path)? } else { File::open(&path)?.sync_all()? }
    }
    synchronise_directory(directory)
}

/// Brings a directory's entries to the disk, where the system can.
pub fn synchronise_directory(directory: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_there_as_a_whole_or_not_at_all() {
        let parent = tempfile::tempdir().unwrap();
        let place = parent.path().join("home");
        let failed: Result<(Home, ()), HomeError> = Home::create(&place, |home| {
            write_private(&home.scheme(), b"half").unwrap();
            Err(HomeError::Name("x".to_owned()))
        });
        assert!(failed.is_err() && fs::read_dir(parent.path()).unwrap().next().is_none());

        // What a killed program left behind is not in the way.
        private_directory(&parent.path().join(".home.init")).unwrap();
        write_private(&parent.path().join(".home.init").join("scheme.toml"), b"left").unwrap();
        let build = |home: &Home| {
            private_directory(&home.cards_directory()).unwrap();
            write_private(&home.card("b").unwrap(), b"").unwrap();
            write_private(&home.card("a").unwrap(), b"").unwrap();
            write_private(&home.scheme(), b"whole").map_err(|error| HomeError::System(home.scheme(), error))
        };
        let (home, ()) = Home::create(&place, build).unwrap();
        assert_eq!(fs::read(home.scheme()).unwrap(), b"whole");
        assert_eq!(home.cards().unwrap(), ["a", "b"]);
        assert!(Home::open(place.clone()).is_ok());
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);

        let again: Result<(Home, ()), HomeError> = Home::create(&place, |_| panic!("it exists"));
        assert!(matches!(again, Err(HomeError::Exists(_))));
    }

    #[test]
    fn an_empty_directory_becomes_a_home_and_a_file_does_not() {
        let parent = tempfile::tempdir().unwrap();
        let build = |home: &Home| -> Result<(), HomeError> {
            write_private(&home.scheme(), b"").map_err(|error| HomeError::System(home.scheme(), error))
        };
        let place = parent.path().join("empty");
        fs::create_dir(&place).unwrap();
        Home::create(&place, build).unwrap();
        let file = parent.path().join("file");
        fs::write(&file, b"mine").unwrap();
        assert!(matches!(Home::create(&file, build), Err(HomeError::Exists(_))));
        assert_eq!(fs::read(&file).unwrap(), b"mine");
    }

    #[test]
    fn names_stay_in_the_home() {
        let home = Home { directory: PathBuf::from("/home") };
        for name in ["card", "my-card_2", "A"] {
            assert!(home.card(name).is_ok(), "{name}");
        }
        for name in ["", ".", "..", "a/b", "../x", ".hidden", "-x", "a b", "é", "a.purse", &"x".repeat(65)] {
            assert!(home.card(name).is_err(), "{name}");
        }
    }
}
