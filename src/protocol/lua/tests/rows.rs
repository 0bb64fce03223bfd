//! What a script says of itself.

use super::made;
use crate::{
    protocol::{Answers, Takes},
    session::Rides,
};

const LEAST: &str = "function server.input(c, input) end\n";

#[test]
fn what_is_not_said_has_a_default() {
    let row = made(LEAST).unwrap();
    assert_eq!((row.name, row.about, row.spec, row.port), ("test", "what test.lua says", "test.lua", None));
    assert_eq!(row.rides, [Rides::Stream, Rides::Datagrams]);
    assert_eq!((row.answers.stream, row.answers.datagrams), (Answers::Unknown, Answers::Unknown));
    assert!(row.server.is_some() && row.framed && row.echoes && !row.amplifies && row.stays());
    assert!(matches!(row.takes, Takes::Bytes));
    let row = made("function client.input(c, input) end").unwrap();
    assert!(row.server.is_none() && !row.framed && row.answers.stream == Answers::Each);
}

#[test]
fn all_that_a_row_holds_can_be_said() {
    let row = made(&format!(
        "{LEAST} name = 'finger' about = 'who is here' spec = 'RFC 1288' port = 79 rides = 'streams' answers = 'once'
         cuts_matter = false echoes = false takes = {{ usage = 'USER', examples = {{ 'alice' }} }}
         params = {{ pause = {{ default = '20ms', kind = 'duration', help = 'before each answer' }}, greeting = 'hello', n = 3 }}"
    ))
    .unwrap();
    assert_eq!((row.name, row.about, row.spec, row.port), ("finger", "who is here", "RFC 1288", Some(79)));
    assert_eq!((row.rides, row.answers.stream), (&[Rides::Stream][..], Answers::OnceThenClose));
    let params: Vec<_> = row.params.iter().map(|param| (param.name, param.kind.word(), param.default, param.help)).collect();
    let expected =
        [("greeting", "text", "hello", ""), ("n", "text", "3", ""), ("pause", "duration", "20ms", "before each answer")];
    assert_eq!(params, expected);
    assert!(matches!(row.takes, Takes::Words(form) if form.usage == "USER" && form.examples == ["alice"]));
    let by = made(&format!("{LEAST} answers = {{ streams = 'once', datagrams = 'never' }}")).unwrap().answers;
    assert_eq!((by.stream, by.datagrams), (Answers::OnceThenClose, Answers::Never));
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    for (source, part) in [
        ("", "defines no end"),
        ("port = 0", "port has to be a number"),
        ("port = '79'", "port has to be a number"),
        ("rides = 'pigeons'", "rides has to be"),
        ("rides = {}", "rides has to be"),
        ("answers = 'maybe'", "answers can't be \"maybe\""),
        ("name = 'echo'", "there is a protocol echo already"),
        ("name = 'a b'", "name has to be letters"),
        ("about = ''", "about has to be one line"),
        ("about = 'a\\27[31m'", "about has to be one line"),
        ("params = 3", "params has to be a table"),
        ("params = { 'x' }", "params are named"),
        ("params = { x = { kind = 'colour' } }", "kind has to be"),
        ("params = { x = { kind = 'duration', default = 'soon' } }", "the default of params.x"),
        ("amplifies = true echoes = false", "amplifies without echoes"),
        ("takes = 1", "takes has to be"),
        ("takes = { usage = 'X' }", "takes.examples has to hold one"),
        ("takes = { usage = 'X', examples = { {} } }", "takes.examples has to be a list"),
        ("echoes = 1", "echoes has to be true or false"),
        ("server = 3", "server has to stay a table"),
        ("function server.inptu() end", "server.inptu is called by nobody"),
        ("function server.submit() end", "server.submit is called by nobody"),
        ("server.open = 3", "server.open has to be a function"),
    ] {
        let source = if source.is_empty() { String::new() } else { format!("{LEAST}{source}") };
        let unusable = made(&source).unwrap_err();
        assert!(unusable.sentence.contains(part) && unusable.sentence.starts_with("test.lua"), "{source}: {unusable:?}");
        assert!(!unusable.hint.is_empty());
    }
}
