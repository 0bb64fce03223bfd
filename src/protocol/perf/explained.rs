//! What `netproto explain perf` tells.

use crate::protocol::explained::{CLIENT, Course, Explained, HELD_BACK, LARGEST_DATAGRAM, Layout, SERVER};

pub(super) static EXPLAINED: Explained = Explained {
    layout: &[
        Layout {
            way: CLIENT,
            picture: "\
over streams, in frames; numbers are big endian
+--------+---------+------+--------+---------+
| \"perf\" | version | kind | detail | length  |    4, 1, 1, 2 and 8 bytes
+--------+---------+------+--------+---------+
 kind 1  want: session 8, ways 1 (1 up, 2 down), flags 1 (1 zero-copy,
         2 skip-copy), 2 zeros, block 4, bytes 8, time 8, omit 8, rate 8;
         0 bytes or time: no limit; times in us, the rate in bits/s
      3  data: as many bytes as the length says follow, and mean nothing
      4  anew: what was sent before this is not counted
      5  end: all is sent
over datagrams
+--------+---------+---+-------+---+-------+---------+--------+------ ~ -+
| \"perf\" | version | 1 | flags | 0 | check | session | number | sent |  |
+--------+---------+---+-------+---+-------+---------+--------+------ ~ -+
 flags 1: the server is to answer; 2: this one only asks, its number is how
 many came before it, and the time of the last answer is given back behind
 the head; 4: all was sent; sent: ns by the client's clock
 check: the length and all words of 8 bytes (little endian, without carry)
 but this one added up: what differs is corrupt",
        },
        Layout {
            way: SERVER,
            picture: "\
over streams, the same frames
 kind 2  ready: counting begins
    3-5  data, anew, end
      6  view: what was counted, 24 numbers of 8 bytes: received bytes,
         blocks, ns; sent bytes, blocks, ns; CPU ns, of how many ns;
         retransmits, rtt ns, cwnd bytes; expected, duplicated,
         reordered, jitter ns, astray, corrupt, late, the most that came
         joined; delay p50, p90, p99, p99.9, max, in ns
      7  refused; detail 1: version, 2: too long, 3: too much, 4: no sense
over datagrams
+--------+---------+---+---+---+-------+---------+--------+------+--- ~ -+
| \"perf\" | version | 2 | 0 | 0 | check | session | number | told | view  |
+--------+---------+---+---+---+-------+---------+--------+------+--- ~ -+
 told: ns by the server's clock",
        },
    ],
    states: &[
        ("idle", "The client says what it wants; the server is ready, or refuses."),
        ("sending", "Who sends says data, as much as its system takes; who receives counts."),
        ("counted", "All ends are said: the server tells what it counted, and is idle again."),
        ("closed", "The client has had enough."),
    ],
    courses: &[
        Course {
            over: "streams",
            begins: "The client connects and says what it wants; the server says that it is ready. The words zero-copy and skip-copy may be added to what is wanted: who sends spares a copy, or who receives.",
            ends: "The client closes. In the middle of a measurement that is an error.",
        },
        Course {
            over: "datagrams",
            begins: "With a datagram of a session that is neither the peer's last one nor the one before.",
            ends: "Each datagram that asks has one answer. The count is kept as long as the peer is remembered.",
        },
    ],
    limits: &[
        "A frame of data announces at most 64 MiB, a block has at most 1 MiB.",
        "What a client wants is at most -p max-time and -p max-bytes each way; the server refuses more.",
        "A datagram that asks has at least the 232 bytes of the answer; a shorter one is not answered.",
        "Numbers of datagrams are told apart within 8,192 of the highest.",
        "Delays are kept of a peer that has given back the time of an answer: it has received one.",
        "The client says at most 1 MiB at once over datagrams.",
        LARGEST_DATAGRAM,
        HELD_BACK,
    ],
    sections: &[("netproto", "src/protocol/perf: there is no RFC")],
};
