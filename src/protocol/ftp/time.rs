//! Times: `20261122155050` in UTC (RFC 3659, section 2.3), and as `ls -l` writes them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::protocol::calendar::{MONTHS, SECONDS_A_DAY, civil, days, unix_seconds};

/// A listing names the year of what is older than half of one, in place of its hour.
const RECENT: i64 = 182 * SECONDS_A_DAY;

/// `YYYYMMDDHHMMSS`
pub(super) fn written(time: SystemTime) -> String {
    let seconds = unix_seconds(time);
    let (day, second) = (seconds.div_euclid(SECONDS_A_DAY), seconds.rem_euclid(SECONDS_A_DAY));
    let (year, month, date) = civil(day);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}{:02}{date:02}{hour:02}{minute:02}{second:02}", month + 1)
}

/// Reads the same; fractions of a second are left out. `None`: it is no time, or before 1970.
pub(super) fn read(text: &str) -> Option<SystemTime> {
    let (digits, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let all = digits.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
    if digits.len() != 14 || !all {
        return None;
    }
    let part = |from: usize, to: usize| digits[from..to].parse::<i64>().ok();
    let (year, month, date) = (part(0, 4)?, usize::try_from(part(4, 6)?).ok()?.checked_sub(1)?, part(6, 8)?);
    let (hour, minute, second) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
    // A leap second is the last of its minute.
    if month > 11 || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let day = days(year, month, date);
    let seconds = day * SECONDS_A_DAY + hour * 3600 + minute * 60 + second.min(59);
    let since = Duration::from_secs(u64::try_from(seconds).ok()?);
    (civil(day) == (year, month, date)).then_some(UNIX_EPOCH + since)
}

/// `Nov 22 15:50`, or `Nov 22  2025` where that is long ago or to come.
pub(super) fn listed(time: SystemTime, now: SystemTime) -> String {
    let (seconds, now) = (unix_seconds(time), unix_seconds(now));
    let (day, second) = (seconds.div_euclid(SECONDS_A_DAY), seconds.rem_euclid(SECONDS_A_DAY));
    let (year, month, date) = civil(day);
    let month = &MONTHS[month][..3];
    if (now - RECENT..=now + SECONDS_A_DAY).contains(&seconds) {
        format!("{month} {date:2} {:02}:{:02}", second / 3600, second / 60 % 60)
    } else {
        format!("{month} {date:2} {year:5}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn times_are_written_and_read() {
        for (seconds, text) in [(0, "19700101000000"), (1_795_362_650, "20261122155050"), (951_782_400, "20000229000000")] {
            assert_eq!(written(at(seconds)), text);
            assert_eq!(read(text), Some(at(seconds)));
        }
        assert_eq!(read("20261122155050.123"), Some(at(1_795_362_650)));
        for bad in
            ["", "2026112215505", "20261322155050", "20260229000000", "20261122245050", "19691231235959", "2026112215505x"]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn listings_name_the_year_of_what_is_old() {
        let now = at(1_795_362_650);
        assert_eq!(listed(now, now), "Nov 22 15:50");
        assert_eq!(listed(at(0), now), "Jan  1  1970");
        assert_eq!(listed(at(1_795_362_650 + 172_800), now), "Nov 24  2026");
    }
}
