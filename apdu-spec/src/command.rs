//! Commands (section 6): the table of all, the bytes of an APDU, and each command as a type.

pub mod apdu;
pub mod data;
pub mod request;
pub mod response;
pub mod row;
pub mod table;

pub use apdu::{Apdu, CommandBytes};
pub use data::{DebitData, InitializeData, ParameterBytes, Script, Selection, Voucher};
pub use request::{Command, Request};
pub use response::{Initialized, PocketBalance, Proof};
pub use row::{Authorisation, ByteSet, CommandName, DataLength, Field, Form, ResponseLength, Row};
pub use table::COMMANDS;
