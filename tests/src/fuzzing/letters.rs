//! What strangers hand over: letters of transfers and hot lists. Any text gives a clear error, or what is written as a
//! text that gives the same; a letter is about a transfer and by one of its parties; and no list that the issuer has not
//! signed passes for one of his.

use std::sync::LazyLock;

use apdu_spec::cryptography::Authenticator;
use apdu_spec::element::{Kind, Sequence, Time};
use apdu_spec::software::Software;
use apdu_spec::{curve::Curve as _, pay_details::PayDetails};
use data_encoding::BASE32_NOPAD;
use purse_terminal::flow::letter::{CHECK, Content, Letter, PREFIX};
use purse_terminal::hot_list::{HotList, Range};

use super::input::Input;
use crate::scheme::{
    ISSUER_KEY, eur, issuer, issuer_private_key, key_pair, party, pay_details, public_key, voucher,
};

/// A letter of each kind.
pub(super) static LETTERS: LazyLock<[Letter; 6]> = LazyLock::new(|| {
    let details = pay_details(Kind::Transfer, 5_00, (party(1), 3), (party(2), 7));
    let authenticator = Authenticator([0x5A; Authenticator::LENGTH]);
    let letter = |number, content| Letter { sender: key_pair(party(number)).certificate, content };
    let amount = details.amount;
    [
        letter(1, Content::Introduction),
        letter(1, Content::Offer { sequence: Sequence(3), currency: eur(), amount, time: details.time }),
        letter(2, Content::Request(details, authenticator)),
        letter(1, Content::Payment(voucher(&details))),
        letter(2, Content::Credited(details, authenticator)),
        letter(2, Content::Declined(details, authenticator)),
    ]
});

/// A list of the issuer's.
pub(super) static LIST: LazyLock<HotList> = LazyLock::new(|| {
    let ranges = [(1, 1), (4, 9)].map(|(first, last)| Range { first: party(first), last: party(last) });
    HotList::sign(issuer(), 3, Time(1_800_000_000), &ranges, (ISSUER_KEY, &issuer_private_key()))
        .expect("a key")
});

/// Runs one text: raw, or a right one with a few places changed.
///
/// # Panics
/// Where what is read is not what is written, and where a forged list passes.
pub fn target(data: &[u8]) {
    let mut input = Input::new(data);
    let which = input.byte();
    match which & 3 {
        0 => letter(input.rest()),
        1 => letter(&edited_letter(&LETTERS[usize::from(which >> 2) % LETTERS.len()], input)),
        2 => list(input.rest()),
        _ => list(&input.edited(LIST.text().into_bytes())),
    }
}

fn letter(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let letter = match Letter::parse(text) {
        Ok(letter) => letter,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let written = letter.text();
    assert_eq!(Letter::parse(&written), Ok(letter));
    let dense: String = text.split_whitespace().collect();
    assert_eq!(written, dense.to_ascii_uppercase());
    let sender = letter.sender.body.number;
    let by_a_party = |details: &PayDetails| {
        let party = if letter.content.name() == "payment" { details.from } else { details.to };
        details.kind == Kind::Transfer && party == sender
    };
    assert!(letter.pay_details().is_none_or(by_a_party), "{letter:?}");
}

/// Bytes of a letter with a few of them changed, and the check made for them.
fn edited_letter(letter: &Letter, mut input: Input<'_>) -> Vec<u8> {
    let text = letter.text();
    let bytes = text.strip_prefix(PREFIX).and_then(|text| BASE32_NOPAD.decode(text.as_bytes()).ok());
    let mut bytes = bytes.expect("a letter's text");
    bytes.truncate(bytes.len() - CHECK);
    let mut bytes = input.edited(bytes);
    let check = Software.hash(&bytes);
    bytes.extend(&check[..CHECK]);
    format!("{PREFIX}{}", BASE32_NOPAD.encode(&bytes)).into_bytes()
}

fn list(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let list = match HotList::parse(text) {
        Ok(list) => list,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert_eq!(list.text(), text);
    let key = public_key(&issuer_private_key());
    let holds = list.check(issuer(), |index| (index == ISSUER_KEY).then_some(&key)).is_ok();
    assert!(!holds || list == *LIST, "a forged list passes: {text}");
    for Range { first, last } in &list.ranges {
        assert!(list.lists(*first) && list.lists(*last));
    }
}
