//! A virtual card's file: any bytes are refused, or hold a memory that is written back as the same bytes, and a card that
//! starts on it or says why not.

use std::path::Path;
use std::sync::LazyLock;

use apdu_spec::command::{Command, Selection};
use apdu_spec::element::Role;
use apdu_spec::file::APPLICATION;
use purse_terminal::client::Client;
use purse_terminal::transport::{EMPTY_RESPONSE, InProcess, Transport as _};
use purse_terminal::virtual_card::{FileContent, VirtualCard};
use xxhash_rust::xxh64::xxh64;

use super::input::Input;
use crate::scheme::Profile;

/// Bytes of the header before its check, before the seal, and before the memory.
const CHECKED: usize = 32;
const SEAL: usize = 40;
const BODY: usize = 56;

/// The closed file of a purse.
static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("purse.card");
    let mut card = InProcess::new(VirtualCard::create(&path, Role::Purse).expect("a new file"));
    let select = Command::Select(Selection::Application(&APPLICATION), false);
    let profile = Profile::purse(1, 80_00);
    let blocks = profile.blocks();
    let store = blocks.iter().enumerate().map(|(place, block)| {
        let number = u8::try_from(place).expect("few blocks");
        Command::StoreData(place + 1 == blocks.len(), number, block)
    });
    for command in std::iter::once(select).chain(store) {
        let mut response = EMPTY_RESPONSE;
        let answer = card.transmit(command.emit().as_bytes(), &mut response).expect("it answers");
        assert_eq!(answer, [0x90, 0x00]);
    }
    card.into_card().close().expect("it is written");
    std::fs::read(&path).expect("a file")
});

/// Runs one file: raw, or a right one with a few bytes changed; with the checks as they are, or made right again.
///
/// # Panics
/// Where it does not come back as it was.
pub fn target(data: &[u8]) {
    let mut input = Input::new(data);
    let form = input.byte();
    let mut file = if form & 1 == 0 { input.rest().to_vec() } else { edited(&mut input) };
    if form & 2 != 0 && file.len() >= BODY {
        let check = xxh64(&file[..CHECKED], 0);
        file[CHECKED..SEAL].copy_from_slice(&check.to_be_bytes());
    }
    if form & 4 != 0 && file.len() >= BODY {
        let check = xxh64(&[&file[..SEAL], &file[BODY..]].concat(), 0);
        file[SEAL..SEAL + 8].copy_from_slice(b"CLEAN\0\0\0");
        file[SEAL + 8..BODY].copy_from_slice(&check.to_be_bytes());
    }
    let path = Path::new("fuzzed.card");
    let content = match FileContent::parse(path, &file) {
        Ok(content) => content,
        Err(error) => return assert!(error.to_string().contains("fuzzed.card")),
    };
    let written = content.emit();
    if file[SEAL] == b'C' {
        assert_eq!(written, file, "a closed file");
    } else {
        assert_eq!((&written[..SEAL], &written[BODY..]), (&file[..SEAL], &file[BODY..]));
    }
    let memory = content.memory();
    assert!(memory.bytes().len() <= file.len() && memory.begun().len() <= 8 * file.len());
    match content.power_up(path) {
        Ok(card) => {
            let number = card.number();
            let client = Client::select(InProcess::new(card)).expect("a card that has started answers");
            assert_eq!(client.status().number, number.unwrap_or_default());
        }
        Err(error) => assert!(error.to_string().contains("fuzzed.card")),
    }
}

/// The file of a purse with a few places changed, cut short, or longer.
fn edited(input: &mut Input<'_>) -> Vec<u8> {
    let mut bytes = FILE.clone();
    for _ in 0..16 {
        if input.is_empty() {
            break;
        }
        let form = input.byte();
        // The header and the begun bits are at the front, and matter most.
        let place = usize::from(input.number()) >> (form >> 2 & 7);
        match form & 3 {
            0 | 1 => {
                if let Some(byte) = bytes.get_mut(place) {
                    *byte ^= input.byte();
                }
            }
            2 => bytes.truncate(place),
            _ => bytes.extend(input.slice(16)),
        }
    }
    bytes
}
