//! `bench`: what is typed becomes these plans, or these sentences.

use super::*;

#[test]
fn a_bench_has_defaults_for_its_transport() {
    let tcp = bench_plan(&["tcp"]).unwrap();
    assert_eq!((tcp.target.clone(), tcp.scheme, tcp.connections), (None, Scheme::Tcp, 50));
    assert_eq!(tcp.protocol.map(|row| row.name), Some("processed"));
    assert_eq!((tcp.until, tcp.load), (Until::Duration(Duration::from_secs(10)), Load::Length(64)));
    assert_eq!((tcp.rate, tcp.arrivals, tcp.repeat, tcp.seed), (None, Arrivals::Constant, 1, 0));
    assert!(!tcp.reconnect && tcp.limits.is_empty());
    let udp = bench_plan(&["udp", "localhost:8080"]).unwrap();
    assert_eq!((udp.target, udp.connections), (Some(localhost(Scheme::Udp)), 1));
    assert!(udp.protocol.is_none());
    assert_eq!(bench_plan(&["localhost:8080"]).unwrap().target, Some(localhost(Scheme::Tcp)));
    assert_eq!(bench_plan(&["unix", "--datagram"]).unwrap().scheme, Scheme::Unixgram);
}

#[test]
fn every_flag_of_bench_arrives() {
    let plan = bench_plan(&words(
        "tcp h:1 -P echo -c 64 -t 2 -d 5s -l 1K -r 20k --arrivals poisson --in-flight 8 --ramp 5s --omit 1s \
         -w 3s --repeat 4 --seed 7 --shard 2/3 --start-at +5s --fail-if p99>2ms --fail-if rate<9k -i 1s -J --csv a.csv --hdr a.hdr -v",
    ))
    .unwrap();
    assert_eq!((plan.connections, plan.threads, plan.in_flight), (64, Some(2), Some(8)));
    assert_eq!((plan.until, plan.load), (Until::Duration(Duration::from_secs(5)), Load::Length(1024)));
    assert_eq!((plan.rate, plan.arrivals), (Some(20_000.0), Arrivals::Poisson));
    assert_eq!((plan.ramp, plan.omit), (Duration::from_secs(5), Duration::from_secs(1)));
    assert_eq!((plan.timeout, plan.repeat, plan.seed), (Some(Duration::from_secs(3)), 4, 7));
    let limits: Vec<_> = plan.limits.iter().map(|limit| limit.text.as_str()).collect();
    assert_eq!(limits, ["p99>2ms", "rate<9k"]);
    assert_eq!((plan.shard, plan.start_at), (Shard { index: 1, of: 3 }, StartAt::parse("+5s").ok()));
    let report = plan.report;
    assert_eq!((report.interval, report.json, report.verbose), (Some(Duration::from_secs(1)), true, 1));
    assert_eq!((report.csv, report.hdr), (Some("a.csv".into()), Some("a.hdr".into())));
    assert_eq!(bench_plan(&["tcp", "-n", "10k"]).unwrap().until, Until::Requests(10_000));
    assert!(bench_plan(&["tcp", "--reconnect"]).unwrap().reconnect);
    assert!(bench_plan(&["tcp", "-P", "daytime"]).unwrap().reconnect, "it answers once and closes");
    assert!(!bench_plan(&["udp", "-P", "daytime"]).unwrap().reconnect);
}

#[test]
fn shards_have_something_to_do_each() {
    let plan = |line: &str| bench_plan(&words(line));
    assert_eq!(plan("udp --shard 2/3").unwrap().connections, 3, "all shards together");
    assert_eq!(plan("tcp --shard 2/3").unwrap().connections, 50);
    assert_eq!(plan("tcp -c 3 --shard 3/3").unwrap().connections, 3);
    assert!(plan("tcp -c 2 --shard 3/3").is_err() && plan("tcp -n 2 --shard 3/3").is_err());
    assert!(plan("tcp -n 2 --shard 2/3").is_ok());
}

#[test]
fn bit_rates_become_rates() {
    assert_eq!(bench_plan(&["udp", "-b", "8M", "-l", "1000"]).unwrap().rate, Some(1000.0));
    assert_eq!(bench_plan(&["tcp", "h:1", "-b", "80", "a", "bcd"]).unwrap().rate, Some(5.0));
}

#[test]
fn bench_refuses_what_makes_no_sense() {
    for (line, sentence) in [
        (&[][..], "bench needs a transport, a protocol or a target"),
        (&["tcp", "-r", "1k", "-b", "1M"], "exclude each other"),
        (&["tcp", "-d", "1s", "-n", "5"], "exclude each other"),
        (&["tcp", "--json", "--json-stream"], "exclude each other"),
        (&["tcp", "h:1", "x", "-l", "5"], "exclude each other"),
        (&["tcp", "-l", "0"], "an empty message can't be seen on a stream"),
        (&["tcp", "h:1", ""], "an empty message can't be seen on a stream"),
        (&["udp", "-l", "7"], "--length 7 is too short"),
        (&["udp", "127.0.0.1:1", "-l", "65508"], "65,507"),
        (&["udp", "-l", "65497"], "processed over IPv4 takes 65,496"),
        (&["tcp", "--framing", "int8", "-l", "300"], "the 255 bytes that this framing can say"),
        (&["tcp", "--framing", "lines", "-l", "20000"], "the framing's limit of 16384 bytes"),
        (&["tcp", "-P", "raw"], "raw has no server end"),
        (&["tcp", "h:1", "-p", "delay=1s"], "none is named"),
        (&["tcp", "--arrivals", "poisson"], "there is no rate"),
        (&["tcp", "-r", "2G"], "a rate of 2,000,000,000 requests per second is more than"),
        (&["udp", "-b", "1000000G", "-l", "10"], "requests per second is more than"),
        (&["tcp", "-P", "chargen", "-r", "1k"], "chargen sends without being asked"),
        (&["tcp", "-P", "daytime", "-l", "9"], "daytime takes no data"),
        (&["udp", "--reconnect"], "datagrams have none"),
        (&["tcp", "--reconnect", "--in-flight", "2"], "--reconnect has one request on each connection"),
        (&["tcp", "--datagram"], "--datagram is for Unix sockets"),
        (&["tcp", "--fail-if", "nonsense"], "--fail-if"),
        (&["tcp", "-c", "0"], "it must be at least 1"),
    ] {
        refused(bench_plan(line), sentence);
    }
    assert!(bench_plan(&["tcp", "--framing", "int32", "-l", "0"]).is_ok());
    assert!(bench_plan(&["udp", "[::1]:1", "-l", "65527"]).is_ok());
}
