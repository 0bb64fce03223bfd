//! `--fail-if` of a comparison: what must not have become worse, such as `p99 worse 5%`.
//!
//! May use: figure, judge, shown.

use super::{
    figure::Figure,
    judge::{Row, Verdict},
};
use crate::bench::shown;

/// One limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    pub figure: Figure,
    /// Percent; of a share, points.
    most: f64,
}

const FORM: &str = "write FIGURE worse SHARE";

impl Limit {
    /// Reads `p99 worse 5%`.
    ///
    /// # Errors
    /// One clause saying what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words: Vec<_> = text.split_whitespace().collect();
        let (name, share) = match words.as_slice() {
            [name, "worse", share @ ..] if !share.is_empty() => (*name, share.concat()),
            [_, "worse"] => return Err(format!("a share is missing; {FORM}")),
            [_, "better", ..] => return Err(format!("nothing fails by being better; {FORM}")),
            _ if text.contains(['<', '>']) => return Err(format!("no < or > here: {FORM}")),
            _ => return Err(FORM.into()),
        };
        let figure = Figure::named(name)?;
        let digits = share.strip_suffix('%').ok_or_else(|| format!("{share:?} is no share: write {share}%"))?;
        match digits.parse::<f64>() {
            Ok(most) if most >= 0.0 && most.is_finite() => Ok(Self { figure, most }),
            _ => Err(format!("{share:?} is no share; {FORM}")),
        }
    }

    /// The sentence, when it is missed: it is shown to be worse, and by more than that. What can't be told is missed too: a run that
    /// was too short must not pass as a good one.
    pub(super) fn judge(&self, row: &Row) -> Option<String> {
        let (figure, most) = (self.figure, shown::number(self.most));
        let unit = if figure.is_share() { "points" } else { "%" };
        let be = if figure == Figure::Errors { "are" } else { "is" };
        let limit = format!("the limit was {most} {unit}");
        match &row.verdict {
            Verdict::Untold(why) => Some(format!("{figure} can't be judged: {why}; {limit}")),
            Verdict::Worse => {
                let worse = row.change.map_or(f64::INFINITY, f64::abs);
                let by = shown::percent(worse).replace('%', unit);
                (worse > self.most).then(|| format!("{figure} {be} {by} worse, {limit}"))
            }
            Verdict::Better | Verdict::NoDifference => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_and_what_is_wrong_with_it() {
        for (text, figure, most) in [
            ("p99 worse 5%", Figure::Percentile(99.0), 5.0),
            (" rate  worse  2.5 % ", Figure::Rate, 2.5),
            ("errors worse 0%", Figure::Errors, 0.0),
            ("p99.9 worse 100%", Figure::Percentile(99.9), 100.0),
        ] {
            assert_eq!(Limit::parse(text), Ok(Limit { figure, most }), "{text}");
        }
        for (text, what) in [
            ("p99", "write FIGURE worse SHARE"),
            ("p99>5%", "no < or > here"),
            ("p99 worse", "a share is missing"),
            ("p99 worse 5", "write 5%"),
            ("p99 worse 2ms", "is no share"),
            ("p99 worse -1%", "is no share"),
            ("p99 better 5%", "nothing fails by being better"),
            ("p101 worse 5%", "between p0 and p100"),
            ("max worse 5%", "one value"),
            ("p100 worse 5%", "one value"),
            ("lost worse 5%", "did you mean loss?"),
            ("speed worse 5%", "compare --help lists them"),
        ] {
            let error = Limit::parse(text).expect_err(text);
            assert!(error.contains(what), "{text}: {error}");
        }
    }
}
