//! What servers answer, and how clients tell right from wrong.
