//! `--fail-if`: one grammar for limits, in one table.

/// One limit, such as `p99>2ms`, and the text it was made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    pub text: String,
}
