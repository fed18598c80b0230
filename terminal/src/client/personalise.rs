//! STORE DATA: a blank card becomes a purse or a merchant SAM.

use apdu_spec::command::table::LONGEST_DATA;
use apdu_spec::command::{Command, CommandName};
use apdu_spec::cryptography::Engine;
use apdu_spec::personalisation::CardProfile;
use zeroize::Zeroizing;

use super::card::Client;
use super::error::CardError;
use crate::transport::Transport;

/// Most bytes of a data field.
const BLOCK: usize = LONGEST_DATA as usize;

impl<T: Transport> Client<T> {
    /// Sends the profile in blocks of at most 255 bytes, no data group across two, and selects again. All or nothing:
    /// the card stays blank until it has taken the last block.
    pub fn personalise<E: Engine>(&mut self, profile: &CardProfile<'_>, engine: &E) -> Result<(), CardError> {
        let mut blocks = vec![Zeroizing::new(Vec::with_capacity(BLOCK))];
        profile.groups(engine, |group| {
            let fits = blocks.last().is_some_and(|block| block.len() + group.len() <= BLOCK);
            if !fits {
                // A full block never grows: what it holds is wiped with it and nowhere else.
                blocks.push(Zeroizing::new(Vec::with_capacity(BLOCK)));
            }
            if let Some(block) = blocks.last_mut() {
                block.extend_from_slice(group);
            }
        });
        let last = blocks.len() - 1;
        for (number, block) in blocks.iter().enumerate() {
            let reason = "too many blocks";
            let counter = u8::try_from(number)
                .map_err(|_| CardError::Malformed { command: CommandName::StoreData, reason })?;
            self.execute(&Command::StoreData(number == last, counter, block))?;
        }
        // Blank still, or another one: it says that it has taken everything, and has not.
        let number = profile.identity.number;
        self.select_if(|status| status.number == number)
    }
}
