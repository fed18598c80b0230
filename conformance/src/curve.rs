//! P-256 that remembers what it has computed: card and text verify the same few certificates again and again. Each has
//! a memory of its own, so that neither is given what the other has computed.

use std::cell::RefCell;

use apdu_spec::cryptography::{Engine, KeyBytes};
use apdu_spec::curve::{Curve, PrivateKey, PublicKey, SharedSecret, Signature};
use apdu_spec::software::{Software, SoftwareKey};
use purse_reference::machine;
use purse_reference::standard::Standard;
use rustc_hash::FxHashMap;

/// What is remembered at most; then all is forgotten.
const MOST: usize = 20_000;

/// Who computes what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Question {
    CardPoint,
    CardVerify,
    CardAgree,
    TextPoint,
    TextVerify,
    TextAgree,
}

type Known = FxHashMap<(Question, Vec<Vec<u8>>), Option<Vec<u8>>>;

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::default();
}

fn once(question: Question, given: &[&[u8]], compute: impl FnOnce() -> Option<Vec<u8>>) -> Option<Vec<u8>> {
    let key = (question, given.iter().map(|given| given.to_vec()).collect());
    KNOWN.with_borrow_mut(|known| {
        if known.len() >= MOST {
            known.clear();
        }
        known.entry(key).or_insert_with(compute).clone()
    })
}

fn array<const LENGTH: usize>(bytes: Option<Vec<u8>>) -> Option<[u8; LENGTH]> {
    bytes.and_then(|bytes| bytes.try_into().ok())
}

/// What the shipping card computes with here.
#[derive(Clone, Copy, Debug)]
pub struct Remembering;

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
    const DEPTH: usize = Software::DEPTH;

    fn public_key(&self, private: &PrivateKey) -> Option<PublicKey> {
        let compute = || Software.public_key(private).map(|key| key.0.to_vec());
        array(once(Question::CardPoint, &[&private.0], compute)).map(PublicKey)
    }

    fn verify(&self, public: &PublicKey, message: &[u8], signature: &Signature) -> bool {
        let compute = || Software.verify(public, message, signature).then(Vec::new);
        once(Question::CardVerify, &[&public.0, message, &signature.0], compute).is_some()
    }

    fn agree(&self, private: &PrivateKey, peer: &PublicKey) -> Option<SharedSecret> {
        let compute = || Software.agree(private, peer).map(|shared| shared.0.to_vec());
        array(once(Question::CardAgree, &[&private.0, &peer.0], compute)).map(SharedSecret)
    }

    fn hash(&self, message: &[u8]) -> [u8; 32] {
        Software.hash(message)
    }
}

/// What the text computes with here.
const TEXT: machine::Curve = machine::Curve {
    point: |private| {
        let compute = || Some((machine::Curve::SOFTWARE.point)(private));
        once(Question::TextPoint, &[private], compute).unwrap_or_default()
    },
    verifies: |key, message, signature| {
        let compute = || (machine::Curve::SOFTWARE.verifies)(key, message, signature).then(Vec::new);
        once(Question::TextVerify, &[key, message, signature], compute).is_some()
    },
    agree: |private, peer| {
        let compute = || Some((machine::Curve::SOFTWARE.agree)(private, peer));
        once(Question::TextAgree, &[private, peer], compute).unwrap_or_default()
    },
};

/// The same text, which remembers.
pub fn remembering(standard: Standard) -> Standard {
    standard.computing(TEXT)
}
