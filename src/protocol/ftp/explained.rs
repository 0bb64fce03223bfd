//! What `netproto explain ftp` tells.

use crate::protocol::explained::{CLIENT, Course, Explained, Layout, SERVER};

pub(super) static EXPLAINED: Explained = Explained {
    layout: &[
        Layout {
            way: CLIENT,
            picture: "\
control   +---------+----+----------+----+----+
          | COMMAND | SP | argument | CR | LF |   USER PASS TYPE EPSV
          +---------+----+----------+----+----+   RETR STOR MLSD QUIT ...
data      +----------------------------+-----+
          | the file, as it is         | FIN |   STOR and APPE
          +----------------------------+-----+",
        },
        Layout {
            way: SERVER,
            picture: "\
control   +-------+----+------+----+----+   1xx begun     4xx not now
          | DIGIT | SP | text | CR | LF |   2xx done      5xx not so
          |  x 3  | or |      |    |    |   3xx more is wanted
          +-------+ -- +------+----+----+   after a dash: more lines, and
                                            the last has a space
data      +----------------------------+-----+
          | the file, or the listing   | FIN |   RETR, LIST, NLST, MLSD
          +----------------------------+-----+",
        },
    ],
    states: &[
        (
            "greeted",
            "The server has said 220. USER and PASS come first; a wrong login is answered a second late, and the third closes.",
        ),
        ("logged in", "Commands are answered one after the other, also when many are sent at once."),
        ("passive", "After EPSV or PASV the server listens on a port of its own, for the client's address alone."),
        (
            "active",
            "After EPRT or PORT (--active) the server will connect to the client: to its own address, and to ports from 1024 on. Nobody else may connect there.",
        ),
        (
            "transferring",
            "150 was said. A listing or a file goes over the data connection; ABOR and STAT are answered meanwhile.",
        ),
        ("committing", "A file has come whole. It is put on disk, given its name, and then 226 is said."),
        ("closed", "After QUIT, after too long a silence, or when the server stops: with 221 or 421."),
    ],
    courses: &[Course {
        over: "streams",
        begins: "The server greets with 220; the client logs in.",
        ends: "The client says QUIT. Each transfer has a connection of its own, whose end is the end of the file.",
    }],
    limits: &[
        "A command has at most 4160 bytes, a name 4096; 64 commands may wait for their turn.",
        "Names are UTF-8, and never lead out of the root: neither by .. nor by links.",
        "A file that is being stored has another name, which nobody sees, until all of it is on disk.",
        "What was interrupted is kept so, one for each name and whoever sent it: SIZE tells how much where there is no whole file, and REST or APPE goes on with it. DELE and the next STOR throw it away.",
        "A file that came short of what ALLO announced, or whose client has gone, counts as interrupted.",
        "A data connection is awaited for 30 s.",
        "Nothing is encrypted, not even passwords.",
    ],
    sections: &[
        ("RFC 959", "2.3 The FTP model, 4.1 FTP commands, 4.2 FTP replies, 5.4 Sequencing"),
        ("RFC 1123", "4.1.2 and 4.1.3 what FTP got wrong, and how it is done"),
        ("RFC 2389", "3 The FEAT command"),
        ("RFC 2428", "2 EPRT, 3 EPSV"),
        ("RFC 2640", "2 Internationalization"),
        ("RFC 3659", "3 MDTM, 4 SIZE, 5 REST, 7 MLST and MLSD"),
    ],
};
