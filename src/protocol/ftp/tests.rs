//! Both ends in memory.
