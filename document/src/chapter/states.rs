//! Life cycle and session.

use apdu_spec::life_cycle::LifeCycle;

use crate::life_cycle_diagram::name;
use crate::markdown::{Markdown, link};

use super::Sources;

const fn about(life_cycle: LifeCycle) -> &'static str {
    match life_cycle {
        LifeCycle::Blank => "not personalised",
        LifeCycle::Active => "in use",
        LifeCycle::Locked => {
            "locked by its holder: shows no balance and begins nothing, but finishes what is open"
        }
        LifeCycle::Blocked => "blocked by its issuer: begins nothing, but finishes what is open",
        LifeCycle::Terminated => {
            "over, for ever: can be read; begins and closes nothing of its own, but repeats ack and (to GET PROOF) val, and still declines"
        }
    }
}

pub(crate) fn write(sources: &Sources<'_>) -> Markdown {
    let mut text = Markdown::new();
    text.paragraph(&format!(
        "The life cycle byte is derived from three flags and the balances, by {}. Lock and block are flags of their own: a blocked card \
         shows 04 whether it is locked or not, and when it is unblocked it is 06 or 07 again. While the lock is set, balances read as 0, also \
         when the card is blocked as well.",
        link("LIFE.CYCLE")
    ));
    let rows = LifeCycle::ALL.map(|life_cycle| {
        [format!("{:02X}", life_cycle.code()), life_cycle.name().to_owned(), about(life_cycle).to_owned()]
    });
    text.table(["byte", "life cycle", "meaning"], &rows);
    text.picture("State diagram of the life cycle", "life-cycle.svg");
    text.paragraph(
        "The diagram and the table have been found by trying: every command and script that changes no balance, and for a disposable card those that close its last payment, sent to a card in each \
         state. Termination by script 07 needs balances of 0 and nothing open. A *disposable* card takes no load, and terminates itself as soon as every balance is 0 and none of its payments is open; one that is personalised without any balance is terminated from the first.",
    );
    let rows: Vec<[String; 3]> = sources
        .edges
        .iter()
        .flat_map(|((from, to), commands)| {
            commands.iter().map(|command| [name(*from).to_owned(), command.clone(), name(*to).to_owned()])
        })
        .collect();
    text.table(["state", "command", "new state"], &rows);
    text.heading(3, "Session").paragraph(
        "A session begins when the application is selected and ends with the next SELECT of the application or of the MF, or at reset. A SELECT that \
         fails changes nothing, and one of an EF leaves the session as it is. A session holds: that the application is selected, the current file, whether the PIN has been verified, and who the peer is. \
         The *peer* is the purse whose certificate was verified last in this session, with the pair key that both have: another right certificate puts another purse in its place, a refused one leaves it, and it ends with the session. \
         Only while a transfer's other side is the peer are INITIALIZE, DEBIT, CREDIT, DECLINE, ACKNOWLEDGE, REVERSE and GET PROOF of that transfer answered; else 6985. \
         A card may remember a pair key beyond the session, so that the very same certificate, byte for byte, costs no computation again; it is no peer before that. \
         The data groups that a blank card has taken so far are kept until a reset, or until another block 00.",
    );
    text
}
