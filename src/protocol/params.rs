//! `-p key=value`: the parameters of a protocol, checked against its row.

use std::{any::Any, collections::BTreeMap, fmt, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;

use super::{Ends, Made, Param, ParamKind, Secrets, Sheet};
use crate::{session::Files, values::read};

/// The values given, by name; several where a parameter may be given several times.
#[derive(Debug, Clone, Default)]
pub struct Params(BTreeMap<&'static str, Vec<Value>>, Secrets);

#[derive(Debug, Clone)]
enum Value {
    Duration(Duration),
    Text(String),
    Number(u64),
    Switch(bool),
    Made(Made),
    Contents(Contents),
    Place(Place),
}

/// What a file holds.
#[derive(Debug, Clone)]
pub struct Contents {
    /// The last part of its path.
    pub name: String,
    pub bytes: Bytes,
}

/// A name below a root; the root itself is `.`.
#[derive(Debug, Clone)]
pub struct Place {
    pub files: Arc<dyn Files>,
    pub name: PathBuf,
}

/// A value as it is handed in: whoever may open files has opened what the parameter's kind asks for.
#[derive(Debug)]
pub enum Given<'a> {
    /// As typed.
    Text(&'a str),
    /// For [`ParamKind::File`].
    Sheet(Sheet<'a>),
    Contents(Contents),
    Place(Place),
}

/// A parameter that the protocol does not have, or a value it can't be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParamError {
    Unknown {
        typed: String,
        nearest: Option<&'static str>,
        known: Vec<&'static str>,
    },
    /// The clause says what is wrong with the value.
    Malformed {
        name: &'static str,
        value: String,
        why: String,
    },
    /// The clause says what is wrong with what the file holds.
    BadFile {
        name: &'static str,
        why: String,
    },
    TooLong {
        name: &'static str,
        length: usize,
        longest: usize,
    },
    /// It can be given once.
    Twice {
        name: &'static str,
    },
    /// It is for the other end.
    OtherEnd {
        name: &'static str,
        ends: Ends,
    },
}

impl fmt::Display for ParamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { typed, .. } => write!(f, "unknown parameter {typed:?}"),
            Self::Malformed { name, value, why } => write!(f, "{name} can't be {value:?}: {why}"),
            Self::BadFile { name, why } => write!(f, "{name}: {why}"),
            Self::TooLong { name, length, longest } => {
                write!(f, "parameter {name} has {length} bytes, over the limit of {longest}")
            }
            Self::Twice { name } => write!(f, "{name} is given twice"),
            Self::OtherEnd { name, ends: Ends::Client } => {
                write!(f, "{name} is a parameter of the client, and this is a server")
            }
            Self::OtherEnd { name, .. } => write!(f, "{name} is a parameter of the server, and this is a client"),
        }
    }
}

impl std::error::Error for ParamError {}

impl ParamError {
    /// What to try, if anything is known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { nearest: Some(nearest), .. } => Some(format!("did you mean {nearest}?")),
            Self::Unknown { known, .. } if known.is_empty() => Some("this protocol has no parameters".into()),
            Self::Unknown { known, .. } => Some(format!("this protocol has {}", known.join(", "))),
            Self::Twice { .. } => Some("it can be one thing: leave the others out".into()),
            Self::Malformed { .. } | Self::BadFile { .. } | Self::TooLong { .. } | Self::OtherEnd { .. } => None,
        }
    }
}

/// The parameter of this name, for this end.
///
/// # Errors
/// [`ParamError`]
pub fn param(table: &'static [Param], end: Ends, name: &str) -> Result<&'static Param, ParamError> {
    match table.iter().find(|param| param.name == name) {
        Some(param) if param.is_of(end) => Ok(param),
        Some(param) => Err(ParamError::OtherEnd { name: param.name, ends: param.ends }),
        None => {
            let known: Vec<_> = table.iter().filter(|param| param.is_of(end)).map(|param| param.name).collect();
            let nearest = read::nearest(name, known.iter().copied());
            Err(ParamError::Unknown { typed: name.into(), nearest, known })
        }
    }
}

impl Params {
    /// Sets a parameter, or adds to it.
    ///
    /// # Errors
    /// [`ParamError`]
    pub fn set(&mut self, param: &'static Param, given: Given<'_>) -> Result<(), ParamError> {
        if !param.many && self.has(param.name) {
            return Err(ParamError::Twice { name: param.name });
        }
        if let Given::Text(text) = given
            && param.secret
        {
            self.1.add(text);
        }
        let value = param.read(given)?;
        self.0.entry(param.name).or_default().push(value);
        Ok(())
    }

    fn all<'a, T>(&'a self, name: &str, of: impl Fn(&'a Value) -> Option<T>) -> Vec<T> {
        self.0.get(name).into_iter().flatten().filter_map(of).collect()
    }

    fn one<'a, T>(&'a self, name: &str, of: impl Fn(&'a Value) -> Option<T>) -> Option<T> {
        self.0.get(name)?.last().and_then(of)
    }

    /// What was given and must not be shown.
    #[must_use]
    pub fn secrets(&self) -> &Secrets {
        &self.1
    }

    /// Was it given?
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The duration `name`, if it was given.
    #[must_use]
    pub fn duration(&self, name: &str) -> Option<Duration> {
        self.one(name, |value| if let Value::Duration(duration) = value { Some(*duration) } else { None })
    }

    /// The text `name`, if it was given.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.one(name, text_of)
    }

    /// All texts `name`, in the order given.
    #[must_use]
    pub fn texts(&self, name: &str) -> Vec<&str> {
        self.all(name, text_of)
    }

    /// The count or size `name`, if it was given.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        self.one(name, |value| if let Value::Number(number) = value { Some(*number) } else { None })
    }

    /// Is the switch `name` on?
    #[must_use]
    pub fn switch(&self, name: &str) -> bool {
        self.one(name, |value| if let Value::Switch(on) = value { Some(*on) } else { None }).unwrap_or(false)
    }

    /// What was made of `name`, if it was given.
    #[must_use]
    pub fn made<T: Any + Send + Sync>(&self, name: &str) -> Option<Arc<T>> {
        self.one(name, made_of)
    }

    /// What was made of each `name`, in the order given.
    #[must_use]
    pub fn all_made<T: Any + Send + Sync>(&self, name: &str) -> Vec<Arc<T>> {
        self.all(name, made_of)
    }

    /// Each value that a protocol has made, with its parameter.
    fn each_made(&self) -> impl Iterator<Item = (&'static str, &Made)> {
        let all = self.0.iter().flat_map(|(name, values)| values.iter().map(move |value| (*name, value)));
        all.filter_map(|(name, value)| if let Value::Made(made) = value { Some((name, made)) } else { None })
    }

    /// The parameter that lists what is to be asked for in turn, and how many things that are: 1 without a list.
    #[must_use]
    pub fn turns(&self) -> (&'static str, u64) {
        self.each_made().map(|(name, made)| (name, made.turns)).max_by_key(|(_, turns)| *turns).unwrap_or(("", 1))
    }

    /// What of these values nobody who carries the bytes should read.
    #[must_use]
    pub fn secret(&self) -> Option<&'static str> {
        self.each_made().find_map(|(_, made)| made.secret)
    }

    /// A value that leaves another parameter, which was given, without a meaning to a server: both, and why.
    #[must_use]
    pub fn barred(&self) -> Option<(&'static str, &'static str, &'static str)> {
        let bars = |(name, made): (&'static str, &Made)| made.bars.map(|(other, why)| (name, other, why));
        self.each_made().filter_map(bars).find(|(_, other, _)| self.has(other))
    }

    /// The files `name`, in the order given.
    #[must_use]
    pub fn contents(&self, name: &str) -> Vec<&Contents> {
        self.all(name, |value| if let Value::Contents(contents) = value { Some(contents) } else { None })
    }

    /// The place `name`, if it was given; of a folder, its root.
    #[must_use]
    pub fn place(&self, name: &str) -> Option<&Place> {
        self.one(name, |value| if let Value::Place(place) = value { Some(place) } else { None })
    }
}

fn text_of(value: &Value) -> Option<&str> {
    if let Value::Text(text) = value { Some(text) } else { None }
}

fn made_of<T: Any + Send + Sync>(value: &Value) -> Option<Arc<T>> {
    if let Value::Made(made) = value { made.it.clone().downcast().ok() } else { None }
}

impl Param {
    fn read(&self, given: Given<'_>) -> Result<Value, ParamError> {
        match given {
            Given::Text(text) => self.read_text(text),
            Given::Sheet(sheet) => self.read_sheet(&sheet),
            Given::Contents(contents) => {
                self.fits(contents.bytes.len())?;
                Ok(Value::Contents(contents))
            }
            Given::Place(place) => Ok(Value::Place(place)),
        }
    }

    fn fits(&self, length: usize) -> Result<(), ParamError> {
        match self.longest {
            Some(longest) if length > longest => Err(ParamError::TooLong { name: self.name, length, longest }),
            _ => Ok(()),
        }
    }

    fn read_text(&self, text: &str) -> Result<Value, ParamError> {
        self.fits(text.len())?;
        let malformed = |why| ParamError::Malformed { name: self.name, value: text.into(), why };
        match self.kind {
            ParamKind::Text => Ok(Value::Text(text.into())),
            ParamKind::Duration => read::duration(text).map(Value::Duration).map_err(malformed),
            ParamKind::Count => read::count(text).map(Value::Number).map_err(malformed),
            ParamKind::Size => read::size(text).map(|size| Value::Number(size as u64)).map_err(malformed),
            ParamKind::Switch => switch(text).map(Value::Switch).map_err(malformed),
            ParamKind::Parsed { read, .. } => read(text).map(Value::Made).map_err(malformed),
            ParamKind::File(_) | ParamKind::Contents | ParamKind::Folder { .. } | ParamKind::Place | ParamKind::Appended => {
                Err(malformed("it names a file".into()))
            }
        }
    }

    fn read_sheet(&self, sheet: &Sheet<'_>) -> Result<Value, ParamError> {
        let ParamKind::File(read) = self.kind else { return self.read_text("") };
        self.fits(sheet.bytes.len())?;
        read(sheet).map(Value::Made).map_err(|why| ParamError::BadFile { name: self.name, why })
    }
}

fn switch(text: &str) -> Result<bool, String> {
    match text {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err("it is true or false".into()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::protocol;

    static TABLE: [Param; 2] =
        [Param::both("delay", ParamKind::Duration, "0", ""), Param::server("quote", ParamKind::Text, "", "").longest(3)];

    fn set(name: &str, value: &str) -> Result<Params, (String, Option<String>)> {
        let mut params = Params::default();
        let set = param(&TABLE, Ends::Server, name).and_then(|param| params.set(param, Given::Text(value)));
        set.map(|()| params).map_err(|error| (error.to_string(), error.hint()))
    }

    #[test]
    fn values_are_what_the_row_says() {
        assert_eq!(set("delay", "20ms").unwrap().duration("delay"), Some(Duration::from_millis(20)));
        assert_eq!(set("quote", "a=b").unwrap().text("quote"), Some("a=b"));
        assert_eq!(Params::default().text("quote"), None);
    }

    #[test]
    fn one_value_is_given_once_and_several_all_count() {
        static MANY: Param = Param::client("to", ParamKind::Text, "", "").many();
        let mut params = Params::default();
        params.set(&TABLE[0], Given::Text("1s")).unwrap();
        let twice = params.set(&TABLE[0], Given::Text("2s")).unwrap_err();
        assert_eq!(twice.to_string(), "delay is given twice");
        assert_eq!(params.duration("delay"), Some(Duration::from_secs(1)));
        for value in ["1s", "2s"] {
            params.set(&MANY, Given::Text(value)).unwrap();
        }
        assert_eq!(params.texts("to"), ["1s", "2s"]);
    }

    #[test]
    fn errors_name_what_could_be_meant() {
        let hint = |text: &str| Some(text.to_owned());
        assert_eq!(set("dealy", "1").unwrap_err(), ("unknown parameter \"dealy\"".into(), hint("did you mean delay?")));
        assert_eq!(
            set("xyzzy", "1").unwrap_err(),
            ("unknown parameter \"xyzzy\"".into(), hint("this protocol has delay, quote"))
        );
        assert_eq!(set("quote", "abcd").unwrap_err(), ("parameter quote has 4 bytes, over the limit of 3".into(), None));
        let (sentence, _) = set("delay", "soon").unwrap_err();
        assert!(sentence.starts_with("delay can't be \"soon\": "), "{sentence}");
        let none = param(&[], Ends::Both, "x").unwrap_err();
        assert_eq!(none.hint().unwrap(), "this protocol has no parameters");
        let other = param(&TABLE, Ends::Client, "quote").unwrap_err();
        assert_eq!(other.to_string(), "quote is a parameter of the server, and this is a client");
    }

    #[test]
    fn a_file_is_made_into_something_once() {
        const KIND: ParamKind = ParamKind::File(|sheet| {
            let number = sheet.text()?.parse::<u32>();
            number.map(Made::new).map_err(|error| format!("{}, line 1: {error}", sheet.path.display()))
        });
        static FILE: Param = Param::server("number", KIND, "", "").longest(4);
        let given = |text: &'static str| {
            Given::Sheet(Sheet { path: Path::new("n.txt"), bytes: text.as_bytes(), other: &|_| Err("no other".into()) })
        };
        let mut params = Params::default();
        params.set(&FILE, given("17")).unwrap();
        assert_eq!(params.made::<u32>("number").as_deref(), Some(&17));
        assert!(Arc::ptr_eq(&params.made::<u32>("number").unwrap(), &params.clone().made("number").unwrap()));
        assert_eq!(params.set(&FILE, given("17")), Err(ParamError::Twice { name: "number" }));
        let wrong = |given| Params::default().set(&FILE, given).unwrap_err().to_string();
        assert_eq!(wrong(given("x")), "number: n.txt, line 1: invalid digit found in string");
        assert!(wrong(given("12345")).contains("over the limit of 4"));
        assert!(!wrong(Given::Text("17")).is_empty(), "a file is read by whoever may");
    }

    #[test]
    fn every_default_can_be_typed() {
        for row in protocol::ALL {
            for param in row.params.iter().filter(|param| !param.default.is_empty()) {
                Params::default().set(param, Given::Text(param.default)).unwrap();
            }
        }
    }
}
