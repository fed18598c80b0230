//! Reading and writing fields in order, without an index that could be wrong.

use crate::element::DataError;

/// Takes fields of fixed length from the front of a byte string.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads from the first byte on.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next `N` bytes.
    #[inline]
    pub fn take<const N: usize>(&mut self) -> Result<[u8; N], DataError> {
        let (field, rest) = self.0.split_first_chunk::<N>().ok_or(DataError::Length)?;
        self.0 = rest;
        Ok(*field)
    }

    /// The next byte.
    #[inline]
    pub fn byte(&mut self) -> Result<u8, DataError> {
        self.take::<1>().map(|[byte]| byte)
    }

    /// The next `length` bytes, borrowed.
    #[inline]
    pub fn slice(&mut self, length: usize) -> Result<&'a [u8], DataError> {
        let (field, rest) = self.0.split_at_checked(length).ok_or(DataError::Length)?;
        self.0 = rest;
        Ok(field)
    }

    /// What has not been taken yet.
    pub const fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// Nothing may be left.
    pub const fn end(self) -> Result<(), DataError> {
        if self.0.is_empty() { Ok(()) } else { Err(DataError::Length) }
    }
}

/// Puts fields one behind the other into a buffer. What finds no room is left out, and
/// [`Writer::finish`] says so: a buffer too small is a mistake of the program, never of the input.
#[derive(Debug)]
pub struct Writer<'a> {
    buffer: &'a mut [u8],
    length: usize,
    complete: bool,
}

impl<'a> Writer<'a> {
    /// Writes from the first byte of `buffer` on.
    pub const fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, length: 0, complete: true }
    }

    /// Appends a field.
    #[inline]
    pub fn put(&mut self, field: &[u8]) -> &mut Self {
        let room = self.buffer.get_mut(self.length..).and_then(|rest| rest.split_at_mut_checked(field.len()));
        match room {
            Some((place, _)) => {
                place.copy_from_slice(field);
                self.length = self.length.saturating_add(field.len());
            }
            None => self.complete = false,
        }
        self
    }

    /// How many bytes have been written so far.
    pub const fn length(&self) -> usize {
        self.length
    }

    /// Begins again with the first byte.
    pub const fn clear(&mut self) {
        self.length = 0;
        self.complete = true;
    }

    /// How many bytes have been written, none where a field found no room.
    #[inline]
    pub const fn finish(&self) -> Option<usize> {
        if self.complete { Some(self.length) } else { None }
    }
}

/// Concatenates fields into an array of their total length, which the caller states once.
///
/// A total that is not the array's length is a mistake of the program that the first test meets.
#[inline]
pub fn concatenate<const N: usize>(fields: &[&[u8]]) -> [u8; N] {
    let mut bytes = [0; N];
    let mut writer = Writer::new(&mut bytes);
    for field in fields {
        writer.put(field);
    }
    debug_assert_eq!(writer.finish(), Some(N), "the fields do not fill the array");
    bytes
}
