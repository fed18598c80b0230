//! All that a card shows of its memory, to compare it with the model.

use apdu_spec::command::Command;
use apdu_spec::element::Sequence;
use apdu_spec::file::IdentityFile;
use apdu_spec::status::StatusWord as Status;

use super::Model;
use crate::bench_card::{Answer, BenchCard};

/// What a card with its application selected says when it is asked for everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    identity: IdentityFile,
    tries: u8,
    balances: Vec<Result<Vec<u8>, Status>>,
    /// READ ENTRY of every sequence, and of the one not reached yet.
    entries: Vec<Result<Vec<u8>, Status>>,
    /// READ RECORD of EF.EXC.
    exceptions: Vec<Vec<u8>>,
}

impl View {
    /// Asks a card; it must write nothing.
    #[track_caller]
    pub fn of<const WINDOW: usize, const EXCEPTIONS: usize>(
        card: &mut BenchCard<WINDOW, EXCEPTIONS>,
    ) -> Self {
        let mut ask = |command: &Command<'_>| {
            let before = card.card.memory().counts();
            let Answer { data, status } = card.process(command.emit().as_bytes());
            assert_eq!(card.card.memory().counts(), before, "{:?} wrote", command.name());
            if status == Status::Success { Ok(data) } else { Err(status) }
        };
        let identity = ask(&Command::ReadBinary(Some(0x15), 0)).expect("EF.ID can always be read");
        let identity = IdentityFile::parse(&identity.try_into().expect("EF.ID is as long as it is"));
        let identity = identity.expect("EF.ID holds");
        let tries = ask(&Command::GetData([0x9F, 0x17])).expect("the tries can always be read");
        let next = identity.status.sequence.0;
        let exceptions = (1..=255).map_while(|number| match ask(&Command::ReadRecord(Some(0x19), number)) {
            Ok(record) => Some(record),
            Err(status) => {
                assert_eq!(status, Status::RecordNotFound);
                None
            }
        });
        let exceptions = exceptions.collect();
        Self {
            identity,
            tries: tries[3],
            balances: (0..5).map(|pocket| ask(&Command::GetBalance(pocket))).collect(),
            entries: (0..=next).map(|sequence| ask(&Command::ReadEntry(Sequence(sequence)))).collect(),
            exceptions,
        }
    }
}

impl Model {
    /// What the card must show. The application must be selected.
    pub fn view(&self) -> View {
        use apdu_spec::command::CommandName::GetBalance;
        let balance = |pocket| self.gate(GetBalance).and_then(|()| self.balance(pocket));
        View {
            identity: self.identity_file(),
            tries: self.state.tries,
            balances: (0..5).map(balance).collect(),
            entries: (0..=self.next()).map(|sequence| self.entry(sequence)).collect(),
            exceptions: self.exceptions().map(|place| self.log_record(place).emit().to_vec()).collect(),
        }
    }

    fn entry(&self, sequence: u32) -> Result<Vec<u8>, Status> {
        use apdu_spec::command::CommandName::ReadEntry;
        self.gate(ReadEntry).and_then(|()| self.read_entry(Sequence(sequence)))
    }
}
