//! What each reply means for the task that waits for it, and what is said next.

use super::{
    Client,
    login::told,
    unexpected,
    work::{Step, Task},
};
use crate::{
    protocol::ftp::{
        address::decimal,
        reply::Reply,
        store::{Start, Store, There},
    },
    session::{Cx, FileError, Violation},
};

impl Client {
    /// Says a command, whose reply is awaited.
    pub(super) fn ask(&mut self, step: Step, line: &str, cx: &mut Cx<'_>) {
        if let Some(job) = &mut self.job {
            job.step = step;
        }
        Self::say(line, cx);
    }

    /// The path as it is said: from the root on, once we know where we began.
    pub(super) fn at(&self, path: &str) -> String {
        match &self.known.home {
            Some(home) if !path.starts_with('/') => format!("{}/{path}", home.trim_end_matches('/')),
            _ => path.into(),
        }
    }

    pub(super) fn path(&self) -> String {
        let path = self.job.as_ref().and_then(|job| job.task.as_ref()).map_or("", Task::path);
        self.at(path)
    }

    /// The first thing that this task says.
    pub(super) fn begin_task(&mut self, cx: &mut Cx<'_>) {
        let Some(task) = self.job.as_ref().and_then(|job| job.task.clone()) else { return };
        let listed = matches!(task, Task::List { .. } | Task::PutFolder { .. }) || !task.path().is_ascii();
        if listed && self.known.facts.is_none() {
            return self.ask(Step::Features, "FEAT", cx);
        }
        let facts = self.known.facts == Some(true);
        if self.known.home.is_none()
            && (matches!(task, Task::PutFolder { .. }) || matches!(task, Task::List { .. }) && !facts)
        {
            return self.ask(Step::Home, "PWD", cx);
        }
        let path = self.at(task.path());
        match task {
            Task::Look { .. } | Task::Get { size: None, .. } => match &self.known.size {
                Some((known, size)) if *known == path => self.sized(Some(*size), cx),
                _ => self.ask(Step::Size, &format!("SIZE {path}"), cx),
            },
            Task::Get { size, .. } => self.sized(size, cx),
            Task::List { .. } if facts => self.open_data(cx),
            Task::List { .. } => self.ask(Step::Enter, format!("CWD {path}").trim_end(), cx),
            Task::Put { .. } if self.wants.resume => self.ask(Step::Size, &format!("SIZE {path}"), cx),
            Task::Put { .. } => self.put_from(0, cx),
            Task::PutFolder { .. } if path.trim_end_matches('/').is_empty() => self.put_entries(cx),
            Task::PutFolder { .. } => self.ask(Step::MakeFolder, &format!("MKD {path}"), cx),
            Task::Remove { .. } => {
                let verb = if path.ends_with('/') { "RMD" } else { "DELE" };
                self.ask(Step::Remove, &format!("{verb} {}", path.trim_end_matches('/')), cx);
            }
        }
    }

    pub(super) fn replied(&mut self, reply: &Reply, cx: &mut Cx<'_>) -> Result<(), Violation> {
        let Some(job) = &self.job else { return Err(unexpected(reply)) };
        // What begins something is no answer, but to what transfers.
        if reply.class() == 1 && !matches!(job.step, Step::Transfer) {
            return Ok(());
        }
        let done = reply.class() == 2;
        match job.step {
            Step::Begin | Step::Connect | Step::Listen | Step::Commit => return Err(unexpected(reply)),
            Step::Features => self.features(reply, cx),
            Step::Utf8 => self.begin_task(cx),
            Step::Home => {
                let home = done.then(|| quoted_name(reply.text())).flatten();
                self.known.home = Some(home.unwrap_or_else(|| "/".into()));
                self.begin_task(cx);
            }
            Step::Size => self.size(reply, cx),
            Step::Facts => self.facts(reply, cx),
            Step::Modified => self.modified(reply, cx),
            Step::IsFolder => self.is_folder(done, cx),
            Step::Enter if done => self.open_data(cx),
            Step::Epsv | Step::Pasv => self.passive(reply, cx),
            Step::Eprt | Step::Port => self.announced(reply, cx),
            Step::Allocate | Step::Restart => self.prepared(reply, cx),
            Step::Transfer | Step::Running => self.transfer_replied(reply, cx),
            Step::MakeFolder if done => self.put_entries(cx),
            Step::MakeFolder => {
                self.doubt(reply);
                let path = self.path();
                self.ask(Step::IsFolder, &format!("CWD {path}"), cx);
            }
            Step::Remove if done => self.task_done(cx),
            Step::Enter | Step::Remove => self.refused(reply, cx),
        }
        Ok(())
    }

    /// The server won't.
    pub(super) fn refused(&mut self, reply: &Reply, cx: &mut Cx<'_>) {
        let path = self.path();
        let path = crate::values::show::escaped(path.as_bytes(), false);
        let path = if path.is_empty() { "the folder".into() } else { path };
        self.task_failed(format!("{path}: {}", told(reply)), cx);
    }

    pub(super) fn doubt(&mut self, reply: &Reply) {
        if let Some(job) = &mut self.job {
            job.doubt = Some(told(reply));
        }
    }

    fn features(&mut self, reply: &Reply, cx: &mut Cx<'_>) {
        let has = |name: &str| {
            let mut words = reply.lines.iter().filter_map(|line| line.split_whitespace().next());
            reply.class() == 2 && words.any(|word| word.eq_ignore_ascii_case(name))
        };
        self.known.facts = Some(has("MLST") || has("MLSD"));
        if has("UTF8") {
            // Some servers want it said (they had UTF-8 before it was usual).
            return self.ask(Step::Utf8, "OPTS UTF8 ON", cx);
        }
        self.begin_task(cx);
    }

    fn size(&mut self, reply: &Reply, cx: &mut Cx<'_>) {
        let path = self.path();
        let size = decimal(reply.text().trim()).filter(|_| reply.code == 213 && !reply.text().trim().is_empty());
        let Some(job) = &self.job else { return };
        if let Some(Task::Put { .. }) = &job.task {
            return self.put_after(size.unwrap_or(0), cx);
        }
        match size {
            Some(size) => {
                self.known.size = Some((path, size));
                self.sized(Some(size), cx);
            }
            None if matches!(&job.task, Some(Task::Look { .. })) && reply.code == 550 => {
                self.doubt(reply);
                match self.known.home {
                    // Then it begins once more, with a name that CWD can't change the meaning of.
                    None => self.ask(Step::Home, "PWD", cx),
                    Some(_) => self.ask(Step::IsFolder, &format!("CWD {path}"), cx),
                }
            }
            None => self.sized(None, cx),
        }
    }

    /// The answer to CWD.
    fn is_folder(&mut self, done: bool, cx: &mut Cx<'_>) {
        let Some(job) = &mut self.job else { return };
        match (&job.task, done) {
            (Some(Task::PutFolder { .. }), true) => self.put_entries(cx),
            (Some(Task::Look { path }), true) => match self.wants.folder_task(path.clone()) {
                Ok(task) => {
                    job.tasks.push(task);
                    self.next_task(cx);
                }
                Err(why) => self.task_failed(why, cx),
            },
            _ => self.still_refused(cx),
        }
    }

    /// It is nothing else either: what was said at first is told.
    pub(super) fn still_refused(&mut self, cx: &mut Cx<'_>) {
        let path = self.path();
        let doubt = self.job.as_mut().and_then(|job| job.doubt.take()).unwrap_or_default();
        self.task_failed(format!("{}: {doubt}", crate::values::show::escaped(path.as_bytes(), false)), cx);
    }

    /// It is a file, as far as can be known. What of it is there already?
    pub(super) fn sized(&mut self, size: Option<u64>, cx: &mut Cx<'_>) {
        let Some(job) = &mut self.job else { return };
        let into = match &job.task {
            Some(Task::Look { path }) => self.wants.kept(path),
            Some(Task::Get { into, .. }) => Ok(into.clone()),
            _ => Ok(None),
        };
        job.total = size;
        let resumes = self.wants.resume && job.changed != Some(true);
        if let Ok(Some((files, name))) = &into
            && resumes
            && job.changed.is_none()
            && There::look(&**files, name) != There::default()
        {
            return self.ask_modified(cx);
        }
        let begun = into.and_then(|into| {
            let Some((files, name)) = into else { return Ok(None) };
            let there = There::look(&*files, &name);
            if resumes && there.part.is_none() && there.whole.is_some() && there.whole == size {
                return Ok(Some(None));
            }
            let at = there.part.or(there.whole).filter(|at| resumes && size.is_none_or(|size| *at <= size));
            let start = at.map_or(Start::New, Start::At);
            let mut store = Store::begin(&*files, &name, start).map_err(|error| match error {
                FileError::Exists => "somebody else is writing it".into(),
                error => error.to_string(),
            })?;
            while store.copy().map_err(|error| error.to_string())? {}
            Ok(Some(Some(store)))
        });
        match begun {
            Ok(Some(None)) => self.task_done(cx),
            Ok(store) => {
                job.store = store.flatten();
                job.at = job.store.as_ref().map_or(0, Store::length);
                self.open_data(cx);
            }
            Err(why) => self.task_failed(format!("it can't be kept: {why}"), cx),
        }
    }
}

/// The name in `"/a ""b"" c" is where you are` (RFC 959, appendix II).
fn quoted_name(text: &str) -> Option<String> {
    let (_, rest) = text.split_once('"')?;
    let mut name = String::new();
    let mut letters = rest.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if letters.peek() == Some(&'"') => name.extend(letters.next()),
            '"' => return Some(name),
            letter => name.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::quoted_name;

    #[test]
    fn names_are_in_quotes() {
        assert_eq!(quoted_name(r#""/a ""b"" c" is it"#).as_deref(), Some(r#"/a "b" c"#));
        assert_eq!(quoted_name("\"/\""), Some("/".into()));
        assert_eq!(quoted_name("\"/never ends"), None);
        assert_eq!(quoted_name("none"), None);
    }
}
