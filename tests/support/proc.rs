//! What the kernel says about a process (Linux).

use std::{fs, time::Duration};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, setrlimit};

fn field(pid: Pid, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Resident memory now, in KiB.
pub fn rss_kib(pid: Pid) -> u64 {
    field(pid, "VmRSS:")
}

/// Its threads.
pub fn threads(pid: Pid) -> u64 {
    field(pid, "Threads:")
}

/// The most resident memory so far, in KiB.
pub fn peak_kib(pid: Pid) -> u64 {
    field(pid, "VmHWM:")
}

/// CPU time used so far, in steps of 10 ms.
pub fn cpu(pid: Pid) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The second field, the name, may hold anything; it ends at the last parenthesis.
    let after = &stat[stat.rfind(')').unwrap() + 2..];
    let fields: Vec<&str> = after.split(' ').collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

/// Open file descriptors.
pub fn descriptors(pid: Pid) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}

/// Lets this test process open as many files as it is allowed to.
pub fn many_files() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

/// What it has started, and what that has started.
pub fn descendants(pid: Pid) -> Vec<Pid> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let of_each = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("children")).ok();
    let text: String = threads.flatten().filter_map(of_each).collect();
    let children = text.split_ascii_whitespace().filter_map(|number| Pid::from_raw(number.parse().ok()?));
    children.flat_map(|child| [vec![child], descendants(child)].concat()).collect()
}
