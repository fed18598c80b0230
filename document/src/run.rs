//! Plays the processes with the shipping card, terminal and issuer, and keeps what was said.

use apdu_spec::command::{CommandName, InitializeData, table};
use apdu_spec::element::{Amount, Kind};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::software::Software;
use purse_terminal::client::Client;
use purse_terminal::flow::collection;
use purse_terminal::flow::load::{self, Load};
use purse_terminal::flow::purchase::{self, Payment};
use purse_terminal::flow::recovery::{self, CardAtHand};
use purse_terminal::flow::refund::{self, Refund};
use purse_terminal::flow::unload::{self, Unload};
use purse_terminal::issuer::{Issuer, MemoryStore};
use purse_terminal::process::example;
use purse_terminal::transport::{InProcess, Transport};
use purse_terminal::virtual_card::VirtualCard;

use crate::Outcome;
use crate::recorder::{Exchange, Protocol, RecordedCard, RecordedIssuer};
use crate::scheme::{OPERATOR_PIN, TIME, Who, currency, pin, with_profile};

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
    /// PD of load, purchase, refund, unload and collection.
    pub(crate) transactions: Vec<(&'static str, PayDetails)>,
}

/// A holder's purse, a merchant's SAM, their issuer.
struct World {
    protocol: Protocol,
    purse: RecordedCard,
    sam: RecordedCard,
    bank: Issuer<MemoryStore, Software>,
}

fn select(card: &mut RecordedCard) -> Outcome<Client<&mut dyn Transport>> {
    Ok(Client::select(card as &mut dyn Transport)?)
}

impl World {
    fn new() -> Outcome<Self> {
        let protocol = Protocol::default();
        let card = |who: Who, name: &str| {
            RecordedCard::new(who, InProcess::new(VirtualCard::in_memory(name, who.role())), &protocol)
        };
        let (purse, sam) = (card(Who::Purse, "purse"), card(Who::Sam, "merchant SAM"));
        Ok(Self { protocol, purse, sam, bank: example::issuer()? })
    }

    fn personalise(&mut self, who: Who) -> Outcome<Vec<Exchange>> {
        let card = match who {
            Who::Purse => &mut self.purse,
            Who::Sam => &mut self.sam,
        };
        let mut client = select(card)?;
        with_profile(who, 0, |profile| Ok(client.personalise(profile, &Software)?))?;
        Ok(self.protocol.take())
    }

    fn load(&mut self, amount: u32) -> Outcome<(PayDetails, Vec<Exchange>)> {
        let load = Load { account: "holder", currency: currency()?, amount: Amount(amount), time: TIME };
        let receipt = load::load(
            &mut select(&mut self.purse)?,
            &mut RecordedIssuer::new(&mut self.bank, self.protocol.clone()),
            &load,
        )?;
        Ok((receipt.pay_details, self.protocol.take()))
    }

    fn pay(&mut self, amount: u32) -> Outcome<(PayDetails, Vec<Exchange>)> {
        let payment = Payment { currency: currency()?, amount: Amount(amount), time: TIME, pin: None };
        let mut sam = select(&mut self.sam)?;
        let receipt = purchase::purchase(&mut select(&mut self.purse)?, &mut sam, &payment)?;
        Ok((receipt.handover.pay_details, self.protocol.take()))
    }

    fn refund(&mut self, amount: u32) -> Outcome<(PayDetails, Vec<Exchange>)> {
        let operator_pin = &pin(OPERATOR_PIN)?;
        let refund = Refund { currency: currency()?, amount: Amount(amount), time: TIME, operator_pin };
        let mut purse = select(&mut self.purse)?;
        let receipt = refund::refund(&mut purse, &mut select(&mut self.sam)?, &refund)?;
        Ok((receipt.handover.pay_details, self.protocol.take()))
    }

    fn unload(&mut self, amount: u32) -> Outcome<(PayDetails, Vec<Exchange>)> {
        let unload = Unload { currency: currency()?, amount: Amount(amount), time: TIME };
        let receipt = unload::unload(
            &mut select(&mut self.purse)?,
            &mut RecordedIssuer::new(&mut self.bank, self.protocol.clone()),
            &unload,
        )?;
        Ok((receipt.pay_details, self.protocol.take()))
    }

    fn collect(&mut self) -> Outcome<(PayDetails, Vec<Exchange>)> {
        let report = collection::collect(
            &mut select(&mut self.sam)?,
            &mut RecordedIssuer::new(&mut self.bank, self.protocol.clone()),
            TIME,
        )?;
        let collected = report.collected.first().ok_or("nothing was collected")?;
        Ok((collected.pay_details, self.protocol.take()))
    }

    /// INITIALIZE and DEBIT, whose response is lost; the card is back afterwards.
    fn pay_and_lose(&mut self, amount: u32) -> Outcome<()> {
        self.purse.leaves_at = Some(table::row(CommandName::Debit).instruction);
        {
            let mut purse = select(&mut self.purse)?;
            let mut sam = select(&mut self.sam)?;
            let payer = *purse.status();
            let (pay_details, req) = sam.initialize(&InitializeData {
                kind: Kind::Purchase,
                key_version: payer.key_version,
                currency: currency()?,
                amount: Amount(amount),
                from: payer.number,
                from_sequence: payer.sequence,
                time: TIME,
            })?;
            if purse.debit(&pay_details, req).is_ok() {
                return Err("the response was to be lost".into());
            }
        }
        self.purse.bring_back()?;
        Ok(())
    }

    fn recover(&mut self) -> Outcome<()> {
        let mut desk = RecordedIssuer::new(&mut self.bank, self.protocol.clone());
        let mut cards: Vec<CardAtHand<'_>> = vec![select(&mut self.purse)?, select(&mut self.sam)?];
        let report = recovery::recover(&mut cards, Some(&mut desk));
        if report.is_complete() { Ok(()) } else { Err("something is still in the air".into()) }
    }
}

/// Plays everything.
pub(crate) fn play() -> Outcome<Runs> {
    let mut world = World::new()?;
    let run = |title, file, exchanges| Run { title, file, exchanges };
    let personalisations = vec![
        run("Personalisation of the purse", "personalisation-purse.svg", world.personalise(Who::Purse)?),
        run("Personalisation of the merchant SAM", "personalisation-sam.svg", world.personalise(Who::Sam)?),
    ];
    let (load, load_said) = world.load(5_000)?;
    let (purchase, purchase_said) = world.pay(350)?;
    let (refund, refund_said) = world.refund(150)?;
    let (unload, unload_said) = world.unload(1_000)?;
    let (collection, collection_said) = world.collect()?;
    world.pay_and_lose(500)?;
    world.recover()?;
    let settled = world.protocol.take();
    world.pay_and_lose(600)?;
    let mut reversed = world.protocol.take();
    // The SAM's sequence is used by another purchase, so that it can never credit the first one.
    reversed.extend(world.pay(700)?.1);
    world.recover()?;
    reversed.extend(world.protocol.take());
    Ok(Runs {
        personalisations,
        processes: vec![
            run("Load", "load.svg", load_said),
            run("Purchase", "purchase.svg", purchase_said),
            run("Refund", "refund.svg", refund_said),
            run("Unload", "unload.svg", unload_said),
            run("Collection", "collection.svg", collection_said),
        ],
        recoveries: vec![
            run("Recovery: the payee takes it", "recovery-settled.svg", settled),
            run("Recovery: the payee never will", "recovery-reversed.svg", reversed),
        ],
        transactions: vec![
            ("load", load),
            ("purchase", purchase),
            ("refund", refund),
            ("unload", unload),
            ("collection", collection),
        ],
    })
}
