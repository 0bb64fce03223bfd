//! `--csv`: one row for each interval (RFC 4180, with LF as spreadsheets and `sort` both take it).
//!
//! May use: interval, failure.

use std::io::{self, Write};

use super::interval::Interval;
use crate::bench::failure::Failure;

/// New ones come last, so that a number stays where a script looks for it. `lost` had no reply in time, `late` had one afterwards;
/// `failures` has both in it. `asked` were due (open loop).
const COLUMNS: &str = "run,from_s,to_s,requests,requests_per_second,failures,bytes_sent,bytes_received,\
                       p50_us,p90_us,p99_us,p99_9_us,max_us,datagrams_received,duplicated,reordered,lost,late,\
                       asked,sent";

/// The names of the columns.
///
/// # Errors
/// As writing does.
pub fn head(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{COLUMNS}")
}

/// One interval. What was not measured is empty.
///
/// # Errors
/// As writing does.
pub fn row(out: &mut impl Write, interval: &Interval<'_>) -> io::Result<()> {
    let counters = &interval.tally.counters;
    let (from, to) = (interval.from.as_secs_f64(), interval.to.as_secs_f64());
    write!(out, "{},{from:.3},{to:.3},{},{:.1},", interval.run, counters.right, interval.rate())?;
    write!(out, "{},{},{}", counters.failed(), counters.bytes_sent, counters.bytes_received)?;
    for percentile in [50.0, 90.0, 99.0, 99.9, 100.0] {
        match interval.percentile(percentile) {
            Some(ns) => write!(out, ",{:.3}", ns as f64 / 1e3)?,
            None => write!(out, ",")?,
        }
    }
    write!(out, ",{},{},{}", counters.datagrams_received, counters.duplicated, counters.reordered)?;
    write!(out, ",{},{}", counters.failures(Failure::TimedOut), counters.failures(Failure::Late))?;
    match interval.asked {
        Some(asked) => writeln!(out, ",{asked:.3},{}", counters.sent),
        None => writeln!(out, ",,{}", counters.sent),
    }
}
