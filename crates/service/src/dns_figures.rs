//! The resolver's figures, read when they are asked for.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use net::dns::Figures;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// The figures of the resolver, whichever is in force.
#[derive(Debug)]
pub(crate) struct DnsFigures(pub(crate) Arc<Figures>);

impl Collector for DnsFigures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let figures = &self.0;
        let all: [(&str, &str, &AtomicU64); 7] = [
            ("dns_questions", "Questions to the resolver", &figures.questions),
            ("dns_cache_hits", "Questions that the cache answered", &figures.hits),
            ("dns_sent", "Questions sent to DNS servers", &figures.sent),
            ("dns_timeouts", "Questions that no DNS server answered in time", &figures.timeouts),
            ("dns_failures", "Questions that DNS servers refused or failed to answer", &figures.failures),
            ("dns_rests", "Times that a DNS server did not answer and was left alone for a while", &figures.rests),
            ("dns_odd_packets", "Packets of DNS servers that did not answer what was asked", &figures.odd),
        ];
        for (name, help, value) in all {
            let counter = ConstCounter::new(value.load(Ordering::Relaxed));
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
        }
        let resting = ConstGauge::new(i64::try_from(figures.resting.load(Ordering::Relaxed)).unwrap_or(i64::MAX));
        let help = "DNS servers that do not answer and are asked last";
        resting.encode(encoder.encode_descriptor("dns_servers_resting", help, None, resting.metric_type())?)
    }
}
