//! Nothing that a script does goes on for ever, or takes all memory.

use std::time::Duration;

use super::{fault, made, said, server_of, setup};
use crate::session::{Closed, Cx, Facts, Input, Out, Rides};

/// A server that does `code` on each line, and another conversation beside it.
fn ends(code: &str) -> (&'static str, String) {
    let source = format!(
        "function server.input(c, input)\n  local line = input:line()\n  if line == 'ping' then return c:line('pong') end\n  {code}\nend"
    );
    let row = made(&source).unwrap();
    let mut one = crate::session::End::new((row.server.unwrap())(&setup(row)), Rides::Stream);
    let mut other = crate::session::End::new((row.server.unwrap())(&setup(row)), Rides::Stream);
    one.offer(b"go\n");
    other.offer(b"ping\n");
    assert_eq!(said(&mut other), "pong\r\n", "{code}: the other session goes on");
    fault(&one)
}

#[test]
fn what_loops_for_ever_ends() {
    for code in [
        "while true do end",
        "local function f() return f() end f()",
        "while true do pcall(function() while true do end end) end",
        "pcall(pcall, function() while true do end end)",
        "xpcall(function() while true do end end, function() while true do end end)",
        "coroutine.wrap(function() while true do end end)()",
        "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
        "local co = coroutine.create(function() local x <close> = setmetatable({}, {__close = function() while true do end end}) coroutine.yield() end) coroutine.resume(co) coroutine.close(co)",
        "local t = setmetatable({}, { __index = function() while true do end end }) local x = t.y",
        "local t = setmetatable({}, { __lt = function() while true do end end }) local x = t < t",
        "table.sort({ 1, 2, 3 }, function() while true do end end)",
        "(('x'):rep(10)):gsub('x', function() while true do end end)",
        "for _ in function() return 1 end do end",
        "('a'):rep(300):find(('.-'):rep(5) .. 'b')",
        "('a'):rep(300):match(('a*'):rep(10) .. 'b')",
        "('a'):rep(3000):gsub(('a?'):rep(30) .. ('a'):rep(3000) .. 'b', '')",
        "for _ in ('a'):rep(300):gmatch(('.-'):rep(5) .. 'b') do end",
        "table.move({}, 1, math.maxinteger - 1, 2)",
        "table.insert(setmetatable({}, { __len = function() return 1 << 50 end }), 1, 'x')",
        "table.remove(setmetatable({}, { __len = function() return 1 << 50 end }), 1)",
        "table.concat(setmetatable({}, { __index = table.concat }), '', 1, 1 << 50) while true do end",
        "local t = { pcall(string.rep, 'x', 1e10) } while true do t = { pcall(string.rep, 'x', 1e10) } end",
        "while true do local ok = pcall(error, {}) end",
        "goto again ::again:: do goto again end",
        // A set is as long as its pattern, and each byte is held against all of it.
        "('a'):rep(1e5):find('[' .. ('b'):rep(4e5) .. ']')",
        "('a'):rep(1e5):gsub('%f[' .. ('b'):rep(4e5) .. ']', '')",
        "('a'):rep(1e5):match('[' .. ('b'):rep(4e5) .. ']*$')",
        // Each piece comes through many metatables.
        "local t = {} for i = 1, 20 do t = setmetatable({}, { __index = t }) end table.unpack(t, 1, 900000)",
        // Long strings are long work.
        "local s = ('a'):rep(1 << 17) while true do s:upper() end",
        "local s = ('a'):rep(1 << 17) while true do pcall(string.pack, s) end",
        "local s = ('x'):rep(1 << 17) while true do string.packsize(s) end",
        "local s = ('a'):rep(1 << 17) while true do utf8.len(s) end",
        "local s = ('%%'):rep(1 << 16) while true do s:format() end",
        "local s = ('a'):rep(1 << 16) while true do ('%q'):format(s) end",
        "local s = ('a'):rep(1 << 17) while true do s:find('b', 1, true) end",
        // Every value of a call is paid for, and what is taken for a number.
        "local s, t = ('x'):rep(1 << 19), {} for i = 1, 2000 do t[i] = s end (('%d') .. ('%.1s'):rep(2000)):format(1, table.unpack(t))",
        "local s, t = ('1'):rep(1 << 19), {} for i = 1, 2000 do t[i] = s end (('b'):rep(2000)):pack(table.unpack(t))",
        "local s, t = setmetatable({}, { __name = ('x'):rep(1 << 19) }), {} for i = 1, 2000 do t[i] = s end (('%.1s'):rep(2000)):format(table.unpack(t))",
        "local s = ('1'):rep(1 << 19) while true do tonumber(s, 10) end",
        "local s = ('1'):rep(1 << 19) while true do pcall(function() return s + 0 end) end",
        "local s = ('1'):rep(1 << 19) while true do pcall(function() return -s end) end",
    ] {
        let (name, sentence) = ends(code);
        if code.contains("table.concat") {
            assert_eq!(name, "script_error", "concat looks at the table itself: {sentence}");
            continue;
        }
        assert_eq!(name, "script_limit", "{code}: {sentence}");
        assert!(sentence.starts_with("test.lua:4: a call took more than 1,000,000 steps"), "{code}: {sentence}");
    }
}

#[test]
fn memory_is_bounded() {
    for code in [
        "local t = {} while true do t[#t + 1] = ('x'):rep(1000) end",
        "local s = ('x'):rep(1000) while true do s = s .. s end",
        "local s = ('x'):rep(1e10)",
        "local s = ('x'):rep(1 << 62, 'y')",
        "local t = {} for i = 1, 64 do t[i] = ('x'):rep(1 << 19) end local s = table.concat(t)",
        "local s = ('x'):rep(1 << 19):gsub('x', 'xxxx')",
        "local s = ('x'):rep(1e5):gsub('.*', ('%0'):rep(1e6))",
        "local s = ('x'):rep(1e5):gsub('.*', ('%1'):rep(1e6))",
        "local s = ('x'):rep(1e6):gsub('', ('x'):rep(1e6))",
        "string.pack('c40000000', 'x')",
        "local s = ('%s'):rep(40):format(('x'):rep(1 << 17))",
    ] {
        let (name, sentence) = ends(code);
        if code.contains("format") {
            assert_eq!(name, "script_error", "{sentence}");
            continue;
        }
        assert!(matches!(name, "script_memory" | "script_limit"), "{code}: {name} {sentence}");
        assert!(sentence.starts_with("test.lua"), "{code}: {sentence}");
    }
    let (_, sentence) = ends("local t, s = {}, ('x'):rep(2000) while true do t[#t + 1] = s .. #t end");
    assert_eq!(
        sentence, "test.lua:4: needs more memory than 8 MiB, or 1 MiB at once",
        "it has no place of its own, so the last seen one"
    );
    let (_, sentence) = ends("local s = ('x'):rep(1e10)");
    assert_eq!(sentence, "test.lua:4: a string of 10,000,000,000 bytes needs more memory than 8 MiB, or 1 MiB at once");
}

#[test]
fn strings_within_strings_are_bounded_together() {
    // Each level holds most of what one may have while the next is made.
    let code = "local r = ('x'):rep(1 << 15)
        local function nest(n)
          local k = 0
          return (('y'):rep(20):gsub('y', function() k = k + 1 if k == 20 and n < 100 then nest(n + 1) end return r end))
        end
        nest(0)";
    let row = made(&format!("function server.input(c, input) input:everything(); {code} end")).unwrap();
    let mut end = crate::session::End::new((row.server.unwrap())(&setup(row)), Rides::Stream);
    // So many steps that memory is what ends it.
    end.offer(&vec![b'x'; 1 << 16]);
    let (name, sentence) = fault(&end);
    assert_eq!(
        (name, &sentence[..]),
        ("script_memory", "test.lua:4: a string within others needs more memory than 8 MiB, or 1 MiB at once")
    );
}

#[test]
fn matching_looks_at_the_clock() {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    static NOW: AtomicU64 = AtomicU64::new(0);
    let clock = || Duration::from_millis(10 * NOW.fetch_add(1, Relaxed));
    for code in [
        "('a'):rep(300):find(('.-'):rep(5) .. 'b')",
        "('a'):rep(1 << 19):gsub('a', { a = 'b' })",
        "local t = {} for i = 1, 4e4 do t[i] = 'x' end for i = 1, 500 do table.concat(t) end",
    ] {
        let row = made(&format!("function server.input(c, input) input:everything(); {code} end")).unwrap();
        let mut session = (row.server.unwrap())(&setup(row));
        let facts = Facts { steady_clock: clock, ..Facts::in_memory(Rides::Stream) };
        let (mut out, mut scanned) = (Out::default(), 0);
        // Much has come, so that there are enough steps for several seconds.
        let much = vec![b'x'; 1 << 20];
        let violation = session.input(&mut Input::stream(&much, &mut scanned), &mut Cx::new(&facts, &mut out)).unwrap_err();
        let told = (violation.name, &violation.sentence[..]);
        assert_eq!(told, ("script_limit", "test.lua:1: a call took longer than 1 s"), "{code}");
    }
}

#[test]
fn a_caught_error_is_text_and_the_script_goes_on() {
    let mut end = server_of(
        "function server.input(c, input)
           input:everything()
           local ok, why = pcall(string.rep, 'x', 1e10)
           local fine, value = pcall(function() return 7 end)
           local _, raised = xpcall(function() error('no', 0) end, function(e) return e .. '!' end)
           c:line(type(why) .. ' ' .. tostring(ok) .. ' ' .. tostring(value) .. ' ' .. raised)
         end",
        Rides::Stream,
    );
    end.offer(b"x");
    assert_eq!(said(&mut end), "string false 7 no!\r\n");
}

#[test]
fn what_reaches_out_is_not_there() {
    for name in [
        "io",
        "os",
        "package",
        "debug",
        "require",
        "load",
        "loadfile",
        "loadstring",
        "dofile",
        "collectgarbage",
        "warn",
        "string.dump",
    ] {
        let mut end = server_of(
            &format!("function server.input(c, input) input:everything() c:write(tostring({name})) end"),
            Rides::Stream,
        );
        end.offer(b"x");
        assert_eq!(said(&mut end), "nil", "{name}");
    }
    assert!(made("\u{1b}Lua").unwrap_err().sentence.contains("test.lua"), "no binary chunks");
    let (_, sentence) = ends("setmetatable({}, { __gc = function() end })");
    assert_eq!(sentence, "test.lua:4: __gc is not available here");
    let (_, sentence) = ends("print('x')");
    assert!(sentence.starts_with("test.lua:4: print has nowhere to go"), "{sentence}");
}

#[test]
fn time_is_bounded_where_steps_do_not_tell() {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    static NOW: AtomicU64 = AtomicU64::new(0);
    // Every look at this clock takes a millisecond.
    let clock = || Duration::from_millis(NOW.fetch_add(1, Relaxed));
    let row = made("function server.input(c, input) input:everything() while true do end end").unwrap();
    let mut session = (row.server.unwrap())(&setup(row));
    let facts = Facts { steady_clock: clock, ..Facts::in_memory(Rides::Stream) };
    let (mut out, mut scanned) = (Out::default(), 0);
    let violation = session.input(&mut Input::stream(b"x", &mut scanned), &mut Cx::new(&facts, &mut out)).unwrap_err();
    assert_eq!((violation.name, &violation.sentence[..]), ("script_limit", "test.lua:1: a call took longer than 1 s"));
}

#[test]
fn a_script_that_does_not_take_or_says_too_much_is_ended() {
    let mut end = server_of("function server.input(c, input) end", Rides::Stream);
    for _ in 0..100 {
        end.offer(&vec![b'x'; 64 * 1024]);
    }
    assert!(
        matches!(&end.ended, Some(Closed::Violated(violation)) if violation.name == "frame_too_long"),
        "{:?}",
        end.ended
    );
    let (name, sentence) = ends("local much = ('x'):rep(1 << 19) while true do c:write(much) end");
    assert_eq!(name, "script_error");
    assert!(sentence.contains("more than 4 MiB are unsent"), "{sentence}");
    let (_, sentence) = ends("for i = 1, 2000 do c:wake(1) end");
    assert!(sentence.contains("1,024 waits at once"), "{sentence}");
}

#[test]
fn first_runs_are_bounded_too() {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    static NOW: AtomicU64 = AtomicU64::new(0);
    let sentence = made("while true do end").unwrap_err().sentence;
    assert_eq!(sentence, "test.lua:1: a call took more than 1,000,000 steps");
    // Few steps, each of which takes long: only a clock sees that.
    let clock = || Duration::from_millis(10 * NOW.fetch_add(1, Relaxed));
    let sentence = super::super::row("./test.lua", b"while true do end".into(), clock).unwrap_err().sentence;
    assert_eq!(sentence, "test.lua:1: a call took longer than 1 s");
    let sentence = made("x = = 1").unwrap_err().sentence;
    assert_eq!(sentence, "test.lua:1: unexpected symbol near '='");
}
