//! `send`: what is typed becomes these plans, or these sentences.

use super::*;

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
        let plan = send_plan(line).unwrap();
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
        assert_eq!(send_plan(line).unwrap().data, data, "{line:?}");
    }
}

#[test]
fn every_flag_of_send_arrives() {
    let plan = send_plan(&[
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
    let hex = send_plan(&["h:1", "x", "--expect-hex", "0a 0b"]).unwrap().expect;
    assert!(matches!(hex, Some(Expect::Bytes { wanted, text: false }) if wanted[..] == [10, 11]));
    assert!(matches!(send_plan(&["h:1", "x", "--expect-re", "^o"]).unwrap().expect, Some(Expect::Regex(_))));
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
        refused(send_plan(line), sentence);
    }
    let long = "x".repeat(65_508);
    refused(send_plan(&["udp", "127.0.0.1:1", &long]), "a datagram over IPv4 holds 65,507");
    refused(send_plan(&["udp", "127.0.0.1:1", &long[..65_497], "-P", "processed"]), "processed over IPv4 takes 65,496");
    assert!(send_plan(&["udp", "127.0.0.1:1", &long[..65_496], "-P", "processed"]).is_ok());
}
