//! Metrics of the process, under the names that Prometheus' client libraries share.
//! A value that the system does not provide is left out.

use std::fmt;

use super::{
    families,
    text::{Exposition, Number},
};
use crate::system::process;

pub(super) fn tell(exposition: &mut Exposition<'_>) -> fmt::Result {
    let process = process::read();
    let whole = |value: Option<u64>| value.map(Number::from);
    let real = |value: Option<f64>| value.map(Number::from);
    for (family, value) in [
        (&families::PROCESS_CPU, real(process.cpu_seconds)),
        (&families::PROCESS_RESIDENT_MEMORY, whole(process.resident_memory)),
        (&families::PROCESS_OPEN_FILES, whole(process.open_files)),
        (&families::PROCESS_MAX_FILES, whole(process.max_files)),
        (&families::PROCESS_START_TIME, real(process.started_at)),
    ] {
        exposition.family(family, value.map(|value| ([], value)))?;
    }
    Ok(())
}
