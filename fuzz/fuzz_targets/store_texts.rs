// Fuzzes `store::fuzzing::fuzz_texts`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| store::fuzzing::fuzz_texts(data));
