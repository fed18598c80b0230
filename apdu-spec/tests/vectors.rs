//! The protocol's own vectors and NIST's for AES-CMAC hold.
#![cfg(feature = "software")]

use apdu_spec::cryptography::{
    Chain, Engine, KeyBytes, KeyPurpose, Session, Tac, card_key, chain, session_key, tac,
};
use apdu_spec::element::{Amount, Currency, KeyVersion, Kind, Sequence, Time};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::RecordRole;
use apdu_spec::software::{Software, SoftwareKey};
use serde_json::Value;

fn bytes<const N: usize>(value: &Value) -> [u8; N] {
    hex::decode(value.as_str().unwrap()).unwrap().try_into().unwrap()
}

fn number(value: &Value) -> u32 {
    value.as_u64().unwrap().try_into().unwrap()
}

fn party(value: &Value) -> PartyNumber {
    value.as_str().unwrap().parse().unwrap()
}

fn key(value: &Value) -> SoftwareKey {
    Software.load(&KeyBytes(bytes(value)))
}

fn derived(master: &Value, purpose: KeyPurpose, party: PartyNumber, version: u32) -> KeyBytes {
    card_key(&Software, &mut key(master), purpose, party, KeyVersion(version.try_into().unwrap()))
}

#[test]
fn every_vector_of_a_transfer_holds() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("vectors/transfers.json")).unwrap();
    assert_eq!(vectors.len(), 12);
    let mut kinds = [false; 5];
    for vector in &vectors {
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == vector["kind"]).unwrap();
        kinds[usize::from(kind.code()) - 1] = true;
        let pay_details = PayDetails {
            kind,
            key_version: KeyVersion(number(&vector["kvn"]).try_into().unwrap()),
            currency: Currency::from_numeric(number(&vector["currency"]).try_into().unwrap()).unwrap(),
            amount: Amount(number(&vector["amount"])),
            from: party(&vector["from"]),
            from_sequence: Sequence(number(&vector["from_seq"])),
            to: party(&vector["to"]),
            to_sequence: Sequence(number(&vector["to_seq"])),
            time: Time(number(&vector["time"])),
        };
        assert_eq!(pay_details.emit(), bytes(&vector["pay_details"]));
        assert_eq!(PayDetails::parse(&bytes(&vector["pay_details"])), Ok(pay_details));

        let purse = party(&vector["purse"]);
        let (master, purpose) = match kind {
            Kind::Load | Kind::Unload => ("master_load", KeyPurpose::Load),
            _ => ("master_paym", KeyPurpose::Payment),
        };
        let pair = derived(&vector[master], purpose, purse, number(&vector["kvn"]));
        assert_eq!(pair.0, bytes(&vector["pair_key"]));
        let mut pair = Software.load(&pair);
        assert_eq!(session_key(&Software, &mut pair, &pay_details).0, bytes(&vector["session_key"]));

        let certificate = if kind == Kind::Load {
            Tac::NONE
        } else {
            let version = number(&vector["payer_kvn"]);
            let own = derived(&vector["master_tack"], KeyPurpose::Tac, pay_details.from, version);
            assert_eq!(own.0, bytes(&vector["payer_tack_key"]));
            tac(&Software, &mut Software.load(&own), &pay_details, None)
        };
        assert_eq!(certificate.0, bytes(&vector["tac"]));

        let mut session = Session::new(&Software, &mut pair, &pay_details);
        assert_eq!(session.req().0, bytes(&vector["req"]));
        assert_eq!(session.val(certificate).0, bytes(&vector["val"]));
        assert_eq!(session.ack().0, bytes(&vector["ack"]));
        assert_eq!(session.nack().0, bytes(&vector["nack"]));
    }
    assert_eq!(kinds, [true, true, true, true, false], "load, unload, purchase and refund have vectors");
}

#[test]
fn the_vector_of_a_collection_holds() {
    let vector: Value = serde_json::from_str(include_str!("vectors/collection.json")).unwrap();
    let sam = party(&vector["sam"]);
    let version = number(&vector["kvn"]);
    let tac_key = derived(&vector["master_tack"], KeyPurpose::Tac, sam, version);
    assert_eq!(tac_key.0, bytes(&vector["tack_key"]));
    let mut tac_key = Software.load(&tac_key);

    let mut last = Chain::NONE;
    for record in vector["records"].as_array().unwrap() {
        let role = RecordRole::parse(number(&record["role"]).try_into().unwrap()).unwrap();
        let pay_details = PayDetails::parse(&bytes(&record["pay_details"])).unwrap();
        last = chain(&Software, &mut tac_key, last, role, &pay_details, Tac(bytes(&record["tac"])));
    }
    assert_eq!(last.0, bytes(&vector["chain"]));

    let pay_details = PayDetails::parse(&bytes(&vector["pay_details"])).unwrap();
    let certificate = tac(&Software, &mut tac_key, &pay_details, Some(last));
    assert_eq!(certificate.0, bytes(&vector["tac"]));
    let load = derived(&vector["master_load"], KeyPurpose::Load, sam, version);
    let mut session = Session::new(&Software, &mut Software.load(&load), &pay_details);
    assert_eq!(session.req().0, bytes(&vector["req"]));
    assert_eq!(session.val(certificate).0, bytes(&vector["val"]));
    assert_eq!(session.ack().0, bytes(&vector["ack"]));
}

/// SP 800-38B, examples of CMAC with AES-128: empty, 16, 40 and 64 bytes.
#[test]
fn the_nist_vectors_of_cmac_hold() {
    let key = KeyBytes(hex::decode("2b7e151628aed2a6abf7158809cf4f3c").unwrap().try_into().unwrap());
    let message = hex::decode(concat!(
        "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51",
        "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
    ))
    .unwrap();
    let mut ready = Software.load(&key);
    for (length, mac) in [
        (0, "bb1d6929e95937287fa37d129b756746"),
        (16, "070a16b46b4d4144f79bdd9dd04a287c"),
        (40, "dfa66747de9ae63030ca32611497c827"),
        (64, "51f0bebf7e3b9d92fc49741779363cfe"),
    ] {
        assert_eq!(hex::encode(Software.mac(&mut ready, &message[..length])), mac);
    }
    // FIPS 197, appendix B, under the same key.
    let block = hex::decode("3243f6a8885a308d313198a2e0370734").unwrap().try_into().unwrap();
    assert_eq!(hex::encode(Software.encrypt(&key, block)), "3925841d02dc09fbdc118597196a0b32");
}
