//! Backup, message log, policy revisions and node state in one data directory.
