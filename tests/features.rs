//! What is tested is what is shipped: features that only the tests' own dependencies switch on are known, each with the reason why
//! nothing hangs on it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

/// Features of our own dependencies that the tests have and the program has not.
const HARMLESS: &[(&str, &[&str])] = &[
    // Traits that would not compile without.
    ("libc", &["extra_traits"]),
    ("fastrand", &["default"]),
    // Speed; and classes such as \p{Greek}, which are refused by name.
    (
        "regex",
        &[
            "default",
            "perf",
            "perf-backtrack",
            "perf-cache",
            "perf-dfa",
            "perf-inline",
            "perf-literal",
            "perf-onepass",
            "unicode",
            "unicode-age",
            "unicode-bool",
            "unicode-gencat",
            "unicode-script",
            "unicode-segment",
        ],
    ),
    // The last digit of a number that is read.
    ("serde_json", &["float_roundtrip"]),
    // A clock that a test can stop.
    ("tokio", &["test-util"]),
];

/// The features of every package that is built for these kinds of dependencies.
fn features(kinds: &str) -> BTreeMap<String, BTreeSet<String>> {
    let words = ["tree", "--offline", "--locked", "--prefix", "none", "--depth", "1", "--format", "{p}|{f}", "--edges"];
    let tree = Command::new(env!("CARGO")).args(words).arg(kinds).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let mut all = BTreeMap::<String, BTreeSet<String>>::new();
    for line in String::from_utf8(tree.stdout).unwrap().lines() {
        let (package, features) = line.split_once('|').unwrap();
        let name = package.split(' ').next().unwrap().to_owned();
        let features = features.trim_end_matches("(*)").trim().split(',').filter(|word| !word.is_empty());
        all.entry(name).or_default().extend(features.map(str::to_owned));
    }
    all
}

#[test]
fn tests_have_no_feature_that_the_program_lacks() {
    let (shipped, tested) = (features("normal"), features("normal,dev"));
    assert!(shipped["regex"].contains("std") && tested["tokio"].contains("test-util"), "{shipped:?}");
    let mut lacking = Vec::new();
    for (name, features) in &shipped {
        let harmless = HARMLESS.iter().find(|(known, _)| known == name).map_or(&[][..], |(_, features)| features);
        let more = tested[name].difference(features).filter(|feature| !harmless.contains(&feature.as_str()));
        lacking.extend(more.map(|feature| format!("{name}/{feature}")));
    }
    assert!(lacking.is_empty(), "what the tests see and a user does not: {}", lacking.join(", "));
}
