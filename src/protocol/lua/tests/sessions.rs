//! The contract, as a script sees it.

use super::{client_of, fault, made, said, server_of, setup};
use crate::{
    protocol::{Ends, Given, Params, Setup, param},
    session::{Closed, Cx, End, Event, Facts, Out, Rides, Verdict, Violation},
};

#[test]
fn each_hook_is_called_with_the_connection_and_what_happened() {
    let mut end = server_of(
        "function server.open(c) c.n = 0 c:line('hello ' .. c:peer()) end
         function server.input(c, input)
           for line in input:lines() do c.n = c.n + 1 c:line(c.n .. ' ' .. line) c:wake(0.5, line) end
         end
         function server.wake(c, key) c:line('woken ' .. key) c:when_drained({ 'table' }) end
         function server.drained(c, key) c:line('drained ' .. key[1]) end
         function server.eof(c, rest) c:line('rest ' .. rest) end",
        Rides::Stream,
    );
    assert_eq!(said(&mut end), "hello unnamed\r\n");
    end.offer(b"one\r\ntwo\nthr");
    assert_eq!(said(&mut end), "1 one\r\n2 two\r\n");
    assert!(end.wake() && end.wake() && !end.wake());
    assert_eq!(
        said(&mut end),
        "woken one\r\ndrained table\r\nwoken two\r\ndrained table\r\n"
            .replace("drained table\r\nwoken two\r\n", "woken two\r\ndrained table\r\n")
    );
    end.offer_eof();
    assert_eq!(said(&mut end), "rest thr\r\n");
    assert!(end.closing);
}

#[test]
fn a_message_for_each_call_is_enough() {
    let source = "function server.input(c, input) local line = input:line() if line then c:line('got ' .. line) end end";
    for chunk in [1, 4, 100] {
        let mut end = server_of(source, Rides::Stream);
        b"a\nbb\nccc\n".chunks(chunk).for_each(|piece| end.offer(piece));
        assert_eq!(said(&mut end), "got a\r\ngot bb\r\ngot ccc\r\n");
    }
}

#[test]
fn every_framing_is_taken_and_said() {
    for (name, wire) in [
        ("line", &b"abc\r\n"[..]),
        ("netstring", b"3:abc,"),
        ("int8", b"\x03abc"),
        ("int16", b"\0\x03abc"),
        ("int32", b"\0\0\0\x03abc"),
        ("varint", b"\x03abc"),
    ] {
        for loops in [true, false] {
            let body = if loops {
                format!("for m in input:{name}s() do c:{name}(m) end")
            } else {
                format!("local m = input:{name}() if m then c:{name}(m) end")
            };
            let source = format!("function server.input(c, input) {body} end");
            let mut end = server_of(&source, Rides::Stream);
            wire.repeat(3).iter().for_each(|byte| end.offer(&[*byte]));
            said(&mut end);
            assert_eq!(end.said, wire.repeat(3), "{name}");
        }
    }
    let mut end = server_of(
        "function server.input(c, input)
           while true do
             local head = input:exactly(2)
             if not head then return end
             c:write(('>H'):unpack(head), ' ', input:upto(';') or '', '|', tostring(input:size()), '|', input:rest(), '\\n')
           end
         end",
        Rides::Stream,
    );
    end.offer(b"\x01\x00abc;\x00\x02d");
    assert_eq!(said(&mut end), "256 abc|3|\0\x02d\n2 |1|d\n");
}

#[test]
fn limits_of_messages_are_the_peers_to_keep() {
    for (body, name) in [
        ("input:line(3)", "frame_too_long"),
        ("input:int16(3)", "frame_too_long"),
        ("input:netstring()", "bad_length"),
        ("pcall(input.line, input, 3)", "frame_too_long"),
        ("if input:size() > 0 then c:violation('a bad word') end", "violation"),
    ] {
        let mut end = server_of(&format!("function server.input(c, input) {body} end"), Rides::Stream);
        end.offer(b"abcdefgh\n");
        assert_eq!(fault(&end).0, name, "{body}");
        let Some(Closed::Violated(violation)) = &end.ended else { panic!("it has ended") };
        assert_eq!(violation.hint, None, "{body}: the peer's fault");
    }
}

#[test]
fn errors_name_file_and_line_and_are_ours() {
    for (body, words) in [
        ("local x = nil + 1", "test.lua:2: attempt to perform arithmetic on a nil value"),
        ("error('by hand')", "test.lua:2: by hand"),
        ("error({})", "test.lua: error() was given no text to tell"),
        ("c:write({})", "test.lua:2: error converting Lua table to string (expected string or number)"),
        ("c.write('x')", "test.lua:2: call it with a colon, as in c:write()"),
        ("input.line()", "test.lua:2: call it with a colon, as in input:line()"),
        ("c:line('a\\nb')", "test.lua:2: message holds a line end, which would end it early"),
        ("c:int8(('x'):rep(256))", "test.lua:2: message of 256 bytes is over the limit of 255"),
        ("input.users = 3", "test.lua:2: input can't be changed: what is to be kept belongs to c"),
        ("table.insert({}, 5, 1)", "test.lua:2: bad argument #2 to 'insert' (position out of bounds)"),
        ("error('\\27[31mred')", "test.lua:2: \\x1b[31mred"),
        ("error(('x'):rep(1000), 0)", "test.lua: xxx"),
        ("coroutine.yield()", "test.lua"),
        ("input:upto('')", "test.lua:2: the delimiter is empty"),
        ("c:wake(-1)", "test.lua:2: c:wake() takes seconds, from 0 to those of a year"),
        ("c:refuse('x')", "test.lua:2: c:refuse() is for client.submit"),
    ] {
        let mut end = server_of(&format!("function server.input(c, input)\n{body}\nend"), Rides::Stream);
        end.offer(b"x\n");
        let (name, sentence) = fault(&end);
        assert!(name == "script_error" && sentence.starts_with(words) && sentence.len() < 320, "{body}: {sentence}");
        let ours = |violation: &Violation| violation.hint.is_some();
        assert!(matches!(&end.ended, Some(Closed::Violated(violation)) if ours(violation)), "{body}");
    }
    let end = server_of("function server.open(c)\nlocal x = nil .. ''\nend", Rides::Stream);
    assert!(fault(&end).1.starts_with("test.lua:2: attempt to concatenate a nil value"), "{:?}", end.ended);
}

#[test]
fn another_connection_is_out_of_reach_and_state_is_its_own() {
    let row = made(
        "local first
         function server.input(c, input)
           input:everything()
           first = first or c
           c.count = (c.count or 0) + 1
           if c.count == 3 then first:write('x') end
           c:write(tostring(c.count))
         end",
    )
    .unwrap();
    let make = row.server.unwrap();
    let (mut one, mut two) = (End::new(make(&setup(row)), Rides::Stream), End::new(make(&setup(row)), Rides::Stream));
    one.offer(b"x");
    two.offer(b"x");
    two.offer(b"x");
    assert_eq!((said(&mut one), said(&mut two)), ("1".into(), "12".into()));
    two.offer(b"x");
    assert!(fault(&two).1.contains("c:write() is for the connection whose event this is"), "{:?}", two.ended);
    one.offer(b"x");
    assert_eq!(said(&mut one), "2");
}

#[test]
fn datagrams_are_whole_and_bounded() {
    let source = "function server.input(c, input)
       local m = input:everything()
       if m == 'two' then c:write('one') c:end_datagram() c:write('two') return end
       c:write('re: ') c:write(m)
     end";
    let mut end = server_of(source, Rides::Datagrams);
    end.offer_datagram(b"hi");
    end.offer_datagram(b"");
    end.offer_datagram(b"two");
    end.offer_datagram(&vec![b'x'; 65_505]);
    end.offer_datagram(b"on");
    said(&mut end);
    let datagrams: Vec<_> = end.datagrams.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect();
    assert_eq!(datagrams, ["re: hi", "re: ", "one", "two", "re: on"]);
    assert_eq!(end.violations.len(), 1);
    assert!(
        end.violations[0].sentence.contains("datagram of 65509 bytes is over the limit of 65507"),
        "{:?}",
        end.violations
    );
}

const CLIENT: &str = "function client.submit(c, seq, body)
       if body == 'never' then return c:refuse('this is never said') end
       if body == 'later' then return false end
       c:line(body)
     end
     function client.input(c, input)
       for line in input:lines() do
         local asked, seq = c:awaited()
         c:body(line)
         if not asked then c:unsolicited(line) elseif line == asked then c:right() else c:wrong(asked, line, seq) end
       end
     end";

#[test]
fn a_client_asks_and_judges() {
    let mut end = client_of(CLIENT, Rides::Stream);
    for (seq, body) in (0..).zip(["a", "b", "c", "never"]) {
        end.submit(seq, body.as_bytes()).unwrap();
    }
    end.submit(4, b"later").unwrap_err();
    assert_eq!(said(&mut end), "a\r\nb\r\nc\r\n");
    end.forget(2);
    end.offer(b"a\r\nx\r\nc\r\nmore\r\n");
    let mut events = end.events.iter().filter(|event| !matches!(event, Event::Body(_) | Event::Message(_)));
    let refused = Violation::new("unsayable", "this is never said");
    assert_eq!(events.next(), Some(&Event::Refused { seq: 3, why: refused }));
    assert_eq!(events.next(), Some(&Event::Answered { seq: 0, verdict: Verdict::Right }));
    match events.next() {
        Some(Event::Answered { seq: 1, verdict: Verdict::Wrong(how) }) => {
            assert_eq!((&how.expected[..], &how.got[..], how.at), (&b"b"[..], &b"x"[..], 0));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(events.next(), Some(&Event::Late { seq: 2 }));
    assert_eq!(events.next(), Some(&Event::Unsolicited { bytes: 4 }));
    assert_eq!(events.next(), Some(&Event::Ready), "who was refused may try again");
    assert_eq!(events.next(), None);
    assert_eq!(end.events.iter().filter(|event| matches!(event, Event::Body(_))).count(), 4);
}

#[test]
fn a_wrong_answer_can_be_told_in_words() {
    let mut end =
        client_of("function client.input(c, input) input:everything() c:wrong('it is not polite') end", Rides::Stream);
    end.submit(0, b"hello").unwrap();
    end.offer(b"what?");
    let wrong = end.events.iter().find_map(|event| match event {
        Event::Answered { verdict: Verdict::Wrong(mismatch), .. } => mismatch.why.clone(),
        _ => None,
    });
    assert_eq!(wrong.unwrap().sentence, "it is not polite");
}

#[test]
fn answers_in_any_order_are_found_by_what_they_say() {
    let source = "function client.input(c, input)
       local m = input:everything()
       local seq = c:find(m)
       if seq then c:right(seq) c.last = seq else c:right(c.last) end
     end";
    let mut end = client_of(source, Rides::Datagrams);
    for (seq, body) in (0..).zip(["a", "b"]) {
        end.submit(seq, body.as_bytes()).unwrap();
    }
    for answer in ["b", "b", "a"] {
        end.offer_datagram(answer.as_bytes());
    }
    said(&mut end);
    assert_eq!(end.datagrams, [b"a", b"b"], "without client.submit the data is said as it is");
    let events: Vec<_> = end.events.iter().filter(|event| !matches!(event, Event::Message(_))).cloned().collect();
    let right = |seq| Event::Answered { seq, verdict: Verdict::Right };
    assert_eq!(events, [right(1), Event::Duplicate { seq: 1 }, right(0)]);
    end.submit(2, &vec![0; 65_508]).unwrap();
    assert!(matches!(end.events.last(), Some(Event::Refused { seq: 2, why }) if why.name == "frame_too_long"));
}

#[test]
fn parameters_are_there_as_text_and_seconds() {
    let row = made(
        "params = {
           greeting = 'hi', pause = { kind = 'duration', default = '20ms' }, loud = { kind = 'switch' },
           n = { kind = 'count', default = '2k' },
         }
         function server.open(c)
           local p = c.params
           c:line(('%s %s %s %s'):format(p.greeting, p.pause, p.loud, p.n))
         end",
    )
    .unwrap();
    let greet = |given: &[(&str, &str)]| {
        let mut params = Params::default();
        for (name, value) in given {
            params.set(param(row.params, Ends::Server, name).unwrap(), Given::Text(value)).unwrap();
        }
        said(&mut End::new((row.server.unwrap())(&Setup { params, ..setup(row) }), Rides::Stream))
    };
    assert_eq!(greet(&[]), "hi 0.02 false 2000\r\n");
    assert_eq!(greet(&[("greeting", "ho"), ("pause", "2s"), ("loud", "on")]), "ho 2.0 true 2000\r\n");
    assert_eq!(greet(&[]), "hi 0.02 false 2000\r\n");
}

#[test]
fn input_can_wait() {
    let mut end = server_of(
        "function server.input(c, input)
           local line = input:line()
           if not line then return end
           if line == 'wait' then c:pause() c:busy(true) c:wake(1) else c:line(line) end
         end
         function server.wake(c) c:resume() c:busy(false) c:line('now') end",
        Rides::Stream,
    );
    end.offer(b"a\nwait\nb\nc\n");
    assert_eq!((said(&mut end), end.busy()), ("a\r\n".into(), true));
    end.offer_eof();
    assert!(!end.closing, "the end of input waits as well");
    assert!(end.wake() && !end.busy());
    assert_eq!(said(&mut end), "now\r\nb\r\nc\r\n");
    assert!(end.closing);
}

#[test]
fn more_is_asked_for_when_there_is_room_for_answers() {
    let mut end = server_of(
        "local much = ('x'):rep(10000)
         function server.input(c, input) local line = input:line() if line then c:line(much) end end",
        Rides::Stream,
    );
    end.offer(&b"\n".repeat(1000));
    assert!(end.unsent() < 256 * 1024, "{} bytes wait", end.unsent());
    while end.leave(65_536).is_some() {}
    assert_eq!(end.said.len(), 1000 * 10_002);
}

#[test]
fn the_end_is_told_and_the_table_given_back() {
    let row = made(
        "open = 0
         function server.open(c) open = open + 1 c:line(tostring(open)) end
         function server.closed(c, how) open = open - 1 end",
    )
    .unwrap();
    let make = row.server.unwrap();
    for _ in 0..1000 {
        let (facts, mut out, mut session) = (Facts::in_memory(Rides::Stream), Out::default(), make(&setup(row)));
        session.open(&mut Cx::new(&facts, &mut out));
        assert_eq!(out.only_run(), Some(&b"1\r\n"[..]));
        session.closed(&Closed::ByPeer);
    }
}

#[test]
fn a_session_that_left_its_thread_says_so() {
    let row = made("function server.open(c) end function server.input(c, input) c:write(input:everything()) end").unwrap();
    let mut end = End::new((row.server.unwrap())(&setup(row)), Rides::Stream);
    let moved = std::thread::scope(|scope| {
        let moved = scope.spawn(move || {
            end.offer(b"x");
            fault(&end).1
        });
        moved.join().unwrap()
    });
    assert!(moved.contains("has left its thread"), "{moved}");
}
