//! `telemetry`: where traces are sent.
//! Never ignores the key in a build without OpenTelemetry.

use login_common::names::IssuerUrl;
use login_review::config::{Faults, Field, Key};

use crate::telemetry::traces::TraceSettings;

/// The keys of the section.
pub(super) const KEYS: &[Key] = &[
    Key::of(
        "otlpEndpoint",
        "Where spans are sent with OTLP over HTTP (required): `https`, or `http` on this machine.",
    ),
    Key::of("sampling", "The share of reviews that are traced, from 0 to 1 (1)."),
];

pub(super) fn read(field: &Field<'_>, faults: &mut Faults) -> Option<TraceSettings> {
    if cfg!(not(feature = "otel")) {
        field.fault(
            faults,
            "this build has no OpenTelemetry; leave the key out, or build with `--features otel`",
        );
        return None;
    }
    let keys = field.keys(KEYS, faults)?;
    let endpoint = keys.required("otlpEndpoint", faults).and_then(|field| {
        let text = field.text(faults)?;
        // `https`, or `http` for loopback, as for an issuer.
        IssuerUrl::parse(text).map_err(|fault| field.fault(faults, fault.to_string())).ok()
    });
    let sampling = match keys.field("sampling") {
        None => 1.0,
        Some(field) => {
            let share = field.json(faults).as_f64().filter(|share| (0.0..=1.0).contains(share));
            if share.is_none() {
                field.fault(faults, "must be a number from 0 (no review) to 1 (every review)");
            }
            share?
        }
    };
    Some(TraceSettings { endpoint: endpoint?, sampling })
}

#[cfg(test)]
mod tests {
    use super::super::parse;

    fn read(telemetry: &str) -> Result<super::super::Document, Vec<String>> {
        let text = format!(
            "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\ntelemetry: {telemetry}\n"
        );
        parse(&text, "s").map_err(|found| found.iter().map(ToString::to_string).collect())
    }

    #[cfg(not(feature = "otel"))]
    #[test]
    fn a_build_without_opentelemetry_says_so() {
        let expected = "s:3: telemetry: this build has no OpenTelemetry; leave the key out, or build with `--features otel`";
        assert_eq!(read("{otlpEndpoint: \"https://c.example\"}").unwrap_err(), [expected]);
    }

    #[cfg(feature = "otel")]
    #[test]
    fn a_collector_of_traces_is_read_and_faults_of_it_are_named() {
        for (telemetry, sampling) in [
            ("{otlpEndpoint: \"https://c.example/v1/traces\"}", 1.0),
            ("{otlpEndpoint: \"http://127.0.0.1:4318/v1/traces\", sampling: 0.25}", 0.25),
            ("{otlpEndpoint: \"http://127.0.0.1:4318/v1/traces\", sampling: 0}", 0.0),
        ] {
            let traces = read(telemetry).unwrap().traces.unwrap();
            assert!((traces.sampling - sampling).abs() < f64::EPSILON, "{traces:?}");
        }
        let range = "telemetry.sampling: must be a number from 0 (no review) to 1 (every review)";
        for (telemetry, fault) in [
            ("{sampling: 1}", "telemetry.otlpEndpoint: is required"),
            (
                "{otlpEndpoint: \"http://c.example/\"}",
                "telemetry.otlpEndpoint: `http://c.example/` must begin with `https://`",
            ),
            ("{otlpEndpoint: \"https://a:b@c.example/\"}", "telemetry.otlpEndpoint: "),
            ("{otlpEndpoint: \"https://c.example\", sampling: 1.5}", range),
            ("{otlpEndpoint: \"https://c.example\", sampling: -0.1}", range),
            (
                "{otlpEndpoint: \"https://c.example\", sampling: .nan}",
                "JSON, as which Kubernetes reads this, has no such number",
            ),
            ("{otlpEndpoint: \"https://c.example\", sampling: \"1\"}", range),
            ("{otlpEndpoint: \"https://c.example\", colour: x}", "telemetry.colour: unknown key"),
        ] {
            let faults = read(telemetry).unwrap_err();
            assert_eq!(faults.len(), 1, "{faults:?}");
            assert!(faults[0].starts_with(&format!("s:3: {fault}")), "{faults:?}");
        }
    }
}
