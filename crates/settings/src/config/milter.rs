//! The milter's part of the configuration: where mail servers connect, and how a message is held.

use judge::units::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ListenerDirection;
use crate::values::{FileMode, SocketAddress};

/// Where a message waits that the policy wants held.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MilterHold {
    /// In Backup alone: the mail server is told to discard it.
    #[default]
    Backup,
    /// In the mail server's own quarantine (Postfix: the hold queue), and a copy in Backup. A mail
    /// server that has none discards it.
    Quarantine,
}

/// One milter listener.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MilterListener {
    /// The socket to listen on: `unix:/run/mailward/milter.sock` or `127.0.0.1:10027`. There is no
    /// password: whoever connects is believed what it says of senders.
    pub listen: SocketAddress,
    /// Who may connect to a unix socket, in octal.
    pub socket_mode: FileMode,
    /// The user that owns a unix socket, a name or a number. Empty: who runs Mailward.
    pub socket_user: String,
    /// The group that owns a unix socket, a name or a number: with the mode 660 whoever is in it may
    /// connect. Empty: as it comes.
    pub socket_group: String,
    /// Which way the mail goes (D-20).
    pub direction: ListenerDirection,
    /// Where a message waits that the policy wants held.
    pub hold: MilterHold,
    /// Whether recipients of one message who have different settings (`[[group]]` in the policy) are told apart:
    /// the mail server keeps the message for some of them, the others are taken from it and get theirs through
    /// the outbox, at most 100 recipients. Without it the strictest decision holds for all of them (D-11).
    pub split_recipients: bool,
    /// Most connections at once; further ones are answered with a temporary failure. A mail server
    /// keeps one for each of its sessions.
    pub max_connections: u32,
    /// How long a connection may be silent. The mail server decides how long a client may be.
    pub timeout: Time,
}

impl Default for MilterListener {
    fn default() -> Self {
        Self {
            listen: SocketAddress::Inet(([127, 0, 0, 1], 10027).into()),
            socket_mode: FileMode(0o660),
            socket_user: String::new(),
            socket_group: String::new(),
            direction: ListenerDirection::default(),
            hold: MilterHold::default(),
            split_recipients: false,
            max_connections: 200,
            timeout: Time(7_200_000),
        }
    }
}
