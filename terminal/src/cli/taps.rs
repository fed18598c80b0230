//! `transfer --taps`: one reader, to which payer and payee are held in turn. What the one card has said is on the disk
//! before the other one is asked for, and goes on from there whenever the program is started again.

use super::arguments::TransferArguments;
use super::context::Context;
use super::failure::Failure;
use super::output::Reply;

/// `transfer --taps`
#[cfg(not(feature = "pcsc"))]
pub(crate) fn transfer(_: &Context, _: &TransferArguments) -> Result<Reply, Failure> {
    Err(Failure::no_readers())
}

/// `transfer --taps`
#[cfg(feature = "pcsc")]
pub(crate) fn transfer(context: &Context, arguments: &TransferArguments) -> Result<Reply, Failure> {
    use super::letters::Letters;

    let letters = Letters::open(&context.home)?;
    if arguments.abandon {
        return letters.abandon();
    }
    if context.global.reader.is_none() {
        return Err(Failure::usage("which reader? --reader READER; `purse readers` lists them"));
    }
    let money = arguments.amount().map(|amount| context.money(&amount)).transpose()?;
    relayed::Relayed::begin(context, letters, money)?.run()
}

#[cfg(feature = "pcsc")]
mod relayed {
    use std::time::Duration;

    use purse_terminal::amount::Money;
    use purse_terminal::flow::FlowError;
    use purse_terminal::flow::letter::Letter;
    use purse_terminal::flow::relay::{self, Reply as Answer};
    use purse_terminal::flow::transfer::Transfer;
    use purse_terminal::reader::{Service, Waiting};
    use serde_json::json;

    use super::super::arguments::GlobalArguments;
    use super::super::context::Context;
    use super::super::failure::{ExitCode, Failure, IN_FLIGHT, NOTHING_MOVED};
    use super::super::interrupt;
    use super::super::letters::Letters;
    use super::super::money;
    use super::super::output::{Console, Reply};
    use super::super::proof::{card_for, carried_out, ended_text, letter_text, refused};
    use super::super::receipt::pay_details_document;
    use super::super::transfer::keepable;

    /// How a transfer is gone on with.
    const GO_ON: &str = "`purse transfer --taps --reader READER`";

    /// A transfer between two cards that come to one reader.
    pub(super) struct Relayed<'a> {
        context: &'a Context,
        service: Service,
        letters: Letters,
        /// Of a new one.
        money: Option<Money>,
        letter: Option<Letter>,
    }

    impl<'a> Relayed<'a> {
        pub(super) fn begin(
            context: &'a Context,
            letters: Letters,
            money: Option<Money>,
        ) -> Result<Self, Failure> {
            let letter = letters.current()?;
            match (&letter, money) {
                (Some(letter), Some(_)) => {
                    let message = format!("a transfer is under way ({})", letter_text(letter));
                    let next = format!("{GO_ON} goes on with it; with --abandon it is forgotten.");
                    return Err(in_flight(letter, Failure::new(ExitCode::Usage, message, next)));
                }
                (None, None) => {
                    return Err(Failure::usage("no transfer is under way; how much is to be paid?"));
                }
                _ => {}
            }
            let ready = Service::connect().map_err(Failure::from);
            let ready = ready.and_then(|service| interrupt::cancels(&service).map(|()| service));
            let service = ready.map_err(|failure| kept(letter.as_ref(), failure))?;
            Ok(Self { context, service, letters, money, letter })
        }

        /// Card after card, until the payer knows how it has ended.
        pub(super) fn run(mut self) -> Result<Reply, Failure> {
            let global = &self.context.global;
            let waiting =
                global.wait.map_or(Waiting::Forever, |seconds| Waiting::For(Duration::from_secs(seconds)));
            let wanted = global.reader.clone().unwrap_or_default();
            let mut taps = 0_u32;
            loop {
                Console::say(&self.prompt());
                let reader = match self.service.next_card(&wanted, None, waiting) {
                    Ok(reader) => reader,
                    Err(_) if self.service.is_cancelled() => return Ok(self.broken_off()),
                    Err(error) => return Err(kept(self.letter.as_ref(), error.into())),
                };
                taps += 1;
                match self.tap(&reader) {
                    Ok(Some(answer)) => {
                        Console::say(&ended_text(&answer));
                        match answer {
                            Answer::Letter(letter) => self.letter = Some(letter),
                            Answer::Settled(_) | Answer::Reversed(_) => return Ok(self.ended(&answer, taps)),
                        }
                    }
                    Ok(None) => {}
                    Err(failure) if failure.exit == ExitCode::Usage => {
                        Console::say(&format!("note: {}", failure.message));
                    }
                    Err(failure) => return Err(kept(self.letter.as_ref(), failure)),
                }
                if self.service.is_cancelled() {
                    return Ok(self.broken_off());
                }
                Console::say("take the card away");
                let gone = self.service.wait_for_removal(&reader, waiting);
                if self.service.is_cancelled() {
                    return Ok(self.broken_off());
                }
                gone.map_err(|error| kept(self.letter.as_ref(), error.into()))?;
            }
        }

        /// Whose card is to come.
        fn prompt(&self) -> String {
            let who = match &self.letter {
                None => "the payer's card".to_owned(),
                Some(letter) => match (letter.addressee(), letter.pay_details()) {
                    (Some(number), Some(pay_details)) if number == pay_details.from => {
                        format!("the payer's card, {number},")
                    }
                    (Some(number), _) => format!("the payee's card, {number},"),
                    (None, _) => "the payee's card".to_owned(),
                },
            };
            format!("hold {who} to the reader")
        }

        /// What one card does, and keeps of it.
        fn tap(&mut self, reader: &str) -> Result<Option<Answer>, Failure> {
            let global = GlobalArguments {
                reader: Some(reader.to_owned()),
                wait: None,
                ..self.context.global.clone()
            };
            let context = Context::with_home(self.context.home.clone(), &global, self.context.console)?;
            let Some(letter) = self.letter else {
                let answer = self.offered(&context)?;
                self.letters.keep(&answer)?;
                return Ok(Some(Answer::Letter(answer)));
            };
            let (number, _) = context.card_place().and_then(|place| context.identify(place))?;
            if number == letter.sender.body.number {
                Console::say("note: that is the same card again");
                return Ok(None);
            }
            let answer = match carried_out(&context, card_for(&context, &letter)?, &letter)? {
                Err(error @ FlowError::Outrun(_)) => {
                    // Nothing was debited for it, and nothing will be.
                    self.letters.forget()?;
                    self.letter = None;
                    return Err(refused(&context, error));
                }
                answer => answer.map_err(|error| refused(&context, error))?,
            };
            match &answer {
                Answer::Letter(letter) => self.letters.keep(letter)?,
                Answer::Settled(_) | Answer::Reversed(_) => self.letters.forget()?,
            }
            Ok(Some(answer))
        }

        fn offered(&self, context: &Context) -> Result<Letter, Failure> {
            let Some(money) = self.money else { return Err(Failure::usage("how much is to be paid?")) };
            let mut card = context.card()?;
            money::usable(context, context.card_place()?, card.status())?;
            keepable(context.card_place()?, &mut card, money)?;
            let order =
                Transfer { currency: money.currency(), amount: money.amount, time: money::now(), pin: None };
            Ok(relay::offer(&mut card, &order)?)
        }

        fn ended(&self, answer: &Answer, taps: u32) -> Reply {
            let (pay_details, outcome) = match answer {
                Answer::Settled(pay_details) => (pay_details, "settled"),
                Answer::Reversed(pay_details) => (pay_details, "reversed"),
                Answer::Letter(_) => return self.broken_off(),
            };
            let mut document = pay_details_document(pay_details);
            document["outcome"] = json!(outcome);
            document["taps"] = json!(taps);
            let exit = (outcome == "reversed").then_some(ExitCode::Refused);
            Reply::new(ended_text(answer), document).with_exit(exit)
        }

        /// Ctrl-C.
        fn broken_off(&self) -> Reply {
            let outcome = self.letter.map_or("not_begun", |letter| letter.content.name());
            let text = if self.letter.is_some() {
                format!("broken off; {GO_ON} goes on with it")
            } else {
                "broken off; nothing has moved".to_owned()
            };
            let exit = self.letter.as_ref().is_some_and(may_be_debited).then_some(ExitCode::OutcomeUnknown);
            Reply::new(text, json!({ "outcome": outcome })).with_exit(exit)
        }
    }

    /// Whether value may have been debited.
    fn may_be_debited(letter: &Letter) -> bool {
        letter.pay_details().is_some()
    }

    /// What was begun stays on the disk.
    fn kept(letter: Option<&Letter>, failure: Failure) -> Failure {
        let Some(letter) = letter else { return failure };
        let next = format!("{} Then {GO_ON} goes on; with --abandon it is forgotten.", failure.next);
        in_flight(letter, Failure { next, ..failure })
    }

    /// What it has debited stays in flight.
    fn in_flight(letter: &Letter, failure: Failure) -> Failure {
        if may_be_debited(letter) && failure.money == NOTHING_MOVED {
            failure.with_money(IN_FLIGHT)
        } else {
            failure
        }
    }
}
