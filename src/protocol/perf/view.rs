//! What one end has counted in a measurement.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::session::fields;

/// How many numbers it has.
const NUMBERS: usize = 24;
/// Bytes of it in a frame.
pub(super) const BODY: usize = NUMBERS * 8;

macro_rules! view {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What one end has counted, from the moment at which counting began.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct View {
            $($(#[$doc])* pub $name: u64,)*
        }

        const NAMES: [&str; NUMBERS] = [$(stringify!($name)),*];

        impl View {
            fn numbers(&self) -> [u64; NUMBERS] {
                [$(self.$name),*]
            }

            fn of(numbers: [u64; NUMBERS]) -> Self {
                let [$($name),*] = numbers;
                Self { $($name),* }
            }
        }
    };
}

view! {
    received_bytes,
    /// Pieces of the size that was asked for, the last one perhaps smaller; over datagrams, datagrams.
    received_blocks,
    /// From the beginning to the sender's end.
    received_ns,
    sent_bytes,
    sent_blocks,
    sent_ns,
    /// CPU time of the whole end, and the time that this is of.
    cpu_ns,
    wall_ns,
    /// Of what it sent.
    retransmits,
    rtt_ns,
    cwnd_bytes,
    /// The highest number of a datagram that came, and one: with none lost, as many came.
    expected,
    duplicated,
    /// Datagrams that came after one with a higher number (RFC 4737, section 3).
    reordered,
    /// Of their way from end to end (RFC 3550, section 6.4.1).
    jitter_ns,
    /// Datagrams with a number too far from the others to be told apart.
    astray,
    /// Datagrams that are not what was sent.
    corrupt,
    /// Datagrams that came when all was said to be sent; they are counted.
    late,
    /// The most datagrams that came joined.
    joined,
    /// From the sender to the receiver by the clocks of both, which mean something where they are one: percentiles. 0: not kept.
    delay_p50_ns,
    delay_p90_ns,
    delay_p99_ns,
    delay_p999_ns,
    delay_max_ns,
}

impl View {
    pub(super) fn to_bytes(self) -> [u8; BODY] {
        let mut bytes = [0; BODY];
        for (at, number) in self.numbers().into_iter().enumerate() {
            bytes[at * 8..at * 8 + 8].copy_from_slice(&number.to_be_bytes());
        }
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8; BODY]) -> Self {
        let number = |at: usize| bytes[at * 8..at * 8 + 8].iter().fold(0, |number, byte| (number << 8) | u64::from(*byte));
        Self::of(std::array::from_fn(number))
    }

    /// For machines, by name.
    #[must_use]
    pub fn fields(&self) -> Map<String, Value> {
        fields(NAMES.into_iter().zip(self.numbers()).map(|(name, number)| (name, number.into())))
    }

    /// What [`Self::fields`] made.
    #[must_use]
    pub fn from_fields(fields: &Map<String, Value>) -> Self {
        Self::of(NAMES.map(|name| fields.get(name).and_then(Value::as_u64).unwrap_or_default()))
    }

    #[must_use]
    pub fn received_in(&self) -> Duration {
        Duration::from_nanos(self.received_ns)
    }

    #[must_use]
    pub fn sent_in(&self) -> Duration {
        Duration::from_nanos(self.sent_ns)
    }

    /// CPU time in percent of one core, where time has passed.
    #[must_use]
    pub fn cpu_percent(&self) -> Option<f64> {
        (self.wall_ns > 0).then(|| 100.0 * self.cpu_ns as f64 / self.wall_ns as f64)
    }
}

pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
