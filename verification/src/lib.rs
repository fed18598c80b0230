//! What must hold of the purse, looked at on the code that ships: every state within bounds, every power cut, every
//! message of an attacker. See `docs/verification.md` for what that found and what it does not cover.

pub mod chance;
pub mod content;
pub mod curve;
pub mod explorer;
pub mod faults;
pub mod property;
pub mod run;
pub mod sequel;
pub mod tears;
