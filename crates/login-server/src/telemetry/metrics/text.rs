//! Writes metrics as text: OpenMetrics 1.0, or the older format of Prometheus 0.0.4.
//! Which metrics are written is decided in `scrape`.

use std::fmt::{self, Write as _};

use prometheus_client::{
    encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet},
    metrics::MetricType,
};

use super::{families::Family, histogram::Histogram};

/// A label and its value.
pub(super) type Label<'l> = (&'static str, &'l str);

/// The value of a sample.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    /// Counts and sizes.
    Whole(u64),
    /// Seconds, and values that may be negative.
    Real(f64),
}

impl Number {
    fn tell(self, family: &Family, encoder: &mut MetricEncoder<'_>) -> fmt::Result {
        match (family.kind, self) {
            (MetricType::Counter, Self::Whole(count)) => {
                encoder.encode_counter::<NoLabelSet, _, u64>(&count, None)
            }
            (MetricType::Counter, Self::Real(count)) => {
                encoder.encode_counter::<NoLabelSet, _, u64>(&count, None)
            }
            (_, Self::Whole(value)) => encoder.encode_gauge(&value),
            (_, Self::Real(value)) => encoder.encode_gauge(&value),
        }
    }
}

impl From<u64> for Number {
    fn from(number: u64) -> Self {
        Self::Whole(number)
    }
}

impl From<bool> for Number {
    fn from(holds: bool) -> Self {
        Self::Whole(u64::from(holds))
    }
}

impl From<f64> for Number {
    fn from(number: f64) -> Self {
        Self::Real(number)
    }
}

/// Writes families, one after the other.
pub(super) struct Exposition<'e>(pub(super) DescriptorEncoder<'e>);

impl Exposition<'_> {
    /// A counter or gauge with its samples; without samples its metadata is written all the same.
    pub(super) fn family<'l, const LABELS: usize>(
        &mut self,
        family: &Family,
        samples: impl IntoIterator<Item = ([Label<'l>; LABELS], Number)>,
    ) -> fmt::Result {
        let Self(encoder) = self;
        let mut encoder = encoder.encode_descriptor(family.name, family.help, None, family.kind)?;
        for (labels, number) in samples {
            if labels.is_empty() {
                // Otherwise the encoder writes empty braces.
                number.tell(family, &mut encoder)?;
            } else {
                number.tell(family, &mut encoder.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }

    /// A counter or gauge without labels.
    pub(super) fn single(&mut self, family: &Family, number: impl Into<Number>) -> fmt::Result {
        self.family(family, [([], number.into())])
    }

    /// A family of histograms.
    pub(super) fn histograms<'h, const LABELS: usize>(
        &mut self,
        family: &Family,
        histograms: impl IntoIterator<Item = ([Label<'h>; LABELS], &'h Histogram)>,
    ) -> fmt::Result {
        let Self(encoder) = self;
        let mut encoder = encoder.encode_descriptor(family.name, family.help, None, family.kind)?;
        for (labels, histogram) in histograms {
            let (sum, buckets) = histogram.read();
            let count = buckets.iter().map(|(_, count)| count).sum();
            let mut sample = encoder.encode_family(&labels)?;
            sample.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
        }
        Ok(())
    }
}

/// Converts OpenMetrics to the older format, where a counter's family has the name of its samples,
/// and nothing marks the end.
pub(super) fn to_prometheus_text(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    // Writing to a String cannot fail.
    let mut help: Option<(&str, &str)> = None;
    for line in open_metrics.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("HELP"), Some(name), rest) => {
                // The name depends on the type, which is on the next line.
                help = Some((name, rest.unwrap_or_default()));
            }
            (Some("#"), Some("TYPE"), Some(name), Some(kind)) => {
                let suffix = if kind == "counter" { "_total" } else { "" };
                if let Some((_, about)) = help.take().filter(|(of, _)| *of == name) {
                    let _ = writeln!(text, "# HELP {name}{suffix} {about}");
                }
                let _ = writeln!(text, "# TYPE {name}{suffix} {kind}");
            }
            (Some("#"), ..) => {}
            _ => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_format_names_counters_like_their_samples_and_has_no_end() {
        let open_metrics = "# HELP a_seconds How long.\n# TYPE a_seconds gauge\na_seconds 1.0\n\
                            # HELP b How often.\n# TYPE b counter\nb_total{x=\"y\"} 2\n# EOF\n";
        assert_eq!(
            to_prometheus_text(open_metrics),
            "# HELP a_seconds How long.\n# TYPE a_seconds gauge\na_seconds 1.0\n\
             # HELP b_total How often.\n# TYPE b_total counter\nb_total{x=\"y\"} 2\n"
        );
    }
}
