//! Zones and questions put together at random, held to what must hold for all of them.

use crate::zones::zones;

/// Pieces of master files and of questions.
const PIECES: [&str; 34] = [
    "\n",
    "\n",
    "\n",
    " ",
    "@",
    "a",
    "b.a.",
    "*",
    "*.x",
    "www",
    "10",
    "1h30m",
    "99999w",
    "A 192.0.2.1\n",
    "AAAA ::1\n",
    "MX 10 b\n",
    "NS b\n",
    "CNAME www\n",
    "CNAME a\n",
    "TXT \"x\\\"y\" ; z\n",
    "SOA a b 1 2h 3 4 5\n",
    "SRV 1 2 3 a\n",
    "(",
    ")",
    "\"",
    "\\",
    ";",
    "$ORIGIN x\n",
    "$TTL 5m\n",
    "$INCLUDE half\n",
    "$INCLUDE half x\n",
    "$INCLUDE z.txt\n",
    "IN",
    "TYPE65280 \\# 1 ff\n",
];
/// And of messages.
const WORDS: [&[u8]; 6] = [
    b"\0\x01\x01\0\0\x01\0\0\0\0\0\0\x01a\0\0\x01\0\x01",
    b"\0\x01\x01\0\0\x01\0\0\0\0\0\x01\x03www\x01a\0\0\xff\0\x01\0\0\x29\x04\xd0\0\0\0\0\0\0",
    b"www.a",
    b" MX",
    b"\0\0\x29",
    b"x",
];

/// A line that could stand in a zone, or pieces that could not.
fn line(random: &mut fastrand::Rng) -> String {
    let mut one = |ends: bool| loop {
        let piece = *random.choice(&PIECES).unwrap();
        if piece.ends_with('\n') == ends && piece != "\n" {
            return piece;
        }
    };
    let (name, record, piece, other) = (one(false), one(true), one(false), one(true));
    if record.starts_with('$') {
        return record.into();
    }
    match random.u8(..8) {
        0 => format!("{name}{piece} {other}"),
        1 => format!("{name} {piece} {record}"),
        _ => format!("{} {record}", random.choice(["@", "a", "b", "*", "x.y", "", "www.sub"]).unwrap()),
    }
}

#[test]
fn any_zone_answers_or_is_told_of() {
    let mut random = fastrand::Rng::with_seed(2);
    let mut served = 0;
    for _ in 0..3000 {
        let zone: String = (0..random.usize(..6)).map(|_| line(&mut random)).collect();
        let message: Vec<u8> = (0..random.usize(..4)).flat_map(|_| *random.choice(&WORDS).unwrap()).copied().collect();
        let all = zone.len() + message.len();
        let cut = (zone.len() * 256).div_ceil(all.max(1)).min(255) as u8;
        served += usize::from(zones(&[&[random.u8(..), cut], zone.as_bytes(), &message].concat()));
    }
    assert!((500..2500).contains(&served), "{served}: both happen");
}
