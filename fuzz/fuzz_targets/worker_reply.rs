// Fuzzes `confine::fuzzing::fuzz_reply`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| confine::fuzzing::fuzz_reply(data));
