//! Which answers are right: by their status, and by their body.
//!
//! May use: `session`, `protocol`'s parameters, `bytes`.

use bytes::Bytes;

use super::{client::Reading, params, status};
use crate::{
    protocol::Setup,
    session::{Mismatch, Verdict},
};

/// Which answers are right.
#[derive(Debug)]
pub(super) struct Right {
    status: Option<u16>,
    body: Option<Bytes>,
}

impl Right {
    pub(super) fn new(setup: &Setup) -> Self {
        let status = setup.params.made::<u16>(params::STATUS).map(|status| *status);
        let body = setup.params.contents(params::BODY_IS).last().map(|contents| contents.bytes.clone());
        Self { status, body }
    }

    /// Where `bytes`, `at` so far into the body, are not those of the right one.
    pub(super) fn differs(&self, at: u64, bytes: &[u8]) -> Option<u64> {
        let body = self.body.as_ref()?;
        let rest = body.get(usize::try_from(at).unwrap_or(usize::MAX)..).unwrap_or_default();
        if rest.starts_with(bytes) {
            return None;
        }
        Some(at + rest.iter().zip(bytes).take_while(|(a, b)| a == b).count() as u64)
    }

    pub(super) fn verdict(&self, reading: &Reading, head_only: bool) -> Verdict {
        let right = self.status.map_or(reading.status < 400, |status| status == reading.status);
        let short = self.body.as_ref().filter(|body| !head_only && reading.length < body.len() as u64);
        if right && reading.lost.is_none() && reading.differs.is_none() && short.is_none() {
            return Verdict::Right;
        }
        let got = reading.told();
        if let Some(why) = &reading.lost {
            return wrong("a redirect that can be followed", &got, format!("{got}: {why}"), status::kind(reading.status));
        }
        if !right {
            let (wanted, sentence) = match self.status {
                Some(status) => (status.to_string(), format!("{got}, and not {status} {}", status::phrase(status))),
                None => ("a status below 400".to_owned(), got.clone()),
            };
            return wrong(&wanted, &got, sentence, status::kind(reading.status));
        }
        match (reading.differs, short) {
            (Some(at), _) => {
                let sentence = format!("{got}, but the body differs from the right one at byte {at}");
                wrong("the right body", &got, sentence, "body_differs")
            }
            (None, Some(body)) => {
                let sentence = format!("{got}, but the body has {} bytes in place of {}", reading.length, body.len());
                wrong("the right body", &got, sentence, "body_differs")
            }
            (None, None) => Verdict::Right,
        }
    }
}

fn wrong(wanted: &str, got: &str, sentence: String, name: &'static str) -> Verdict {
    let mismatch = Mismatch::between(wanted.as_bytes(), got.as_bytes());
    Verdict::Wrong(Box::new(mismatch.because(sentence, None).named(name)))
}
