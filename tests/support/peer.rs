//! Programs of other people, as peers. One that is not installed is skipped visibly, and missed where `CI` is set.

use std::{ffi::OsStr, io::Write, process::Command, sync::OnceLock};

use super::Run;

/// `name` as a program to run, when it is installed.
///
/// # Panics
/// When it is not, and `CI` is set: there, nothing is skipped.
pub fn peer(name: &str) -> Option<Run> {
    installed(name).then(|| Run::program(name))
}

/// Is this program here?
///
/// # Panics
/// As [`peer`] does.
pub fn installed(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let here = std::env::split_paths(&path).any(|folder| folder.join(OsStr::new(name)).is_file());
    if !here {
        missing(&format!("{name} is not installed"));
    }
    here
}

/// A Python that has Twisted.
pub fn twisted() -> Option<Run> {
    static HAS: OnceLock<bool> = OnceLock::new();
    python_with("twisted.internet.reactor", &HAS)
}

/// A Python that has dnspython.
pub fn dnspython() -> Option<Run> {
    static HAS: OnceLock<bool> = OnceLock::new();
    python_with("dns.message", &HAS)
}

/// A Python that has aiosmtpd.
pub fn aiosmtpd() -> Option<Run> {
    static HAS: OnceLock<bool> = OnceLock::new();
    python_with("aiosmtpd.smtp", &HAS)
}

/// A Python that has pyftpdlib.
pub fn python_with_pyftpdlib() -> Option<Run> {
    static HAS: OnceLock<bool> = OnceLock::new();
    python_with("pyftpdlib.servers", &HAS)
}

/// A Python that has the client library of Prometheus.
pub fn python_with_prometheus_client() -> Option<Run> {
    static HAS: OnceLock<bool> = OnceLock::new();
    python_with("prometheus_client.parser", &HAS)
}

fn python_with(module: &str, has: &OnceLock<bool>) -> Option<Run> {
    let python = peer("python3")?;
    let has = *has.get_or_init(|| {
        let probe = Command::new("python3").args(["-c", &format!("import {module}")]).output();
        probe.is_ok_and(|output| output.status.success())
    });
    if has {
        return Some(python.args(&["-u", "-c"]));
    }
    missing(&format!("python3 has no {module}"));
    None
}

/// A program is not there: skipped visibly, and missed where `CI` is set, which installs them all.
fn missing(why: &str) {
    assert!(std::env::var_os("CI").is_none(), "{why}, and CI is set");
    skipped(why);
}

/// Says that something was not tested, past the test runner's capture: the machine's kernel or our rights on it are not up to
/// it. `.ci/run` repeats these lines at its end.
pub fn skipped(why: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    drop(writeln!(std::io::stderr(), "SKIPPED: {why} ({test})"));
}
