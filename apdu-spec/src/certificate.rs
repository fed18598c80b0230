//! The certificate of a purse's key (section 8): the issuer's word that a number has this public key.

use zeroize::Zeroize;

use crate::curve::{Curve, PublicKey, Signature};
use crate::element::{DataError, Expiry, Role};
use crate::number::PartyNumber;
use crate::wire::{Reader, concatenate};

/// Version of the body.
pub const VERSION: u8 = 1;
/// Tag of the body, in the certificate.
pub const TAG_BODY: [u8; 2] = [0x7F, 0x4E];
/// Tag of the signature, in the certificate.
pub const TAG_SIGNATURE: [u8; 2] = [0x5F, 0x37];
/// Tag of the certificate, by which GET DATA gives it and DGI 7F21 brings it.
pub const TAG_CERTIFICATE: [u8; 2] = [0x7F, 0x21];

/// What the issuer signs, 77 bytes: version 01, issuer key index, role, purse number 8, expiry 2, public key 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Zeroize)]
pub struct CertificateBody {
    /// Which of the issuer's signature keys.
    pub issuer_key: u8,
    /// What the card is: a purse, or no purse pays it.
    pub role: Role,
    /// Whose key it is.
    pub number: PartyNumber,
    /// Last month of validity; terminals refuse an older one, cards have no clock.
    pub expiry: Expiry,
    /// The key.
    pub public_key: PublicKey,
}

impl CertificateBody {
    /// Bytes on the wire.
    pub const LENGTH: usize = 1 + 1 + 1 + PartyNumber::LENGTH + Expiry::LENGTH + PublicKey::LENGTH;

    /// From the wire; version, role, number and expiry are checked, the point is not.
    pub fn parse(bytes: &[u8]) -> Result<Self, DataError> {
        let mut reader = Reader::new(bytes);
        let version = reader.byte()?;
        let body = Self {
            issuer_key: reader.byte()?,
            role: Role::parse(reader.byte()?)?,
            number: PartyNumber::parse(reader.take()?)?,
            expiry: Expiry(reader.take()?),
            public_key: PublicKey(reader.take()?),
        };
        reader.end()?;
        if version == VERSION && body.expiry.is_valid() { Ok(body) } else { Err(DataError::Value) }
    }

    /// As bytes of the wire: what the signature is over.
    pub fn emit(&self) -> [u8; Self::LENGTH] {
        concatenate(&[
            &[VERSION, self.issuer_key, self.role.code()],
            &self.number.0,
            &self.expiry.0,
            &self.public_key.0,
        ])
    }
}

/// A certificate, 147 bytes: `7F4E 4D body ‖ 5F37 40 signature`, the inside of the data object 7F21.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Zeroize)]
pub struct Certificate {
    /// What is signed.
    pub body: CertificateBody,
    /// The issuer's.
    pub signature: Signature,
}

impl Certificate {
    /// Bytes of the inside of 7F21.
    pub const LENGTH: usize = 3 + CertificateBody::LENGTH + 3 + Signature::LENGTH;
    /// Bytes of the data object 7F21 with its header.
    pub const OBJECT_LENGTH: usize = 4 + Self::LENGTH;

    /// From the inside of 7F21. Whether the signature holds, [`Self::is_signed_by`] says.
    pub fn parse(bytes: &[u8]) -> Result<Self, DataError> {
        let mut reader = Reader::new(bytes);
        let [body_header, signature_header] = Self::HEADERS;
        expect(&mut reader, body_header)?;
        let body = CertificateBody::parse(reader.slice(CertificateBody::LENGTH)?)?;
        expect(&mut reader, signature_header)?;
        let signature = Signature(reader.take()?);
        reader.end()?;
        Ok(Self { body, signature })
    }

    /// The inside of 7F21.
    pub fn emit(&self) -> [u8; Self::LENGTH] {
        let [body_header, signature_header] = Self::HEADERS;
        concatenate(&[&body_header, &self.body.emit(), &signature_header, &self.signature.0])
    }

    /// The data object 7F21, as GET DATA gives it.
    pub fn object(&self) -> [u8; Self::OBJECT_LENGTH] {
        concatenate(&[&TAG_CERTIFICATE, &[0x81, Self::LENGTH as u8], &self.emit()])
    }

    /// From the data object 7F21.
    pub fn parse_object(bytes: &[u8]) -> Result<Self, DataError> {
        let [first, second] = TAG_CERTIFICATE;
        match bytes.split_first_chunk() {
            Some((&[one, two, 0x81, length], inside))
                if [one, two] == [first, second] && usize::from(length) == Self::LENGTH =>
            {
                Self::parse(inside)
            }
            _ => Err(DataError::Value),
        }
    }

    /// Whether the issuer who has this key has signed it.
    pub fn is_signed_by<C: Curve>(&self, curve: &C, issuer: &PublicKey) -> bool {
        curve.verify(issuer, &self.body.emit(), &self.signature)
    }

    /// Tag and length of body and signature.
    const HEADERS: [[u8; 3]; 2] = {
        let ([body, body_low], [signature, signature_low]) = (TAG_BODY, TAG_SIGNATURE);
        [[body, body_low, CertificateBody::LENGTH as u8], [signature, signature_low, Signature::LENGTH as u8]]
    };
}

fn expect(reader: &mut Reader<'_>, header: [u8; 3]) -> Result<(), DataError> {
    if reader.take()? == header { Ok(()) } else { Err(DataError::Value) }
}
