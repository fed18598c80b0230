//! The memory of a virtual card: a [`SimulatedMemory`] that a file keeps, or none does.

use std::path::Path;

use purse_card::memory::{Geometry, Memory, MemoryFailure};

use super::Model;
use super::error::VirtualCardError;
use super::image::Image;
use crate::simulated_memory::{Cut, SimulatedMemory};

/// A memory that a file keeps: each operation is on disk before it is done. Closed when dropped.
#[derive(Debug)]
pub struct CardMemory {
    simulated: SimulatedMemory,
    image: Option<Image>,
    /// The file could not be written: it no longer holds what the card believes, so the card gets no further.
    failed: bool,
}

impl CardMemory {
    pub(super) const fn in_memory(simulated: SimulatedMemory) -> Self {
        Self { simulated, image: None, failed: false }
    }

    pub(super) fn create(path: &Path, model: Model) -> Result<Self, VirtualCardError> {
        let simulated = SimulatedMemory::new(model.geometry, 0);
        let image = Image::create(path, model, &simulated)?;
        Ok(Self { simulated, image: Some(image), failed: false })
    }

    pub(super) fn open(path: &Path) -> Result<(Self, Model), VirtualCardError> {
        let (image, simulated) = Image::open(path)?;
        let model = image.model();
        Ok((Self { simulated, image: Some(image), failed: false }, model))
    }

    /// A copy in RAM of what a file holds.
    pub(super) fn copy(path: &Path) -> Result<(Self, Model), VirtualCardError> {
        let (model, simulated) = Image::look(path)?;
        Ok((Self::in_memory(simulated), model))
    }

    /// The memory itself, to look at.
    pub const fn simulated(&self) -> &SimulatedMemory {
        &self.simulated
    }

    pub(super) const fn cut(&mut self, cut: Cut) {
        self.simulated.cut(cut);
    }

    pub(super) fn power_on(&mut self) {
        self.simulated.power_on();
    }

    pub(super) fn reset_counts(&mut self) {
        self.simulated.reset_counts();
    }

    /// A file that could not be written stays marked as in use.
    pub(super) fn close(&mut self) -> Result<(), VirtualCardError> {
        match &mut self.image {
            Some(image) if !self.failed => image.close(),
            _ => Ok(()),
        }
    }

    pub(super) fn abandon(&mut self) {
        self.image = None;
    }

    /// What the simulation has come to, also when it was cut, is written down before anybody goes on.
    fn keep(&mut self, page: usize, offset: usize, length: usize, erased: bool) -> Result<(), MemoryFailure> {
        let Geometry { unit, page_size, .. } = self.simulated.geometry();
        let Some(image) = &mut self.image else { return Ok(()) };
        let start = page * page_size + offset;
        let units = start / unit..(start + length).div_ceil(unit);
        image.write_through(&self.simulated, units, erased).map_err(|_| {
            self.failed = true;
            MemoryFailure::Write
        })
    }

    fn ready(&self) -> Result<(), MemoryFailure> {
        if self.failed || self.simulated.is_off() { Err(MemoryFailure::Write) } else { Ok(()) }
    }
}

impl Memory for CardMemory {
    fn geometry(&self) -> Geometry {
        self.simulated.geometry()
    }

    fn read(&self, page: usize, offset: usize, into: &mut [u8]) -> Result<(), MemoryFailure> {
        self.simulated.read(page, offset, into)
    }

    fn blank(&self, page: usize, offset: usize, length: usize) -> bool {
        self.simulated.blank(page, offset, length)
    }

    fn program(&mut self, page: usize, offset: usize, data: &[u8]) -> Result<(), MemoryFailure> {
        self.ready()?;
        match self.simulated.program(page, offset, data) {
            Err(MemoryFailure::Range) => Err(MemoryFailure::Range),
            done => self.keep(page, offset, data.len(), false).and(done),
        }
    }

    fn erase(&mut self, page: usize) -> Result<(), MemoryFailure> {
        self.ready()?;
        match self.simulated.erase(page) {
            Err(MemoryFailure::Range) => Err(MemoryFailure::Range),
            done => self.keep(page, 0, self.simulated.geometry().page_size, true).and(done),
        }
    }
}

impl Drop for CardMemory {
    fn drop(&mut self) {
        // Without the seal the card decides at its next power-up, so nothing is lost if this fails.
        let _ = self.close();
    }
}
