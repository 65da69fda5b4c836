//! The HTTP endpoints and the control socket.
