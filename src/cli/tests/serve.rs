//! `serve-*`: what is typed becomes these plans, or these sentences.

use super::*;

#[test]
fn a_server_has_calm_defaults() {
    let plan = serve_plan(&["serve-tcp", "8080"]).unwrap();
    assert_eq!(plan.listen, at(Scheme::Tcp, Host::Loopback, 8080));
    assert_eq!(plan.protocol.name, "processed");
    assert_eq!((plan.grace, plan.once, plan.loop_guard), (Duration::from_secs(5), false, true));
    assert!(plan.flags.nodelay && !plan.allow_amplification && plan.max_connections.is_none());
    assert_eq!((plan.log.form, plan.log.verbose), (LogForm::Text, 0));
}

#[test]
fn every_flag_of_a_server_arrives() {
    let plan = serve_plan(&words(
        "serve-tcp :8080 -P echo -p delay=20ms --framing lines --max-frame 1K -m 10k \
         --max-connections-per-peer 3 -i 30s --handshake-timeout 2s -1 -vv -x -J --stats 1s --grace 0 -t 2 -4 \
         --dscp EF --ttl 9 --interface lo --no-nodelay --mss 1400 --congestion reno --keepalive 60s \
         --send-buffer 64K --recv-buffer 1M",
    ))
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
    let plan = serve_plan(&words(
        "serve-udp 0 --max-peers 5 --allow-amplification --no-loop-guard --broadcast --join 239.1.2.3 -6",
    ))
    .unwrap();
    assert_eq!((plan.max_peers, plan.allow_amplification, plan.loop_guard), (5, true, false));
    assert_eq!(plan.flags.join, [std::net::IpAddr::V4(Ipv4Addr::new(239, 1, 2, 3))]);
    assert!(plan.flags.broadcast && plan.family == Some(Family::V6));
    let unix = serve_plan(&["serve-unix", "--datagram", "/tmp/s"]).unwrap();
    assert_eq!(unix.listen, path(Scheme::Unixgram, "/tmp/s"));
    assert_eq!(serve_plan(&["serve-unix", "/tmp/s"]).unwrap().listen, path(Scheme::Unix, "/tmp/s"));
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
        refused(serve_plan(line), sentence);
    }
}

#[test]
fn parameters_that_would_mean_nothing_beside_others_are_refused() {
    let refusal = |line: &str| serve_plan(&words(line)).map(drop).unwrap_err().sentence;
    assert_eq!(refusal("serve-tcp 0 -P http -p root=. -p status=503"), "http: root and status exclude each other");
    assert_eq!(refusal("serve-tcp 0 -P http -p body=x -p echo=true"), "http: echo and body exclude each other");
    serve_plan(&words("serve-tcp 0 -P http -p root=. -p echo=false")).unwrap();
    serve_plan(&words("serve-tcp 0 -P http -p status=503 -p body=x")).unwrap();
}

/// What was meant is named, with the parameters of the protocol on the line before flags that merely look alike.
#[test]
fn what_was_typed_in_another_way_is_named() {
    for (line, hint) in [
        ("serve dns 0 --zone z.txt", "-p zone=z.txt"),
        ("serve dns 0 --zone=z.txt", "-p zone=z.txt"),
        ("serve-udp 0 --protocol=dns --zone", "-p zone=FILE"),
        ("serve http 0 --root .", "-p root=."),
        ("serve-tcp 0 -Phttp --echo", "-p echo=true"),
        ("serve http 0 -p root", "for example: -p root=DIR"),
        ("serve dns 0 -p whatever", "for example: -p zone=FILE"),
        ("serve discard 0 -p x", "discard has no parameters here"),
        ("serve udp 8080", "for it alone: serve-udp 8080"),
        ("serve tcp 8080", "for it alone: serve-tcp 8080"),
        ("serve unix /tmp/s", "for a Unix socket: serve-unix PATH"),
        ("serve dns://127.0.0.1:0", "try: serve dns 127.0.0.1:0"),
        ("serve DNS://127.0.0.1:0/", "try: serve dns 127.0.0.1:0"),
    ] {
        let trouble = command(&words(line)).expect_err(line);
        assert_eq!(trouble.hint.as_deref(), Some(hint), "{line}: {trouble}");
    }
    let refusal = |line: &str| serve_plan(&words(line)).map(drop).unwrap_err().sentence;
    assert_eq!(refusal("serve-tcp 0 -P http -p status=503 -p status=502"), "http: status is given twice");
    assert!(refusal("serve-udp 0 -P dns -p ttl=500ms").contains("ttl can't be \"500ms\": it counts whole seconds"));
}
