//! Certificates of other purses: right ones, and such as break one rule, signed all the same where it is not the
//! signature that is wrong.

use std::sync::LazyLock;

use apdu_spec::certificate::{Certificate, CertificateBody};
use apdu_spec::command::CommandName;
use apdu_spec::command::table::VERIFY_CERTIFICATE;
use apdu_spec::curve::Curve as _;
use apdu_spec::curve::{PrivateKey, Signature, pair_key};
use apdu_spec::number::PartyNumber;
use purse_tests::scheme::{issuer_private_key, key_pair, party, private_key, public_key, signed};

use crate::curve::Remembering;
use crate::message::apdu;
use crate::view::View;

/// Bytes of the inside of a certificate.
const LENGTH: usize = Certificate::LENGTH;
/// Where the body begins, and where the signature does.
const BODY: usize = 3;
const SIGNATURE: usize = BODY + CertificateBody::LENGTH + 3;

/// Inside of a certificate.
pub type Inside = [u8; LENGTH];

/// Numbers of other purses: above and below those of the cards here, in either half, with digits in every byte that
/// decides which is the lower one.
pub static PEERS: LazyLock<[[u8; 8]; 6]> = LazyLock::new(|| {
    let low = PartyNumber::with_check_digit(5).map_or([0; 8], |number| number.0);
    [party(20).0, party(21).0, low, party(1).0, party(10_000_009).0, party(13_000_003).0]
});

/// The certificate of the purse of a number.
pub fn of(number: [u8; 8]) -> Inside {
    key_pair(PartyNumber(number)).certificate.emit()
}

/// The key that one of [`PEERS`] has got later.
fn later_key() -> PrivateKey {
    PrivateKey([0x4D; 32])
}

/// The certificate of its later key: of the same number, and with another pair key.
pub static RENEWED: LazyLock<Inside> = LazyLock::new(|| {
    let mut body = key_pair(PartyNumber(PEERS[0])).certificate.body;
    body.public_key = public_key(&later_key());
    signed(body, &issuer_private_key()).emit()
});

/// The certificate whose verification has led to this session.
pub fn of_session(view: &View) -> Option<Inside> {
    let number = view.peer?;
    let shared = Remembering.agree(&later_key(), &public_of(view.number));
    let (own, peer) = (PartyNumber(view.number), PartyNumber(number));
    let is_renewed =
        shared.is_some_and(|shared| pair_key(&Remembering, &shared, own, peer).0 == view.peer_key);
    Some(if is_renewed { *RENEWED } else { of(number) })
}

fn public_of(number: [u8; 8]) -> apdu_spec::curve::PublicKey {
    key_pair(PartyNumber(number)).certificate.body.public_key
}

/// Signs the body of a certificate anew.
pub fn sign(inside: &mut Inside, key: &PrivateKey) {
    let body = inside.get(BODY..BODY + CertificateBody::LENGTH).unwrap_or(&[]);
    if let Some(Signature(made)) = apdu_spec::software::Software::sign(key, body) {
        inside[SIGNATURE..].copy_from_slice(&made);
    }
}

/// The same with other bytes in the body, signed by the issuer.
pub fn with(mut inside: Inside, at: usize, bytes: &[u8]) -> Inside {
    inside[BODY + at..BODY + at + bytes.len()].copy_from_slice(bytes);
    sign(&mut inside, &issuer_private_key());
    inside
}

/// Other values of the fields of a body, by where they begin in it: version, key index, role, number, expiry, key.
pub const CHANGES: &[(usize, &[u8])] = &[
    (0, &[0]),
    (0, &[2]),
    (1, &[0]),
    (1, &[8]),
    (2, &[0]),
    (2, &[2]),
    (2, &[3]),
    // With another index of the issuer's key, too.
    (1, &[8, 2]),
    (3, &[0; 8]),
    (3, &[0x95, 0x55, 0, 0, 0, 0, 0, 0x19]),
    (3, &[0x95, 0x55, 0, 0, 0, 0, 0, 0x0A]),
    (3, &[0xA5, 0x55, 0, 0, 0, 0, 0, 0x18]),
    (11, &[0x30, 0x00]),
    (11, &[0x30, 0x13]),
    (11, &[0x30, 0x09]),
    (11, &[0x3A, 0x01]),
    (11, &[0xA0, 0x01]),
    (11, &[0x30, 0x0A]),
    (13, &[0; 64]),
    (13, &[1; 64]),
    (13, &[0xFF; 64]),
];

/// Such as no card takes, of one of [`PEERS`].
static WRONG: LazyLock<Vec<Inside>> = LazyLock::new(|| {
    let right = of(PEERS[0]);
    let mut all: Vec<Inside> = CHANGES.iter().map(|(at, bytes)| with(right, *at, bytes)).collect();
    let mut flipped = |mut inside: Inside, at: usize| {
        inside[at] ^= 1;
        all.push(inside);
    };
    for header in (0..BODY).chain(SIGNATURE - 3..SIGNATURE) {
        flipped(right, header);
    }
    flipped(right, SIGNATURE);
    flipped(right, LENGTH - 1);
    // The issuer has signed another body: wrong in nothing else, with another key index, off the curve.
    flipped(right, BODY + 40);
    flipped(with(right, 1, &[8]), LENGTH - 1);
    flipped(with(right, 13, &[1; 64]), LENGTH - 1);
    let mut foreign = right;
    sign(&mut foreign, &private_key(party(21)));
    all.push(foreign);
    for signature in [[0; 64], [0xFF; 64]] {
        let mut inside = right;
        inside[SIGNATURE..].copy_from_slice(&signature);
        all.push(inside);
    }
    all
});

/// Such as no card takes.
pub fn wrong() -> &'static [Inside] {
    &WRONG
}

/// VERIFY CERTIFICATE.
pub fn verify(inside: &[u8]) -> Vec<u8> {
    apdu(CommandName::VerifyCertificate, 0, VERIFY_CERTIFICATE, inside)
}
