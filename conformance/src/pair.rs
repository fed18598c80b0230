//! The shipping card and the reference card, side by side: every command goes to both.

mod cuts;

use apdu_spec::command::CommandName;
use purse_reference::card::{Execution, ReferenceCard};
use purse_reference::memory::Memory;
use purse_reference::session::Session;
use purse_reference::standard::Standard;
use purse_terminal::simulated_memory::{Cut, SimulatedMemory};

use crate::certificate;
use crate::coverage::{Coverage, Lines, Watch};
use crate::draw::Draw;
use crate::generator::{personalisation, select};
use crate::issue::Issue;
use crate::message::{apdu, name_of};
use crate::specimen::Specimen;
use crate::view::View;

/// What happens to both cards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A command.
    Command(Vec<u8>),
    /// A reset.
    Reset,
    /// A command in which the power fails.
    Torn(Vec<u8>, Cut),
}

/// Where text and card differ.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The command.
    pub command: &'static str,
    /// How.
    pub how: String,
    /// The line that gave the reference card's answer.
    pub line: String,
}

/// What a command came to on both.
#[derive(Clone, Debug)]
pub struct Agreed {
    /// Data and status word.
    pub response: Vec<u8>,
    /// Whether the memory is another one now.
    pub changed: bool,
    /// Lines that were executed.
    pub watch: Watch,
    /// Memories that cuts have left, where it was torn.
    pub torn: Option<Vec<Memory>>,
}

/// Both cards.
#[derive(Debug)]
pub struct Pair<'a> {
    pub(crate) issue: &'a Issue,
    pub(crate) lines: &'a Lines,
    /// The shipping card.
    pub specimen: Box<dyn Specimen>,
    /// The reference card.
    pub reference: ReferenceCard<'a>,
    /// What has been seen.
    pub coverage: Coverage,
    turn: usize,
}

impl<'a> Pair<'a> {
    /// Both blank; or, where the issue begins elsewhere, as it is issued.
    ///
    /// # Errors
    /// The card does not start.
    pub fn new(standard: &'a Standard, lines: &'a Lines, issue: &'a Issue) -> Result<Self, Difference> {
        let memory = if issue.first_sequence.is_some() {
            issue.shape.personalised(&issue.parts())
        } else {
            issue.shape.memory()
        };
        Self::on(standard, lines, issue, memory)
    }

    /// Both with what this memory holds, nothing selected.
    ///
    /// # Errors
    /// The card does not start.
    pub fn on(
        standard: &'a Standard,
        lines: &'a Lines,
        issue: &'a Issue,
        memory: SimulatedMemory,
    ) -> Result<Self, Difference> {
        let broken = |how| Difference { command: "power-up", how, line: String::new() };
        let (content, memory) = issue.shape.content(memory).map_err(broken)?;
        let specimen = issue.shape.boot(memory).map_err(broken)?;
        let mut reference = ReferenceCard::blank(standard, issue.shape.sizes());
        reference.memory = content;
        Ok(Self { issue, lines, specimen, reference, coverage: Coverage::new(lines), turn: 0 })
    }

    /// What the card is, or is to become.
    pub const fn issue(&self) -> &'a Issue {
        self.issue
    }

    /// What makes the blank card what it is to be.
    pub fn personalisation(&self) -> Vec<Event> {
        let blank =
            self.reference.memory.value("ROLE", 0).and_then(purse_reference::value::Value::number) == Some(0);
        let commands = if blank { personalisation(self.issue) } else { vec![select()] };
        commands.into_iter().map(Event::Command).collect()
    }

    /// Lets an event happen to both.
    ///
    /// # Errors
    /// They differ.
    pub fn happen(&mut self, event: &Event) -> Result<Option<Agreed>, Difference> {
        match event {
            Event::Command(command) => self.command(command).map(Some),
            Event::Reset => {
                self.specimen.reset();
                self.reference.reset();
                Ok(None)
            }
            Event::Torn(command, cut) => self.torn(command, *cut).map(|()| None),
        }
    }

    /// A command to both; answers and memories must be equal.
    ///
    /// # Errors
    /// They differ.
    pub fn command(&mut self, command: &[u8]) -> Result<Agreed, Difference> {
        let counts = self.specimen.memory().counts().operations();
        let response = self.specimen.process(command);
        self.specimen.finish();
        let before = self.reference.memory.clone();
        let (execution, watch) = self.execute(command)?;
        self.coverage.tried(name_of(command)).commands += 1;
        if execution.response != response {
            let how = format!("the card answers {}, the text {}", hex(&response), hex(&execution.response));
            return Err(self.difference(command, how, &watch));
        }
        let found = if self.specimen.memory().counts().operations() == counts {
            None
        } else {
            Some(self.content(self.specimen.memory().clone(), command, &watch)?)
        };
        // What the card has not touched holds what it held.
        let found = found.as_ref().unwrap_or(&before);
        if *found != self.reference.memory {
            let how = memory_difference("after it", found, &self.reference.memory);
            return Err(self.difference(command, how, &watch));
        }
        let changed = before != self.reference.memory;
        if changed {
            self.coverage.tried(name_of(command)).writes += 1;
        }
        Ok(Agreed { response, changed, watch, torn: None })
    }

    /// The reference card's part.
    pub(crate) fn execute(&mut self, command: &[u8]) -> Result<(Execution, Watch), Difference> {
        let mut watch = Watch::default();
        match self.reference.process_observed(command, &mut watch) {
            Ok(execution) => {
                self.coverage.count(self.lines, &watch);
                Ok((execution, watch))
            }
            Err(fault) => {
                Err(self.difference(command, format!("the text cannot be executed: {fault}"), &watch))
            }
        }
    }

    pub(crate) fn content(
        &self,
        memory: SimulatedMemory,
        command: &[u8],
        watch: &Watch,
    ) -> Result<Memory, Difference> {
        let found = self.issue.shape.content(memory);
        found.map(|(found, _)| found).map_err(|how| self.difference(command, how, watch))
    }

    pub(crate) fn difference(&self, command: &[u8], how: String, watch: &Watch) -> Difference {
        let last = watch.lines.last().map(|(listing, line)| {
            let (name, number) = self.reference.standard().line(*listing, *line);
            let sources = self.reference.standard().sources();
            let text = sources.get(*listing).and_then(|source| source.lines.get(*line));
            format!("{name} {number} {}", text.map_or("", |line| &line.text))
        });
        Difference { command: name_of(command), how, line: last.unwrap_or_default() }
    }

    /// Whether the application is selected.
    pub fn is_selected(&self) -> bool {
        self.reference.session.named("SELECTED").and_then(|value| value.number()) == Some(1)
    }

    /// The card as a generator sees it.
    pub fn view(&self) -> View {
        View::of(&self.reference)
    }

    /// The commands that bring a card with power to this one's session.
    pub fn prelude(&self) -> Vec<Vec<u8>> {
        prelude(&self.reference.memory, &self.reference.session)
    }

    /// A cut for an event of a history.
    pub fn any_cut(draw: &mut Draw) -> Cut {
        use purse_terminal::simulated_memory::Flight;
        Cut {
            operation: draw.pick(&[0, 0, 0, 1, 1, 2, 3, 4, 5, 7]),
            units: draw.pick(&[0, 1, 7, 18, usize::MAX, usize::MAX]),
            flight: draw.pick(&Flight::ALL),
        }
    }
}

/// The commands that bring a card which has just got power to a session: selected, PIN and peer verified, the
/// current file. What
/// STORE DATA has collected is the caller's to send again.
pub fn prelude(memory: &Memory, session: &Session) -> Vec<Vec<u8>> {
    let view = View::of_parts(memory, session);
    let number = |name| session.named(name).and_then(|value| value.number()).unwrap_or(0);
    let mut commands = Vec::new();
    if view.selected {
        commands.push(select());
    }
    if view.verified {
        commands.push(apdu(CommandName::Verify, 0, 0x80, &view.pin));
    }
    commands.extend(certificate::of_session(&view).map(|inside| certificate::verify(&inside)));
    let file: Option<[u8; 2]> = match number("FILE") {
        1 => Some([0x2F, 0]),
        3 => Some([0, 0x15]),
        4 => Some([0, 0x18]),
        5 => Some([0, 0x19]),
        _ => None,
    };
    commands.extend(file.map(|file| apdu(CommandName::Select, 0, 0x0C, &file)));
    commands
}

/// For a person.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

pub(crate) fn memory_difference(when: &str, card: &Memory, text: &Memory) -> String {
    let differences = card.differences(text);
    format!("their memories differ {when} (card, text):\n      {}", differences.join("\n      "))
}
