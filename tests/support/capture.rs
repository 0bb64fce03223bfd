//! What a process says, kept as it comes, and waiting for a part of it.

use std::{
    io::Read,
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use super::net::uninterrupted;

#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    ended: bool,
}

/// One output of a process: drained by a thread, so that the process never waits for us.
#[derive(Clone)]
pub struct Capture(Arc<(Mutex<Kept>, Condvar)>);

impl Capture {
    pub fn drain(mut source: impl Read + Send + 'static) -> Self {
        let capture = Self(Arc::default());
        let kept = capture.clone();
        thread::spawn(move || {
            let mut piece = vec![0; 64 * 1024];
            loop {
                let n = uninterrupted(|| source.read(&mut piece)).unwrap_or(0);
                let mut state = kept.0.0.lock().unwrap();
                state.bytes.extend_from_slice(&piece[..n]);
                state.ended = n == 0;
                kept.0.1.notify_all();
                if n == 0 {
                    return;
                }
            }
        });
        capture
    }

    /// Of an output that goes elsewhere.
    pub fn none() -> Self {
        Self::drain(std::io::empty())
    }

    /// What `find` finds in the output so far or to come; nothing when it ends or `within` passes first.
    pub fn wait_for<T>(&self, within: Duration, mut find: impl FnMut(&[u8]) -> Option<T>) -> Option<T> {
        let until = Instant::now() + within;
        let mut state = self.0.0.lock().unwrap();
        loop {
            if let Some(found) = find(&state.bytes) {
                return Some(found);
            }
            let left = until.saturating_duration_since(Instant::now());
            if state.ended || left.is_zero() {
                return None;
            }
            state = self.0.1.wait_timeout(state, left).unwrap().0;
        }
    }

    /// The first whole line that holds `part`.
    pub fn line(&self, within: Duration, part: &str) -> Option<String> {
        self.wait_for(within, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let whole = text.rfind('\n')?;
            text[..whole].lines().find(|line| line.contains(part)).map(str::to_owned)
        })
    }

    /// Waits for the end of the output, and gives all of it.
    pub fn all(&self, within: Duration) -> Vec<u8> {
        let until = Instant::now() + within;
        let mut state = self.0.0.lock().unwrap();
        while !state.ended {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.0.1.wait_timeout(state, left).unwrap().0;
        }
        state.bytes.clone()
    }

    /// What has come so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.0.lock().unwrap().bytes).into_owned()
    }
}
