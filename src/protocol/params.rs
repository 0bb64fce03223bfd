//! `-p key=value`: the parameters of a protocol, checked against its row.

use std::{collections::BTreeMap, fmt, time::Duration};

/// What a parameter's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamKind {
    Duration,
    Text,
}

/// One parameter of a protocol.
#[derive(Debug, Clone, Copy)]
pub struct Param {
    pub name: &'static str,
    pub kind: ParamKind,
    /// As a person would type it.
    pub default: &'static str,
    pub help: &'static str,
}

/// The values given, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(BTreeMap<&'static str, Value>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Duration(Duration),
    Text(String),
}

/// A parameter that the protocol does not have, or a value it can't be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParamError {
    Unknown(String),
    Malformed { name: &'static str, value: String, wanted: &'static str },
}

impl fmt::Display for ParamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => write!(f, "no parameter {name:?}"),
            Self::Malformed { name, value, wanted } => write!(f, "parameter {name} is {value:?}, not {wanted}"),
        }
    }
}

impl std::error::Error for ParamError {}

impl Params {
    /// Sets `name` to `value`, as typed.
    ///
    /// # Errors
    /// [`ParamError`]
    pub fn set(&mut self, table: &'static [Param], name: &str, value: &str) -> Result<(), ParamError> {
        let Some(param) = table.iter().find(|param| param.name == name) else {
            return Err(ParamError::Unknown(name.into()));
        };
        let value =
            match param.kind {
                ParamKind::Text => Value::Text(value.into()),
                ParamKind::Duration => Value::Duration(crate::values::duration(value).map_err(|_| {
                    ParamError::Malformed { name: param.name, value: value.into(), wanted: "a duration like 20ms" }
                })?),
            };
        self.0.insert(param.name, value);
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
}
