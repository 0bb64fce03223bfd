//! A moment as a date in the Gregorian calendar and a time of day, in UTC, without leap seconds: enough for `daytime`,
//! `time`, `http` and the dates of mail.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

pub(super) const SECONDS_A_DAY: i64 = 86_400;
const DAYS_IN_400_YEARS: i64 = 146_097;
pub(super) const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Seconds since the first of January 1970, UTC; negative before it.
pub(super) fn unix_seconds(time: SystemTime) -> i64 {
    let whole = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => whole(after.as_secs()),
        Err(before) => -whole(before.duration().as_secs()),
    }
}

/// A moment taken apart, in UTC.
pub(super) struct Civil {
    pub(super) year: i64,
    pub(super) month: &'static str,
    pub(super) date: i64,
    pub(super) weekday: &'static str,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
}

impl Civil {
    /// The moment so many seconds after the first of January 1970.
    pub(super) fn of(seconds: i64) -> Self {
        let (day, second) = (seconds.div_euclid(SECONDS_A_DAY), seconds.rem_euclid(SECONDS_A_DAY));
        let (year, month, date) = civil(day);
        let weekday = WEEKDAYS[weekday(day)];
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        Self { year, month: MONTHS[month], date, weekday, hour, minute, second }
    }
}

/// A moment that writes itself as `Sunday, November 22, 2026 15:50:50-UTC`, one of the two forms in RFC 867.
pub(super) struct Moment(pub(super) i64);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Civil { year, month, date, weekday, hour, minute, second } = Civil::of(self.0);
        write!(f, "{weekday}, {month} {date}, {year} {hour:02}:{minute:02}:{second:02}-UTC")
    }
}

/// The day of the week, from Sunday.
pub(super) fn weekday(day: i64) -> usize {
    // The first day was a Thursday.
    (day + 4).rem_euclid(7) as usize
}

/// The day of a date, month from 0: the other way round than [`civil`].
pub(super) fn days(year: i64, month: usize, date: i64) -> i64 {
    let month = i64::try_from(month).unwrap_or_default();
    let year = year - i64::from(month < 2);
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    // Days from the first of March.
    let day = (153 * ((month + 10) % 12) + 2) / 5 + date - 1;
    era * DAYS_IN_400_YEARS + year * 365 + year / 4 - year / 100 + day - 719_468
}

/// Year, month from 0, and day of the month of a day counted from the first of January 1970. The calendar repeats itself
/// every 400 years; a year counted from March has its leap day last, so that month lengths follow one line.
pub(super) fn civil(day: i64) -> (i64, usize, i64) {
    // From the first of March of the year 0.
    let day = day + 719_468;
    let (era, day) = (day.div_euclid(DAYS_IN_400_YEARS), day.rem_euclid(DAYS_IN_400_YEARS));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let month = (month + 2) % 12;
    (era * 400 + year + i64::from(month < 2), month as usize, date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_in_rfc_867() {
        for (seconds, text) in [
            (0, "Thursday, January 1, 1970 00:00:00-UTC"),
            (1_795_362_650, "Sunday, November 22, 2026 15:50:50-UTC"),
            (951_782_400, "Tuesday, February 29, 2000 00:00:00-UTC"),
            (-2_208_988_800, "Monday, January 1, 1900 00:00:00-UTC"),
            (-2_203_891_201, "Wednesday, February 28, 1900 23:59:59-UTC"),
            (-2_203_891_200, "Thursday, March 1, 1900 00:00:00-UTC"),
            (4_107_542_400, "Monday, March 1, 2100 00:00:00-UTC"),
        ] {
            assert_eq!(Moment(seconds).to_string(), text);
        }
    }

    #[test]
    fn each_day_follows_the_one_before() {
        const LENGTHS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let mut last = civil(-150_000);
        for day in -149_999..150_000 {
            let (year, month, date) = civil(day);
            let leap = last.0 % 4 == 0 && (last.0 % 100 != 0 || last.0 % 400 == 0);
            let length = LENGTHS[last.1] + i64::from(leap && last.1 == 1);
            let next = if last.2 < length {
                (last.0, last.1, last.2 + 1)
            } else {
                (last.0 + i64::from(last.1 == 11), (last.1 + 1) % 12, 1)
            };
            assert_eq!((year, month, date), next);
            assert_eq!(days(year, month, date), day);
            last = next;
        }
    }
}
