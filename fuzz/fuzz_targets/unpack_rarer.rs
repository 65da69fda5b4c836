// Fuzzes `unpack::fuzzing::fuzz_rarer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| unpack::fuzzing::fuzz_rarer(data));
