//! Inputs to begin with: real commands and answers of real cards, and histories of payments, in the form that each
//! target takes.

use apdu_spec::certificate::TAG_CERTIFICATE;
use apdu_spec::command::apdu::LONGEST_COMMAND;
use apdu_spec::command::{Command, Selection, table};
use apdu_spec::element::Kind;
use apdu_spec::file::{APPLICATION, File};
use apdu_spec::parameter::Parameter;

use super::letters;
use crate::bench_card::CommonCard;
use crate::scheme::{
    Profile, acknowledge, debit, initialize, issuer, key_pair, party, pay_details, pin, reverse, script,
    voucher,
};

/// Commands of every kind that a purse with some history takes, with its answers.
fn conversation() -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut card = CommonCard::new(&Profile::purse(1, 80_00).with_key_pair());
    card.spend(Kind::Unload, 3, issuer());
    let open = card.spend(Kind::Purchase, 5, party(2));
    let settled = card.spend_settled(Kind::Purchase, 7, party(2));
    let buys = card.paying(Kind::Purchase, 9, party(2));
    let loads = card.paid(Kind::Load, 11, issuer());
    let commands = [
        Command::Select(Selection::Application(&APPLICATION), true),
        Command::Select(Selection::File(File::Log.identifier().unwrap_or_default()), true),
        Command::ReadBinary(Some(0x15), 0),
        Command::ReadBinary(None, 2),
        Command::ReadRecord(Some(0x18), 1),
        Command::ReadRecord(None, 2),
        Command::GetData(table::TAG_PIN_TRIES),
        Command::GetData(table::TAG_LOG_FORMAT),
        Command::GetBalance(0),
        Command::ReadEntry(settled.from_sequence),
        Command::GetProof(open.from_sequence),
        Command::Verify(None),
        Command::Verify(Some(pin("1234"))),
        Command::ChangePin(pin("1234"), pin("123456")),
        initialize(&loads),
        debit(&buys),
        acknowledge(&open),
        reverse(&buys),
        Command::Credit(voucher(&loads)),
        Command::Decline(voucher(&loads)),
        Command::Lock,
        Command::Unlock,
        Command::StoreData(true, 1, &[0x15, 0x01, 0x00]),
        Command::GetData(TAG_CERTIFICATE),
        Command::VerifyCertificate(key_pair(party(2)).certificate),
    ];
    let bytes = commands.iter().map(|command| command.emit().as_bytes().to_vec());
    let bytes = bytes.chain([script(party(1), 1, &Parameter::PinTries)]);
    let answered = bytes.map(|command| {
        let answer = card.transmit(&command);
        let answer = [&answer.data[..], &answer.status.emit()].concat();
        (command, answer)
    });
    answered.collect()
}

/// Inputs for the target of this name; none for one that is not known.
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    match target {
        "apdu" => {
            let commands = conversation().into_iter().map(|(command, _)| command);
            // Found: a class and an instruction that are not known, in more than a short APDU has.
            commands.chain([[0x95; LONGEST_COMMAND + 1].to_vec()]).collect()
        }
        "answers" => answers(),
        "card" => histories(),
        "card_file" => vec![
            vec![1],
            vec![1, 0, 0, 60, 1, 2, 1, 0],
            vec![7, 0, 0, 15, 1, 0, 3, 0, 8],
            // Found: programs neither atomic nor not; a begun bit behind the last unit.
            vec![43, 209, 209, 209, 209, 209, 1, 209, 209, 209, 209, 209, 209, 1, 209],
            [
                &[6][..],
                b"\x89PURSE\r\n\0\x01\0\x10\0\0\0\x10\0\0\0\x01\0\0\0\x20\0\0\0\x08",
                &[0; 28],
                &[2],
                &[0xFF; 16],
            ]
            .concat(),
            [&[6][..], b"\x89PURSE\r\n\0\x01\0\x10\0\0\x04\0\0\0\0\x08\0\0\0\x20\0\0\0\x08", &[0; 64]]
                .concat(),
        ],
        "elements" => elements(),
        "letters" => letters(),
        "memory_image" => (0..4)
            .flat_map(|age| {
                let edits = [
                    &[][..],
                    &[0, 0, 1, 30, 1],
                    &[2, 1, 0, 20, 1],
                    &[5, 1, 2],
                    &[7, 1, 0, 0],
                    &[8, 0, 1, 1, 2],
                ];
                edits.map(|edit| [&[age][..], edit].concat())
            })
            .collect(),
        "scheme_file" => vec![
            vec![1],
            vec![1, 0, 200, 9, b'1', b'2', 0, 80, 2],
            // Found: a section's name gone, its keys in the place of sections.
            vec![17, 5, 208, 74],
            b"\0currency = \"JPY\"\n[issuer]\nnumber = \"9555000000000000\"\n".to_vec(),
            b"\0[keys.1]\nload = \"00112233445566778899aabbccddeeff\"\n[limits.purse]\nbalance = \"1.00\""
                .to_vec(),
        ],
        "transmission" => transmission(),
        _ => Vec::new(),
    }
}

/// Calls of the client with the answers of a real card.
fn answers() -> Vec<Vec<u8>> {
    let conversation = conversation();
    let (_, control) = &conversation[0];
    let all = |answers: &[&Vec<u8>], calls: &[u8]| {
        let mut input = vec![u8::try_from(calls.len()).expect("few")];
        input.extend(calls);
        for answer in [control].into_iter().chain(answers.iter().copied()) {
            input.push(u8::try_from(answer.len()).expect("short"));
            input.extend(answer);
        }
        input
    };
    let calls = [
        (1, 9),
        (2, 0),
        (4, 10),
        (6, 3),
        (7, 2),
        (8, 1),
        (9, 12),
        (10, 6),
        (14, 4),
        (15, 5),
        (18, 7),
        (19, 8),
    ];
    let mut inputs: Vec<Vec<u8>> =
        calls.iter().map(|(answer, call)| all(&[&conversation[*answer].1], &[*call])).collect();
    inputs.push(all(&[control], &[14]));
    // An INITIALIZE of another card; records of another card and of another sequence.
    let mut other = conversation[14].1.clone();
    other[0] ^= 1;
    inputs.push(all(&[&other], &[4]));
    for place in [12, 16] {
        let mut other = conversation[9].1.clone();
        other[place] ^= 1;
        // And no record before it.
        inputs.push([all(&[&other], &[12]), vec![0xFE]].concat());
    }
    // A log as long as any, an EF.EXC without an end, a locked card.
    inputs.push(vec![0xF1, 12, 0xFC, 3, 0, 0xFF, 0xFF, 0, 9, 0xFB, 0]);
    inputs.push(vec![0xF1, 13, 0xFC, 3, 0, 0x00, 0x20, 0, 9, 0xFB, 0]);
    inputs.push(vec![0xF1, 12, 0xFC, 2, 0, 0xFF, 0xFF, 0, 0, 0xFF]);
    inputs.push(apdu_spec::answer_to_reset::ATR_T1.to_vec());
    inputs.push(apdu_spec::answer_to_reset::ATR_T0.to_vec());
    inputs
        .push(vec![0x3B, 0xD5, 0x18, 0xFF, 0x81, 0x91, 0xFE, 0x1F, 0xC3, 0x80, 0x73, 0xC8, 0x21, 0x13, 0x09]);
    inputs
}

/// Right ones as texts, and the same with nothing and with one byte changed.
fn letters() -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    for (which, letter) in (0_u8..).zip(letters::LETTERS.iter()) {
        inputs.push([&[0][..], letter.text().as_bytes()].concat());
        inputs.push(vec![which << 2 | 1]);
        inputs.push(vec![which << 2 | 1, 0, 99, 5, 0x11]);
    }
    inputs.push([&[2][..], letters::LIST.text().as_bytes()].concat());
    inputs.push(vec![3]);
    inputs.push(vec![3, 0, 60, 5, b'7']);
    inputs
}

/// Steps of the target `card`, as its module `step` reads them.
fn histories() -> Vec<Vec<u8>> {
    let buy = |amount| [0, 0, amount];
    let (select, verify, cycle) = (21, 16, 31);
    let mut inputs = vec![
        // Payments, settled and refunded, until the window has gone round.
        (0..9).flat_map(|_| [&buy(4)[..], &[7, 0], &[3, 1, 2]].concat()).collect(),
        // Unloads that must move to EF.EXC, one of them taken back.
        [&[0, 1, 3, 0, 1, 3][..], &buy(2).repeat(7), &[0, 1, 1, 9, 8, cycle, select, 9, 6]].concat(),
        // Loads up to the maximum, and old ones again.
        [
            &[3, 0, 10, 3, 0, 10, 3, 0, 200, 11, 0, 0, 11, 1, 0, 12, 0, 0][..],
            &buy(2).repeat(7),
            &[11, 8, 0, 12, 7, 1, 2, 5],
        ]
        .concat(),
        // PIN: wrong, right, changed; then a large payment.
        vec![18, 30, verify, 0, 0, 45, 19, 0, 1, 18, 18, 18, 25, 0, 0, 3, 0, 16, 19, 1, 0],
        // Lock, block, and back.
        vec![
            verify, 20, 0, 0, 0, 3, 20, 1, 24, 0, 0, 5, 0, select, 3, 0, 3, 24, 0, 0, 6, 0, 24, 0, 0, 8, 0,
            select,
        ],
        // The issuer resolves; the same script again.
        [&buy(4)[..], &[15, 0, 0, 0, 26, 0, 1, 5, 15, 0, 1, 0, 15, 0, 1, 0xFE]].concat(),
        // A peer: paid, settled, taken back, received from, declined, told of; another one, and one that is refused.
        [
            &[27, 0, 0, 3, 7, 7, 0, 0, 3, 5, 9, 0, 3, 3, 9, 5, 3, 4, 6, 3, 4][..],
            &[0, 3, 6, 27, 1, 13, 0, 7, 0, 27, 30, 27, 0, 13, 0, 7, 0],
        ]
        .concat(),
        // A transfer that must move to EF.EXC, and one for which there is no place.
        [&[27, 0, 0, 3, 3, 0, 3, 3][..], &buy(2).repeat(7), &[cycle, select, 13, 7, 27, 0, 9, 7, 7, 7]]
            .concat(),
        // Certificates that are none of a peer.
        (10..16).flat_map(|choice| [27, choice << 1, 6, 3, 4]).collect(),
        // A SAM's day: payments, refund with PIN, collection, and its ack.
        [&[3, 0, 20].repeat(7)[..], &[verify, 0, 0, 4, 7, 0, 0, 1, 90, 7, 0, 0, 1, 0, 5, 0, 3]].concat(),
    ];
    // The power fails in each of them: in the program, in the seal, in an erase, and again at power-up.
    let cuts: [&[u8]; 4] = [
        &[0x40, 0, 7, 0, 5],
        &[0xC0, 0, 3, 0, 20, 3],
        &[0x40, 0, 2, 3, 1, 4, 0x81, 1, 3, 5],
        &[0x50, 0, 0, 4],
    ];
    for cut in cuts {
        inputs.push([&buy(1).repeat(5)[..], cut, &[select], &buy(2), &[7, 0]].concat());
        inputs.push([&[0, 1, 2][..], &buy(1).repeat(6), cut, &[select, 9, 7, 31]].concat());
    }
    // Something slightly wrong: a bit of each kind of command.
    inputs.push(vec![0x20, 0, 4, 39, 0, 0x23, 0, 5, 50, 1, 0x27, 0, 12, 3, 0x38, 0, 0, 0, 0, 20, 1]);
    let mut all: Vec<Vec<u8>> = (0..4_u8)
        .flat_map(|card| {
            inputs.iter().map(move |steps| [&[card | card << 2][..], steps].concat()).collect::<Vec<_>>()
        })
        .collect();
    // Raw bytes.
    all.extend(
        conversation().into_iter().map(|(command, _)| {
            [&[1, 28, u8::try_from(command.len()).expect("short")][..], &command].concat()
        }),
    );
    all
}

fn elements() -> Vec<Vec<u8>> {
    let conversation = conversation();
    let data = |place: usize| {
        let answer = &conversation[place].1;
        &answer[..answer.len() - 2]
    };
    let pay_details = pay_details(Kind::Purchase, 5, (party(1), 3), (party(2), 4)).emit();
    let profile = Profile::purse(1, 80_00);
    let groups = profile.groups();
    let certificate = key_pair(party(2)).certificate;
    let forms: [(u8, &[u8]); 17] = [
        (0, &pay_details),
        (1, data(5)),
        (2, &data(2)[..29]),
        (3, data(2)),
        (4, &data(2)[42..69]),
        (5, data(14)),
        (6, data(10)),
        (7, data(8)),
        (8, data(18)),
        (9, &groups[0][3..]),
        (10, &groups[1][3..]),
        (11, &[3, 0x31, 0x12]),
        (12, &pin("123456").emit()),
        (13, &party(1).0),
        (14, b"\x09\x7812.34"),
        (15, &certificate.emit()),
        (16, &certificate.object()),
    ];
    forms.map(|(form, bytes)| [&[form][..], bytes].concat()).to_vec()
}

fn transmission() -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    let conversation = conversation();
    for (command, answer) in &conversation {
        let length = u8::try_from(command.len()).expect("short");
        let waiting = u8::try_from(answer.len() - 2).expect("short");
        let unit = [&[length][..], command, &[0, waiting, 0]].concat();
        let fetched = [&[5, 0, 0xC0, 0, 0, waiting][..], &[0, 0, 0]].concat();
        inputs.push([&[0][..], &unit, &fetched].concat());
        inputs.push([&[1, 0, waiting, 0][..], command].concat());
        let length = u8::try_from(command.len().saturating_sub(6)).expect("short");
        let answer = [&[0, u8::try_from(answer.len()).expect("short")][..], answer].concat();
        inputs.push([&[2, 0, length][..], command, &[0, 2, 0x61, 0x10], &answer].concat());
    }
    // An answer that is fetched in three pieces; one that never ends.
    let fetch = |length| [5, 0, 0xC0, 0, 0, length, 0, 0, 0];
    let brings = [6, 0x80, 0x52, 0, 0, 1, 9, 0, 30, 0];
    inputs.push([&[0][..], &brings, &fetch(10), &fetch(15), &fetch(6), &fetch(5), &fetch(5)].concat());
    inputs.push([&[2, 0, 0, 0x80, 0x52, 0, 0, 1, 9][..], &[0, 3, 7, 0x61, 0x10].repeat(24)].concat());
    inputs
}
