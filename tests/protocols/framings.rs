//! Framings: limits at exactly the limit and one more, hostile lengths, round trips, and no second look at old bytes.
