//! `raw`: the client end for anything. Says what it is given, shows what comes; what an answer is, the user knows.

use bytes::Bytes;

use super::{
    Answers, AnswersBy, Framing, Protocol, Takes,
    exchange::Outstanding,
    explained::{Course, DATA, Explained, LARGEST_DATAGRAM, LONGEST_MESSAGE, Layout, SERVER},
};
use crate::session::{Cx, Event, Input, NotNow, Session, Verdict, Violation};

pub(super) static ROW: Protocol = Protocol {
    name: "raw",
    about: "says the data, shows what comes; the client end for anything unknown",
    spec: "none",
    port: None,
    rides: Protocol::BOTH,
    answers: AnswersBy { stream: Answers::Unknown, datagrams: Answers::Unknown },
    takes: Takes::Bytes,
    amplifies: false,
    echoes: false,
    cuts_matter: true,
    framed: true,
    paths: false,
    keeps: false,
    params: &[],
    server: None,
    client: |setup| Box::new(Client { framing: setup.framing.clone(), awaited: Outstanding::default() }),
    prefix: None,
    explained: &EXPLAINED,
    script: None,
};

static EXPLAINED: Explained = Explained {
    layout: &[
        DATA,
        Layout {
            way: SERVER,
            picture: "\
+------------------ ~ ------+
| whatever the server says  |
+------------------ ~ ------+",
        },
    ],
    states: &[
        ("talking", "Each message is said as it is given; whatever comes is shown as it comes."),
        ("listening", "The input has ended and our half is closed (--no-shutdown keeps it open)."),
        ("closed", "The peer has closed, --replies answers came, or nothing came for --timeout."),
    ],
    courses: &[
        Course {
            over: "streams",
            begins: "The client connects and speaks when it has something to say; the server may speak first.",
            ends: "The client closes its half at the end of its input; the server's close is the end.",
        },
        Course {
            over: "datagrams",
            begins: "With our first datagram.",
            ends: "When as many datagrams came as were sent, or nothing came for --timeout (1 s).",
        },
    ],
    limits: &[LARGEST_DATAGRAM, LONGEST_MESSAGE],
    sections: &[("nowhere", "what is said is yours: this is the client end for any server")],
};

#[derive(Debug)]
struct Client {
    framing: Framing,
    awaited: Outstanding,
}

impl Client {
    /// Anything that comes while something is awaited answers the oldest of it.
    fn heard(&mut self, piece: &[u8], cx: &mut Cx<'_>) {
        cx.heard(piece);
        cx.body(piece);
        self.awaited.answer_oldest(Verdict::Right, cx);
    }
}

impl Session for Client {
    fn input(&mut self, input: &mut Input<'_>, cx: &mut Cx<'_>) -> Result<(), Violation> {
        if input.is_datagram() {
            let piece = self.framing.take_datagram(input)?;
            self.heard(piece, cx);
            return Ok(());
        }
        while let Some(piece) = self.framing.take(input)? {
            self.heard(piece, cx);
        }
        Ok(())
    }

    fn submit(&mut self, seq: u64, body: &Bytes, cx: &mut Cx<'_>) -> Result<(), NotNow> {
        match self.framing.fits_in(body, cx) {
            Ok(wrap) => {
                self.awaited.push(seq, &Bytes::new());
                wrap.put(body, cx);
                cx.end_datagram();
            }
            Err(why) => cx.event(Event::Refused { seq, why }),
        }
        Ok(())
    }

    fn forget(&mut self, seq: u64) {
        self.awaited.forget(seq);
    }
}
