//! Every message that was ever sent, by number, and what is known of them at a time.

use std::hash::BuildHasherDefault;

use apdu_spec::pay_details::PayDetails;
use indexmap::IndexSet;
use rustc_hash::{FxHashMap, FxHasher};

use super::message::{Message, Word};

type Set<T> = IndexSet<T, BuildHasherDefault<FxHasher>>;

/// All messages and all sets of them that have been known at once.
#[derive(Debug, Default)]
pub(super) struct Post {
    messages: Set<Message>,
    knowledge: Set<Box<[u16]>>,
    learned: FxHashMap<(u32, u16), u32>,
}

impl Post {
    /// The number of a message.
    ///
    /// # Panics
    /// With more than 65,536 messages.
    pub(super) fn send(&mut self, message: Message) -> u16 {
        u16::try_from(self.messages.insert_full(message).0).expect("few messages")
    }

    /// The message of this number.
    pub(super) fn message(&self, number: u16) -> &Message {
        &self.messages[usize::from(number)]
    }

    /// The number of what these messages are together.
    ///
    /// # Panics
    /// With more sets than fit.
    pub(super) fn know(&mut self, mut messages: Vec<u16>) -> u32 {
        messages.sort_unstable();
        messages.dedup();
        u32::try_from(self.knowledge.insert_full(messages.into()).0).expect("fewer sets than that")
    }

    /// What is known.
    pub(super) fn known(&self, knowledge: u32) -> &[u16] {
        &self.knowledge[knowledge as usize]
    }

    /// What is known with one more.
    pub(super) fn learn(&mut self, knowledge: u32, message: u16) -> u32 {
        if let Some(known) = self.learned.get(&(knowledge, message)) {
            return *known;
        }
        let mut messages = self.known(knowledge).to_vec();
        messages.push(message);
        let after = self.know(messages);
        self.learned.insert((knowledge, message), after);
        after
    }

    /// Whether the payee of these pay details has asked for them, with this authenticator.
    pub(super) fn is_asked_for(&self, knowledge: u32, pay_details: &PayDetails, req: [u8; 8]) -> bool {
        self.about(knowledge, pay_details, Word::Req).any(|known| self.message(known).mac == req)
    }

    /// Whether the same party has said something else for the same: of all that is known, only one word of each kind
    /// is about one PD.
    pub(super) fn contradicts(&self, knowledge: u32, message: u16) -> bool {
        let Message { pay_details, word, .. } = self.message(message);
        self.about(knowledge, pay_details, *word).any(|known| known != message)
    }

    fn about(&self, knowledge: u32, pay_details: &PayDetails, word: Word) -> impl Iterator<Item = u16> {
        self.known(knowledge).iter().copied().filter(move |number| {
            let known = self.message(*number);
            known.word == word && known.pay_details == *pay_details
        })
    }

    /// How many requests are known.
    pub(super) fn requests(&self, knowledge: u32) -> usize {
        self.known(knowledge).iter().filter(|number| self.message(**number).word == Word::Req).count()
    }
}
