//! Dates as mail has them: `Sun, 22 Nov 2026 15:50:50 +0000` (RFC 5322, section 3.3), and those of mbox files.

use std::fmt;

use crate::{
    protocol::calendar::{Civil, unix_seconds},
    session::Cx,
};

/// A moment, in UTC.
pub(super) struct Date(i64);

impl Date {
    /// Now, as the driver's clock says.
    pub(super) fn of(cx: &Cx<'_>) -> Self {
        Self(unix_seconds((cx.facts.wall_clock)()))
    }

    /// As C's `asctime` writes it: `Sun Nov 22 15:50:50 2026`.
    pub(super) fn asctime(&self) -> String {
        let Civil { year, month, date, weekday, hour, minute, second } = Civil::of(self.0);
        format!("{} {} {date:2} {hour:02}:{minute:02}:{second:02} {year}", &weekday[..3], &month[..3])
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Civil { year, month, date, weekday, hour, minute, second } = Civil::of(self.0);
        write!(f, "{}, {date} {} {year:04} {hour:02}:{minute:02}:{second:02} +0000", &weekday[..3], &month[..3])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms() {
        let date = Date(1_795_362_650);
        assert_eq!(date.to_string(), "Sun, 22 Nov 2026 15:50:50 +0000");
        assert_eq!(date.asctime(), "Sun Nov 22 15:50:50 2026");
        assert_eq!(Date(0).asctime(), "Thu Jan  1 00:00:00 1970");
    }
}
