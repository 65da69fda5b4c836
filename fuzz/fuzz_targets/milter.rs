// Fuzzes `wire::fuzzing::fuzz_milter`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wire::fuzzing::fuzz_milter(data));
