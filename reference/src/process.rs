//! Processes across parties.

/// Lengths of the fields of the issuer's answers; 0 is the rest. None where the issuer knows no such message.
pub(crate) fn answer_lengths(_message: &str) -> Option<Vec<usize>> {
    None
}
