//! Scripts as people use them: served, talked and loaded by the built program, and what their mistakes come to.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use support::{Folder, PATIENCE, Server, netproto, proc};

/// Answers lines; some words make trouble.
const TROUBLE: &str = r#"
function server.input(c, input)
  for line in input:lines() do
    if line == "loop" then while true do pcall(function() while true do end end) end end
    if line == "pattern" then local x = ("a"):rep(300):find((".-"):rep(5) .. "b") end
    if line == "huge" then local x = ("x"):rep(1e10) end
    if line == "nil" then local x = nil; x.y = 1 end
    c:line("Processed: " .. line)
  end
end
"#;

const CLIENT: &str = r#"
function client.submit(c, seq, body)
  if body == "fail" then error("the client can't say that") end
  c:line(body)
end
function client.input(c, input)
  for line in input:lines() do
    c:body(line)
    if line == "Processed: " .. (c:awaited() or "") then c:right() else c:wrong("it is not what was said") end
  end
end
"#;

fn script(folder: &Folder, name: &str) -> String {
    folder.file(name, format!("{TROUBLE}{CLIENT}"))
}

#[test]
fn a_script_that_fails_ends_its_own_session_and_says_where_once() {
    let folder = Folder::new("scripts-fail");
    let path = script(&folder, "trouble.lua");
    let mut server = Server::start(&["serve-tcp", "127.0.0.1:0", "-P", &path]);
    let mut beside = TcpStream::connect(server.addr()).unwrap();
    beside.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut ping = |word: &str| {
        beside.write_all(format!("{word}\n").as_bytes()).unwrap();
        let mut answer = vec![0; "Processed: \r\n".len() + word.len()];
        beside.read_exact(&mut answer).unwrap();
        assert_eq!(String::from_utf8_lossy(&answer), format!("Processed: {word}\r\n"));
    };
    let told = [
        ("loop", "trouble.lua:4: a call took more than 1,000,000 steps"),
        ("pattern", "trouble.lua:5: a call took more than 1,000,000 steps"),
        ("huge", "trouble.lua:6: a string of 10,000,000,000 bytes needs more memory than 8 MiB, or 1 MiB at once"),
        ("nil", "trouble.lua:7: attempt to index a nil value (local 'x')"),
    ];
    for (word, _) in told.iter().chain(&told) {
        let mut stream = TcpStream::connect(server.addr()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(format!("{word}\n").as_bytes()).unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"", "{word}: the session ends without an answer");
        ping("still there");
    }
    drop(beside);
    let log = server.stop().stderr;
    for (word, sentence) in told {
        assert_eq!(log.matches(sentence).count(), 1, "{word} is told once:\n{log}");
    }
    assert_eq!(log.matches("hint: ").count(), told.len(), "{log}");
}

#[test]
fn every_role_takes_a_script_over_tcp_and_udp() {
    let folder = Folder::new("scripts-roles");
    let path = script(&folder, "roles.lua");
    let server = Server::start(&["serve", &path, "127.0.0.1:0"]);
    let at = server.at();
    for words in [["send", "tcp"], ["send", "udp"]] {
        let output = netproto(&words).args(&[&at, "-P", &path, "hello"]).run();
        assert!(output.code(0).text().contains("Processed: hello"), "{words:?}");
    }
    assert!(netproto(&["send", &path, &at, "hello"]).run().code(0).text().contains("Processed: hello"));
    for kind in ["tcp", "udp"] {
        let output = netproto(&["bench", kind, &at, "-P", &path, "-n", "200", "-c", "2", "-J"]).run();
        let report = output.code(0).json();
        assert_eq!((&report["requests"], &report["failures"]["total"]), (&200.into(), &0.into()), "{report}");
    }
}

#[test]
fn a_clients_own_mistake_is_told_with_a_hint() {
    let folder = Folder::new("scripts-client");
    let path = script(&folder, "mine.lua");
    let server = Server::start(&["serve-tcp", "127.0.0.1:0", "-P", &path]);
    let output = netproto(&["send", "tcp", &server.at(), "-P", &path, "fail"]).run();
    let text = &output.code(1).stderr;
    assert!(text.contains("mine.lua:13: the client can't say that") && text.contains("hint: "), "{text}");
    let wrong = folder.file("wrong.lua", "function server.input(c, input) c:line('no') input:everything() end");
    let other = Server::start(&["serve-tcp", "127.0.0.1:0", "-P", &wrong]);
    netproto(&["send", "tcp", &other.at(), "-P", &path, "x"]).run().code(3).said("it is not what was said");
    let report = netproto(&["bench", "tcp", &server.at(), "-P", &path, "-n", "3", "-c", "1", "-J", "fail"]).run();
    let report = report.code(1).json();
    assert!(report.pointer("/failures/own_fault").is_some_and(|count| count.as_u64() > Some(0)), "{report}");
}

#[test]
fn what_can_not_be_used_is_told_before_anything_is_opened() {
    let folder = Folder::new("scripts-unusable");
    let broken = folder.file("broken.lua", "function server.input(c\n");
    let empty = folder.file("empty.lua", "");
    for (args, part) in [
        (["serve-tcp", "0", "-P", &broken], "broken.lua:2: ')' expected near <eof>"),
        (["serve-tcp", "0", "-P", &empty], "empty.lua defines no end of a protocol"),
        (["serve-tcp", "0", "-P", "./none.lua"], "could not read ./none.lua: no such file or directory"),
        (["serve-tcp", "0", "-P", "/tmp/"], "could not read /tmp/: is a directory"),
        (["send", &broken, "localhost:1", "x"], "broken.lua:2:"),
        (["bench", "tcp", "-P", &broken], "broken.lua:2:"),
    ] {
        let output = netproto(&args).run();
        let text = &output.code(2).stderr;
        assert!(text.contains(part) && text.contains("hint: ") && !text.contains("listening"), "{args:?}: {text}");
    }
}

#[test]
fn sessions_stay_on_their_thread_and_all_threads_serve() {
    let folder = Folder::new("scripts-threads");
    // Each state counts its own connections.
    let path = folder.file(
        "threads.lua",
        "local n = 0\nfunction server.open(c) n = n + 1 c.n = n c:line('hello') end
         function server.input(c, input) for line in input:lines() do c:line(line .. ' ' .. c.n) end end",
    );
    let mut server = Server::start(&["serve-tcp", "127.0.0.1:0", "-P", &path, "-t", "4", "-v"]);
    let mut streams: Vec<_> = (0..40).map(|_| TcpStream::connect(server.addr()).unwrap()).collect();
    let mut numbers = Vec::new();
    for stream in &mut streams {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut greeting = [0; 7];
        stream.read_exact(&mut greeting).unwrap();
        for _ in 0..3 {
            stream.write_all(b"x\n").unwrap();
            let mut answer = [0; 64];
            let n = stream.read(&mut answer).unwrap();
            let answer = String::from_utf8_lossy(&answer[..n]).into_owned();
            numbers.push(answer.trim().strip_prefix("x ").unwrap().parse::<u32>().unwrap());
        }
    }
    assert_eq!(numbers.iter().max(), Some(&10), "40 connections are spread evenly over four states: {numbers:?}");
    assert!(proc::threads(server.process.pid) >= 4);
    drop(streams);
    let output = server.stop();
    let text = &output.code(0).stderr;
    assert!(!text.contains("has left its thread") && text.contains("40 connections"), "{text}");
}

#[test]
fn a_script_over_udp_stays_on_its_thread_too() {
    let folder = Folder::new("scripts-udp-threads");
    let path = script(&folder, "udp.lua");
    let server = Server::start(&["serve-udp", "127.0.0.1:0", "-P", &path, "-t", "3"]);
    let output = netproto(&["bench", "udp", &server.at(), "-P", &path, "-n", "300", "-c", "3", "-J"]).run();
    let report = output.code(0).json();
    assert_eq!(report.pointer("/failures/total"), Some(&0.into()), "{report}");
}

#[test]
fn who_asks_to_be_woken_at_once_again_and_again_is_not_alone() {
    let folder = Folder::new("scripts-wake");
    let path = folder.file(
        "wake.lua",
        "function server.input(c, input)
           local said = input:everything()
           if said == 'again' then c:wake(0) end
           c:write(said)
         end
         function server.wake(c) c:wake(0) end",
    );
    for kind in ["udp", "tcp"] {
        let mut server = Server::start(&[&format!("serve-{kind}"), "127.0.0.1:0", "-P", &path, "-t", "1"]);
        netproto(&["send", kind, &server.at(), "-P", "raw", "-w", "30", "-n", "1", "again"]).run().code(0).gave("again");
        if kind == "udp" {
            netproto(&["send", kind, &server.at(), "-P", "raw", "-w", "30", "-n", "1", "other"]).run().code(0).gave("other");
        }
        server.stop().code(0);
    }
}
