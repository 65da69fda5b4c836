// Fuzzes `disarm::fuzzing::fuzz_disarm`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| disarm::fuzzing::fuzz_disarm(data));
