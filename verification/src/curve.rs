//! The curve of the cards here: what it has once computed it looks up. The purses of an exploration are a handful, and
//! each of their states is a card that has just been powered up and must meet its peer again.

use std::cell::RefCell;

use apdu_spec::cryptography::{Engine, KeyBytes, Session};
use apdu_spec::curve::{Curve, PrivateKey, PublicKey, SharedSecret, Signature, pair_key};
use apdu_spec::element::Kind;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::software::{Software, SoftwareKey};
use purse_tests::scheme;
use rustc_hash::FxHashMap;

/// [`Software`], of which every answer of the curve is computed once in each thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct Remembering;

/// Key, message and signature.
type Signed = (PublicKey, Box<[u8]>, Signature);
/// Own key, and the peer's.
type Pair = ([u8; 32], PublicKey);

thread_local! {
    static PUBLIC_KEYS: RefCell<FxHashMap<[u8; 32], Option<PublicKey>>> = RefCell::default();
    static SIGNATURES: RefCell<FxHashMap<Signed, bool>> = RefCell::default();
    static AGREEMENTS: RefCell<FxHashMap<Pair, Option<SharedSecret>>> = RefCell::default();
}

impl Engine for Remembering {
    type Key = SoftwareKey;

    fn load(&self, key: &KeyBytes) -> SoftwareKey {
        Software.load(key)
    }

    fn mac(&self, key: &mut SoftwareKey, message: &[u8]) -> [u8; 16] {
        Software.mac(key, message)
    }

    fn encrypt(&self, key: &KeyBytes, block: [u8; 16]) -> [u8; 16] {
        Software.encrypt(key, block)
    }
}

impl Curve for Remembering {
    /// Nobody looks for keys on the stack here.
    const DEPTH: usize = 0;

    fn public_key(&self, private: &PrivateKey) -> Option<PublicKey> {
        PUBLIC_KEYS
            .with_borrow_mut(|known| *known.entry(private.0).or_insert_with(|| Software.public_key(private)))
    }

    fn verify(&self, public: &PublicKey, message: &[u8], signature: &Signature) -> bool {
        let signed = (*public, Box::from(message), *signature);
        SIGNATURES.with_borrow_mut(|known| {
            *known.entry(signed).or_insert_with(|| Software.verify(public, message, signature))
        })
    }

    fn agree(&self, private: &PrivateKey, peer: &PublicKey) -> Option<SharedSecret> {
        AGREEMENTS.with_borrow_mut(|known| {
            known.entry((private.0, *peer)).or_insert_with(|| Software.agree(private, peer)).clone()
        })
    }

    fn hash(&self, message: &[u8]) -> [u8; 32] {
        Software.hash(message)
    }
}

/// The session of pay details, as [`scheme::session`] makes it, but that of a transfer without computing on the curve
/// each time.
///
/// # Panics
/// Never: every party of the scheme has a key.
pub fn session(pay_details: &PayDetails) -> Session<'static, Software> {
    if pay_details.kind != Kind::Transfer {
        return scheme::session(pay_details);
    }
    let PayDetails { from, to, .. } = pay_details;
    let own = scheme::private_key(*from);
    let peer = Remembering.public_key(&scheme::private_key(*to)).expect("a key");
    let shared = Remembering.agree(&own, &peer).expect("a point");
    let key = pair_key(&Software, &shared, *from, *to);
    Session::new(&Software, &mut Software.load(&key), pay_details)
}
