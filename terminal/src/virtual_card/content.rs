//! What a card's file holds, as bytes.

use std::io::Read;
use std::path::Path;

use purse_card::memory::Geometry;

use super::error::VirtualCardError;
use super::header::{self, BODY_OFFSET, HeaderError, Seal, VERSION};
use super::{CardMemory, Model, VirtualCard};
use crate::simulated_memory::SimulatedMemory;

/// What a card's file holds, checked, whether or not a card starts on it.
#[derive(Debug)]
pub struct FileContent {
    model: Model,
    memory: SimulatedMemory,
}

impl FileContent {
    /// From the bytes of a file; errors name it by `path`, which is not touched.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, VirtualCardError> {
        let (model, _, memory) = read(&mut &*bytes, bytes.len() as u64, path)?;
        Ok(Self { model, memory })
    }

    /// The bytes of a closed file.
    pub fn emit(&self) -> Vec<u8> {
        emit(&self.model, &self.memory)
    }

    /// The memory of the card.
    pub const fn memory(&self) -> &SimulatedMemory {
        &self.memory
    }

    /// The card itself, in RAM, powered up.
    pub fn power_up(self, path: &Path) -> Result<VirtualCard, VirtualCardError> {
        VirtualCard::with_memory(path, CardMemory::in_memory(self.memory), self.model)
    }
}

/// Where the pages begin and the file ends.
pub(super) struct Layout {
    pub(super) pages: usize,
    pub(super) end: usize,
}

impl Layout {
    pub(super) fn of(geometry: Geometry) -> Self {
        let size = geometry.page_size * geometry.pages;
        let pages = BODY_OFFSET + (size / geometry.unit).div_ceil(8);
        Self { pages, end: pages + size }
    }
}

/// Reads and checks all of a file of this length. What it claims is compared with its length before room is made for it.
pub(super) fn read(
    file: &mut dyn Read,
    length: u64,
    path: &Path,
) -> Result<(Model, Seal, SimulatedMemory), VirtualCardError> {
    let failed = || VirtualCardError::io(path);
    let damaged = |reason| VirtualCardError::damaged(path, reason);
    let mut start = vec![0; BODY_OFFSET.min(usize::try_from(length).unwrap_or(BODY_OFFSET))];
    file.read_exact(&mut start).map_err(failed())?;
    let (model, seal) = header::parse(&start).map_err(|error| match error {
        HeaderError::Magic => VirtualCardError::NotACard(path.to_owned()),
        HeaderError::Version(found) => {
            VirtualCardError::OtherVersion { path: path.to_owned(), found, known: VERSION }
        }
        HeaderError::Damaged(reason) => damaged(reason),
    })?;
    let layout = Layout::of(model.geometry);
    if length != layout.end as u64 {
        return Err(damaged("its length is not that of its memory"));
    }
    let mut body = Vec::with_capacity(layout.end - BODY_OFFSET);
    file.read_to_end(&mut body).map_err(failed())?;
    if let Seal::Clean(check) = seal
        && check != header::check(&header::emit(&model), &body)
    {
        return Err(damaged("its content is not what was last written"));
    }
    let memory = memory(model.geometry, &body).ok_or(damaged("its begun bits are not those of its units"))?;
    Ok((model, seal, memory))
}

/// All of a closed file.
pub(super) fn emit(model: &Model, memory: &SimulatedMemory) -> Vec<u8> {
    let fixed = header::emit(model);
    let mut body = pack(memory.begun().chunks(8));
    body.extend_from_slice(memory.bytes());
    let seal = Seal::Clean(header::check(&fixed, &body)).emit();
    [&fixed[..], &seal, &body].concat()
}

/// Begun bits, eight in a byte.
pub(super) fn pack<'a>(groups: impl Iterator<Item = &'a [bool]>) -> Vec<u8> {
    groups.map(|bits| bits.iter().rev().fold(0, |byte, begun| byte << 1 | u8::from(*begun))).collect()
}

/// None where the lengths are not those of the geometry, or a bit is set that no unit has.
fn memory(geometry: Geometry, body: &[u8]) -> Option<SimulatedMemory> {
    let Layout { pages, .. } = Layout::of(geometry);
    let (bits, bytes) = body.split_at_checked(pages - BODY_OFFSET)?;
    let units = geometry.page_size * geometry.pages / geometry.unit;
    let mut begun: Vec<bool> =
        bits.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1)).collect();
    let of_no_unit = begun.split_off(units.min(begun.len()));
    if of_no_unit.contains(&true) {
        return None;
    }
    SimulatedMemory::from_parts(geometry, bytes.to_vec(), begun)
}
