//! A card's file on disk: its lock, its seal, and writing through.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::Model;
use super::content::{self, Layout};
use super::error::VirtualCardError;
use super::header::{self, BODY_OFFSET, SEAL_OFFSET, Seal};
use crate::simulated_memory::SimulatedMemory;

/// An open and locked file of a card.
#[derive(Debug)]
pub(super) struct Image {
    path: PathBuf,
    file: File,
    model: Model,
    /// The file is marked as in use.
    in_use: bool,
}

impl Image {
    /// A file that appears whole or not at all, its seal closed, readable by its owner alone.
    pub(super) fn create(
        path: &Path,
        model: Model,
        memory: &SimulatedMemory,
    ) -> Result<Self, VirtualCardError> {
        let failed = || VirtualCardError::io(path);
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut temporary = tempfile::NamedTempFile::new_in(directory).map_err(failed())?;
        let file = temporary.as_file_mut();
        file.write_all(&content::emit(&model, memory)).map_err(failed())?;
        file.sync_all().map_err(failed())?;
        // Nobody else can have it yet, so this lock is ours before the file has its name.
        lock(file, path)?;
        let file = temporary.persist_noclobber(path).map_err(|error| failed()(error.error))?;
        sync_directory(directory).map_err(failed())?;
        Ok(Self { path: path.to_owned(), file, model, in_use: false })
    }

    /// Opens, locks and checks. A file that is not whole is not written to.
    pub(super) fn open(path: &Path) -> Result<(Self, SimulatedMemory), VirtualCardError> {
        let mut file =
            OpenOptions::new().read(true).write(true).open(path).map_err(VirtualCardError::io(path))?;
        lock(&file, path)?;
        let (model, seal, memory) = read(&mut file, path)?;
        Ok((Self { path: path.to_owned(), file, model, in_use: seal == Seal::InUse }, memory))
    }

    /// What a file holds, checked like [`Self::open`], which may look at the same time as others who only look.
    pub(super) fn look(path: &Path) -> Result<(Model, SimulatedMemory), VirtualCardError> {
        let mut file = File::open(path).map_err(VirtualCardError::io(path))?;
        locked(file.try_lock_shared(), path)?;
        let (model, _, memory) = read(&mut file, path)?;
        Ok((model, memory))
    }

    pub(super) const fn model(&self) -> Model {
        self.model
    }

    /// Writes bytes of these units, and their begun bits, through to the disk. A program's bits come first: a kill
    /// between the two is then an interrupted program. An erase's come last: only a completed one makes blank.
    pub(super) fn write_through(
        &mut self,
        memory: &SimulatedMemory,
        units: Range<usize>,
        erased: bool,
    ) -> std::io::Result<()> {
        self.mark_in_use()?;
        if erased {
            self.write_bytes(memory, &units)?;
            self.write_begun(memory, &units)
        } else {
            self.write_begun(memory, &units)?;
            self.write_bytes(memory, &units)
        }
    }

    /// Before the first write: from now on the check is not that of the content.
    fn mark_in_use(&mut self) -> std::io::Result<()> {
        if !self.in_use {
            self.write(SEAL_OFFSET, &Seal::InUse.emit())?;
            self.in_use = true;
        }
        Ok(())
    }

    /// Seals a file that was written to; one that was not is left as it is.
    pub(super) fn close(&mut self) -> Result<(), VirtualCardError> {
        if !self.in_use {
            return Ok(());
        }
        let failed = VirtualCardError::io(&self.path);
        self.seal().map_err(failed)
    }

    fn seal(&mut self) -> std::io::Result<()> {
        // What the file holds counts, not what it should hold.
        let mut body = Vec::with_capacity(Layout::of(self.model.geometry).end - BODY_OFFSET);
        self.file.seek(SeekFrom::Start(BODY_OFFSET as u64))?;
        self.file.read_to_end(&mut body)?;
        let check = header::check(&header::emit(&self.model), &body);
        self.write(SEAL_OFFSET, &Seal::Clean(check).emit())?;
        self.in_use = false;
        Ok(())
    }

    fn write_begun(&mut self, memory: &SimulatedMemory, units: &Range<usize>) -> std::io::Result<()> {
        // Whole bytes: the neighbours' bits in them are as the file has them already.
        let bytes = units.start / 8..units.end.div_ceil(8);
        let bits = content::pack(memory.begun().chunks(8).skip(bytes.start).take(bytes.len()));
        self.write((BODY_OFFSET + bytes.start) as u64, &bits)
    }

    fn write_bytes(&mut self, memory: &SimulatedMemory, units: &Range<usize>) -> std::io::Result<()> {
        let Layout { pages, .. } = Layout::of(self.model.geometry);
        let unit = self.model.geometry.unit;
        let range = units.start * unit..units.end * unit;
        let bytes = memory.bytes().get(range.clone()).unwrap_or(&[]);
        self.write((pages + range.start) as u64, bytes)
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) -> std::io::Result<()> {
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.write_all(bytes)?;
        self.file.sync_data()
    }
}

/// Reads and checks a whole file.
fn read(file: &mut File, path: &Path) -> Result<(Model, Seal, SimulatedMemory), VirtualCardError> {
    let length = file.metadata().map_err(VirtualCardError::io(path))?.len();
    content::read(file, length, path)
}

fn lock(file: &File, path: &Path) -> Result<(), VirtualCardError> {
    locked(file.try_lock(), path)
}

fn locked(result: Result<(), TryLockError>, path: &Path) -> Result<(), VirtualCardError> {
    result.map_err(|error| match error {
        TryLockError::WouldBlock => VirtualCardError::InUse(path.to_owned()),
        TryLockError::Error(error) => VirtualCardError::io(path)(error),
    })
}

/// A new name in a directory is durable once the directory is; where directories cannot be opened it is anyway.
fn sync_directory(directory: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}
