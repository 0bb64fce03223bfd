//! A comparison as `-J` writes it. The form is promised in `schemas/compare.schema.json`.
//!
//! May use: the rest of compare, `serde_json`.

use serde_json::{Value, json};

use super::{
    Comparison,
    judge::{CONFIDENCE, Row, Verdict},
};
use crate::bench::report::json::SCHEMA_VERSION;

pub(super) fn document(before: &str, compared: &[Comparison]) -> String {
    let document = json!({
        "schema_version": SCHEMA_VERSION,
        "netproto_version": env!("CARGO_PKG_VERSION"),
        "before": before,
        "confidence_percent": CONFIDENCE,
        "comparisons": compared.iter().map(comparison).collect::<Vec<_>>(),
    });
    format!("{document}\n")
}

fn comparison(compared: &Comparison) -> Value {
    json!({
        "after": compared.name,
        "figures": compared.rows.iter().map(row).collect::<Vec<_>>(),
        "differs": compared.differs.iter().map(|differs| json!({
            "what": differs.what, "before": differs.before, "after": differs.after,
        })).collect::<Vec<_>>(),
        "doubts": compared.doubts.iter().map(|doubt| doubt.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>(),
        "limits_missed": compared.missed,
    })
}

fn row(row: &Row) -> Value {
    let figure = row.figure;
    let value = |value: Option<f64>| value.map(|value| figure.in_json(value));
    let change = |change: f64| (change * 1e3).round() / 1e3;
    let unit = if figure.is_share() { "points" } else { "percent" };
    let mut object = json!({
        "name": figure.field(),
        "before": value(row.before),
        "after": value(row.after),
        "verdict": row.verdict.word(),
    });
    object[format!("change_{unit}")] = json!(row.change.map(change));
    object["low"] = json!(row.interval.map(|(low, _)| change(low)));
    object["high"] = json!(row.interval.map(|(_, high)| change(high)));
    if let Verdict::Untold(why) = &row.verdict {
        object["why"] = json!(why);
    }
    object
}
