//! TEMPORARY
pub use crate::transport::Use;
use crate::{
    error::Trouble,
    transport::{Scheme, Target},
};
pub fn target(text: &str, default: Scheme, use_: Use) -> Result<Target, Trouble> {
    Target::parse(text, default, use_)
}
pub fn limit(text: &str) -> Result<crate::bench::limit::Limit, String> {
    crate::bench::limit::Limit::parse(text)
}
