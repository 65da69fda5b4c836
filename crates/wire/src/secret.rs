//! Values that must never reach a log: lines of an authentication exchange.

/// Bytes that may be sent on but not shown: no `Debug`, no `Display`, no `Clone`.
pub struct Secret(Vec<u8>);

impl Secret {
    /// Wraps bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Secret(bytes)
    }

    /// The bytes, for the one place that writes them to the wire.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Secret {
    /// Overwrites the bytes. Best effort: copies made earlier by buffers are not reached.
    fn drop(&mut self) {
        self.0.fill(0);
        std::hint::black_box(&self.0);
    }
}
