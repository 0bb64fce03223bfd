//! What a row rides on, and its name in the place of a transport: what is typed becomes these plans, or these sentences.

use std::net::IpAddr;

use super::*;
use crate::{
    protocol::{ALL, Protocol, find},
    session::Rides,
};

/// `echo`, riding on these only.
fn riding(rides: &'static [Rides]) -> &'static Protocol {
    Box::leak(Box::new(Protocol { name: "narrow", rides, ..*find("echo").unwrap() }))
}

fn on_datagrams() -> &'static Protocol {
    riding(&[Rides::Datagrams])
}

fn on_streams() -> &'static Protocol {
    riding(&[Rides::Stream])
}

fn serve_plans(line: &str) -> Result<Vec<ServePlan>, Trouble> {
    match command(&[&["serve"], &*words(line)].concat())? {
        Command::Serve(args) => args.plans(false),
        other => panic!("{other:?}"),
    }
}

/// The same line with another row.
fn serve_plans_of(row: &'static Protocol, line: &str) -> Result<Vec<ServePlan>, Trouble> {
    match command(&[&["serve", "echo"], &*words(line)].concat())? {
        Command::Serve(args) => args.plans_of(row, false),
        other => panic!("{other:?}"),
    }
}

fn schemes(plans: &[ServePlan]) -> Vec<Scheme> {
    plans.iter().map(|plan| plan.listen.scheme).collect()
}

#[test]
fn a_row_goes_over_what_it_rides_on_and_nothing_else() {
    let transports = [("tcp", "h:1", ""), ("udp", "h:1", ""), ("unix", "/tmp/s", ""), ("unix", "/tmp/s", "--datagram")];
    for row in ALL.iter().copied().chain([on_datagrams(), on_streams()]) {
        for (transport, place, datagram) in transports {
            let rides = if transport == "udp" || datagram == "--datagram" { Rides::Datagrams } else { Rides::Stream };
            let line = format!("{transport} {place} {datagram}");
            let Command::Send(mut send) = command(&[&["send"], &*words(&line)].concat()).unwrap() else { panic!() };
            send.protocol.protocol = Some(row);
            let Command::Bench(mut bench) = command(&[&["bench"], &*words(&line)].concat()).unwrap() else { panic!() };
            bench.protocol.protocol = Some(row);
            let (talks, loads) = (send.plan().map(drop), bench.plan(String::new()).map(drop));
            if row.rides_on(rides) {
                assert_eq!((talks.err(), loads.err()), (None, None), "{} {line}", row.name);
            } else {
                refused(talks, &format!("{} does not ride on", row.name));
                refused(loads, &format!("{} does not ride on", row.name));
            }
        }
    }
}

#[test]
fn a_server_of_one_transport_needs_a_row_that_rides_on_it() {
    let Command::ServeTcp(mut tcp) = command(&["serve-tcp", "0"]).unwrap() else { panic!() };
    let Command::ServeUdp(mut udp) = command(&["serve-udp", "0"]).unwrap() else { panic!() };
    let Command::ServeUnix(mut unix) = command(&["serve-unix", "/tmp/s"]).unwrap() else { panic!() };
    for row in [&mut tcp.protocol, &mut udp.protocol, &mut unix.protocol] {
        row.protocol = Some(on_datagrams());
    }
    refused(tcp.plan(false), "narrow does not ride on streams, and this is TCP");
    refused(unix.plan(false), "narrow does not ride on streams, and this is a Unix socket");
    assert!(udp.plan(false).is_ok());
    tcp.protocol.protocol = Some(on_streams());
    udp.protocol.protocol = Some(on_streams());
    assert!(tcp.plan(false).is_ok());
    refused(udp.plan(false), "narrow does not ride on datagrams, and this is UDP");
}

#[test]
fn a_row_on_datagrams_goes_by_udp_where_nobody_says() {
    let Command::Send(mut send) = command(&["send", "localhost", "x"]).unwrap() else { panic!() };
    send.protocol.protocol = Some(on_datagrams());
    assert_eq!(send.plan().unwrap().target, at(Scheme::Udp, Host::Name("localhost".into()), 7));
    let Command::Bench(mut bench) = command(&["bench", "localhost"]).unwrap() else { panic!() };
    bench.protocol.protocol = Some(on_datagrams());
    assert_eq!(bench.plan(String::new()).unwrap().scheme, Scheme::Udp);
}

#[test]
fn a_name_stands_for_its_transport_and_its_port() {
    for row in ALL {
        let scheme = if row.usual() == Rides::Stream { Scheme::Tcp } else { Scheme::Udp };
        let place = |port| at(scheme, Host::Name("localhost".into()), port);
        let named = [row.name, "localhost:8080"];
        let (sent, loaded) = (send_plan(&named).unwrap(), bench_plan(&named).unwrap());
        assert_eq!((sent.target, sent.protocol.name), (place(8080), row.name));
        assert_eq!((loaded.target, loaded.protocol.map(|row| row.name)), (Some(place(8080)), Some(row.name)));
        let url = [format!("{}://localhost:8080/", row.name.to_uppercase())];
        assert_eq!(send_plan(&[&*url[0]]).unwrap().protocol.name, row.name);
        match row.port {
            Some(port) => assert_eq!(send_plan(&[row.name, "localhost"]).unwrap().target, place(port)),
            None => refused(send_plan(&[row.name, "localhost"]), "the port of \"localhost\" is missing"),
        }
        match row.server {
            Some(_) => assert_eq!(bench_plan(&[row.name]).unwrap().scheme, scheme, "its own server"),
            None => refused(bench_plan(&[row.name]), "has no server end"),
        }
    }
}

#[test]
fn a_name_leaves_the_transport_to_who_says_it() {
    for (line, target, name) in [
        ("udp localhost:8080 -P echo", localhost(Scheme::Udp), "echo"),
        ("echo udp://localhost:8080", localhost(Scheme::Udp), "echo"),
        ("udp echo://localhost:8080", localhost(Scheme::Udp), "echo"),
        ("echo unix:/tmp/s", path(Scheme::Unix, "/tmp/s"), "echo"),
        ("echo unix:/tmp/s --datagram", path(Scheme::Unixgram, "/tmp/s"), "echo"),
        ("unix echo://x", path(Scheme::Unix, "echo://x"), "raw"),
        ("echo localhost:8080 -P echo", localhost(Scheme::Tcp), "echo"),
        ("discard discard://localhost:8080", localhost(Scheme::Tcp), "discard"),
    ] {
        let plan = send_plan(&words(line)).unwrap();
        assert_eq!((plan.target, plan.protocol.name), (target, name), "{line}");
    }
    for (line, sentence) in [
        ("echo localhost:1 -P discard", "echo and -P discard name different protocols"),
        ("echo://localhost:1 -P discard", "echo:// and -P discard name different protocols"),
        ("discard echo://localhost:1", "discard and echo:// name different protocols"),
        ("echo://localhost:1/a", "\"/a\" means nothing to echo"),
        ("ehco localhost:1", "unknown protocol \"ehco\""),
        ("ehco://localhost:1", "unknown transport \"ehco\""),
        ("echo localhost:1 --datagram", "--datagram is for Unix sockets"),
    ] {
        refused(send_plan(&words(line)), sentence);
        refused(bench_plan(&words(line)), sentence);
    }
}

#[test]
fn serve_has_a_plan_for_each_that_the_row_rides_on() {
    for row in ALL.iter().filter(|row| row.server.is_some()) {
        let plans = serve_plans(&format!("{} 8080", row.name)).unwrap();
        let wanted: Vec<_> = row.rides.iter().map(|rides| values::over(*rides)).collect();
        assert_eq!(schemes(&plans), wanted);
        for plan in plans {
            assert_eq!(plan.listen, at(plan.listen.scheme, Host::Loopback, 8080));
            assert_eq!((plan.protocol.name, plan.command), (row.name, format!("serve {}", row.name)));
        }
        match row.port {
            Some(port) => {
                assert_eq!(serve_plans(row.name).unwrap()[0].listen, at(wanted[0], Host::Loopback, port));
            }
            None => refused(serve_plans(row.name), "has no port of its own"),
        }
    }
    assert_eq!(schemes(&serve_plans_of(on_datagrams(), "0").unwrap()), [Scheme::Udp]);
    assert_eq!(schemes(&serve_plans_of(on_streams(), "0").unwrap()), [Scheme::Tcp]);
}

#[test]
fn each_flag_of_serve_arrives_where_it_applies() {
    let plans = serve_plans(
        "echo :8080 -p delay=20ms --framing lines -m 10 --max-connections-per-peer 3 --handshake-timeout 2s \
         --max-peers 5 --allow-amplification --no-loop-guard -i 30s -1 --grace 1s -t 2 -v --stats 1s -4 --ttl 9 \
         --no-nodelay --mss 1400 --broadcast --join 239.1.2.3 --send-buffer 64K",
    )
    .unwrap();
    let [tcp, udp] = &plans[..] else { panic!("{plans:?}") };
    for plan in [tcp, udp] {
        assert_eq!(plan.listen, at(plan.listen.scheme, Host::Any, 8080));
        assert_eq!(plan.setup.params.duration("delay"), Some(Duration::from_millis(20)));
        assert_eq!(plan.setup.framing, Framing::parse("lines", None).unwrap());
        assert_eq!((plan.idle_timeout, plan.once), (Some(Duration::from_secs(30)), true));
        assert_eq!((plan.grace, plan.threads, plan.family), (Duration::from_secs(1), Some(2), Some(Family::V4)));
        assert_eq!((plan.log.verbose, plan.log.stats), (1, Some(Duration::from_secs(1))));
        assert_eq!((plan.flags.ttl, plan.flags.send_buffer), (Some(9), Some(65_536)));
    }
    assert_eq!((tcp.max_connections, tcp.max_connections_per_peer), (Some(10), Some(3)));
    assert_eq!(tcp.handshake_timeout, Some(Duration::from_secs(2)));
    assert_eq!((tcp.flags.nodelay, tcp.flags.mss, tcp.flags.broadcast), (false, Some(1400), false));
    assert!(tcp.flags.join.is_empty(), "{:?}", tcp.flags);
    assert_eq!((udp.max_peers, udp.allow_amplification, udp.loop_guard), (5, true, false));
    assert_eq!((udp.flags.mss, udp.flags.broadcast), (None, true));
    assert_eq!(udp.flags.join, [IpAddr::V4(Ipv4Addr::new(239, 1, 2, 3))]);
}

#[test]
fn serve_refuses_what_makes_no_sense() {
    for (line, sentence) in [
        ("", "serve needs a protocol"),
        ("8080", "serve needs a protocol before the address"),
        ("ehco 8080", "unknown protocol \"ehco\""),
        ("raw 8080", "raw has no server end"),
        ("processed", "processed has no port of its own"),
        ("echo udp://:8080", "udp://:8080 has one"),
        ("echo unix:/tmp/s", "/tmp/s is a path"),
        ("echo 8080 -P echo", "serve has no -P"),
        ("qotd 8080 --framing lines", "qotd takes no framing"),
    ] {
        refused(serve_plans(line), sentence);
    }
    let Command::Serve(args) = command(&["serve", "echo", "0"]).unwrap() else { panic!() };
    refused(args.plans(true), "some were handed over");
    for flag in ["-m 3", "--max-connections-per-peer 3", "--handshake-timeout 1s", "--mss 1400", "--nodelay"] {
        refused(serve_plans_of(on_datagrams(), &format!("0 {flag}")), "is for streams, and narrow does not ride on them");
    }
    for flag in ["--max-peers 3", "--allow-amplification", "--no-loop-guard", "--broadcast", "--join 239.1.2.3"] {
        refused(serve_plans_of(on_streams(), &format!("0 {flag}")), "is for datagrams, and narrow does not ride on them");
    }
}
