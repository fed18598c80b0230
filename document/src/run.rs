//! Plays the processes of the standard's text with the shipping card and issuer, and keeps what was said.

use apdu_spec::command::{CommandName, table};
use apdu_spec::element::Amount;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::software::Software;
use purse_reference::machine::Unobserved;
use purse_reference::process;
use purse_reference::standard::Standard;
use purse_terminal::flow::IssuerDesk;
use purse_terminal::issuer::{Issuer, MemoryStore};
use purse_terminal::process::{AtHand, example};
use purse_terminal::transport::InProcess;
use purse_terminal::virtual_card::VirtualCard;

use crate::Outcome;
use crate::recorder::{Exchange, Protocol, RecordedCard, RecordedParties};
use crate::scheme::{OPERATOR_PIN, Who};

/// One process as it was played.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) title: &'static str,
    pub(crate) file: &'static str,
    pub(crate) exchanges: Vec<Exchange>,
}

/// Everything that was played, with what the vectors need of it.
#[derive(Clone, Debug)]
pub(crate) struct Runs {
    pub(crate) personalisations: Vec<Run>,
    pub(crate) processes: Vec<Run>,
    pub(crate) recoveries: Vec<Run>,
    /// PD of load, purchase, refund, unload, collection and transfer.
    pub(crate) transactions: Vec<(&'static str, PayDetails)>,
}

/// A holder's purse, a merchant's SAM, their issuer.
struct World {
    standard: Standard,
    protocol: Protocol,
    purse: RecordedCard,
    peer: RecordedCard,
    sam: RecordedCard,
    bank: Issuer<MemoryStore, Software>,
}

impl World {
    fn new() -> Outcome<Self> {
        let protocol = Protocol::default();
        let card = |who: Who, name: &str| {
            RecordedCard::new(who, InProcess::new(VirtualCard::in_memory(name, who.role())), &protocol)
        };
        let [purse, peer, sam] =
            [(Who::Purse, "purse"), (Who::Peer, "other purse"), (Who::Sam, "merchant SAM")]
                .map(|(who, name)| card(who, name));
        Ok(Self { standard: Standard::load()?, protocol, purse, peer, sam, bank: example::issuer()? })
    }

    fn card(&mut self, who: Who) -> &mut RecordedCard {
        match who {
            Who::Purse => &mut self.purse,
            Who::Peer => &mut self.peer,
            Who::Sam => &mut self.sam,
        }
    }

    fn personalise(&mut self, who: Who) -> Outcome<Vec<Exchange>> {
        example::personalise_as(self.card(who), who.number()?, who.role())?;
        Ok(self.protocol.take())
    }

    /// Has the standard's own text carried out between the purse and this payee, or with one of both. What was said, and
    /// the words it ended with.
    fn process(&mut self, name: &str, amount: u32, payee: Who) -> Outcome<(Vec<Exchange>, String)> {
        let cards = [Who::Purse.number()?, payee.number()?];
        let [purse, other] = cards;
        let card = if payee == Who::Peer { &mut self.peer } else { &mut self.sam };
        let bank: &mut dyn IssuerDesk = &mut self.bank;
        let at_hand = match name {
            "LOAD" | "UNLOAD" => AtHand::alone(purse, &mut self.purse, Some(bank)),
            "COLLECTION" => AtHand::alone(other, card, Some(bank)),
            _ => AtHand::new(vec![(purse, &mut self.purse), (other, card)], Some(bank)),
        };
        let operator_pin = (name == "REFUND").then_some(OPERATOR_PIN);
        let at_hand = example::told(at_hand, Amount(amount), &cards, operator_pin)?;
        let mut parties = RecordedParties { at_hand, protocol: self.protocol.clone() };
        let end = process::run(&self.standard, name, &mut parties, &mut Unobserved)?;
        Ok((self.protocol.take(), end))
    }

    /// The same, which must come to its end.
    fn done(&mut self, name: &str, amount: u32, payee: Who) -> Outcome<Vec<Exchange>> {
        let (said, end) = self.process(name, amount, payee)?;
        if end == "done" { Ok(said) } else { Err(format!("{name}: {end}").into()) }
    }

    /// A payment of which nobody hears what it came to: a card leaves as it answers to this command. It is back
    /// afterwards.
    fn lost(
        &mut self,
        (name, amount, payee): (&str, u32, Who),
        (leaving, leaves_at): (Who, CommandName),
    ) -> Outcome<Vec<Exchange>> {
        let leaves = Some(table::row(leaves_at).instruction);
        self.card(leaving).leaves_at = leaves;
        let (said, end) = self.process(name, amount, payee)?;
        if !end.starts_with("in the air: ") {
            return Err(format!("the response was to be lost: {end}").into());
        }
        self.card(leaving).bring_back()?;
        Ok(said)
    }
}

/// PD of the transaction that this was.
fn pay_details(said: &[Exchange]) -> Outcome<PayDetails> {
    let credit = table::row(CommandName::Credit).instruction;
    let found = said.iter().rev().find_map(|exchange| match exchange {
        Exchange::Card { command, .. } if command.get(1) == Some(&credit) => command.get(5..)?.first_chunk(),
        Exchange::Issuer { sent, .. } => {
            let (_, bytes) = sent.iter().find(|(name, _)| name == "PD")?;
            bytes.first_chunk()
        }
        Exchange::Card { .. } => None,
    });
    let bytes: &[u8; PayDetails::LENGTH] = found.ok_or("nobody has paid")?;
    Ok(PayDetails::parse(bytes).map_err(|_| "this is no PD")?)
}

/// Plays everything.
pub(crate) fn play() -> Outcome<Runs> {
    let mut world = World::new()?;
    let run = |title, file, exchanges| Run { title, file, exchanges };
    world.personalise(Who::Peer)?;
    let personalisations = vec![
        run("Personalisation of the purse", "personalisation-purse.svg", world.personalise(Who::Purse)?),
        run("Personalisation of the merchant SAM", "personalisation-sam.svg", world.personalise(Who::Sam)?),
    ];
    let load = world.done("LOAD", 5_000, Who::Sam)?;
    let purchase = world.done("PURCHASE", 350, Who::Sam)?;
    let refund = world.done("REFUND", 150, Who::Sam)?;
    let unload = world.done("UNLOAD", 1_000, Who::Sam)?;
    let collection = world.done("COLLECTION", 0, Who::Sam)?;
    let purse_leaves = (Who::Purse, CommandName::Debit);
    let mut settled = world.lost(("PURCHASE", 500, Who::Sam), purse_leaves)?;
    settled.extend(world.done("RECOVERY", 0, Who::Sam)?);
    let mut reversed = world.lost(("PURCHASE", 600, Who::Sam), purse_leaves)?;
    // The SAM's sequence is used by another purchase, so that it can never credit the first one.
    reversed.extend(world.done("PURCHASE", 700, Who::Sam)?);
    reversed.extend(world.done("RECOVERY", 0, Who::Sam)?);
    let transfer = world.done("TRANSFER", 500, Who::Peer)?;
    let mut transferred = world.lost(("TRANSFER", 200, Who::Peer), (Who::Peer, CommandName::Credit))?;
    transferred.extend(world.done("RECOVERY", 0, Who::Peer)?);
    Ok(Runs {
        transactions: vec![
            ("load", pay_details(&load)?),
            ("purchase", pay_details(&purchase)?),
            ("refund", pay_details(&refund)?),
            ("unload", pay_details(&unload)?),
            ("collection", pay_details(&collection)?),
            ("transfer", pay_details(&transfer)?),
        ],
        personalisations,
        processes: vec![
            run("Load", "load.svg", load),
            run("Purchase", "purchase.svg", purchase),
            run("Refund", "refund.svg", refund),
            run("Unload", "unload.svg", unload),
            run("Collection", "collection.svg", collection),
            run("Transfer", "transfer.svg", transfer),
        ],
        recoveries: vec![
            run("Recovery: the payee takes it", "recovery-settled.svg", settled),
            run("Recovery: the payee never will", "recovery-reversed.svg", reversed),
            run("Recovery of a transfer", "recovery-transfer.svg", transferred),
        ],
    })
}
