//! Networks of our own: a namespace each, gone with the test, and cables between them.

use std::{fs::File, os::fd::AsFd, process::Command, sync::OnceLock, time::Instant};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::{
    PATIENCE, Process, Run,
    peer::{peer, skipped},
};

/// A network and a view of the files, held open by a process that waits for us.
pub struct Network {
    holder: Process,
}

impl Network {
    /// With loopback up and set up by `script`; nothing where that is not permitted.
    pub fn new(script: &str) -> Option<Self> {
        permitted()?;
        let script = format!("set -e; ip link set lo up; {script}; echo ready >&2; exec cat");
        let holder = Run::program("unshare").args(&["-n", "-m", "sh", "-c", &script]).stdin_open().spawn();
        if holder.stderr.line(PATIENCE, "ready").is_some() {
            return Some(Self { holder });
        }
        skipped(&format!("no such network here: {}", holder.stderr.text().trim()));
        None
    }

    /// Two of them and a cable from `v0` (10.7.0.1, `fd00:7e57::1`) to `v1` (10.7.0.2, `fd00:7e57::2`).
    pub fn pair() -> Option<(Self, Self)> {
        let (near, far) = (Self::new("true")?, Self::new("true")?);
        near.sh(&format!("ip link add v0 type veth peer name v1 netns {}", far.pid()));
        for (network, n) in [(&near, 1), (&far, 2)] {
            let name = n - 1;
            network.sh(&format!(
                "ip addr add 10.7.0.{n}/24 dev v{name}; ip -6 addr add fd00:7e57::{n}/64 dev v{name} nodad; \
                 ip link set v{name} up"
            ));
        }
        // A cable carries nothing until the kernel has seen that both ends are up, a moment later.
        near.until(
            "ip link show v0 | grep -q 'state UP' && ip -6 route show table all | grep -q '^multicast ff00::/8 dev v0'",
        );
        far.until(
            "ip link show v1 | grep -q 'state UP' && ip -6 route show table all | grep -q '^multicast ff00::/8 dev v1'",
        );
        Some((near, far))
    }

    /// Asks until the answer is yes.
    #[track_caller]
    fn until(&self, question: &str) {
        let until = Instant::now() + PATIENCE;
        while self.inside(Run::program("sh").args(&["-c", question])).run().code != 0 {
            assert!(Instant::now() < until, "never came true: {question}");
        }
    }

    pub fn pid(&self) -> String {
        self.holder.pid.to_string()
    }

    /// Runs it there.
    pub fn inside(&self, run: Run) -> Run {
        run.under(&["nsenter", "-n", "-m", "-t", &self.pid(), "--"])
    }

    /// Runs a few lines of shell there, to their end.
    #[track_caller]
    pub fn sh(&self, script: &str) -> String {
        let done = self.inside(Run::program("sh").args(&["-ec", script])).run();
        done.code(0).text()
    }

    /// Moves this thread there, and what it starts from now on. Each test has a thread of its own.
    pub fn enter(&self) {
        let namespace = File::open(format!("/proc/{}/ns/net", self.pid())).unwrap();
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
    }
}

fn permitted() -> Option<()> {
    static PERMITTED: OnceLock<bool> = OnceLock::new();
    for tool in ["unshare", "nsenter", "ip"] {
        peer(tool)?;
    }
    let try_it = || Command::new("unshare").args(["-n", "-m", "true"]).output().is_ok_and(|done| done.status.success());
    if *PERMITTED.get_or_init(try_it) {
        return Some(());
    }
    skipped("network namespaces are not permitted");
    None
}
