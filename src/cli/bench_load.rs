//! What each request of `bench` says, and how often: checks that need the protocol, the transport and the flags together.

use std::{ffi::OsStr, path::Path};

use super::{
    bench::{ArrivalsArg, LoadArgs},
    data::{self, DataArgs},
    values,
};
use crate::{
    bench::Load,
    error::Trouble,
    protocol::{Answers, Form, Framing, Protocol},
    transport::{Family, Host, Place, Scheme, Target},
    values::show,
};

/// Bytes of a message, unless told otherwise.
const LENGTH: usize = 64;
/// Requests per second of an open loop, at most: one for each nanosecond, the grain of its schedule.
const MOST_RATE: f64 = 1e9;
/// Bytes of the number over the front of each datagram.
const NUMBER: usize = 8;

/// What is known when the load is chosen.
pub(super) struct Asked<'a> {
    /// `None`: the target is asked later.
    pub row: Option<&'static Protocol>,
    pub scheme: Scheme,
    pub target: Option<&'a Target>,
    pub family: Option<Family>,
    pub framing: &'a Framing,
}

/// The messages, and requests per second of an open loop.
///
/// # Errors
/// Messages or a rate that this protocol or this transport has no use for.
pub(super) fn asked_load(
    asked: &Asked,
    flags: &LoadArgs,
    body: &DataArgs,
    words: &[&OsStr],
) -> Result<(Load, Option<f64>), Trouble> {
    let load = asked.load(flags, body, words)?;
    let rate = asked.rate(flags, &load)?;
    if rate.is_none() && flags.arrivals == ArrivalsArg::Poisson {
        return Err(Trouble::usage("--arrivals spreads the requests of an open loop, and there is no rate")
            .hint("add one, as in: -r 10k --arrivals poisson"));
    }
    Ok((load, rate))
}

impl Asked<'_> {
    fn load(&self, flags: &LoadArgs, body: &DataArgs, words: &[&OsStr]) -> Result<Load, Trouble> {
        if let Some(row) = self.row.filter(|row| !row.takes_data()) {
            body.refuse(words, row)?;
            return Self::without_data(flags, row);
        }
        if let Some(form) = self.row.and_then(Protocol::form) {
            return self.worded(form, flags, body, words);
        }
        let messages = match &body.file {
            Some(file) => {
                data::only_source(words)?;
                vec![data::contents(file)?]
            }
            None => body.messages(words)?,
        };
        if let (Some(_), Some(word)) = (flags.length, words.first()) {
            let sentence = format!("--length and DATA ({:?}) exclude each other", word.to_string_lossy());
            return Err(Trouble::usage(sentence).hint("leave one of them out"));
        }
        let optional = self.row.is_some_and(Protocol::data_is_optional);
        if messages.is_empty() {
            let length = flags.length.unwrap_or(if optional { 0 } else { LENGTH });
            if !optional {
                self.length_makes_sense(length)?;
            }
            return Ok(Load::Length(length));
        }
        if !optional && messages.iter().any(bytes::Bytes::is_empty) {
            self.empty_makes_sense(body.file.as_deref())?;
        }
        data::fits(&messages, &self.place(), self.family, self.row)?;
        Ok(Load::Messages(messages))
    }

    /// Messages of words: DATA is one, each line of a file is one; else an example.
    fn worded(&self, form: Form, flags: &LoadArgs, body: &DataArgs, words: &[&OsStr]) -> Result<Load, Trouble> {
        if flags.length.is_some() {
            return Err(Trouble::usage(format!("--length is for messages of any bytes, and here each is {}", form.usage))
                .hint("leave --length out"));
        }
        let messages = match &body.file {
            Some(file) => {
                data::only_source(words)?;
                let lines = data::lines(&data::contents(file)?, form);
                if lines.is_empty() {
                    let file = show::path(file);
                    return Err(Trouble::usage(format!("{file} holds no message: each line is {}", form.usage)));
                }
                lines
            }
            None if words.is_empty() => form.examples.first().map(|example| (*example).into()).into_iter().collect(),
            None => vec![body.words(words)?],
        };
        data::fits(&messages, &self.place(), self.family, self.row)?;
        Ok(Load::Messages(messages))
    }

    fn without_data(flags: &LoadArgs, row: &Protocol) -> Result<Load, Trouble> {
        match flags.length {
            Some(_) => Err(Trouble::usage(format!("--length is for messages, and {} takes no data", row.name))
                .hint("leave --length out")),
            None => Ok(Load::Length(0)),
        }
    }

    fn length_makes_sense(&self, length: usize) -> Result<(), Trouble> {
        if values::datagrams(self.scheme) {
            if length < NUMBER {
                let sentence = format!("--length {length} is too short: the number in each datagram takes {NUMBER} bytes");
                return Err(Trouble::usage(sentence).hint("-l 8 is the least; DATA in place of --length is not numbered"));
            }
            return data::length_fits(length, &self.place(), self.family, self.row);
        }
        if length == 0 { self.empty_makes_sense(None) } else { self.frame_holds(length) }
    }

    fn empty_makes_sense(&self, file: Option<&Path>) -> Result<(), Trouble> {
        if values::datagrams(self.scheme) || !self.framing.is_raw() {
            return Ok(());
        }
        let what = file.map_or_else(|| "an empty message".into(), |file| format!("{}, which is empty,", file.display()));
        Err(Trouble::usage(format!("{what} can't be seen on a stream")).hint("a framing shows it: --framing int32"))
    }

    fn frame_holds(&self, length: usize) -> Result<(), Trouble> {
        if self.framing.is_raw() || length <= self.framing.max {
            return Ok(());
        }
        let max = self.framing.max;
        if self.framing.longer(length - max).max < length {
            return Err(Trouble::usage(format!("--length {length} is more than the {max} bytes that this framing can say"))
                .hint("int32 holds more: --framing int32"));
        }
        Err(Trouble::usage(format!("--length {length} is more than the framing's limit of {max} bytes"))
            .hint(format!("raise it on both ends: --max-frame {length}")))
    }

    /// A server of our own listens on loopback, IPv4 first.
    fn place(&self) -> Target {
        let own = || Target { scheme: self.scheme, place: Place::Net { host: Host::Loopback, port: 0 } };
        self.target.cloned().unwrap_or_else(own)
    }

    fn rate(&self, flags: &LoadArgs, load: &Load) -> Result<Option<f64>, Trouble> {
        let given = match (flags.rate, flags.bit_rate) {
            (None, None) => return Ok(None),
            (Some(_), _) => "--rate",
            _ => "--bit-rate",
        };
        if let Some(row) = self.row.filter(|row| self.answers(row) == Answers::Endless) {
            return Err(Trouble::usage(format!("{given} is for requests, and {} sends without being asked", row.name))
                .hint("leave it out: what arrives is counted"));
        }
        let rate = match (flags.bit_rate, mean_length(load)) {
            (None, _) => flags.rate.unwrap_or_default(),
            (_, 0.0) => {
                return Err(Trouble::usage("--bit-rate is of messages, and these are empty").hint("use -r, as in: -r 10k"));
            }
            (Some(bits), length) => bits / (8.0 * length),
        };
        if rate > MOST_RATE {
            let (asked, most) = (show::grouped(rate as u64), show::grouped(MOST_RATE as u64));
            let sentence = format!("{given}: a rate of {asked} requests per second is more than {most}");
            return Err(Trouble::usage(sentence).hint("leave it out: each request follows its answer, as fast as they come"));
        }
        Ok(Some(rate))
    }

    fn answers(&self, row: &Protocol) -> Answers {
        if values::datagrams(self.scheme) { row.answers.datagrams } else { row.answers.stream }
    }
}

fn mean_length(load: &Load) -> f64 {
    match load {
        Load::Length(length) => *length as f64,
        Load::Messages(messages) => messages.iter().map(bytes::Bytes::len).sum::<usize>() as f64 / messages.len() as f64,
    }
}
