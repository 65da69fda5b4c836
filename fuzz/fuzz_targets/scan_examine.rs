// Fuzzes `scan::fuzzing::fuzz_examine`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| scan::fuzzing::fuzz_examine(data));
