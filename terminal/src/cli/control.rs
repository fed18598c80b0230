//! `control …` and `pocket add`: the issuer changes a card by signed scripts, here and now, in a file, or with the
//! card's next load.

mod file;
mod limits;
mod words;

use std::path::Path;

use apdu_spec::element::{Amount, Expiry, KeyVersion, Role};
use apdu_spec::file::IdentityFile;
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::number::PartyNumber;
use apdu_spec::parameter::{self, Parameter};
use purse_terminal::client::Client;
use purse_terminal::flow::scripts::{self, Undone};
use purse_terminal::home::NewFile;
use purse_terminal::issuer::{Order, OrderState, SignedScript, Way};
use serde_json::{Value, json};

use super::arguments::{ControlCommand, GlobalArguments, LimitArguments, WayArguments};
use super::context::{Context, Embedded, Slot};
use super::failure::{ExitCode, Failure};
use super::output::{Console, Reply};
use super::place::Place;
use super::view::table;
use super::words::{UNKNOWN, money};

pub(crate) use limits::add_pocket;
use words::{describe, documents, told};

/// `control …`
pub(crate) fn control(context: &Context, command: ControlCommand) -> Result<Reply, Failure> {
    match command {
        ControlCommand::Limits { currency, limits, way } => {
            limits::change(context, currency.as_deref(), &limits, &way)
        }
        ControlCommand::Block { way } => order(context, &way, |_| Ok(Parameter::Block)),
        ControlCommand::Unblock { way } => order(context, &way, |_| Ok(Parameter::Unblock)),
        ControlCommand::UnblockPin { way } => order(context, &way, |_| Ok(Parameter::PinTries)),
        ControlCommand::ClearLock { way } => order(context, &way, |_| Ok(Parameter::ClearLock)),
        ControlCommand::Expiry { month, way } => {
            let expiry = month_of(&month)?;
            order(context, &way, |_| Ok(Parameter::Expiry(expiry)))
        }
        ControlCommand::Terminate { way } => order(context, &way, |target| target.terminate(context)),
        ControlCommand::ForgetKeys { version, way } => {
            order(context, &way, |_| Ok(Parameter::ForgetMaster(KeyVersion(version))))
        }
        ControlCommand::Apply { file } => file::apply(context, &file),
        ControlCommand::Deliver => deliver(context),
        ControlCommand::List { number } => list(context, number.as_deref()),
    }
}

/// `2031-11`, of this century.
fn month_of(text: &str) -> Result<Expiry, Failure> {
    let wrong = || Failure::usage(format!("`{text}` is no month: a year and a month are, 2031-11"));
    let (year, month) = text.strip_prefix("20").and_then(|rest| rest.split_once('-')).ok_or_else(wrong)?;
    let mut bytes = [0; Expiry::LENGTH];
    hex::decode_to_slice(format!("{year}{month}"), &mut bytes).map_err(|_| wrong())?;
    Some(Expiry(bytes)).filter(|expiry| expiry.is_valid()).ok_or_else(wrong)
}

/// The card that a script is for.
pub(super) struct Target {
    number: PartyNumber,
    role: Role,
    /// If it is here.
    here: Option<Here>,
}

/// A card that is here, released.
struct Here {
    place: Place,
    client: Client<Slot>,
    identity: IdentityFile,
}

impl Here {
    fn open(context: &Context, place: &Place) -> Result<Self, Failure> {
        let mut client = context.open_card(place)?;
        if client.status().life_cycle == LifeCycle::Blank {
            return Err(Failure::blank(place));
        }
        let identity = client.identity()?;
        client.release();
        Ok(Self { place: place.clone(), client, identity })
    }
}

impl Target {
    /// By its number if that was given, else the card of the options: the SAM if one was named, and no card.
    fn find(context: &Context, issuer: &Embedded, way: &WayArguments) -> Result<Self, Failure> {
        if let Some(number) = &way.number {
            if way.out.is_none() && !way.queue {
                return Err(Failure::usage("--number is for a card elsewhere: add --out FILE or --queue"));
            }
            let card = issuer.card(number_of(number)?)?;
            return Ok(Self { number: card.number, role: card.role, here: None });
        }
        let GlobalArguments { card, reader, sam, sam_reader, .. } = &context.global;
        let names_card = reader.is_some() || card.is_some();
        let names_sam = !names_card && (sam.is_some() || sam_reader.is_some());
        let place = if names_sam { context.sam_place()? } else { context.card_place()? };
        let here = Here::open(context, place)?;
        let status = here.client.status();
        Ok(Self { number: status.number, role: status.role, here: Some(here) })
    }

    /// Only an empty card: the script would be refused.
    fn terminate(&mut self, context: &Context) -> Result<Parameter, Failure> {
        if let Some(Here { place, client, identity }) = &mut self.here
            && client.status().life_cycle == LifeCycle::Active
        {
            for (pocket, parameters) in (0..).zip(&identity.pockets).filter(|(_, one)| one.is_used()) {
                let balance = client.hold().and_then(|()| client.balance(pocket))?.balance;
                client.release();
                if balance != Amount::ZERO {
                    let money = money(parameters.currency, balance.0.into());
                    let message = format!("{place} still holds {money}: only an empty card is terminated");
                    return Err(Failure::new(ExitCode::Refused, message, "Unload or collect it first."));
                }
            }
        }
        if Console::confirms(context, &format!("End the life of card {} for good?", self.number)) {
            Ok(Parameter::Terminate)
        } else {
            Err(Failure::usage("not confirmed; nothing was signed"))
        }
    }

    /// How it is called: by its place, else by its number.
    fn name(&self) -> String {
        let name = self.here.as_ref().map(|here| here.place.name().to_owned());
        name.unwrap_or_else(|| self.number.to_string())
    }
}

fn number_of(text: &str) -> Result<PartyNumber, Failure> {
    text.parse().map_err(|_| Failure::usage(format!("`{text}` is no card's number: 16 digits are")))
}

/// Signs a script and sends it on its way.
fn order(
    context: &Context,
    way: &WayArguments,
    parameter: impl FnOnce(&mut Target) -> Result<Parameter, Failure>,
) -> Result<Reply, Failure> {
    let mut issuer = context.issuer()?;
    let mut target = Target::find(context, &issuer, way)?;
    let parameter = parameter(&mut target)?;
    let does = describe(&parameter, target.here.as_ref().map(|here| &here.identity));
    if let Some(path) = &way.out {
        // Nothing is signed for a file that cannot be written.
        let file = NewFile::create(path).map_err(|error| Failure::new_file(path, &error))?;
        let script = issuer.order(target.number, &parameter, Way::File)?;
        return file::write(file, &script, &does);
    }
    let script = issuer.order(target.number, &parameter, Way::Queue)?;
    let name = target.name();
    match target.here {
        Some(mut here) if !way.queue => {
            carry_out(&mut issuer, &mut here, &script)?;
            Ok(Reply::new(format!("{name}: {does}"), document(&name, &script, &does, "done")))
        }
        _ => {
            let text = format!(
                "{name}: script {} waits for the card ({does}); `purse load` and `purse control deliver` bring it",
                script.counter
            );
            Ok(Reply::new(text, document(&name, &script, &does, "queued")))
        }
    }
}

/// A change of the card of the options, carried out now.
pub(crate) fn at_once(context: &Context, parameter: &Parameter) -> Result<Client<Slot>, Failure> {
    let mut issuer = context.issuer()?;
    let mut here = Here::open(context, context.card_place()?)?;
    let script = issuer.order(here.client.status().number, parameter, Way::Queue)?;
    carry_out(&mut issuer, &mut here, &script)?;
    here.client.hold()?;
    Ok(here.client)
}

/// Brings all that waits for the card, this script last.
fn carry_out(issuer: &mut Embedded, here: &mut Here, script: &SignedScript) -> Result<(), Failure> {
    let waits = |failure: Failure| Failure {
        next: format!("{} The script waits for the card: `purse control deliver` brings it.", failure.next),
        ..failure
    };
    let deliveries =
        scripts::deliver_waiting(&mut here.client, issuer).map_err(|error| waits(error.into()))?;
    let mut own = None;
    for delivery in deliveries {
        if delivery.script.counter == script.counter {
            own = Some(delivery.outcome);
        } else {
            Console::say(&format!("note: {}", told(&delivery)));
        }
    }
    match own {
        // None: somebody else has brought it in between.
        Some(Ok(())) | None => Ok(()),
        Some(Err(Undone::Refused(error))) => Err(refused(error.into())),
        Some(Err(Undone::Superseded)) => Err(superseded(&here.place)),
    }
}

/// A script that the card has refused is not over yet.
fn refused(failure: Failure) -> Failure {
    let next = format!("{} The script is void as soon as the card accepts a later one.", failure.next);
    Failure { next, ..failure }
}

fn superseded(place: &Place) -> Failure {
    let message = format!("{place} has accepted a later script: it takes this one no more");
    Failure::new(ExitCode::Refused, message, "If it is still wanted, order it again.")
}

fn document(name: &str, script: &SignedScript, does: &str, state: &str) -> Value {
    json!({
        "card": name,
        "number": script.card.to_string(),
        "counter": script.counter,
        "parameter": parameter::name(script.id),
        "does": does,
        "state": state,
    })
}

/// Brings this card all scripts that wait for it, and says so.
pub(crate) fn bring_waiting(
    place: &Place,
    issuer: &mut Embedded,
    card: &mut Client<Slot>,
) -> Result<Vec<Value>, Failure> {
    let is_over = matches!(card.status().life_cycle, LifeCycle::Blank | LifeCycle::Terminated);
    if is_over {
        return Ok(Vec::new());
    }
    let deliveries = scripts::deliver_waiting(card, issuer)?;
    for delivery in &deliveries {
        Console::say(&format!("note: {place}: {}", told(delivery)));
    }
    Ok(documents(&deliveries))
}

/// `control deliver`
fn deliver(context: &Context) -> Result<Reply, Failure> {
    let mut issuer = context.issuer()?;
    let Target { here, .. } = Target::find(context, &issuer, &WayArguments::default())?;
    let Some(mut here) = here else { return Ok(Reply::default()) };
    let deliveries = scripts::deliver_waiting(&mut here.client, &mut issuer)?;
    let refused = deliveries.iter().any(|delivery| delivery.outcome.is_err());
    let mut lines: Vec<String> = deliveries.iter().map(told).collect();
    if lines.is_empty() {
        lines.push("nothing waits for the card".to_owned());
    }
    let document = json!({ "card": here.place.name(), "scripts": documents(&deliveries) });
    Ok(Reply::new(lines.join("\n"), document).with_exit(refused.then_some(ExitCode::Refused)))
}

/// `control list`
fn list(context: &Context, number: Option<&str>) -> Result<Reply, Failure> {
    let names_card = context.global.card.is_some() || context.global.reader.is_some();
    let number = match number {
        Some(number) => Some(number_of(number)?),
        None if names_card => Some(context.identify(context.card_place()?)?.0),
        None => None,
    };
    let orders = context.issuer()?.orders(number)?;
    let mut table = table(&["card", "no.", "what", "state"], &[1]);
    let mut documents = Vec::new();
    for Order { card, counter, id, value, state } in &orders {
        let what = Parameter::parse(*id, value)
            .map_or_else(|_| UNKNOWN.to_owned(), |parameter| describe(&parameter, None));
        let (code, state) = match state {
            OrderState::Queued => ("queued", "waits for the card"),
            OrderState::Filed => ("filed", "in a file"),
            OrderState::Done => ("done", "done"),
            OrderState::Refused => ("refused", "refused by the card"),
            OrderState::Superseded => ("superseded", "overtaken by a later one"),
        };
        table.add_row([card.to_string(), counter.to_string(), what.clone(), state.to_owned()]);
        documents.push(json!({
            "number": card.to_string(), "counter": counter, "parameter": parameter::name(*id), "does": what,
            "state": code,
        }));
    }
    let text = if orders.is_empty() { "no script was ordered".to_owned() } else { table.trim_fmt() };
    Ok(Reply::new(text, json!({ "scripts": documents })))
}
