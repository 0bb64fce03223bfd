//! What is made of runs that only measure, bytes and datagrams: pages, text from their JSON, comparisons, and figures meanwhile.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;

use support::{Folder, Server, markup, netproto, report::number};

const BULK: [&str; 6] = ["--bulk", "both", "-c", "2", "-d", "1s"];
const ONE_WAY: [&str; 7] = ["--one-way", "-c", "2", "-r", "5k", "-d", "1s"];

fn perf(transport: &str) -> Server {
    Server::start(&[&format!("serve-{transport}"), "0", "-P", "perf"])
}

/// Runs it with `-J`, and keeps the document under this name.
fn kept(folder: &Folder, name: &str, server: &Server, transport: &str, more: &[&str]) -> String {
    let output = netproto(&[&["bench", transport, &server.at(), "-J"][..], more].concat()).run();
    let path = folder.join(name);
    // Reading it holds it against the schema.
    output.code(0).json();
    fs::write(&path, output.text()).unwrap();
    path
}

#[test]
fn a_page_is_drawn_at_once_and_later_the_same() {
    let folder = Folder::new("measured");
    for (transport, flags, charts, words) in [
        ("tcp", &BULK[..], &["throughput", "rtt"][..], &["bulk both", "2 streams", "as received", "round trip"][..]),
        ("udp", &ONE_WAY[..], &["throughput"], &["one way", "2 sockets", "received", "jitter", "sent 5,"]),
    ] {
        let server = perf(transport);
        let page = folder.join(&format!("{transport}.html"));
        let json = kept(&folder, transport, &server, transport, &[flags, &["--html", &page]].concat());
        let live = fs::read_to_string(&page).unwrap();
        markup::elements(&live);
        for chart in charts {
            assert!(live.contains(&format!("<figure id=\"{chart}\">")), "no chart {chart}: {live}");
        }
        for part in words.iter().chain(&["--html", "machine", "kernel"]) {
            assert!(live.contains(part), "no {part:?}: {live}");
        }
        assert!(!live.contains("NaN") && !live.contains("inf"), "{live}");
        let later = folder.join(&format!("{transport}-later.html"));
        netproto(&["report", &json, "--html", &later]).run().code(0);
        assert_eq!(fs::read_to_string(&later).unwrap(), live);
        let text = netproto(&["report", &json]).run().code(0).text();
        assert!(text.starts_with(&format!("bench {transport} {} · perf · ", server.at())), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}

#[test]
fn runs_of_a_kind_are_laid_over_one_another_and_others_are_told_apart() {
    let folder = Folder::new("measured-two");
    let (streams, datagrams) = (perf("tcp"), perf("udp"));
    let up = ["--bulk", "up", "-d", "600ms"];
    let (a, b) = (kept(&folder, "a", &streams, "tcp", &up), kept(&folder, "b", &streams, "tcp", &up));
    let other = kept(&folder, "other", &datagrams, "udp", &["--one-way", "-r", "1k", "-d", "300ms"]);
    let page = folder.join("both.html");
    netproto(&["report", &a, &b, "--html", &page]).run().code(0);
    let drawn = fs::read_to_string(&page).unwrap();
    markup::elements(&drawn);
    for part in ["2 runs", "A a", "B b", "How a was measured", "The course in figures, B b"] {
        assert!(drawn.contains(part), "no {part:?}: {drawn}");
    }
    let mixed = netproto(&["report", &a, &other, "--html", &page]).run();
    mixed.code(2).said("a is a run of --bulk, and other one of --one-way").said("hint: ");
    let compared = netproto(&["compare", &a, &other]).run();
    compared.code(1).said("is a run of --bulk, and").said("one of --one-way");
}

#[test]
fn bulk_is_compared_by_its_rate() {
    let folder = Folder::new("measured-compared");
    let server = perf("tcp");
    let at = |rate: &str| kept(&folder, rate, &server, "tcp", &["--bulk", "up", "-b", rate, "-d", "3s"]);
    let (fast, slow) = (at("80M"), at("40M"));
    let output = netproto(&["compare", &fast, &slow, "--fail-if", "rate worse 20%"]).run();
    let text = output.code(4).text();
    assert!(text.lines().any(|line| line.contains("  rate ") && line.ends_with("worse")), "{output}");
    assert!(text.contains("the limit was 20 %"), "{output}");
    // The first line names the files.
    assert!(text.lines().skip(1).all(|line| line.chars().count() <= 80), "{output}");
    let same = netproto(&["compare", &fast, &fast, "-J"]).run().code(0).json();
    assert_eq!(same.pointer("/comparisons/0/figures/0/name").unwrap(), "bits_per_second");
    assert_eq!(same.pointer("/comparisons/0/figures/0/verdict").unwrap(), "no_difference_shown");
    let rate = number(&same, "/comparisons/0/figures/0/before");
    assert!((7e7..9e7).contains(&rate), "{rate}");
}

#[test]
fn datagrams_are_compared_by_rate_and_loss() {
    let folder = Folder::new("measured-lost");
    let server = perf("udp");
    let at = |rate: &str| kept(&folder, rate, &server, "udp", &["--one-way", "-r", rate, "-d", "3s"]);
    let (fast, slow) = (at("4k"), at("2k"));
    let json = netproto(&["compare", &fast, &slow, "-J"]).run().code(0).json();
    let figure = |at: usize, name: &str| json.pointer(&format!("/comparisons/0/figures/{at}/{name}")).unwrap().clone();
    assert_eq!((figure(0, "name"), figure(0, "verdict")), ("datagrams_per_second".into(), "worse".into()), "{json:#}");
    assert_eq!((figure(1, "name"), figure(1, "verdict")), ("loss_percent".into(), "no_difference_shown".into()), "{json:#}");
}

#[test]
fn what_is_wrong_in_a_document_is_named_by_its_place() {
    let folder = Folder::new("measured-wrong");
    let server = perf("tcp");
    let json = kept(&folder, "run", &server, "tcp", &["--bulk", "up", "-d", "300ms"]);
    let text = fs::read_to_string(&json).unwrap();
    for (was, is, clause) in [
        ("\"direction\":\"up\"", "\"direction\":5", "load.direction is no text"),
        ("\"machine\":{", "\"machine_\":{", "machine is missing"),
        ("\"from_s\":0.0", "\"from_s\":9.0", "an interval ends at 0."),
    ] {
        let broken = folder.file("broken", text.replacen(was, is, 1));
        netproto(&["report", &broken]).run().code(1).said("is no whole report of bench -J").said(clause);
    }
}

/// A document, merged of these.
fn merged(files: &[&str]) -> serde_json::Value {
    netproto(&[&["merge", "-q", "-J"][..], files].concat()).run().code(0).json()
}

#[test]
fn streams_of_several_machines_are_one_report() {
    let folder = Folder::new("measured-merged");
    let server = perf("tcp");
    let run = |name: &str, way: &str, bytes: &str| {
        kept(&folder, name, &server, "tcp", &["--bulk", way, "-c", "2", "--bytes", bytes])
    };
    let (a, b, c) = (run("a", "up", "3M"), run("b", "up", "5M"), run("c", "down", "7M"));
    let all = merged(&[&a, &b]);
    assert_eq!((&all["up"]["received"]["bytes"], &all["up"]["views_equal"]), (&8_388_608.into(), &true.into()));
    assert_eq!((&all["load"]["direction"], &all["load"]["bytes_asked"]), (&"up".into(), &8_388_608.into()));
    assert_eq!((&all["machine"], &all["connections"], &all["failures"]), (&().into(), &4.into(), &0.into()));
    let numbers: Vec<_> = all["streams"].as_array().unwrap().iter().map(|stream| stream["stream"].clone()).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    let sum = |field: &str| number(&all["machines"][0], field) + number(&all["machines"][1], field);
    for field in ["/bits_per_second", "/blocks", "/threads", "/cpu/generator_percent", "/cwnd_bytes"] {
        assert!((number(&all, field) - sum(field)).abs() <= 0.002 + sum(field) * 1e-9, "{field}");
    }
    let file = folder.join("all");
    fs::write(&file, all.to_string()).unwrap();
    // What is merged already is taken apart again, whatever the order.
    let (of_all, of_each) = (merged(&[&file, &c]), merged(&[&a, &b, &c]));
    let without_command = |mut document: serde_json::Value| {
        document["command"] = ().into();
        document
    };
    assert_eq!(without_command(of_all.clone()), without_command(of_each));
    assert_eq!((&of_all["load"]["direction"], &of_all["down"]["received"]["bytes"]), (&"both".into(), &7_340_032.into()));
    let output = netproto(&["merge", &a, &b, &c]).run();
    let text = output.code(0).text();
    for part in ["bulk both · 6 streams", "machines", "retransmits", "as received"] {
        assert!(text.contains(part), "no {part:?}: {text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    output.said("they have different loads: up in blocks of 1.00 MiB, down in blocks of 1.00 MiB");
    netproto(&["merge", &file, &a]).run().code(1).said("comes twice");
    let page = folder.join("page.html");
    assert!(netproto(&["report", &file]).run().code(0).text().contains("machines"));
    netproto(&["report", &file, "--html", &page]).run().code(0);
    markup::elements(&fs::read_to_string(&page).unwrap());
}

#[test]
fn datagrams_of_several_machines_are_one_report() {
    let folder = Folder::new("measured-datagrams");
    let (server, streams) = (perf("udp"), perf("tcp"));
    let run = |name: &str, count: &str| kept(&folder, name, &server, "udp", &["--one-way", "-n", count, "-r", "10k"]);
    let (a, b) = (run("a", "1000"), run("b", "3000"));
    let all = merged(&[&a, &b]);
    let sent = |course: &serde_json::Value| -> u64 {
        course.as_array().unwrap().iter().map(|piece| piece["datagrams"]["sent"].as_u64().unwrap()).sum()
    };
    assert_eq!((number(&all, "/datagrams/sent"), number(&all, "/load/datagrams_asked")), (4000.0, 4000.0));
    assert_eq!(sent(&all["intervals"]), 4000);
    let worst = |field: &str| number(&all["machines"][0], field).max(number(&all["machines"][1], field));
    for field in ["/jitter_us", "/delay_us/p99", "/gaps_us/max", "/duration_s"] {
        assert_eq!(number(&all, field).to_bits(), worst(field).to_bits(), "{field}");
    }
    let lost = number(&all, "/datagrams/lost");
    assert!((number(&all, "/datagrams/loss_percent") - lost / 40.0).abs() < 0.001, "{lost}");
    let other = kept(&folder, "c", &streams, "tcp", &["--bulk", "up", "--bytes", "1M"]);
    netproto(&["merge", &a, &other]).run().code(1).said("runs of --one-way and of --bulk can't be one report");
}
