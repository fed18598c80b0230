//! What payer and payee share: pockets, limits, and the one record that each transaction appends.

use apdu_spec::cryptography::{Engine, KeyPurpose, Session, Tac, chain};
use apdu_spec::curve::Curve;
use apdu_spec::element::{Currency, Role, Sequence};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::pocket::Limits;
use apdu_spec::record::RecordRole;
use apdu_spec::status::StatusWord;

use crate::card::Card;
use crate::memory::{Memory, MemoryFailure};
use crate::store::{Entry, Record};

impl From<MemoryFailure> for StatusWord {
    /// Whatever failed, the terminal cannot mend it.
    fn from(_: MemoryFailure) -> Self {
        Self::MemoryFailure
    }
}

impl<M: Memory, E: Engine + Curve, const WINDOW: usize, const EXCEPTIONS: usize>
    Card<M, E, WINDOW, EXCEPTIONS>
{
    /// The place of a currency's pocket, 6A88 where there is none.
    pub(crate) fn pocket(&self, currency: Currency) -> Result<usize, StatusWord> {
        let parameters = self.store.parameters().ok_or(StatusWord::ConditionsOfUse)?;
        let place =
            parameters.pockets.iter().position(|pocket| pocket.is_used() && pocket.currency == currency);
        place.ok_or(StatusWord::ReferenceNotFound)
    }

    /// The limits of a pocket.
    pub(crate) fn limits(&self, place: usize) -> Result<Limits, StatusWord> {
        let parameters = self.store.parameters().and_then(|parameters| parameters.pockets.get(place));
        parameters.map(|pocket| pocket.limits).ok_or(StatusWord::ReferenceNotFound)
    }

    /// The next record, with the state after the last one: what happens is put into it.
    pub(crate) fn next_record(&self, pay_details: &PayDetails, role: RecordRole) -> Record {
        let state = self.store.state();
        Record {
            sequence: self.store.next_sequence(),
            pay_details: *pay_details,
            tac: Tac::NONE,
            role,
            settled: false,
            reference: None,
            last_load: state.last_load,
            administration: state.administration,
            pockets: state.pockets,
            chain: state.chain,
        }
    }

    /// The session of one transaction of this card.
    pub(crate) fn session(&mut self, pay_details: &PayDetails) -> Result<Session<'_, E>, StatusWord> {
        let role = self.identity()?.role;
        self.keys.session(&self.engine, role, pay_details)
    }

    /// Every sequence in the log: EF.EXC, then EF.LOG.
    pub(crate) fn sequences(&self) -> impl Iterator<Item = Sequence> + '_ {
        self.store.exceptions().chain(self.store.window_sequences())
    }

    /// The commit: one record, one program of the memory. A merchant SAM's record continues its chain.
    pub(crate) fn append(&mut self, mut record: Record) -> Result<(), StatusWord> {
        if self.identity()?.role == Role::Merchant {
            let tac_key = self.keys.own(KeyPurpose::Tac)?;
            let Record { role, pay_details, tac, .. } = &record;
            record.chain = chain(&self.engine, tac_key, record.chain, *role, pay_details, *tac);
        }
        Ok(self.store.commit(Entry::Record(record))?)
    }
}
