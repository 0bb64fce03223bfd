//! Networks that are not as they should be, in namespaces of their own: no route, and loss.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use support::{Network, Server, netproto, noise, peer};

#[test]
fn unreachable_is_told() {
    let Some(network) = Network::new("ip route add unreachable 10.77.0.0/16") else { return };
    let output = network.inside(netproto(&["send", "tcp", "10.77.1.1:80", "x"])).run();
    output.code(1).said("netproto: ").said("10.77.1.1:80").said("no route to host");
    let output = network.inside(netproto(&["send", "udp", "10.77.1.1:80", "x"])).run();
    output.code(1).said("netproto: ").said("no route to host");
}

#[test]
fn four_mib_each_way_under_loss() {
    let Some(_) = peer("nft") else { return };
    let script = "ip link set lo mtu 1500; nft add table inet t; nft 'add chain inet t in { type filter hook input priority 0; }'; \
                  nft add rule inet t in meta l4proto tcp numgen random mod 100 lt 2 drop";
    let Some(network) = Network::new(script) else { return };
    let server = Server::start_by(network.inside(netproto(&["serve-tcp", "127.0.0.1:0", "-P", "echo"])));
    let data = noise(4 << 20);
    let sent = network.inside(netproto(&["send", &server.at()])).stdin(data.clone()).run();
    sent.code(0);
    assert!(sent.stdout == data, "what came back differs");
}

#[test]
fn lost_datagrams_are_counted_not_waited_for() {
    let Some(_) = peer("nft") else { return };
    let script = "nft add table inet t; nft 'add chain inet t in { type filter hook input priority 0; }'; \
                  nft add rule inet t in udp dport 7777 numgen inc mod 10 0 drop";
    let Some(network) = Network::new(script) else { return };
    let server = Server::start_by(network.inside(netproto(&["serve-udp", "127.0.0.1:7777", "-P", "echo"])));
    // One by one: what the system carries joined, as answers may be, it also drops joined.
    let args = ["bench", "udp", &server.at(), "-P", "echo", "-n", "500", "-r", "2k", "-w", "300ms", "-J", "--no-gso"];
    let output = network.inside(netproto(&args)).run();
    let report = output.code(0).json();
    let (right, lost) = (support::report::count(&report, "/requests"), support::report::count(&report, "/datagrams/lost"));
    // Every tenth request is dropped.
    assert_eq!((right, lost), (450, 50), "{output}");
}
