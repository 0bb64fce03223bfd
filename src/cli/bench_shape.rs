//! How the load of `bench` changes over time, how fast connections are opened, and whether they are only kept.

use std::time::Duration;

use clap::Args;

use super::values;
use crate::{
    bench::{
        Arrivals, Until,
        load::course::{self, Course, Kind, Steps},
    },
    error::Trouble,
    transport::Scheme,
    values::read,
};

#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Load")]
pub(super) struct ShapeArgs {
    /// In TIME to RATE, and so on: 10s:1k,30s:5k,10s:0
    #[arg(long, value_name = "LIST", value_parser = course::stages)]
    #[arg(conflicts_with_all = ["rate", "bit_rate", "steps", "sine", "burst"])]
    pub stages: Option<Course>,
    /// Rates in turn: 1k,2k,5k, or 10s:1k,20s:2k
    #[arg(long, value_name = "LIST", value_parser = course::steps)]
    #[arg(conflicts_with_all = ["rate", "bit_rate", "sine", "burst"])]
    pub steps: Option<Steps>,
    /// A rate that swings: MEAN:AMPLITUDE:PERIOD
    #[arg(long, value_name = "M:A:P", value_parser = course::sine)]
    #[arg(conflicts_with_all = ["rate", "bit_rate", "burst"])]
    pub sine: Option<Course>,
    /// So many at once, every so often, as in 100/1s
    #[arg(long, value_name = "N/TIME", value_parser = course::burst, conflicts_with_all = ["rate", "bit_rate"])]
    pub burst: Option<Course>,
    /// Open so many connections per second, at most
    #[arg(long, value_name = "RATE", value_parser = read::rate)]
    pub connect_rate: Option<f64>,
    /// Only open the connections and keep them
    #[arg(long)]
    #[arg(conflicts_with_all = [
        "rate", "bit_rate", "arrivals", "stages", "steps", "sine", "burst", "in_flight", "reconnect", "length", "file", "data_file",
        "requests", "ramp", "omit",
    ])]
    pub hold: bool,
}

/// What is known of the run when its shape is chosen.
pub(super) struct Around {
    pub duration: Option<Duration>,
    pub requests: Option<u64>,
    pub ramp: Duration,
    pub omit: Duration,
    pub arrivals: Arrivals,
}

impl ShapeArgs {
    /// The flag of the shape that was typed.
    pub fn flag(&self) -> Option<&'static str> {
        let given = [
            (self.stages.is_some(), "--stages"),
            (self.steps.is_some(), "--steps"),
            (self.sine.is_some(), "--sine"),
            (self.burst.is_some(), "--burst"),
        ];
        given.into_iter().find_map(|(given, flag)| given.then_some(flag))
    }

    /// The course, and when the run ends.
    ///
    /// # Errors
    /// What beside it makes no sense with it.
    pub fn course(&self, around: &Around, usual: Duration) -> Result<(Option<Course>, Until), Trouble> {
        let until = || around.requests.map_or_else(|| Until::Duration(around.duration.unwrap_or(usual)), Until::Requests);
        let Some(flag) = self.flag() else { return Ok((None, until())) };
        let endless = self.sine.as_ref().or(self.burst.as_ref());
        let course = match (&self.stages, &self.steps) {
            (Some(stages), _) => stages.clone(),
            (_, Some(Steps::Timed(steps))) => steps.clone(),
            (_, Some(equal @ Steps::Equal(..))) => {
                around.whole(flag)?;
                equal.over(around.duration.unwrap_or(usual))
            }
            _ => match endless {
                Some(course) => course.clone(),
                None => return Ok((None, until())),
            },
        };
        around.fits(flag, &course.kind)?;
        let until = match (&self.steps, course.kind.lasts()) {
            (Some(Steps::Equal(..)), Some(lasts)) => Until::Duration(lasts),
            (_, Some(lasts)) => Until::Duration(around.rest(flag, &course.kind, lasts)?),
            (_, None) => until(),
        };
        Ok((Some(course), until))
    }

    /// # Errors
    /// Datagrams have no connections to keep, or to open.
    pub fn connects(&self, scheme: Scheme) -> Result<(), Trouble> {
        if !values::datagrams(scheme) {
            return Ok(());
        }
        let refused =
            |flag| Err(Trouble::usage(format!("{flag} is for connections, and datagrams have none")).hint("leave it out"));
        match (self.hold, self.connect_rate) {
            (true, _) => refused("--hold"),
            (_, Some(_)) => refused("--connect-rate"),
            _ => Ok(()),
        }
    }
}

impl Around {
    /// A course that has its own length is run as a whole.
    fn whole(&self, flag: &str) -> Result<(), Trouble> {
        match self.requests {
            Some(_) => Err(Trouble::usage(format!("{flag} runs to its end, and --requests ends a run by a count"))
                .hint("leave out --requests (-n)")),
            None => Ok(()),
        }
    }

    fn fits(&self, flag: &str, kind: &Kind) -> Result<(), Trouble> {
        let refused = |sentence: String, hint: &str| Err(Trouble::usage(sentence).hint(hint));
        match kind {
            Kind::Burst { .. } if self.arrivals == Arrivals::Poisson => {
                refused("--arrivals spreads requests, and a burst comes at once".into(), "leave one of them out")
            }
            Kind::Burst { .. } | Kind::Stages(_) if !self.ramp.is_zero() => refused(
                format!("{flag} has no full load that --ramp could rise to"),
                "stages rise by themselves: --stages 10s:1k,30s:1k",
            ),
            _ => Ok(()),
        }
    }

    /// What is measured of a course that lasts so long.
    fn rest(&self, flag: &str, kind: &Kind, lasts: Duration) -> Result<Duration, Trouble> {
        self.whole(flag)?;
        if self.duration.is_some() {
            return Err(
                Trouble::usage(format!("{flag} says itself how long the run lasts")).hint("leave out --duration (-d)")
            );
        }
        // Steps hold the first rate while the run warms up; stages begin with the warm-up.
        let omitted = if matches!(kind, Kind::Stages(_)) { self.omit } else { Duration::ZERO };
        match lasts.checked_sub(omitted).filter(|rest| !rest.is_zero()) {
            Some(rest) => Ok(rest),
            None => Err(Trouble::usage(format!("--omit leaves nothing of {flag} to measure")).hint("omit less")),
        }
    }
}
