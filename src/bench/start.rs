//! `--start-at TIME`: when a run begins, so that copies on several machines begin together.
//!
//! May use: `jiff`, `values`, `error`. No clock: it is told the time.

use std::time::{Duration, SystemTime};

use jiff::{Timestamp, civil, tz::TimeZone};

use crate::{
    error::Trouble,
    values::{read, show},
};

/// What was typed.
#[derive(Debug, Clone, PartialEq)]
pub struct StartAt {
    text: String,
    when: When,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum When {
    At(SystemTime),
    /// In the time zone of this machine.
    Today(civil::Time),
    In(Duration),
}

/// Nobody waits longer.
const FARTHEST: Duration = Duration::from_secs(7 * 24 * 3600);
/// A time of day that was so long ago is tomorrow's.
const HALF_A_DAY: Duration = Duration::from_secs(12 * 3600);
/// Fewer digits are no time since 1970 that is still to come.
const UNIX_DIGITS: usize = 9;

impl StartAt {
    /// Reads RFC 3339 (`2026-11-28T14:00:00Z`), a time of day (`14:00`), seconds since 1970, or `+5s`.
    ///
    /// # Errors
    /// One clause saying what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let when = if let Some(rest) = text.strip_prefix('+') {
            When::In(read::duration(rest)?)
        } else if let Some(at) = unix(text) {
            When::At(at?)
        } else if text.contains(['-', 'T']) {
            let at: Timestamp = text.parse().map_err(|_| format!("{text:?} is no time with its zone, such as Z"))?;
            When::At(at.into())
        } else {
            let time = text.parse().map_err(|_| format!("{text:?} is no time, such as 14:00"))?;
            When::Today(time)
        };
        Ok(Self { text: text.to_owned(), when })
    }

    /// The moment that is meant, as seen from `now`.
    ///
    /// # Errors
    /// [`Trouble`]: it is past, or too far away.
    pub fn moment(&self, now: SystemTime) -> Result<SystemTime, Trouble> {
        let at = match self.when {
            When::At(at) => at,
            When::In(after) => now + after.min(2 * FARTHEST),
            When::Today(time) => self.today(time, now)?,
        };
        match at.duration_since(now) {
            Err(before) => {
                let ago = show::duration(before.duration());
                Err(Trouble::usage(format!("--start-at {} is past: that was {ago} ago", self.text))
                    .hint("take a time to come, the same on every machine; +5s is five seconds from now"))
            }
            Ok(after) if after > FARTHEST => {
                Err(Trouble::usage(format!("--start-at {} is more than a week away", self.text))
                    .hint("+5s is five seconds from now"))
            }
            Ok(_) => Ok(at),
        }
    }

    fn today(&self, time: civil::Time, now: SystemTime) -> Result<SystemTime, Trouble> {
        let odd = |_| Trouble::usage(format!("--start-at {} is no time of today", self.text)).hint("as in 14:00, or +5s");
        let zone = TimeZone::system();
        let date = Timestamp::try_from(now).map_err(odd)?.to_zoned(zone.clone()).date();
        let on = |date: civil::Date| {
            date.to_datetime(time).to_zoned(zone.clone()).map(|zoned| SystemTime::from(zoned.timestamp()))
        };
        let at: SystemTime = on(date).map_err(odd)?;
        match now.duration_since(at) {
            Ok(ago) if ago > HALF_A_DAY => date.tomorrow().and_then(on).map_err(odd),
            _ => Ok(at),
        }
    }
}

/// Seconds since 1970, with or without an `@`.
fn unix(text: &str) -> Option<Result<SystemTime, String>> {
    let (marked, digits) = text.strip_prefix('@').map_or((false, text), |digits| (true, digits));
    let whole = digits.split('.').next().unwrap_or_default();
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !marked && (!plain || whole.len() < UNIX_DIGITS) {
        return None;
    }
    let seconds = digits.parse::<f64>().ok().filter(|seconds| plain && (0.0..1e11).contains(seconds));
    let at = seconds.map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs_f64(seconds));
    Some(at.ok_or_else(|| format!("{text:?} are no seconds since 1970")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    const NOW: u64 = 1_800_000_000;

    fn moment(text: &str) -> Result<SystemTime, String> {
        StartAt::parse(text)?.moment(at(NOW)).map_err(|trouble| trouble.sentence)
    }

    #[test]
    fn every_way_to_say_when() {
        for (text, seconds) in [
            ("+5s", NOW + 5),
            ("+0s", NOW),
            ("+2m", NOW + 120),
            ("1800000007", NOW + 7),
            ("@1800000007", NOW + 7),
            ("2027-01-15T08:00:10Z", NOW + 10),
            ("2027-01-15T09:00:10+01:00", NOW + 10),
            ("2027-01-15 08:00:10Z", NOW + 10),
        ] {
            assert_eq!(moment(text), Ok(at(seconds)), "{text}");
        }
        assert_eq!(moment("1800000000.5"), Ok(at(NOW) + Duration::from_millis(500)));
    }

    #[test]
    fn a_time_of_day_is_the_next_of_it() {
        let zone = TimeZone::system();
        let time_of =
            |seconds: u64| Timestamp::try_from(at(seconds)).expect("a time").to_zoned(zone.clone()).time().to_string();
        for ahead in [1, 60, 3600, 11 * 3600] {
            assert_eq!(moment(&time_of(NOW + ahead)), Ok(at(NOW + ahead)), "{ahead} s ahead");
        }
        // Thirteen hours ago: eleven hours from now.
        assert_eq!(moment(&time_of(NOW - 13 * 3600)), Ok(at(NOW + 11 * 3600)));
    }

    #[test]
    fn what_is_past_or_no_time_says_so() {
        for (text, what) in [
            ("2027-01-15T07:59:50Z", "--start-at 2027-01-15T07:59:50Z is past: that was 10.0 s ago"),
            ("1700000000", "is past"),
            ("2028-01-15T07:59:50Z", "more than a week away"),
            ("+1000h", "more than a week away"),
            ("noon", "is no time, such as 14:00"),
            ("25:00", "is no time, such as 14:00"),
            ("2027-01-15T08:00:10", "with its zone"),
            ("@x", "no seconds since 1970"),
            ("+5", ""),
            ("+soon", "number"),
        ] {
            let told = moment(text);
            assert!(text == "+5" || told.as_ref().is_err_and(|told| told.contains(what)), "{text}: {told:?}");
        }
    }
}
