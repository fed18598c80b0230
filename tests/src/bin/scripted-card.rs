//! A card in vpcd's slot that answers what it is told, whatever it is asked: `scripted-card PORT`. Each line on stdin is
//! an answer in hexadecimal, given over and over in this order; an empty line ends them. `silent` answers nothing for
//! ever, `empty` answers with no bytes at all, which a real card cannot, `slow` before an answer waits for a while. An
//! answer behind `INS=` is for commands of this instruction alone.

use std::collections::HashMap;
use std::io::{self, BufRead, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use apdu_spec::answer_to_reset::ATR_T1;

/// How long `slow` is.
const SLOW: Duration = Duration::from_millis(400);

/// vpcd sends a message in two packets, the second only once the first is acknowledged.
fn acknowledge_at_once(stream: &TcpStream) {
    let _ = socket2::SockRef::from(stream).set_tcp_quickack(true);
}

fn send(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), message].concat())
}

/// Answers in turn, those of each instruction and those of all others.
#[derive(Default)]
struct Script {
    answers: HashMap<Option<u8>, (Vec<String>, usize)>,
}

impl Script {
    fn read(lines: impl Iterator<Item = io::Result<String>>) -> io::Result<Self> {
        let mut script = Self::default();
        for line in lines {
            let line = line?;
            if line.is_empty() {
                break;
            }
            let (instruction, answer) = match line.split_once('=') {
                Some((instruction, answer)) => {
                    (Some(u8::from_str_radix(instruction, 16).map_err(io::Error::other)?), answer)
                }
                None => (None, line.as_str()),
            };
            script.answers.entry(instruction).or_default().0.push(answer.to_owned());
        }
        Ok(script)
    }

    fn next(&mut self, command: &[u8]) -> Option<String> {
        let own =
            command.get(1).copied().filter(|instruction| self.answers.contains_key(&Some(*instruction)));
        let (answers, next) = self.answers.get_mut(&own)?;
        *next += 1;
        answers.get((*next - 1) % answers.len()).cloned()
    }
}

/// One connection with vpcd, until either end closes it.
fn serve(vpcd: &mut TcpStream, script: &mut Script) -> io::Result<()> {
    loop {
        let mut length = [0; 2];
        acknowledge_at_once(vpcd);
        vpcd.read_exact(&mut length)?;
        acknowledge_at_once(vpcd);
        let mut message = vec![0; u16::from_be_bytes(length).into()];
        vpcd.read_exact(&mut message)?;
        match message[..] {
            [4] => send(vpcd, &ATR_T1)?,
            [0..=2] => {}
            _ => match script.next(&message).as_deref() {
                None | Some("silent") => loop {
                    thread::park();
                },
                Some("empty") => send(vpcd, &[])?,
                Some(answer) => {
                    let fast = answer.strip_prefix("slow ");
                    if fast.is_some() {
                        thread::sleep(SLOW);
                    }
                    send(vpcd, &hex::decode(fast.unwrap_or(answer)).map_err(io::Error::other)?)?;
                }
            },
        }
    }
}

fn main() -> io::Result<()> {
    let port: u16 = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(35963);
    let mut script = Script::read(io::stdin().lock().lines())?;
    let mut vpcd = TcpStream::connect(("127.0.0.1", port))?;
    println!("ready");
    io::stdout().flush()?;
    loop {
        vpcd.set_nodelay(true)?;
        // A vpcd that is still busy with the card before takes this one and drops it.
        let _ = serve(&mut vpcd, &mut script);
        thread::sleep(SLOW);
        vpcd = TcpStream::connect(("127.0.0.1", port))?;
    }
}
