//! The frame that all charts have: axes, grid, legend, what is told in words, and a value for each place that is pointed at.
//!
//! A chart is plain data until it is written. Its paths are drawn on a field of 1000 by 1000 that is stretched to whatever room there
//! is, and all text stands at a percentage of it: so letters keep their size on a telephone and on a wall.
//!
//! May use: markup, scale.

use std::fmt::Write as _;

use super::{markup::Markup, scale::Axis};

/// A length of the x axis with its lower and upper value, all of them between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    pub from: f64,
    pub to: f64,
    pub low: f64,
    pub high: f64,
}

/// Words that stand in the chart where one points at.
#[derive(Debug, Clone, PartialEq)]
pub struct Readout {
    pub from: f64,
    pub to: f64,
    pub text: String,
}

/// A letter beside a curve, so that colour is not all that tells it from the others.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    pub x: f64,
    pub y: f64,
    pub class: &'static str,
    pub letter: char,
}

/// One chart.
#[derive(Debug, Clone, Default)]
pub struct Chart {
    /// Unlike any other on the page.
    pub id: String,
    pub title: String,
    /// What it shows, for whom can't see it; also what stands under the title.
    pub says: String,
    pub x: Axis,
    pub y: Axis,
    /// Class and path data.
    pub paths: Vec<(String, String)>,
    pub marks: Vec<Mark>,
    pub readouts: Vec<Readout>,
    /// Class and words.
    pub legend: Vec<(String, String)>,
}

/// A length on the field.
fn place(share: f64) -> f64 {
    (share * 10_000.0).round() / 10.0 + 0.0
}

/// At this many digits.
fn same(a: f64, b: f64) -> bool {
    (a - b).abs() < 0.05
}

fn height(share: f64) -> f64 {
    place(1.0 - share)
}

/// The upper values as a line; where there is none it is broken.
#[must_use]
pub fn line(steps: &[Option<Step>]) -> String {
    let mut path = String::new();
    for piece in steps.split(Option::is_none) {
        let mut last: Option<f64> = None;
        for step in piece.iter().flatten() {
            let (from, to, high) = (place(step.from), place(step.to), height(step.high));
            let _ = match last {
                None => write!(path, "M{from} {high}H{to}"),
                Some(last) if same(last, high) => write!(path, "H{to}"),
                Some(_) => write!(path, "V{high}H{to}"),
            };
            last = Some(high);
        }
    }
    path
}

/// What lies between the lower and the upper values, in one piece where they are one after another.
#[must_use]
pub fn band(steps: &[Option<Step>]) -> String {
    let mut path = String::new();
    for piece in steps.split(Option::is_none).filter(|piece| !piece.is_empty()) {
        path.push_str(&line(piece));
        for step in piece.iter().flatten().rev() {
            let _ = write!(path, "V{}H{}", height(step.low), place(step.from));
        }
        path.push('Z');
    }
    path
}

/// Through these points, straight from one to the next.
#[must_use]
pub fn curve(points: &[(f64, f64)]) -> String {
    points.iter().enumerate().fold(String::new(), |mut path, (at, (x, y))| {
        let _ = write!(path, "{}{} {}", if at == 0 { 'M' } else { 'L' }, place(*x), height(*y));
        path
    })
}

/// A line all across.
#[must_use]
pub fn across(at: f64) -> String {
    format!("M0 {}H1000", height(at))
}

fn percent(share: f64) -> String {
    format!("{}%", place(share) / 10.0)
}

impl Chart {
    pub fn write(&self, page: &mut Markup) {
        let (title_id, says_id) = (format!("{}-t", self.id), format!("{}-d", self.id));
        page.open("figure", &[("id", &self.id)]);
        page.open("figcaption", &[]);
        page.element("h2", &[], &self.title);
        page.element("p", &[], &self.says);
        page.close("figcaption");
        self.write_legend(page);
        page.open("div", &[("class", "room")]);
        let labelled = format!("{title_id} {says_id}");
        page.open("svg", &[("class", "plot"), ("role", "img"), ("aria-labelledby", &labelled)]);
        page.element("title", &[("id", &title_id)], &self.title);
        page.element("desc", &[("id", &says_id)], &self.says);
        self.write_axes(page);
        let field = [("class", "field"), ("viewBox", "0 0 1000 1000"), ("preserveAspectRatio", "none")];
        page.open("svg", &[&field[..], &[("width", "100%"), ("height", "100%")]].concat());
        for (class, path) in self.paths.iter().filter(|(_, path)| !path.is_empty()) {
            page.empty("path", &[("class", class), ("d", path)]);
        }
        page.close("svg");
        self.write_marks(page);
        self.write_readouts(page);
        page.close("svg");
        page.close("div");
        page.close("figure");
        page.ours("\n");
    }

    fn write_legend(&self, page: &mut Markup) {
        if self.legend.is_empty() {
            return;
        }
        page.open("ul", &[("class", "legend")]);
        for (class, words) in &self.legend {
            page.open("li", &[]);
            page.open("svg", &[("class", "key"), ("aria-hidden", "true"), ("viewBox", "0 0 24 10")]);
            let path = if class.split(' ').any(|one| one == "fill") { "M0 0H24V10H0Z" } else { "M0 5H24" };
            page.empty("path", &[("class", class), ("d", path)]);
            page.close("svg");
            page.text(words);
            page.close("li");
        }
        page.close("ul");
    }

    fn write_axes(&self, page: &mut Markup) {
        for (at, label) in &self.y.ticks {
            let y = percent(1.0 - at);
            page.empty("line", &[("class", "grid"), ("x2", "100%"), ("y1", &y), ("y2", &y)]);
            page.element("text", &[("class", "y"), ("x", "-8"), ("y", &y), ("dy", ".32em")], label);
        }
        for (at, label) in &self.x.ticks {
            let x = percent(*at);
            page.empty("line", &[("class", "tick"), ("x1", &x), ("x2", &x), ("y1", "100%"), ("y2", "102%")]);
            page.element("text", &[("class", "x"), ("x", &x), ("y", "100%"), ("dy", "1.5em")], label);
        }
        page.empty("line", &[("class", "base"), ("x2", "100%"), ("y1", "100%"), ("y2", "100%")]);
    }

    fn write_marks(&self, page: &mut Markup) {
        for mark in &self.marks {
            let (class, letter) = (format!("mark {}", mark.class), mark.letter.to_string());
            let (x, y) = (percent(mark.x), percent(1.0 - mark.y));
            page.element("text", &[("class", &class), ("x", &x), ("y", &y), ("dy", "-5")], &letter);
        }
    }

    /// A strip for each, which shows its words while it is pointed at: no script is needed.
    fn write_readouts(&self, page: &mut Markup) {
        for readout in &self.readouts {
            page.open("g", &[("class", "at")]);
            let (x, middle) = (percent(readout.from), percent(f64::midpoint(readout.from, readout.to)));
            let width = percent(readout.to - readout.from);
            page.empty("rect", &[("x", &x), ("width", &width), ("height", "100%")]);
            page.empty("line", &[("x1", &middle), ("x2", &middle), ("y2", "100%")]);
            page.element("text", &[("x", "100%"), ("y", "-6")], &readout.text);
            page.close("g");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(clippy::unnecessary_wraps, reason = "as the lists have them")]
    fn step(from: f64, to: f64, low: f64, high: f64) -> Option<Step> {
        Some(Step { from, to, low, high })
    }

    #[test]
    fn lines_are_steps_and_break_where_nothing_is() {
        let steps = [step(0.0, 0.25, 0.0, 0.5), step(0.25, 0.5, 0.1, 1.0), None, step(0.75, 1.0, 0.2, 0.3)];
        assert_eq!(line(&steps), "M0 500H250V0H500M750 700H1000");
        assert_eq!(band(&steps), "M0 500H250V0H500V900H250V1000H0ZM750 700H1000V800H750Z");
        assert_eq!(
            line(&[step(0.0, 0.5, 0.0, 0.5), step(0.5, 1.0, 0.0, 0.5)]),
            "M0 500H500H1000",
            "a flat line needs no way up"
        );
        assert_eq!((line(&[]), band(&[None])), (String::new(), String::new()));
        assert_eq!(curve(&[(0.0, 0.0), (0.123_456, 0.5)]), "M0 1000L123.5 500");
    }

    #[test]
    fn a_chart_says_in_words_what_it_shows() {
        let chart = Chart {
            id: "rate".into(),
            title: "Right replies".into(),
            says: "between <1 & 2".into(),
            y: Axis { ticks: vec![(0.5, "5k".into())] },
            paths: vec![("s0".into(), across(0.5)), ("s1".into(), String::new())],
            readouts: vec![Readout { from: 0.0, to: 0.5, text: "1 s".into() }],
            ..Chart::default()
        };
        let mut page = Markup::default();
        chart.write(&mut page);
        let text = page.into_text();
        for piece in [
            "aria-labelledby=\"rate-t rate-d\"",
            "<title id=\"rate-t\">Right replies</title><desc id=\"rate-d\">between &lt;1 &amp; 2</desc>",
            "<text class=\"y\" x=\"-8\" y=\"50%\" dy=\".32em\">5k</text>",
            "<path class=\"s0\" d=\"M0 500H1000\"/>",
            "<rect x=\"0%\" width=\"50%\" height=\"100%\"/><line x1=\"25%\" x2=\"25%\" y2=\"100%\"/>",
        ] {
            assert!(text.contains(piece), "{piece}: {text}");
        }
        assert!(!text.contains("s1"), "nothing is drawn where nothing is");
    }
}
