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
        concatenate(&[&TAG_CERTIFICATE, &[0x81, short(Self::LENGTH)], &self.emit()])
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
        [
            [body, body_low, short(CertificateBody::LENGTH)],
            [signature, signature_low, short(Signature::LENGTH)],
        ]
    };
}

/// A length as one byte.
#[expect(clippy::cast_possible_truncation, reason = "none of a certificate is longer")]
const fn short(length: usize) -> u8 {
    length as u8
}

fn expect(reader: &mut Reader<'_>, header: [u8; 3]) -> Result<(), DataError> {
    if reader.take()? == header { Ok(()) } else { Err(DataError::Value) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curve::{PrivateKey, SharedSecret};

    fn certificate() -> Certificate {
        let mut key = [0; 64];
        for (byte, value) in key.iter_mut().zip(0x40..) {
            *byte = value;
        }
        Certificate {
            body: CertificateBody {
                issuer_key: 0x07,
                role: Role::Purse,
                number: PartyNumber([0x95, 0x55, 0, 0, 0, 0, 0, 0x18]),
                expiry: Expiry([0x30, 0x12]),
                public_key: PublicKey(key),
            },
            signature: Signature([0xA5; 64]),
        }
    }

    /// Signs nothing but one message by one key.
    struct OnlyThis(PublicKey, [u8; CertificateBody::LENGTH], Signature);

    impl Curve for OnlyThis {
        const DEPTH: usize = 0;

        fn public_key(&self, _: &PrivateKey) -> Option<PublicKey> {
            None
        }

        fn verify(&self, public: &PublicKey, message: &[u8], signature: &Signature) -> bool {
            (*public, message, *signature) == (self.0, self.1.as_slice(), self.2)
        }

        fn agree(&self, _: &PrivateKey, _: &PublicKey) -> Option<SharedSecret> {
            None
        }

        fn hash(&self, _: &[u8]) -> [u8; 32] {
            [0; 32]
        }
    }

    #[test]
    fn every_field_has_its_place() {
        let emitted = certificate().emit();
        assert_eq!(emitted.len(), 147);
        assert_eq!(emitted[..3], [0x7F, 0x4E, 0x4D]);
        assert_eq!(emitted[3..6], [0x01, 0x07, 0x01]);
        assert_eq!(emitted[6..14], [0x95, 0x55, 0, 0, 0, 0, 0, 0x18]);
        assert_eq!(emitted[14..16], [0x30, 0x12]);
        assert_eq!(emitted[16..80], certificate().body.public_key.0);
        assert_eq!(emitted[80..83], [0x5F, 0x37, 0x40]);
        assert_eq!(emitted[83..], [0xA5; 64]);
        assert_eq!(certificate().body.emit(), emitted[3..80]);
        assert_eq!(certificate().object()[..4], [0x7F, 0x21, 0x81, 0x93]);
        assert_eq!(certificate().object()[4..], emitted);
    }

    #[test]
    fn what_is_emitted_is_parsed_again() {
        let mut all = vec![certificate(); 3];
        all[1].body.role = Role::Merchant;
        all[2].body.issuer_key = 0xFF;
        for certificate in all {
            assert_eq!(Certificate::parse(&certificate.emit()), Ok(certificate));
            assert_eq!(CertificateBody::parse(&certificate.body.emit()), Ok(certificate.body));
            assert_eq!(Certificate::parse_object(&certificate.object()), Ok(certificate));
        }
    }

    #[test]
    fn each_byte_that_has_one_value_has_no_other() {
        let right = certificate().emit();
        let refused = |at: usize, byte: u8| {
            let mut inside = right;
            inside[at] = byte;
            Certificate::parse(&inside) == Err(DataError::Value)
        };
        // Both headers and the version.
        for at in [0, 1, 2, 3, 80, 81, 82] {
            for byte in (0..=255).filter(|byte| *byte != right[at]) {
                assert!(refused(at, byte), "{byte:02X} at {at}");
            }
        }
        for role in [0, 3, 0xFF] {
            assert!(refused(5, role), "role {role:02X}");
        }
        for (at, byte) in [(13, 0x19), (13, 0x0A), (6, 0xA5), (14, 0x3A), (15, 0x13), (15, 0x00)] {
            assert!(refused(at, byte), "{byte:02X} at {at}");
        }
        // Any key index, key and signature is of the form.
        for at in [4, 16, 79, 83, 146] {
            assert!(!refused(at, right[at] ^ 0xFF), "at {at}");
        }
    }

    #[test]
    fn each_byte_of_the_header_of_the_object_has_one_value() {
        let right = certificate().object();
        for at in 0..4 {
            for byte in (0..=255).filter(|byte| *byte != right[at]) {
                let mut object = right;
                object[at] = byte;
                assert_eq!(Certificate::parse_object(&object), Err(DataError::Value), "{byte:02X} at {at}");
            }
        }
    }

    #[test]
    fn every_other_length_is_refused() {
        let object = certificate().object();
        let long = [object.as_slice(), &[0]].concat();
        for length in 0..=long.len() {
            let whole = length == Certificate::OBJECT_LENGTH;
            assert_eq!(Certificate::parse_object(&long[..length]).is_ok(), whole, "object of {length}");
            let inside = long[4..].get(..length);
            let whole = length == Certificate::LENGTH;
            assert_eq!(inside.is_some_and(|inside| Certificate::parse(inside).is_ok()), whole, "{length}");
            let body = long[7..].get(..length);
            let whole = length == CertificateBody::LENGTH;
            assert_eq!(
                body.is_some_and(|body| CertificateBody::parse(body).is_ok()),
                whole,
                "body of {length}"
            );
        }
    }

    #[test]
    fn the_signature_is_the_issuers_over_the_body() {
        let certificate = certificate();
        let issuer = PublicKey([9; 64]);
        let curve = OnlyThis(issuer, certificate.body.emit(), certificate.signature);
        assert!(certificate.is_signed_by(&curve, &issuer));
        assert!(!certificate.is_signed_by(&curve, &certificate.body.public_key));
        let other = CertificateBody { issuer_key: 8, ..certificate.body };
        assert!(!Certificate { body: other, ..certificate }.is_signed_by(&curve, &issuer));
    }
}
