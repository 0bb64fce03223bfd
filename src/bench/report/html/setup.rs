//! What a run was, so that another can do it again: the exact command, the machine and its kernel, and what was chosen.
//!
//! May use: markup, series, results, record.

use std::fmt::Write as _;

use super::markup::Markup;
use crate::{
    bench::{record::Record, report::changes, results::Results, shown},
    os::Machine,
    values::show,
};

/// One line for each thing that was chosen or found.
pub fn lines(record: &Record) -> Vec<(&'static str, String)> {
    let run = &record.all;
    let about = &run.about;
    let in_flight = about.in_flight.map_or_else(|| "no limit".into(), |most| show::grouped(most as u64));
    let mut lines = vec![
        ("target", format!("{} {}", about.transport, about.target)),
        ("protocol", about.protocol.into()),
        ("connections", show::grouped(about.connections as u64)),
        ("under way on each", in_flight),
        ("load", load(run)),
    ];
    if !run.changes.is_empty() {
        lines.push(("changed meanwhile", changes::parts(run).join(" · ")));
    }
    lines.push(("time-out", shown::span(about.timeout)));
    if about.reconnect {
        lines.push(("reconnects", "a new connection for each request".into()));
    }
    for (name, time) in [("ramp", about.ramp), ("warm-up", about.omit)] {
        if !time.is_zero() {
            lines.push((name, shown::span(time)));
        }
    }
    let began = humantime::format_rfc3339_seconds(run.started_at).to_string();
    lines.push(("began", began));
    lines.push(("measured for", shown::seconds(run.duration)));
    lines.extend(machines_of(record));
    let mut cpu = format!("{:.0} % of a core", run.generator.cpu_percent);
    if about.threads > 1 {
        let busiest = run.generator.busiest_percent.min(100.0);
        let _ = write!(cpu, ", the busiest of {} threads {busiest:.0} %", about.threads);
    }
    lines.push(("generator used", cpu));
    lines.push(("seed", about.seed.to_string()));
    lines.push(("measured by", format!("netproto {}", record.version)));
    lines
}

fn load(run: &Results) -> String {
    match run.about.model.rate_asked() {
        None => "closed loop: each connection sends when its reply has come".into(),
        Some(rate) => format!("open loop: {}/s, {}", shown::number(rate), run.about.model.name(run.about.course.as_ref())),
    }
}

/// Where the generator ran; several that did the same name each of their machines.
fn machines_of(record: &Record) -> Vec<(&'static str, String)> {
    machines(record.runs().iter().chain([&record.all]).filter_map(|run| run.machine.as_ref()))
}

/// Each of them once.
pub fn machines<'a>(all: impl Iterator<Item = &'a Machine>) -> Vec<(&'static str, String)> {
    let mut machines: Vec<&Machine> = Vec::new();
    for machine in all {
        if !machines.contains(&machine) {
            machines.push(machine);
        }
    }
    machines.into_iter().flat_map(machine).collect()
}

/// One of them.
fn machine(machine: &Machine) -> [(&'static str, String); 2] {
    let cpu = machine.cpu.as_ref().map(|cpu| format!(" ({cpu})")).unwrap_or_default();
    let cores = shown::counted(machine.cpus as u64, "core");
    [("machine", format!("{}, {cores}{cpu}", machine.host)), ("kernel", machine.kernel.clone())]
}

/// The command and the list of one record.
pub fn write(page: &mut Markup, command: &str, lines: &[(&'static str, String)], title: &str) {
    page.open("section", &[("class", "setup")]);
    page.element("h2", &[], title);
    page.open("pre", &[("tabindex", "0")]);
    page.element("code", &[], command);
    page.close("pre");
    page.open("dl", &[]);
    for (name, value) in lines {
        page.open("div", &[]);
        page.element("dt", &[], name);
        page.element("dd", &[], value);
        page.close("div");
    }
    page.close("dl");
    page.close("section");
    page.ours("\n");
}
