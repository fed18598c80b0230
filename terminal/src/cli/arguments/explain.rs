//! `explain`: what bytes are.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use purse_terminal::explain::Object;

/// What is to be explained, and how.
#[derive(Args, Clone)]
pub(crate) struct ExplainArguments {
    /// Hexadecimal, one object each; spaces, colons, new lines and 0x are for the reader; - is standard input
    #[arg(required = true, value_name = "HEX")]
    pub(crate) objects: Vec<String>,
    /// What the bytes are to be taken for
    #[arg(long = "as", value_name = "KIND", value_parser = object_parser())]
    pub(crate) kind: Option<Object>,
    /// The bytes answer this command, whose row of the table names their fields
    #[arg(long, value_name = "HEX")]
    pub(crate) response_to: Option<String>,
    /// Show PINs and keys too
    #[arg(long)]
    pub(crate) reveal: bool,
}

impl std::fmt::Debug for ExplainArguments {
    /// Without the bytes: a PIN may be in them.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ExplainArguments").field("kind", &self.kind).finish_non_exhaustive()
    }
}

fn object_parser() -> impl TypedValueParser<Value = Object> {
    let unknown = || "no such kind".to_owned();
    PossibleValuesParser::new(Object::ALL.map(Object::name))
        .try_map(move |name| Object::parse(&name).ok_or_else(unknown))
}
