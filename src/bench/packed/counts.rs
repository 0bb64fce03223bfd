//! The counts of a packed histogram as they stand in it, one for each place: zigzag LEB128 of nine bytes at most, in which a negative number
//! tells how many places in a row are empty (HdrHistogram's V2 form).

/// The last byte of so many has all of its bits for the number.
const BYTES: usize = 9;

/// What stands next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// So many places in a row have none.
    Empty(u64),
    Count(u64),
}

/// Takes the next number. `None`: there is none, or not all of it.
pub(super) fn take(counts: &mut &[u8]) -> Option<Next> {
    let last = counts.iter().take(BYTES - 1).position(|byte| byte & 0x80 == 0).unwrap_or(BYTES - 1);
    let (bytes, rest) = counts.split_at_checked(last + 1)?;
    *counts = rest;
    let low = |(at, byte): (usize, &u8)| u64::from(if at < BYTES - 1 { byte & 0x7f } else { *byte }) << (7 * at);
    let number: u64 = bytes.iter().enumerate().map(low).sum();
    Some(match (number >> 1, number & 1) {
        (0, 0) => Next::Empty(1),
        (count, 0) => Next::Count(count),
        (empty, _) => Next::Empty(empty + 1),
    })
}

fn put(mut number: u64, to: &mut Vec<u8>) {
    for _ in 1..BYTES {
        if number < 0x80 {
            break;
        }
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

/// The counts of both, place by place, behind what stands in `to`. Nothing is unpacked: it takes as long as what is there.
pub(super) fn add(mut a: &[u8], mut b: &[u8], to: &mut Vec<u8>) {
    let (mut left, mut right) = (take(&mut a), take(&mut b));
    let mut empty = 0;
    loop {
        let (count, steps) = match (left, right) {
            (None, None) => return,
            (Some(Next::Count(one)), Some(Next::Count(other))) => (one.saturating_add(other), 1),
            (Some(Next::Count(count)), _) | (_, Some(Next::Count(count))) => (count, 1),
            (Some(Next::Empty(one)), Some(Next::Empty(other))) => (0, one.min(other)),
            (Some(Next::Empty(many)), None) | (None, Some(Next::Empty(many))) => (0, many),
        };
        if count == 0 {
            empty += steps;
        } else {
            match std::mem::take(&mut empty) {
                0 => {}
                1 => put(0, to),
                many => put(2 * many - 1, to),
            }
            put(count << 1, to);
        }
        left = left.and_then(|next| go_on(next, steps, &mut a));
        right = right.and_then(|next| go_on(next, steps, &mut b));
    }
}

/// What stands so many places behind where `next` is.
fn go_on(next: Next, steps: u64, counts: &mut &[u8]) -> Option<Next> {
    match next {
        Next::Empty(many) if many > steps => Some(Next::Empty(many - steps)),
        Next::Empty(_) | Next::Count(_) => take(counts),
    }
}
