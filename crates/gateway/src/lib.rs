//! One pump a protocol: socket, machine, service.
