//! Rebuilding a file without its dangerous parts.
