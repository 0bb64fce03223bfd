//! Which command does what, and those that are answered with words alone.

use super::{Server, say, say_all};
use crate::{
    protocol::ftp::{address::decimal, line::Command, listing::Told},
    session::Cx,
};

/// All that is understood, for HELP.
const KNOWN: [&str; 6] = [
    "USER PASS QUIT NOOP HELP FEAT OPTS SYST STAT",
    "TYPE MODE STRU ALLO REST ABOR",
    "PASV EPSV PORT EPRT",
    "RETR STOR APPE",
    "LIST NLST MLSD MLST SIZE MDTM MFMT",
    "CWD CDUP PWD MKD RMD DELE RNFR RNTO",
];

impl Server {
    pub(super) fn command(&mut self, command: &Command, cx: &mut Cx<'_>) {
        let renamed = if command.verb == "RNTO" { None } else { self.state.renamed.take() };
        // Renaming takes two commands in a row (RFC 959, section 4.1.3).
        if renamed.is_some() && matches!(command.verb.as_str(), "NOOP" | "STAT") {
            self.state.renamed = renamed;
        }
        let argument = command.argument.as_str();
        match command.verb.as_str() {
            "USER" => self.user(argument, cx),
            "PASS" => self.password(argument, cx),
            "QUIT" => {
                say(cx, 221, "goodbye");
                self.bye(cx);
            }
            "NOOP" => say(cx, 200, "ok"),
            "HELP" => {
                let known = KNOWN.map(String::from);
                say_all(cx, 214, "these are understood", &known, "end");
            }
            "FEAT" => self.features(cx),
            "SYST" => say(cx, 215, "UNIX Type: L8"),
            "AUTH" | "ADAT" | "PBSZ" | "PROT" => say(cx, 502, "there is no TLS here"),
            _ if self.login.user().is_none() => say(cx, 530, "USER and PASS come first"),
            _ => self.when_in(command, cx),
        }
    }

    /// Those that need a login.
    fn when_in(&mut self, command: &Command, cx: &mut Cx<'_>) {
        let argument = command.argument.as_str();
        match command.verb.as_str() {
            "OPTS" => self.options(argument, cx),
            "STAT" if argument.is_empty() => self.status(cx),
            "STAT" => self.stat(argument, cx),
            "TYPE" => self.representation(argument, cx),
            "MODE" => only(argument, "S", cx),
            "STRU" => only(argument, "F", cx),
            "ALLO" => self.allocate(argument, cx),
            "REST" => self.restart(argument, cx),
            "ABOR" => self.abort(cx),
            "PASV" => self.passive(cx),
            "EPSV" => self.extended_passive(argument, cx),
            "PORT" => self.port(argument, cx),
            "EPRT" => self.extended_port(argument, cx),
            "RETR" => self.retrieve(argument, cx),
            "STOR" => self.store(argument, false, cx),
            "APPE" => self.store(argument, true, cx),
            "LIST" | "NLST" | "MLSD" => self.list(&command.verb, argument, cx),
            "MLST" => self.facts(argument, cx),
            "SIZE" => self.size(argument, cx),
            "MDTM" => self.modified(argument, cx),
            "MFMT" => self.modify(argument, cx),
            "CWD" | "XCWD" => self.change_folder(argument, cx),
            "CDUP" | "XCUP" => self.change_folder("..", cx),
            "PWD" | "XPWD" => say(cx, 257, &format!("{} is where you are", self.state.here.quoted())),
            "MKD" | "XMKD" => self.make_folder(argument, cx),
            "RMD" | "XRMD" => self.remove_folder(argument, cx),
            "DELE" => self.delete(argument, cx),
            "RNFR" => self.rename_from(argument, cx),
            "RNTO" => self.rename_to(argument, cx),
            "ACCT" => say(cx, 202, "not needed here"),
            "SITE" | "SMNT" | "REIN" | "STOU" => say(cx, 502, "not here"),
            _ => say(cx, 500, "that command is not known"),
        }
    }

    /// RFC 2389, section 3.2.
    fn features(&self, cx: &mut Cx<'_>) {
        let names = ["EPRT", "EPSV", "MDTM", "MFMT", &self.state.told.feature(), "REST STREAM", "SIZE", "TVFS", "UTF8"];
        say_all(cx, 211, "these are here", &names.map(String::from), "end");
    }

    fn options(&mut self, argument: &str, cx: &mut Cx<'_>) {
        let (name, value) = argument.split_once(' ').unwrap_or((argument, ""));
        match name.to_ascii_uppercase().as_str() {
            "UTF8" if value.is_empty() || value.eq_ignore_ascii_case("ON") => say(cx, 200, "names are always UTF-8"),
            "UTF8" => say(cx, 504, "names are always UTF-8"),
            "MLST" => {
                self.state.told = Told::chosen(value);
                say(cx, 200, format!("MLST OPTS {}", self.state.told.names()).trim_end());
            }
            _ => say(cx, 501, "that has no options"),
        }
    }

    /// STAT without a name. During a transfer it tells how far that is (RFC 959, section 4.1.3).
    pub(super) fn status(&self, cx: &mut Cx<'_>) {
        if let Some(transfer) = &self.transfer {
            return say(cx, 213, &transfer.status());
        }
        let user = self.login.user().unwrap_or("nobody");
        let lines = [
            format!("logged in as {}", crate::values::show::escaped(user.as_bytes(), false)),
            format!("in {}", self.state.here.quoted()),
            format!("TYPE {}, MODE S, STRU F", if self.state.ascii { "A" } else { "I" }),
        ];
        say_all(cx, 211, "netproto FTP server", &lines, "end");
    }

    fn representation(&mut self, argument: &str, cx: &mut Cx<'_>) {
        match argument.to_ascii_uppercase().as_str() {
            "A" | "A N" => self.state.ascii = true,
            "I" | "L 8" | "L8" => self.state.ascii = false,
            _ => return say(cx, 504, "TYPE is A or I"),
        }
        say(cx, 200, if self.state.ascii { "TYPE A" } else { "TYPE I" });
    }

    fn allocate(&mut self, argument: &str, cx: &mut Cx<'_>) {
        // `ALLO 1000 R 80` names a record size too.
        match decimal(argument.split(' ').next().unwrap_or_default()) {
            Some(size) if !argument.is_empty() => {
                self.state.asked.announced = Some(size);
                say(cx, 200, "ok; what comes short of it is not taken for whole");
            }
            _ => say(cx, 501, "ALLO takes a number of bytes"),
        }
    }

    fn restart(&mut self, argument: &str, cx: &mut Cx<'_>) {
        match decimal(argument) {
            Some(at) if !argument.is_empty() => {
                self.state.asked.restart = at;
                say(cx, 350, &format!("the next transfer begins at {at}"));
            }
            _ => say(cx, 501, "REST takes a number of bytes"),
        }
    }

    fn abort(&mut self, cx: &mut Cx<'_>) {
        self.data.give_up(cx);
        say(cx, 226, "nothing is under way any more");
    }
}

fn only(argument: &str, known: &str, cx: &mut Cx<'_>) {
    if argument.eq_ignore_ascii_case(known) { say(cx, 200, "ok") } else { say(cx, 504, &format!("only {known} is known")) }
}
