//! What must hold of single protocols, beyond what holds of all.

use netproto::{
    protocol::{ALL, Ends, Given, Setup, param},
    session::{ChannelAsk, ChannelNews, End, Move, Rides},
    values::show,
};

use super::{Case, Choices, Cut, GROWTH_OF_PAGES, UNASKED};

/// `ftp`, logged in: whatever comes over the control connection and over data connections, in any order, nothing breaks, and
/// what is said stays bounded.
pub fn ftp(data: &[u8]) {
    let mut choices = Choices(data);
    let row = netproto::protocol::find("ftp").unwrap();
    let (flags, piece) = (choices.byte(), choices.byte() % 64 + 1);
    let mut setup = Setup::default();
    if flags & 2 != 0 {
        let list = row.params.iter().find(|param| param.name == "list").unwrap();
        setup.params.set(list, Given::Text("true")).unwrap();
    }
    if flags & 4 != 0 {
        setup.goal.path = "/a".into();
    }
    let client = flags & 1 != 0;
    let make = if client { row.client } else { row.server.unwrap() };
    let mut end = End::new(make(&setup), Rides::Stream);
    let login: &[u8] = if client { b"220 x\r\n331 x\r\n230 x\r\n200 x\r\n" } else { b"USER ftp\r\nPASS x\r\n" };
    if client {
        end.submit(0, b"").unwrap();
    }
    end.offer(login);
    let mut open = None;
    for (turn, piece) in choices.0.chunks(piece).enumerate() {
        // A byte of 255 begins what comes over the data connection.
        match (piece.split_first(), open) {
            (Some((255, [])), Some(id)) => end.channel(id, ChannelNews::Ended),
            (Some((255, rest)), Some(id)) => end.channel(id, ChannelNews::Data(rest.to_vec().into())),
            _ => end.offer(piece),
        }
        while end.leave(4096).is_some_and(|moved| moved != Move::Close) {}
        while let Some((id, ask)) = end.channel_asks.pop_front() {
            open = Some(id);
            match ask {
                ChannelAsk::Listen(_) => end.channel(id, ChannelNews::Listening(([127, 0, 0, 1], 40_000).into())),
                ChannelAsk::Dial(to) => end.channel(id, ChannelNews::Connected(to)),
                ChannelAsk::Tell => end.channel(id, ChannelNews::Drained),
                ChannelAsk::Finish => end.channel(id, ChannelNews::Sent),
                ChannelAsk::Write(_) | ChannelAsk::Pour(_) | ChannelAsk::Drop => {}
            }
            while end.leave(4096).is_some_and(|moved| moved != Move::Close) {}
        }
        if turn % 8 == 7 {
            end.wake();
        }
    }
    end.offer_eof();
    let most = UNASKED + data.len() * GROWTH_OF_PAGES;
    assert!(end.said.len() <= most, "{} bytes said to {}", end.said.len(), data.len());
}

/// Whatever follows DATA: a message is taken only where CRLF, a full stop and CRLF end it and no bare line end stood before; and
/// all is the same however it is cut.
pub fn smtp(data: &[u8]) {
    const HEAD: &[u8] = b"HELO x\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n";
    let mut choices = Choices(data);
    let cut = Cut::UpTo(choices.byte() % 40 + 1);
    let said = [HEAD, choices.0].concat();
    let row = ALL.iter().copied().find(|row| row.name == "smtp").unwrap();
    let mut setup = Setup::default();
    setup.params.set(param(row.params, Ends::Server, "max-line").unwrap(), Given::Text("1M")).unwrap();
    let case = |cut| Case { row, setup: setup.clone(), client: false, rides: Rides::Stream, data: &said, cut };
    let whole = case(Cut::Whole).run();
    assert_eq!(case(Cut::Bytes).run(), whole, "{:?}", case(Cut::Bytes));
    assert_eq!(case(cut).run(), whole, "{:?}", case(cut));
    let taken = whole.said.windows(12).filter(|window| *window == b"250 2.0.0 ta").count();
    let message = &said[HEAD.len() - 2..];
    let bare = (2..message.len()).find(|at| match message[*at] {
        b'\n' => message[*at - 1] != b'\r',
        b'\r' => message.get(*at + 1).is_some_and(|next| *next != b'\n'),
        _ => false,
    });
    let end = message.windows(5).position(|window| window == b"\r\n.\r\n");
    match (end, bare) {
        (Some(end), Some(bare)) if bare < end => assert_eq!(taken, 0, "{}", show::quoted(&said, 400)),
        (None, _) => assert_eq!(taken, 0, "{}", show::quoted(&said, 400)),
        _ => assert!(taken >= 1, "{}", show::quoted(&said, 400)),
    }
}
