//! The data groups of STORE DATA: values that no card can have, keys that do not fit (section 6).

use apdu_spec::element::Role;
use apdu_spec::status::StatusWord as Status;
use purse_tests::scheme::Profile;
use purse_tests::store_data::{blank, group, identifier, profiles, refuse_with, store_all, value};

#[test]
fn key_check_values_must_fit_but_for_a_sams_own_payment_key() {
    for profile in profiles() {
        let good = value(&profile, 0x9000);
        for place in 0..good.len() {
            let mut wrong = good.clone();
            wrong[place] ^= 1;
            if profile.role == Role::Merchant && (3..6).contains(&place) {
                let mut groups = profile.groups();
                let keys = groups.iter().position(|of| identifier(of) == 0x9000).unwrap();
                groups[keys] = group(0x9000, &wrong);
                store_all(&mut blank(), &groups, Status::Success);
            } else {
                refuse_with(&profile, 0x9000, &wrong);
            }
        }
        let mut keys = value(&profile, 0x8000);
        keys[0] ^= 1;
        refuse_with(&profile, 0x8000, &keys);
    }
}

#[test]
fn values_that_no_card_can_have() {
    for profile in profiles() {
        let identity = value(&profile, 0x1501);
        // Role, a digit of the number, its check digit, key version, month, issuer, flags.
        for (place, byte) in [
            (0, 0),
            (0, 3),
            (1, 0xF0),
            (8, identity[8] ^ 1),
            (9, 0),
            (11, 0x13),
            (11, 0x00),
            (12, 0xAA),
            (19, identity[19] ^ 1),
            (20, 2),
            (20, 0xFF),
        ] {
            let mut wrong = identity.clone();
            wrong[place] = byte;
            refuse_with(&profile, 0x1501, &wrong);
        }
        let pocket = value(&profile, 0x1511);
        for (range, bytes) in
            [(0..2, &[0, 0][..]), (0..2, &[0x0A, 0x00]), (0..2, &[0x19, 0x78]), (3..7, &[0xFF; 4])]
        {
            let mut wrong = pocket.clone();
            wrong[range].copy_from_slice(bytes);
            refuse_with(&profile, 0x1511, &wrong);
        }
        // The second pocket has the first one's currency.
        refuse_with(&profile, 0x1512, &pocket);
        for block in [
            [0x23, 0x12, 0x3F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            [0; 8],
            [0x24, 0x12, 0x34, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F],
        ] {
            refuse_with(&profile, 0x8010, &block);
        }
        refuse_with(&profile, 0x9010, &[3, 0]);
        refuse_with(&profile, 0x9010, &[4, 3]);
    }
    let sam = Profile::sam(2, 0);
    let masters = value(&sam, 0x8001);
    refuse_with(&sam, 0x8001, &[&[0][..], &masters[1..17]].concat());
    refuse_with(&sam, 0x8001, &masters[..33]);
    refuse_with(&sam, 0x8001, &[]);
    // The same version twice, next to each other and apart.
    refuse_with(&sam, 0x8001, &[&masters[..17], &masters[..17]].concat());
    refuse_with(&sam, 0x8001, &[&masters[..34], &masters[..17]].concat());
    refuse_with(
        &sam,
        0x8001,
        &(1..=9).flat_map(|version| [&[version][..], &[7; 16]].concat()).collect::<Vec<_>>(),
    );
    let eight: Vec<u8> = (1..=8).flat_map(|version| [&[version][..], &[7; 16]].concat()).collect();
    let mut groups = sam.groups();
    let place = groups.iter().position(|of| identifier(of) == 0x8001).unwrap();
    groups[place] = group(0x8001, &eight);
    store_all(&mut blank(), &groups, Status::Success);
}
