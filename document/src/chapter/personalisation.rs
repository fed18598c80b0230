//! Data groups of STORE DATA, and the issuer's scripts.

use apdu_spec::command::{Command, ParameterBytes, Script};
use apdu_spec::cryptography::{Authenticator, Engine as _, KeyPurpose, Tac, script_mac};
use apdu_spec::element::{KeyVersion, Sequence};
use apdu_spec::parameter::{self, Parameter, Resolution};
use apdu_spec::personalisation::{DGI_LAST_POCKET, DGI_POCKET, MASTERS, group_name};
use apdu_spec::pocket::{Limits, PocketParameters};
use apdu_spec::software::Software;
use purse_terminal::explain::Object;

use crate::markdown::{Markdown, code, link};
use crate::scheme::{EXPIRY, Who, currency, key, with_profile};
use crate::{Outcome, examples};

use super::Sources;

pub(crate) fn write(sources: &Sources<'_>) -> Outcome<Markdown> {
    let mut text = Markdown::new();
    groups(&mut text)?;
    scripts(&mut text, sources)?;
    Ok(text)
}

fn groups(text: &mut Markdown) -> Outcome<()> {
    text.heading(3, "Data groups").paragraph(&format!(
        "STORE DATA brings data groups: an identifier (DGI) of 2 bytes, a length of 1 byte, and the value. A block holds one or more \
         whole groups; none goes on in the next block, none comes twice. All of 1501, 1511, 8000, 9000, 8010 and 9010 must have come with the last \
         block, and 8001 for a merchant SAM and only for one; {:04X} to {DGI_LAST_POCKET:04X} for further pockets as wanted, each of another currency. \
         A purse that is to take part in transfers gets all of 8020, 9020 and 7F21, any other card none of them: the certificate must have the card's number and role 01, its public key must belong to the private key, and its signature must hold under the issuer's key; else the last block is 6A80. \
         What {} lists as wrong is refused with 6A80.",
        DGI_POCKET + 1, link("GROUP.FORM")
    ));
    let mut found = Vec::new();
    for who in [Who::Purse, Who::Sam] {
        with_profile(who, 0, |profile| {
            profile.groups(&Software, |group| found.push(group.to_vec()));
            Ok(())
        })?;
    }
    let identifier = |group: &[u8]| group.first_chunk().map_or(0, |bytes| u16::from_be_bytes(*bytes));
    found.sort_by_key(|group| identifier(group));
    found.dedup_by_key(|group| identifier(group));
    for group in &found {
        let identifier = identifier(group);
        let name = group_name(identifier).ok_or("a data group of the standard")?;
        let title = if identifier == DGI_POCKET {
            "DGI 1511 to 1515, pocket 0 to 4".to_owned()
        } else {
            format!("DGI {identifier:04X}, {name}")
        };
        text.paragraph(&format!("**{title}.** {}", about(identifier)));
        group_table(text, group)?;
    }
    Ok(())
}

/// The value's fields: those behind DGI and length, one level down.
fn group_table(text: &mut Markdown, group: &[u8]) -> Outcome<()> {
    let reading = crate::fields::reading(group, Object::Groups)?;
    let mut rows = Vec::new();
    for leaf in crate::fields::leaves(&reading).iter().filter(|leaf| leaf.depth == 1 && leaf.offset >= 3) {
        let value = group.get(leaf.offset..leaf.offset + leaf.length).unwrap_or(&[]);
        rows.push([
            (leaf.offset - 3).to_string(),
            leaf.length.to_string(),
            leaf.name.clone(),
            super::meanings::meaning(&leaf.name)?,
            code(value),
        ]);
    }
    text.table(["offset", "bytes", "field", "content", "example"], &rows);
    Ok(())
}

fn about(identifier: u16) -> String {
    match identifier {
        0x1501 => "Role 01 or 02; both numbers with their check digits, and different; a key version that is not 00.".to_owned(),
        0x1511..=0x1515 => "The initial balance is at most the maximum balance.".to_owned(),
        0x8000 => "A merchant SAM does not use its PAYM card key.".to_owned(),
        0x9000 => "The first three bytes of AES(key, sixteen bytes 01). That of a merchant SAM's PAYM card key is not checked.".to_owned(),
        0x8001 => format!("For a merchant SAM: 1 to {MASTERS} times these two fields; no version twice, none 00."),
        0x8010 => "The first PIN.".to_owned(),
        0x8020 => "For a purse with a key pair. It never leaves the card.".to_owned(),
        0x9020 => "The key that the issuer signs certificates with: those of all its purses under one key index. The card refuses certificates of other indices (6A88).".to_owned(),
        0x7F21 => format!("The inside of the certificate, as VERIFY CERTIFICATE takes it: see {}. GET DATA 7F21 gives it again, with its tag 7F21 and length 8193 before it.", link("Certificates and pair keys")),
        _ => "A new card has 03 and 03; a card takes a limit of 01 to 0F.".to_owned(),
    }
}

/// One script of every parameter id.
fn parameters(tac: Tac) -> Outcome<Vec<(Parameter, &'static str)>> {
    let limits = Limits::parse(&[0; Limits::LENGTH]).map_err(|_| "limits")?;
    let parameters = PocketParameters { currency: currency()?, exponent: 2, limits };
    let resolve = |resolution| Parameter::Resolve { sequence: Sequence(1), tac, resolution };
    Ok(vec![
        (
            Parameter::Limits { pocket: 0, limits },
            "New limits for a pocket in use; 6A88 for a pocket that is not.",
        ),
        (
            Parameter::NewPocket { pocket: 1, parameters },
            "A pocket for another currency, with balance 0. 6A80 where the place or the currency is in use.",
        ),
        (Parameter::Expiry(EXPIRY), "Another last month of validity."),
        (Parameter::PinTries, "As many PIN tries as the limit."),
        (Parameter::Block, "The card is blocked."),
        (Parameter::Unblock, "It is not blocked any more; a lock below comes back."),
        (
            Parameter::Terminate,
            "For ever. 6985 unless every balance is 0 and no payment of the card is open. The issuer signs it only when no load of the card is unresolved.",
        ),
        (
            resolve(Resolution::Settled),
            "Closes an open payment in the issuer's name, 01 as ACKNOWLEDGE would, 02 as REVERSE would but outside the limit of offline receipts. The TAC must be the record's (6A88). A payment that has come to this already leaves the card as it is, the counter too: 9000.",
        ),
        (Parameter::ClearLock, "The holder's lock is lifted."),
        (
            Parameter::ForgetMaster(KeyVersion(1)),
            "A merchant SAM forgets its PAYM master of this version: 6A80 on a purse, 6A88 where there is none, 6985 while a refund under it is open.",
        ),
    ])
}

fn scripts(text: &mut Markdown, sources: &Sources<'_>) -> Outcome<()> {
    text.heading(3, "Scripts").paragraph(&format!(
        "UPDATE PARAMETER carries a script of the issuer. Its data are a counter, a parameter id, a value and a MAC; the MAC is the first 8 bytes of \
         CMAC(ADMN card key, CLA ‖ INS ‖ P1 ‖ P2 ‖ counter ‖ parameter id ‖ value), without Lc. A script needs no session but SELECT, and anybody may deliver it. \
         A card accepts each counter once and only upwards; the last accepted script, byte for byte, gives 9000 again and changes nothing (but 6985 once the card is terminated). \
         A script that is refused does not use its counter up; the issuer withdraws it by another one with a higher counter, and never \
         uses a counter twice. The order of checks is in {}.",
        link("UPDATE PARAMETER")
    ));
    let purse = Who::Purse.number()?;
    let tac = examples::tac_of(&sources.runs.purchase()?, None);
    let mut examples = Vec::new();
    for (counter, (parameter, about)) in (1..).zip(parameters(tac)?) {
        let bytes = ParameterBytes::new(&parameter);
        let mut script =
            Script { counter, id: parameter.id(), value: bytes.value(), mac: Authenticator::default() };
        let mut key = Software.load(&key(KeyPurpose::Administration, purse));
        script.mac = script.signed(|signed| script_mac(&Software, &mut key, signed));
        let apdu = Command::UpdateParameter(script).emit().as_bytes().to_vec();
        let name = parameter::name(parameter.id()).ok_or("a parameter of the standard")?;
        text.paragraph(&format!("**Script {:02X}, {name}.** {about}", parameter.id()));
        let value = bytes.value();
        if value.is_empty() {
            text.paragraph("No value.");
        } else {
            // Counter and id come first, and are the same in every script.
            let data = apdu.get(5..).unwrap_or(&[]);
            value_table(text, data, value.len())?;
        }
        examples.push([format!("{:02X}", parameter.id()), name.to_owned(), code(&apdu)]);
    }
    text.paragraph("One script of each for the example purse, the counters 1 to 10, as whole commands.");
    text.table(["id", "parameter", "UPDATE PARAMETER"], &examples);
    Ok(())
}

fn value_table(text: &mut Markdown, data: &[u8], length: usize) -> Outcome<()> {
    let data = data.get(..5 + length + Authenticator::LENGTH).unwrap_or(data);
    let reading = crate::fields::reading(data, Object::Script)?;
    let mut rows = Vec::new();
    for leaf in crate::fields::leaves(&reading).iter().filter(|leaf| leaf.depth == 1) {
        let content = super::meanings::meaning(&leaf.name)?;
        rows.push([(leaf.offset - 5).to_string(), leaf.length.to_string(), leaf.name.clone(), content]);
    }
    text.table(["offset", "bytes", "field of the value", "content"], &rows);
    Ok(())
}
