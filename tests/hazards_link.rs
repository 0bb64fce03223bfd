//! Links that fail: one that is down for a while, and a network that loses, doubles, swaps and damages packets.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{thread, time::Duration};

use serde_json::Value;
use support::{
    Network, PATIENCE, Run, Server, netproto, noise,
    relay::{FAR, Relay},
    report::count,
};

/// A server on one side of a link.
fn serves(run: Run) -> Server {
    Server::start_by(run)
}

#[test]
fn a_link_that_is_down_for_five_seconds_costs_no_byte() {
    let Some((near, far)) = Network::pair() else { return };
    let server = serves(far.inside(netproto(&["serve-tcp", "10.7.0.2:0", "-P", "echo"])));
    let data = noise(16 << 20);
    let (first, second) = data.split_at(data.len() / 2);
    let second = second.to_vec();
    let mut client = near.inside(netproto(&["send", &server.at()])).stdin_open().spawn();
    client.say(first);
    let answers = client.stdout.clone();
    let came = |least: usize| answers.wait_for(PATIENCE, |bytes| (bytes.len() >= least).then_some(bytes.len()));
    came(first.len() / 2).expect("the first answers");

    near.sh("ip link set v0 down");
    let writer = thread::spawn(move || {
        client.say(&second);
        client.close_stdin();
        client
    });
    // The outage itself, which is to be longer than the first few retransmissions (RFC 6298, section 5).
    thread::sleep(Duration::from_secs(5));
    let before = came(0).unwrap();
    near.sh("ip link set v0 up");

    let mut client = writer.join().unwrap();
    let output = client.wait();
    output.code(0);
    assert!(before <= first.len(), "{before} bytes had come: the link was not down in mid transfer");
    assert!(output.stdout == data, "what came back differs, {} of {} bytes", output.stdout.len(), data.len());
}

/// Each fault the relay knows has happened.
#[track_caller]
fn faults_happened(did: &Value) {
    for fault in ["lost", "duplicated", "reordered", "corrupted"] {
        assert!(count(did, &format!("/{fault}")) > 0, "no packet was {fault}: {did}");
    }
}

#[test]
fn four_mib_each_way_through_a_bad_network() {
    // Loss 2 %, duplicates 1 %, reordering 15 %, damage 0.5 %, up to 1 ms of jitter.
    let Some(mut relay) = Relay::new(&["random", "2", "1", "15", "0.5", "1", "7"]) else { return };
    let server = serves(relay.there(netproto(&["serve-tcp", &format!("{FAR}:0"), "-P", "echo"])));
    let data = noise(4 << 20);
    let sent = relay.here(netproto(&["send", "tcp", &server.at()])).stdin(data.clone()).run();
    sent.code(0);
    assert!(sent.stdout == data, "what came back differs, {} of {} bytes", sent.stdout.len(), data.len());
    let did = relay.did();
    faults_happened(&did);
    println!("{did}, {:?}", sent.took);
}

#[test]
fn what_happens_to_datagrams_is_counted_exactly() {
    // Its network is its own, and so is each port there.
    let Some(mut relay) = Relay::new(&["counted", "7007"]) else { return };
    let server = serves(relay.there(netproto(&["serve-udp", &format!("{FAR}:7007"), "-P", "echo"])));
    let args = ["bench", "udp", &server.at(), "-P", "echo", "-n", "1000", "-r", "2k", "-w", "500ms", "-J"];
    let output = relay.here(netproto(&args)).run();
    let report = output.code(0).json();
    let did = relay.did();
    faults_happened(&did);
    assert_eq!(count(&did, "/answers"), 1000, "{did}");
    for fault in ["lost", "duplicated", "reordered", "corrupted"] {
        let (told, done) = (count(&report, &format!("/datagrams/{fault}")), count(&did, &format!("/{fault}")));
        assert_eq!(told, done, "{fault}\n{did}\n{output}");
    }
    assert_eq!(count(&report, "/datagrams/late"), 0, "{output}");
    let right = 1000 - count(&did, "/lost") - count(&did, "/corrupted");
    assert_eq!(count(&report, "/requests"), right, "{output}");
}
