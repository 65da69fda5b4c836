//! Mail protocols as machines without I/O: bytes in, steps out.
