// Fuzzes `unpack::fuzzing::fuzz_document_part`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| unpack::fuzzing::fuzz_document_part(data));
