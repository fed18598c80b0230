//! `balance --watch`: a balance reader. Whatever card comes into the reader is asked what it holds, until Ctrl-C.

use super::context::Context;
use super::failure::Failure;
use super::output::Reply;

/// `balance --watch`
#[cfg(feature = "pcsc")]
pub(crate) fn watch(context: &Context) -> Result<Reply, Failure> {
    if context.global.reader.is_none() {
        return Err(Failure::usage(
            "--watch is for cards that come and go: name a reader with --reader; a virtual card is shown by `purse balance`",
        ));
    }
    shown::watch(context)
}

/// `balance --watch`
#[cfg(not(feature = "pcsc"))]
pub(crate) fn watch(_: &Context) -> Result<Reply, Failure> {
    Err(Failure::no_readers())
}

#[cfg(feature = "pcsc")]
mod shown {
    use std::time::Duration;

    use apdu_spec::life_cycle::LifeCycle;
    use purse_terminal::reader::{Service, Waiting};
    use purse_terminal::transport::TransportError;
    use serde_json::{Value, json};

    use super::super::arguments::GlobalArguments;
    use super::super::context::Context;
    use super::super::failure::Failure;
    use super::super::interrupt;
    use super::super::money::now;
    use super::super::output::{Console, Document, Reply};
    use super::super::view::Balances;
    use super::super::words;

    pub(super) fn watch(context: &Context) -> Result<Reply, Failure> {
        let service = Service::connect()?;
        interrupt::cancels(&service)?;
        let waiting = context
            .global
            .wait
            .map_or(Waiting::Forever, |seconds| Waiting::For(Duration::from_secs(seconds)));
        let wanted = context.global.reader.clone().unwrap_or_default();
        Console::say("the balance of each card that comes; Ctrl-C ends it");
        let mut cards = 0_u64;
        loop {
            let reader = match service.next_card(&wanted, None, waiting) {
                Ok(reader) => reader,
                Err(_) if service.is_cancelled() => break,
                // Nobody has come for as long as was to be waited.
                Err(TransportError::NoCard(_)) => break,
                Err(error) => return Err(error.into()),
            };
            show(context, &reader)?;
            cards += 1;
            service.wait_for_removal(&reader, Waiting::Forever)?;
        }
        let line = format!("{cards} {}", if cards == 1 { "card" } else { "cards" });
        context.console.event("balance", &line, json!({ "event": "closed", "cards": cards }))?;
        Ok(Reply { document: Document::Said, ..Reply::default() })
    }

    /// One line for one card. What cannot be shown is said, and the next card may come.
    fn show(context: &Context, reader: &str) -> Result<(), Failure> {
        let time = words::time(now());
        match look(context, reader) {
            Ok((number, state, balances)) => {
                let state_told = if state == LifeCycle::Active { "" } else { state.name() };
                let line = [time.as_str(), &number, &balances.lines.join(", "), state_told].join("  ");
                let mut fields = balances.document();
                fields["event"] = json!("balance");
                fields["time"] = json!(time);
                fields["number"] = json!(number);
                fields["life_cycle"] = json!(state.name());
                context.console.event("balance", line.trim_end(), fields)
            }
            Err(failure) => {
                let document = failure.document(None);
                let error = document.get("error").cloned().unwrap_or(Value::Null);
                let fields = json!({ "event": "not_shown", "time": time, "error": error });
                context.console.event("balance", &format!("{time}  {}", failure.message), fields)
            }
        }
    }

    fn look(context: &Context, reader: &str) -> Result<(String, LifeCycle, Balances), Failure> {
        let global =
            GlobalArguments { reader: Some(reader.to_owned()), wait: None, ..context.global.clone() };
        let context = Context::with_home(context.home.clone(), &global, context.console)?;
        let mut card = context.card()?;
        let status = *card.status();
        let balances = Balances::read(&context, &mut card)?;
        Ok((status.number.to_string(), status.life_cycle, balances))
    }
}
