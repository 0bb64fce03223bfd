//! Dates as HTTP writes them, `Sun, 06 Nov 1994 08:49:37 GMT`, and in the two older forms that must still be read
//! (RFC 9110, section 5.6.7).
//!
//! May use: `protocol`'s calendar.

use std::{fmt, time::SystemTime};

use crate::protocol::calendar::{self, MONTHS, SECONDS_A_DAY, WEEKDAYS};

/// Seconds since 1970, written as an IMF-fixdate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Date(pub(super) i64);

impl From<SystemTime> for Date {
    fn from(time: SystemTime) -> Self {
        Self(calendar::unix_seconds(time))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (day, second) = (self.0.div_euclid(SECONDS_A_DAY), self.0.rem_euclid(SECONDS_A_DAY));
        let (year, month, date) = calendar::civil(day);
        let (weekday, month) = (&WEEKDAYS[calendar::weekday(day)][..3], &MONTHS[month][..3]);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{weekday}, {date:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
    }
}

impl Date {
    /// `1994-11-06 08:49`, for people.
    pub(super) fn short(self) -> String {
        let (day, second) = (self.0.div_euclid(SECONDS_A_DAY), self.0.rem_euclid(SECONDS_A_DAY));
        let (year, month, date) = calendar::civil(day);
        format!("{year:04}-{:02}-{date:02} {:02}:{:02}", month + 1, second / 3600, second / 60 % 60)
    }

    /// Reads any of the three forms; what is none of them is as if it were not there.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (weekday, rest) = text.split_once([',', ' '])?;
        if !WEEKDAYS.iter().any(|name| weekday == *name || weekday == &name[..3]) {
            return None;
        }
        let mut words = rest.split_ascii_whitespace();
        let first = words.next()?;
        let date = if text.contains(',') {
            if let [day, month, year] = first.split('-').collect::<Vec<_>>()[..] {
                // RFC 850: Sunday, 06-Nov-94 08:49:37 GMT
                (two_digit_year(year)?, month, day, words.next()?)
            } else {
                let (month, year, time) = (words.next()?, words.next()?, words.next()?);
                (number(year, 4)?, month, first, time)
            }
        } else {
            // asctime: Sun Nov  6 08:49:37 1994
            let (day, time, year) = (words.next()?, words.next()?, words.next()?);
            return assemble(number(year, 4)?, first, day, time).filter(|_| words.next().is_none());
        };
        (words.next() == Some("GMT") && words.next().is_none()).then_some(())?;
        assemble(date.0, date.1, date.2, date.3)
    }
}

fn assemble(year: i64, month: &str, day: &str, time: &str) -> Option<Date> {
    let month = MONTHS.iter().position(|name| month == &name[..3])?;
    let day = number(day, 2).filter(|day| (1..=31).contains(day))?;
    let mut parts = time.split(':').map(|part| number(part, 2));
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    // 60: a leap second.
    let sane = hour < 24 && minute < 60 && second <= 60 && parts.next().is_none();
    sane.then(|| Date(calendar::days(year, month, day) * SECONDS_A_DAY + hour * 3600 + minute * 60 + second))
}

/// "a recipient MUST interpret a timestamp that appears to be more than 50 years in the future as [...] in the past": fixed
/// here, since a session that reads a date does not always know today's.
fn two_digit_year(text: &str) -> Option<i64> {
    let year = number(text, 2)?;
    Some(if year < 70 { 2000 + year } else { 1900 + year })
}

fn number(text: &str, most: usize) -> Option<i64> {
    let digits = !text.is_empty() && text.len() <= most && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// The date of an answer, written once a second.
#[derive(Debug, Default)]
pub(super) struct Now {
    second: Option<i64>,
    text: String,
}

impl Now {
    pub(super) fn text(&mut self, now: SystemTime) -> &str {
        let now = Date::from(now);
        if self.second != Some(now.0) {
            (self.second, self.text) = (Some(now.0), now.to_string());
        }
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_forms_are_read_and_one_is_written() {
        let text = "Sun, 06 Nov 1994 08:49:37 GMT";
        for form in [text, "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(Date::read(form), Some(Date(784_111_777)), "{form}");
        }
        assert_eq!(Date(784_111_777).to_string(), text);
        assert_eq!(Date(0).to_string(), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(Date::read("Sunday, 06-Nov-26 08:49:37 GMT").unwrap().to_string(), "Fri, 06 Nov 2026 08:49:37 GMT");
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "yesterday",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 06 Noo 1994 08:49:37 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 19940 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT more",
        ] {
            assert_eq!(Date::read(text), None, "{text:?}");
        }
    }

    #[test]
    fn days_and_dates_agree() {
        for seconds in (0..4_000_000_000).step_by(86_400 * 13 + 12_345) {
            assert_eq!(Date::read(&Date(seconds).to_string()), Some(Date(seconds)));
        }
    }
}
