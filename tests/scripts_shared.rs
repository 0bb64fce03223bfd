//! Scripts that keep a server busy: others are answered all the same, it can be stopped, and what is wrong at the end is told.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::{Read, Write},
    net::{TcpStream, UdpSocket},
    time::{Duration, Instant},
};

use rustix::process::Signal;
use support::{Folder, PATIENCE, Server, netproto};

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.addr()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Holds its thread for about a second: a table grows whose keys collide, again and again.
const HOLDS: &str = "function server.input(c, input)
  input:everything()
  for j = 1, 1000 do local t = {} for i = 1, 16385 do t[i * 32767] = 1 end end
end";

#[test]
fn a_server_whose_thread_is_held_is_stopped_by_a_second_signal() {
    let folder = Folder::new("shared-stop");
    let path = folder.file("holds.lua", HOLDS);
    for kind in ["serve-tcp", "serve-udp"] {
        let mut server = Server::start(&[kind, "127.0.0.1:0", "-P", &path, "-t", "1"]);
        // Each of them holds the thread for a second.
        let mut streams = Vec::new();
        if kind == "serve-tcp" {
            streams.extend((0..30).map(|_| connect(&server)));
            for stream in &mut streams {
                stream.write_all(b"go").unwrap();
            }
        } else {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            (0..30).for_each(|_| assert_eq!(socket.send_to(b"go", server.addr()).unwrap(), 2));
        }
        std::thread::sleep(Duration::from_millis(300));
        let signalled = Instant::now();
        server.process.signal(Signal::TERM);
        std::thread::sleep(Duration::from_millis(100));
        server.process.signal(Signal::TERM);
        server.process.wait().code(0);
        // A fraction of a second is usual, and half a minute is what there is to do.
        assert!(signalled.elapsed() < Duration::from_secs(5), "{kind}: {:?}", signalled.elapsed());
    }
}

#[test]
fn many_wakes_of_one_session_let_others_in_between() {
    let folder = Folder::new("shared-wakes");
    let path = folder.file(
        "wakes.lua",
        "function server.input(c, input)
           for line in input:lines() do
             if line == 'many' then for i = 1, 1000 do c:wake(0) end else c:line('pong') end
           end
         end
         function server.wake(c) for i = 1, 150000 do end c:wake(0) end",
    );
    let server = Server::start(&["serve-tcp", "127.0.0.1:0", "-P", &path, "-t", "1"]);
    let mut busy = connect(&server);
    busy.write_all(b"many\n").unwrap();
    let mut beside = connect(&server);
    let from = Instant::now();
    for _ in 0..10 {
        beside.write_all(b"ping\n").unwrap();
        beside.read_exact(&mut [0; 6]).unwrap();
    }
    // All wakes together take seconds each time round.
    assert!(from.elapsed() < Duration::from_secs(3), "ten answers took {:?}", from.elapsed());
}

#[test]
fn peers_that_never_read_do_not_fill_memory() {
    let folder = Folder::new("shared-unread");
    let path = folder.file(
        "unread.lua",
        "function server.open(c) local s = ('x'):rep(1 << 20) for i = 1, 3 do c:write(s) end end
         function server.input(c, input) end",
    );
    let server = Server::start(&["serve-tcp", "127.0.0.1:0", "-P", &path, "-t", "1"]);
    let streams: Vec<_> = (0..60).map(|_| connect(&server)).collect();
    std::thread::sleep(Duration::from_millis(500));
    let resident = support::proc::rss_kib(server.process.pid);
    assert!(resident < 96 * 1024, "{resident} KiB");
    drop(streams);
}

#[test]
fn an_error_at_the_end_of_a_session_is_told_once() {
    let folder = Folder::new("shared-closed");
    let path = folder.file(
        "closed.lua",
        "function server.input(c, input) c:write(input:everything()) end
         function server.closed(c, how)
           local x = nil
           x.y = 1
         end",
    );
    let mut server = Server::start(&["serve", &path, "127.0.0.1:0"]);
    for _ in 0..2 {
        netproto(&["send", "tcp", &server.at(), "-P", "raw", "x"]).run().code(0).gave("x");
    }
    let output = server.stop();
    let log = &output.code(0).stderr;
    assert_eq!(log.matches("closed.lua:4: attempt to index a nil value (local 'x')").count(), 1, "{log}");
}

#[test]
fn who_only_listens_keeps_its_half_open() {
    let folder = Folder::new("shared-tick");
    let path = folder.file(
        "tick.lua",
        "rides = 'streams' takes = 'nothing' answers = 'endless'
         function server.open(c) c:wake(0.05) end
         function server.wake(c) c:line('tick') c:wake(0.05) end
         function client.input(c, input) for line in input:lines() do c:body(line) c:unsolicited(line) end end",
    );
    let server = Server::start(&["serve-tcp", "127.0.0.1:0", "-P", &path]);
    let output = netproto(&["send", "tcp", &server.at(), "-P", &path, "--replies", "3", "-w", "20"]).run();
    assert!(output.code(0).text().matches("tick").count() >= 3, "{}", output.text());
    let output = netproto(&["bench", "tcp", "-P", &path]).run();
    let text = &output.code(2).stderr;
    assert!(text.contains("nothing to time") && text.contains("netproto send listens to it"), "{text}");
    assert!(!text.contains("bench udp"), "{text}");
}

#[test]
fn a_script_does_not_amplify_unless_it_says_so() {
    let folder = Folder::new("shared-larger");
    let larger = "function server.input(c, input)
       if input:everything() == 'more' then c:write(('x'):rep(1000)) else c:write('pong') end
     end";
    let path = folder.file("larger.lua", larger);
    let ask = |server: &Server, what: &[u8]| {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = server.addr().port();
        socket.connect(("127.0.0.1", port)).unwrap();
        socket.send(what).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        socket.recv(&mut [0; 2000]).ok()
    };
    let mut open = Server::start(&["serve-udp", "0.0.0.0:0", "-P", &path]);
    assert_eq!((ask(&open, b"ping"), ask(&open, b"more")), (Some(4), None));
    let output = open.stop();
    let log = &output.code(0).stderr;
    assert!(log.contains("larger answers with more than 3 times what came: dropped"), "{log}");
    assert!(log.contains("amplifies = true in the script"), "{log}");
    let here = Server::start(&["serve-udp", "127.0.0.1:0", "-P", &path]);
    assert_eq!(ask(&here, b"more"), Some(1000));
    let said = folder.file("said.lua", format!("amplifies = true\n{larger}"));
    let open = Server::start(&["serve-udp", "0.0.0.0:0", "-P", &said, "--allow-amplification"]);
    assert_eq!(ask(&open, b"more"), Some(1000));
}
