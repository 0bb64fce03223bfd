//! The first screen: what `netproto` and `netproto --help` print.

use std::fmt::Write as _;

use clap::builder::{StyledStr, Styles, styling::Style};

const HEADING: Style = Style::new().bold();
const NAME: Style = Style::new().bold();

/// The look of every help text: bold names, nothing else, so that it is calm on any background.
pub const STYLES: Styles = Styles::plain().header(HEADING).usage(HEADING).literal(NAME).placeholder(Style::new());

/// In 80 columns; `#` begins a heading, `*` stands around a command's name.
const FIRST: &str = "\
netproto: serve, talk and load network protocols

Usage: netproto <COMMAND>

#Serve
  *serve*       All a protocol rides on  netproto serve echo 8080
  *serve-tcp*   Answer TCP clients       netproto serve-tcp 8080
  *serve-udp*   Answer datagrams         netproto serve-udp 8080 -P echo
  *serve-unix*  Answer on a Unix socket  netproto serve-unix /tmp/np.sock
#Talk
  *send*        Send, print the answer   netproto send udp localhost:8080 hello
#Load
  *bench*       Load a server, report    netproto bench tcp localhost:8080 -c 64
  *compare*     What changed, surely?    netproto compare before.json after.json
  *merge*       Many machines' runs      netproto merge a.json b.json
  *report*      Show it again, draw it   netproto report run.json --html run.html
#More
  *protocols*   List protocols, framings, parameters
  *explain*     Tell how one works       netproto explain daytime
  *completions*, *man*                     for your shell, for your manual
  *-V*, *--version*                        the version

netproto <COMMAND> --help lists a command's flags. Exit codes: man netproto
";

/// The first screen, styled.
pub fn first() -> StyledStr {
    let mut text = String::with_capacity(FIRST.len() + 256);
    for line in FIRST.lines() {
        match line.strip_prefix('#') {
            Some(heading) => push_styled(&mut text, HEADING, heading),
            None => push_named(&mut text, line),
        }
        text.push('\n');
    }
    text.into()
}

/// Every second piece between stars is a name.
fn push_named(text: &mut String, line: &str) {
    for (at, piece) in line.split('*').enumerate() {
        if at % 2 == 1 {
            push_styled(text, NAME, piece);
        } else {
            text.push_str(piece);
        }
    }
}

fn push_styled(text: &mut String, style: Style, piece: &str) {
    let _ = write!(text, "{style}{piece}{style:#}");
}
