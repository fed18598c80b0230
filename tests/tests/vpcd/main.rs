//! The card's side of vpcd's protocol, against a vpcd that is none.

mod support;

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use apdu_spec::answer_to_reset::{ATR_T0, ATR_T1};
use apdu_spec::command::{Command, Selection};
use apdu_spec::element::Role;
use apdu_spec::file::APPLICATION;
use purse_terminal::transport::Protocol;
use purse_terminal::transport::{EMPTY_RESPONSE, InProcess, ResponseBuffer, Transport, TransportError};
use purse_terminal::virtual_card::VirtualCard;
use purse_terminal::vpcd::{EchoCard, Ended, Event, ServedCard, SlotCard, Stop};
use purse_tests::scheme::{Profile, pin};

use support::{ANSWER_TO_RESET, POWER_OFF, POWER_ON, RESET, Reader, Served};

/// GET DATA of the PIN tries.
const TRIES: [u8; 5] = [0x00, 0xCA, 0x9F, 0x17, 0x00];

fn select() -> Vec<u8> {
    Command::Select(Selection::Application(&APPLICATION), true).emit().as_bytes().to_vec()
}

/// VERIFY of a wrong PIN: two programs of the memory, both before the response.
fn wrong_pin() -> Vec<u8> {
    Command::Verify(Some(pin("0000"))).emit().as_bytes().to_vec()
}

/// A personalised purse.
fn purse() -> VirtualCard {
    let mut transport = InProcess::new(VirtualCard::in_memory("card", Role::Purse));
    let blocks = Profile::purse(1, 50_00).blocks();
    let mut commands = vec![select()];
    for (place, block) in blocks.iter().enumerate() {
        let number = u8::try_from(place).unwrap();
        let command = Command::StoreData(place + 1 == blocks.len(), number, block);
        commands.push(command.emit().as_bytes().to_vec());
    }
    for command in commands {
        let mut buffer = EMPTY_RESPONSE;
        assert!(transport.transmit(&command, &mut buffer).unwrap().ends_with(&[0x90, 0x00]));
    }
    transport.into_card()
}

fn served() -> ServedCard {
    ServedCard::new(purse(), Protocol::T1)
}

/// Tries left of a card that was served, after a power-up.
fn tries(card: ServedCard) -> u8 {
    let mut card = card.into_card();
    card.power_up().unwrap();
    let mut transport = InProcess::new(card);
    let mut buffer = EMPTY_RESPONSE;
    transport.transmit(&select(), &mut buffer).unwrap();
    transport.transmit(&TRIES, &mut buffer).unwrap()[3]
}

#[test]
fn it_says_its_atr_with_power_and_without() {
    for (protocol, atr) in [(Protocol::T1, &ATR_T1[..]), (Protocol::T0, &ATR_T0)] {
        let served = Served::listening(ServedCard::new(purse(), protocol));
        let mut reader = served.reader();
        assert_eq!(reader.ask(&[ANSWER_TO_RESET]), atr);
        reader.send(&[POWER_ON]);
        assert_eq!(reader.ask(&[ANSWER_TO_RESET]), atr);
        reader.send(&[POWER_OFF]);
        assert_eq!(reader.ask(&[ANSWER_TO_RESET]), atr);
        served.stopped();
    }
}

#[test]
fn it_goes_to_a_vpcd_that_listens_as_soon_as_there_is_one() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let served = Served::connecting(served(), address);
    let listener = TcpListener::bind(address).unwrap();
    for _ in 0..2 {
        let mut reader = Reader(listener.accept().unwrap().0);
        reader.send(&[POWER_ON]);
        assert_eq!(reader.ask(&select())[..2], [0x6F, 0x2A]);
    }
    let (_, events) = served.stopped();
    assert_eq!(events[..3], [Event::Connected(address), Event::Gone, Event::Connected(address)]);
}

/// pcscd takes a card that comes right after another has left for the one that it believes to be gone: it asks for the
/// ATR, and gives no power. So the card leaves, and comes again; one that has had power stays however often it is asked.
#[test]
fn a_card_that_nobody_gives_power_comes_again() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let served = Served::connecting(served(), listener.local_addr().unwrap());
    let mut reader = Reader(listener.accept().unwrap().0);
    let mut asked = 0;
    loop {
        reader.send(&[ANSWER_TO_RESET]);
        if reader.receive().is_none() {
            break;
        }
        asked += 1;
        assert!(asked < 10, "it stays");
    }
    let mut reader = Reader(listener.accept().unwrap().0);
    reader.send(&[POWER_ON]);
    for _ in 0..20 {
        assert_eq!(reader.ask(&[ANSWER_TO_RESET]), ATR_T1);
    }
    served.stopped();
}

/// A client's command of one byte, 00, is a control on its way: vpcd waits for an answer that never comes, and says
/// nothing any more. The card leaves, which ends that, and comes again.
#[test]
fn a_vpcd_that_has_fallen_silent_after_a_control_gets_the_card_anew() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let served = Served::connecting(served(), listener.local_addr().unwrap());
    let mut reader = Reader(listener.accept().unwrap().0);
    reader.send(&[POWER_ON]);
    for _ in 0..2 {
        assert_eq!(reader.ask(&[ANSWER_TO_RESET]), ATR_T1);
    }
    reader.send(&[POWER_OFF]);
    reader.is_closed();
    let mut reader = Reader(listener.accept().unwrap().0);
    reader.send(&[POWER_ON]);
    assert_eq!(reader.ask(&select())[..2], [0x6F, 0x2A]);
    served.stopped();
}

#[test]
fn power_and_reset_end_the_session_and_keep_the_memory() {
    let served = Served::listening(served());
    let mut reader = served.powered();
    reader.ask(&select());
    assert_eq!(reader.ask(&wrong_pin()), [0x63, 0xC2]);
    reader.send(&[POWER_OFF]);
    reader.send(&[POWER_ON]);
    assert_eq!(reader.ask(&TRIES), [0x69, 0x85], "nothing is selected");
    reader.ask(&select());
    assert_eq!(reader.ask(&TRIES), [0x9F, 0x17, 1, 2, 0x90, 0]);
    reader.send(&[RESET]);
    assert_eq!(reader.ask(&TRIES), [0x69, 0x85]);
    reader.ask(&select());
    assert_eq!(reader.ask(&wrong_pin()), [0x63, 0xC1]);
    // vpcd goes, and comes again.
    drop(reader);
    let mut reader = served.powered();
    assert_eq!(reader.ask(&TRIES), [0x69, 0x85]);
    let (card, events) = served.stopped();
    assert_eq!(tries(card), 1);
    assert!(matches!(events[..], [Event::Connected(_), Event::Gone, Event::Connected(_)]), "{events:?}");
}

#[test]
fn a_reset_without_power_gives_power_and_a_command_without_power_is_not_answered() {
    let served = Served::listening(served());
    let mut reader = served.reader();
    reader.send(&[RESET]);
    assert_eq!(reader.ask(&select())[..2], [0x6F, 0x2A]);
    reader.send(&[POWER_OFF]);
    reader.send(&select());
    reader.is_closed();
    // The card is as good as before.
    assert_eq!(served.powered().ask(&select())[..2], [0x6F, 0x2A]);
    served.stopped();
}

#[test]
fn messages_may_come_in_pieces_and_many_at_once() {
    let served = Served::listening(served());
    let mut reader = served.powered();
    let select = select();
    let whole = [&[0, u8::try_from(select.len()).unwrap()][..], &select].concat();
    for byte in &whole {
        reader.0.write_all(&[*byte]).unwrap();
    }
    assert_eq!(reader.receive().unwrap().len(), 46);
    reader.0.write_all(&whole.repeat(3)).unwrap();
    for _ in 0..3 {
        assert_eq!(reader.receive().unwrap().len(), 46);
    }
    served.stopped();
}

#[test]
fn what_is_no_apdu_of_ours_is_6700() {
    let served = Served::listening(served());
    let mut reader = served.powered();
    for length in [0, 3, 262, 1000, 65_535] {
        assert_eq!(reader.ask(&vec![0; length]), [0x67, 0x00], "{length} bytes");
    }
    for unknown in [3, 5, 0xFF] {
        assert_eq!(reader.ask(&[unknown]), [0x67, 0x00]);
    }
    assert_eq!(reader.ask(&select()).len(), 46);
    served.stopped();
}

#[test]
fn a_cut_before_the_response_closes_the_connection_and_ends_it_all() {
    let served = Served::listening(served().with_cut(Some(1)));
    let mut reader = served.powered();
    reader.ask(&select());
    reader.send(&wrong_pin());
    reader.is_closed();
    let (mut card, ended, _) = served.ended();
    assert!(matches!(ended, Ended::Card(TransportError::PowerLost)), "{ended:?}");
    assert!(card.power_on().is_err(), "power does not come back");
}

#[test]
fn a_cut_after_the_response_comes_after_the_response() {
    // The try and its seal, the tries back, the answer, and then their seal.
    let served = Served::listening(served().with_cut(Some(6)));
    let mut reader = served.powered();
    reader.ask(&select());
    assert_eq!(reader.ask(&wrong_pin()), [0x63, 0xC2]);
    let right_pin = Command::Verify(Some(pin("1234"))).emit().as_bytes().to_vec();
    assert_eq!(reader.ask(&right_pin), [0x90, 0]);
    reader.is_closed();
    let (card, ended, _) = served.ended();
    assert!(matches!(ended, Ended::Card(TransportError::PowerLost)), "{ended:?}");
    assert_eq!(tries(card), 3, "what was said holds");
}

#[test]
fn a_cut_is_not_forgotten_with_the_power() {
    let served = Served::listening(served().with_cut(Some(3)));
    let mut reader = served.powered();
    reader.ask(&select());
    assert_eq!(reader.ask(&wrong_pin()), [0x63, 0xC2]);
    reader.send(&[POWER_OFF]);
    reader.send(&[POWER_ON]);
    drop(reader);
    let mut reader = served.powered();
    reader.ask(&select());
    reader.send(&wrong_pin());
    reader.is_closed();
    assert!(matches!(served.ended().1, Ended::Card(TransportError::PowerLost)));
}

#[test]
fn a_lost_response_is_never_sent_but_the_card_has_done_it() {
    let served = Served::listening(served().with_lost_response(Some(2)));
    let mut reader = served.powered();
    reader.ask(&select());
    reader.send(&wrong_pin());
    reader.is_closed();
    let (card, ended, _) = served.ended();
    assert!(matches!(ended, Ended::Card(TransportError::ResponseLost)), "{ended:?}");
    assert_eq!(tries(card), 2);
}

#[test]
fn it_can_be_stopped_wherever_it_waits() {
    // Before it begins, and while it waits for a vpcd that comes or is to be found.
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    Served::listening(EchoCard::new(0)).stopped();
    Served::connecting(EchoCard::new(0), nobody).stopped();
    // Between two messages, within a length, and within a content.
    for half in [&[][..], &[0], &[0, 5], &[0, 5, 0]] {
        let served = Served::listening(EchoCard::new(0));
        let mut reader = served.reader();
        assert_eq!(reader.ask(&[0; 5]), [0x90, 0]);
        reader.0.write_all(half).unwrap();
        let (_, events) = served.stopped();
        reader.is_closed();
        assert!(matches!(events[..], [Event::Connected(_)]), "{events:?}");
    }
    let stop = Stop::new();
    stop.clone().ask();
    stop.ask();
    assert!(stop.is_asked());
}

/// Waits for a word in `finish`, and answers nothing where it is told so.
struct SlowCard {
    word: Receiver<()>,
    response: Vec<u8>,
}

impl SlotCard for SlowCard {
    fn answer_to_reset(&self) -> &[u8] {
        &ATR_T1
    }

    fn power_on(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    fn power_off(&mut self) {}

    fn reset(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    fn respond<'a>(
        &mut self,
        _: &[u8],
        response: &'a mut ResponseBuffer,
    ) -> Result<&'a [u8], TransportError> {
        response[..self.response.len()].copy_from_slice(&self.response);
        Ok(&response[..self.response.len()])
    }

    fn finish(&mut self) -> Result<(), TransportError> {
        self.word.recv().map_err(|_| TransportError::PowerLost)
    }
}

#[test]
fn the_response_does_not_wait_for_what_comes_after_it() {
    let (word, waits) = channel();
    let served = Served::listening(SlowCard { word: waits, response: vec![0x90, 0] });
    let mut reader = served.reader();
    // Were it sent after `finish`, this would wait for ever.
    assert_eq!(reader.ask(&[0; 5]), [0x90, 0]);
    word.send(()).unwrap();
    assert_eq!(reader.ask(&[0; 5]), [0x90, 0]);
    drop(word);
    reader.is_closed();
    assert!(matches!(served.ended().1, Ended::Card(TransportError::PowerLost)));
}

#[test]
fn an_empty_response_is_never_sent() {
    let (_word, waits) = channel();
    let served = Served::listening(SlowCard { word: waits, response: Vec::new() });
    let mut reader = served.reader();
    reader.send(&[0; 5]);
    reader.is_closed();
    assert!(matches!(served.ended().1, Ended::Card(TransportError::Malformed(_))));
}

#[test]
fn get_response_waits_until_reset_and_no_longer() {
    let served = Served::listening(ServedCard::new(purse(), Protocol::T0));
    let mut reader = served.powered();
    let select = select();
    let get = [0, 0xC0, 0, 0, 0x2C];
    for ends in [&[][..], &[RESET], &[POWER_OFF, POWER_ON]] {
        assert_eq!(reader.ask(&select), [0x61, 0x2C]);
        if ends.is_empty() {
            assert_eq!(reader.ask(&get).len(), 46);
        }
        for control in ends {
            reader.send(&[*control]);
        }
        assert_eq!(reader.ask(&get), [0x69, 0x85], "{ends:?}");
    }
    served.stopped();
}

#[test]
fn the_echo_card_answers_as_long_as_it_is_told() {
    let served = Served::listening(EchoCard::new(250));
    let mut reader = served.powered();
    for length in [2, 5, 261] {
        let answer = reader.ask(&vec![0; length]);
        assert_eq!((answer.len(), &answer[250..]), (252, &[0x90, 0][..]));
    }
    assert_eq!(reader.ask(&[0; 262]), [0x67, 0], "no card is asked with what is no short APDU");
    served.stopped();
}

#[cfg(target_os = "linux")]
#[test]
fn a_vpcd_that_sends_two_packets_does_not_wait_for_delayed_acknowledgements() {
    const ROUNDS: u32 = 100;
    let served = Served::listening(EchoCard::new(0));
    let mut reader = served.powered();
    // As Debian's vpcd has it.
    reader.0.set_nodelay(false).unwrap();
    let begin = Instant::now();
    for _ in 0..ROUNDS {
        reader.ask(&[0; 5]);
    }
    // With delayed acknowledgements it is 40 ms each.
    assert!(begin.elapsed() < ROUNDS * Duration::from_millis(20), "{:?}", begin.elapsed());
    served.stopped();
}
