//! The one place where a run is changed while it goes on, between who presses keys, the workers and the report.
//!
//! May use: load's tuning, tokio's channels.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::bench::load::{
    Shape,
    tuning::{Refused, Tuned, Tuning},
};

/// Clones are the same controls.
#[derive(Debug, Clone)]
pub struct Controls(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tuning: Mutex<Tuning>,
    news: watch::Sender<Tuned>,
}

impl Controls {
    /// `hold`: connections are only kept.
    #[must_use]
    pub fn new(shape: Shape, hold: bool) -> Self {
        let tuning = Tuning::new(shape, hold);
        let news = watch::Sender::new(tuning.tuned().clone());
        Self(Arc::new(Inner { tuning: Mutex::new(tuning), news }))
    }

    fn tuning(&self) -> MutexGuard<'_, Tuning> {
        self.0.tuning.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a worker follows.
    #[must_use]
    pub fn news(&self) -> watch::Receiver<Tuned> {
        self.0.news.subscribe()
    }

    /// Changes something, and tells all workers.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub fn change<T>(&self, change: impl FnOnce(&mut Tuning) -> Result<T, Refused>) -> Result<T, Refused> {
        let mut tuning = self.tuning();
        let changed = change(&mut tuning)?;
        self.0.news.send_replace(tuning.tuned().clone());
        Ok(changed)
    }

    pub fn see<T>(&self, see: impl FnOnce(&Tuning) -> T) -> T {
        see(&self.tuning())
    }
}
