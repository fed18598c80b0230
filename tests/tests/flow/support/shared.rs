//! Cards in readers that other programs use too: what comes between two phases, and what no flow may do.

use std::cell::RefCell;
use std::rc::Rc;

use apdu_spec::command::{Proof, Voucher};
use apdu_spec::cryptography::Authenticator;
use apdu_spec::element::{Amount, Currency, Sequence, Time};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::LogRecord;
use apdu_spec::software::Software;
use purse_terminal::flow::IssuerDesk;
use purse_terminal::issuer::{
    Issuer, IssuerError, MemoryStore, SignedScript, SubmissionReport, UnloadRequest, Unloaded, Unsettleable,
};
use purse_terminal::transport::{Continuity, EMPTY_RESPONSE, ResponseBuffer, Transport, TransportError};

use super::process::SIDES;
use super::{Rig, World};

/// SELECT of the MF.
const SELECT_MASTER_FILE: [u8; 7] = [0x00, 0xA4, 0x00, 0x0C, 0x02, 0x3F, 0x00];

/// What other programs do between two phases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Between {
    /// There are none.
    Nobody,
    /// They reset the card.
    Reset,
    /// They select something else.
    MasterFile,
}

/// What fails, and on which of [`SIDES`]; counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// This response is lost.
    Lose(usize, u64),
    /// The card leaves as it gives this response.
    Leave(usize, u64),
    /// Another program has the card when it is to be held for this time.
    InUse(usize, u64),
}

/// What has been seen, of each of [`SIDES`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch {
    pub(crate) held: [bool; 2],
    pub(crate) begins: [u64; 2],
    pub(crate) commands: [u64; 2],
    /// What no flow may do.
    pub(crate) wrong: Vec<String>,
}

/// What happens to a card.
pub(crate) type Event = fn(&mut Rig);

/// A reader with a card in it.
pub(crate) struct Reader<'a> {
    rig: &'a mut Rig,
    side: usize,
    between: Between,
    in_use: Option<u64>,
    /// What happens to the card before it is held for this time.
    pub(crate) event: Option<(u64, Event)>,
    watch: Rc<RefCell<Watch>>,
}

impl Reader<'_> {
    fn must_be_held(&self, what: &str) {
        let mut watch = self.watch.borrow_mut();
        if !watch.held[self.side] {
            watch.wrong.push(format!("{what} of the {} outside of a phase", SIDES[self.side].0));
        }
    }
}

impl Transport for Reader<'_> {
    fn transmit<'a>(
        &mut self,
        command: &[u8],
        response: &'a mut ResponseBuffer,
    ) -> Result<&'a [u8], TransportError> {
        self.must_be_held("a command");
        self.watch.borrow_mut().commands[self.side] += 1;
        self.rig.transmit(command, response)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.must_be_held("a reset");
        self.rig.reset()
    }

    fn name(&self) -> &str {
        self.rig.name()
    }

    fn begin(&mut self) -> Result<Continuity, TransportError> {
        let number = {
            let mut watch = self.watch.borrow_mut();
            if watch.held[self.side] {
                watch.wrong.push(format!("the {} is held twice", SIDES[self.side].0));
            }
            if self.side == 1 && watch.held[0] {
                watch.wrong.push("the purse is held before the sam".to_owned());
            }
            watch.begins[self.side] += 1;
            watch.begins[self.side]
        };
        if self.in_use == Some(number) {
            return Err(TransportError::InUse(self.name().to_owned()));
        }
        self.rig.begin()?;
        if let Some((at, event)) = self.event
            && at == number
        {
            event(self.rig);
        }
        self.watch.borrow_mut().held[self.side] = true;
        // The rig counts the commands of its own program only. A card without power shows that at the next of those.
        let card = self.rig.inner_mut();
        match self.between {
            Between::Nobody => return Ok(Continuity::Kept),
            Between::Reset => card.reset().unwrap_or(()),
            Between::MasterFile => {
                let _ = card.transmit(&SELECT_MASTER_FILE, &mut EMPTY_RESPONSE.clone());
            }
        }
        Ok(Continuity::Unsure)
    }

    fn end(&mut self) -> Result<(), TransportError> {
        self.must_be_held("an end");
        self.watch.borrow_mut().held[self.side] = false;
        // Nobody may rely on this one.
        Err(TransportError::Other("an end that fails".to_owned()))
    }
}

/// The issuer, far away: no card may be held while it is asked.
pub(crate) struct Desk<'a> {
    issuer: &'a mut Issuer<MemoryStore, Software>,
    /// It credits no unload.
    pub(crate) declines: bool,
    /// So many acks of loads do not reach it.
    pub(crate) deaf: usize,
    watch: Rc<RefCell<Watch>>,
}

impl Desk<'_> {
    fn asked(&self, what: &str) {
        let mut watch = self.watch.borrow_mut();
        for (side, (name, _)) in SIDES.iter().enumerate() {
            if watch.held[side] {
                watch.wrong.push(format!("the {name} is held while the issuer is asked: {what}"));
            }
        }
    }
}

impl IssuerDesk for Desk<'_> {
    fn number(&self) -> PartyNumber {
        self.issuer.number()
    }

    fn load(
        &mut self,
        pay_details: &PayDetails,
        req: Authenticator,
        account: &str,
    ) -> Result<Proof, IssuerError> {
        self.asked("load");
        self.issuer.load(pay_details, req, account)
    }

    fn unresolved_load(&self, card: PartyNumber) -> Result<Option<Voucher>, IssuerError> {
        self.asked("unresolved_load");
        self.issuer.unresolved_load(card)
    }

    fn load_acknowledged(
        &mut self,
        card: PartyNumber,
        sequence: Sequence,
        ack: Authenticator,
    ) -> Result<(), IssuerError> {
        self.asked("load_acknowledged");
        if self.deaf > 0 {
            self.deaf -= 1;
            return Err(IssuerError::UnknownCard(card));
        }
        self.issuer.load_acknowledged(card, sequence, ack)
    }

    fn load_declined(
        &mut self,
        card: PartyNumber,
        sequence: Sequence,
        nack: Authenticator,
    ) -> Result<(), IssuerError> {
        self.asked("load_declined");
        self.issuer.load_declined(card, sequence, nack)
    }

    fn unload_request(
        &self,
        card: PartyNumber,
        currency: Currency,
        amount: Amount,
        sequence: Sequence,
        time: Time,
    ) -> Result<UnloadRequest, IssuerError> {
        self.asked("unload_request");
        self.issuer.unload_request(card, currency, amount, sequence, time)
    }

    fn unload(&mut self, voucher: &Voucher) -> Result<Unloaded, IssuerError> {
        self.asked("unload");
        if self.declines { Err(IssuerError::CollectionDecline) } else { self.issuer.unload(voucher) }
    }

    fn decline_unload(&mut self, voucher: &Voucher) -> Result<Authenticator, IssuerError> {
        self.asked("decline_unload");
        self.issuer.decline_unload(voucher)
    }

    fn records_wanted(&self, sam: PartyNumber) -> Result<Sequence, IssuerError> {
        self.asked("records_wanted");
        self.issuer.records_wanted(sam)
    }

    fn submit_records(
        &mut self,
        sam: PartyNumber,
        first: Sequence,
        records: &[LogRecord],
    ) -> Result<SubmissionReport, IssuerError> {
        self.asked("submit_records");
        self.issuer.submit_records(sam, first, records)
    }

    fn resolve(
        &mut self,
        card: PartyNumber,
        record: &LogRecord,
        unsettleable: Unsettleable,
    ) -> Result<SignedScript, IssuerError> {
        self.asked("resolve");
        self.issuer.resolve(card, record, unsettleable)
    }
}

/// A terminal: two readers and a way to the issuer.
pub(crate) struct Terminal<'a> {
    pub(crate) purse: Reader<'a>,
    pub(crate) sam: Reader<'a>,
    pub(crate) desk: Desk<'a>,
}

/// Runs something at a terminal, and looks whether the cards were held as they must be.
#[track_caller]
pub(crate) fn at_terminal<A>(
    world: &mut World,
    between: Between,
    fault: Fault,
    run: impl FnOnce(&mut Terminal<'_>) -> A,
) -> (A, Watch) {
    let mut in_use = [None; 2];
    match fault {
        Fault::None => {}
        Fault::Lose(side, number) => SIDES[side].1(world).lose(number),
        Fault::Leave(side, number) => SIDES[side].1(world).remove(number),
        Fault::InUse(side, number) => in_use[side] = Some(number),
    }
    let watch = Rc::<RefCell<Watch>>::default();
    let World { purse, sam, issuer, .. } = world;
    let reader = |rig, side: usize| {
        let watch = Rc::clone(&watch);
        Reader { rig, side, between, in_use: in_use[side], event: None, watch }
    };
    let desk = Desk { issuer, declines: false, deaf: 0, watch: Rc::clone(&watch) };
    let (purse, sam) = (reader(purse, 0), reader(sam, 1));
    let result = run(&mut Terminal { purse, sam, desk });
    let watch = watch.take();
    assert!(watch.wrong.is_empty(), "{between:?}, {fault:?}: {:#?}", watch.wrong);
    assert_eq!(watch.held, [false; 2], "{between:?}, {fault:?}");
    (result, watch)
}
