// Fuzzes `unpack::fuzzing::fuzz_embedded`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| unpack::fuzzing::fuzz_embedded(data));
