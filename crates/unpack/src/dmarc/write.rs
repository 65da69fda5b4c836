//! Writing a report (RFC 9990 section 3 and its schema).

use std::fmt::Write as _;

use super::{Aggregate, AuthSeen, Record};

/// The namespace of RFC 9990.
const NAMESPACE: &str = "urn:ietf:params:xml:ns:dmarc-2.0";

/// A text between tags: markup is escaped, what XML cannot hold is a question mark.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => out.push('?'),
            letter => out.push(letter),
        }
    }
    out
}

fn element(out: &mut String, name: &str, value: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "<{name}>{}</{name}>", escaped(value));
}

fn seen(out: &mut String, method: &str, detail: &str, seen: &AuthSeen) {
    let _ = writeln!(out, "<{method}>");
    element(out, "domain", &seen.domain);
    // Of a signature there is always a selector; what SPF looked at may be unknown.
    if !seen.detail.is_empty() || method == "dkim" {
        element(out, detail, &seen.detail);
    }
    element(out, "result", &seen.result);
    let _ = writeln!(out, "</{method}>");
}

fn record(out: &mut String, record: &Record) {
    out.push_str("<record>\n<row>\n");
    element(out, "source_ip", &record.source);
    element(out, "count", &record.count.to_string());
    out.push_str("<policy_evaluated>\n");
    element(out, "disposition", &record.disposition);
    element(out, "dkim", &record.dkim);
    element(out, "spf", &record.spf);
    for reason in &record.reasons {
        out.push_str("<reason>\n");
        element(out, "type", reason);
        out.push_str("</reason>\n");
    }
    out.push_str("</policy_evaluated>\n</row>\n<identifiers>\n");
    element(out, "header_from", &record.header_from);
    // Empty for the null sender.
    element(out, "envelope_from", &record.envelope_from);
    out.push_str("</identifiers>\n<auth_results>\n");
    for signature in &record.dkim_seen {
        seen(out, "dkim", "selector", signature);
    }
    for spf in &record.spf_seen {
        seen(out, "spf", "scope", spf);
    }
    out.push_str("</auth_results>\n</record>\n");
}

/// The report as an XML document.
pub fn to_xml(report: &Aggregate) -> String {
    let mut out = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feedback xmlns=\"{NAMESPACE}\">\n");
    out.push_str("<version>1.0</version>\n<report_metadata>\n");
    element(&mut out, "org_name", &report.org);
    element(&mut out, "email", &report.email);
    element(&mut out, "report_id", &report.id);
    out.push_str("<date_range>\n");
    element(&mut out, "begin", &report.begin.to_string());
    element(&mut out, "end", &report.end.to_string());
    out.push_str("</date_range>\n</report_metadata>\n<policy_published>\n");
    element(&mut out, "domain", &report.domain);
    for (name, value) in &report.policy {
        // The names are ours; whoever read them from elsewhere gets no markup in.
        if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') && !name.is_empty() {
            element(&mut out, name, value);
        }
    }
    out.push_str("</policy_published>\n");
    for one in &report.records {
        record(&mut out, one);
    }
    out.push_str("</feedback>\n");
    out
}
