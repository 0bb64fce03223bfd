//! What `netproto explain smtp` tells.

use crate::protocol::explained::{CLIENT, Course, Explained, Layout, SERVER};

pub(super) static EXPLAINED: Explained = Explained {
    layout: &[
        Layout {
            way: CLIENT,
            picture: "\
EHLO name CR LF                      who I am; which extensions are there?
MAIL FROM:<address> SIZE=n CR LF     a message, from whom, how long
RCPT TO:<address> CR LF              for whom; as often as needed
DATA CR LF                           then, after 354:
  line CR LF                         each line; one that begins with a
  ..line CR LF                       full stop has one more
  . CR LF                            the end
BDAT n [LAST] CR LF and n bytes      in place of DATA: a chunk of it
AUTH PLAIN base64 CR LF              \\0 name \\0 password
RSET, NOOP, VRFY, HELP, QUIT",
        },
        Layout {
            way: SERVER,
            picture: "\
220 name ESMTP CR LF                 the greeting
250-name CR LF                       EHLO: a line for each extension,
250-PIPELINING CR LF                 all but the last with a hyphen
250 SIZE 33554432 CR LF
250 2.1.5 words CR LF                done: code, enhanced code, words
354 words CR LF                      go on
451 4.3.0 words CR LF                not now: try again later
550 5.1.1 words CR LF                no",
        },
    ],
    states: &[
        ("greeting", "The server speaks first; who speaks before it is turned away."),
        (
            "commands",
            "EHLO, AUTH if that is asked for, then MAIL, RCPT and DATA or BDAT, many in one piece with PIPELINING.",
        ),
        (
            "message",
            "Lines up to a full stop alone, or chunks of a known length. A bare LF or CR among lines ends the connection.",
        ),
        ("committing", "The message is put on disk; 250 is said after that, and commands behind it wait."),
        ("closed", "QUIT was said, or 421: the server stops, or nothing came for too long."),
    ],
    courses: &[Course {
        over: "streams",
        begins: "The client connects and waits for 220.",
        ends: "QUIT, 221, and both close. A connection that breaks off in a message leaves nothing of it behind.",
    }],
    limits: &[
        "A command has at most 2,048 bytes, one of AUTH 12,288, an address 254.",
        "A message has at most max-size bytes (552), its lines max-line (554), and max-recipients recipients (452).",
        "After max-errors commands that make no sense, 421.",
        "Only CR LF . CR LF ends the lines of DATA: anything that another server could take for it is refused with 554. In chunks a bare LF or CR is data.",
        "BDAT with a size that can't be read: 501, and the connection ends.",
        "Nothing is relayed: whatever the recipient, a message is kept here or thrown away.",
    ],
    sections: &[
        ("RFC 5321", "3.3 Mail transactions, 4.1.1 Commands, 4.2 Replies, 4.4 Trace, 4.5.2 Transparency, 4.5.3 Sizes"),
        ("RFC 1870", "6 Declaring the size of a message"),
        ("RFC 2920", "3.1 Client use of pipelining, 3.2 Server support"),
        ("RFC 3030", "2 CHUNKING: BDAT"),
        ("RFC 6531", "3.4 Extended mailbox addresses"),
        ("RFC 4954", "4 The AUTH command"),
        ("RFC 3463", "2 Structure of enhanced codes"),
    ],
};
