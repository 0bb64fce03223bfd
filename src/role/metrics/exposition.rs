//! The text that Prometheus reads: its exposition format, version 0.0.4.
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>)
//!
//! May use: nothing.

use std::fmt::Write as _;

pub(super) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A text in the making: a family, its samples, the next family.
#[derive(Debug, Default)]
pub struct Exposition {
    text: String,
    family: &'static str,
}

impl Exposition {
    /// Begins a family. All its samples follow before the next begins.
    pub fn family(&mut self, kind: Kind, name: &'static str, help: &str) {
        self.family = name;
        let help = help.replace('\\', r"\\").replace('\n', r"\n");
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {}", kind.name());
    }

    /// A sample of the family.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        self.line("", labels, None, value);
    }

    /// A whole histogram of the family: how many were at most so much, for ever larger bounds; their sum and their number.
    pub fn histogram(&mut self, at_most: impl Iterator<Item = (f64, u64)>, sum: f64, count: u64) {
        for (bound, below) in at_most {
            self.line("_bucket", &[], Some(bound), below as f64);
        }
        self.line("_bucket", &[], Some(f64::INFINITY), count as f64);
        self.line("_sum", &[], None, sum);
        self.line("_count", &[], None, count as f64);
    }

    fn line(&mut self, suffix: &str, labels: &[(&str, &str)], bound: Option<f64>, value: f64) {
        self.text.push_str(self.family);
        self.text.push_str(suffix);
        let mut before = '{';
        let mut label = |text: &mut String, name: &str, value: &str| {
            let _ = write!(text, "{before}{name}=\"{value}\"");
            before = ',';
        };
        for (name, value) in labels {
            label(&mut self.text, name, &escaped(value));
        }
        match bound {
            Some(f64::INFINITY) => label(&mut self.text, "le", "+Inf"),
            Some(bound) => label(&mut self.text, "le", &bound.to_string()),
            None => {}
        }
        if before == ',' {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }

    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_told_as_they_are_read() {
        let mut out = Exposition::default();
        out.family(Kind::Counter, "a_total", "One \\ two\nthree.");
        out.sample(&[], 12_345_678_901.0);
        out.sample(&[("path", "/tmp/\"x\"\\\n"), ("kind", "b")], 0.5);
        out.family(Kind::Histogram, "h_seconds", "H.");
        out.histogram([(0.000_001, 1), (0.001_5, 3)].into_iter(), 0.25, 4);
        let told = "# HELP a_total One \\\\ two\\nthree.\n# TYPE a_total counter\na_total 12345678901\n\
            a_total{path=\"/tmp/\\\"x\\\"\\\\\\n\",kind=\"b\"} 0.5\n\
            # HELP h_seconds H.\n# TYPE h_seconds histogram\n\
            h_seconds_bucket{le=\"0.000001\"} 1\nh_seconds_bucket{le=\"0.0015\"} 3\nh_seconds_bucket{le=\"+Inf\"} 4\n\
            h_seconds_sum 0.25\nh_seconds_count 4\n";
        assert_eq!(out.into_text(), told);
    }
}
