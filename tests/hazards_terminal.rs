//! What a peer says is never obeyed by a terminal, and never forges a line.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::Write,
    net::{Shutdown, SocketAddr, UdpSocket},
    time::Duration,
};

use support::{
    nasty,
    net::{self, connect, datagrams, no_datagram, receive, serve, to_end},
    netproto,
    pty::{forges_nothing, obeys_nothing, on_a_terminal, screen},
};

/// Pieces as in the Big List of Naughty Strings: what has broken a terminal, a log or a parser somewhere.
fn naughty() -> Vec<Vec<u8>> {
    let mut list: Vec<Vec<u8>> = [
        "\x1b]0;title\x07",
        "\x1b[2J\x1b[H",
        "\x1b[31;1mred",
        "\x1bP$q\"p\x1b\\",
        "\x1b]52;c;cm0gLXJmIH4=\x07",
        "\x1b]8;;http://evil/\x07link\x1b]8;;\x07",
        "\x1b[6n\x1b[c\x1b[21t",
        "\u{9b}31m\u{9d}0;x\u{9c}",
        "\u{202e}dlrow\u{202c} \u{2066}x\u{2069} \u{200f}",
        "\u{200b}\u{feff}\u{2028}\u{2029}\u{ad}",
        "\u{e0041}\u{e007f}",
        "%n%s%x{}{0}${HOME}`id`$(id)",
        "\r2026-01-01 forged\n2026-01-01 forged\r\n",
        "\x08\x08\x08\x7f\x0e\x0f\x05\x11\x13",
        "\0nul\0",
        "ﷺ 𝕋𝕙𝕖 \u{0489}Z̮̞̠͙͔ͅḀ̗̞͈̻̗Ḷ͙͎̯̹̞͓G̻O̭̗̮",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    list.extend([b"\x9b31m\x90\x9d\x85".to_vec(), b"\xc0\x9b\xe2\x28\xa1\xff\xfe".to_vec(), nasty()]);
    list
}

#[test]
fn send_shows_it_escaped_on_a_terminal() {
    let all = naughty().concat();
    let said = all.clone();
    let addr = serve(move |mut stream| {
        to_end(&mut stream);
        stream.write_all(&said).unwrap();
    });
    for args in [&[][..], &["-v"], &["-vv"], &["-x"], &["-J"], &["--expect", "something else"]] {
        let mut session = on_a_terminal(&[&["send", "tcp", &addr.to_string(), "hi"], args].concat());
        let screen = screen(&mut session);
        assert!(screen.len() > 100, "{}", screen.escape_ascii());
        obeys_nothing(&screen);
    }
    // Asked for, and into a file or a pipe, it is what it is.
    netproto(&["send", &addr.to_string(), "hi"]).run().code(0).gave(&all);
    let mut session = on_a_terminal(&["send", "tcp", &addr.to_string(), "hi", "--raw"]);
    assert!(screen(&mut session).contains(&0x1b));
}

#[test]
fn send_shows_datagrams_escaped_too() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let at = socket.local_addr().unwrap().to_string();
    let server = std::thread::spawn(move || {
        let mut bytes = [0; 100];
        let (_, from) = socket.recv_from(&mut bytes).unwrap();
        socket.send_to(&naughty().concat(), from).unwrap();
    });
    let mut session = on_a_terminal(&["send", "udp", &at, "hi"]);
    obeys_nothing(&screen(&mut session));
    server.join().unwrap();
}

/// Where a server on a terminal listens.
/// A conversation goes on when one of its datagrams is not answered.
#[test]
fn who_types_datagrams_may_take_their_time() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    silent.set_read_timeout(Some(support::PATIENCE)).unwrap();
    let mut session = on_a_terminal(&["send", "udp", &silent.local_addr().unwrap().to_string()]);
    session.send_line("first").unwrap();
    assert_eq!(receive(&silent).unwrap(), b"first\n");
    // Longer than datagrams are waited for otherwise.
    assert!(no_datagram(&silent, Duration::from_millis(1200)));
    session.send_line("second").unwrap();
    assert_eq!(receive(&silent).unwrap(), b"second\n");
    session.send_control('d').unwrap();
    assert!(String::from_utf8_lossy(&screen(&mut session)).contains("0 of 2 datagrams answered"));
}

fn address(session: &mut rexpect::session::PtySession) -> SocketAddr {
    let (_, line) = session.exp_regex("listening on [a-z]+ 127.0.0.1:[0-9]+").unwrap();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn a_server_shows_it_escaped_on_a_terminal() {
    for (args, framing) in
        [(&["-v"][..], "raw"), (&["-vv"], "raw"), (&["-x"], "raw"), (&["-J", "-vv"], "raw"), (&["-v"], "netstring")]
    {
        let mut session = on_a_terminal(&[&["serve-tcp", "127.0.0.1:0", "-1", "--framing", framing], args].concat());
        let mut stream = connect(address(&mut session));
        for text in naughty() {
            // One of the framings has ended it by now.
            let _ = stream.write_all(&text);
        }
        let _ = stream.shutdown(Shutdown::Write);
        let _ = std::io::Read::read_to_end(&mut stream, &mut Vec::new());
        drop(stream);
        let screen = screen(&mut session);
        obeys_nothing(&screen);
        forges_nothing(&screen);
    }
}

#[test]
fn a_datagram_server_shows_it_escaped_on_a_terminal() {
    let mut session = on_a_terminal(&["serve-udp", "127.0.0.1:0", "-1", "-i", "300ms", "-vv"]);
    let socket = datagrams(address(&mut session));
    for text in naughty() {
        net::ask_datagram(&socket, &text);
    }
    let screen = screen(&mut session);
    obeys_nothing(&screen);
    forges_nothing(&screen);
}

#[test]
fn errors_show_what_was_typed_escaped() {
    for args in [
        &["send", "tcp", "\x1b]0;x\x07:80", "x"][..],
        &["serve-tcp", "0", "-P", "\x1b[2J"],
        &["serve-tcp", "0", "--framing", "\x1b[2J"],
        &["\x1b[31msend"],
        &["send", "tcp", "127.0.0.1:1", "-f", "/no/\x1b[2J\nfile"],
        &["serve-unix", "/no/\x1b[2J/socket"],
        &["bench", "tcp", "127.0.0.1:1", "--fail-if", "\x1b[2J>1"],
        &["serve-tcp", "0", "-p", "\x1b[2J=1"],
        &["--\x1b[2J"],
    ] {
        let output = netproto(args).run();
        assert!(!output.stderr.contains('\x1b'), "{}", output.stderr.escape_debug());
        assert!(matches!(output.code, 1 | 2), "{output}");
    }
}

#[test]
fn a_forged_line_stays_inside_its_own() {
    let mut server = support::Server::start(&["serve-tcp", "0", "-vv"]);
    let mut stream = connect(server.addr());
    stream.write_all(b"a\n12:00:00.000  10.0.0.1:1  connected\r\nb").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    to_end(&mut stream);
    let output = server.stop();
    assert!(!output.code(0).stderr.lines().any(|line| line.starts_with("12:00:00.000  10.0.0.1:1")), "{output}");
    output.said("\\n12:00:00.000");
}
