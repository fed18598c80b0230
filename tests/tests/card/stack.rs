//! How much stack a card takes, against what it says that it needs. The stack below a call is filled with a pattern, and
//! looked at afterwards through the file that the system shows it in.

#![cfg(target_os = "linux")]

use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt;

use apdu_spec::command::apdu::LONGEST_RESPONSE;
use apdu_spec::command::{Command, Selection};
use apdu_spec::element::{Kind, Role};
use apdu_spec::file::APPLICATION;
use apdu_spec::software::Software;
use purse_card::Card;
use purse_terminal::simulated_memory::SimulatedMemory;
use purse_tests::bench_card::BenchCard;
use purse_tests::scheme::{self, Profile, initialize, issuer, key_pair, party, pay_details, pin, voucher};

type Purse = Card<SimulatedMemory, Software, 32, 8>;
type Sam = Card<SimulatedMemory, Software, 512, 8>;

/// What a card that has 64 KiB of stack, of which others need 2 KiB, is checked against when it is compiled.
const STACK: usize = 62 * 1024;
const _: () = assert!(Purse::STACK_OF_POWER_UP <= STACK && Purse::STACK_OF_COMMANDS <= STACK);

/// More than any call here takes.
const WATCHED: usize = 256 * 1024;
const PATTERN: u8 = 0xA5;
const PIECE: usize = 1024;

/// Fills the stack below the caller.
#[inline(never)]
fn fill(bytes: usize) {
    let below = [PATTERN; PIECE];
    black_box(&below);
    if bytes > PIECE {
        fill(bytes - PIECE);
    }
    black_box(&below);
}

fn stack_below(address: usize) -> Vec<u8> {
    let mut bytes = vec![0; WATCHED];
    let memory = File::open("/proc/self/mem").expect("a process may read itself");
    memory.read_exact_at(&mut bytes, (address - WATCHED) as u64).expect("the stack is mapped");
    bytes
}

/// Bytes below this frame that a call has written, down to the deepest one.
#[inline(never)]
fn depth<T>(call: impl FnOnce() -> T) -> (T, usize) {
    let here = 0_u8;
    let address = std::ptr::from_ref(black_box(&here)).addr();
    fill(WATCHED + PIECE);
    let before = stack_below(address);
    let done = inside(call);
    let after = stack_below(address);
    let deepest = before.iter().zip(&after).position(|(before, after)| before != after);
    (done, deepest.map_or(0, |place| WATCHED - place))
}

#[inline(never)]
fn inside<T>(call: impl FnOnce() -> T) -> T {
    call()
}

fn powered_up<const WINDOW: usize>(
    memory: SimulatedMemory,
) -> (Box<Card<SimulatedMemory, Software, WINDOW, 8>>, usize) {
    depth(|| Box::new(Card::power_up(memory, Software).map_err(|(_, error)| error).expect("a sound memory")))
}

/// The deepest call of all these, but for power-up.
fn deepest<const WINDOW: usize>(
    card: &mut Card<SimulatedMemory, Software, WINDOW, 8>,
    commands: &[Command<'_>],
) -> usize {
    let mut response = [0; LONGEST_RESPONSE];
    let mut deepest = 0;
    for command in commands {
        let (length, process) = depth(|| card.process(command.emit().as_bytes(), &mut response));
        assert!(response[..length].ends_with(&[0x90, 0x00]), "{:?}", command.name());
        let ((), finish) = depth(|| card.finish());
        deepest = deepest.max(process).max(finish);
    }
    deepest
}

/// A life in which pages are built: the deepest power-up, STORE DATA, and other command.
fn life<const WINDOW: usize>(profile: &Profile) -> [usize; 3] {
    let select = Command::Select(Selection::Application(&APPLICATION), true);
    let (mut card, of_power_up) = powered_up::<WINDOW>(BenchCard::<WINDOW, 8>::memory());
    let blocks = profile.blocks();
    let mut commands = vec![select.clone()];
    commands.extend(
        (0..).zip(&blocks).map(|(number, block)| {
            Command::StoreData(usize::from(number) + 1 == blocks.len(), number, block)
        }),
    );
    let of_blank = deepest(&mut card, &commands);
    let (mut card, of_power_up_again) = powered_up::<WINDOW>(card.into_memory());
    let own = profile.number;
    let mut commands = vec![select, Command::Verify(Some(pin(profile.pin)))];
    if profile.key_pair.is_some() {
        commands.push(Command::VerifyCertificate(key_pair(party(8)).certificate));
    }
    for sequence in (0..60).step_by(2) {
        let load = pay_details(Kind::Load, 2, (issuer(), sequence), (own, sequence));
        commands.extend([initialize(&load), Command::Credit(voucher(&load))]);
        let kind = if profile.role == Role::Purse { Kind::Purchase } else { Kind::Unload };
        let payee = if kind == Kind::Purchase { party(9) } else { issuer() };
        let debit = pay_details(kind, 1, (own, sequence + 1), (payee, sequence + 1));
        commands.extend([scheme::debit(&debit), scheme::acknowledge(&debit)]);
    }
    let of_commands = deepest(&mut card, &commands);
    [of_power_up.max(of_power_up_again), of_blank, of_commands]
}

#[test]
fn a_card_takes_no_more_stack_than_it_says() {
    let purse = (life::<32>(&Profile::purse(1, 0).with_key_pair()), size_of::<Purse>());
    let sam = (life::<512>(&Profile::sam(2, 0)), size_of::<Sam>());
    let said = [
        ("purse, 32 records", purse, Purse::STACK_OF_POWER_UP, Purse::STACK_OF_COMMANDS),
        ("SAM, 512 records", sam, Sam::STACK_OF_POWER_UP, Sam::STACK_OF_COMMANDS),
    ];
    for (name, ([of_power_up, of_blank, of_commands], size), power_up, commands) in said {
        println!(
            "{name}: {size} bytes; power-up {of_power_up} and STORE DATA {of_blank} of {power_up} bytes of stack, other \
             commands {of_commands} of {commands}"
        );
        assert!(of_power_up > 4096 && of_commands > 4096, "the card overwrites so much at least");
        assert!(of_power_up <= power_up && of_blank <= power_up, "{name}");
        assert!(of_commands <= commands, "{name}");
    }
}
