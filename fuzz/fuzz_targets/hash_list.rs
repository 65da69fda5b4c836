// Fuzzes `engines::fuzzing::fuzz_hashlist`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| engines::fuzzing::fuzz_hashlist(data));
