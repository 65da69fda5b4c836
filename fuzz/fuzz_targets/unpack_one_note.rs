// Fuzzes `unpack::fuzzing::fuzz_one_note`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| unpack::fuzzing::fuzz_one_note(data));
