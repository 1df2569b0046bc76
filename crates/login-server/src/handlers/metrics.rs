//! `/metrics` on the health listener, for Prometheus.
//! Never served on the main listener.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::response::{Reply, text};
use crate::{
    admin::Admin,
    telemetry::metrics::{Format, render},
};

/// Every metric, in the one of the two formats that the scraper prefers.
pub fn metrics(admin: &Arc<Admin>, headers: &HeaderMap) -> Reply {
    let format = preferred(headers);
    let content_type = match format {
        Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        Format::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
    };
    let Ok(metrics) = render(admin, format) else {
        return text(StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be written down\n");
    };
    let mut reply = text(StatusCode::OK, metrics);
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

/// OpenMetrics if `Accept` names it, as from Prometheus; otherwise, as for `curl`, the older
/// format.
fn preferred(headers: &HeaderMap) -> Format {
    let names_it = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let is_named = parts
                .next()
                .is_some_and(|name| name.eq_ignore_ascii_case("application/openmetrics-text"));
            // RFC 9110 §12.4.2: a weight of nothing means "not acceptable".
            is_named && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
        });
    if names_it { Format::OpenMetrics } else { Format::Prometheus }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_names_open_metrics_gets_it() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,\
                          text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
        for (accept, expected) in [
            (Some(prometheus), Format::OpenMetrics),
            (Some("application/openmetrics-text"), Format::OpenMetrics),
            (Some("application/openmetrics-text;q=0, */*"), Format::Prometheus),
            (Some("text/plain"), Format::Prometheus),
            (Some("*/*"), Format::Prometheus),
            (None, Format::Prometheus),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
            }
            assert_eq!(preferred(&headers), expected, "{accept:?}");
        }
    }
}
