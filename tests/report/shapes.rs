//! Reports of runs whose rate changed, and of those that only kept connections.

use std::time::Duration;

use netproto::bench::{
    failure::Failure,
    load::course::stages,
    over_time::Stretch,
    report::{json, text},
    results::{Held, Model, Results},
};
use serde_json::Value;

use super::{closed_loop, open_loop_with_trouble, plain};

/// Half of what the second half asked for was not sent.
pub fn shaped() -> Results {
    let mut results = open_loop_with_trouble();
    let tally = results.totals.clone();
    let second = Duration::from_secs(5);
    let stretch = |from, asked| Stretch { from, to: from + second, asked, tally: tally.clone() };
    results.over_time = vec![stretch(Duration::ZERO, 200_000.0), stretch(second, 400_000.0)];
    results.about.course = stages("5s:80k,5s:80k,1ms:0").ok();
    results
}

pub fn kept() -> Results {
    let mut results = closed_loop();
    results.totals.latency.reset();
    results.totals.counters.right = 8_990;
    results.totals.failed_times(Failure::Reset, 10);
    results.about.model = Model::Hold;
    results.about.connections = 9_000;
    results.about.connect_rate = Some(5000.0);
    results.held = Some(Held { opened: 9_000, lasted: 8_990, memory: Some(9_000 * 700), both_ends: false, sources: 2 });
    results
}

#[test]
fn a_rate_that_changes_is_told_over_time() {
    let text = plain(&text::report(&shaped()));
    for part in [
        "· stages 5s:80k,5s:80k,1ms:0 ·",
        "asked 20,000/s, the mean",
        "over time              asked        sent       right       p50       p99\n",
        "  0.00 -   5.00 s    40,000/s    40,000/s    39,740/s   1.22 ms",
        "  5.00 -  10.00 s    80,000/s    40,000/s    39,740/s   1.22 ms",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let shaped = shaped();
    let value: Value =
        serde_json::from_str(&json::result(&shaped, std::slice::from_ref(&shaped), &[], None, false)).expect("JSON");
    let load = &value["load"];
    assert_eq!((&load["model"], &load["shape"]), (&"stages".into(), &"5s:80k,5s:80k,1ms:0".into()));
    assert_eq!((&load["arrivals"], &load["rate_asked"]), (&"constant".into(), &20_000.0.into()));
    let second = &value["over_time"][1];
    assert_eq!((&second["rate_asked"], &second["rate_achieved"]), (&80_000.0.into(), &40_000.0.into()));
}

/// A server is not silent where nothing was asked of it.
#[test]
fn what_is_quiet_by_its_shape_is_no_silence() {
    let mut bursts = shaped();
    bursts.silence = Duration::from_secs(4);
    assert!(bursts.fell_silent());
    bursts.quiet = Duration::from_secs(4);
    assert!(!bursts.fell_silent());
}

#[test]
fn connections_that_were_kept() {
    let text = plain(&text::report(&kept()));
    for part in [
        "· hold ·",
        "opened           9,000      of 9,000, from 2 addresses\n",
        "held             8,990      to the end\n",
        "memory        6.01 MiB     700 B each      resident, in this process\n",
        "failures            10\n",
        "10  connection reset by the peer",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let kept = kept();
    let value: Value =
        serde_json::from_str(&json::result(&kept, std::slice::from_ref(&kept), &[], None, false)).expect("JSON");
    assert_eq!((&value["load"]["model"], &value["load"]["connect_rate_asked"]), (&"hold".into(), &5000.0.into()));
    assert_eq!((&value["held"]["lasted"], &value["held"]["memory_bytes_per_connection"]), (&8990.into(), &700.into()));
}
