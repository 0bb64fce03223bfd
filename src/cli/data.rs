//! DATA, `-f`, `--no-escapes`: what `send` and `bench` say.

use std::{
    ffi::OsStr,
    io::Read as _,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use clap::{Args, ValueHint};

use crate::{
    error::{Trouble, reason},
    protocol::{Form, Protocol},
    session::Facts,
    transport::{Family, Host, Place, Scheme, Target},
    values::{
        read,
        show::{self, grouped},
    },
};

#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Data")]
pub struct DataArgs {
    /// Send what FILE holds; - is standard input
    #[arg(short = 'f', long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
    /// Take DATA as it is: \n is two letters
    #[arg(long)]
    pub no_escapes: bool,
}

impl DataArgs {
    /// Each DATA argument as one message.
    ///
    /// # Errors
    /// An escape that is none.
    pub fn messages(&self, words: &[&OsStr]) -> Result<Vec<Bytes>, Trouble> {
        let message = |word: &&OsStr| {
            self.message(word).map_err(|clause| {
                Trouble::usage(format!("DATA {:?}: {clause}", word.to_string_lossy()))
                    .hint("--no-escapes sends backslashes as they are")
            })
        };
        words.iter().map(message).collect()
    }

    /// All DATA arguments as one message of words.
    ///
    /// # Errors
    /// An escape that is none.
    pub fn words(&self, words: &[&OsStr]) -> Result<Bytes, Trouble> {
        Ok(self.messages(words)?.join(&b' ').into())
    }

    /// One message. Arguments need not be UTF-8; what is not goes as it is.
    pub fn message(&self, word: &OsStr) -> Result<Bytes, String> {
        if self.no_escapes {
            return Ok(Bytes::copy_from_slice(word.as_bytes()));
        }
        let mut message = Vec::with_capacity(word.len());
        for chunk in word.as_bytes().utf8_chunks() {
            message.extend(read::unescape(chunk.valid())?);
            message.extend_from_slice(chunk.invalid());
        }
        Ok(message.into())
    }

    /// For protocols whose client says nothing of its own.
    ///
    /// # Errors
    /// Data was given.
    pub fn refuse(&self, words: &[&OsStr], row: &Protocol) -> Result<(), Trouble> {
        let what = match (words.first(), &self.file) {
            (Some(word), _) => format!("{:?}", word.to_string_lossy()),
            (None, Some(_)) => "--file".into(),
            _ => return Ok(()),
        };
        let name = row.name;
        Err(Trouble::usage(format!("{name} takes no data: there is nothing to do with {what}"))
            .hint(format!("`netproto protocols {name}` tells what it does")))
    }
}

/// `-f` and DATA exclude each other.
///
/// # Errors
/// Both are given.
pub fn only_source(words: &[&OsStr]) -> Result<(), Trouble> {
    match words {
        [] => Ok(()),
        [first, ..] => Err(Trouble::usage(format!("--file and DATA ({:?}) exclude each other", first.to_string_lossy()))
            .hint("leave one of them out")),
    }
}

/// Does each message fit a datagram, and its answer, too?
///
/// # Errors
/// One that does not.
pub fn fits(
    messages: &[Bytes],
    target: &Target,
    family: Option<Family>,
    row: Option<&'static Protocol>,
) -> Result<(), Trouble> {
    let longest = messages.iter().map(Bytes::len).max().unwrap_or(0);
    length_fits(longest, target, family, row)
}

/// Does a message of this length fit?
///
/// # Errors
/// It does not.
pub fn length_fits(
    length: usize,
    target: &Target,
    family: Option<Family>,
    row: Option<&'static Protocol>,
) -> Result<(), Trouble> {
    if target.scheme != Scheme::Udp {
        return Ok(());
    }
    let (ip, largest) = if over_v6(target, family) { ("IPv6", Facts::MAX_UDP_IPV6) } else { ("IPv4", Facts::MAX_UDP_IPV4) };
    let overhead = row.map_or(0, Protocol::overhead);
    let room = largest - overhead;
    if length <= room {
        return Ok(());
    }
    let (length, room) = (grouped(length as u64), grouped(room as u64));
    let (takes, hint) = match row {
        Some(row) if overhead > 0 => (
            format!("{} over {ip} takes {room}", row.name),
            format!("its answer is {overhead} bytes longer, and must fit as well; or use tcp"),
        ),
        _ => (format!("a datagram over {ip} holds {room}"), "send it in pieces, or over tcp".into()),
    };
    Err(Trouble::usage(format!("{length} bytes are too many: {takes}")).hint(hint))
}

fn over_v6(target: &Target, family: Option<Family>) -> bool {
    match &target.place {
        Place::Net { host: Host::Ip(ip), .. } => ip.is_ipv6(),
        _ => family == Some(Family::V6),
    }
}

/// All of a file, for a message that is sent again and again.
///
/// # Errors
/// It can't be read.
pub fn contents(path: &Path) -> Result<Bytes, Trouble> {
    let mut all = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut all)
    } else {
        std::fs::File::open(path).and_then(|mut file| file.read_to_end(&mut all))
    };
    match read {
        Ok(_) => Ok(all.into()),
        Err(error) => Err(Trouble::failed(format!("could not read {}: {}", show::path(path), reason(&error)))),
    }
}

/// Can it be read, and is it no folder? Found out before anybody is connected to.
///
/// # Errors
/// It can't, or is one.
pub fn readable(path: &Path) -> Result<(), Trouble> {
    let shown = show::path(path);
    let file = std::fs::File::open(path).and_then(|file| file.metadata());
    match file {
        Ok(there) if there.is_dir() => {
            Err(Trouble::failed(format!("could not read {shown}: it is a folder")).hint("-f sends one file"))
        }
        Ok(_) => Ok(()),
        Err(error) => Err(Trouble::failed(format!("could not read {shown}: {}", reason(&error)))),
    }
}

/// Is there something at standard input that a person or a program means us to read? A terminal or `/dev/null` is nothing.
pub fn is_piped() -> bool {
    use rustix::fs::FileType;
    let kind = rustix::fs::fstat(std::io::stdin()).map(|stat| FileType::from_raw_mode(stat.st_mode));
    matches!(kind, Ok(FileType::Fifo | FileType::RegularFile | FileType::Socket))
}

/// Each line that says something, as a message of words.
pub fn lines(text: &Bytes, form: Form) -> Vec<Bytes> {
    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let lines = lines.filter(|line| !line.is_empty() && form.is_message(line));
    lines.map(|line| text.slice_ref(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_bytes() {
        let data = DataArgs::default();
        assert_eq!(data.message(OsStr::new(r"a\n\x00")), Ok(Bytes::from_static(b"a\n\0")));
        assert_eq!(data.message(OsStr::from_bytes(b"\xff\\t\xfe")), Ok(Bytes::from_static(b"\xff\t\xfe")));
        assert!(data.message(OsStr::from_bytes(b"\\\xff")).is_err());
        let literal = DataArgs { no_escapes: true, ..data };
        assert_eq!(literal.message(OsStr::new(r"a\n")), Ok(Bytes::from_static(br"a\n")));
    }

    #[test]
    fn a_datagram_has_a_size() {
        let to = |ip: &str| Target {
            scheme: Scheme::Udp,
            place: Place::Net { host: ip.parse().map_or_else(|_| Host::Name(ip.into()), Host::Ip), port: 9 },
        };
        let fits = |length, ip, family| length_fits(length, &to(ip), family, None).is_ok();
        assert!(fits(65_507, "127.0.0.1", None) && !fits(65_508, "127.0.0.1", None));
        assert!(fits(65_527, "::1", None) && !fits(65_528, "::1", None));
        assert!(!fits(65_508, "localhost", None) && fits(65_508, "localhost", Some(Family::V6)));
        let stream = Target { scheme: Scheme::Tcp, ..to("::1") };
        assert!(length_fits(1 << 30, &stream, None, None).is_ok());
    }
}
