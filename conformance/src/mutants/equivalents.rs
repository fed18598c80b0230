//! Mutants that say the same as the text, each with the reason.

/// A changed text that nothing can tell from the text.
#[derive(Clone, Copy, Debug)]
pub struct Equivalent {
    /// Its name, as [`super::make::Mutant::name`] has it.
    pub name: &'static str,
    /// Why nothing can tell.
    pub reason: &'static str,
}

/// All of them.
pub const EQUIVALENTS: &[Equivalent] = &[];

/// Why this one is equivalent, if it is.
pub fn reason(name: &str) -> Option<&'static str> {
    EQUIVALENTS.iter().find(|equivalent| equivalent.name == name).map(|equivalent| equivalent.reason)
}
