//! One message's examination: walk, unpack, run every engine, report.
