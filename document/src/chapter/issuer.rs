//! What the issuer keeps, and what it does with each message.

use crate::markdown::{Markdown, link};

pub(crate) fn write() -> Markdown {
    let mut text = Markdown::new();
    text.paragraph(&format!(
        "The issuer has no listing: it is a computer with books, and how it stores them is its own matter. What it must keep, check and answer is here, for each of the {}. \
         A message is one step: all of it is recorded, or nothing, and it is recorded before the answer leaves.",
        link("Messages to issuer and terminal")
    ));
    books(&mut text);
    loads(&mut text);
    unloads(&mut text);
    collections(&mut text);
    resolutions(&mut text);
    text
}

fn books(text: &mut Markdown) {
    text.heading(3, "Books").paragraph("For ever, the issuer keeps:").list(&[
        "its master keys LOAD, PAYM, TACK and ADMN, by version;",
        "of each card: number, role, key version, the account that its unloads are credited to, the counter of its last script, and whether it was told to block or terminate;",
        "each load that it has given: PD, the account that has paid, and whether it is acknowledged (ack), declined (nack), or unresolved;",
        "each unload: PD, TAC, and whether it is credited or declined; a collection of which records are missing waits;",
        "of each merchant SAM: every record of its chain as far as it was submitted, the first sequence that no collection has passed (0 at first), H of the record before that one (16 bytes of 00 at first), and for each currency what is available to its merchant (at first what the SAM was personalised with);",
        "of each debit with a right TAC whether the issuer has had it taken back.",
    ])
    .paragraph(
        "Money is in accounts of holders and merchants, in the float (what is on cards and in the air), in what was withheld from collections, and in what nobody claims. \
         Each step moves an amount from one of these to another, so that their sum never changes. What a card is personalised with goes from an account into the float when the card is registered.",
    )
    .paragraph(
        "A card that the issuer does not know, another key version than the card's, another kind, another issuer's number, a payer's sequence that differs from the payee's, an amount of 0 \
         (but that of a collection), a currency in which the account does not exist, or a wrong authenticator is 6985 in every message, and no money moves. So is RECORDS WANTED or SUBMIT RECORDS for a card that is no merchant SAM. A load and an unload of a card may have the same sequence.",
    );
}

fn loads(text: &mut Markdown) {
    text.heading(3, "Loads").list(&[
        "**LOAD** verifies req. The same PD as one that was given before gets the same val again, whatever has become of it. Otherwise it is refused if the card has an unresolved load, if an earlier load of the card has \
         the same sequence or a higher one, if the card was told to block or terminate, or if the account does not hold the amount. Else the amount goes from the account into the float, the load is \
         unresolved, and val goes out. The TAC of a load is eight bytes of 00.",
        "**UNRESOLVED LOAD** gives PD, val and TAC of the card's load that is neither acknowledged nor declined; at most its last one can be.",
        "**LOAD ACKNOWLEDGED** verifies ack of the load with that sequence, and the load is acknowledged. Again: 9000, and nothing changes. Of a declined load: 6985.",
        "**LOAD DECLINED** verifies nack; the load is declined and the amount goes back from the float to the account. Again: 9000, and nothing changes. Of an acknowledged load: 6985.",
    ]);
}

fn unloads(text: &mut Markdown) {
    text.heading(3, "Unloads").list(&[
        "**UNLOAD REQUEST** forms PD, with the issuer as payee and the card's sequence for both, and req. It records nothing, and is refused only if another one has been credited or declined under that card and sequence, or the card's account has no such currency.",
        "**UNLOAD** of a purse verifies val, then the TAC. Nothing on the books under that card and sequence: the amount goes from the float to the card's account, it is credited, and ack goes out with the amount; withheld is 0. The same PD again: \
         the same answer, and no second credit. A declined one, or another PD under that card and sequence: 6985. The order in which unloads arrive, and when, does not matter.",
        "**DECLINE UNLOAD** of a purse verifies the same, records that this PD is never credited, and only then gives nack. The same again: nack again. A credited one, or another PD under that card and sequence: 6985. A collection is never declined: 6985.",
    ]);
}

fn collections(text: &mut Markdown) {
    text.heading(3, "Collections")
        .paragraph(
            "An unload of a merchant SAM is paid by its records, and only by those that the chain H proves to be all of them, in their order.",
        )
        .list(&[
            "**RECORDS WANTED** gives the first sequence that no collection has passed: after a collection with the sequence n, n + 1. The collection's own record need not be submitted, for UNLOAD has brought it.",
            "**SUBMIT RECORDS** takes records for consecutive sequences. Each must be the SAM's own: as payer (role 01) its number and this sequence in PD, as payee (02, 03) likewise, as a reversal (04) its number and a sequence \
             below this one; else 6985 and none is recorded. What was submitted before for a sequence that no collection has passed is replaced; for one that has been passed it changes nothing. Bad records are recorded too: they belong to the chain. No record at all is 9000. At the end each waiting collection is looked at again.",
            "**UNLOAD** of a SAM verifies val and records the collection as waiting. Then, over the records from the first wanted one to the one before the collection, H is computed: if one is missing, 6A88; if the collection's TAC is not right for this H, 6A80; in both cases it goes on waiting. A waiting collection is nothing yet: another PD under the same sequence replaces it, for only the chain says which one the SAM has debited; a credited one is not replaced (6985). \
             If it is right, the chain has passed: the records count (below), the collection's own record joins the chain, and the next sequence is the first wanted one. Then the collection is credited, and ack goes out. The same again: the same answer, and no second credit. Other collections that wait are looked at again, until none changes.",
            "A collection below the first wanted sequence, whose val was late, is right if the chain has this very PD and TAC as its record under that sequence, and is credited then; if the chain has another: 6985.",
        ])
        .paragraph("A record that the chain has passed counts once, in the pocket of its currency, and only if it is good:")
        .list(&[
            "a purchase that the SAM was paid (role 02), whose TAC is right, whose payer is a purse of the issuer's with that key version, and which the issuer has not had taken back: the amount is added;",
            "a load that the SAM was paid (role 02), which the issuer has given and not had declined: the amount is added, and the load is acknowledged;",
            "a refund that the SAM has paid (role 01), whatever its TAC: the amount is taken off;",
            "a refund that the SAM has taken back (role 04), whose TAC is right, and which the chain has as paid and not yet as taken back: the amount is added;",
            "everything else counts nothing. So does a bad record: it is reported.",
        ])
        .paragraph(
            "Credited is the collection's amount, but not more than what is available in that pocket, and not less than 0; it is taken off what is available, and goes to the SAM's account. The rest of the amount is withheld: \
             it leaves the float for an account of its own, and is not paid by a later collection. Two debits with right TACs and different PD under the same payer and sequence, or one and an acknowledged load of that sequence, prove that the payer exists twice; this is kept even where the message that brought it is refused.",
        );
}

fn resolutions(text: &mut Markdown) {
    text.heading(3, "Payments whose payee is gone").paragraph(&format!(
        "Where a payee can never be reached again, the issuer may end the payment with script 08 ({}). It does so only for a record with role 01 and state 00, and PD with a right TAC. \
         A purchase waits until a collection has passed the payee's sequence: it is settled (01) if the chain has it there with role 02, and else, or where the issuer has no such payee, it is taken back (02), and a record of it counts nothing from then on. \
         A purse's unload is ended as the books have it: settled if it is credited; else it is recorded as declined first, and taken back. A collection is settled if it is credited, and else has to be delivered. \
         A refund is never taken back: the purse may have credited it. Only where the issuer is told that the purse is gone for good can it be closed as settled (01), and then its amount goes to what nobody claims; once, and until the chain shows that the SAM took it back. If the purse has credited it all the same, the float is short of it. \
         Neither is a load: its ack or nack comes from the card.",
        link("Scripts")
    ))
    .paragraph(
        "The first counter of a card's scripts is 1. Whoever asks for the same resolution again, and the card was given no other script since, gets the same script with the same counter; every other script has a new one. \
         Whether a card is blocked or terminated, the issuer takes from the last script 05, 06 or 07 that it has signed.",
    );
}
