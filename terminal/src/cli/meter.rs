//! A card on the bench: everything that it does is counted.

use apdu_spec::cryptography::Engine;
use apdu_spec::curve::Curve;
use purse_card::Card;
use purse_card::memory::Geometry;
use purse_card::store::minimum_pages;
use purse_terminal::simulated_memory::SimulatedMemory;
use purse_terminal::transport::{ResponseBuffer, Transport, TransportError};
use serde_json::{Value, json};

use super::aes_count::AesCounts;
use super::curve_count::CurveCounts;
use super::failure::Failure;

/// What a card has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Work {
    /// Commands.
    pub(crate) apdus: u64,
    /// Bytes of commands and responses, headers and status words included.
    pub(crate) bytes: u64,
    /// Program operations before a response.
    pub(crate) programs_before: u64,
    /// Bytes of these.
    pub(crate) bytes_programmed_before: u64,
    /// Program operations after a response: seals, and room for what comes next.
    pub(crate) programs_after: u64,
    /// Bytes of these.
    pub(crate) bytes_programmed_after: u64,
    /// Erase operations, all after a response.
    pub(crate) erases: u64,
    /// AES.
    pub(crate) aes: AesCounts,
    /// P-256.
    pub(crate) curve: CurveCounts,
}

impl Work {
    /// In JSON.
    pub(crate) fn document(&self) -> Value {
        json!({
            "apdus": self.apdus,
            "bytes": self.bytes,
            "programs_before_response": self.programs_before,
            "bytes_programmed_before_response": self.bytes_programmed_before,
            "programs_after_response": self.programs_after,
            "bytes_programmed_after_response": self.bytes_programmed_after,
            "erases": self.erases,
            "aes_blocks": self.aes.blocks,
            "aes_key_schedules": self.aes.schedules,
            "curve_verifications": self.curve.verifications,
            "curve_agreements": self.curve.agreements,
        })
    }
}

/// A card in this process, without a file, with any engine.
pub(crate) struct BenchCard<E: Engine + Curve, const WINDOW: usize> {
    card: Card<SimulatedMemory, E, WINDOW, EXCEPTIONS>,
    name: &'static str,
    counting: bool,
    work: Work,
}

/// Places of EF.EXC.
const EXCEPTIONS: usize = 8;

/// As large as a virtual card's.
const fn geometry(window: usize) -> Geometry {
    let blank = Geometry { unit: 16, page_size: 4096, pages: 0, atomic: false };
    let pages = match minimum_pages(blank, window, EXCEPTIONS) {
        Some(pages) => pages + 4,
        None => 0,
    };
    Geometry { pages, ..blank }
}

impl<E: Engine + Curve, const WINDOW: usize> BenchCard<E, WINDOW> {
    /// A blank card.
    pub(crate) fn new(name: &'static str, engine: E, counting: bool) -> Result<Self, Failure> {
        let memory = SimulatedMemory::new(geometry(WINDOW), 0);
        let card = Card::power_up(memory, engine)
            .map_err(|(_, error)| Failure::other(format!("{name}: {error:?}"), "Report this as a defect."))?;
        Ok(Self { card, name, counting, work: Work::default() })
    }

    /// What it has done since it was asked last.
    pub(crate) fn take_work(&mut self) -> Work {
        std::mem::take(&mut self.work)
    }
}

impl<E: Engine + Curve, const WINDOW: usize> Transport for BenchCard<E, WINDOW> {
    fn transmit<'a>(
        &mut self,
        command: &[u8],
        response: &'a mut ResponseBuffer,
    ) -> Result<&'a [u8], TransportError> {
        if !self.counting {
            let length = self.card.process(command, response);
            self.card.finish();
            return response.get(..length).ok_or(TransportError::Malformed("longer than its buffer"));
        }
        let (aes, curve, start) = (AesCounts::now(), CurveCounts::now(), self.card.memory().counts());
        let length = self.card.process(command, response);
        let answered = self.card.memory().counts();
        self.card.finish();
        let end = self.card.memory().counts();
        let work = &mut self.work;
        work.apdus += 1;
        work.bytes += (command.len() + length) as u64;
        work.programs_before += answered.programs - start.programs;
        work.bytes_programmed_before += answered.bytes_programmed - start.bytes_programmed;
        work.programs_after += end.programs - answered.programs;
        work.bytes_programmed_after += end.bytes_programmed - answered.bytes_programmed;
        work.erases += end.erases - start.erases;
        let aes = AesCounts::now().since(aes);
        work.aes.blocks += aes.blocks;
        work.aes.schedules += aes.schedules;
        work.curve = work.curve.and(CurveCounts::now().since(curve));
        response.get(..length).ok_or(TransportError::Malformed("longer than its buffer"))
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.card.reset();
        Ok(())
    }

    fn name(&self) -> &str {
        self.name
    }
}
