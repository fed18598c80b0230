//! Scripts: a counter is never used twice.

use apdu_spec::command::{Command, CommandName};
use apdu_spec::cryptography::{Engine, KeyPurpose, card_key, script_mac};
use apdu_spec::element::{Expiry, KeyVersion, Sequence};
use apdu_spec::parameter::{Parameter, Resolution};
use apdu_spec::pocket::Limits;
use apdu_spec::software::Software;
use purse_terminal::issuer::{CardState, IssuerError, Store};

use crate::support::*;

on_both_stores!(
    counters_go_upwards_card_by_card,
    the_mac_is_the_cards,
    a_resolution_is_not_signed_on_request,
    nothing_is_terminated_while_a_load_is_unresolved,
    only_a_sam_forgets_masters,
);

fn counters_go_upwards_card_by_card<S: Store>(mut scheme: Scheme<S>) {
    let parameters = [
        Parameter::Limits { pocket: 0, limits: Limits::default() },
        Parameter::Expiry(Expiry([0x30, 0x12])),
        Parameter::PinTries,
        Parameter::PinTries,
        Parameter::Block,
        Parameter::Unblock,
        Parameter::ClearLock,
    ];
    let mut expected = 0;
    for parameter in parameters {
        expected += 1;
        let script = scheme.issuer.script(purse(), &parameter).unwrap();
        assert_eq!(script.counter, expected);
        assert_eq!(Parameter::parse(script.id, &script.value), Ok(parameter));
    }
    assert_eq!(scheme.issuer.script(other_purse(), &Parameter::Block).unwrap().counter, 1);
    let unknown = scheme.issuer.script(number(3), &Parameter::Block);
    assert_eq!(unknown, Err(IssuerError::UnknownCard(number(3))));
}

fn the_mac_is_the_cards<S: Store>(mut scheme: Scheme<S>) {
    let signed = scheme.issuer.script(purse(), &Parameter::Expiry(Expiry([0x31, 0x01]))).unwrap();
    let script = signed.script();
    let mut master = Software.load(masters().key(KeyPurpose::Administration));
    let key = card_key(&Software, &mut master, KeyPurpose::Administration, purse(), KEY_VERSION);
    let mac = script.signed(|command| script_mac(&Software, &mut Software.load(&key), command));
    assert_eq!(script.mac, mac);
    let command = Command::UpdateParameter(script);
    assert_eq!(command.name(), CommandName::UpdateParameter);
    let sent = command.emit();
    assert!(sent.as_bytes().ends_with(&mac.0), "ready to be sent");
}

fn a_resolution_is_not_signed_on_request<S: Store>(mut scheme: Scheme<S>) {
    let tac = certificate(&unload_details(purse(), 0, 1));
    let parameter = Parameter::Resolve { sequence: Sequence(0), tac, resolution: Resolution::Reversed };
    assert_eq!(scheme.issuer.script(purse(), &parameter), Err(IssuerError::ResolutionOnRequest));
    assert_eq!(scheme.issuer.card(purse()).unwrap().script, None, "no counter was used");
}

fn nothing_is_terminated_while_a_load_is_unresolved<S: Store>(mut scheme: Scheme<S>) {
    let load = load_details(purse(), 0, 100);
    scheme.issuer.load(&load, req(&load), "holder").unwrap();
    let refused = scheme.issuer.script(purse(), &Parameter::Terminate);
    assert_eq!(refused, Err(IssuerError::LoadUnresolved { card: purse(), sequence: Sequence(0) }));
    scheme.issuer.load_acknowledged(purse(), Sequence(0), ack(&load)).unwrap();
    scheme.issuer.script(purse(), &Parameter::Terminate).unwrap();
    assert_eq!(scheme.issuer.card(purse()).unwrap().state, CardState::Terminated);
    let load = load_details(purse(), 1, 100);
    assert!(matches!(scheme.issuer.load(&load, req(&load), "holder"), Err(IssuerError::CardState { .. })));
}

fn only_a_sam_forgets_masters<S: Store>(mut scheme: Scheme<S>) {
    let parameter = Parameter::ForgetMaster(KeyVersion(1));
    assert!(matches!(scheme.issuer.script(purse(), &parameter), Err(IssuerError::Script(_))));
    scheme.issuer.script(sam_number(), &parameter).unwrap();
}
