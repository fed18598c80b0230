//! Virtual cards: the card application over a memory in a file, or in RAM for tests and measurements.

mod content;
mod error;
mod header;
mod image;
mod memory;

use std::fmt;
use std::path::Path;

use apdu_spec::element::Role;
use apdu_spec::number::PartyNumber;
use apdu_spec::software::Software;
use purse_card::Card;
use purse_card::memory::Geometry;
use purse_card::store::{PowerUpError, minimum_pages};

use crate::simulated_memory::{Counts, Cut, SimulatedMemory};
use crate::transport::{ResponseBuffer, TransportError};

pub use content::FileContent;
pub use error::VirtualCardError;
pub use memory::CardMemory;

/// Records of a purse's EF.LOG.
pub const PURSE_WINDOW: usize = 32;
/// Records of a merchant SAM's EF.LOG.
pub const MERCHANT_WINDOW: usize = 512;
/// Places of EF.EXC.
pub const EXCEPTIONS: usize = 8;
/// Bytes that a virtual card programs at once.
const UNIT: usize = 16;
/// Bytes that it erases at once.
const PAGE_SIZE: usize = 4096;
/// Pages above the least that the log needs, so that each is erased the less often.
const MORE_PAGES: usize = 4;

/// A card that has power, whatever the sizes of its log are.
trait Chip: fmt::Debug + Send {
    fn process(&mut self, command: &[u8], response: &mut ResponseBuffer) -> usize;
    fn finish(&mut self);
    fn reset(&mut self);
    fn number(&self) -> Option<PartyNumber>;
    fn memory(&self) -> &CardMemory;
    fn memory_mut(&mut self) -> &mut CardMemory;
    fn into_memory(self: Box<Self>) -> CardMemory;
}

impl<const WINDOW: usize, const EXCEPTIONS: usize> Chip for Card<CardMemory, Software, WINDOW, EXCEPTIONS> {
    fn process(&mut self, command: &[u8], response: &mut ResponseBuffer) -> usize {
        self.process(command, response)
    }

    fn finish(&mut self) {
        self.finish();
    }

    fn reset(&mut self) {
        self.reset();
    }

    fn number(&self) -> Option<PartyNumber> {
        self.number()
    }

    fn memory(&self) -> &CardMemory {
        self.memory()
    }

    fn memory_mut(&mut self) -> &mut CardMemory {
        self.memory_mut()
    }

    fn into_memory(self: Box<Self>) -> CardMemory {
        (*self).into_memory()
    }
}

type PowerUp = fn(CardMemory) -> Result<Box<dyn Chip>, Box<(CardMemory, PowerUpError)>>;

fn power_up<const WINDOW: usize, const EXCEPTIONS: usize>(
    memory: CardMemory,
) -> Result<Box<dyn Chip>, Box<(CardMemory, PowerUpError)>> {
    let card = Card::<_, _, WINDOW, EXCEPTIONS>::power_up(memory, Software).map_err(Box::new)?;
    Ok(Box::new(card))
}

/// What a card is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Model {
    geometry: Geometry,
    window: usize,
    exceptions: usize,
}

impl Model {
    const fn new(window: usize) -> Self {
        let blank = Geometry { unit: UNIT, page_size: PAGE_SIZE, pages: 0, atomic: false };
        let pages = match minimum_pages(blank, window, EXCEPTIONS) {
            Some(pages) => pages + MORE_PAGES,
            None => 0,
        };
        Self { geometry: Geometry { pages, ..blank }, window, exceptions: EXCEPTIONS }
    }

    const fn of(role: Role) -> Self {
        match role {
            Role::Purse => Self::new(PURSE_WINDOW),
            Role::Merchant => Self::new(MERCHANT_WINDOW),
        }
    }

    /// How such a card starts; none where no card here has these sizes.
    fn start(&self) -> Option<PowerUp> {
        match (self.window, self.exceptions) {
            (PURSE_WINDOW, EXCEPTIONS) => Some(power_up::<PURSE_WINDOW, EXCEPTIONS>),
            (MERCHANT_WINDOW, EXCEPTIONS) => Some(power_up::<MERCHANT_WINDOW, EXCEPTIONS>),
            _ => None,
        }
    }
}

#[derive(Debug)]
enum Power {
    On(Box<dyn Chip>),
    Off(Box<CardMemory>),
    /// Only while one of the others becomes the other.
    Changing,
}

/// A virtual card. It is in this process alone: its file is locked until it is closed.
pub struct VirtualCard {
    name: String,
    start: PowerUp,
    power: Power,
}

impl fmt::Debug for VirtualCard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("VirtualCard").field("name", &self.name).finish_non_exhaustive()
    }
}

impl VirtualCard {
    /// Makes the file of a blank card that can become one of this role, and powers it up. The file appears whole or
    /// not at all; one that is there already is left alone. Its owner alone may read it.
    pub fn create(path: &Path, role: Role) -> Result<Self, VirtualCardError> {
        let model = Model::of(role);
        let memory = CardMemory::create(path, model)?;
        Self::with_memory(path, memory, model)
    }

    /// Opens a card's file, checks it, and powers the card up. What does not hold is refused and left untouched.
    pub fn open(path: &Path) -> Result<Self, VirtualCardError> {
        let (memory, model) = CardMemory::open(path)?;
        Self::with_memory(path, memory, model)
    }

    /// A copy in RAM of the card in a file, checked like [`Self::open`] and powered up. Nothing that it does reaches the
    /// file, which others may look at too, or anything else on the disk.
    pub fn copy(path: &Path) -> Result<Self, VirtualCardError> {
        let (memory, model) = CardMemory::copy(path)?;
        Self::with_memory(path, memory, model)
    }

    /// A blank card in RAM.
    pub fn in_memory(name: &str, role: Role) -> Self {
        match role {
            Role::Purse => Self::with_sizes::<PURSE_WINDOW, EXCEPTIONS>(name, Model::of(role).geometry),
            Role::Merchant => Self::with_sizes::<MERCHANT_WINDOW, EXCEPTIONS>(name, Model::of(role).geometry),
        }
    }

    /// A blank card in RAM with a log of any size: a small one is full soon. Not every geometry will do: with another the
    /// card stays without power, and says so at the first command.
    pub fn with_sizes<const WINDOW: usize, const EXCEPTIONS: usize>(name: &str, geometry: Geometry) -> Self {
        let memory = CardMemory::in_memory(SimulatedMemory::new(geometry, 0));
        let mut card = Self {
            name: name.to_owned(),
            start: power_up::<WINDOW, EXCEPTIONS>,
            power: Power::Off(Box::new(memory)),
        };
        // Where this fails the card stays without power and says so at the first command.
        let _ = card.power_up();
        card
    }

    fn with_memory(path: &Path, memory: CardMemory, model: Model) -> Result<Self, VirtualCardError> {
        let start =
            model.start().ok_or_else(|| VirtualCardError::damaged(path, "no card has these sizes"))?;
        let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        match start(memory) {
            Ok(chip) => Ok(Self { name, start, power: Power::On(chip) }),
            Err(refused) => {
                let (mut memory, reason) = *refused;
                // Nothing was made of it, so it is not sealed either.
                memory.abandon();
                Err(VirtualCardError::PowerUp { path: path.to_owned(), reason: format!("{reason:?}") })
            }
        }
    }

    /// Powers the card down, and marks its file as whole. Dropping it does the same, but cannot tell of a failure.
    pub fn close(mut self) -> Result<(), VirtualCardError> {
        self.power_off();
        self.memory_mut().map_or(Ok(()), CardMemory::close)
    }

    /// Leaves the file as a process does that is killed now.
    pub fn abandon(mut self) {
        if let Some(memory) = self.memory_mut() {
            memory.abandon();
        }
    }

    /// What a person calls it: its file's name without extension.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its number; none while it is blank or has no power.
    pub fn number(&self) -> Option<PartyNumber> {
        match &self.power {
            Power::On(chip) => chip.number(),
            Power::Off(_) | Power::Changing => None,
        }
    }

    /// Whether it has power.
    pub fn is_powered(&self) -> bool {
        match &self.power {
            Power::On(chip) => !chip.memory().simulated().is_off(),
            Power::Off(_) | Power::Changing => false,
        }
    }

    /// Gives it power again, after a cut too. The session is lost; a cut that has not come yet is forgotten.
    pub fn power_up(&mut self) -> Result<(), TransportError> {
        self.power_off();
        let Power::Off(mut memory) = std::mem::replace(&mut self.power, Power::Changing) else {
            return Err(TransportError::Damaged(self.name.clone()));
        };
        memory.power_on();
        match (self.start)(*memory) {
            Ok(chip) => {
                self.power = Power::On(chip);
                Ok(())
            }
            Err(refused) => {
                self.power = Power::Off(Box::new(refused.0));
                Err(TransportError::Damaged(self.name.clone()))
            }
        }
    }

    /// Takes its power between two operations.
    pub fn power_off(&mut self) {
        self.power = match std::mem::replace(&mut self.power, Power::Changing) {
            Power::On(chip) => Power::Off(Box::new(chip.into_memory())),
            other => other,
        };
    }

    /// Lets the power fail within a program or erase operation to come.
    pub fn cut(&mut self, cut: Cut) {
        if let Some(memory) = self.memory_mut() {
            memory.cut(cut);
        }
    }

    /// Program and erase operations since the start or the last [`Self::reset_counts`].
    pub fn counts(&self) -> Counts {
        self.memory().map_or_else(Counts::default, |memory| memory.simulated().counts())
    }

    /// Counts operations from zero again.
    pub fn reset_counts(&mut self) {
        if let Some(memory) = self.memory_mut() {
            memory.reset_counts();
        }
    }

    /// Its memory; none in the middle of a power-up that panicked.
    pub fn memory(&self) -> Option<&CardMemory> {
        match &self.power {
            Power::On(chip) => Some(chip.memory()),
            Power::Off(memory) => Some(memory),
            Power::Changing => None,
        }
    }

    fn memory_mut(&mut self) -> Option<&mut CardMemory> {
        match &mut self.power {
            Power::On(chip) => Some(chip.memory_mut()),
            Power::Off(memory) => Some(memory),
            Power::Changing => None,
        }
    }

    /// Answers a command; gives the length of the response. Everything that it says is in the file.
    pub(crate) fn process(
        &mut self,
        command: &[u8],
        response: &mut ResponseBuffer,
    ) -> Result<usize, TransportError> {
        let chip = self.chip()?;
        let length = chip.process(command, response);
        // A card without power answers nothing, whatever its program thought to say.
        if chip.memory().simulated().is_off() { Err(TransportError::PowerLost) } else { Ok(length) }
    }

    /// What the card does after its answer has been sent.
    pub(crate) fn finish(&mut self) {
        if let Ok(chip) = self.chip() {
            chip.finish();
        }
    }

    /// A warm reset.
    pub(crate) fn reset(&mut self) -> Result<(), TransportError> {
        self.chip().map(Chip::reset)
    }

    fn chip(&mut self) -> Result<&mut dyn Chip, TransportError> {
        match &mut self.power {
            Power::On(chip) if !chip.memory().simulated().is_off() => Ok(chip.as_mut()),
            _ => Err(TransportError::NoCard(format!("the slot of `{}`: it has lost its power", self.name))),
        }
    }
}
