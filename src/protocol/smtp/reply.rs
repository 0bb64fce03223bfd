//! Answers: a code, an enhanced status code (RFC 3463, offered as RFC 2034 says) and words.

use crate::session::Cx;

/// Says `250 2.1.0 ok`. An empty `status` is left out, as in the greeting and after EHLO (RFC 2034, section 4).
pub(super) fn say(cx: &mut Cx<'_>, code: u16, status: &str, text: &str) {
    line(cx, code, b' ', status, text);
}

/// One line of several: `250-SIZE 1000`.
pub(super) fn say_more(cx: &mut Cx<'_>, code: u16, text: &str) {
    line(cx, code, b'-', "", text);
}

fn line(cx: &mut Cx<'_>, code: u16, after: u8, status: &str, text: &str) {
    let digit = |n: u16| b'0' + (n % 10) as u8;
    cx.write(&[digit(code / 100), digit(code / 10), digit(code), after]);
    if !status.is_empty() {
        cx.write(status.as_bytes());
        cx.write(b" ");
    }
    cx.write(text.as_bytes());
    cx.write(b"\r\n");
}
