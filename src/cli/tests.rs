//! What is typed becomes these plans, or these sentences.

use std::{fmt::Debug, net::Ipv4Addr, time::Duration};

use super::*;
use crate::{
    bench::{Arrivals, BenchPlan, Load, Until},
    error::Trouble,
    protocol::Framing,
    role::{
        send::{Data, Expect, SendPlan},
        serve::{LogForm, ServePlan},
    },
    transport::{Family, Host, Place, Scheme, Target},
};

fn command(line: &[&str]) -> Result<Command, Trouble> {
    let args: Vec<OsString> = std::iter::once("netproto").chain(line.iter().copied()).map(OsString::from).collect();
    match Cli::try_parse_from(&args) {
        Ok(cli) => Ok(cli.command.expect("a command was typed")),
        Err(error) => Err(not_run(&error, &args).unwrap_err().downcast().expect("a usage error is a Trouble")),
    }
}

fn serve(line: &[&str]) -> Result<ServePlan, Trouble> {
    match command(line)? {
        Command::ServeTcp(args) => args.plan(false),
        Command::ServeUdp(args) => args.plan(false),
        Command::ServeUnix(args) => args.plan(false),
        other => panic!("{other:?}"),
    }
}

fn send(line: &[&str]) -> Result<SendPlan, Trouble> {
    match command(&[&["send"], line].concat())? {
        Command::Send(args) => args.plan(),
        other => panic!("{other:?}"),
    }
}

fn bench(line: &[&str]) -> Result<BenchPlan, Trouble> {
    match command(&[&["bench"], line].concat())? {
        Command::Bench(args) => args.plan("typed".into()),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refused<T: Debug>(plan: Result<T, Trouble>, sentence: &str) {
    let trouble = plan.expect_err(sentence);
    assert_eq!(trouble.exit, Exit::Usage, "{trouble}");
    assert!(trouble.sentence.contains(sentence), "{:?} lacks {sentence:?}", trouble.sentence);
    assert!(trouble.hint.is_some(), "{trouble} has no hint");
}

fn at(scheme: Scheme, host: Host, port: u16) -> Target {
    Target { scheme, place: Place::Net { host, port } }
}

fn localhost(scheme: Scheme) -> Target {
    at(scheme, Host::Name("localhost".into()), 8080)
}

fn path(scheme: Scheme, path: &str) -> Target {
    Target { scheme, place: Place::Path(path.into()) }
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn a_server_has_calm_defaults() {
    let plan = serve(&["serve-tcp", "8080"]).unwrap();
    assert_eq!(plan.listen, at(Scheme::Tcp, Host::Loopback, 8080));
    assert_eq!(plan.protocol.name, "processed");
    assert_eq!((plan.grace, plan.once, plan.loop_guard), (Duration::from_secs(5), false, true));
    assert!(plan.flags.nodelay && !plan.allow_amplification && plan.max_connections.is_none());
    assert_eq!((plan.log.form, plan.log.verbose), (LogForm::Text, 0));
}

#[test]
fn every_flag_of_a_server_arrives() {
    let plan = serve(&[
        "serve-tcp",
        ":8080",
        "-P",
        "echo",
        "-p",
        "delay=20ms",
        "--framing",
        "lines",
        "--max-frame",
        "1K",
        "-m",
        "10k",
        "--max-connections-per-peer",
        "3",
        "-i",
        "30s",
        "--handshake-timeout",
        "2s",
        "-1",
        "-vv",
        "-x",
        "-J",
        "--stats",
        "1s",
        "--grace",
        "0",
        "-t",
        "2",
        "-4",
        "--dscp",
        "EF",
        "--ttl",
        "9",
        "--interface",
        "lo",
        "--no-nodelay",
        "--mss",
        "1400",
        "--congestion",
        "reno",
        "--keepalive",
        "60s",
        "--send-buffer",
        "64K",
        "--recv-buffer",
        "1M",
    ])
    .unwrap();
    assert_eq!(plan.listen, at(Scheme::Tcp, Host::Any, 8080));
    assert_eq!(plan.setup.framing, Framing::parse("lines", Some(1024)).unwrap());
    assert_eq!(plan.setup.params.duration("delay"), Some(Duration::from_millis(20)));
    assert_eq!((plan.max_connections, plan.max_connections_per_peer), (Some(10_000), Some(3)));
    assert_eq!(plan.idle_timeout, Some(Duration::from_secs(30)));
    assert_eq!(plan.handshake_timeout, Some(Duration::from_secs(2)));
    assert_eq!((plan.once, plan.grace, plan.threads), (true, Duration::ZERO, Some(2)));
    assert_eq!(plan.family, Some(Family::V4));
    assert_eq!((plan.log.form, plan.log.verbose, plan.log.hex), (LogForm::Json, 2, true));
    assert_eq!(plan.log.stats, Some(Duration::from_secs(1)));
    let flags = plan.flags;
    assert_eq!((flags.nodelay, flags.dscp, flags.ttl, flags.mss), (false, Some(46), Some(9), Some(1400)));
    assert_eq!((flags.send_buffer, flags.recv_buffer), (Some(65_536), Some(1_048_576)));
    assert_eq!((flags.congestion.as_deref(), flags.interface.as_deref()), (Some("reno"), Some("lo")));
    assert_eq!(flags.keepalive, Some(Duration::from_secs(60)));
}

#[test]
fn datagram_servers_have_peers() {
    let plan = serve(&[
        "serve-udp",
        "0",
        "--max-peers",
        "5",
        "--allow-amplification",
        "--no-loop-guard",
        "--broadcast",
        "--join",
        "239.1.2.3",
        "-6",
    ])
    .unwrap();
    assert_eq!((plan.max_peers, plan.allow_amplification, plan.loop_guard), (5, true, false));
    assert_eq!(plan.flags.join, [std::net::IpAddr::V4(Ipv4Addr::new(239, 1, 2, 3))]);
    assert!(plan.flags.broadcast && plan.family == Some(Family::V6));
    let unix = serve(&["serve-unix", "--datagram", "/tmp/s"]).unwrap();
    assert_eq!(unix.listen, path(Scheme::Unixgram, "/tmp/s"));
    assert_eq!(serve(&["serve-unix", "/tmp/s"]).unwrap().listen, path(Scheme::Unix, "/tmp/s"));
}

#[test]
fn later_flags_win() {
    assert!(!serve(&["serve-tcp", "0", "-1", "-k"]).unwrap().once);
    assert!(serve(&["serve-tcp", "0", "-k", "-1"]).unwrap().once);
    assert!(serve(&["serve-tcp", "0", "--no-nodelay", "--nodelay"]).unwrap().flags.nodelay);
    assert_eq!(serve(&["serve-tcp", "0", "-m", "1", "-m", "2"]).unwrap().max_connections, Some(2));
    assert!(send(&["h:1", "x", "--no-shutdown", "-N"]).unwrap().shutdown);
    assert!(!send(&["h:1", "x", "-N", "--no-shutdown"]).unwrap().shutdown);
}

#[test]
fn sockets_handed_over_need_no_address() {
    let Command::ServeTcp(args) = command(&["serve-tcp"]).unwrap() else { panic!() };
    assert_eq!(args.plan(true).unwrap().listen, at(Scheme::Tcp, Host::Loopback, 0));
    refused(args.plan(false), "needs an address");
}

#[test]
fn servers_refuse_what_makes_no_sense() {
    for (line, sentence) in [
        (&["serve-tcp", "udp://:8080"][..], "udp://:8080 is not for TCP"),
        (&["serve-udp", "tcp://:8080"], "is not for UDP"),
        (&["serve-unix"], "needs the path of a socket"),
        (&["serve-unix", "--datagram", "/tmp/s", "-m", "3"], "--max-connections is for streams"),
        (&["serve-unix", "/tmp/s", "--max-peers", "3"], "--max-peers is for datagram sockets"),
        (&["serve-tcp", "0", "-P", "raw"], "raw has no server end"),
        (&["serve-tcp", "0", "-P", "qotd", "--framing", "lines"], "qotd takes no framing"),
        (&["serve-tcp", "0", "--max-frame", "1K"], "--max-frame is the limit of a framing"),
        (&["serve-tcp", "0", "-p", "dealy=1s"], "unknown parameter \"dealy\""),
        (&["serve-tcp", "0", "-v", "-q"], "exclude each other"),
    ] {
        refused(serve(line), sentence);
    }
}

#[test]
fn a_target_may_be_typed_in_many_ways() {
    for (line, target) in [
        (&["localhost:8080", "x"][..], localhost(Scheme::Tcp)),
        (&["tcp", "localhost:8080", "x"], localhost(Scheme::Tcp)),
        (&["udp", "localhost:8080", "x"], localhost(Scheme::Udp)),
        (&["udp://localhost:8080", "x"], localhost(Scheme::Udp)),
        (&["udp", "udp://localhost:8080", "x"], localhost(Scheme::Udp)),
        (&["unix", "/tmp/s", "x"], path(Scheme::Unix, "/tmp/s")),
        (&["unix:/tmp/s", "x"], path(Scheme::Unix, "/tmp/s")),
        (&["unix", "/tmp/s", "x", "--datagram"], path(Scheme::Unixgram, "/tmp/s")),
        (&["unix:/tmp/s", "x", "--datagram"], path(Scheme::Unixgram, "/tmp/s")),
        (&["unixgram:/tmp/s", "x"], path(Scheme::Unixgram, "/tmp/s")),
    ] {
        let plan = send(line).unwrap();
        assert_eq!(plan.target, target, "{line:?}");
        assert_eq!(plan.data, Data::Messages(vec!["x".into()]), "{line:?}");
    }
}

#[test]
fn data_comes_from_one_place() {
    for (line, data) in [
        (&["h:1"][..], Data::Stdin),
        (&["h:1", "-"], Data::Stdin),
        (&["h:1", "-f", "-"], Data::Stdin),
        (&["h:1", "-f", "a.txt"], Data::File("a.txt".into())),
        (&["h:1", r"a\n", "", "c"], Data::Messages(vec!["a\n".into(), "".into(), "c".into()])),
        (&["h:1", r"a\n", "--no-escapes"], Data::Messages(vec![r"a\n".into()])),
        (&["h:1", "--", "-5"], Data::Messages(vec!["-5".into()])),
        (&["h:1", "-P", "daytime"], Data::None),
        (&["h:1", "-z"], Data::None),
    ] {
        assert_eq!(send(line).unwrap().data, data, "{line:?}");
    }
}

#[test]
fn every_flag_of_send_arrives() {
    let plan = send(&[
        "h:1",
        "x",
        "-C",
        "-w",
        "5s",
        "--replies",
        "2",
        "--no-shutdown",
        "--expect",
        r"a\n",
        "-n",
        "3",
        "--interval",
        "200ms",
        "--retry",
        "4",
        "--retry-delay",
        "1ms",
        "-o",
        "out",
        "-x",
        "-J",
        "-v",
        "-s",
        "10.0.0.1",
        "--connect-timeout",
        "2s",
    ])
    .unwrap();
    assert_eq!(plan.protocol.name, "raw");
    assert_eq!((plan.crlf, plan.timeout, plan.replies), (true, Some(Duration::from_secs(5)), Some(2)));
    assert!(!plan.shutdown && !plan.connect_only);
    assert!(matches!(&plan.expect, Some(Expect::Bytes { wanted, text: true }) if wanted == "a\n"));
    assert_eq!((plan.count, plan.interval), (3, Duration::from_millis(200)));
    assert_eq!((plan.retry, plan.retry_delay), (4, Duration::from_millis(1)));
    assert_eq!(plan.show.output.as_deref(), Some("out".as_ref()));
    assert!(plan.show.hex && plan.show.json && !plan.show.quiet && !plan.show.raw && plan.show.verbose == 1);
    assert_eq!(plan.dial.source, Some("10.0.0.1:0".parse().unwrap()));
    assert_eq!((plan.dial.family, plan.dial.timeout), (Some(Family::V4), Some(Duration::from_secs(2))));
    let hex = send(&["h:1", "x", "--expect-hex", "0a 0b"]).unwrap().expect;
    assert!(matches!(hex, Some(Expect::Bytes { wanted, text: false }) if wanted[..] == [10, 11]));
    assert!(matches!(send(&["h:1", "x", "--expect-re", "^o"]).unwrap().expect, Some(Expect::Regex(_))));
}

#[test]
fn send_refuses_what_makes_no_sense() {
    for (line, sentence) in [
        (&[][..], "send needs a target"),
        (&["udp"], "send needs a target"),
        (&["unix"], "send needs the path of a socket"),
        (&["udp", "tcp://h:1", "x"], "tcp://h:1 is not for UDP"),
        (&["h:1", "x", "--datagram"], "--datagram is for Unix sockets"),
        (&["h:1", "x", "-"], "stands alone"),
        (&["h:1", "x", "-f", "a"], "--file and DATA"),
        (&["h:1", "x", "-P", "daytime"], "daytime takes no data"),
        (&["h:1", "-f", "a", "-P", "time"], "time takes no data"),
        (&["h:1", r"\q"], r"\q is no escape"),
        (&["h:1", "x", "--expect", r"\q"], "--expect"),
        (&["h:1", "x", "--expect", "a", "--expect-hex", "0a"], "exclude each other"),
        (&["h:1", "x", "-z"], "exclude each other"),
        (&["h:1", "-z", "--expect", "a"], "exclude each other"),
        (&["udp", "h:1", "-z"], "-z tries a connection"),
        (&["h:1", "x", "-P", "discard", "--expect", "a"], "discard never answers"),
        (&["udp", "h:1", "x", "--mss", "1400"], "--mss is for TCP"),
        (&["h:1", "x", "--broadcast"], "--broadcast is for UDP"),
        (&["unix", "/s", "x", "-4"], "-4 is for TCP and UDP"),
        (&["h:1", "x", "-4", "-s", "::1"], "exclude each other"),
    ] {
        refused(send(line), sentence);
    }
    let long = "x".repeat(65_508);
    refused(send(&["udp", "127.0.0.1:1", &long]), "a datagram over IPv4 holds 65,507 bytes");
    refused(send(&["udp", "127.0.0.1:1", &long[..65_497], "-P", "processed"]), "takes 65,496 bytes over IPv4");
    assert!(send(&["udp", "127.0.0.1:1", &long[..65_496], "-P", "processed"]).is_ok());
}

#[test]
fn a_bench_has_defaults_for_its_transport() {
    let tcp = bench(&["tcp"]).unwrap();
    assert_eq!((tcp.target.clone(), tcp.scheme, tcp.connections), (None, Scheme::Tcp, 50));
    assert_eq!(tcp.protocol.map(|row| row.name), Some("processed"));
    assert_eq!((tcp.until, tcp.load), (Until::Duration(Duration::from_secs(10)), Load::Length(64)));
    assert_eq!((tcp.rate, tcp.arrivals, tcp.repeat, tcp.seed), (None, Arrivals::Constant, 1, 0));
    assert!(!tcp.reconnect && tcp.limits.is_empty());
    let udp = bench(&["udp", "localhost:8080"]).unwrap();
    assert_eq!((udp.target, udp.connections), (Some(localhost(Scheme::Udp)), 1));
    assert!(udp.protocol.is_none());
    assert_eq!(bench(&["localhost:8080"]).unwrap().target, Some(localhost(Scheme::Tcp)));
    assert_eq!(bench(&["unix", "--datagram"]).unwrap().scheme, Scheme::Unixgram);
}

#[test]
fn every_flag_of_bench_arrives() {
    let plan = bench(&[
        "tcp",
        "h:1",
        "-P",
        "echo",
        "-c",
        "64",
        "-t",
        "2",
        "-d",
        "5s",
        "-l",
        "1K",
        "-r",
        "20k",
        "--arrivals",
        "poisson",
        "--in-flight",
        "8",
        "--ramp",
        "5s",
        "--omit",
        "1s",
        "-w",
        "3s",
        "--repeat",
        "4",
        "--seed",
        "7",
        "--fail-if",
        "p99>2ms",
        "--fail-if",
        "rate<9k",
        "-i",
        "1s",
        "-J",
        "--csv",
        "a.csv",
        "--hdr",
        "a.hdr",
        "-v",
    ])
    .unwrap();
    assert_eq!((plan.connections, plan.threads, plan.in_flight), (64, Some(2), Some(8)));
    assert_eq!((plan.until, plan.load), (Until::Duration(Duration::from_secs(5)), Load::Length(1024)));
    assert_eq!((plan.rate, plan.arrivals), (Some(20_000.0), Arrivals::Poisson));
    assert_eq!((plan.ramp, plan.omit), (Duration::from_secs(5), Duration::from_secs(1)));
    assert_eq!((plan.timeout, plan.repeat, plan.seed), (Some(Duration::from_secs(3)), 4, 7));
    let limits: Vec<_> = plan.limits.iter().map(|limit| limit.text.as_str()).collect();
    assert_eq!(limits, ["p99>2ms", "rate<9k"]);
    let report = plan.report;
    assert_eq!((report.interval, report.json, report.verbose), (Some(Duration::from_secs(1)), true, 1));
    assert_eq!((report.csv, report.hdr), (Some("a.csv".into()), Some("a.hdr".into())));
    assert_eq!(bench(&["tcp", "-n", "10k"]).unwrap().until, Until::Requests(10_000));
    assert!(bench(&["tcp", "--reconnect"]).unwrap().reconnect);
    assert!(bench(&["tcp", "-P", "daytime"]).unwrap().reconnect, "it answers once and closes");
    assert!(!bench(&["udp", "-P", "daytime"]).unwrap().reconnect);
}

#[test]
fn bit_rates_become_rates() {
    assert_eq!(bench(&["udp", "-b", "8M", "-l", "1000"]).unwrap().rate, Some(1000.0));
    assert_eq!(bench(&["tcp", "h:1", "-b", "80", "a", "bcd"]).unwrap().rate, Some(5.0));
}

#[test]
fn bench_refuses_what_makes_no_sense() {
    for (line, sentence) in [
        (&[][..], "bench needs a transport or a target"),
        (&["tcp", "-r", "1k", "-b", "1M"], "exclude each other"),
        (&["tcp", "-d", "1s", "-n", "5"], "exclude each other"),
        (&["tcp", "--json", "--json-stream"], "exclude each other"),
        (&["tcp", "h:1", "x", "-l", "5"], "exclude each other"),
        (&["tcp", "-l", "0"], "an empty message can't be seen on a stream"),
        (&["tcp", "h:1", ""], "an empty message can't be seen on a stream"),
        (&["udp", "-l", "7"], "--length 7 is too short"),
        (&["udp", "127.0.0.1:1", "-l", "65508"], "65,507"),
        (&["udp", "-l", "65497"], "processed takes 65,496 bytes over IPv4"),
        (&["tcp", "--framing", "int8", "-l", "300"], "the framing's limit of 255 bytes"),
        (&["tcp", "-P", "raw"], "raw has no server end"),
        (&["tcp", "h:1", "-p", "delay=1s"], "none is named"),
        (&["tcp", "--arrivals", "poisson"], "there is no rate"),
        (&["tcp", "-P", "chargen", "-r", "1k"], "chargen sends without being asked"),
        (&["tcp", "-P", "daytime", "-l", "9"], "daytime takes no data"),
        (&["udp", "--reconnect"], "datagrams have none"),
        (&["tcp", "--reconnect", "--in-flight", "2"], "--in-flight does not go with that"),
        (&["tcp", "--datagram"], "--datagram is for Unix sockets"),
        (&["tcp", "--fail-if", "nonsense"], "--fail-if"),
        (&["tcp", "-c", "0"], "it must be at least 1"),
    ] {
        refused(bench(line), sentence);
    }
    assert!(bench(&["tcp", "--framing", "int32", "-l", "0"]).is_ok());
    assert!(bench(&["udp", "[::1]:1", "-l", "65527"]).is_ok());
}

#[test]
fn a_command_line_can_be_typed_again() {
    let args = ["/bin/netproto", "bench", "tcp", "--fail-if", "p99>2ms", "it's", ""].map(OsString::from);
    assert_eq!(retyped(&args), r"netproto bench tcp --fail-if 'p99>2ms' 'it'\''s' ''");
}

#[test]
fn colour_is_glimpsed_before_parsing() {
    let glimpsed = |line: &[&str]| Color::glimpsed(&line.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(glimpsed(&["send", "--color", "never", "--help"]), Color::Never);
    assert_eq!(glimpsed(&["--color=always", "-h"]), Color::Always);
    assert_eq!(glimpsed(&["send", "--", "--color=always"]), Color::Auto);
    assert_eq!(glimpsed(&["--color", "pink"]), Color::Auto);
}

#[test]
fn every_value_has_an_example() {
    let mut tool = Cli::command();
    tool.build();
    for command in tool.get_subcommands() {
        for arg in command.get_arguments().filter(|arg| arg.get_action().takes_values() && arg.get_long().is_some()) {
            let name = arg.get_value_names().expect("a flag with a value names it")[0].as_str();
            let chosen = !arg.get_possible_values().is_empty() && arg.get_id() != "protocol" && arg.get_id() != "framing";
            assert!(chosen || usage::has_example(name), "{} {name}", command.get_name());
        }
    }
}
