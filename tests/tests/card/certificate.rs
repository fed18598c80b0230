//! VERIFY CERTIFICATE: whom a purse takes for another purse of its issuer, and for how long.

use apdu_spec::certificate::{Certificate, CertificateBody, TAG_CERTIFICATE};
use apdu_spec::command::request::apdu;
use apdu_spec::command::{Command, CommandName, Selection, table};
use apdu_spec::element::{Expiry, Kind, Role};
use apdu_spec::personalisation::KeyPair;
use apdu_spec::status::StatusWord;
use purse_tests::bench_card::{BenchCard, CommonCard};
use purse_tests::scheme::{
    Profile, initialize, issuer_private_key, key_pair, party, pay_details, private_key, public_key, signed,
};

/// Purse 1, which takes part in transfers.
fn purse() -> CommonCard {
    CommonCard::new(&Profile::purse(1, 10_00).with_key_pair())
}

fn certificate(number: u64) -> Certificate {
    key_pair(party(number)).certificate
}

fn verify(certificate: Certificate) -> Command<'static> {
    Command::VerifyCertificate(certificate)
}

/// Signed by the issuer, whatever it says.
fn issued(body: CertificateBody) -> Certificate {
    signed(body, &issuer_private_key())
}

/// Whether purse 1 takes this purse for its peer now: it asks it for a transfer, or says 6985.
fn knows(card: &mut CommonCard, number: u64) -> bool {
    let sequence = card.sequence().0;
    let wanted = pay_details(Kind::Transfer, 1, (party(number), 0), (party(1), sequence));
    match card.send(&initialize(&wanted)).status {
        StatusWord::Success => true,
        StatusWord::ConditionsOfUse => false,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_purse_of_the_issuer_is_the_peer_until_the_next_one_and_the_end_of_the_session() {
    let mut card = purse();
    assert!(!knows(&mut card, 2));
    card.repeat(&verify(certificate(2)));
    assert!(knows(&mut card, 2) && !knows(&mut card, 3));
    card.repeat(&verify(certificate(3)));
    assert!(knows(&mut card, 3) && !knows(&mut card, 2), "a new one replaces it");
    card.succeed(&Command::Select(Selection::File([0x00, 0x18]), true));
    assert!(knows(&mut card, 3), "an EF is in the same session");
    card.refuse(&Command::Select(Selection::File([0x00, 0x17]), true), StatusWord::FileNotFound);
    assert!(knows(&mut card, 3), "a refused SELECT changes nothing");
    card.select();
    assert!(!knows(&mut card, 3), "SELECT of the application");
    card.repeat(&verify(certificate(3)));
    assert!(knows(&mut card, 3), "the same again");
    card.succeed(&Command::Select(Selection::File([0x3F, 0x00]), true));
    card.select();
    assert!(!knows(&mut card, 3), "SELECT of the MF");
    card.repeat(&verify(certificate(3)));
    card.card.reset();
    card.select();
    assert!(!knows(&mut card, 3), "a reset");
    card.repeat(&verify(certificate(3)));
    let mut card = card.power_cycled();
    assert!(!knows(&mut card, 3), "a loss of power");
}

#[test]
fn a_certificate_with_any_bit_wrong_is_refused_and_the_peer_before_stays() {
    let mut card = purse();
    card.succeed(&verify(certificate(3)));
    let good = certificate(2).emit();
    let row = table::row(CommandName::VerifyCertificate);
    for bit in 0..8 * good.len() {
        let mut bad = good;
        bad[bit / 8] ^= 1 << (bit % 8);
        let status = card.unwritten(apdu(row, 0, table::VERIFY_CERTIFICATE, &bad).as_bytes()).status;
        let refused =
            [StatusWord::WrongData, StatusWord::WrongMac, StatusWord::ReferenceNotFound].contains(&status);
        assert!(refused, "bit {bit}: {status:?}");
    }
    assert!(knows(&mut card, 3) && !knows(&mut card, 2));
}

#[test]
fn every_fault_of_a_certificate_has_its_status_word() {
    let mut card = purse();
    let good = certificate(2);
    let body = good.body;
    let mut off_curve = body.public_key;
    off_curve.0[63] ^= 1;
    let other_issuer = private_key(party(99));
    for (why, certificate, status) in [
        ("signed by somebody else", signed(body, &other_issuer), StatusWord::WrongMac),
        ("another's body", Certificate { body: certificate(3).body, ..good }, StatusWord::WrongMac),
        (
            "another's signature",
            Certificate { signature: certificate(3).signature, ..good },
            StatusWord::WrongMac,
        ),
        ("a SAM's", issued(CertificateBody { role: Role::Merchant, ..body }), StatusWord::WrongData),
        ("the card's own", certificate(1), StatusWord::WrongData),
        (
            "under another key of the issuer",
            issued(CertificateBody { issuer_key: 2, ..body }),
            StatusWord::ReferenceNotFound,
        ),
        ("off the curve", issued(CertificateBody { public_key: off_curve, ..body }), StatusWord::WrongData),
        ("no month", issued(CertificateBody { expiry: Expiry([0x30, 0x13]), ..body }), StatusWord::WrongData),
    ] {
        let answer = card.unwritten(verify(certificate).emit().as_bytes());
        assert_eq!((answer.data.as_slice(), answer.status), (&[][..], status), "{why}");
        assert!(!knows(&mut card, 2) && !knows(&mut card, 3), "{why}");
    }
    // The card has no clock: an old certificate is its terminal's to refuse.
    card.succeed(&verify(issued(CertificateBody { expiry: Expiry([0x01, 0x01]), ..body })));
    let row = table::row(CommandName::VerifyCertificate);
    for length in (0..=255).filter(|length| *length != Certificate::LENGTH) {
        let bytes = apdu(row, 0, table::VERIFY_CERTIFICATE, &vec![0; length]);
        card.refuse_bytes(bytes.as_bytes(), StatusWord::WrongLength);
    }
}

#[test]
fn a_card_without_a_key_pair_has_no_certificate_and_no_peer() {
    for profile in [Profile::purse(1, 0), Profile::sam(2, 0)] {
        let mut card = CommonCard::new(&profile);
        card.refuse(&Command::GetData(TAG_CERTIFICATE), StatusWord::ReferenceNotFound);
        card.refuse(&verify(certificate(3)), StatusWord::ConditionsOfUse);
    }
    let mut card = purse();
    let object = card.repeat(&Command::GetData(TAG_CERTIFICATE));
    assert_eq!(object, certificate(1).object());
    assert_eq!(object[..4], [0x7F, 0x21, 0x81, 0x93]);
    assert_eq!(Certificate::parse_object(&object), Ok(certificate(1)));
    let mut card = card.power_cycled();
    assert_eq!(card.repeat(&Command::GetData(TAG_CERTIFICATE)), object);
}

#[test]
fn a_key_pair_is_personalised_whole_and_fitting_or_not_at_all() {
    let good = key_pair(party(1));
    let other = key_pair(party(2));
    let with = |pair: KeyPair| Profile { key_pair: Some(pair), ..Profile::purse(1, 0) };
    let mut off_curve = good.clone();
    off_curve.issuer_key.0[0] ^= 1;
    let mut wrong_role = good.clone();
    wrong_role.certificate = issued(CertificateBody { role: Role::Merchant, ..good.certificate.body });
    let bad = [
        ("another purse's certificate", with(KeyPair { certificate: other.certificate, ..good.clone() })),
        ("another purse's key", with(KeyPair { private_key: other.private_key.clone(), ..good.clone() })),
        (
            "another issuer's key",
            with(KeyPair { issuer_key: public_key(&private_key(party(9))), ..good.clone() }),
        ),
        ("an issuer's key off the curve", with(off_curve)),
        ("a certificate of a SAM", with(wrong_role)),
        (
            "of no private key",
            with(KeyPair { private_key: apdu_spec::curve::PrivateKey([0; 32]), ..good.clone() }),
        ),
        ("on a SAM", Profile { key_pair: Some(other.clone()), ..Profile::sam(2, 0) }),
    ];
    let store = |profile: &Profile, without: Option<usize>| {
        let mut card = CommonCard::blank();
        card.select();
        let groups = profile.groups();
        let groups: Vec<_> =
            groups.into_iter().enumerate().filter(|(place, _)| Some(*place) != without).collect();
        let last = groups.len() - 1;
        let mut status = StatusWord::Success;
        for (block, (_, group)) in groups.iter().enumerate() {
            let number = u8::try_from(block).unwrap();
            status = card.send(&Command::StoreData(block == last, number, group)).status;
        }
        (status, card)
    };
    for (why, profile) in &bad {
        let (status, card) = store(profile, None);
        assert_eq!((status, card.card.number()), (StatusWord::WrongData, None), "{why}");
    }
    let whole = with(good);
    let groups = whole.groups().len();
    for missing in groups - 3..groups {
        let (status, card) = store(&whole, Some(missing));
        assert_eq!((status, card.card.number()), (StatusWord::WrongData, None), "without group {missing}");
    }
    let (status, card) = store(&whole, None);
    assert_eq!((status, card.card.number()), (StatusWord::Success, Some(party(1))));
}

#[test]
fn a_key_pair_that_no_page_has_room_for_is_refused_and_the_card_stays_blank() {
    let with = Profile::purse(1, 0).with_key_pair();
    let mut card = BenchCard::<4, 2>::on(BenchCard::<4, 2>::small_memory(4));
    card.select();
    let groups = with.groups();
    for (block, group) in groups.iter().enumerate() {
        let last = block + 1 == groups.len();
        let status = card.send(&Command::StoreData(last, u8::try_from(block).unwrap(), group)).status;
        assert_eq!(status, if last { StatusWord::MemoryFailure } else { StatusWord::Success }, "{block}");
    }
    assert_eq!((card.card.number(), card.card.memory().counts().operations()), (None, 0));
    let mut without = card.copied();
    without.select();
    without.personalise(&Profile::purse(1, 0));
    assert_eq!(without.card.number(), Some(party(1)));
    let mut larger = BenchCard::<4, 2>::on(BenchCard::<4, 2>::small_memory(5));
    larger.select();
    larger.personalise(&with);
    assert_eq!(larger.card.number(), Some(party(1)));
}
