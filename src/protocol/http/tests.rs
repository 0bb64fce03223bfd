//! The server against hostile input: each message gets its status, the connection is closed, and what comes behind it is never
//! read as another request.

use std::time::{Duration, SystemTime};

use super::ROW;
use crate::{
    protocol::{Ends, Given, Setup, param},
    session::{Closed, End, Rides},
};

fn server(params: &[(&str, &str)]) -> End {
    let mut setup = Setup::default();
    for (name, value) in params {
        setup.params.set(param(ROW.params, Ends::Server, name).unwrap(), Given::Text(value)).unwrap();
    }
    End::new((ROW.server.unwrap())(&setup), Rides::Stream)
}

fn said(end: &mut End) -> String {
    let from = end.said.len();
    while end.leave(usize::MAX).is_some() {}
    String::from_utf8_lossy(&end.said[from..]).into_owned()
}

fn violation(end: &End) -> Option<&'static str> {
    match &end.ended {
        Some(Closed::Violated(violation)) => Some(violation.name),
        _ => None,
    }
}

/// All that is said to these bytes, in pieces of this size, and how it ended.
fn talk(bytes: &[u8], size: usize) -> (String, Option<&'static str>) {
    let mut end = server(&[("max-body", "100")]);
    let mut text = String::new();
    for piece in bytes.chunks(size) {
        end.offer(piece);
        text += &said(&mut end);
    }
    (text, violation(&end))
}

/// Behind each of these stands another request, which must not be answered.
const BEHIND: &str = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";

fn refused(message: &[u8], status: u16, name: &str) {
    let shown = message[..message.len().min(60)].escape_ascii().to_string();
    let bytes = [message, BEHIND.as_bytes()].concat();
    for size in [1, 7, bytes.len()] {
        if size == 1 && bytes.len() > 100_000 {
            continue;
        }
        let (text, ended) = talk(&bytes, size);
        let last = text.strip_prefix("HTTP/1.1 100 Continue\r\n\r\n").unwrap_or(&text);
        assert!(last.starts_with(&format!("HTTP/1.1 {status} ")), "{shown} in {size}: {text}");
        assert!(last.contains("\r\nConnection: close\r\n") && !text.contains("smuggled"), "{shown}: {text}");
        assert_eq!(last.matches("HTTP/1.1 ").count(), 1, "{shown}: one answer: {text}");
        assert_eq!(ended, Some(name), "{shown} in {size}");
    }
}

const POST: &str = "POST / HTTP/1.1\r\nHost: h\r\n";

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    for (fields, status, name) in [
        ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "two_framings"),
        ("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400, "two_framings"),
        ("Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400, "two_lengths"),
        ("Content-Length: 3\r\ncontent-length: 4\r\n\r\nabc", 400, "two_lengths"),
        ("Content-Length: 3, 3\r\n\r\nabc", 400, "bad_length"),
        ("Content-Length: +3\r\n\r\nabc", 400, "bad_length"),
        ("Content-Length: -3\r\n\r\nabc", 400, "bad_length"),
        ("Content-Length: 0x3\r\n\r\nabc", 400, "bad_length"),
        ("Content-Length: 3 3\r\n\r\nabc", 400, "bad_length"),
        ("Content-Length:\r\n\r\nabc", 400, "bad_length"),
        ("Content-Length: 101\r\n\r\n", 413, "body_too_long"),
        ("Content-Length: 99999999999999999999999\r\n\r\n", 413, "body_too_long"),
        ("Transfer-Encoding: identity\r\n\r\n", 400, "bad_coding"),
        ("Transfer-Encoding: chunked, identity\r\n\r\n", 400, "bad_coding"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "bad_coding"),
        ("Transfer-Encoding: xchunked\r\n\r\n", 400, "bad_coding"),
        ("Transfer-Encoding:\r\n\r\n", 400, "bad_coding"),
        ("Transfer-Encoding: gzip, chunked\r\n\r\n", 501, "unknown_coding"),
        ("Transfer-Encoding: chunked\r\n\r\n-1\r\n", 400, "bad_chunk_size"),
        ("Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n", 400, "bad_chunk_size"),
        ("Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n", 400, "bad_chunk_end"),
        ("Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n", 400, "bad_chunk"),
        ("Transfer-Encoding: chunked\r\n\r\n99\r\n", 413, "body_too_long"),
        ("Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\0\r\n\r\n", 400, "bad_trailer"),
        ("Transfer-Encoding : chunked\r\n\r\n", 400, "bad_field_name"),
        ("Transfer-Encoding\t: chunked\r\n\r\n", 400, "bad_field_name"),
        (" Transfer-Encoding: chunked\r\n\r\n", 400, "bad_field_name"),
        ("X: a\r\n b\r\n\r\n", 400, "bad_field_name"),
        ("X: a\nY: b\r\n\r\n", 400, "bare_lf"),
        ("X: a\rY: b\r\n\r\n", 400, "bad_field_value"),
        ("X: a\0b\r\n\r\n", 400, "bad_field_value"),
        ("X\0: b\r\n\r\n", 400, "bad_field_name"),
        ("X\r\n\r\n", 400, "bad_field_name"),
        (": b\r\n\r\n", 400, "bad_field_name"),
        ("Host: again\r\n\r\n", 400, "no_host"),
        ("Expect: tea\r\n\r\n", 417, "unknown_expectation"),
        ("Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "bad_chunk_size"),
    ] {
        refused(format!("{POST}{fields}").as_bytes(), status, name);
    }
}

#[test]
fn first_lines_have_one_form() {
    for (line, status, name) in [
        ("GET / HTTP/1.1\nHost: h\r\n\r\n", 400, "bare_lf"),
        ("GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400, "no_request"),
        ("GET / HTTP/1.1 \r\nHost: h\r\n\r\n", 400, "no_request"),
        (" GET / HTTP/1.1\r\nHost: h\r\n\r\n", 400, "no_request"),
        ("GET /\r\n\r\n", 400, "no_request"),
        ("G\0T / HTTP/1.1\r\nHost: h\r\n\r\n", 400, "no_request"),
        ("GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400, "no_request"),
        ("GET /\u{e4} HTTP/1.1\r\nHost: h\r\n\r\n", 400, "bad_target"),
        ("GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n", 400, "bad_target"),
        ("GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505, "bad_version"),
        ("GET / HTTP/0.9\r\nHost: h\r\n\r\n", 505, "bad_version"),
        ("GET / HTTP/1.2\r\nHost: h\r\n\r\n", 505, "bad_version"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "bad_version"),
        ("GET / http/1.1\r\nHost: h\r\n\r\n", 400, "no_request"),
        ("GET / HTTP/1.1\r\n\r\n", 400, "no_host"),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "no_host"),
        ("GET / HTTP/1.1\r\nHost: h/x\r\n\r\n", 400, "no_host"),
        ("GET / HTTP/1.1\r\nHost: u@h\r\n\r\n", 400, "no_host"),
        ("GET / HTTP/1.1\r\nHost: h:8o\r\n\r\n", 400, "no_host"),
        ("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400, "no_host"),
        ("GET / HTTP/1.1\r\nHost: [::1]80\r\n\r\n", 400, "no_host"),
        ("GET http://a\"b/ HTTP/1.1\r\nHost: h\r\n\r\n", 400, "bad_target"),
        ("GET h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 400, "bad_target"),
        ("GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400, "bad_target"),
        ("CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 501, "connect"),
        ("POST / HTTP/1.0\r\n\r\n", 411, "no_length"),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "coding_in_1_0"),
        ("\x16\x03\x01\x02\0", 400, "tls"),
        ("\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 400, "no_request"),
    ] {
        refused(line.as_bytes(), status, name);
    }
}

#[test]
fn heads_have_limits() {
    let get = "GET / HTTP/1.1\r\nHost: h\r\n";
    refused(format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "a".repeat(9000)).as_bytes(), 414, "target_too_long");
    refused(format!("GET /{}", "a".repeat(9000)).as_bytes(), 414, "target_too_long");
    refused(format!("{get}X: {}\r\n\r\n", "a".repeat(1 << 20)).as_bytes(), 431, "head_too_long");
    refused(format!("{get}{}\r\n", "A: b\r\n".repeat(100_000)).as_bytes(), 431, "head_too_long");
    refused(format!("{get}{}\r\n", "A: b\r\n".repeat(100)).as_bytes(), 431, "too_many_fields");
    refused("A".repeat(30).as_bytes(), 501, "unknown_method");
    let fits = format!("{get}{}\r\n", "A: b\r\n".repeat(99));
    assert!(talk(fits.as_bytes(), 4096).0.starts_with("HTTP/1.1 200 "));
}

#[test]
fn forms_of_targets_that_are_right() {
    for request in [
        "GET http://any.test:81/a%20b?q HTTP/1.1\r\nHost: h\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
        "\r\nGET /x HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost:\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: [fe80::1%25x]:80\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a_b-c.%C3%A4.test:\r\n\r\n",
        "BREW /x HTTP/1.1\r\nHost: h\r\nX-Obs: \u{e4}\r\n\r\n",
    ] {
        for size in [1, 4096] {
            let (text, ended) = talk(request.as_bytes(), size);
            assert!(text.starts_with("HTTP/1.1 200 ") && ended.is_none(), "{request}: {text}");
        }
    }
}

#[test]
fn the_connection_stays_or_closes_as_was_asked() {
    for (head, stays, told) in [
        ("GET / HTTP/1.1\r\nHost: h\r\n\r\n", true, None),
        ("GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n", false, Some("close")),
        ("GET / HTTP/1.0\r\n\r\n", false, Some("close")),
        ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true, Some("keep-alive")),
    ] {
        let mut end = server(&[("status", "204")]);
        end.offer(head.as_bytes());
        end.offer(head.as_bytes());
        let text = said(&mut end);
        assert_eq!(text.matches("HTTP/1.1 204").count(), if stays { 2 } else { 1 }, "{head}: {text}");
        let connection = text.lines().find_map(|line| line.strip_prefix("Connection: "));
        assert_eq!((connection, end.closing), (told, !stays), "{head}");
    }
}

/// HEAD was asked before, and not by what is refused now.
#[test]
fn a_refusal_after_head_has_its_body() {
    let (text, ended) = talk(b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\nHost: h\r\n\r\n", 4096);
    assert!(text.ends_with("\r\n\r\n400 Bad Request: a line of the head ends in LF alone, and not in CRLF\n"), "{text}");
    assert_eq!(ended, Some("bare_lf"));
}

/// RFC 9112, section 9.6: who says that it closes must close.
#[test]
fn a_typed_close_closes() {
    let mut end = server(&[("status", "204"), ("header", "Connection: x, close")]);
    end.offer("GET / HTTP/1.1\r\nHost: h\r\n\r\n".repeat(2).as_bytes());
    let text = said(&mut end);
    assert_eq!(
        (text.matches("HTTP/1.1 204").count(), text.matches("Connection: ").count(), end.closing),
        (1, 1, true),
        "{text}"
    );
}

/// What is said while time passes.
fn waited(end: &mut End) -> String {
    let mut text = said(end);
    while end.wake() {
        text += &said(end);
    }
    text
}

#[test]
fn slow_heads_and_bodies_are_given_up() {
    for (bytes, status) in
        [("GET / HT", Some(408)), ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab", Some(408)), ("", None)]
    {
        let mut end = server(&[("head-timeout", "1s")]);
        end.offer(bytes.as_bytes());
        // What came since the clock was set may make it go round once more.
        let text = waited(&mut end);
        assert_eq!(text.get(9..12).map(|status| status.parse().unwrap()), status, "{text}");
        assert!(end.closing || violation(&end) == Some("too_slow"));
    }
    let mut quick = server(&[("head-timeout", "1s")]);
    quick.offer(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert!(said(&mut quick).starts_with("HTTP/1.1 200"));
    assert_eq!(waited(&mut quick), "");
    assert!(!quick.closing && quick.ended.is_none(), "between requests nobody is in a hurry");
}

/// However much is asked at once, what is queued is bounded; and all of it is answered, in order.
#[test]
fn pipelined_requests_wait_in_line() {
    let body = "x".repeat(5000);
    let mut end = server(&[("body", &body)]);
    let requests = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n".repeat(1000);
    end.offer(requests.as_bytes());
    assert!(end.unsent() < 80 * 1024 && end.untaken() > 20_000, "{} unsent, {} untaken", end.unsent(), end.untaken());
    let text = said(&mut end);
    assert_eq!((text.matches("HTTP/1.1 200 OK").count(), end.untaken()), (1000, 0));
}

#[test]
fn the_date_is_that_of_the_answer() {
    let mut end = server(&[]);
    end.facts.wall_clock = || SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    end.offer(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert!(said(&mut end).contains("\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
}
