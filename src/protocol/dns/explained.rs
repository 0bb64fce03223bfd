//! What `netproto explain dns` tells.

use crate::protocol::explained::{CLIENT, Course, Explained, Layout, SERVER};

pub(super) static EXPLAINED: Explained = Explained {
    layout: &[
        Layout {
            way: CLIENT,
            picture: "\
  over streams, before each message: its length in 2 bytes, big endian
  0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15   bits
+-----------------------------------------------+
|                      ID                       |  which answer is whose
+--+-----------+--+--+--+--+--------+-----------+
|QR|  OPCODE   |AA|TC|RD|RA|   Z    |   RCODE   |  QR 0: a question
+--+-----------+--+--+--+--+--------+-----------+
|                 QDCOUNT = 1                   |  questions
|                 ANCOUNT = 0                   |  records of the answer
|                 NSCOUNT = 0                   |  of the authority
|                 ARCOUNT = 0 or 1              |  additional: EDNS's OPT
+-----------------------------------------------+
| QNAME   3 w w w 7 e x a m p l e 4 t e s t 0   |  labels, each with its
+-----------------------------------------------+  length before it
| QTYPE   1 A  28 AAAA  15 MX  12 PTR  255 ANY  |
+-----------------------------------------------+
| QCLASS  1 IN                                  |
+-----------------------------------------------+
| OPT     0 | 41 | 1232 | 0 0 0 0 | 0           |  how long an answer may be
+-----------------------------------------------+",
        },
        Layout {
            way: SERVER,
            picture: "\
+-----------------------------------------------+
| the same header, with QR 1, AA, TC, RCODE and |
| the counts; the same question                 |
+-----------------------------------------------+
  then each record of answer, authority and additional:
+-----------------------------------------------+
| NAME       labels, or 1 1 and 14 bits: where  |  a pointer ends a name
|            in this message the rest stands    |
+-----------------------------------------------+
| TYPE                                          |  16 bits
+-----------------------------------------------+
| CLASS                                         |  16 bits
+-----------------------------------------------+
| TTL                                           |  32 bits, seconds
|                                               |
+-----------------------------------------------+
| RDLENGTH                                      |  16 bits
+------------------- ~ -------------------------+
| RDATA      A: 4 bytes; AAAA: 16; NS, CNAME,   |
|            PTR: a name; MX: 16 bits, a name   |
+------------------- ~ -------------------------+",
        },
    ],
    states: &[
        (
            "listening",
            "Each question is answered for itself: from the zone, with REFUSED about any other, with the name servers below a cut.",
        ),
        ("draining", "Over streams, while much is unsent, no more questions are taken."),
        ("closed", "The client has closed, and what it asked is answered."),
    ],
    courses: &[
        Course {
            over: "datagrams",
            begins: "With any question; there is no connection.",
            ends: "Each question has one answer with its number, or one that is cut to nothing and has TC set: then the client asks over TCP.",
        },
        Course {
            over: "streams",
            begins: "The client connects and asks, many questions at once if it likes.",
            ends: "The client closes when it has its answers.",
        },
    ],
    limits: &[
        "A datagram has at most 512 bytes, or what the question's OPT says, up to 1232 here; over streams 65,535.",
        "A label has at most 63 bytes, a name 255, with all lengths.",
        "A zone has at most 16 MiB with what it includes, 8 files deep; 5,000 records of one type at one name.",
        "One question a message. Eight aliases (CNAME) are followed within the zone.",
        "ANY is answered with one HINFO record, transfers of the zone with REFUSED.",
        "Answers are larger than what they answer: a server for other machines needs --allow-amplification over UDP.",
    ],
    sections: &[
        ("RFC 1035", "4.1 Format, 4.1.4 Message compression, 4.2 Transport, 5 Master files"),
        ("RFC 3596", "2.1 AAAA record type, 2.5 IP6.ARPA domain"),
        ("RFC 6891", "6.1 OPT record definition, 6.2 Behaviour"),
        ("RFC 7766", "5 Transport protocol selection, 6.2.1.1 Query pipelining, 8 TCP message length field"),
        ("RFC 8482", "4.2 Answer with a synthesized HINFO RRset"),
    ],
};
