//! What a person has chosen to see, and what a key means just now.
//!
//! May use: keys, `values`.

use super::keys::Key;
use crate::values::read;

/// Charts that can be looked at alone.
pub const CHARTS: usize = 5;
/// Letters of a rate, at most.
const LONGEST: usize = 12;

/// What is on the screen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// The chart that is seen alone, from 0; `None`: all.
    pub alone: Option<usize>,
    pub help: bool,
    /// A rate that is being typed.
    pub typed: Option<String>,
    /// Something that was said, and is seen for a while.
    pub note: Option<String>,
}

/// What a key asks of the run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Act {
    /// Or to go on.
    Pause,
    Faster,
    Slower,
    Rate(f64),
    Quit,
    Interrupt,
    Suspend,
}

impl View {
    /// A key was pressed.
    pub fn press(&mut self, key: Key) -> Option<Act> {
        match key {
            Key::Interrupt => return Some(Act::Interrupt),
            Key::Suspend => return Some(Act::Suspend),
            _ => self.note = None,
        }
        if let Some(typed) = self.typed.take() {
            return self.types(typed, key);
        }
        if std::mem::take(&mut self.help) && key != Key::Letter('q') {
            return None;
        }
        match key {
            Key::Letter(' ') => Some(Act::Pause),
            Key::Letter('+' | '=') | Key::Up => Some(Act::Faster),
            Key::Letter('-' | '_') | Key::Down => Some(Act::Slower),
            Key::Letter('q') => Some(Act::Quit),
            _ => {
                self.looks(key);
                None
            }
        }
    }

    fn looks(&mut self, key: Key) {
        match key {
            Key::Letter('r') => self.typed = Some(String::new()),
            Key::Letter('?' | 'h') => self.help = true,
            Key::Letter('0') | Key::Escape => self.alone = None,
            Key::Letter(digit @ '1'..='5') => {
                let chart = digit as usize - '1' as usize;
                self.alone = Some(chart).filter(|chart| self.alone != Some(*chart));
            }
            Key::Tab => self.alone = self.alone.map_or(Some(0), |chart| Some(chart + 1)).filter(|chart| *chart < CHARTS),
            Key::BackTab => self.alone = self.alone.map_or(Some(CHARTS - 1), |chart| chart.checked_sub(1)),
            _ => {}
        }
    }

    fn types(&mut self, mut typed: String, key: Key) -> Option<Act> {
        match key {
            Key::Enter if typed.is_empty() => None,
            Key::Enter => match read::rate(&typed) {
                Ok(rate) => Some(Act::Rate(rate)),
                Err(why) => {
                    self.note = Some(format!("no rate: {why}"));
                    None
                }
            },
            Key::Escape => None,
            _ => {
                match key {
                    Key::Backspace => drop(typed.pop()),
                    Key::Letter(letter) if typed.len() < LONGEST && letter != ' ' => typed.push(letter),
                    _ => {}
                }
                self.typed = Some(typed);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::live::keys;

    fn press(view: &mut View, bytes: &[u8]) -> Vec<Act> {
        keys::read(bytes).into_iter().filter_map(|key| view.press(key)).collect()
    }

    #[test]
    fn keys_ask_for_things() {
        use Act::{Faster, Interrupt, Pause, Quit, Slower, Suspend};
        let mut view = View::default();
        let acts = press(&mut view, b" +=-_\x1b[A\x1b[Bq\x03\x1a");
        assert_eq!(acts, [Pause, Faster, Faster, Slower, Slower, Faster, Slower, Quit, Interrupt, Suspend]);
        assert_eq!(view, View::default());
    }

    #[test]
    fn a_rate_is_typed() {
        let mut view = View::default();
        assert_eq!(press(&mut view, b"r5x\x7fk"), []);
        assert_eq!(view.typed.as_deref(), Some("5k"));
        assert_eq!(press(&mut view, b"\r"), [Act::Rate(5000.0)]);
        assert_eq!(press(&mut view, b"r-1\r"), []);
        assert!(view.note.as_ref().is_some_and(|note| note.starts_with("no rate: ")), "{view:?}");
        // What is typed is no key; escape gives it up, and nothing is nothing.
        assert_eq!(press(&mut view, b"rq \x1b"), []);
        assert_eq!(press(&mut view, b"r\r"), []);
        assert_eq!(view, View::default());
    }

    #[test]
    fn charts_are_looked_at() {
        let mut view = View::default();
        let mut alone = |bytes: &[u8]| {
            press(&mut view, bytes);
            view.alone
        };
        assert_eq!([alone(b"3"), alone(b"3"), alone(b"1"), alone(b"0")], [Some(2), None, Some(0), None]);
        assert_eq!([alone(b"\t"), alone(b"\t\t\t\t"), alone(b"\t")], [Some(0), Some(4), None]);
        assert_eq!([alone(b"\x1b[Z"), alone(b"\x1b")], [Some(4), None]);
        assert_eq!(press(&mut view, b"?+"), [], "any key leaves the help");
        assert_eq!(press(&mut view, b"?q"), [Act::Quit]);
    }
}
