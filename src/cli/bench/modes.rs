//! What `bench` does in place of requests: bulk, and datagrams one way.

use super::{ArrivalsArg, Bench, DURATION};
use crate::{
    bench::{bulk::BulkPlan, one_way::OneWayPlan, sizes::Sizes},
    cli::{bench_bulk::Beside, bench_one_way},
    error::Trouble,
    protocol::{MEASURE, Protocol, Setup},
    transport::Scheme,
};

type Modes = (Option<BulkPlan>, Option<OneWayPlan>);

impl Bench {
    /// Nobody is asked what it speaks: what measures is what is meant.
    pub(super) fn measure(&self) -> Option<&'static Protocol> {
        (self.bulk.asked() || self.one_way.asked()).then_some(MEASURE)
    }

    pub(super) fn modes(&self, scheme: Scheme, setup: &Setup, data: bool) -> Result<Modes, Trouble> {
        Ok((self.bulk(scheme, setup, data)?, self.one_way(scheme, setup, data)?))
    }

    fn bulk(&self, scheme: Scheme, setup: &Setup, data: bool) -> Result<Option<BulkPlan>, Trouble> {
        if !self.bulk.asked() {
            return Ok(None);
        }
        let (load, run) = (&self.load, &self.run);
        let length = match &load.length {
            None => None,
            Some(Sizes::One(length)) => Some(*length),
            Some(_) => return Err(Trouble::usage("--bulk sends blocks of one length").hint("for example: -l 128K")),
        };
        let for_requests = [
            &self.for_requests(setup, data)[..],
            &[("--rate", load.rate.is_some()), ("--requests", run.requests.is_some())],
        ]
        .concat();
        self.bulk.plan(&Beside {
            scheme,
            duration: run.duration,
            usual_duration: DURATION,
            omit: run.omit(),
            length,
            bit_rate: load.bit_rate,
            limits: &self.report.fail_if,
            for_requests: &for_requests,
        })
    }

    fn one_way(&self, scheme: Scheme, setup: &Setup, data: bool) -> Result<Option<OneWayPlan>, Trouble> {
        if !self.one_way.asked() {
            return Ok(None);
        }
        let (load, run) = (&self.load, &self.run);
        let for_requests = [&self.for_requests(setup, data)[..], &[("--live", self.report.live)]].concat();
        self.one_way.plan(&bench_one_way::Beside {
            scheme,
            duration: run.duration,
            usual_duration: DURATION,
            count: run.requests,
            length: load.length.as_ref(),
            rate: load.rate,
            bit_rate: load.bit_rate,
            for_requests: &for_requests,
        })
    }

    /// Flags that are for requests, and whether each was given.
    fn for_requests(&self, setup: &Setup, data: bool) -> [(&'static str, bool); 19] {
        let (load, run, report) = (&self.load, &self.run, &self.report);
        [
            ("DATA", data),
            ("--file", self.body.file.is_some()),
            ("--data-file", load.data_file.is_some()),
            ("--framing", !setup.framing.is_raw()),
            ("--arrivals", load.arrivals != ArrivalsArg::Constant),
            ("--in-flight", load.in_flight.is_some()),
            ("--reconnect", load.reconnect),
            ("--ramp", !run.ramp.is_zero()),
            ("--repeat", run.repeat > 1),
            (load.shape.flag().unwrap_or("--stages"), load.shape.flag().is_some()),
            ("--hold", load.shape.hold),
            ("--connect-rate", load.shape.connect_rate.is_some()),
            ("--find-max", !run.find_max.is_empty()),
            ("--spin", run.spin),
            ("--shard", run.shard.is_some()),
            ("--start-at", run.start_at.is_some()),
            ("--server-pid", report.server_pid.is_some()),
            ("--seed", run.seed > 0),
            ("--hdr", report.hdr.is_some()),
        ]
    }
}
