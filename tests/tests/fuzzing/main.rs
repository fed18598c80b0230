//! What fuzzing looks at, as tests: a slice of its histories, and what it has kept.

mod conformance;
mod corpus;
