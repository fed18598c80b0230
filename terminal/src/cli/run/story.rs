//! The example's cards and what they are made to do.

use std::cell::RefCell;
use std::rc::Rc;

use apdu_spec::command::{COMMANDS, CommandName, table};
use apdu_spec::element::{Amount, Role};
use apdu_spec::parameter::Parameter;
use apdu_spec::software::Software;
use purse_reference::card::ReferenceCard;
use purse_reference::machine::Observer;
use purse_reference::memory::Sizes;
use purse_reference::process::run as carry_out;
use purse_reference::standard::Standard;
use purse_terminal::client::Client;
use purse_terminal::issuer::{Issuer, MemoryStore};
use purse_terminal::process::{AtHand, InReference, example};
use purse_terminal::transport::{ResponseBuffer, Transport, TransportError};
use serde_json::json;

use super::teller::{Ear, Shown, Teller};
use super::wrong;
use crate::cli::failure::Failure;

/// A log that is short enough to be read.
const SIZES: Sizes = Sizes { window: 32, exceptions: 8 };
/// A reference card of which the APDUs are shown too, and which can leave at one of them.
struct Table<'a> {
    inner: InReference<'a>,
    teller: Rc<RefCell<Teller<'a>>>,
    leaves_at: Option<u8>,
}

impl Transport for Table<'_> {
    fn transmit<'b>(
        &mut self,
        command: &[u8],
        response: &'b mut ResponseBuffer,
    ) -> Result<&'b [u8], TransportError> {
        let instruction = command.get(1).copied();
        let row = COMMANDS.iter().find(|row| {
            Some(row.instruction) == instruction
                && Some(row.class) == command.first().copied()
                && command.get(2).zip(command.get(3)).is_some_and(|(p1, p2)| row.form(*p1, *p2).is_some())
        });
        let name = self.inner.name().to_owned();
        {
            let mut teller = self.teller.borrow_mut();
            teller.in_card = match teller.shown {
                Shown::Command(wanted) => row.is_some_and(|row| row.command == wanted),
                Shown::Process { .. } => true,
                Shown::Nothing | Shown::Over => false,
            };
            if teller.in_card {
                let (command, indent) = (hex::encode_upper(command), teller.indent(true).min(4));
                let event = json!({ "to": name, "command": command });
                teller.tell(indent, &format!("> {name}: {command}"), event);
            }
        }
        let answer = self.inner.transmit(command, response)?;
        let mut teller = self.teller.borrow_mut();
        if teller.in_card {
            let (answer, indent) = (hex::encode_upper(answer), teller.indent(true).min(4));
            let event = json!({ "from": name, "response": answer });
            teller.tell(indent, &format!("< {name}: {answer}"), event);
            if matches!(teller.shown, Shown::Command(_)) {
                teller.shown = Shown::Over;
            }
            teller.in_card = false;
        }
        if self.leaves_at.is_some() && self.leaves_at == instruction {
            return Err(TransportError::ResponseLost);
        }
        Ok(answer)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        if self.leaves_at.is_some() {
            return Err(TransportError::NoCard(self.inner.name().to_owned()));
        }
        self.inner.reset()
    }

    fn name(&self) -> &str {
        self.inner.name()
    }
}

/// Two purses, a SAM, an issuer.
pub(super) struct Story<'a> {
    standard: &'a Standard,
    teller: Rc<RefCell<Teller<'a>>>,
    purse: Table<'a>,
    other: Table<'a>,
    sam: Table<'a>,
    issuer: Issuer<MemoryStore, Software>,
}

impl<'a> Story<'a> {
    pub(super) fn begin(standard: &'a Standard, teller: &Rc<RefCell<Teller<'a>>>) -> Result<Self, Failure> {
        let table = |name: &str| {
            let ear: Rc<RefCell<dyn Observer + 'a>> =
                Rc::new(RefCell::new(Ear { teller: teller.clone(), is_card: true }));
            let inner = InReference::new(ReferenceCard::blank(standard, SIZES), name, ear);
            Table { inner, teller: teller.clone(), leaves_at: None }
        };
        let issuer = example::issuer().map_err(wrong)?;
        let [purse, other, sam] = ["purse", "other purse", "SAM"].map(table);
        Ok(Self { standard, teller: teller.clone(), purse, other, sam, issuer })
    }

    fn personalise(&mut self) -> Result<(), Failure> {
        example::personalise(&mut self.purse, Role::Purse).map_err(wrong)?;
        let other = example::other_purse().map_err(wrong)?;
        example::personalise_as(&mut self.other, other, Role::Purse).map_err(wrong)?;
        example::personalise(&mut self.sam, Role::Merchant).map_err(wrong)
    }

    /// One process, as the teller shows it.
    fn play(&mut self, name: &str, amount: u32, pin: Option<&str>) -> Result<String, Failure> {
        let number = |role| example::number(role).map_err(wrong);
        let (purse, sam) = (number(Some(Role::Purse))?, number(Some(Role::Merchant))?);
        let at_hand = match name {
            "LOAD" | "UNLOAD" => AtHand::alone(purse, &mut self.purse, Some(&mut self.issuer)),
            "COLLECTION" => AtHand::alone(sam, &mut self.sam, Some(&mut self.issuer)),
            _ => {
                let payee: (_, &mut dyn Transport) = match name {
                    "TRANSFER" => (example::other_purse().map_err(wrong)?, &mut self.other),
                    _ => (sam, &mut self.sam),
                };
                AtHand::new(vec![(purse, &mut self.purse), payee], Some(&mut self.issuer))
            }
        };
        let mut at_hand = example::told(at_hand, Amount(amount), &[purse, sam], pin).map_err(wrong)?;
        let mut ear = Ear { teller: self.teller.clone(), is_card: false };
        carry_out(self.standard, name, &mut at_hand, &mut ear).map_err(wrong)
    }

    /// The purse pays and leaves before anybody hears of it.
    fn pay_and_leave(&mut self) -> Result<(), Failure> {
        self.purse.leaves_at = Some(table::row(CommandName::Debit).instruction);
        self.play("PURCHASE", 500, None)?;
        self.purse.leaves_at = None;
        self.purse.reset().map_err(wrong)
    }

    /// All that comes before a process, then the process as it is to be shown.
    pub(super) fn up_to(&mut self, process: &str, shown: Shown) -> Result<String, Failure> {
        self.personalise()?;
        if process != "LOAD" {
            self.play("LOAD", 5_000, None)?;
        }
        if ["REFUND", "COLLECTION"].contains(&process) {
            self.play("PURCHASE", 350, None)?;
        }
        if process == "RECOVERY" {
            self.pay_and_leave()?;
        }
        self.teller.borrow_mut().shown = shown;
        let (amount, pin) = match process {
            "LOAD" => (5_000, None),
            "PURCHASE" | "TRANSFER" => (350, Some(example::PIN)),
            "REFUND" => (150, Some(example::OPERATOR_PIN)),
            _ => (1_000, None),
        };
        self.play(process, amount, pin)
    }

    /// Everything, so that every command comes up that processes use.
    pub(super) fn all(&mut self) -> Result<(), Failure> {
        self.personalise()?;
        self.play("LOAD", 5_000, None)?;
        self.play("PURCHASE", 350, Some(example::PIN))?;
        self.play("REFUND", 150, Some(example::OPERATOR_PIN))?;
        self.play("UNLOAD", 1_000, None)?;
        self.play("COLLECTION", 0, None)?;
        self.play("TRANSFER", 500, None)?;
        self.pay_and_leave()?;
        // The SAM's sequence is used by another payment, so that it declines this one.
        self.play("PURCHASE", 100, None)?;
        self.play("RECOVERY", 0, None)?;
        self.hold()
    }

    /// What a holder and the issuer do outside of processes.
    fn hold(&mut self) -> Result<(), Failure> {
        let pin = example::pin(example::PIN).map_err(wrong)?;
        let script =
            self.issuer.script(example::number(Some(Role::Purse)).map_err(wrong)?, &Parameter::Unblock);
        let script = script.map_err(wrong)?;
        let mut purse = Client::select(&mut self.purse).map_err(wrong)?;
        purse.pin_tries().map_err(wrong)?;
        purse.change_pin(&pin, &pin).map_err(wrong)?;
        purse.verify(&pin).map_err(wrong)?;
        purse.lock().map_err(wrong)?;
        purse.verify(&pin).map_err(wrong)?;
        purse.unlock().map_err(wrong)?;
        purse.update_parameter(&script.script()).map_err(wrong)
    }
}
