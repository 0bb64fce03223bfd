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

#[test]
fn shapes_that_make_no_sense_are_refused() {
    for (line, sentence) in [
        (&["tcp", "-r", "1k", "--stages", "1s:1k"][..], "exclude each other"),
        (&["tcp", "--steps", "1k,2k", "--burst", "5/1s"], "exclude each other"),
        (&["tcp", "--stages", "1s:1k", "-d", "5s"], "--stages says itself how long the run lasts"),
        (&["tcp", "--steps", "1s:1k,1s:2k", "-d", "5s"], "--steps says itself"),
        (&["tcp", "--steps", "1k,2k", "-n", "5"], "--steps runs to its end"),
        (&["tcp", "--stages", "1s:1k", "-n", "5"], "--stages runs to its end"),
        (&["tcp", "--stages", "1s:1k", "--ramp", "1s"], "no full load"),
        (&["tcp", "--stages", "1s:1k", "--omit", "1s"], "--omit leaves nothing of --stages"),
        (&["tcp", "--burst", "5/1s", "--arrivals", "poisson"], "a burst comes at once"),
        (&["tcp", "--stages", "1s:2G"], "--stages: a rate of 2,000,000,000 requests per second"),
        (&["tcp", "--sine", "1k:2k:1s"], "the amplitude is at most the mean"),
        (&["tcp", "-P", "chargen", "--burst", "5/1s"], "--burst is for requests"),
        (&["udp", "--connect-rate", "5"], "--connect-rate is for connections"),
        (&["udp", "--hold"], "--hold is for connections"),
        (&["tcp", "--connect-rate", "5", "--ramp", "1s"], "both say when connections open"),
        (&["tcp", "--hold", "-r", "5"], "exclude each other"),
        (&["tcp", "--hold", "-n", "5"], "exclude each other"),
        (&["tcp", "--hold", "--arrivals", "poisson"], "exclude each other"),
        (&["tcp", "h:1", "--hold", "hello"], "--hold says nothing"),
        (&["tcp", "-l", "5..1"], "begins above its end"),
        (&["udp", "-l", "5..100"], "--length 5 is too short"),
        (&["udp", "127.0.0.1:1", "-l", "64:9,65508:1"], "65,507"),
        (&["tcp", "--framing", "int8", "-l", "10..300"], "the 255 bytes that this framing can say"),
        (&["tcp", "h:1", "-l", "5..9", "x"], "exclude each other"),
        (&["tcp", "h:1", "{rand}"], "{rand} needs a length"),
        (&["tcp", "h:1", "-b", "1M", "{seq}"], "{seq} grows"),
        (&["tcp", "--data-file", "x", "-f", "y"], "exclude each other"),
        (&["tcp", "h:1", "--data-file", "x", "y"], "--data-file and DATA (\"y\") exclude each other"),
        (&["tcp", "-P", "daytime", "--data-file", "x"], "--data-file is for messages, and daytime takes no data"),
        (&["tcp", "-s", "127.0.0.1,::1"], "of different families"),
    ] {
        refused(bench_plan(line), sentence);
    }
}

#[test]
fn shapes_become_courses() {
    let stages = bench_plan(&["tcp", "--stages", "10s:1k,30s:5k,10s:0", "--omit", "5s"]).unwrap();
    assert_eq!((stages.rate, stages.until), (Some(2400.0), Until::Duration(Duration::from_secs(45))));
    let parts = |seconds: &[(u64, f64)]| seconds.iter().map(|(s, rate)| (Duration::from_secs(*s), *rate)).collect();
    let kind = |plan: &BenchPlan| plan.course.clone().map(|course| (course.text, course.kind));
    let text = "10s:1k,30s:5k,10s:0".into();
    assert_eq!(kind(&stages), Some((text, Kind::Stages(parts(&[(10, 1000.0), (30, 5000.0), (10, 0.0)])))));
    let steps = bench_plan(&["udp", "--steps", "1k,2k,5k", "-d", "30s"]).unwrap();
    assert_eq!(kind(&steps), Some(("1k,2k,5k".into(), Kind::Steps(parts(&[(10, 1000.0), (10, 2000.0), (10, 5000.0)])))));
    assert_eq!(steps.until, Until::Duration(Duration::from_secs(30)));
    let sine = bench_plan(&["tcp", "--sine", "1k:500:30s", "-n", "5"]).unwrap();
    assert_eq!((sine.rate, sine.until), (Some(1000.0), Until::Requests(5)));
    let burst = bench_plan(&["tcp", "--burst", "100/s"]).unwrap();
    assert_eq!(burst.course.map(|course| course.kind), Some(Kind::Burst { size: 100, every: Duration::from_secs(1) }));
    assert!(bench_plan(&["tcp", "--steps", "1k,2k", "--arrivals", "poisson"]).is_ok());
}

#[test]
fn connections_are_opened_and_kept_as_asked() {
    let plan =
        bench_plan(&["tcp", "h:1", "-c", "10k", "--hold", "--connect-rate", "2k", "-s", "10.0.0.1,10.0.0.2"]).unwrap();
    assert_eq!((plan.connections, plan.hold, plan.connect_rate), (10_000, true, Some(2000.0)));
    let sources: Vec<_> = plan.sources.iter().map(ToString::to_string).collect();
    assert_eq!(sources, ["10.0.0.1:0", "10.0.0.2:0"]);
    let one = bench_plan(&["tcp", "h:1", "-s", "10.0.0.1"]).unwrap();
    assert!(one.sources.is_empty() && one.dial.source.is_some());
    refused(
        command(&["send", "tcp", "h:1", "-s", "10.0.0.1,10.0.0.2", "x"]).and_then(|command| match command {
            Command::Send(args) => args.plan().map(drop),
            other => panic!("{other:?}"),
        }),
        "--source has several",
    );
}

#[test]
fn messages_of_many_kinds() {
    let load = |line: &[&str]| bench_plan(line).unwrap().load;
    assert_eq!(load(&["tcp", "-l", "64..1500"]), Load::Sizes(Sizes::Uniform(64, 1500)));
    assert_eq!(load(&["tcp", "-l", "64:9,1400:1"]), Load::Sizes(Sizes::Weighted(vec![(64, 9), (1400, 1)])));
    assert_eq!(bench_plan(&["tcp", "-b", "8k", "-l", "64..1936"]).unwrap().rate, Some(1.0));
    let said = |text: &'static str| Load::Messages(vec![text.into()]);
    assert_eq!(load(&["tcp", "h:1", "{\"a\":{}}"]), said("{\"a\":{}}"));
    assert_eq!(load(&["tcp", "h:1", "{{seq}}\\n"]), said("{seq}\n"));
    assert!(matches!(load(&["tcp", "h:1", "{seq}", "b"]), Load::Templates(all) if all.len() == 2));
    let folder = std::env::temp_dir().join(format!("netproto-lines-{}", std::process::id()));
    std::fs::write(&folder, "one\r\n\ntwo {{now}}\\n\n").unwrap();
    let path = folder.to_str().unwrap().to_owned();
    assert_eq!(load(&["tcp", "h:1", "--data-file", &path]), Load::Messages(vec!["one".into(), "two {now}\\n".into()]));
    std::fs::write(&folder, "\nok\n{rand:x}\n").unwrap();
    let trouble = bench_plan(&["tcp", "h:1", "--data-file", &path]).unwrap_err();
    assert!(trouble.sentence.contains("line 3: {rand:x}"), "{trouble}");
    std::fs::write(&folder, "\n").unwrap();
    assert!(bench_plan(&["tcp", "h:1", "--data-file", &path]).unwrap_err().sentence.contains("holds no line"));
    std::fs::remove_file(&folder).unwrap();
}
