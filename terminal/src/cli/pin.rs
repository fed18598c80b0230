//! Where PINs come from: a file, the environment, or a person at a terminal. Never an argument.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::PathBuf;

use apdu_spec::pin::PinBlock;
use zeroize::Zeroizing;

use super::arguments::GlobalArguments;
use super::failure::Failure;

/// A file with a PIN is a line of digits; nothing longer is read.
const LONGEST_FILE: u8 = 64;

/// One PIN and the ways to it, in this order: file, environment, prompt.
#[derive(Clone, Debug)]
pub(crate) struct PinSource {
    file: Option<PathBuf>,
    option: &'static str,
    variable: &'static str,
    prompt: &'static str,
}

impl PinSource {
    /// The PIN of the card.
    pub(crate) fn card(global: &GlobalArguments) -> Self {
        Self {
            file: global.pin_file.clone(),
            option: "--pin-file",
            variable: "PURSE_PIN",
            prompt: "PIN of the card: ",
        }
    }

    /// The PIN of the SAM's operator.
    pub(crate) fn operator(global: &GlobalArguments) -> Self {
        Self {
            file: global.operator_pin_file.clone(),
            option: "--operator-pin-file",
            variable: "PURSE_OPERATOR_PIN",
            prompt: "PIN of the SAM's operator: ",
        }
    }

    /// The PIN that the card is to have from now on.
    pub(crate) const fn new_pin(file: Option<PathBuf>) -> Self {
        Self { file, option: "--new-pin-file", variable: "PURSE_NEW_PIN", prompt: "New PIN: " }
    }

    /// The PIN if it stands in a file or the environment; nobody is asked.
    pub(crate) fn stored(&self) -> Result<Option<PinBlock>, Failure> {
        if let Some(path) = &self.file {
            let text = read_file(path)
                .map_err(|error| Failure::usage(format!("{} {}: {error}", self.option, path.display())))?;
            return block(&text, self.option).map(Some);
        }
        match std::env::var(self.variable).map(Zeroizing::new) {
            Ok(text) => block(&text, self.variable).map(Some),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(malformed(self.variable)),
        }
    }

    /// The PIN, from a person if need be.
    pub(crate) fn read(&self) -> Result<PinBlock, Failure> {
        match self.stored()? {
            Some(pin) => Ok(pin),
            None => self.ask(self.prompt),
        }
    }

    /// A new PIN: a person gives it twice.
    pub(crate) fn read_twice(&self) -> Result<PinBlock, Failure> {
        use subtle::ConstantTimeEq;
        if let Some(pin) = self.stored()? {
            return Ok(pin);
        }
        let first = self.ask(self.prompt)?;
        let second = self.ask("The same again: ")?;
        if first.ct_eq(&second).into() {
            Ok(first)
        } else {
            Err(Failure::usage("the two PINs are not the same".to_owned()))
        }
    }

    fn ask(&self, prompt: &str) -> Result<PinBlock, Failure> {
        if !io::stdin().is_terminal() {
            return Err(Failure::pin_missing(self.option, self.variable));
        }
        let text = rpassword::prompt_password(prompt)
            .map(Zeroizing::new)
            .map_err(|_| Failure::pin_missing(self.option, self.variable))?;
        block(&text, "the prompt")
    }
}

fn block(text: &str, origin: &str) -> Result<PinBlock, Failure> {
    PinBlock::from_digits(text).map_err(|_| malformed(origin))
}

fn malformed(origin: &str) -> Failure {
    Failure::usage(format!("what {origin} gives is no PIN: 4 to 12 digits are"))
}

/// The first line without its end.
fn read_file(path: &PathBuf) -> io::Result<Zeroizing<String>> {
    // One allocation that never moves, so that no copy stays behind.
    let mut text = Zeroizing::new(String::with_capacity(2 * usize::from(LONGEST_FILE)));
    File::open(path)?.take(u64::from(LONGEST_FILE)).read_to_string(&mut text)?;
    let length = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(length);
    Ok(text)
}
