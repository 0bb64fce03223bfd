//! What a message asks for, as tasks that are done one after the other.

use std::sync::Arc;

use super::{Client, Message};
use crate::{
    protocol::{
        Place, Setup,
        ftp::{ACTIVE, Account, CONTINUE, LIST, PUT, REMOVE, USER, names::Name, store::Store},
    },
    session::{Cx, FileReader, Files, Violation},
    values::{read::percent_decoded, show::quoted},
};

/// The longest path.
const LONGEST: usize = 4096;

/// What the user wants of each message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Get,
    Put,
    List,
    Remove,
}

#[derive(Debug)]
pub(super) struct Wants {
    op: Op,
    /// More than one was wanted.
    conflict: bool,
    /// Where no message names another.
    path: String,
    account: Option<Arc<Account>>,
    put: Option<Place>,
    output: Option<Place>,
    pub(super) resume: bool,
    pub(super) active: bool,
}

impl Wants {
    pub(super) fn new(setup: &Setup) -> Self {
        let params = &setup.params;
        let put = params.place(PUT).cloned();
        let ops = [(put.is_some(), Op::Put), (params.switch(LIST), Op::List), (params.switch(REMOVE), Op::Remove)];
        let mut wanted = ops.into_iter().filter(|(wanted, _)| *wanted).map(|(_, op)| op);
        let op = wanted.next();
        // "/" divides the host from a path that begins where the login ends (RFC 1738, section 3.2.2).
        let path = setup.goal.path.strip_prefix('/').unwrap_or(&setup.goal.path);
        Self {
            conflict: wanted.next().is_some() || setup.output.is_some() && op.is_some(),
            op: op.unwrap_or(Op::Get),
            path: percent_decoded(path),
            account: params.all_made::<Account>(USER).pop(),
            put,
            output: setup.output.clone(),
            resume: params.switch(CONTINUE),
            active: params.switch(ACTIVE),
        }
    }

    /// User and password.
    pub(super) fn login(&self) -> (&str, &str) {
        self.account.as_ref().map_or(("anonymous", "netproto@"), |account| (&account.name, &account.password))
    }

    /// The path that a message is about.
    ///
    /// # Errors
    /// It can't be said, or makes no sense with what else is wanted.
    pub(super) fn path(&self, body: &[u8]) -> Result<String, Violation> {
        let bad = |what: String| Violation::new("not_a_path", what);
        if self.conflict {
            return Err(bad("only one of -o, --put, --list and --remove can be done".into()));
        }
        let path = if body.is_empty() { self.path.as_bytes() } else { body };
        let path = std::str::from_utf8(path).map_err(|_| bad(format!("{} is not UTF-8", quoted(path, 80))))?;
        // A line end would begin another command.
        if path.contains(['\r', '\n', '\0']) || path.len() > LONGEST {
            return Err(bad(format!("{} is no path", quoted(path.as_bytes(), 80))));
        }
        if self.op == Op::Remove && path.trim_matches('/').is_empty() {
            return Err(bad("--remove needs a path".into()));
        }
        if self.resume && self.op == Op::Get && self.output.is_none() {
            return Err(bad("--continue needs -o: what there is already is there".into()));
        }
        Ok(path.into())
    }

    /// What is to be done about this path.
    pub(super) fn tasks(&self, path: &str) -> Result<Task, String> {
        let path = path.to_owned();
        let is_folder = path.is_empty() || path.ends_with('/');
        Ok(match self.op {
            Op::List => Task::List { path, into: None },
            Op::Remove => Task::Remove { path },
            Op::Put => return self.put_task(path),
            Op::Get if !is_folder => Task::Look { path },
            Op::Get => return self.folder_task(path),
        })
    }

    fn put_task(&self, path: String) -> Result<Task, String> {
        let Some(Place { files, name }) = &self.put else { return Err("there is nothing to send".into()) };
        if name.as_os_str() == "." {
            let path = path.trim_end_matches('/').to_owned();
            return Ok(Task::PutFolder { files: files.clone(), name: Name::default(), path });
        }
        let name = Name::of_path(name).ok_or("its name is not UTF-8")?;
        let path = if path.is_empty() || path.ends_with('/') { format!("{path}{}", name.last()) } else { path };
        Ok(Task::Put { files: files.clone(), name, path })
    }

    /// A folder is fetched where there is a place for it, and listed otherwise.
    pub(super) fn folder_task(&self, path: String) -> Result<Task, String> {
        let Some(Place { files, name }) = &self.output else { return Ok(Task::List { path, into: None }) };
        let name = Name::of_path(name).ok_or("the folder's name is not UTF-8")?;
        let made = name.is_root() || files.stat(name.path()).is_ok() || files.make_folder(name.path()).is_ok();
        if !made {
            return Err(format!("the folder {} can't be made", quoted(name.last().as_bytes(), 80)));
        }
        Ok(Task::List { path, into: Some((files.clone(), name)) })
    }

    /// Where the file of this path is kept; `None`: it is shown.
    pub(super) fn kept(&self, path: &str) -> Result<Option<Target>, String> {
        let Some(Place { files, name }) = &self.output else { return Ok(None) };
        let mut name = Name::of_path(name).ok_or("the file's name is not UTF-8")?;
        if name.is_root() {
            let last = path.rsplit('/').next().filter(|last| crate::protocol::ftp::names::is_plain(last));
            name = name.entry(last.ok_or("the path has no name that a file can have")?);
        }
        Ok(Some((files.clone(), name)))
    }
}

/// A name in a root of ours.
pub(super) type Target = (Arc<dyn Files>, Name);

/// One thing to do.
#[derive(Debug, Clone)]
pub(super) enum Task {
    /// Is it a file or a folder? And then it is fetched.
    Look {
        path: String,
    },
    Get {
        path: String,
        size: Option<u64>,
        into: Option<Target>,
    },
    /// Shown, or fetched with all that is in it.
    List {
        path: String,
        into: Option<Target>,
    },
    Put {
        files: Arc<dyn Files>,
        name: Name,
        path: String,
    },
    PutFolder {
        files: Arc<dyn Files>,
        name: Name,
        path: String,
    },
    Remove {
        path: String,
    },
}

impl Task {
    pub(super) fn path(&self) -> &str {
        match self {
            Self::Look { path }
            | Self::Get { path, .. }
            | Self::List { path, .. }
            | Self::Put { path, .. }
            | Self::PutFolder { path, .. }
            | Self::Remove { path } => path,
        }
    }
}

/// Which reply, or what else, the task waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Begin,
    Features,
    Utf8,
    Home,
    Size,
    /// MLST: what is to be listed may be a file.
    Facts,
    /// MDTM: has it changed since?
    Modified,
    /// CWD: is it a folder?
    IsFolder,
    /// CWD: a listing of where we are is one that every server understands.
    Enter,
    Epsv,
    Pasv,
    /// The data connection.
    Connect,
    /// A port for the server to connect to.
    Listen,
    Eprt,
    Port,
    Allocate,
    Restart,
    /// The first reply to what transfers.
    Transfer,
    /// It runs: the last reply, and the end of the data.
    Running,
    Commit,
    MakeFolder,
    Remove,
}

/// What one message comes to.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) message: Message,
    /// What is to be done, the next at the end.
    pub(super) tasks: Vec<Task>,
    pub(super) task: Option<Task>,
    pub(super) step: Step,
    /// Where this transfer begins.
    pub(super) at: u64,
    pub(super) total: Option<u64>,
    /// Since it was interrupted, what is gone on with has changed. `None`: that was not asked.
    pub(super) changed: Option<bool>,
    pub(super) store: Option<Store>,
    /// That is sent: held open, so that all pieces are of one file whatever happens to its name.
    pub(super) file: Option<Arc<dyn FileReader>>,
    /// A listing as it comes.
    pub(super) text: Vec<u8>,
    /// Why SIZE or MKD did not work, should it be no folder either.
    pub(super) doubt: Option<String>,
    done: u64,
    failed: u64,
    first_failure: Option<String>,
}

impl Job {
    pub(super) fn new(message: Message, begun: Result<Task, String>) -> Self {
        let (tasks, first_failure) = match begun {
            Ok(task) => (vec![task], None),
            Err(why) => (Vec::new(), Some(why)),
        };
        Self {
            message,
            tasks,
            task: None,
            step: Step::Begin,
            at: 0,
            total: None,
            changed: None,
            store: None,
            file: None,
            text: Vec::new(),
            doubt: None,
            done: 0,
            failed: u64::from(first_failure.is_some()),
            first_failure,
        }
    }

    /// What is to be told of it; `None`: all went well.
    pub(super) fn failure(&self) -> Option<String> {
        let first = self.first_failure.as_ref()?;
        Some(match self.failed + self.done {
            1 => first.clone(),
            all => format!("{} of {all} steps failed; the first: {first}", self.failed),
        })
    }

    /// A name that can't be taken: counted, and gone past.
    pub(super) fn miss(&mut self, why: String) {
        self.failed += 1;
        self.first_failure.get_or_insert(why);
    }
}

impl Client {
    /// Takes the next task, or ends the job.
    pub(super) fn next_task(&mut self, cx: &mut Cx<'_>) {
        let Some(job) = &mut self.job else { return };
        job.task = job.tasks.pop();
        (job.step, job.at, job.total, job.doubt, job.changed) = (Step::Begin, 0, None, None, None);
        (job.store, job.file) = (None, None);
        job.text.clear();
        match &job.task {
            None => self.finish_job(cx),
            Some(_) => self.begin_task(cx),
        }
    }

    pub(super) fn task_done(&mut self, cx: &mut Cx<'_>) {
        if let Some(job) = &mut self.job {
            job.done += 1;
        }
        self.next_task(cx);
    }

    pub(super) fn task_failed(&mut self, why: String, cx: &mut Cx<'_>) {
        self.data.give_up(cx);
        if let Some(job) = &mut self.job {
            if let Some(store) = job.store.take() {
                store.keep();
            }
            job.miss(why);
        }
        self.next_task(cx);
    }

    /// The conversation ends: what came of a file stays, to be gone on with.
    pub(super) fn give_up(&mut self) {
        if let Some(store) = self.job.as_mut().and_then(|job| job.store.take()) {
            store.keep();
        }
    }
}
