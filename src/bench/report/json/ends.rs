//! What is told of the two ends beside the answers: where the generator ran, what the server's process took, how evenly connections
//! were served.

use serde::Serialize;

use super::rounded;
use crate::{
    bench::{fairness, results::Server as Watched},
    os,
};

/// Where the generator ran.
#[derive(Serialize)]
pub(super) struct Machine<'a> {
    host: &'a str,
    kernel: &'a str,
    cpus: usize,
    cpu: Option<&'a str>,
}

impl<'a> Machine<'a> {
    pub(super) fn of(machine: &'a os::Machine) -> Self {
        Self { host: &machine.host, kernel: &machine.kernel, cpus: machine.cpus, cpu: machine.cpu.as_deref() }
    }
}

/// The server's process, where it was watched.
#[derive(Serialize)]
pub(super) struct Server {
    pid: u32,
    cpu_percent: f64,
    /// Null without a right answer.
    cpu_us_per_request: Option<f64>,
    memory_bytes: u64,
    ended: bool,
}

impl Server {
    pub(super) fn of(server: &Watched, requests: u64) -> Self {
        let per_request = (requests > 0).then(|| rounded(server.cpu.as_secs_f64() * 1e6 / requests as f64));
        let (pid, memory_bytes, ended) = (server.pid, server.memory_bytes, server.ended);
        Self { pid, cpu_percent: rounded(server.cpu_percent()), cpu_us_per_request: per_request, memory_bytes, ended }
    }
}

#[derive(Serialize)]
pub(super) struct Fairness {
    jain_index: f64,
    fewest_requests: u64,
    most_requests: u64,
}

impl Fairness {
    pub(super) fn of(fairness: fairness::Fairness) -> Self {
        let fairness::Fairness { jain_index, fewest, most } = fairness;
        Self { jain_index: rounded(jain_index), fewest_requests: fewest, most_requests: most }
    }
}
