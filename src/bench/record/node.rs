//! A place in a JSON document that knows where it is, so that what is wrong with it can be told: `runs[1].latency_us is missing`.
//!
//! May use: packed, `serde_json`'s values, `values`.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::{
    bench::packed::{MOST, Packed},
    values::show,
};

/// One value of the document.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    value: &'a Value,
    /// From the root, as one would write it; empty at the root.
    path: String,
}

/// As it may be shown: a file can come from anybody. What was fit to be shown when it was written stays as it is.
pub(super) fn shown(text: &str) -> String {
    let escaped = show::escaped(text.as_bytes(), false);
    if escaped.replace(r"\\", r"\") == text { text.to_owned() } else { escaped }
}

/// One clause: where, and what is wrong.
pub(super) type Wrong = String;

impl<'a> Node<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Self { value, path: String::new() }
    }

    pub(super) fn value(&self) -> &'a Value {
        self.value
    }

    fn below(&self, name: &str, value: &'a Value) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        Self { value, path: format!("{}{dot}{name}", self.path) }
    }

    fn is_no(&self, what: &str) -> Wrong {
        format!("{} is no {what}", self.path)
    }

    /// A field that may be left out, or be null.
    pub(super) fn find(&self, name: &str) -> Option<Self> {
        self.value.get(name).filter(|value| !value.is_null()).map(|value| self.below(name, value))
    }

    pub(super) fn get(&self, name: &str) -> Result<Self, Wrong> {
        self.find(name).ok_or_else(|| format!("{} is missing", self.below(name, self.value).path))
    }

    /// The members of a list that may be left out.
    pub(super) fn list(&self, name: &str) -> Result<Vec<Self>, Wrong> {
        let Some(list) = self.find(name) else { return Ok(Vec::new()) };
        let values = list.value.as_array().ok_or_else(|| list.is_no("list"))?;
        Ok(values.iter().enumerate().map(|(at, value)| Self { value, path: format!("{}[{at}]", list.path) }).collect())
    }

    pub(super) fn members(&self) -> Result<&'a Map<String, Value>, Wrong> {
        self.value.as_object().ok_or_else(|| self.is_no("object"))
    }

    pub(super) fn member(&self, name: &str, value: &'a Value) -> Self {
        self.below(name, value)
    }

    pub(super) fn as_text(&self) -> Result<&'a str, Wrong> {
        self.value.as_str().ok_or_else(|| self.is_no("text"))
    }

    pub(super) fn as_shown(&self) -> Result<String, Wrong> {
        self.as_text().map(shown)
    }

    pub(super) fn shown(&self, name: &str) -> Result<String, Wrong> {
        self.get(name)?.as_shown()
    }

    pub(super) fn as_count(&self) -> Result<u64, Wrong> {
        // Sums of a few of them never overflow.
        self.value.as_u64().filter(|count| *count <= MOST).ok_or_else(|| self.is_no("count"))
    }

    pub(super) fn text(&self, name: &str) -> Result<&'a str, Wrong> {
        self.get(name)?.as_text()
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, Wrong> {
        let node = self.get(name)?;
        node.value.as_bool().ok_or_else(|| node.is_no("true or false"))
    }

    /// As [`Self::flag`]; what is left out is not so.
    pub(super) fn flag_if(&self, name: &str) -> Result<bool, Wrong> {
        self.find(name).map_or(Ok(false), |_| self.flag(name))
    }

    pub(super) fn count(&self, name: &str) -> Result<u64, Wrong> {
        self.get(name)?.as_count()
    }

    /// As [`Self::count`]; what is left out is none.
    pub(super) fn count_if(&self, name: &str) -> Result<u64, Wrong> {
        self.find(name).map_or(Ok(0), |node| node.as_count())
    }

    /// As [`Self::count`]; what is left out is not known.
    pub(super) fn known(&self, name: &str) -> Result<Option<u64>, Wrong> {
        self.find(name).map(|node| node.as_count()).transpose()
    }

    pub(super) fn size(&self, name: &str) -> Result<usize, Wrong> {
        let node = self.get(name)?;
        usize::try_from(node.as_count()?).map_err(|_| node.is_no("count"))
    }

    pub(super) fn number(&self, name: &str) -> Result<f64, Wrong> {
        let node = self.get(name)?;
        node.value.as_f64().filter(|number| number.is_finite()).ok_or_else(|| node.is_no("number"))
    }

    /// A length of time in microseconds; what is left out is not known.
    pub(super) fn micros(&self, name: &str) -> Result<Option<Duration>, Wrong> {
        Ok(self.amount_if(name)?.map(|micros| Duration::from_nanos((micros * 1e3).round() as u64)))
    }

    /// As [`Self::number`], of what is never negative, nor larger than anything that is measured.
    pub(super) fn amount(&self, name: &str) -> Result<f64, Wrong> {
        match self.number(name)? {
            amount @ 0.0..1e18 => Ok(amount),
            _ => Err(self.get(name)?.is_no("amount")),
        }
    }

    /// As [`Self::amount`]; what is left out is not known.
    pub(super) fn amount_if(&self, name: &str) -> Result<Option<f64>, Wrong> {
        self.find(name).map(|_| self.amount(name)).transpose()
    }

    pub(super) fn seconds(&self, name: &str) -> Result<Duration, Wrong> {
        let number = self.number(name)?;
        // Written with six decimals: what comes back is what was written.
        let micros = (number * 1e6).round();
        match micros {
            0.0..1e18 => Ok(Duration::from_micros(micros as u64)),
            _ => Err(self.get(name)?.is_no("length of time")),
        }
    }

    /// A histogram that may be left out, which is an empty one.
    pub(super) fn histogram(&self, name: &str) -> Result<Packed, Wrong> {
        let Some(node) = self.find(name) else { return Ok(Packed::default()) };
        Packed::read(node.as_text()?).map_err(|why| format!("the histogram {} is broken: {why}", node.path))
    }
}
