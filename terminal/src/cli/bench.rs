//! `bench`: what each flow costs, counted exactly, and how many purchases a second one core does.
//!
//! The counts come from instruments at the card's own boundaries: its transport, its memory, its AES. The speed is
//! measured without instruments, in turns with the same number of AES blocks and key schedules alone.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use aes::Aes128Enc;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use apdu_spec::command::InitializeData;
use apdu_spec::cryptography::Engine;
use apdu_spec::curve::Curve;
use apdu_spec::element::{Amount, Kind, Role, Time};
use apdu_spec::number::PartyNumber;
use apdu_spec::pin::PinBlock;
use apdu_spec::software::Software;
use purse_terminal::amount::Denomination;
use purse_terminal::client::Client;
use purse_terminal::flow::collection;
use purse_terminal::flow::load::{self, Load};
use purse_terminal::flow::purchase::{self, Payment};
use purse_terminal::flow::refund::{self, Refund};
use purse_terminal::flow::settlement;
use purse_terminal::flow::unload::{self, Unload};
use purse_terminal::issuer::{Funding, Issuer, MemoryStore, NewCard};
use purse_terminal::scheme::{FIRST_NUMBER, Scheme};
use purse_terminal::virtual_card::{MERCHANT_WINDOW, PURSE_WINDOW};
use serde_json::{Map, Value, json};

use super::aes_count::{AesCounts, CountedEngine};
use super::failure::Failure;
use super::meter::{BenchCard, Work};
use super::money::now;
use super::new_card::{Issue, with_profile};
use super::output::{Console, Reply};
use super::transfer_bench;
use super::view::table;

/// Purchases between two looks at the clock: as many as a new SAM's log takes.
const BATCH: u32 = 480;
const PIN: &str = "1234";
const ACCOUNT: &str = "bench";

pub(super) type Purse<E> = Client<BenchCard<E, PURSE_WINDOW>>;
type Sam<E> = Client<BenchCard<E, MERCHANT_WINDOW>>;

/// `bench`
pub(crate) fn bench(milliseconds: u64) -> Result<Reply, Failure> {
    let scheme = scheme()?;
    let flows = flows(&scheme)?;
    Console::say("measuring; this takes as long as --time says");
    let speed = Speed::measure(&scheme, flows.whole_purchase, Duration::from_millis(milliseconds))?;
    Ok(Reply::new(text(&flows, &speed), json!({ "flows": flows.document(), "speed": speed.document() })))
}

/// Limits that no bench reaches.
fn scheme() -> Result<Scheme, Failure> {
    let denomination = Denomination::from_code("EUR").map_err(|error| Failure::usage(error.to_string()))?;
    let mut scheme =
        Scheme::new(denomination).map_err(|error| Failure::other(error.to_string(), "Try again."))?;
    let most = Amount(u32::MAX);
    for limits in [&mut scheme.purse_limits, &mut scheme.merchant_limits] {
        limits.maximum_balance = most;
        limits.maximum_debit = most;
        limits.offline_receipts = most;
    }
    scheme.purse_limits.maximum_transfer = most;
    scheme.purse_limits.debit_without_pin = most;
    scheme.purse_limits.total_without_pin = most;
    Ok(scheme)
}

fn pin() -> Result<PinBlock, Failure> {
    PinBlock::from_digits(PIN).map_err(|_| Failure::usage("not a PIN"))
}

/// The first purse, the next ones behind the first SAM.
fn number((role, place): (Role, u64)) -> Result<PartyNumber, Failure> {
    let payload = match role {
        Role::Purse => FIRST_NUMBER + 1 + 2 * place,
        Role::Merchant => FIRST_NUMBER + 2 + 2 * place,
    };
    PartyNumber::with_check_digit(payload).ok_or_else(|| Failure::usage("not a number"))
}

/// A new card.
pub(super) fn card<E: Engine + Curve, const WINDOW: usize>(
    scheme: &Scheme,
    (role, place): (Role, u64),
    engine: E,
    counting: bool,
    balance: Amount,
) -> Result<Client<BenchCard<E, WINDOW>>, Failure> {
    let mut client = Client::select(BenchCard::new(role_name(role), engine, counting)?)?;
    let issue = Issue { value: balance, ..Issue::empty(role) };
    with_profile(scheme, number((role, place))?, issue, pin()?, |profile| {
        Ok(client.personalise(profile, &Software)?)
    })?;
    client.transport().take_work();
    Ok(client)
}

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Purse => "purse",
        Role::Merchant => "sam",
    }
}

/// A flow, and what each of its cards did.
pub(super) type Cost = (&'static str, BTreeMap<&'static str, Work>);

/// What each card did in each flow.
struct Flows {
    costs: Vec<Cost>,
    /// AES of both cards in the purchase that is timed.
    whole_purchase: AesCounts,
}

/// Plays every flow once with instrumented cards.
fn flows(scheme: &Scheme) -> Result<Flows, Failure> {
    let currency = scheme.denomination.element();
    let time = now();
    let mut issuer = Issuer::new(MemoryStore::default(), Software, scheme.issuer, scheme.keys.clone());
    issuer.register_account(ACCOUNT, currency, 1_000_000)?;
    for role in [Role::Purse, Role::Merchant] {
        issuer.register_card(&NewCard {
            number: number((role, 0))?,
            role,
            key_version: scheme.key_version(),
            account: ACCOUNT,
            pockets: &[(currency, Amount::ZERO)],
            funding: Funding::Account,
        })?;
    }
    let mut purse: Purse<_> = card(scheme, (Role::Purse, 0), CountedEngine, true, Amount::ZERO)?;
    let mut sam: Sam<_> = card(scheme, (Role::Merchant, 0), CountedEngine, true, Amount::ZERO)?;
    let mut costs = Vec::new();
    let mut take = |flow, purse: &mut Purse<_>, sam: &mut Sam<_>| {
        let both = [("purse", purse.transport().take_work()), ("sam", sam.transport().take_work())];
        costs.push((flow, both.into_iter().filter(|(_, work)| work.apdus > 0).collect::<BTreeMap<_, _>>()));
        let [(_, purse), (_, sam)] = both;
        AesCounts {
            blocks: purse.aes.blocks + sam.aes.blocks,
            schedules: purse.aes.schedules + sam.aes.schedules,
        }
    };
    let payment = Payment { currency, amount: Amount(350), time, pin: None };

    purse.reselect()?;
    load::load(&mut purse, &mut issuer, &Load { account: ACCOUNT, currency, amount: Amount(5000), time })?;
    take("load", &mut purse, &mut sam);

    purse.reselect()?;
    purchase::sell(&mut purse, &mut sam, &payment)?;
    let whole_purchase = take("purchase", &mut purse, &mut sam);

    purse.reselect()?;
    purchase::purchase(&mut purse, &mut sam, &payment)?;
    take("purchase_acknowledged", &mut purse, &mut sam);

    let holder_pin = pin()?;
    purse.reselect()?;
    purchase::purchase(&mut purse, &mut sam, &Payment { pin: Some(&holder_pin), ..payment })?;
    take("purchase_with_pin", &mut purse, &mut sam);

    purse.reselect()?;
    let order = Refund { currency, amount: Amount(100), time, operator_pin: &holder_pin };
    refund::refund(&mut purse, &mut sam, &order)?;
    take("refund", &mut purse, &mut sam);

    // The SAM has asked, the purse has paid, and nobody has told the SAM.
    purse.reselect()?;
    let (pay_details, req) = sam.initialize(&InitializeData {
        kind: Kind::Purchase,
        key_version: purse.status().key_version,
        currency,
        amount: Amount(350),
        from: purse.status().number,
        from_sequence: purse.status().sequence,
        time,
    })?;
    purse.debit(&pay_details, req)?;
    purse.transport().take_work();
    sam.transport().take_work();
    purse.reselect()?;
    settlement::settle(&mut purse, &mut sam, &pay_details)?;
    take("recovery", &mut purse, &mut sam);

    collection::collect(&mut sam, &mut issuer, time)?;
    take("collection", &mut purse, &mut sam);

    purse.reselect()?;
    unload::unload(&mut purse, &mut issuer, &Unload { currency, amount: Amount(500), time })?;
    take("unload", &mut purse, &mut sam);
    costs.extend(transfer_bench::flows(scheme, time)?);
    Ok(Flows { costs, whole_purchase })
}

impl Flows {
    fn document(&self) -> Value {
        let mut flows = Map::new();
        for (flow, cards) in &self.costs {
            let cards: Map<String, Value> =
                cards.iter().map(|(card, work)| ((*card).to_owned(), work.document())).collect();
            flows.insert((*flow).to_owned(), Value::Object(cards));
        }
        Value::Object(flows)
    }
}

/// Purchases per second.
struct Speed {
    /// Median of a batch, for one purchase.
    purchase: Duration,
    /// Median of a batch of the same AES alone, for one purchase.
    aes_alone: Duration,
    aes: AesCounts,
    purchases: u64,
}

impl Speed {
    fn measure(scheme: &Scheme, aes: AesCounts, time: Duration) -> Result<Self, Failure> {
        let (mut purchases, mut alone) = (Vec::new(), Vec::new());
        let start = Instant::now();
        while purchases.len() < 3 || start.elapsed() < time {
            purchases.push(batch_of_purchases(scheme)?);
            alone.push(batch_of_aes(aes));
        }
        let count = purchases.len() as u64 * u64::from(BATCH);
        Ok(Self { purchase: median(purchases), aes_alone: median(alone), aes, purchases: count })
    }

    fn per_second(of: Duration) -> f64 {
        1.0 / of.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    fn share(&self) -> f64 {
        self.aes_alone.as_secs_f64() / self.purchase.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    fn document(&self) -> Value {
        json!({
            "purchases_per_second": Self::per_second(self.purchase).round(),
            "aes_alone_per_second": Self::per_second(self.aes_alone).round(),
            "share_of_aes_alone": (self.share() * 1000.0).round() / 1000.0,
            "nanoseconds_per_purchase": self.purchase.as_secs_f64() * 1e9,
            "nanoseconds_of_aes_alone": self.aes_alone.as_secs_f64() * 1e9,
            "aes_blocks_per_purchase": self.aes.blocks,
            "aes_key_schedules_per_purchase": self.aes.schedules,
            "purchases_measured": self.purchases,
        })
    }
}

/// SELECT, INITIALIZE, DEBIT, CREDIT, so many times, on new cards. Time of one.
fn batch_of_purchases(scheme: &Scheme) -> Result<Duration, Failure> {
    let mut purse: Purse<_> = card(scheme, (Role::Purse, 0), Software, false, Amount(BATCH))?;
    let mut sam: Sam<_> = card(scheme, (Role::Merchant, 0), Software, false, Amount::ZERO)?;
    let currency = scheme.denomination.element();
    let time = Time(1_800_000_000);
    let start = Instant::now();
    for _ in 0..BATCH {
        let payer = *purse.reselect()?;
        let request = InitializeData {
            kind: Kind::Purchase,
            key_version: payer.key_version,
            currency,
            amount: Amount(1),
            from: payer.number,
            from_sequence: payer.sequence,
            time,
        };
        let (pay_details, req) = sam.initialize(&request)?;
        let voucher = purse.debit(&pay_details, req)?;
        black_box(sam.credit(&voucher)?);
    }
    Ok(start.elapsed() / BATCH)
}

/// The same key schedules and blocks, each block on the one before it as in a MAC. Time for one purchase.
fn batch_of_aes(aes: AesCounts) -> Duration {
    let mut key = [0x5A; 16];
    let mut block = [0xA5; 16].into();
    let start = Instant::now();
    for _ in 0..BATCH {
        let mut left = aes.blocks;
        for schedule in 1..=aes.schedules.max(1) {
            let cipher = Aes128Enc::new(&black_box(key).into());
            let share = if schedule == aes.schedules { left } else { aes.blocks / aes.schedules };
            for _ in 0..share {
                cipher.encrypt_block(&mut block);
            }
            left -= share;
            key[0] ^= block[0];
        }
    }
    black_box(block);
    start.elapsed() / BATCH
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn text(flows: &Flows, speed: &Speed) -> String {
    let headings = [
        "flow", "card", "APDUs", "bytes", "programs", "bytes", "after", "bytes", "erases", "AES", "keys",
        "ECDSA", "ECDH",
    ];
    let mut table = table(&headings, &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    for (flow, cards) in &flows.costs {
        for (card, work) in cards {
            let counts = [
                work.apdus,
                work.bytes,
                work.programs_before,
                work.bytes_programmed_before,
                work.programs_after,
                work.bytes_programmed_after,
                work.erases,
                work.aes.blocks,
                work.aes.schedules,
                work.curve.verifications,
                work.curve.agreements,
            ];
            let names = [flow.replace('_', " "), (*card).to_owned()];
            table.add_row(names.into_iter().chain(counts.map(|count| count.to_string())));
        }
    }
    format!(
        "{}\n\nprograms: before the response; after: seals and room, after the response; AES: blocks; keys: schedules;\n\
         ECDSA: verifications, ECDH: agreements, both on P-256\n\n\
         {:>12.0} purchases a second on one core: SELECT, INITIALIZE, DEBIT, CREDIT, both cards\n\
         {:>12.0} a second for the same {} AES blocks and {} key schedules alone\n\
         {:>11.0}% of what its AES alone allows",
        table.trim_fmt(),
        Speed::per_second(speed.purchase),
        Speed::per_second(speed.aes_alone),
        speed.aes.blocks,
        speed.aes.schedules,
        speed.share() * 100.0,
    )
}
