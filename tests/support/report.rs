//! Figures out of a report of `bench -J`.

use serde_json::Value;

/// A whole number at this JSON pointer (RFC 6901).
#[track_caller]
pub fn count(report: &Value, path: &str) -> u64 {
    report.pointer(path).and_then(Value::as_u64).unwrap_or_else(|| panic!("no count at {path}: {report:#}"))
}

/// Any number.
#[track_caller]
pub fn number(report: &Value, path: &str) -> f64 {
    report.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("no number at {path}: {report:#}"))
}
