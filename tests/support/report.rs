//! Reports of `bench -J`: figures out of them, and the schema that each of them keeps to.

use std::sync::OnceLock;

use serde_json::Value;

/// Fails unless a document of `bench` is as `schemas/bench.schema.json` has it.
#[track_caller]
pub fn hold_against_the_schema(document: &Value) {
    static SCHEMA: OnceLock<jsonschema::Validator> = OnceLock::new();
    let schema = SCHEMA.get_or_init(|| {
        let text = include_str!("../../schemas/bench.schema.json");
        jsonschema::validator_for(&serde_json::from_str(text).unwrap()).unwrap()
    });
    let errors: Vec<_> = schema.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{document:#}");
}

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
