//! What a client hears: the lines of one answer, put together by `smtp-proto` (RFC 5321, section 4.2).

use smtp_proto::{Error, response::parser::ResponseReceiver};

use super::sending::Reply;
use crate::{session::Violation, values::show};

/// All lines of one reply together, in bytes.
const LONGEST_REPLY: usize = 64 * 1024;

/// One answer, as far as it came.
#[derive(Default)]
pub(super) struct Hearing {
    lines: ResponseReceiver,
    /// Bytes of it.
    length: usize,
    code: [u8; 3],
}

impl Hearing {
    /// Takes a line with its end. With the last one of an answer, that, and its words by line.
    pub(super) fn line(&mut self, line: &[u8]) -> Result<Option<(Reply, String)>, Violation> {
        if let Some(code) = line.first_chunk::<3>() {
            // "The reply code MUST be the same on each line" (section 4.2.1).
            if self.length > 0 && *code != self.code {
                let [first, other] = [self.code, *code].map(|code| show::escaped(&code, false));
                return Err(bad(&format!("it begins with {first} and goes on with {other}")));
            }
            self.code = *code;
        }
        self.length += line.len();
        if self.length > LONGEST_REPLY {
            return Err(Violation::too_long("reply", format_args!("at least {}", self.length), LONGEST_REPLY));
        }
        // The parser keeps what it has read.
        let response = match self.lines.parse(&mut line.iter()) {
            Ok(response) => response,
            Err(Error::NeedsMoreData { .. }) => return Ok(None),
            Err(error) => return Err(bad(&error.to_string())),
        };
        self.lines.reset();
        self.length = 0;
        let esc = match response.esc {
            [0, 0, 0] => String::new(),
            [class, subject, detail] => format!("{class}.{subject}.{detail} "),
        };
        let words = response.message.trim_end().replace("\r\n", "\n");
        let shown = show::escaped(words.replace('\n', " ").as_bytes(), false);
        let text = format!("{} {esc}{shown}", response.code).trim_end().to_owned();
        Ok(Some((Reply { code: response.code, text }, words)))
    }
}

fn bad(why: &str) -> Violation {
    Violation::new("bad_reply", format!("what came is no answer of SMTP: {why}"))
}
