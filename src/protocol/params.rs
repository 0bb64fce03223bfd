//! `-p key=value`: the parameters of a protocol, checked against its row.

use std::{any::Any, collections::BTreeMap, fmt, sync::Arc, time::Duration};

use crate::values::read;

/// What a parameter's value is.
#[derive(Debug, Clone, Copy)]
pub enum ParamKind {
    Duration,
    Text,
    /// What a file holds, and what the protocol makes of that, once for all its sessions; or one clause that says what is wrong
    /// with it, and in which line.
    File(fn(&str) -> Result<Made, String>),
}

/// What a protocol has made of a file.
#[derive(Clone)]
pub struct Made(Arc<dyn Any + Send + Sync>);

impl Made {
    pub fn new<T: Any + Send + Sync>(made: T) -> Self {
        Self(Arc::new(made))
    }
}

impl fmt::Debug for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Made")
    }
}

impl PartialEq for Made {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Made {}

impl ParamKind {
    /// What stands for a value in help.
    #[must_use]
    pub fn placeholder(self) -> &'static str {
        match self {
            Self::Duration => "DURATION",
            Self::Text => "TEXT",
            Self::File(_) => "FILE",
        }
    }
}

/// One parameter of a protocol.
#[derive(Debug, Clone, Copy)]
pub struct Param {
    pub name: &'static str,
    pub kind: ParamKind,
    /// As a person would type it; empty where there is none, and the help says what happens.
    pub default: &'static str,
    /// The longest text or file, in bytes.
    pub longest: Option<usize>,
    pub help: &'static str,
}

/// The values given, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(BTreeMap<&'static str, Value>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Duration(Duration),
    Text(String),
    Made(Made),
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
            Self::Malformed { .. } | Self::BadFile { .. } | Self::TooLong { .. } => None,
        }
    }
}

impl Params {
    /// Sets `name` to `value`, as typed; a file is given as what it holds.
    ///
    /// # Errors
    /// [`ParamError`]
    pub fn set(&mut self, table: &'static [Param], name: &str, value: &str) -> Result<(), ParamError> {
        let Some(param) = table.iter().find(|param| param.name == name) else {
            let known: Vec<_> = table.iter().map(|param| param.name).collect();
            let nearest = read::nearest(name, known.iter().copied());
            return Err(ParamError::Unknown { typed: name.into(), nearest, known });
        };
        self.0.insert(param.name, param.read(value)?);
        Ok(())
    }

    /// The duration `name`, if it was given.
    #[must_use]
    pub fn duration(&self, name: &str) -> Option<Duration> {
        match self.0.get(name) {
            Some(Value::Duration(duration)) => Some(*duration),
            _ => None,
        }
    }

    /// The text `name`, if it was given.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// What was made of the file `name`, if it was given.
    #[must_use]
    pub fn made<T: Any + Send + Sync>(&self, name: &str) -> Option<Arc<T>> {
        match self.0.get(name) {
            Some(Value::Made(made)) => made.0.clone().downcast().ok(),
            _ => None,
        }
    }
}

impl Param {
    fn read(&self, value: &str) -> Result<Value, ParamError> {
        match (self.kind, self.longest) {
            (ParamKind::Text | ParamKind::File(_), Some(longest)) if value.len() > longest => {
                Err(ParamError::TooLong { name: self.name, length: value.len(), longest })
            }
            (ParamKind::Text, _) => Ok(Value::Text(value.into())),
            (ParamKind::File(read), _) => match read(value) {
                Ok(made) => Ok(Value::Made(made)),
                Err(why) => Err(ParamError::BadFile { name: self.name, why }),
            },
            (ParamKind::Duration, _) => match read::duration(value) {
                Ok(duration) => Ok(Value::Duration(duration)),
                Err(why) => Err(ParamError::Malformed { name: self.name, value: value.into(), why }),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol;

    static TABLE: [Param; 2] = [
        Param { name: "delay", kind: ParamKind::Duration, default: "0", longest: None, help: "" },
        Param { name: "quote", kind: ParamKind::Text, default: "", longest: Some(3), help: "" },
    ];

    fn set(name: &str, value: &str) -> Result<Params, (String, Option<String>)> {
        let mut params = Params::default();
        match params.set(&TABLE, name, value) {
            Ok(()) => Ok(params),
            Err(error) => Err((error.to_string(), error.hint())),
        }
    }

    #[test]
    fn values_are_what_the_row_says() {
        assert_eq!(set("delay", "20ms").unwrap().duration("delay"), Some(Duration::from_millis(20)));
        assert_eq!(set("quote", "a=b").unwrap().text("quote"), Some("a=b"));
        assert_eq!(Params::default().text("quote"), None);
    }

    #[test]
    fn errors_name_what_could_be_meant() {
        let hint = |text: &str| Some(text.to_owned());
        assert_eq!(set("dealy", "1"), Err(("unknown parameter \"dealy\"".into(), hint("did you mean delay?"))));
        assert_eq!(set("xyzzy", "1"), Err(("unknown parameter \"xyzzy\"".into(), hint("this protocol has delay, quote"))));
        assert_eq!(set("quote", "abcd"), Err(("parameter quote has 4 bytes, over the limit of 3".into(), None)));
        let (sentence, _) = set("delay", "soon").unwrap_err();
        assert!(sentence.starts_with("delay can't be \"soon\": "), "{sentence}");
        let none = Params::default().set(&[], "x", "1").unwrap_err();
        assert_eq!(none.hint().unwrap(), "this protocol has no parameters");
    }

    #[test]
    fn a_file_is_made_into_something_once() {
        static FILE: [Param; 1] = [Param {
            name: "number",
            kind: ParamKind::File(|text| text.parse::<u32>().map(Made::new).map_err(|error| format!("line 1: {error}"))),
            default: "",
            longest: Some(4),
            help: "",
        }];
        let mut params = Params::default();
        params.set(&FILE, "number", "17").unwrap();
        assert_eq!(params.made::<u32>("number").as_deref(), Some(&17));
        assert!(Arc::ptr_eq(&params.made::<u32>("number").unwrap(), &params.clone().made("number").unwrap()));
        assert_eq!(
            params.set(&FILE, "number", "x").unwrap_err().to_string(),
            "number: line 1: invalid digit found in string"
        );
        assert!(params.set(&FILE, "number", "12345").unwrap_err().to_string().contains("over the limit of 4"));
    }

    #[test]
    fn every_default_can_be_typed() {
        for row in protocol::ALL {
            for param in row.params.iter().filter(|param| !param.default.is_empty()) {
                Params::default().set(row.params, param.name, param.default).unwrap();
            }
        }
    }
}
