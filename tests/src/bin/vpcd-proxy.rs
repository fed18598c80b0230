//! Stands between vpcd and a served card, and kills the card's process at one APDU: `vpcd-proxy PORT VPCD-PORT`. Once
//! the card has connected, a line on stdin says what to do: `PID N before` kills process PID when its Nth APDU has
//! come and the card has not got it, `after` when the card has answered and vpcd has not got that.

use std::io::{self, BufRead, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;

/// What a message of vpcd's wants.
fn wants_answer(message: &[u8]) -> bool {
    // One byte is a control, and of these only the question for the ATR is answered.
    message.len() != 1 || message == [4]
}

fn receive(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    acknowledge_at_once(stream);
    stream.read_exact(&mut length)?;
    acknowledge_at_once(stream);
    let mut message = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut message)?;
    Ok(message)
}

/// vpcd sends a message in two packets, the second only once the first is acknowledged.
fn acknowledge_at_once(stream: &TcpStream) {
    let _ = socket2::SockRef::from(stream).set_tcp_quickack(true);
}

fn send(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), message].concat())
}

fn kill(process: &str) -> io::Result<()> {
    Command::new("kill").args(["-9", process]).status().map(|_| ())
}

fn main() -> io::Result<()> {
    let ports: Vec<u16> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let [own, vpcd] = ports[..] else { return Err(io::Error::other("two ports are wanted")) };
    let listener = TcpListener::bind(("127.0.0.1", own))?;
    println!("ready");
    io::stdout().flush()?;
    let (mut card, _) = listener.accept()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let [process, number, moment] = words[..] else { return Err(io::Error::other("three words are wanted")) };
    let number: usize = number.parse().map_err(io::Error::other)?;
    let mut vpcd = TcpStream::connect(("127.0.0.1", vpcd))?;
    for stream in [&card, &vpcd] {
        stream.set_nodelay(true)?;
    }
    let mut commands = 0;
    loop {
        let message = receive(&mut vpcd)?;
        commands += usize::from(message.len() != 1);
        let is_the_one = message.len() != 1 && commands == number;
        if is_the_one && moment == "before" {
            return kill(process);
        }
        send(&mut card, &message)?;
        if wants_answer(&message) {
            let answer = receive(&mut card)?;
            if is_the_one {
                return kill(process);
            }
            send(&mut vpcd, &answer)?;
        }
    }
}
