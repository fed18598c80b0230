//! A card that kept its power and one that has lost it are given the same payments: more than one in a session, so
//! that what a card holds in RAM is looked at by what it does with it.

use apdu_spec::command::{Command, Selection};
use apdu_spec::element::{Kind, Role};
use apdu_spec::file::APPLICATION;
use purse_terminal::simulated_memory::SimulatedMemory;
use purse_tests::scheme::{party, pay_details};

use super::laboratory::Laboratory;
use super::meeting::{Shown, stranger};
use super::message::Order;
use super::sessions::knock;
use super::specimen::{Identity, Shipped, process};
use crate::content::Closing;
use crate::curve::session;
use crate::property::Property;
use crate::sequel::{SEQUELS, sequel};

impl<const WINDOW: usize, const EXCEPTIONS: usize> Laboratory<WINDOW, EXCEPTIONS> {
    /// A payment, a load, a refund, an unload, and where there are key pairs a transfer, on a card that has just
    /// written, and on one that was powered up on its memory: the same answers, and the same content after each.
    pub(super) fn go_on(
        &mut self,
        card: &mut Shipped<WINDOW, EXCEPTIONS>,
        rested: &SimulatedMemory,
        identity: &Identity,
        order: &Order,
    ) {
        let Identity { party: place, content, .. } = identity;
        let (role, number) = (self.role(*place), party(*place as u64 + 1));
        let mut rebooted: Shipped<WINDOW, EXCEPTIONS> = identity.boot(rested.clone());
        if self.transfers {
            let met_again = identity.meets(&mut rebooted);
            self.tally.check(Property::MemoryAnswers, met_again, || {
                format!("after {order:?} and a power cycle it does not meet its peer again: {identity:?}")
            });
            let (powered, restarted) = (knock(card, *place, content), knock(&mut rebooted, *place, content));
            self.tally.check(Property::MemoryAnswers, powered == restarted, || {
                format!(
                    "after {order:?} on {content:?}: {powered:02X?} with power, {restarted:02X?} after a power \
                     cycle"
                )
            });
        }
        let mut held = content.clone();
        let transfers = usize::from(self.transfers && role == Role::Purse);
        for turn in 0..SEQUELS + transfers {
            if turn == SEQUELS {
                let meet = Shown::of(stranger()).command();
                let met = (process(card, &meet), process(&mut rebooted, &meet));
                self.tally.check(Property::MemoryAnswers, met.0 == met.1, || {
                    format!("VERIFY CERTIFICATE after {order:?} on {content:?}: {met:02X?}")
                });
            }
            let command = if turn == SEQUELS {
                let paid = pay_details(Kind::Transfer, 1, (number, held.next()), (stranger(), 0));
                Some(Order::Debit(paid, session(&paid).req().0).bytes())
            } else {
                sequel(turn, role, number, &held)
            };
            let Some(command) = command else { continue };
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
