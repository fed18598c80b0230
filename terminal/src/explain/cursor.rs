//! Cuts bytes into fields, one behind the other, so that every byte lands in exactly one of them.

use std::borrow::Cow;

use super::element::{Element, Money};
use super::{Field, Misfit};

/// Where the next field begins, and the fields before it.
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
    offset: usize,
    fields: Vec<Field>,
}

/// What a field's bytes mean.
pub(super) type Meaning = Option<String>;

impl<'a> Cursor<'a> {
    /// Begins with the first byte, which is at this offset of the whole.
    pub(super) const fn new(bytes: &'a [u8], offset: usize) -> Self {
        Self { rest: bytes, offset, fields: Vec::new() }
    }

    /// What has not been cut yet.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The bytes cannot be what they were taken for.
    pub(super) fn misfit<T>(&self, reason: impl Into<String>) -> Result<T, Misfit> {
        Err(Misfit { object: None, offset: self.offset, reason: reason.into() })
    }

    fn take(&mut self, name: &str, length: usize) -> Result<&'a [u8], Misfit> {
        let Some((bytes, rest)) = self.rest.split_at_checked(length) else {
            return self.misfit(format!("{name} has {}, {} left", bytes_of(length), are(self.rest.len())));
        };
        self.rest = rest;
        self.offset += length;
        Ok(bytes)
    }

    fn push(
        &mut self,
        name: Cow<'static, str>,
        length: usize,
        meaning: Meaning,
        secret: bool,
        parts: Vec<Field>,
    ) {
        if length > 0 {
            self.fields.push(Field { name, offset: self.offset - length, length, meaning, secret, parts });
        }
    }

    /// A field that has no parts; what it means is found out from its bytes.
    pub(super) fn leaf(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        length: usize,
        meaning: impl FnOnce(&[u8]) -> Meaning,
    ) -> Result<&'a [u8], Misfit> {
        let name = name.into();
        let bytes = self.take(&name, length)?;
        self.push(name, length, meaning(bytes), false, Vec::new());
        Ok(bytes)
    }

    /// A field that is shown to nobody who has not asked for it.
    pub(super) fn secret(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        length: usize,
        meaning: Meaning,
    ) -> Result<(), Misfit> {
        let name = name.into();
        self.take(&name, length)?;
        self.push(name, length, meaning, true, Vec::new());
        Ok(())
    }

    /// All that is left, not understood.
    pub(super) fn opaque(&mut self, name: impl Into<Cow<'static, str>>, secret: bool, meaning: Meaning) {
        let length = self.rest.len();
        self.offset += length;
        self.rest = &[];
        self.push(name.into(), length, meaning, secret, Vec::new());
    }

    /// A data element.
    pub(super) fn element(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        element: Element,
        money: &mut Money,
    ) -> Result<&'a [u8], Misfit> {
        let name = name.into();
        let bytes = self.take(&name, element.length())?;
        let meaning = element.meaning(&name, bytes, money);
        self.push(name, element.length(), meaning, element.is_secret(), Vec::new());
        Ok(bytes)
    }

    /// Data elements one behind the other.
    pub(super) fn elements(
        &mut self,
        layout: &[(&'static str, Element)],
        money: &mut Money,
    ) -> Result<(), Misfit> {
        layout.iter().try_for_each(|(name, element)| self.element(*name, *element, money).map(drop))
    }

    /// A field with parts, which have to fill it. They give its meaning.
    pub(super) fn group(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        length: usize,
        parts: impl FnOnce(&mut Cursor<'a>) -> Result<Meaning, Misfit>,
    ) -> Result<(), Misfit> {
        let name = name.into();
        let offset = self.offset;
        let bytes = self.take(&name, length)?;
        let mut inner = Cursor::new(bytes, offset);
        let meaning = parts(&mut inner)?;
        let parts = inner.finish()?;
        self.push(name, length, meaning, false, parts);
        Ok(())
    }

    /// All fields; nothing may be left.
    pub(super) fn finish(self) -> Result<Vec<Field>, Misfit> {
        if self.rest.is_empty() {
            return Ok(self.fields);
        }
        self.misfit(format!("{} too many", are(self.rest.len())))
    }
}

/// `1 byte`, `2 bytes`
pub(super) fn bytes_of(length: usize) -> String {
    if length == 1 { "1 byte".to_owned() } else { format!("{length} bytes") }
}

fn are(length: usize) -> String {
    if length == 1 { "1 byte is".to_owned() } else { format!("{length} bytes are") }
}
