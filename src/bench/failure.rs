//! How a request can fail: one name for JSON and what the count of it counts for people, each.

use std::time::Duration;

use super::shown;
use crate::session::Violation;
use crate::{session::Mismatch, values::show::quoted};

macro_rules! failures {
    ($($(#[$doc:meta])* $kind:ident $name:literal $sentence:literal,)*) => {
        /// How a request failed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Failure {
            $($(#[$doc])* $kind,)*
        }

        impl Failure {
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$kind),*];

            /// Snake case, for JSON.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            fn template(self) -> &'static str {
                match self { $(Self::$kind => $sentence,)* }
            }
        }
    };
}

failures! {
    /// No answer within the time-out. Over datagrams: lost.
    TimedOut "timed_out" "no reply within {timeout}",
    /// Over datagrams: the answer came, after its time-out.
    Late "late" "late reply, after its time-out: not counted as right",
    /// The answer was complete and not the right one.
    WrongReply "wrong_reply" "wrong reply",
    /// Over datagrams: the answer was not the right one.
    Corrupted "corrupted" "damaged reply: not the bytes that were sent",
    /// The peer broke the protocol.
    Violation "violation" "reply against the rules of the protocol",
    /// The client end itself failed: a script.
    OwnFault "own_fault" "the client end of the protocol failed",
    Refused "refused" "connection refused: nothing listens there",
    ConnectTimedOut "connect_timed_out" "connection not established in time",
    /// Any other reason that a connection was not established.
    ConnectFailed "connect_failed" "connection not established",
    Reset "reset" "connection reset by the peer before the reply",
    ClosedEarly "closed_early" "connection closed by the peer before the reply",
    /// The transport failed while an answer was awaited.
    Broken "broken" "connection lost before the reply",
    /// Open loop: it was due, and nothing was free to take it when sending stopped.
    NotSent "not_sent" "due, but never sent: no connection was free in time",
    /// Closed loop: nothing had worked for long, so the rest of a count was not tried.
    GivenUp "given_up" "given up: nothing was answered for too long before them",
}

impl Failure {
    /// Whose fault it was that ended the conversation.
    #[must_use]
    pub fn by(violation: &Violation) -> Self {
        if violation.hint.is_some() { Self::OwnFault } else { Self::Violation }
    }

    /// A few plain words that stand after a count: `no reply within 1 s`.
    #[must_use]
    pub fn sentence(self, timeout: Duration) -> String {
        self.template().replace("{timeout}", &shown::span(timeout))
    }
}

/// Bytes of a wrong answer that are shown.
const SHOWN: usize = 24;

/// What was wrong with an answer, on one line; and what may help, on a second.
pub fn described(mismatch: &Mismatch) -> String {
    if let Some(why) = &mismatch.why {
        let hint = why.hint.map(|hint| format!("\nhint: {hint}"));
        return why.sentence.clone() + &hint.unwrap_or_default();
    }
    let from = mismatch.at.saturating_sub(SHOWN / 2);
    let piece = |side: &[u8]| quoted(&side[from.min(side.len())..], SHOWN);
    format!("expected {}, got {}", piece(&mismatch.expected), piece(&mismatch.got))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_snake_case_and_each_is_its_own() {
        let mut names: Vec<_> = Failure::ALL.iter().map(|kind| kind.name()).collect();
        assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Failure::ALL.len());
        for (at, kind) in Failure::ALL.iter().enumerate() {
            assert_eq!(*kind as usize, at, "counters are kept by this number");
        }
    }

    #[test]
    fn the_sentence_names_the_time_out() {
        assert_eq!(Failure::TimedOut.sentence(Duration::from_secs(1)), "no reply within 1 s");
    }
}
