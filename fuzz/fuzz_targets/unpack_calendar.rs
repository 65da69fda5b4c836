// Fuzzes `unpack::fuzzing::fuzz_calendar`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| unpack::fuzzing::fuzz_calendar(data));
