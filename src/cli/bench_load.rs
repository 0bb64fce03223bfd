//! What each request of `bench` says, and how often: checks that need the protocol, the transport and the flags together.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _, path::Path};

use bytes::Bytes;

use super::{
    bench::{ArrivalsArg, LoadArgs},
    data::{self, DataArgs},
    values,
};
use crate::{
    bench::{Load, load::course::Course, sizes::Sizes, template::Template},
    error::Trouble,
    protocol::{Answers, Form, Framing, Protocol},
    transport::{Family, Host, Place, Scheme, Target},
    values::{read, show},
};

/// The longest message: all of it is in memory.
const LONGEST: usize = 1 << 30;

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
    course: Option<&Course>,
    body: &DataArgs,
    words: &[&OsStr],
) -> Result<(Load, Option<f64>), Trouble> {
    if flags.shape.hold {
        return nothing(words);
    }
    let load = asked.load(flags, body, words)?;
    let rate = asked.rate(flags, course, &load)?;
    if rate.is_none() && flags.arrivals == ArrivalsArg::Poisson {
        return Err(Trouble::usage("--arrivals spreads the requests of an open loop, and there is no rate")
            .hint("add one, as in: -r 10k --arrivals poisson"));
    }
    Ok((load, rate))
}

/// Connections that are only kept say nothing.
fn nothing(words: &[&OsStr]) -> Result<(Load, Option<f64>), Trouble> {
    match words.first() {
        Some(word) => {
            Err(Trouble::usage(format!("--hold says nothing, and DATA ({:?}) is to be said", word.to_string_lossy()))
                .hint("leave one of them out"))
        }
        None => Ok((Load::Length(0), None)),
    }
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
        let templates = match (&body.file, &flags.data_file) {
            (Some(file), _) => {
                data::only_source("--file", words)?;
                vec![fixed(data::contents(file)?)]
            }
            (_, Some(file)) => lines(file, words)?,
            _ => words.iter().map(|word| typed(body, word)).collect::<Result<_, _>>()?,
        };
        if let (Some(_), Some(word)) = (&flags.length, words.first()) {
            let sentence = format!("--length and DATA ({:?}) exclude each other", word.to_string_lossy());
            return Err(Trouble::usage(sentence).hint("leave one of them out"));
        }
        let optional = self.row.is_some_and(Protocol::data_is_optional);
        if templates.is_empty() {
            let sizes = flags.length.clone().unwrap_or(Sizes::One(if optional { 0 } else { LENGTH }));
            if !optional {
                self.length_makes_sense(sizes.shortest())?;
                self.length_makes_sense(sizes.longest())?;
            }
            return Ok(match sizes {
                Sizes::One(length) => Load::Length(length),
                sizes => Load::Sizes(sizes),
            });
        }
        if !optional && templates.iter().any(|template| template.longest() == 0) {
            self.empty_makes_sense(body.file.as_deref())?;
        }
        self.said(templates)
    }

    /// These, if each fits.
    fn said(&self, templates: Vec<Template>) -> Result<Load, Trouble> {
        let longest = templates.iter().map(Template::longest).max().unwrap_or(0);
        data::length_fits(longest, &self.place(), self.family, self.row)?;
        let fixed: Option<Vec<_>> = templates.iter().map(Template::fixed).collect();
        Ok(fixed.map_or_else(|| Load::Templates(templates), Load::Messages))
    }

    /// Messages of words: DATA is one, each line of a file is one; else an example.
    fn worded(&self, form: Form, flags: &LoadArgs, body: &DataArgs, words: &[&OsStr]) -> Result<Load, Trouble> {
        if flags.length.is_some() {
            return Err(Trouble::usage(format!("--length is for messages of any bytes, and here each is {}", form.usage))
                .hint("leave --length out"));
        }
        let templates = match (&body.file, &flags.data_file) {
            (Some(file), _) => {
                data::only_source("--file", words)?;
                let lines = data::lines(&data::contents(file)?, form);
                if lines.is_empty() {
                    let file = show::path(file);
                    return Err(Trouble::usage(format!("{file} holds no message: each line is {}", form.usage)));
                }
                lines.into_iter().map(fixed).collect()
            }
            (_, Some(file)) => lines(file, words)?,
            _ if words.is_empty() => form.examples.first().map(|example| fixed((*example).into())).into_iter().collect(),
            _ => vec![typed(body, &words.join(OsStr::new(" ")))?],
        };
        self.said(templates)
    }

    fn without_data(flags: &LoadArgs, row: &Protocol) -> Result<Load, Trouble> {
        let given = match (&flags.length, &flags.data_file) {
            (Some(_), _) => Some("--length"),
            (_, Some(_)) => Some("--data-file"),
            _ => None,
        };
        match given {
            Some(flag) => Err(Trouble::usage(format!("{flag} is for messages, and {} takes no data", row.name))
                .hint(format!("leave {flag} out"))),
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

    fn rate(&self, flags: &LoadArgs, course: Option<&Course>, load: &Load) -> Result<Option<f64>, Trouble> {
        let given = match (flags.rate, flags.bit_rate, flags.shape.flag()) {
            (None, None, None) => return Ok(None),
            (Some(_), ..) => "--rate",
            (_, Some(_), _) => "--bit-rate",
            (.., Some(flag)) => flag,
        };
        if let Some(row) = self.row.filter(|row| self.answers(row) == Answers::Endless) {
            return Err(Trouble::usage(format!("{given} is for requests, and {} sends without being asked", row.name))
                .hint("leave it out: what arrives is counted"));
        }
        let rate = match (flags.bit_rate, course, mean_length(load)) {
            (None, Some(course), _) => course.kind.mean(),
            (None, None, _) => flags.rate.unwrap_or_default(),
            (_, _, None) => {
                return Err(Trouble::usage("--bit-rate is of messages whose length is known, and {seq} grows")
                    .hint("use -r, as in: -r 10k"));
            }
            (_, _, Some(0.0)) => {
                return Err(Trouble::usage("--bit-rate is of messages, and these are empty").hint("use -r, as in: -r 10k"));
            }
            (Some(bits), _, Some(length)) => bits / (8.0 * length),
        };
        let highest = course.map_or(rate, |course| course.kind.highest());
        if highest > MOST_RATE {
            let rate = highest;
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

/// `None`: not known.
fn mean_length(load: &Load) -> Option<f64> {
    let mean = |sum: usize, count: usize| sum as f64 / count as f64;
    match load {
        Load::Length(length) => Some(*length as f64),
        Load::Sizes(sizes) => Some(sizes.mean()),
        Load::Messages(messages) => Some(mean(messages.iter().map(Bytes::len).sum(), messages.len())),
        Load::Templates(templates) => {
            let sum: Option<usize> = templates.iter().map(Template::length).sum();
            sum.map(|sum| mean(sum, templates.len()))
        }
    }
}

/// A DATA argument, with its escapes and its places.
fn typed(body: &DataArgs, word: &OsStr) -> Result<Template, Trouble> {
    Template::parse(word.as_bytes(), |text| body.message(OsStr::from_bytes(text))).map_err(|clause| {
        Trouble::usage(format!("DATA {:?}: {clause}", word.to_string_lossy())).hint(if clause.contains("{rand") {
            "{{rand}} in doubled braces stands for itself, as do {{seq}} and {{now}}"
        } else {
            "--no-escapes sends backslashes as they are"
        })
    })
}

/// A message in which nothing changes.
fn fixed(message: Bytes) -> Template {
    Template::from(message)
}

/// `--data-file`: each line that holds something, as it is but for its places.
fn lines(file: &Path, words: &[&OsStr]) -> Result<Vec<Template>, Trouble> {
    data::only_source("--data-file", words)?;
    let (all, name) = (data::contents(file)?, show::path(file));
    let lines = all.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let template = |(at, line): (usize, &[u8])| {
        Template::parse(line, |text| Ok(Bytes::copy_from_slice(text)))
            .map_err(|clause| Trouble::usage(format!("{name}, line {}: {clause}", at + 1)))
    };
    let some = lines.enumerate().filter(|(_, line)| !line.is_empty());
    let templates = some.map(template).collect::<Result<Vec<_>, _>>()?;
    if templates.is_empty() {
        return Err(Trouble::usage(format!("{name} holds no line to send")));
    }
    Ok(templates)
}

pub(super) fn sizes(text: &str) -> Result<Sizes, String> {
    Sizes::parse(text, length)
}

fn length(text: &str) -> Result<usize, String> {
    match read::size(text)? {
        length if length > LONGEST => Err("a message is at most 1 GiB".into()),
        length => Ok(length),
    }
}
