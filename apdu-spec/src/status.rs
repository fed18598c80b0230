//! Status words (ISO/IEC 7816-4 § 5.6 where it has one; 94xx as the Chinese purse standard, ours where noted).

/// SW1 SW2: how a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StatusWord {
    /// 9000: done.
    Success,
    /// 61xx: so many bytes wait for GET RESPONSE (T=0; 00 = 256).
    MoreData(u8),
    /// 6283: selected, but the issuer has blocked the application.
    Blocked,
    /// 6285: selected, but the application is terminated.
    Terminated,
    /// 63Cx: wrong PIN, x tries left; as the answer to an empty VERIFY, not verified.
    WrongPin(u8),
    /// 6581: the memory failed; the card answers nothing else until it is reset.
    MemoryFailure,
    /// 6700: wrong length.
    WrongLength,
    /// 6981: the command does not fit the file's structure.
    FileStructure,
    /// 6982: the PIN is needed, or the purse is locked.
    SecurityStatus,
    /// 6983: the PIN is blocked.
    PinBlocked,
    /// 6985: not in this state.
    ConditionsOfUse,
    /// 6986: no current EF.
    NoCurrentFile,
    /// 6988: wrong MAC. Nothing is written, nothing counted.
    WrongMac,
    /// 6A80: wrong data.
    WrongData,
    /// 6A82: no such file.
    FileNotFound,
    /// 6A83: no such record.
    RecordNotFound,
    /// 6A84: no room.
    NoRoom,
    /// 6A86: wrong P1 P2.
    WrongParameters,
    /// 6A88: no such pocket, key version, purchase to refund or data object, or the record has left the log.
    ReferenceNotFound,
    /// 6B00: offset outside the file.
    WrongOffset,
    /// 6Cxx: wrong Le, so many bytes are available; nothing has been executed.
    WrongExpected(u8),
    /// 6D00: unknown instruction.
    UnknownInstruction,
    /// 6E00: unknown class.
    UnknownClass,
    /// 9401: not enough value.
    InsufficientValue,
    /// 9402: the sequence is exhausted.
    SequenceExhausted,
    /// 9404: over a limit (ours).
    OverLimit,
}

impl StatusWord {
    /// Bytes on the wire.
    pub const LENGTH: usize = 2;

    /// Every status word; the ones that carry a number with 0.
    pub const ALL: [Self; 26] = [
        Self::Success,
        Self::MoreData(0),
        Self::Blocked,
        Self::Terminated,
        Self::WrongPin(0),
        Self::MemoryFailure,
        Self::WrongLength,
        Self::FileStructure,
        Self::SecurityStatus,
        Self::PinBlocked,
        Self::ConditionsOfUse,
        Self::NoCurrentFile,
        Self::WrongMac,
        Self::WrongData,
        Self::FileNotFound,
        Self::RecordNotFound,
        Self::NoRoom,
        Self::WrongParameters,
        Self::ReferenceNotFound,
        Self::WrongOffset,
        Self::WrongExpected(0),
        Self::UnknownInstruction,
        Self::UnknownClass,
        Self::InsufficientValue,
        Self::SequenceExhausted,
        Self::OverLimit,
    ];

    /// SW1 SW2 as one number.
    pub const fn code(self) -> u16 {
        match self {
            Self::Success => 0x9000,
            Self::MoreData(length) => 0x6100 | length as u16,
            Self::Blocked => 0x6283,
            Self::Terminated => 0x6285,
            Self::WrongPin(left) => 0x63C0 | (left & 15) as u16,
            Self::MemoryFailure => 0x6581,
            Self::WrongLength => 0x6700,
            Self::FileStructure => 0x6981,
            Self::SecurityStatus => 0x6982,
            Self::PinBlocked => 0x6983,
            Self::ConditionsOfUse => 0x6985,
            Self::NoCurrentFile => 0x6986,
            Self::WrongMac => 0x6988,
            Self::WrongData => 0x6A80,
            Self::FileNotFound => 0x6A82,
            Self::RecordNotFound => 0x6A83,
            Self::NoRoom => 0x6A84,
            Self::WrongParameters => 0x6A86,
            Self::ReferenceNotFound => 0x6A88,
            Self::WrongOffset => 0x6B00,
            Self::WrongExpected(length) => 0x6C00 | length as u16,
            Self::UnknownInstruction => 0x6D00,
            Self::UnknownClass => 0x6E00,
            Self::InsufficientValue => 0x9401,
            Self::SequenceExhausted => 0x9402,
            Self::OverLimit => 0x9404,
        }
    }

    /// From SW1 SW2; none where the standard has no such status word.
    pub fn from_code(code: u16) -> Option<Self> {
        let [_, low] = code.to_be_bytes();
        let with_number = [Self::MoreData(low), Self::WrongPin(low & 15), Self::WrongExpected(low)];
        Self::ALL.into_iter().chain(with_number).find(|status| status.code() == code)
    }

    /// As bytes of the wire.
    pub const fn emit(self) -> [u8; 2] {
        self.code().to_be_bytes()
    }

    /// Whether both are the same but for the number that 61xx, 63Cx and 6Cxx carry.
    pub fn is_same_kind(self, other: Self) -> bool {
        core::mem::discriminant(&self) == core::mem::discriminant(&other)
    }

    /// What it means, for a person.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Success => "done",
            Self::MoreData(_) => "more data wait for GET RESPONSE",
            Self::Blocked => "the issuer has blocked the card",
            Self::Terminated => "the card is terminated",
            Self::WrongPin(_) => "wrong PIN, or none given yet",
            Self::MemoryFailure => "the card's memory failed",
            Self::WrongLength => "wrong length",
            Self::FileStructure => "the command does not fit the file's structure",
            Self::SecurityStatus => "the PIN is needed, or the purse is locked",
            Self::PinBlocked => "the PIN is blocked",
            Self::ConditionsOfUse => "not in this state",
            Self::NoCurrentFile => "no file is selected",
            Self::WrongMac => "wrong authenticator",
            Self::WrongData => "wrong data",
            Self::FileNotFound => "no such file",
            Self::RecordNotFound => "no such record",
            Self::NoRoom => "no room in the log",
            Self::WrongParameters => "wrong P1 P2",
            Self::ReferenceNotFound => {
                "no such pocket, key version, object or purchase, or the record has left the log"
            }
            Self::WrongOffset => "offset outside the file",
            Self::WrongExpected(_) => "wrong Le",
            Self::UnknownInstruction => "unknown instruction",
            Self::UnknownClass => "unknown class",
            Self::InsufficientValue => "not enough value",
            Self::SequenceExhausted => "the card's sequence numbers are used up",
            Self::OverLimit => "over a limit",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_lead_back() {
        for (place, status) in StatusWord::ALL.into_iter().enumerate() {
            assert_eq!(StatusWord::from_code(status.code()), Some(status));
            assert!(StatusWord::ALL[place + 1..].iter().all(|other| other.code() != status.code()));
        }
        assert_eq!(StatusWord::from_code(0x63C2), Some(StatusWord::WrongPin(2)));
        assert_eq!(StatusWord::from_code(0x6C32), Some(StatusWord::WrongExpected(0x32)));
        assert_eq!(StatusWord::from_code(0x6300), None);
        assert_eq!(StatusWord::from_code(0x9001), None);
    }
}
