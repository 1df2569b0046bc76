//! Reads the system's figures about this process.
//! Never fails: without `/proc` every figure is absent.

use std::fs;

/// Processor time is counted in hundredths of a second: Linux fixes `USER_HZ` for programs.
const TICKS_PER_SECOND: f64 = 100.0;

/// Each figure, if the system provides it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Process {
    /// User and system time together.
    pub cpu_seconds: Option<f64>,
    /// Bytes.
    pub resident_memory: Option<u64>,
    /// File descriptors in use.
    pub open_files: Option<u64>,
    /// File descriptors allowed.
    pub max_files: Option<u64>,
    /// Seconds since the epoch.
    pub started_at: Option<f64>,
}

/// Reads the figures now.
pub fn read() -> Process {
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let stat = text("/proc/self/stat");
    let (cpu, since_boot) = times(&stat).unzip();
    let booted = field(&text("/proc/stat"), "btime ").and_then(|text| text.parse::<f64>().ok());
    let resident = field(&text("/proc/self/status"), "VmRSS:");
    let limit = field(&text("/proc/self/limits"), "Max open files");
    Process {
        cpu_seconds: cpu,
        resident_memory: resident
            .and_then(|text| text.strip_suffix("kB")?.trim().parse::<u64>().ok())
            .map(|kibibytes| kibibytes * 1024),
        open_files: fs::read_dir("/proc/self/fd")
            .ok()
            .and_then(|files| u64::try_from(files.count()).ok())
            // The folder itself is open while it is read.
            .map(|count| count.saturating_sub(1)),
        max_files: limit.and_then(|text| text.split_whitespace().next()?.parse().ok()),
        started_at: booted.zip(since_boot).map(|(booted, since_boot)| booted + since_boot),
    }
}

/// Processor time, and the start since boot, both in seconds (proc_pid_stat(5)).
fn times(stat: &str) -> Option<(f64, f64)> {
    // The program's name is in parentheses and may hold anything; what follows begins at field 3.
    let (_, rest) = stat.rsplit_once(')')?;
    let seconds = |field: usize| {
        let ticks = rest.split_whitespace().nth(field - 3)?.parse::<f64>().ok()?;
        Some(ticks / TICKS_PER_SECOND)
    };
    Some((seconds(14)? + seconds(15)?, seconds(22)?))
}

fn field(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| line.strip_prefix(name)).map(|rest| rest.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_may_have_any_name() {
        let stat = "7 (a) b) (c) S 1 7 7 0 -1 0 0 0 0 0 150 50 0 0 20 0 1 0 12300 0 0";
        assert_eq!(times(stat), Some((2.0, 123.0)));
        assert_eq!(times("7 (a) S"), None);
        assert_eq!(times(""), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_tells_everything() {
        let process = read();
        assert!(process.resident_memory.unwrap() > 100_000);
        assert!(process.open_files.unwrap() >= 3);
        assert!(process.max_files.unwrap() >= process.open_files.unwrap());
        assert!(process.cpu_seconds.is_some());
        let now = u32::try_from(crate::system::clock::Clock::HOST.now().as_seconds()).unwrap();
        let started = process.started_at.unwrap();
        assert!((1.0..=2.0 + f64::from(now)).contains(&started), "{started}");
    }
}
