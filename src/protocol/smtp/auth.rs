//! AUTH PLAIN and LOGIN (RFC 4954, RFC 4616): what comes in base64, and what it says.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    client::{Client, Step},
    sending::Reply,
    settings::Login,
};
use crate::session::Cx;

/// What is awaited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Awaits {
    Plain,
    Name,
    Password { name: String },
}

/// What a line from the client came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Something more is awaited; the client is asked for it with this.
    Goes(Awaits, &'static str),
    Complete(Login),
    /// It is no base64, or not of this form.
    Malformed,
}

/// What PLAIN and LOGIN ask for: nothing, `Username:` and `Password:`.
const NOTHING: &str = "";
const USERNAME: &str = "VXNlcm5hbWU6";
const PASSWORD: &str = "UGFzc3dvcmQ6";

impl Awaits {
    /// What AUTH PLAIN and AUTH LOGIN begin with.
    pub(super) fn first(plain: bool) -> Said {
        if plain { Said::Goes(Self::Plain, NOTHING) } else { Said::Goes(Self::Name, USERNAME) }
    }

    /// The client has answered, or has said so already behind AUTH.
    pub(super) fn hear(&self, line: &str) -> Said {
        // An empty initial response is a single equals sign (RFC 4954, section 4).
        let encoded = if line == "=" { "" } else { line };
        let Some(text) = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok()) else {
            return Said::Malformed;
        };
        match self {
            Self::Plain => plain(&text).map_or(Said::Malformed, Said::Complete),
            Self::Name => Said::Goes(Self::Password { name: text }, PASSWORD),
            Self::Password { name } => Said::Complete(Login { name: name.clone(), password: text }),
        }
    }
}

/// "message = [authzid] UTF8NUL authcid UTF8NUL passwd" (RFC 4616, section 2). We act for nobody else.
fn plain(text: &str) -> Option<Login> {
    let mut parts = text.split('\0');
    let (for_whom, name, password) = (parts.next()?, parts.next()?, parts.next()?);
    let whole = parts.next().is_none() && !name.is_empty() && (for_whom.is_empty() || for_whom == name);
    whole.then(|| Login { name: name.into(), password: password.into() })
}

/// What a client says behind AUTH PLAIN.
fn plain_response(login: &Login) -> String {
    STANDARD.encode(format!("\0{}\0{}", login.name, login.password))
}

/// What a client answers to one question of AUTH LOGIN.
fn login_response(text: &str) -> String {
    STANDARD.encode(text)
}

impl Client {
    /// Logs in, if somebody is to be; with PLAIN where that is offered.
    pub(super) fn log_in(&mut self, cx: &mut Cx<'_>) {
        let Some(login) = self.options.login.clone() else { return self.ready(cx) };
        if self.offers.auth_plain {
            cx.talk("", true, b"AUTH PLAIN ***");
            self.secret(cx, Step::AuthPlain, &format!("AUTH PLAIN {}", plain_response(&login)));
        } else if self.offers.auth_login {
            self.command(cx, Step::AuthName, "AUTH LOGIN");
        } else {
            let text = "the server offers neither AUTH PLAIN nor AUTH LOGIN".to_owned();
            self.give_up("could not log in", Reply { code: 538, text }, cx);
        }
    }

    /// An answer on the way there.
    pub(super) fn auth(&mut self, step: Step, reply: Reply, cx: &mut Cx<'_>) {
        let Some(login) = self.options.login.clone() else { return };
        match (step, reply.code) {
            (Step::AuthName, 334) => {
                cx.talk("", true, b"*** (the name)");
                self.secret(cx, Step::AuthUser, &login_response(&login.name));
            }
            (Step::AuthUser, 334) => {
                cx.talk("", true, b"*** (the password)");
                self.secret(cx, Step::AuthPassword, &login_response(&login.password));
            }
            (Step::AuthPlain | Step::AuthPassword, 235) => {
                self.phase(cx, "auth");
                self.ready(cx);
            }
            _ => self.give_up("could not log in", reply, cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anna() -> Login {
        Login { name: "anna".into(), password: "se:cret".into() }
    }

    #[test]
    fn plain_says_all_at_once() {
        assert_eq!(Awaits::Plain.hear(&plain_response(&anna())), Said::Complete(anna()));
        for malformed in ["", "=", "*", "YQ==", "AGFubmE=", "eABhbm5hAHNl", "AGEAYgBj", "/w=="] {
            assert_eq!(Awaits::Plain.hear(malformed), Said::Malformed, "{malformed}");
        }
    }

    #[test]
    fn login_asks_twice() {
        assert_eq!(STANDARD.decode(USERNAME).unwrap(), b"Username:");
        assert_eq!(STANDARD.decode(PASSWORD).unwrap(), b"Password:");
        let Said::Goes(next, _) = Awaits::Name.hear(&login_response("anna")) else { panic!("a name is not all") };
        assert_eq!(next.hear(&login_response("se:cret")), Said::Complete(anna()));
    }
}
