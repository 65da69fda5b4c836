//! The numbers as a table for people and as JSON for programs.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

/// One measurement.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) path: &'static str,
    pub(crate) sessions: usize,
    pub(crate) size: &'static str,
    pub(crate) messages: usize,
    /// Messages a second at full speed.
    pub(crate) rate: f64,
    /// Own CPU time for one message; none for the direct way.
    pub(crate) cpu: Option<Duration>,
    /// The same less that of the splice, in milliseconds; may be below zero by noise.
    pub(crate) above_splice: Option<f64>,
    /// Latency at half of that speed.
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    /// Most memory of all processes together, in KiB.
    pub(crate) peak_pss: Option<u64>,
    /// Most memory of the main process, in KiB.
    pub(crate) peak_main: Option<u64>,
}

/// Fills in what each row costs above the splice of the same size and sessions.
pub(crate) fn add_overhead(rows: &mut [Row]) {
    let splices: Vec<Row> = rows.iter().filter(|r| r.path == "splice").cloned().collect();
    for row in rows.iter_mut().filter(|r| r.path != "splice") {
        let splice = splices.iter().find(|s| s.size == row.size && s.sessions == row.sessions);
        let both = row.cpu.zip(splice.and_then(|s| s.cpu));
        row.above_splice = both.map(|(own, splice)| millis(own) - millis(splice));
    }
}

/// Name of a path, and how long it took from start to banner.
type Start = (&'static str, Duration);

/// The table for people.
pub(crate) fn markdown(rows: &[Row], starts: &[Start]) -> String {
    let mut out = String::from(
        "| path | sessions | size | messages/s | CPU ms/message | above splice | p50 ms | p99 ms | peak MiB, all | peak MiB, main |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for row in rows {
        let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| format!("{v:.2}"));
        let mib =
            |kib: Option<u64>| kib.map_or_else(|| "-".to_owned(), |k| format!("{}.{}", k / 1024, k % 1024 * 10 / 1024));
        let _ = writeln!(
            out,
            "| {} | {} | {} | {:.1} | {} | {} | {:.2} | {:.2} | {} | {} |",
            row.path,
            row.sessions,
            row.size,
            row.rate,
            number(row.cpu.map(millis)),
            number(row.above_splice),
            millis(row.p50),
            millis(row.p99),
            mib(row.peak_pss),
            mib(row.peak_main),
        );
    }
    for (path, time) in starts {
        let _ = write!(out, "\nStart to ready, {path}: {:.0} ms", millis(*time));
    }
    out
}

/// The same for programs.
pub(crate) fn json(rows: &[Row], starts: &[Start]) -> String {
    let row = |r: &Row| {
        json!({
            "path": r.path, "sessions": r.sessions, "size": r.size, "messages": r.messages,
            "messages_per_second": r.rate, "cpu_ms_per_message": r.cpu.map(millis),
            "cpu_ms_above_splice": r.above_splice, "p50_ms": millis(r.p50), "p99_ms": millis(r.p99),
            "peak_pss_kib": r.peak_pss, "peak_main_kib": r.peak_main,
        })
    };
    let rows: Vec<Value> = rows.iter().map(row).collect();
    let starts: Vec<Value> = starts.iter().map(|(p, t)| json!({ "path": p, "ready_ms": millis(*t) })).collect();
    json!({ "rows": rows, "starts": starts }).to_string()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(path: &'static str, cpu: Option<u64>) -> Row {
        Row {
            path,
            sessions: 1,
            size: "4 KB",
            messages: 10,
            rate: 12.5,
            cpu: cpu.map(Duration::from_millis),
            above_splice: None,
            p50: Duration::from_millis(1),
            p99: Duration::from_millis(2),
            peak_pss: Some(2048),
            peak_main: None,
        }
    }

    #[test]
    fn the_cost_is_counted_above_that_of_the_splice() {
        let mut rows = [row("direct", None), row("splice", Some(2)), row("default", Some(5))];
        add_overhead(&mut rows);
        assert_eq!(rows.each_ref().map(|r| r.above_splice), [None, None, Some(3.0)]);
        let table = markdown(&rows, &[("default", Duration::from_millis(40))]);
        assert!(table.contains("| default | 1 | 4 KB | 12.5 | 5.00 | 3.00 | 1.00 | 2.00 | 2.0 | - |"), "{table}");
        assert!(table.ends_with("Start to ready, default: 40 ms"));
        let read: Value = serde_json::from_str(&json(&rows, &[])).expect("JSON");
        assert_eq!(read["rows"][2]["cpu_ms_above_splice"], 3.0);
    }
}
