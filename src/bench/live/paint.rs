//! What is drawn with: the sixteen colours that each terminal has its own shades of, or none.
//!
//! May use: ratatui's buffer and styles.

use ratatui_core::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Modifier, Style},
};

/// What a colour stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    Plain,
    Faint,
    Strong,
    /// What was asked for.
    Asked,
    Right,
    /// The middle, what few pass, and the longest.
    Middle,
    High,
    Longest,
    Wrong,
    /// Something that one should see.
    Notice,
    /// Of the heat map, from few to many.
    Heat(u8),
}

/// With or without colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    pub colours: bool,
}

impl Paint {
    /// Text keeps the colour of the terminal: only lines, areas and marks have one of their own.
    #[must_use]
    pub fn style(self, ink: Ink) -> Style {
        let (colour, modifier) = match ink {
            Ink::Plain => (Color::Reset, Modifier::empty()),
            Ink::Faint | Ink::Asked => (Color::Reset, Modifier::DIM),
            Ink::Strong => (Color::Reset, Modifier::BOLD),
            Ink::Right | Ink::Middle | Ink::Heat(4 | 5) => (Color::Green, Modifier::empty()),
            Ink::High => (Color::Magenta, Modifier::empty()),
            Ink::Notice => (Color::Reset, Modifier::BOLD.union(Modifier::REVERSED)),
            Ink::Heat(0 | 1) => (Color::Blue, Modifier::empty()),
            Ink::Heat(2 | 3) => (Color::Cyan, Modifier::empty()),
            Ink::Heat(6) => (Color::Yellow, Modifier::empty()),
            Ink::Longest | Ink::Wrong | Ink::Heat(_) => (Color::Red, Modifier::empty()),
        };
        let style = Style::new().add_modifier(modifier);
        if self.colours && colour != Color::Reset { style.fg(colour) } else { style }
    }
}

/// A piece of the screen that is drawn on.
pub struct Sheet<'a> {
    pub buffer: &'a mut Buffer,
    pub paint: Paint,
}

impl Sheet<'_> {
    /// Writes, as far as there is room within `area`; row and column are counted there. Gives the column behind it.
    pub fn text(&mut self, area: Rect, (column, row): (u16, u16), text: &str, ink: Ink) -> u16 {
        if row >= area.height || column >= area.width {
            return column;
        }
        let (x, y) = (area.x + column, area.y + row);
        if !self.buffer.area.contains((x, y).into()) {
            return column;
        }
        let style = self.paint.style(ink);
        let room = usize::from(area.width - column);
        let (end, _) = self.buffer.set_stringn(x, y, text, room, style);
        end - area.x
    }

    /// The same, ending at the right edge of `area`.
    pub fn text_right(&mut self, area: Rect, row: u16, text: &str, ink: Ink) {
        let width = text.chars().count() as u16;
        self.text(area, (area.width.saturating_sub(width), row), text, ink);
    }

    pub fn letter(&mut self, x: u16, y: u16, letter: char, ink: Ink) {
        let style = self.paint.style(ink);
        if let Some(cell) = self.buffer.cell_mut((x, y)) {
            cell.set_char(letter).set_style(style);
        }
    }

    /// Nothing is there any more.
    pub fn clear(&mut self, area: Rect) {
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                if let Some(cell) = self.buffer.cell_mut((x, y)) {
                    cell.reset();
                }
            }
        }
    }
}
