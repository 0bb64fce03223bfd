//! Sessions, message by message.
