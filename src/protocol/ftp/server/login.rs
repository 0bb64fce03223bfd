//! USER and PASS. A wrong login is answered late, and not often.

use std::time::Duration;

use super::{DELAY, Server, say};
use crate::session::Cx;

/// After so many wrong logins the connection is closed.
const MOST_WRONG: u32 = 3;
/// How long the answer to a wrong login takes.
const WRONG_TAKES: Duration = Duration::from_secs(1);

/// Who the client says it is.
#[derive(Debug, Default)]
pub(super) struct Login {
    who: Who,
    wrong: u32,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Who {
    #[default]
    Nobody,
    /// USER came, PASS did not.
    Named(String),
    /// The password was wrong, and the answer waits.
    Delayed,
    In(String),
}

impl Login {
    pub(super) fn is_delayed(&self) -> bool {
        self.who == Who::Delayed
    }

    /// The user's name.
    pub(super) fn user(&self) -> Option<&str> {
        match &self.who {
            Who::In(name) => Some(name),
            _ => None,
        }
    }
}

impl Server {
    pub(super) fn user(&mut self, name: &str, cx: &mut Cx<'_>) {
        self.login.who = Who::Named(name.into());
        if self.chosen.accounts.is_empty() && is_anonymous(name) {
            return say(cx, 331, "any password will do");
        }
        // The same whether there is such a user or not.
        say(cx, 331, "the password, please");
    }

    pub(super) fn password(&mut self, password: &str, cx: &mut Cx<'_>) {
        let Who::Named(name) = &self.login.who else { return say(cx, 503, "USER comes first") };
        let accounts = &self.chosen.accounts;
        let right = if accounts.is_empty() {
            is_anonymous(name)
        } else {
            // All are looked at, however early one fits: how long it takes tells nothing.
            accounts.iter().fold(false, |right, account| right | account.is(name, password))
        };
        if right {
            self.login = Login { who: Who::In(name.clone()), wrong: 0 };
            return say(cx, 230, if self.chosen.write { "welcome" } else { "welcome; this server is read-only" });
        }
        self.login.who = Who::Delayed;
        cx.wake(DELAY, WRONG_TAKES);
    }

    /// The answer to a wrong login, now that it has waited.
    pub(super) fn login_refused(&mut self, cx: &mut Cx<'_>) {
        self.login.who = Who::Nobody;
        self.login.wrong += 1;
        if self.login.wrong < MOST_WRONG {
            return say(cx, 530, "wrong user or password");
        }
        say(cx, 421, "too many wrong logins, closing");
        self.bye(cx);
    }
}

fn is_anonymous(name: &str) -> bool {
    name.eq_ignore_ascii_case("anonymous") || name.eq_ignore_ascii_case("ftp")
}
