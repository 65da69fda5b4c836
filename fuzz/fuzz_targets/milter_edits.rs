// Fuzzes `wire::fuzzing::fuzz_milter_edits`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wire::fuzzing::fuzz_milter_edits(data));
