//! `bench --reader`: what lies between a terminal and a card in a reader, in time. Beside the card a bare echo card is
//! measured in the same reader driver, in turns, so that what is the card's own can be told from what is the way's.

#![cfg(feature = "pcsc")]

use std::net::Ipv4Addr;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use apdu_spec::command::{Command, Selection};
use apdu_spec::element::Amount;
use apdu_spec::file::{APPLICATION, CONTROL_LENGTH};
use purse_terminal::flow::purchase::{self, Payment};
use purse_terminal::reader::{Connect, InReader, Service, Waiting};
use purse_terminal::transport::{EMPTY_RESPONSE, Transport, TransportError};
use purse_terminal::vpcd::{self, EchoCard, FIRST_SLOT, Plug, SECOND_SLOT, Stop};
use serde_json::{Value, json};

use super::context::Context;
use super::failure::{ExitCode, Failure};
use super::money::{self, now, usable};
use super::output::{Console, Reply};
use super::pending::{self, Note};
use super::words;

/// Round trips of one card before the other's turn.
const BATCH: usize = 100;
/// How long the echo card is waited for: vpcd looks for cards about twice a second.
const PLUGGING: Duration = Duration::from_secs(5);

/// Before the echo card is tried again.
const PAUSE: Duration = Duration::from_millis(100);

/// `bench --reader`
pub(crate) fn bench(context: &Context, time: Duration, purchases: u32) -> Result<Reply, Failure> {
    let place = context.card_place()?;
    let echo = Echo::plug_in(place.name());
    let (mut selects, mut echoes) = (Latencies::default(), Latencies::default());
    {
        let mut card = context.card()?;
        let mut echo = echo.as_ref().ok().map(Echo::connect).transpose()?;
        Console::say("measuring; this takes as long as --time says");
        let start = Instant::now();
        while start.elapsed() < time {
            selects.batch(card.transport())?;
            if let Some(echo) = &mut echo {
                echoes.batch(echo)?;
            }
        }
    }
    let reason = echo.as_ref().err().cloned();
    drop(echo);
    let sold = sell(context, purchases)?;
    let times = selects.median() / echoes.median();
    let beside = match &reason {
        None => format!("echo card: {}\n{times:.2} times the echo card's median", echoes.text()),
        Some(reason) => format!("echo card: not measured: {reason}"),
    };
    let text = format!("{}: {}\n{beside}\n{}", place.name(), selects.text(), sold.text());
    let echo = reason.map_or_else(|| echoes.document(), |reason| json!({ "not_measured": reason }));
    let document = json!({
        "reader": place.name(),
        "select": selects.document(),
        "echo": echo,
        "times_echo": if times.is_nan() { Value::Null } else { json!(round(times, 1000.0)) },
        "purchases": sold.document(),
    });
    Ok(Reply::new(text, document))
}

/// Times of single round trips.
#[derive(Default)]
struct Latencies {
    times: Vec<Duration>,
}

impl Latencies {
    /// SELECTs, one after the other.
    fn batch<T: Transport + ?Sized>(&mut self, card: &mut T) -> Result<(), Failure> {
        let command = Command::Select(Selection::Application(&APPLICATION), true).emit();
        for _ in 0..BATCH {
            let mut buffer = EMPTY_RESPONSE;
            let start = Instant::now();
            card.transmit(command.as_bytes(), &mut buffer)?;
            self.times.push(start.elapsed());
        }
        Ok(())
    }

    /// Microseconds below which so many thousandths are.
    fn quantile(&self, thousandths: usize) -> f64 {
        let mut sorted = self.times.clone();
        sorted.sort_unstable();
        let place = sorted.len().saturating_sub(1) * thousandths / 1000;
        sorted.get(place).map_or(f64::NAN, |time| time.as_secs_f64() * 1e6)
    }

    fn median(&self) -> f64 {
        self.quantile(500)
    }

    fn per_second(&self) -> f64 {
        let total: Duration = self.times.iter().sum();
        let count = u32::try_from(self.times.len()).unwrap_or(u32::MAX);
        f64::from(count) / total.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    fn text(&self) -> String {
        format!(
            "{:.0} SELECT round trips a second; median {:.0} us, p99 {:.0} us ({} measured)",
            self.per_second(),
            self.median(),
            self.quantile(990),
            self.times.len()
        )
    }

    fn document(&self) -> Value {
        json!({
            "round_trips_per_second": self.per_second().round(),
            "median_microseconds": round(self.median(), 10.0),
            "p99_microseconds": round(self.quantile(990), 10.0),
            "measured": self.times.len(),
        })
    }
}

fn round(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

/// An echo card in a slot of vpcd that is free, until it is dropped.
struct Echo {
    reader: String,
    stop: Stop,
    server: Option<JoinHandle<()>>,
}

impl Echo {
    /// Plugs it into the slot beside the measured card's; the reason if that is not free, or there is no vpcd.
    fn plug_in(measured: &str) -> Result<Self, String> {
        // Whichever slot the measured card is in, the other one may be free.
        let port = if measured.ends_with('1') { FIRST_SLOT } else { SECOND_SLOT };
        let plug = Plug::Connect(Ipv4Addr::LOCALHOST.to_string(), port);
        let stop = Stop::new();
        let asked = stop.clone();
        let server = thread::spawn(move || {
            let length = u8::try_from(CONTROL_LENGTH).unwrap_or(0);
            // How it ended, whoever waits for the reader finds out.
            let _ = vpcd::serve(&mut EchoCard::new(length), &plug, &asked, &mut |_| {});
        });
        let mut echo = Self { reader: String::new(), stop, server: Some(server) };
        let begin = Instant::now();
        loop {
            echo.reader = Self::found()?.ok_or("no slot of vpcd is free for it")?;
            // What is seen may be another one that has just left, until the service has noticed.
            match echo
                .connect()
                .map_err(Failure::from)
                .and_then(|mut card| Latencies::default().batch(&mut card))
            {
                Ok(()) => return Ok(echo),
                Err(failure) if begin.elapsed() > PLUGGING => return Err(failure.message),
                Err(_) => thread::sleep(PAUSE),
            }
        }
    }

    /// The reader that has an echo card.
    fn found() -> Result<Option<String>, String> {
        let found = Service::connect().and_then(|service| {
            service.find_answer_to_reset(&EchoCard::ANSWER_TO_RESET, Waiting::For(PLUGGING))
        });
        found.map_err(|error| error.to_string())
    }

    fn connect(&self) -> Result<InReader, TransportError> {
        let mut card = InReader::connect(&self.reader, Connect::default())?;
        card.begin()?;
        Ok(card)
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.stop.ask();
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

/// Purchases of the smallest amount.
struct Sold {
    count: u32,
    time: Duration,
    /// Why there were none, or not all.
    reason: Option<String>,
}

impl Sold {
    fn per_second(&self) -> f64 {
        f64::from(self.count) / self.time.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    fn text(&self) -> String {
        let reason = self.reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
        if self.count == 0 {
            return format!("no purchases measured{reason}");
        }
        format!("{:.0} purchases a second ({} measured){reason}", self.per_second(), self.count)
    }

    fn document(&self) -> Value {
        let per_second = if self.count == 0 { Value::Null } else { json!(round(self.per_second(), 10.0)) };
        json!({ "per_second": per_second, "measured": self.count, "reason": self.reason })
    }
}

/// Takes real money: so many times the smallest amount, from the card to the SAM.
fn sell(context: &Context, purchases: u32) -> Result<Sold, Failure> {
    let mut sold = Sold { count: 0, time: Duration::ZERO, reason: None };
    let total = words::money(context.denomination().element(), i128::from(purchases));
    let question = format!("Pay the merchant {total} in {purchases} purchases, to measure them?");
    let declined = if purchases == 0 {
        Some("none were asked for")
    } else {
        (!Console::confirms(context, &question)).then_some("not confirmed")
    };
    if let Some(reason) = declined {
        sold.reason = Some(reason.to_owned());
        return Ok(sold);
    }
    let cards = money::two_cards(context)?;
    pending::under(context, &cards, &Note::new("bench", None, now()), || {
        let mut sam = context.sam()?;
        usable(context, context.sam_place()?, sam.status())?;
        let mut card = context.card()?;
        usable(context, context.card_place()?, card.status())?;
        let currency = context.denomination().element();
        let start = Instant::now();
        while sold.count < purchases {
            let payment = Payment { currency, amount: Amount(1), time: now(), pin: None };
            if let Err(error) = purchase::purchase(&mut card, &mut sam, &payment) {
                let failure = Failure::from(error);
                if failure.exit == ExitCode::OutcomeUnknown {
                    return Err(failure);
                }
                sold.reason = Some(failure.message);
                break;
            }
            sold.count += 1;
        }
        sold.time = start.elapsed();
        Ok(Reply::default())
    })?;
    Ok(sold)
}
