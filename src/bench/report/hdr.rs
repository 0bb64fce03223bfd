//! `--hdr`: an HdrHistogram interval log, as HdrHistogram's own log analyzer and plotters read it. Values are nanoseconds;
//! histograms are V2, compressed, since the readers in other languages take nothing else.
//!
//! May use: interval, `hdrhistogram`.

use std::{
    io::{self, Write},
    time::SystemTime,
};

use hdrhistogram::{
    Histogram,
    serialization::{
        V2DeflateSerializer,
        interval_log::{IntervalLogWriterBuilder, IntervalLogWriterError, Tag},
    },
};

use super::interval::Interval;

/// What stands above the first interval.
#[derive(Debug)]
pub struct Head<'a> {
    pub command: &'a str,
    pub started_at: SystemTime,
}

/// The head of the log.
///
/// # Errors
/// As writing does.
pub fn head(out: &mut impl Write, head: &Head<'_>) -> io::Result<()> {
    let mut serializer = V2DeflateSerializer::new();
    IntervalLogWriterBuilder::new()
        .add_comment("[Histogram log format version 1.3]")
        .add_comment(head.command)
        .add_comment("latency in nanoseconds, from when each request was due; tag as_sent: from when it left")
        .with_start_time(head.started_at)
        .with_base_time(head.started_at)
        .begin_log_with(out, &mut serializer)?
        .write_comment("\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"")
}

/// One interval; in open loop with a second line tagged `as_sent`.
///
/// # Errors
/// As writing does.
pub fn row(out: &mut impl Write, interval: &Interval<'_>) -> io::Result<()> {
    line(out, interval, &interval.tally.latency, None)?;
    if interval.open_loop() {
        line(out, interval, &interval.tally.as_sent, Tag::new("as_sent"))?;
    }
    Ok(())
}

fn line(out: &mut impl Write, interval: &Interval<'_>, histogram: &Histogram<u64>, tag: Option<Tag<'_>>) -> io::Result<()> {
    let mut serializer = V2DeflateSerializer::new();
    IntervalLogWriterBuilder::new()
        .begin_log_with(out, &mut serializer)?
        .write_histogram(histogram, interval.after + interval.from, interval.duration(), tag)
        .map_err(|error| match error {
            IntervalLogWriterError::IoError(error) => error,
            IntervalLogWriterError::SerializeError(error) => io::Error::other(error),
        })
}
