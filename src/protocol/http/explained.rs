//! What `netproto explain http` tells.

use crate::protocol::explained::{CLIENT, Course, Explained, Layout, SERVER};

pub(super) static EXPLAINED: Explained = Explained {
    layout: &[
        Layout {
            way: CLIENT,
            picture: "\
GET /a.txt?q HTTP/1.1 CR LF           method, target, version
Host: example.test CR LF              exactly one
Range: bytes=0-99 CR LF               any more fields, NAME: VALUE
CR LF                                 an empty line ends the head
the body, if Content-Length or Transfer-Encoding is there:

Content-Length: 5                     or   Transfer-Encoding: chunked
+-----------------+                     +------+----+------------+----+
| h e l l o       |  5 bytes            | 5    |CRLF| h e l l o  |CRLF|
+-----------------+                     +------+----+------------+----+
                                        | 0    |CRLF| trailers   |CRLF|
                                        +------+----+------------+----+",
        },
        Layout {
            way: SERVER,
            picture: "\
HTTP/1.1 100 Continue CR LF CR LF     perhaps, if that was expected
HTTP/1.1 206 Partial Content CR LF    version, status, reason
Date: Sun, 22 Nov 2026 15:50:50 GMT CR LF
Content-Range: bytes 0-99/612 CR LF
Content-Length: 100 CR LF
CR LF
the body; none after HEAD, 204 and 304. It ends
  1. with the last chunk, if Transfer-Encoding is there
  2. after Content-Length bytes
  3. when the server closes",
        },
    ],
    states: &[
        (
            "head",
            "A head is awaited, or has come in part: for head-timeout, and at most twice that; then it is answered with 408.",
        ),
        (
            "body",
            "The request has a body, which is read first, chunked or by its length; 100 Continue was said if it was expected.",
        ),
        ("answering", "The answer goes out. Requests behind it wait in line, and no more are read while much is unsent."),
        (
            "closed",
            "After Connection: close, an HTTP/1.0 request without keep-alive, or anything that could be read in two ways.",
        ),
    ],
    courses: &[Course {
        over: "streams",
        begins: "The client asks. It may ask again before it is answered; answers come in the order of the requests.",
        ends: "Either side closes between messages. A status from 400 on counts as a wrong answer, unless it was expected.",
    }],
    limits: &[
        "A head has at most 32 KiB (431), 100 fields (431), and a first line of 8 KiB (414).",
        "Bodies of requests have at most max-body bytes (413), chunk lines 1 KiB, extensions 16 KiB a message, trailers 8 KiB.",
        "Refused with 400: LF without CR, folded lines, spaces before a colon, control characters, two or signed Content-Lengths, \
         Content-Length beside Transfer-Encoding, chunk sizes that are none, '..' in any spelling.",
        "Other refusals: 411 for a body of HTTP/1.0 without a length, 417, 501 for unknown codings, 505; 501 for CONNECT, unless -p status is no 2xx.",
        "A request for more than 16 ranges, or for ranges that overlap, is answered with the whole file.",
    ],
    sections: &[
        ("RFC 9112", "2 Message, 3 Request line, 6 Message body, 7.1 Chunked, 9.3 Persistence, 11.2 Request smuggling"),
        ("RFC 9110", "8 Representation data, 10.1.1 Expect, 13 Conditional requests, 14 Range requests, 15 Status codes"),
    ],
};
