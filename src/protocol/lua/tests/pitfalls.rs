//! What scripts and their authors stumble over: delimiters in turn, who has gone, what stands before a script, whose error it is.

use super::{made, said, server_of, setup};
use crate::session::{Closed, Cx, End, Endpoint, Facts, Out, Rides};

#[test]
fn one_delimiter_does_not_hide_another() {
    let source = "function server.input(c, input)
       local line = input:line()
       if line then return c:write('line ' .. line .. '|') end
       local piece = input:upto(';')
       if piece then return c:write('piece ' .. piece .. '|') end
     end";
    for chunk in [1, 3, 100] {
        let mut end = server_of(source, Rides::Stream);
        b"ab;cd;ef\ngh;".chunks(chunk).for_each(|piece| end.offer(piece));
        let expected = if chunk == 100 { "line ab;cd;ef|piece gh|" } else { "piece ab|piece cd|line ef|piece gh|" };
        assert_eq!(said(&mut end), expected, "{chunk}");
    }
}

#[test]
fn who_has_gone_is_known_at_the_end() {
    let row = made(
        "local here, gone = {}, {}
         function server.open(c) here[c:peer()] = true end
         function server.input(c, input) input:everything() c:write(#gone, ' ', gone[1] or '') end
         function server.closed(c, how) gone[#gone + 1] = c:peer() .. ' ' .. tostring(here[c:peer()]) end",
    )
    .unwrap();
    let make = row.server.unwrap();
    let mut first = make(&setup(row));
    let peer = Endpoint::Ip("192.0.2.1:7".parse().unwrap());
    let (facts, mut out) = (Facts { peer, ..Facts::in_memory(Rides::Stream) }, Out::default());
    first.open(&mut Cx::new(&facts, &mut out));
    first.closed(&Closed::ByPeer);
    let mut second = End::new(make(&setup(row)), Rides::Stream);
    second.offer(b"x");
    assert_eq!(said(&mut second), "1 192.0.2.1:7 true");
}

#[test]
fn a_mark_or_a_shell_line_before_a_script_is_none_of_it() {
    for before in ["\u{feff}", "#!/usr/bin/env netproto", "\u{feff}# x"] {
        let sentence = made(&format!("{before}\nerror('here')")).unwrap_err().sentence;
        assert_eq!(sentence, "test.lua:2: here", "{before:?}");
    }
}

#[test]
fn errors_of_what_is_replaced_are_those_of_lua() {
    let mut end = server_of(
        "function server.input(c, input)
           input:everything()
           local function why(f, ...) return (select(2, pcall(f, ...))) end
           c:line(why(string.upper, nil))
           c:line(why(string.format, '%d', 'x'))
           c:line(why(string.unpack, '<i4', 'abc'))
           c:line(why(utf8.len, {}))
           c:line(tostring(utf8.len('\\xff')) .. ' ' .. table.concat({ utf8.codepoint('ab', 1, 2) }, ','))
           c:line(table.concat({ table.unpack(setmetatable({}, { __index = function(_, n) return n * n end }), 2, 4) }, ','))
           local co = coroutine.create(function() local x <close> = setmetatable({}, { __close = function() c:nothing() end }) coroutine.yield() end)
           coroutine.resume(co)
           local ok, e = coroutine.close(co)
           c:line(type(e) .. ' ' .. tostring(ok))
         end",
        Rides::Stream,
    );
    end.offer(b"x");
    assert_eq!(
        said(&mut end),
        "bad argument #1 to 'upper' (string expected, got nil)\r\n\
         bad argument #2 to 'format' (number expected, got string)\r\n\
         bad argument #2 to 'unpack' (data string too short)\r\n\
         bad argument #1 to 'len' (string expected, got table)\r\n\
         nil 97,98\r\n4,9,16\r\nstring false\r\n"
    );
}
