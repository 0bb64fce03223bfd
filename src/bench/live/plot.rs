//! The frame that all charts have, and lines of braille dots: eight to a letter.
//!
//! May use: paint, the scales of the page's charts, ratatui's rectangles.

use ratatui_core::layout::Rect;

use super::paint::{Ink, Sheet};
use crate::bench::report::html::scale::Axis;

/// Columns for what stands beside the y axis, with the axis.
const LABELS: u16 = 8;

/// What stands around a chart.
pub struct Frame<'a> {
    pub number: usize,
    pub title: &'a str,
    /// A mark of its colour, and words.
    pub legend: &'a [(char, Ink, &'a str)],
    pub x: Axis,
    pub y: Axis,
}

/// Room for the chart itself, where it is framed.
#[must_use]
pub fn inside(area: Rect) -> Rect {
    Rect {
        x: area.x + LABELS,
        y: area.y + 1,
        width: area.width.saturating_sub(LABELS + 1),
        height: area.height.saturating_sub(2),
    }
}

impl Frame<'_> {
    /// Draws it. Gives the room for the chart.
    pub fn draw(&self, sheet: &mut Sheet<'_>, area: Rect) -> Rect {
        let plot = inside(area);
        let behind = sheet.text(area, (1, 0), &format!("{} ", self.number), Ink::Faint);
        let behind = sheet.text(area, (behind, 0), self.title, Ink::Strong);
        self.draw_legend(sheet, area, behind + 2);
        if plot.width < 4 || plot.height < 2 {
            return Rect { width: 0, height: 0, ..plot };
        }
        for y in plot.top()..plot.bottom() {
            sheet.letter(plot.x - 1, y, '│', Ink::Faint);
        }
        for (share, label) in &self.y.ticks {
            let y = row(plot, *share);
            sheet.letter(plot.x - 1, y, '┤', Ink::Faint);
            let room = Rect { x: area.x, y, width: LABELS - 2, height: 1 };
            sheet.text_right(room, 0, label, Ink::Plain);
        }
        self.draw_x(sheet, plot);
        plot
    }

    /// As much of it as has room.
    fn draw_legend(&self, sheet: &mut Sheet<'_>, area: Rect, from: u16) {
        let width: usize = self.legend.iter().map(|(_, _, words)| words.chars().count() + 4).sum();
        let Some(mut column) = area.width.checked_sub(width as u16).filter(|column| *column >= from) else { return };
        for (mark, ink, words) in self.legend {
            column = sheet.text(area, (column, 0), &mark.to_string(), *ink);
            column = sheet.text(area, (column + 1, 0), words, Ink::Plain) + 2;
        }
    }

    fn draw_x(&self, sheet: &mut Sheet<'_>, plot: Rect) {
        let y = plot.bottom();
        let mut free = plot.x.saturating_sub(2);
        for (share, label) in &self.x.ticks {
            let x = plot.x + (share * f64::from(plot.width - 1)).round() as u16;
            let length = label.chars().count() as u16;
            let begins = x.saturating_sub(length / 2).min((plot.right() + 1).saturating_sub(length));
            if begins >= free {
                let room = Rect { x: begins, y, width: length, height: 1 };
                sheet.text(room, (0, 0), label, Ink::Faint);
                free = begins + length + 1;
            }
        }
    }
}

/// The row in which a share of the height lies; 0 is at the bottom.
#[must_use]
pub fn row(plot: Rect, share: f64) -> u16 {
    let last = plot.height.saturating_sub(1);
    plot.y + last - (share.clamp(0.0, 1.0) * f64::from(last)).round() as u16
}

/// Dots on a chart, two by four to a letter.
pub struct Dots {
    plot: Rect,
    cells: Vec<(u8, Ink)>,
}

impl Dots {
    #[must_use]
    pub fn on(plot: Rect) -> Self {
        Self { plot, cells: vec![(0, Ink::Plain); usize::from(plot.width) * usize::from(plot.height)] }
    }

    #[must_use]
    pub fn columns(&self) -> usize {
        usize::from(self.plot.width) * 2
    }

    /// A dot; both are counted from the left and from the top.
    fn put(&mut self, x: usize, y: usize, ink: Ink) {
        const BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
        let at = y / 4 * usize::from(self.plot.width) + x / 2;
        if let Some((bits, colour)) = self.cells.get_mut(at).filter(|_| x < usize::from(self.plot.width) * 2) {
            *bits |= BITS[x % 2][y % 4];
            *colour = ink;
        }
    }

    /// The height of a share, from the top. The axis has the middle of its row, and so has a value at a tick.
    fn height(&self, share: f64) -> usize {
        let last = f64::from(self.plot.height.saturating_sub(1)) * 4.0;
        (last - share.clamp(0.0, 1.0) * last).round() as usize + 2
    }

    /// A line through the heights of all columns, each from 0 to 1; broken where there is none.
    pub fn line(&mut self, heights: &[Option<f64>], ink: Ink) {
        let mut last: Option<usize> = None;
        for (x, height) in heights.iter().enumerate() {
            let y = height.map(|share| self.height(share));
            if let Some(y) = y {
                let from = last.unwrap_or(y);
                // Half of the way belongs to each of the two columns.
                let middle = usize::midpoint(from, y);
                if x > 0 && last.is_some() {
                    (from.min(middle)..=from.max(middle)).for_each(|y| self.put(x - 1, y, ink));
                }
                (y.min(middle)..=y.max(middle)).for_each(|y| self.put(x, y, ink));
            }
            last = y;
        }
    }

    /// The same with gaps, for what stands behind another.
    pub fn dotted(&mut self, heights: &[Option<f64>], ink: Ink) {
        for (x, height) in heights.iter().enumerate().filter(|(x, _)| x % 4 < 2) {
            if let Some(share) = height {
                let y = self.height(*share);
                self.put(x, y, ink);
            }
        }
    }

    pub fn draw(&self, sheet: &mut Sheet<'_>) {
        let width = usize::from(self.plot.width).max(1);
        for (at, (bits, ink)) in self.cells.iter().enumerate().filter(|(_, (bits, _))| *bits > 0) {
            let letter = char::from_u32(0x2800 + u32::from(*bits)).unwrap_or(' ');
            let (x, y) = (self.plot.x + (at % width) as u16, self.plot.y + (at / width) as u16);
            sheet.letter(x, y, letter, *ink);
        }
    }
}
