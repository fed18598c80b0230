//! Commands to the card in a reader in one phase, with a time limit of one's own: `reader-probe READER MILLISECONDS
//! APDU…`. Prints the last response, or what has failed, and how long it took to know. With `stay` as the last word the
//! phase is over then, and the connection stays until the input is closed.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use purse_terminal::reader::{Connect, InReader};
use purse_terminal::transport::{EMPTY_RESPONSE, Transport, TransportError};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [reader, limit, commands @ ..] = words.as_slice() else { panic!("READER MILLISECONDS APDU...") };
    let limit = Duration::from_millis(limit.parse().expect("a number"));
    let begin = Instant::now();
    let mut connection = None;
    let result = InReader::connect(reader, Connect { limit, ..Connect::default() }).and_then(|card| {
        let card = connection.insert(card);
        card.begin()?;
        let last = commands.iter().filter(|word| *word != "stay").try_fold(String::new(), |_, command| {
            let mut buffer = EMPTY_RESPONSE;
            let command = hex::decode(command).expect("hexadecimal");
            Ok::<_, TransportError>(hex::encode_upper(card.transmit(&command, &mut buffer)?))
        })?;
        card.end()?;
        Ok(last)
    });
    let stays = commands.last().is_some_and(|word| word == "stay");
    if !stays {
        drop(connection.take());
    }
    let took = begin.elapsed().as_millis();
    match result {
        Ok(response) => println!("{took} {response}"),
        Err(error) => println!("{took} {error:?}"),
    }
    if stays {
        let _ = io::stdin().read_to_end(&mut Vec::new());
    }
}
