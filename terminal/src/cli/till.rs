//! `till`: waits for cards and takes the same payment from each.
//!
//! Ctrl-C between two cards closes the till; in mid-payment the payment is brought to its end first.

use purse_terminal::amount::Money;

use super::context::Context;
use super::failure::Failure;
use super::output::Reply;

/// `till`
#[cfg(feature = "pcsc")]
pub(crate) fn till(
    context: &Context,
    price: Money,
    count: Option<u64>,
    again: bool,
) -> Result<Reply, Failure> {
    open::Till::open(context, price, again)?.run(count)
}

/// `till`
#[cfg(not(feature = "pcsc"))]
pub(crate) fn till(_: &Context, _: Money, _: Option<u64>, _: bool) -> Result<Reply, Failure> {
    Err(Failure::no_readers())
}

#[cfg(feature = "pcsc")]
mod open {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use apdu_spec::element::Time;
    use apdu_spec::number::PartyNumber;
    use purse_terminal::amount::Money;
    use purse_terminal::reader::{Service, Waiting};
    use serde_json::{Value, json};

    use super::super::arguments::GlobalArguments;
    use super::super::context::Context;
    use super::super::failure::{ExitCode, Failure};
    use super::super::interrupt;
    use super::super::money::{self, Attempt};
    use super::super::output::{Console, Document, Reply};
    use super::super::words;

    /// A till that is open.
    pub(super) struct Till<'a> {
        context: &'a Context,
        service: Service,
        price: Money,
        again: bool,
        /// Cards that have paid.
        paid: BTreeSet<PartyNumber>,
        /// Cards with a payment whose outcome is not known.
        unsettled: BTreeSet<PartyNumber>,
        payments: u64,
    }

    /// What became of one card.
    enum Tap {
        Paid {
            balance: String,
        },
        /// It had paid before.
        Twice,
        NotPaid(Failure),
    }

    impl<'a> Till<'a> {
        pub(super) fn open(context: &'a Context, price: Money, again: bool) -> Result<Self, Failure> {
            // A SAM that is not there shows before the first card comes.
            let sam = context.sam_place()?;
            context.find(sam)?;
            let service = Service::connect()?;
            interrupt::cancels(&service)?;
            Ok(Self {
                context,
                service,
                price,
                again,
                paid: BTreeSet::new(),
                unsettled: BTreeSet::new(),
                payments: 0,
            })
        }

        pub(super) fn run(mut self, count: Option<u64>) -> Result<Reply, Failure> {
            let waiting = self
                .context
                .global
                .wait
                .map_or(Waiting::Forever, |seconds| Waiting::For(Duration::from_secs(seconds)));
            let wanted = self.context.global.reader.clone().unwrap_or_default();
            let price = self.price;
            Console::say(&format!("{price} from each card; Ctrl-C closes the till"));
            while count.is_none_or(|count| self.payments < count) {
                // The SAM's reader is for no customer.
                let except = self.context.sam_place()?.name();
                let reader = match self.service.next_card(&wanted, Some(except), waiting) {
                    Ok(reader) => reader,
                    Err(_) if self.service.is_cancelled() => break,
                    // Nobody has come for as long as was to be waited.
                    Err(purse_terminal::transport::TransportError::NoCard(_)) => break,
                    Err(error) => return Err(self.closed(error.into())),
                };
                let (number, tap) = self.serve(&reader);
                self.tell(number, &tap)?;
                let enough = count.is_some_and(|count| self.payments >= count);
                if enough || self.service.is_cancelled() {
                    break;
                }
                self.service
                    .wait_for_removal(&reader, Waiting::Forever)
                    .map_err(|error| self.closed(error.into()))?;
            }
            self.summary()
        }

        /// Takes the payment from the card in this reader.
        fn serve(&mut self, reader: &str) -> (Option<PartyNumber>, Tap) {
            let global = GlobalArguments {
                reader: Some(reader.to_owned()),
                wait: None,
                ..self.context.global.clone()
            };
            let paid = Context::with_home(self.context.home.clone(), &global, self.context.console).and_then(
                |context| {
                    let (number, _) = context.card_place().and_then(|place| context.identify(place))?;
                    Ok((context, number))
                },
            );
            let (context, number) = match paid {
                Ok(found) => found,
                Err(failure) => return (None, Tap::NotPaid(failure)),
            };
            if self.paid.contains(&number) && !self.again {
                return (Some(number), Tap::Twice);
            }
            let tap = match money::pay_once(&context, self.price, false) {
                Ok(reply) => Tap::Paid { balance: reply.field("balance").to_owned() },
                Err(Attempt::NeedsPin) => Tap::NotPaid(Failure::new(
                    ExitCode::Authentication,
                    "this amount needs the card's PIN",
                    "Take it with `purse pay`.",
                )),
                Err(Attempt::Failed(failure)) => Tap::NotPaid(failure),
            };
            match &tap {
                Tap::Paid { .. } => {
                    self.unsettled.remove(&number);
                    self.paid.insert(number);
                    self.payments += 1;
                }
                Tap::NotPaid(failure) if failure.exit == ExitCode::OutcomeUnknown => {
                    self.unsettled.insert(number);
                }
                Tap::NotPaid(_) | Tap::Twice => {}
            }
            (Some(number), tap)
        }

        fn money(&self, minor: i128) -> String {
            words::money(self.price.currency(), minor)
        }

        /// One line for one card.
        fn tell(&self, number: Option<PartyNumber>, tap: &Tap) -> Result<(), Failure> {
            let now: Time = money::now();
            let who = number.map_or_else(|| "unknown card    ".to_owned(), |number| number.to_string());
            let amount = self.price;
            let (event, what) = match tap {
                Tap::Paid { balance } if balance.is_empty() => {
                    ("paid", format!("paid {amount} (it was done before)"))
                }
                Tap::Paid { balance } => {
                    let currency = self.price.denomination.code();
                    ("paid", format!("paid {amount}, balance {balance} {currency}"))
                }
                Tap::Twice => ("paid_already", "has paid already: take it away".to_owned()),
                Tap::NotPaid(failure) if failure.exit == ExitCode::OutcomeUnknown => {
                    ("unknown", format!("{}: hold the same card to the reader again", failure.message))
                }
                Tap::NotPaid(failure) => ("not_paid", format!("NOT PAID: {}", failure.message)),
            };
            let mut fields = json!({
                "event": event,
                "time": words::time(now),
                "number": number.map(|number| number.to_string()),
                "amount": words::amount(self.price.currency(), self.price.amount.0),
            });
            match tap {
                Tap::Paid { balance } => fields["balance"] = json!(balance),
                Tap::Twice => {}
                Tap::NotPaid(failure) => {
                    let document = failure.document(None);
                    fields["error"] = document.get("error").cloned().unwrap_or(Value::Null);
                }
            }
            let line = format!("{}  {who}  {what}", words::time(now));
            self.context.console.event("till", &line, fields)
        }

        /// What the till has taken, also when it has to close.
        fn closed(&self, failure: Failure) -> Failure {
            let taken = self.money(i128::from(self.price.amount.0) * i128::from(self.payments));
            failure.with_money(format!("{} payments were taken, {taken} in all.", self.payments))
        }

        fn summary(&self) -> Result<Reply, Failure> {
            let total = i128::from(self.price.amount.0) * i128::from(self.payments);
            let currency = self.price.currency();
            let payments = if self.payments == 1 { "payment" } else { "payments" };
            let line = format!("{} {payments}, {} in all", self.payments, self.money(total));
            let unsettled: Vec<String> = self.unsettled.iter().map(ToString::to_string).collect();
            let fields = json!({
                "event": "closed",
                "payments": self.payments,
                "total": words::amount(currency, total),
                "unsettled": unsettled,
            });
            self.context.console.event("till", &line, fields)?;
            if !unsettled.is_empty() {
                Console::say(&format!(
                    "note: the outcome is unknown with {}; run `purse recover` when it is back",
                    unsettled.join(", ")
                ));
            }
            let exit = (!unsettled.is_empty()).then_some(ExitCode::OutcomeUnknown);
            Ok(Reply { document: Document::Said, exit, ..Reply::default() })
        }
    }
}
