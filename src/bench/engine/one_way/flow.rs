//! How much may be on its way to a server that tells what it has counted: as much as arrives. Pure.
//!
//! May use: std alone.

/// Datagrams at the beginning, at least and at most; all sockets share the most.
const FIRST: u64 = 512;
const LEAST: u64 = 64;
const MOST: u64 = 8192;
/// Bytes at most, of all sockets: what a receiver has room for where its system allows it 4 MiB.
const MOST_BYTES: u64 = 2 * 1024 * 1024;

/// Of one socket.
#[derive(Debug, Clone)]
pub(super) struct Flow {
    window: u64,
    most: u64,
    /// So many were sent before the last question that was answered, and before the last that was asked.
    answered: u64,
    asked: u64,
    lost: u64,
    /// What was lost before so many were sent is known already.
    known: u64,
    /// Nothing was lost yet: the window doubles.
    grows_fast: bool,
}

impl Flow {
    pub(super) fn new(length: usize, sockets: usize) -> Self {
        let all = (MOST_BYTES / length.max(1) as u64).clamp(LEAST, MOST);
        let most = (all / sockets.max(1) as u64).max(1);
        Self { window: FIRST.min(most), most, answered: 0, asked: 0, lost: 0, known: 0, grows_fast: true }
    }

    /// How many may follow the `sent`.
    pub(super) fn room(&self, sent: u64) -> u64 {
        (self.answered + self.window).saturating_sub(sent)
    }

    /// Is it time to ask?
    pub(super) fn asks(&self, sent: u64) -> bool {
        sent >= self.asked + (self.window / 4).max(1)
    }

    pub(super) fn asked(&mut self, sent: u64) {
        self.asked = sent;
    }

    /// Of the first `number`, `lost` have not come; `sent` are on their way or there by now.
    pub(super) fn answered(&mut self, number: u64, lost: u64, sent: u64) {
        if number < self.answered {
            return;
        }
        let news = number - self.answered;
        self.answered = number;
        if lost > self.lost {
            if number > self.known {
                (self.window, self.known) = ((self.window / 2).max(LEAST.min(self.most)), sent);
            }
            self.grows_fast = false;
        } else {
            let more = if self.grows_fast { news } else { news / 16 };
            self.window = (self.window + more).min(self.most);
        }
        self.lost = lost;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_until_something_is_lost_and_shrinks_once_for_that() {
        let mut flow = Flow::new(64, 1);
        assert_eq!((flow.room(0), flow.room(512), flow.asks(127), flow.asks(128)), (512, 0, false, true));
        flow.asked(128);
        flow.answered(128, 0, 500);
        assert_eq!((flow.window, flow.room(500)), (640, 268));
        for at in 1..100 {
            flow.answered(128 + at * 500, 0, 500 + at * 500);
        }
        assert_eq!(flow.window, MOST);
        let sent = 70_000;
        flow.answered(60_000, 5, sent);
        flow.answered(65_000, 9, sent);
        assert_eq!(flow.window, MOST / 2);
        flow.answered(70_001, 10, 80_000);
        assert_eq!(flow.window, MOST / 4);
        flow.answered(60_000, 0, sent);
        assert_eq!((flow.answered, Flow::new(1400, 1).most, Flow::new(60_000, 1).most), (70_001, 1497, 64));
    }

    #[test]
    fn sockets_share_what_the_receiver_has_room_for() {
        let mut flow = Flow::new(64, 64);
        assert_eq!((flow.window, flow.most), (128, 128));
        flow.answered(100, 50, 128);
        flow.answered(200, 90, 300);
        assert_eq!((flow.window, Flow::new(60_000, 1000).room(0)), (64, 1));
    }
}
