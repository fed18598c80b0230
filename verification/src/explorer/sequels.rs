//! A card that kept its power and one that has lost it are given the same payments: more than one in a session, so
//! that what a card holds in RAM is looked at by what it does with it.

use apdu_spec::command::{Command, Selection};
use apdu_spec::file::APPLICATION;
use purse_terminal::simulated_memory::SimulatedMemory;
use purse_tests::scheme::party;

use super::laboratory::Laboratory;
use super::message::Order;
use super::specimen::{Identity, Shipped, boot, process};
use crate::content::Closing;
use crate::property::Property;
use crate::sequel::{SEQUELS, sequel};

impl<const WINDOW: usize, const EXCEPTIONS: usize> Laboratory<WINDOW, EXCEPTIONS> {
    /// A payment, a load, a refund and an unload on a card that has just written, and on one that was powered up on
    /// its memory: the same answers, and the same content after each.
    pub(super) fn go_on(
        &mut self,
        card: &mut Shipped<WINDOW, EXCEPTIONS>,
        rested: &SimulatedMemory,
        Identity { party: place, content, verified }: &Identity,
        order: &Order,
    ) {
        let (role, number) = (self.role(*place), party(*place as u64 + 1));
        let [blocked, _, terminated] = content.flags;
        let mut rebooted = boot::<WINDOW, EXCEPTIONS>(rested.clone(), *verified && !blocked && !terminated);
        let mut held = content.clone();
        for turn in 0..SEQUELS {
            let Some(command) = sequel(turn, role, number, &held) else { continue };
            let outcome = |card: &mut Shipped<WINDOW, EXCEPTIONS>| {
                let answer = process(card, &command);
                card.finish();
                let now = Self::content(card.memory().clone(), Some(&held), Closing::Nothing);
                (answer, now.map(|(now, _)| now))
            };
            let (powered, restarted) = (outcome(card), outcome(&mut rebooted));
            self.counts.commands += 2;
            let same = powered == restarted;
            self.tally.check(Property::MemoryAnswers, same, || {
                format!(
                    "payment {turn} after {order:?} on {content:?}: {powered:02X?} with power, {restarted:02X?} \
                     after a power cycle"
                )
            });
            match powered.1 {
                Some(now) if same => held = now,
                _ => return,
            }
        }
        let select = Command::Select(Selection::Application(&APPLICATION), true).emit();
        let (powered, restarted) =
            (process(card, select.as_bytes()), process(&mut rebooted, select.as_bytes()));
        self.tally.check(Property::MemoryAnswers, powered == restarted, || {
            format!("SELECT after {order:?} on {content:?}: {powered:02X?} with power, else {restarted:02X?}")
        });
    }
}
