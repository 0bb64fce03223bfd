//! What a script says of itself, made into a row.
//!
//! May use: `session`, `protocol`, `values`, mlua.

use mlua::{Table, Value};

use super::{
    super::{
        Answers, AnswersBy, Course, Explained, Form, Given, Layout, Param, ParamKind, Params, Protocol, Takes,
        explained::{CLIENT, SERVER},
        raw,
    },
    Declared, Script, Unusable,
    limits::Clock,
    session,
    state::State,
};
use crate::session::Rides;

/// Parameters of one script.
const MOST_PARAMS: usize = 64;
/// Bytes of a line about something.
const LONGEST_LINE: usize = 200;

/// Reads the declarations of a script that has run.
struct Reader<'a> {
    file: &'a str,
    globals: Table,
}

/// The row, and its name where the script has none.
pub(super) fn of(stem: &str, script: Script, clock: Clock) -> Result<&'static Protocol, Unusable> {
    let state = State::load(&script, clock)?;
    let reader = Reader { file: &script.file, globals: state.lua.globals() };
    if !state.server.any() && !state.client.any() {
        let sentence = format!("{} defines no end of a protocol", script.file);
        let hint = "server.input or client.submit is the least, as in: function server.input(c, input) c:write(input:everything()) end";
        return Err(Unusable { sentence, hint: hint.into() });
    }
    let client = state.client.any();
    let answers = reader.answers(client)?;
    let declared = reader.params()?;
    let rides = reader.rides()?;
    let echoes = reader.flag("echoes", true)?;
    let row = Protocol {
        name: leaked(reader.name(stem)?),
        about: leaked(reader.text("about")?.unwrap_or_else(|| format!("what {} says", script.file))),
        spec: leaked(reader.text("spec")?.unwrap_or_else(|| script.file.clone())),
        port: reader.port()?,
        rides,
        answers,
        takes: reader.takes()?,
        amplifies: reader.flag("amplifies", false)?,
        echoes,
        cuts_matter: reader.flag("cuts_matter", !client)?,
        framed: !client,
        paths: false,
        keeps: false,
        params: declared.params,
        server: state.server.any().then_some(session::server),
        client: if client { session::client } else { raw::ROW.client },
        prefix: None,
        explained: explained(&script.file, rides, state.budget.memory()),
        script: None,
    };
    if row.amplifies && !row.echoes {
        return Err(reader.wrong("amplifies without echoes: what answers any datagram can loop"));
    }
    let _ = script.declared.set(declared);
    let script: &'static Script = Box::leak(Box::new(script));
    Ok(Box::leak(Box::new(Protocol { script: Some(script), ..row })))
}

fn leaked(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

impl Reader<'_> {
    fn wrong(&self, what: impl std::fmt::Display) -> Unusable {
        let hint = "what a script may say of itself: name, about, spec, port, rides, answers, takes, params, memory, amplifies, echoes, cuts_matter";
        Unusable { sentence: format!("{}: {what}", self.file), hint: hint.into() }
    }

    fn get(&self, name: &str) -> Result<Value, Unusable> {
        self.globals.raw_get(name).map_err(|error| self.wrong(error))
    }

    /// One line of text.
    fn text(&self, name: &str) -> Result<Option<String>, Unusable> {
        match self.get(name)? {
            Value::Nil => Ok(None),
            Value::String(text) => self.line(name, &text.to_string_lossy()).map(Some),
            other => Err(self.wrong(format_args!("{name} has to be text, and is a {}", other.type_name()))),
        }
    }

    fn line(&self, name: &str, text: &str) -> Result<String, Unusable> {
        if text.is_empty() || text.len() > LONGEST_LINE || text.contains(char::is_control) {
            return Err(self.wrong(format_args!("{name} has to be one line of 1 to {LONGEST_LINE} bytes")));
        }
        Ok(text.to_owned())
    }

    fn name(&self, stem: &str) -> Result<String, Unusable> {
        let given = self.text("name")?;
        let name = given.as_deref().unwrap_or(stem);
        if name.contains(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c)) || name.len() > 40 {
            if given.is_none() {
                return Ok("script".into());
            }
            return Err(self.wrong("name has to be letters, digits, - _ and ., at most 40"));
        }
        if super::super::find(name).is_some() {
            return Err(self.wrong(format_args!("there is a protocol {name} already: name has to be another")));
        }
        Ok(name.to_owned())
    }

    fn flag(&self, name: &str, default: bool) -> Result<bool, Unusable> {
        match self.get(name)? {
            Value::Nil => Ok(default),
            Value::Boolean(flag) => Ok(flag),
            other => Err(self.wrong(format_args!("{name} has to be true or false, and is a {}", other.type_name()))),
        }
    }

    fn port(&self) -> Result<Option<u16>, Unusable> {
        match self.get("port")? {
            Value::Nil => Ok(None),
            Value::Integer(port) if (1..=65_535).contains(&port) => Ok(u16::try_from(port).ok()),
            _ => Err(self.wrong("port has to be a number from 1 to 65535")),
        }
    }

    /// `"streams"`, `"datagrams"`, or a list of both, the usual one first.
    fn rides(&self) -> Result<&'static [Rides], Unusable> {
        let one = |value: &Value| match value {
            Value::String(text) if text == "streams" => Some(Rides::Stream),
            Value::String(text) if text == "datagrams" => Some(Rides::Datagrams),
            _ => None,
        };
        let all: Option<Vec<Rides>> = match self.get("rides")? {
            Value::Nil => return Ok(Protocol::BOTH),
            Value::Table(list) => list.sequence_values::<Value>().map(|value| one(&value.ok()?)).collect(),
            value => one(&value).map(|rides| vec![rides]),
        };
        match all.as_deref() {
            Some([Rides::Stream]) => Ok(&[Rides::Stream]),
            Some([Rides::Datagrams]) => Ok(&[Rides::Datagrams]),
            Some([Rides::Stream, Rides::Datagrams]) => Ok(Protocol::BOTH),
            Some([Rides::Datagrams, Rides::Stream]) => Ok(&[Rides::Datagrams, Rides::Stream]),
            _ => Err(self.wrong("rides has to be \"streams\", \"datagrams\" or {\"streams\", \"datagrams\"}")),
        }
    }

    /// One word for both, or `{streams = ..., datagrams = ...}`. Without a client end only the user knows.
    fn answers(&self, client: bool) -> Result<AnswersBy, Unusable> {
        let default = if client { Answers::Each } else { Answers::Unknown };
        let one = |value: Value| match value {
            Value::Nil => Ok(default),
            Value::String(text) => match text.to_string_lossy().as_str() {
                "each" => Ok(Answers::Each),
                "any" => Ok(Answers::Unknown),
                "once" => Ok(Answers::OnceThenClose),
                "endless" => Ok(Answers::Endless),
                "never" => Ok(Answers::Never),
                other => Err(self.wrong(format_args!("answers can't be {other:?}: each, any, once, endless or never"))),
            },
            other => Err(self.wrong(format_args!("answers has to be text, and is a {}", other.type_name()))),
        };
        match self.get("answers")? {
            Value::Table(by) => {
                let get = |name: &str| by.raw_get::<Value>(name).map_err(|error| self.wrong(error));
                Ok(AnswersBy { stream: one(get("streams")?)?, datagrams: one(get("datagrams")?)? })
            }
            value => {
                let stream = one(value)?;
                // Nothing closes there.
                let datagrams = if stream == Answers::OnceThenClose { Answers::Each } else { stream };
                Ok(AnswersBy { stream, datagrams })
            }
        }
    }

    /// `"bytes"`, `"nothing"`, or `{ usage = "USER", examples = { "alice" } }` where people type words.
    fn takes(&self) -> Result<Takes, Unusable> {
        match self.get("takes")? {
            Value::Nil => Ok(Takes::Bytes),
            Value::String(text) if text == "bytes" => Ok(Takes::Bytes),
            Value::String(text) if text == "nothing" => Ok(Takes::Nothing),
            Value::Table(form) => self.words(&form),
            _ => Err(self.wrong("takes has to be \"bytes\", \"nothing\", or a table with usage and examples")),
        }
    }

    fn words(&self, form: &Table) -> Result<Takes, Unusable> {
        let usage: Value = form.raw_get("usage").map_err(|error| self.wrong(error))?;
        let Value::String(usage) = usage else { return Err(self.wrong("takes.usage has to be text, such as USER")) };
        let usage = leaked(self.line("takes.usage", &usage.to_string_lossy())?);
        let mut examples: Vec<&'static str> = Vec::new();
        if let Value::Table(list) = form.raw_get("examples").map_err(|error| self.wrong(error))? {
            for example in list.sequence_values::<String>() {
                let example = example.map_err(|_| self.wrong("takes.examples has to be a list of texts"))?;
                examples.push(leaked(self.line("an example of takes", &example)?));
            }
        }
        if examples.is_empty() {
            return Err(self.wrong("takes.examples has to hold one at least: `netproto bench` says the first"));
        }
        Ok(Takes::Words(Form { usage, examples: examples.leak(), comments: b"" }))
    }

    /// `params = { greeting = "hello" }`, or with `default`, `help` and `kind` for each.
    fn params(&self) -> Result<Declared, Unusable> {
        let table = match self.get("params")? {
            Value::Nil => return Ok(Declared::default()),
            Value::Table(table) => table,
            other => return Err(self.wrong(format_args!("params has to be a table, and is a {}", other.type_name()))),
        };
        let mut params = Vec::new();
        for pair in table.pairs::<Value, Value>() {
            let (name, value) = pair.map_err(|error| self.wrong(error))?;
            params.push(self.param(&name, &value)?);
        }
        if params.len() > MOST_PARAMS {
            return Err(self.wrong("64 params are the most"));
        }
        // A table has no order of its own.
        params.sort_unstable_by_key(|param| param.name);
        let (params, mut defaults): (&'static [Param], _) = (params.leak(), Params::default());
        for param in params {
            let set = defaults.set(param, Given::Text(param.default));
            set.map_err(|error| self.wrong(format_args!("the default of params.{}: {error}", param.name)))?;
        }
        Ok(Declared { params, defaults })
    }

    fn param(&self, name: &Value, value: &Value) -> Result<Param, Unusable> {
        let name = match name {
            Value::String(name) => name.to_string_lossy(),
            _ => return Err(self.wrong("params are named: params = { greeting = \"hello\" }")),
        };
        if name.is_empty() || name.contains(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c)) {
            return Err(self.wrong(format_args!("params.{name:?}: a name is letters, digits, - and _")));
        }
        let (default, help, kind) = match value {
            Value::Table(table) => {
                let get = |key: &str| table.raw_get::<Value>(key).map_err(|error| self.wrong(error));
                (get("default")?, get("help")?, get("kind")?)
            }
            other => (other.clone(), Value::Nil, Value::Nil),
        };
        let kind = self.kind(&name, &kind)?;
        let text = |value: Value, what: &str| match value {
            Value::Nil => Ok(String::new()),
            Value::String(text) => Ok(text.to_string_lossy()),
            Value::Integer(number) => Ok(number.to_string()),
            Value::Number(number) => Ok(number.to_string()),
            Value::Boolean(on) => Ok(on.to_string()),
            _ => Err(self.wrong(format_args!("params.{name}: {what} has to be text"))),
        };
        let default = match (text(default, "default")?, kind) {
            (none, ParamKind::Duration | ParamKind::Count | ParamKind::Size) if none.is_empty() => "0".into(),
            (none, ParamKind::Switch) if none.is_empty() => "false".into(),
            (default, _) => default,
        };
        let help = leaked(text(help, "help")?);
        Ok(Param::both(leaked(name), kind, leaked(default), help))
    }

    fn kind(&self, name: &str, kind: &Value) -> Result<ParamKind, Unusable> {
        let kinds = [ParamKind::Text, ParamKind::Duration, ParamKind::Count, ParamKind::Size, ParamKind::Switch];
        match kind {
            Value::Nil => Some(ParamKind::Text),
            Value::String(word) => kinds.into_iter().find(|kind| *word == kind.word()),
            _ => None,
        }
        .ok_or_else(|| {
            self.wrong(format_args!("params.{name}: kind has to be one of {}", kinds.map(ParamKind::word).join(", ")))
        })
    }
}

/// What can be told of any script.
fn explained(file: &str, rides: &'static [Rides], memory: usize) -> &'static Explained {
    let course = |rides: &Rides| match rides {
        Rides::Stream => Course {
            over: "streams",
            begins: "The client connects; server.open may greet, client.submit says what is to be said.",
            ends: "When the script closes (c:close); without server.eof also when the client has closed.",
        },
        Rides::Datagrams => Course {
            over: "datagrams",
            begins: "With any datagram; there is no connection.",
            ends: "A server forgets a peer that is silent for a minute, or for the time of --idle-timeout.",
        },
    };
    let courses: Vec<Course> = rides.iter().map(course).collect();
    let memory = format!(
        "All sessions of a worker thread have {} MiB of memory together, one string or table an eighth of that.",
        memory >> 20
    );
    let limits = vec![
        "A call takes at most 1,000,000 steps and 128 more for each byte that has come, and 1 s.",
        leaked(memory),
        "1 MiB may come without the script taking a message, 4 MiB may be unsent; 16 MiB of both on a thread.",
        "Each way to take a message has a limit of its own, which the script may set.",
    ];
    let sections = vec![(leaked(file.to_owned()), "the script")];
    Box::leak(Box::new(Explained {
        layout: &[Layout { way: CLIENT, picture: SAYS[0] }, Layout { way: SERVER, picture: SAYS[1] }],
        states: &[
            ("open", "The peer is there: server.open or client.open is called."),
            ("conversing", "What comes is offered to server.input or client.input, until no more messages are taken."),
            ("closed", "All is said, or the script has failed: an error ends that session and no other."),
        ],
        courses: courses.leak(),
        limits: limits.leak(),
        sections: sections.leak(),
    }))
}

const SAYS: [&str; 2] = [
    "\
+------------------ ~ ------+
| what client.submit writes |
+------------------ ~ ------+",
    "\
+------------------ ~ ------+
| what server.input writes  |
+------------------ ~ ------+",
];
