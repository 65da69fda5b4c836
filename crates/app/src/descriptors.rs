//! Open files: a connection of a client takes one, its next hop another, a large message in work a third. The usual
//! limit of a process is 1,024, and what a service manager or a shell allows at most is far higher.

use rustix::process::{Resource, getrlimit, setrlimit};
use settings::Config;

/// Files beside those of connections: databases, logs, workers, control.
const BESIDE: u64 = 256;
/// What one connection of a client may take: itself, its next hop, a spooled message.
const PER_CONNECTION: u64 = 3;

/// How many open files this configuration may need.
fn wanted(config: &Config) -> u64 {
    let milter: u64 = config.milter.iter().map(|milter| u64::from(milter.max_connections)).sum();
    let clients = u64::from(config.limits.connections).saturating_add(milter);
    let ours = u64::from(config.outbox.connections).saturating_add(u64::from(config.clamd.connections));
    clients.saturating_mul(PER_CONNECTION).saturating_add(ours.saturating_mul(2)).saturating_add(BESIDE)
}

/// Raises this process' limit of open files to what the configuration may need. Gives a warning where the system
/// allows less: connections beyond it have to wait then.
pub fn allow(config: &Config) -> Option<String> {
    let wanted = wanted(config);
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return None;
    }
    let raised = limit.maximum.map_or(wanted, |most| most.min(wanted));
    limit.current = Some(raised);
    let set = setrlimit(Resource::Nofile, limit);
    let now = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    (set.is_err() || now < wanted).then(|| {
        format!(
            "limits.connections: the configured connections may need {wanted} open files, and this process may have \
             {now}: raise the limit (LimitNOFILE, ulimit -n), or some have to wait"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_connection_has_room_for_its_next_hop_and_a_file() {
        let mut config = Config::default();
        config.limits.connections = 1_000;
        assert!(wanted(&config) >= 3_256);
        let one = wanted(&config);
        config.limits.connections = 1_001;
        assert_eq!(wanted(&config) - one, 3);
    }
}
