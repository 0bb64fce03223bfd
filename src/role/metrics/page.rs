//! What is answered: figures of the process, and what its command tells beside them.
//!
//! May use: protocol, `os`.

use std::{
    fmt,
    sync::OnceLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{Exposition, Figures, Kind, PATH, exposition::MEDIA_TYPE};
use crate::{os, protocol::Live};

pub(super) struct Page {
    pub(super) figures: OnceLock<Figures>,
    /// When this process began to tell.
    pub(super) since: SystemTime,
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page").field("since", &self.since).finish_non_exhaustive()
    }
}

impl Live for Page {
    fn path(&self) -> &str {
        PATH
    }

    fn media_type(&self) -> &str {
        MEDIA_TYPE
    }

    fn text(&self) -> String {
        let mut out = Exposition::default();
        out.family(Kind::Gauge, "netproto_build_info", "The program that tells this; always 1.");
        out.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1.0);
        if let Some(figures) = self.figures.get() {
            figures(&mut out);
        }
        process(&mut out, self.since);
        out.into_text()
    }
}

/// Under the names that all programs use for them.
fn process(out: &mut Exposition, since: SystemTime) {
    let seconds = |duration: Duration| duration.as_secs_f64();
    out.family(Kind::Counter, "process_cpu_seconds_total", "CPU time of this process, user and system.");
    out.sample(&[], seconds(os::process_cpu_time()));
    if let Some(bytes) = os::rss_bytes() {
        out.family(Kind::Gauge, "process_resident_memory_bytes", "Memory of this process that is resident.");
        out.sample(&[], bytes as f64);
    }
    let since = since.duration_since(UNIX_EPOCH).unwrap_or_default();
    out.family(Kind::Gauge, "process_start_time_seconds", "When this process started, since the Unix epoch.");
    out.sample(&[], seconds(since));
}
