//! What goes together with `bench --live`, and why other things don't.

use crate::error::Trouble;

/// What else was typed.
pub(super) struct Beside {
    pub bulk: bool,
    pub find_max: bool,
    pub repeat: bool,
    pub shard: bool,
    pub quiet: bool,
    pub json_stream: bool,
    /// Interval lines, where no file takes the intervals.
    pub interval: bool,
}

impl Beside {
    /// # Errors
    /// What was typed beside it makes no sense with it.
    pub(super) fn check(&self) -> Result<(), Trouble> {
        let refused = [
            (self.bulk, "--live draws requests, and --bulk sends none", "-i 1s has a line for each second of bulk"),
            (
                self.find_max,
                "--live is for one run, and --find-max makes many",
                "it says what it finds as it goes; --html draws the last run",
            ),
            (self.repeat, "--live is for one run, and --repeat makes several", "leave one of them out"),
            (
                self.shard,
                "--live changes the load, and a shard has only its part of one",
                "leave out --live, or --shard where this is the only generator",
            ),
            (self.quiet, "--live shows all, and --quiet nothing but the report", "leave one of them out"),
            (
                self.json_stream,
                "--live and --json-stream both write while it runs",
                "-J writes the report as JSON when the run is over",
            ),
            (
                self.interval,
                "--live draws the intervals, so there is no room for lines",
                "--csv or --hdr writes intervals to a file",
            ),
        ];
        match refused.into_iter().find(|(given, ..)| *given) {
            Some((_, sentence, hint)) => Err(Trouble::usage(sentence).hint(hint)),
            None => Ok(()),
        }
    }
}
