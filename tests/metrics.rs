//! `--metrics`: what a server and a load tell while they run, read as Prometheus reads it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    time::{Duration, Instant},
};

use support::{PATIENCE, Process, Server, net, netproto, peer, report::count};

const GET: &[u8] = b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n";

/// Where it tells, by its first line on stderr.
fn place(process: &Process) -> SocketAddr {
    let line = process.talk("metrics on http://127.0.0.1:");
    let rest = line.strip_prefix("metrics on http://").unwrap().strip_suffix("/metrics").unwrap();
    rest.parse().unwrap()
}

/// Samples, by name and labels as they are written.
struct Scrape(BTreeMap<String, f64>);

impl Scrape {
    fn read(text: &str) -> Self {
        let sample = |line: &str| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        };
        Self(text.lines().filter(|line| !line.starts_with('#')).map(sample).collect())
    }

    fn of(addr: SocketAddr) -> Self {
        Self::try_of(addr).expect("it answers while it runs")
    }

    /// `None`: it has ended.
    fn try_of(addr: SocketAddr) -> Option<Self> {
        let mut stream = TcpStream::connect(addr).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(GET).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(head.contains("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{head}");
        Some(Self::read(body))
    }

    #[track_caller]
    fn get(&self, name: &str) -> f64 {
        *self.0.get(name).unwrap_or_else(|| panic!("no {name} in {:#?}", self.0.keys()))
    }

    /// Before the first run there are no figures of it.
    fn get_or_zero(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// A figure of the echo server over this transport.
    #[track_caller]
    fn serve(&self, name: &str, transport: &str) -> f64 {
        self.get(&format!("netproto_serve_{name}{{transport=\"{transport}\",protocol=\"echo\"}}"))
    }
}

/// Asks until it is so.
#[track_caller]
fn until(addr: SocketAddr, holds: impl Fn(&Scrape) -> bool) -> Scrape {
    let end = Instant::now() + PATIENCE;
    loop {
        let scrape = Scrape::of(addr);
        if holds(&scrape) {
            return scrape;
        }
        assert!(Instant::now() < end, "it never came: {:#?}", scrape.0);
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[track_caller]
fn is(value: f64, wanted: f64) {
    assert!((value - wanted).abs() < 1e-9, "{value}, and {wanted} was wanted");
}

#[test]
fn a_server_tells_its_counts_while_conversations_run() {
    let mut server = Server::start(&["serve", "echo", "0", "-m", "2", "--metrics", "0"]);
    let (metrics, addr) = (place(&server.process), server.addr());
    let said = server.process.stderr.text();
    assert!(said.find("metrics on").unwrap() < said.find("listening on").unwrap(), "{said}");
    let mut first = net::connect(addr);
    assert_eq!(net::ask(&mut first, b"hello", 5), b"hello");
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.send_to(b"datagram", addr).unwrap();
    assert_eq!(socket.recv(&mut [0; 99]).unwrap(), 8);
    // An answer may be here before it is counted as sent.
    let all_sent = |scrape: &Scrape| ["tcp", "udp"].iter().all(|over| scrape.serve("sent_bytes_total", over) > 4.0);
    let scrape = until(metrics, all_sent);
    for (name, tcp, udp) in [
        ("open_connections", 1.0, 1.0),
        ("max_connections", 2.0, 10_000.0),
        ("connections_total", 1.0, 1.0),
        ("received_bytes_total", 5.0, 8.0),
        ("sent_bytes_total", 5.0, 8.0),
    ] {
        is(scrape.serve(name, "tcp"), tcp);
        is(scrape.serve(name, "udp"), udp);
    }
    is(scrape.serve("messages_total", "udp"), 1.0);
    is(scrape.serve("received_datagrams_total", "udp"), 1.0);
    is(scrape.serve("sent_datagrams_total", "udp"), 1.0);
    assert!(!scrape.0.contains_key("netproto_serve_received_datagrams_total{transport=\"tcp\",protocol=\"echo\"}"));
    assert!(scrape.get("process_resident_memory_bytes") > 1e6 && scrape.get("process_cpu_seconds_total") > 0.0);
    // A third is refused; a reset is none that ended well.
    let second = net::connect(addr);
    until(metrics, |scrape| scrape.serve("connections_total", "tcp") > 1.5);
    assert!(net::is_closed(&mut net::connect(addr)));
    net::reset(second);
    let scrape = until(metrics, |scrape| scrape.serve("resets_total", "tcp") > 0.5);
    is(scrape.serve("refused_total", "tcp"), 1.0);
    is(scrape.serve("open_connections", "tcp"), 1.0);
    drop(first);
    server.stop().code(0);
    assert!(Scrape::try_of(metrics).is_none(), "it ends with the server");
}

#[test]
fn pauses_and_loops_are_told() {
    let server = Server::start(&["serve", "echo", "0", "--metrics", "0"]);
    let (metrics, addr) = (place(&server.process), server.addr());
    let mut deaf = net::connect(addr);
    deaf.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    while deaf.write(&[0; 8192]).is_ok() {}
    until(metrics, |scrape| scrape.serve("pauses_total", "tcp") > 0.5);
    drop(deaf);
    until(metrics, |scrape| scrape.serve("paused_seconds_total", "tcp") > 0.0);
    // Another server that says back what it hears.
    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    other.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    other.send_to(b"forged", addr).unwrap();
    while let Ok((length, from)) = other.recv_from(&mut [0; 99]) {
        assert_eq!(length, 6);
        other.send_to(b"forged", from).unwrap();
    }
    let scrape = until(metrics, |scrape| scrape.serve("loop_mutes_total", "udp") > 0.5);
    is(scrape.serve("loop_mutes_total", "udp"), 1.0);
    assert!(scrape.serve("dropped_datagrams_total", "udp") > 0.5);
}

#[test]
fn a_load_tells_what_it_has_counted_so_far() {
    let mut bench =
        netproto(&["bench", "tcp", "-r", "400", "-c", "4", "-d", "3s", "-p", "delay=20ms", "-J", "--metrics", "0"]).spawn();
    let metrics = place(&bench);
    let mut last: Option<Scrape> = None;
    let mut scrapes = 0;
    while let Some(scrape) = Scrape::try_of(metrics) {
        if let Some(last) = &last {
            let counts = |name: &&String| name.contains("_total") || name.contains("_bucket") || name.ends_with("_count");
            for name in last.0.keys().filter(counts) {
                assert!(scrape.get(name) >= last.get(name), "{name} fell");
            }
        }
        (last, scrapes) = (Some(scrape), scrapes + 1);
        std::thread::sleep(Duration::from_millis(20));
    }
    let report = bench.wait().code(0).json();
    let last = last.expect("it answers until its end");
    assert!(scrapes > 5, "{scrapes}");
    let right = last.get("netproto_bench_requests_right_total");
    assert!(right > 0.0 && right <= count(&report, "/requests") as f64, "{right}");
    is(last.get("netproto_bench_asked_requests_per_second"), 400.0);
    is(last.get("netproto_bench_connections"), 4.0);
    is(last.get("netproto_bench_connects_total"), 4.0);
    is(last.get("netproto_bench_run"), 1.0);
    is(last.get("netproto_bench_requests_failed_total{kind=\"timed_out\"}"), 0.0);
    is(last.get("netproto_bench_latency_seconds_count"), right);
    // Nothing is answered before 20 ms have passed.
    for name in ["latency", "latency_uncorrected"] {
        let at_most = |bound: &str| last.get(&format!("netproto_bench_{name}_seconds_bucket{{le=\"{bound}\"}}"));
        is(at_most("0.015"), 0.0);
        is(at_most("+Inf"), right);
        let mean = last.get(&format!("netproto_bench_{name}_seconds_sum")) / right;
        assert!((0.02..5.0).contains(&mean), "{mean}");
    }
    is(last.get("netproto_bench_send_lag_seconds_count"), last.get("netproto_bench_requests_total"));
    assert!(last.0.keys().any(|name| name.starts_with("netproto_bench_info{transport=\"tcp\",protocol=\"processed\"")));
}

#[test]
fn bytes_and_datagrams_are_told_meanwhile_as_well() {
    for (args, sent, came) in [
        (&["tcp", "--bulk", "up"][..], "sent_bytes_total", None),
        (&["udp", "--one-way", "-r", "2k"], "sent_datagrams_total", Some("received_datagrams_total")),
    ] {
        let args = [&["bench"], args, &["-d", "2s", "-J", "--metrics", "0"]].concat();
        let mut bench = netproto(&args).spawn();
        let metrics = place(&bench);
        let mut last = 0.0;
        let mut received = 0.0;
        while let Some(scrape) = Scrape::try_of(metrics) {
            let now = scrape.get_or_zero(&format!("netproto_bench_{sent}"));
            assert!(now >= last, "{now} after {last}");
            last = now;
            received = came.map_or(last, |came| scrape.get_or_zero(&format!("netproto_bench_{came}")));
            if now > 0.0 {
                is(scrape.get("netproto_bench_connections"), 1.0);
                assert!(scrape.0.keys().any(|name| name.starts_with("netproto_bench_info{")), "{:?}", scrape.0.keys());
                assert!(!scrape.0.contains_key("netproto_bench_requests_total"), "there are none");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let report = bench.wait().code(0).json();
        let all = report.pointer("/up/sent/bytes").or(report.pointer("/datagrams/sent")).unwrap().as_f64().unwrap();
        assert!(last > 0.0 && last <= all && received > 0.0, "{last} of {all}, {received} came");
    }
}

#[test]
fn what_earlier_runs_counted_stays() {
    let mut bench = netproto(&["bench", "udp", "-n", "2000", "--repeat", "3", "-P", "echo", "-J", "--metrics", "0"]).spawn();
    let metrics = place(&bench);
    let mut last = None;
    while let Some(scrape) = Scrape::try_of(metrics) {
        last = Some(scrape);
    }
    let report = bench.wait().code(0).json();
    let last = last.expect("it answers until its end");
    let run = last.get_or_zero("netproto_bench_run");
    let right = last.get_or_zero("netproto_bench_requests_right_total");
    assert!(right >= 2000.0 * (run - 1.0) && right <= count(&report, "/requests") as f64, "{right} in run {run}");
}

#[test]
fn only_the_metrics_are_there_and_they_can_only_be_read() {
    let server = Server::start(&["serve-tcp", "0", "--metrics", "0"]);
    let metrics = place(&server.process);
    let ask = |request: &str| String::from_utf8(net::exchange(metrics, request.as_bytes())).unwrap();
    let get = ask("GET /metrics?name=x HTTP/1.1\r\nHost: x\r\n\r\n");
    let head = ask("HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(get.starts_with("HTTP/1.1 200 ") && head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"), "{head}");
    assert!(head.contains("\r\nConnection: close\r\n") && !head.contains("# HELP"), "{head}");
    for path in ["/", "/metrics/", "/metric", "//metrics", "/..%2fmetrics"] {
        let answer = ask(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"] {
        let answer = ask(&format!("{method} /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi"));
        assert!(answer.starts_with("HTTP/1.1 405 ") && answer.contains("\r\nAllow: GET, HEAD\r\n"), "{method}: {answer}");
    }
    let long = ask("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n");
    assert!(long.starts_with("HTTP/1.1 405 "), "{long}");
    assert!(ask("nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
    assert!(ask("GET /metrics HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 200 "), "an old one may ask as well");
}

#[test]
fn where_it_listens_is_as_for_other_listeners() {
    let open = Server::start(&["serve-tcp", "0", "--metrics", ":0"]);
    open.process.talk("metrics on http://0.0.0.0:");
    let mut json = Server::start(&["serve-udp", "0", "-J", "-q", "--metrics", "http://127.0.0.1:0/metrics"]);
    let metrics = place(&json.process);
    Scrape::of(metrics);
    let line = json.process.stdout.line(PATIENCE, "\"metrics\"").expect("it is in the log");
    let object: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(object["url"], format!("http://{metrics}/metrics"));
    json.stop().code(0);
}

#[test]
fn a_place_that_can_t_be_had_is_told_before_anything_is_sent() {
    let (taken, target) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let [taken_at, target_at] = [&taken, &target].map(|listener| listener.local_addr().unwrap().to_string());
    let said = format!(
        "netproto: --metrics: could not bind tcp {taken_at}: address already in use\nhint: another process listens there; port 0"
    );
    for line in [
        vec!["bench", "tcp", &target_at, "-P", "echo", "--metrics", &taken_at],
        vec!["serve-tcp", "0", "--metrics", &taken_at],
        vec!["serve", "echo", "0", "--metrics", &taken_at],
    ] {
        netproto(&line).run().code(1).said(&said);
    }
    target.set_nonblocking(true).unwrap();
    assert!(target.accept().is_err(), "nobody came");
    drop(taken);
    let port = taken_at.rsplit(':').next().unwrap();
    netproto(&["serve-tcp", port, "--metrics", port])
        .run()
        .code(1)
        .said(&format!("port {port} is what is served; --metrics needs another, as in --metrics 0"));
    for (typed, sentence) in [("unix:/tmp/x", "no address that Prometheus could ask"), ("host", "host"), ("99999", "99999")]
    {
        netproto(&["bench", "tcp", "--metrics", typed]).run().code(2).said(sentence).said("hint: ");
    }
    netproto(&["serve-tcp", "0", "--metrics"]).run().code(2).said("--metrics 9100");
}

#[test]
fn who_asks_badly_takes_nothing_from_the_run() {
    let began = Instant::now();
    let mut bench = netproto(&["bench", "tcp", "-n", "300", "-r", "200", "-c", "1", "-J", "--metrics", "0"]).spawn();
    let metrics = place(&bench);
    // Some say nothing, some say all they can and read nothing, some are too many.
    let silent: Vec<_> = (0..8).map(|_| TcpStream::connect(metrics).unwrap()).collect();
    let greedy: Vec<_> = (0..8)
        .map(|_| {
            let mut stream = TcpStream::connect(metrics).unwrap();
            stream.set_write_timeout(Some(Duration::from_millis(20))).unwrap();
            let many = GET.repeat(1000);
            while stream.write(&many).is_ok_and(|n| n > 0 && began.elapsed() < Duration::from_secs(2)) {}
            stream
        })
        .collect();
    let more: Vec<_> = (0..50).filter_map(|_| TcpStream::connect(metrics).ok()).collect();
    let output = bench.wait();
    let report = output.code(0).json();
    assert_eq!((count(&report, "/requests"), count(&report, "/failures/total")), (300, 0));
    assert!(!output.stderr.contains("refused") && output.stderr.lines().count() <= 2, "{output}");
    drop((silent, greedy, more));
}

/// What Prometheus' own library makes of it: every family has a help and a type, samples are theirs, buckets are cumulative.
const PARSER: &str = "
import sys
from prometheus_client.parser import text_string_to_metric_families as families
seen = {}
for family in families(sys.stdin.read()):
    assert family.name not in seen, family.name
    assert family.documentation.endswith('.') and family.type in ('counter', 'gauge', 'histogram'), family
    assert family.samples, family
    seen[family.name] = family
    if family.type == 'counter':
        assert all(s.name.endswith('_total') for s in family.samples), family
    if family.type == 'histogram':
        buckets = [(float(s.labels['le']), s.value) for s in family.samples if s.name.endswith('_bucket')]
        assert buckets == sorted(buckets) and buckets[-1][0] == float('inf'), family
        assert [v for _, v in buckets] == sorted(v for _, v in buckets), family
        count = [s.value for s in family.samples if s.name.endswith('_count')]
        assert count == [buckets[-1][1]], family
print(' '.join(sorted(seen)))
";

fn families(text: &str) -> Option<String> {
    let python = peer::python_with_prometheus_client()?;
    Some(python.arg(PARSER).stdin(text).run().code(0).text())
}

#[test]
fn prometheus_own_parser_reads_all_of_it() {
    let body = |addr| String::from_utf8(net::exchange(addr, GET)).unwrap().split_once("\r\n\r\n").unwrap().1.to_owned();
    let server = Server::start(&["serve", "echo", "0", "-m", "9", "--max-connections-per-peer", "5", "--metrics", "0"]);
    let Some(names) = families(&body(place(&server.process))) else { return };
    assert!(names.contains("netproto_serve_max_connections_per_peer ") && names.contains("process_cpu_seconds "), "{names}");
    let bench = netproto(&["bench", "udp", &server.at(), "-P", "echo", "-r", "500", "-d", "20s", "--metrics", "0"]).spawn();
    let metrics = place(&bench);
    until(metrics, |scrape| scrape.get("netproto_bench_latency_seconds_count") > 0.0);
    let names = families(&body(metrics)).unwrap();
    for name in ["netproto_bench_latency_seconds ", "netproto_bench_requests_failed ", "netproto_bench_late_datagrams "] {
        assert!(names.contains(name), "{name}: {names}");
    }
}

#[test]
fn curl_gets_it() {
    let Some(curl) = peer("curl") else { return };
    let server = Server::start(&["serve-tcp", "0", "--metrics", "0"]);
    let url = format!("http://{}/metrics", place(&server.process));
    let output = curl.args(&["-sS", "--fail", "--compressed", "-w", "%{content_type}\n%{http_code}", &url]).run();
    let text = output.code(0).text();
    assert!(text.starts_with("# HELP netproto_build_info "), "{text}");
    assert!(text.ends_with("text/plain; version=0.0.4; charset=utf-8\n200"), "{text}");
}
