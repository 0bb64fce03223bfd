//! What one session takes from the others on its thread: time, and memory.

use std::time::{Duration, Instant};

use super::{fault, made, said, server_of, setup};
use crate::session::{Closed, Cx, End, Facts, Input, Out, Outcome, Rides};

/// How a server that does `code` on what comes ends, and what that took.
fn ended(code: &str) -> (&'static str, String, Duration) {
    let mut end = server_of(&format!("function server.input(c, input) input:everything() {code} end"), Rides::Stream);
    let from = Instant::now();
    end.offer(b"x");
    let (name, sentence) = fault(&end);
    (name, sentence, from.elapsed())
}

#[test]
fn one_instruction_has_no_large_string_or_table_to_work_on() {
    for code in [
        // Keys that collide make a table that grows the work of its square.
        "local t = {} for i = 1, 1 << 18 do t[i * 131071] = 1 end",
        "local t = {} for i = 1, 1 << 18 do t[i * 65535] = 1 end",
        "local s = ('x'):rep(1 << 16) while true do s = s .. s end",
        "local s = ('x'):rep(1 << 21)",
    ] {
        let (name, sentence, took) = ended(code);
        assert_eq!(name, "script_memory", "{code}: {sentence}");
        assert!(sentence.ends_with("needs more memory than 8 MiB, or 1 MiB at once"), "{code}: {sentence}");
        assert!(took < Duration::from_secs(10), "{code}: {took:?}");
    }
    // Small pieces may be much together.
    let mut end = server_of(
        "function server.input(c, input) input:everything()
           local t = {} for i = 1, 90 do t[i] = ('x'):rep(1 << 16) .. i end c:write(#t) end",
        Rides::Stream,
    );
    end.offer(b"x");
    assert_eq!(said(&mut end), "90");
}

#[test]
fn a_script_says_how_much_memory_it_needs() {
    let source = |memory: &str| {
        format!(
            "{memory} function server.input(c, input) input:everything()
               local t = {{}} for i = 1, 20 do t[i] = ('x'):rep(1 << 20) end c:write(#t) end"
        )
    };
    let mut end = server_of(&source("memory = 64"), Rides::Stream);
    end.offer(b"x");
    assert_eq!(said(&mut end), "20");
    let mut end = server_of(&source(""), Rides::Stream);
    end.offer(b"x");
    assert_eq!(fault(&end).0, "script_memory");
    for wrong in ["memory = 7", "memory = 2000", "memory = '64'", "memory = 9.5"] {
        let why = made(&source(wrong)).unwrap_err().sentence;
        assert_eq!(why, "test.lua: memory has to be a number of MiB from 8 to 1024", "{wrong}");
    }
}

#[test]
fn chains_of_weak_keys_are_not_there() {
    let (_, sentence, _) = ended("setmetatable({}, { __mode = 'k' })");
    assert!(sentence.contains("is not available here, only"), "{sentence}");
    let mut end = server_of(
        "function server.input(c, input) input:everything()
           setmetatable({}, { __mode = 'v' }) setmetatable({}, { __mode = 'kv' }) c:write('ok') end",
        Rides::Stream,
    );
    end.offer(b"x");
    assert_eq!(said(&mut end), "ok");
}

#[test]
fn who_floods_lets_others_in_between() {
    let source = "function server.input(c, input) for line in input:lines() do c:write('.') end end";
    let row = made(source).unwrap();
    let flood = vec![b'\n'; 1 << 16];
    let mut session = (row.server.unwrap())(&setup(row));
    let facts = Facts::in_memory(Rides::Stream);
    let (mut out, mut scanned) = (Out::default(), 0);
    session.input(&mut Input::stream(&flood, &mut scanned), &mut Cx::new(&facts, &mut out)).unwrap();
    assert!(out.messages < 8192, "{} messages in one call", out.messages);
    assert!(out.rests && out.input_paused);
    let again = out.again.take().expect("the rest is asked for");
    let before = out.messages;
    session.resume(again, Outcome::Woken, &mut Cx::new(&facts, &mut out)).unwrap();
    assert!(out.messages > before, "and goes on");
    // All of it is answered in the end.
    let mut end = End::new((row.server.unwrap())(&setup(row)), Rides::Stream);
    end.offer(&flood);
    assert_eq!(said(&mut end).len(), flood.len());
}

#[test]
fn a_wake_or_a_drain_is_one_turn() {
    let row = made(
        "function server.input(c, input) input:everything() c:wake(0) end
         function server.wake(c) c:wake(0) end function server.drained(c) end",
    )
    .unwrap();
    let mut session = (row.server.unwrap())(&setup(row));
    let facts = Facts::in_memory(Rides::Stream);
    let (mut out, mut scanned) = (Out::default(), 0);
    session.input(&mut Input::stream(b"x", &mut scanned), &mut Cx::new(&facts, &mut out)).unwrap();
    assert!(!out.rests, "a short call is followed by the next");
    session.resume(crate::session::EffectId(1), Outcome::Woken, &mut Cx::new(&facts, &mut out)).unwrap();
    assert!(out.rests);
}

#[test]
fn what_is_unsent_is_bounded_for_all_together() {
    let row = made(
        "function server.input(c, input)
           local much = ('x'):rep(1 << 20)
           for i = 1, #input:everything() do c:write(much) end
         end",
    )
    .unwrap();
    let new = || End::new((row.server.unwrap())(&setup(row)), Rides::Stream);
    let mut ends: Vec<End> = (0..5).map(|_| new()).collect();
    for end in &mut ends {
        end.offer(b"123");
        assert!(end.ended.is_none(), "{:?}", end.ended);
    }
    let mut last = new();
    last.offer(b"123");
    let (name, sentence) = fault(&last);
    assert_eq!(name, "script_error");
    assert!(sentence.starts_with("test.lua:3: more than 16 MiB are unsent to all peers together"), "{sentence}");
    // What has been sent, or has gone, counts no longer.
    assert_eq!(said(&mut ends[0]).len(), 3 << 20);
    drop(ends.pop());
    let mut next = new();
    next.offer(b"123");
    assert!(next.ended.is_none(), "{:?}", next.ended);
}

#[test]
fn what_is_not_taken_is_bounded_for_all_together() {
    let row = made("function server.input(c, input) end").unwrap();
    let piece = vec![b'x'; 64 * 1024];
    let mut ended = 0;
    let mut ends = Vec::new();
    for _ in 0..30 {
        let mut end = End::new((row.server.unwrap())(&setup(row)), Rides::Stream);
        for _ in 0..14 {
            if end.ended.is_none() {
                end.offer(&piece);
            }
        }
        ended += usize::from(end.ended.is_some());
        ends.push(end);
    }
    assert!((10..=20).contains(&ended), "{ended} of 30 that left 896 KiB each");
}

#[test]
fn an_error_at_the_end_is_told() {
    let row = made(
        "function server.input(c, input) input:everything() end\nfunction server.closed(c, how) local x = nil; x.y = 1 end",
    );
    let row = row.unwrap();
    let mut session = (row.server.unwrap())(&setup(row));
    let (facts, mut out) = (Facts::in_memory(Rides::Stream), Out::default());
    session.open(&mut Cx::new(&facts, &mut out));
    session.closed(&Closed::ByPeer);
    let fault = session.fault();
    let violation = fault.clone().unwrap();
    assert_eq!(violation.sentence, "test.lua:2: attempt to index a nil value (local 'x')");
    assert!(session.fault().is_none(), "it is told once");
    assert_eq!(Closed::ByPeer.or(fault.clone()), Closed::Violated(violation));
    assert_eq!(Closed::ByPeer.or(None), Closed::ByPeer);
}

#[test]
fn an_error_that_comes_through_coroutines_has_its_place_once() {
    let (_, sentence, _) = ended("local f = function() error('deep') end for i = 1, 20 do f = coroutine.wrap(f) end f()");
    assert_eq!(sentence, "test.lua:1: deep");
}
