//! What can be done: every command that help, manual pages and the README tell of.

pub const COMMANDS: [&str; 13] = [
    "serve",
    "serve-tcp",
    "serve-udp",
    "serve-unix",
    "send",
    "bench",
    "compare",
    "merge",
    "report",
    "protocols",
    "explain",
    "completions",
    "man",
];
