//! What expressions come to.

use aes::Aes128Enc;
use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use cmac::{Cmac, Mac as _};

use super::{Machine, Outcome, curve};
use crate::language::syntax::Operator;
use crate::program::{Code, Function};
use crate::value::{Value, decode, encode};

impl Machine<'_> {
    pub(super) fn number(&self, code: &Code) -> Outcome<i64> {
        self.value(code)?.number().ok_or_else(|| "bytes where a number belongs".into())
    }

    pub(super) fn bytes(&self, code: &Code) -> Outcome<Vec<u8>> {
        match self.value(code)? {
            Value::Bytes(bytes) => Ok(bytes),
            Value::Number(_) => Err("a number where bytes belong".into()),
        }
    }

    pub(super) fn value(&self, code: &Code) -> Outcome<Value> {
        Ok(match code {
            Code::Number(number) => Value::Number(*number),
            Code::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
            Code::Read(slot, subscript) => {
                let subscript = subscript.as_ref().map(|subscript| self.number(subscript)).transpose()?;
                self.read(*slot, subscript)?
            }
            Code::Encode(number, length) => {
                Value::Bytes(encode(self.number(number)?, *length).ok_or("the number has no room")?)
            }
            Code::Not(operand) => Value::truth(self.number(operand)? == 0),
            Code::Call(function, arguments) => self.call(*function, arguments)?,
            Code::Binary(operator, left, right) => self.binary(*operator, left, right)?,
        })
    }

    pub(super) fn binary(&self, operator: Operator, left: &Code, right: &Code) -> Outcome<Value> {
        Ok(match operator {
            Operator::Or => Value::truth(self.number(left)? != 0 || self.number(right)? != 0),
            Operator::And => Value::truth(self.number(left)? != 0 && self.number(right)? != 0),
            Operator::Equal => Value::truth(self.value(left)? == self.value(right)?),
            Operator::NotEqual => Value::truth(self.value(left)? != self.value(right)?),
            Operator::Below => Value::truth(self.number(left)? < self.number(right)?),
            Operator::AtMost => Value::truth(self.number(left)? <= self.number(right)?),
            Operator::Above => Value::truth(self.number(left)? > self.number(right)?),
            Operator::AtLeast => Value::truth(self.number(left)? >= self.number(right)?),
            Operator::Join => {
                let mut bytes = self.bytes(left)?;
                bytes.extend(self.bytes(right)?);
                Value::Bytes(bytes)
            }
            Operator::Plus | Operator::Minus | Operator::Times => {
                let (one, two) = (self.number(left)?, self.number(right)?);
                let result = match operator {
                    Operator::Plus => one.checked_add(two),
                    Operator::Minus => one.checked_sub(two),
                    _ => one.checked_mul(two),
                };
                Value::Number(result.ok_or("a number out of all bounds")?)
            }
        })
    }

    pub(super) fn call(&self, function: Function, arguments: &[Code]) -> Outcome<Value> {
        let bytes = |at: usize| arguments.get(at).ok_or_else(String::new).and_then(|code| self.bytes(code));
        let number = |at: usize| arguments.get(at).ok_or_else(String::new).and_then(|code| self.number(code));
        let length =
            |at: usize| number(at).and_then(|number| usize::try_from(number).map_err(|_| "below 0".into()));
        let short = || String::from("there are not so many bytes");
        Ok(match function {
            Function::Part => {
                let (bytes, from, length) = (bytes(0)?, length(1)?, length(2)?);
                let end = from.checked_add(length).ok_or_else(short)?;
                Value::Bytes(bytes.get(from..end).ok_or_else(short)?.to_vec())
            }
            Function::First => Value::Bytes(bytes(0)?.get(..length(1)?).ok_or_else(short)?.to_vec()),
            Function::Rest => Value::Bytes(bytes(0)?.get(length(1)?..).ok_or_else(short)?.to_vec()),
            Function::Length => Value::Number(i64::try_from(bytes(0)?.len()).map_err(|_| short())?),
            Function::Number => Value::Number(decode(&bytes(0)?).ok_or("more bytes than a number has")?),
            Function::Byte => Value::Bytes(encode(number(0)?, 1).ok_or("more than a byte holds")?),
            Function::Nibble => {
                let (bytes, place) = (bytes(0)?, length(1)?);
                let byte = bytes.get(place / 2).copied().ok_or_else(short)?;
                Value::Number(i64::from(if place % 2 == 0 { byte >> 4 } else { byte & 15 }))
            }
            Function::Cmac => Value::Bytes(mac(&bytes(0)?, &bytes(1)?)?),
            Function::Kdf => {
                let (key, label, context) = (bytes(0)?, bytes(1)?, bytes(2)?);
                let input = [&[1], label.as_slice(), &[0], context.as_slice(), &[0, 0x80]].concat();
                Value::Bytes(mac(&key, &input)?)
            }
            Function::Aes => {
                let key: [u8; 16] = bytes(0)?.try_into().map_err(|_| "a key has 16 bytes")?;
                let block: [u8; 16] = bytes(1)?.try_into().map_err(|_| "a block has 16 bytes")?;
                let mut block = block.into();
                Aes128Enc::new(&key.into()).encrypt_block(&mut block);
                Value::Bytes(block.to_vec())
            }
            Function::Sha256 => Value::Bytes(curve::hash(&bytes(0)?)),
            Function::Point => Value::Bytes((self.curve.point)(&bytes(0)?)),
            Function::Ecdsa => Value::truth((self.curve.verifies)(&bytes(0)?, &bytes(1)?, &bytes(2)?)),
            Function::Ecdh => Value::Bytes((self.curve.agree)(&bytes(0)?, &bytes(1)?)),
            Function::InLog => {
                let sequence = u32::try_from(number(0)?).ok();
                Value::truth(sequence.is_some_and(|sequence| self.memory.log.contains_key(&sequence)))
            }
            Function::Minimum => Value::Number(number(0)?.min(number(1)?)),
        })
    }
}

fn mac(key: &[u8], message: &[u8]) -> Outcome<Vec<u8>> {
    let key: [u8; 16] = key.try_into().map_err(|_| "a key has 16 bytes")?;
    let mut mac = Cmac::<Aes128Enc>::new(&key.into());
    mac.update(message);
    Ok(mac.finalize().into_bytes().to_vec())
}
