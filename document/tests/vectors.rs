//! Every test vector of the document, computed again from the document's text alone: its formulas, its values, AES and
//! AES-CMAC.

mod support;

use std::collections::BTreeMap;

use aes::Aes128Enc;
use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use cmac::{Cmac, Mac as _};
use p256::ecdh::diffie_hellman;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::{PublicKey, SecretKey};
use sha2::{Digest as _, Sha256};
use support::{document, headings, rows, section};

type Names = BTreeMap<String, Vec<u8>>;

fn hexadecimal(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap_or_else(|_| panic!("{text} is not hexadecimal"))
}

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Cmac::<Aes128Enc>::new(&<[u8; 16]>::try_from(key).unwrap().into());
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

fn encipher(key: &[u8], block: &[u8]) -> Vec<u8> {
    let mut block = <[u8; 16]>::try_from(block).unwrap().into();
    Aes128Enc::new(&<[u8; 16]>::try_from(key).unwrap().into()).encrypt_block(&mut block);
    block.to_vec()
}

fn secret(bytes: &[u8]) -> SecretKey {
    SecretKey::from_slice(bytes).unwrap()
}

/// x and y.
fn point(key: &PublicKey) -> Vec<u8> {
    key.to_sec1_point(false).as_bytes()[1..].to_vec()
}

/// A formula that is being read.
struct Formula<'a> {
    rest: &'a str,
    names: &'a Names,
}

impl Formula<'_> {
    fn taken(&mut self, wanted: &str) -> bool {
        let rest = self.rest.trim_start();
        let found = rest.strip_prefix(wanted);
        self.rest = found.unwrap_or(rest);
        found.is_some()
    }

    fn up_to_quote(&mut self) -> String {
        let (text, rest) = self.rest.split_once('"').unwrap();
        self.rest = rest;
        text.to_owned()
    }

    /// Values joined by &.
    fn joined(&mut self) -> Vec<u8> {
        let mut bytes = self.value();
        while self.taken("&") {
            bytes.extend(self.value());
        }
        bytes
    }

    fn value(&mut self) -> Vec<u8> {
        if self.taken("X\"") {
            return hexadecimal(&self.up_to_quote());
        }
        if self.taken("\"") {
            return self.up_to_quote().into_bytes();
        }
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        self.rest = rest;
        if !self.taken("(") {
            return self.names.get(name).unwrap_or_else(|| panic!("{name} is not given")).clone();
        }
        let first = self.joined();
        if !["POINT", "SHA256"].contains(&name) {
            assert!(self.taken(","), "{name} takes more than one");
        }
        let value = match name {
            "POINT" => point(&secret(&first).public_key()),
            "SHA256" => Sha256::digest(&first).to_vec(),
            "SIGN" => {
                let signature: Signature = SigningKey::from(secret(&first)).sign(&self.joined());
                signature.to_bytes().to_vec()
            }
            "ECDH" => {
                let peer = PublicKey::from_sec1_bytes(&[&[4], self.joined().as_slice()].concat()).unwrap();
                let private = secret(&first).to_nonzero_scalar();
                diffie_hellman(private, peer.as_affine()).raw_secret_bytes().to_vec()
            }
            "FIRST" => {
                let digits = self.rest.trim_start();
                let end = digits.find(')').unwrap();
                self.rest = &digits[end..];
                first[..digits[..end].parse::<usize>().unwrap()].to_vec()
            }
            "CMAC" => mac(&first, &self.joined()),
            "AES" => encipher(&first, &self.joined()),
            "KDF" => {
                let label = self.joined();
                assert!(self.taken(","));
                let context = self.joined();
                mac(&first, &[&[1], label.as_slice(), &[0], context.as_slice(), &[0, 0x80]].concat())
            }
            other => panic!("{other} is no function of a vector"),
        };
        assert!(self.taken(")"), "{name} is not closed before {}", self.rest);
        value
    }
}

/// Computes every vector; gives all values by their names, and how many were computed.
fn compute(document: &str) -> (Names, usize) {
    let mut names = Names::new();
    let mut computed = 0;
    for (_, title) in headings(document).into_iter().filter(|(_, title)| title.starts_with("Vectors: ")) {
        for row in rows(&section(document, &title)) {
            let [name, formula, value] = row.as_slice() else { panic!("{row:?}") };
            if name == "name" {
                continue;
            }
            let (name, value) = (name.trim_matches('`'), hexadecimal(value.trim_matches('`')));
            if formula != "given" {
                let mut formula = Formula { rest: formula.trim_matches('`'), names: &names };
                assert_eq!(hex::encode(formula.joined()), hex::encode(&value), "{name} in {title}");
                assert!(formula.rest.is_empty(), "{name}: {}", formula.rest);
                computed += 1;
            }
            let before = names.insert(name.to_owned(), value.clone());
            assert!(before.is_none_or(|before| before == value), "{name} is two things");
        }
    }
    (names, computed)
}

#[test]
fn every_vector_follows_from_the_text_of_the_document() {
    let (names, computed) = compute(&document());
    assert!(computed >= 64, "{computed} vectors");
    for wanted in [
        "PURSE.LOAD.KEY",
        "SAM.ADMN.CHECK",
        "LOAD.VAL",
        "COLLECTION.TAC",
        "PEER.CERTIFICATE",
        "TRANSFER.PAIR",
        "TRANSFER.NACK",
        "H3",
        "SCRIPT.MAC",
    ] {
        assert!(names.contains_key(wanted), "no {wanted}");
    }
    assert_eq!(names["COLLECTION.H"], names["H2"], "a collection's TAC covers the records before it");
}

#[test]
fn the_messages_of_the_runs_are_those_of_the_vectors() {
    let document = document();
    let (names, _) = compute(&document);
    for (title, of) in [
        ("Load", "LOAD"),
        ("Purchase", "PURCHASE"),
        ("Refund", "REFUND"),
        ("Unload", "UNLOAD"),
        ("Collection", "COLLECTION"),
        ("Transfer", "TRANSFER"),
    ] {
        let run = section(&document, title);
        for message in ["REQ", "VAL", "ACK", "TAC"] {
            let value = hex::encode_upper(&names[&format!("{of}.{message}")]);
            assert!(run.contains(&value), "{message} of {title} is not in its run");
        }
    }
    let transfer = section(&document, "Transfer");
    for certificate in ["PURSE.CERTIFICATE", "PEER.CERTIFICATE"] {
        let value = hex::encode_upper(&names[certificate]);
        assert_eq!(transfer.matches(&format!("> 002A00BE93{value}")).count(), 1, "{certificate}");
        assert_eq!(transfer.matches(&format!("< 7F218193{value}")).count(), 1, "{certificate}");
    }
}
