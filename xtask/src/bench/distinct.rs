//! Many tokens in use at the same time: the rate of one server with a thousand, a hundred thousand,
//! a million, with a result cache that has room for all and with the default one.
//! Never counts the first round, in which every token is new.

use super::{
    load,
    server::{Bench, Service, plain},
    table::{Budget, Table},
};
use anyhow::{Context as _, Result, ensure};
use std::{
    fs,
    io::{BufRead as _, BufReader, BufWriter, Write as _},
    path::{Path, PathBuf},
};

const ROOMY: &str = "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\nresultCache: { maxBytes: 2147483648, ttl: 10m }\n";
const DEFAULT: &str = "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\n";
/// The server answers at least this many requests a second in the first round.
const SLOWEST: usize = 4000;

pub(super) fn measure(bench: &Bench<'_>, table: &mut Table) -> Result<()> {
    let mut few = None;
    for count in [1000, 100_000, 1_000_000] {
        if count > bench.effort.distinct {
            table.note(format!("{count} distinct tokens are left out of a quick run"));
            continue;
        }
        let (rate, kibibytes) = rate(bench, &plain(ROOMY), count)?;
        let floor = *few.get_or_insert(rate);
        let budget = (count > 1000).then_some(Budget::AtLeast(0.9));
        table.rate(
            &format!("{count} distinct tokens, all kept"),
            "1000 of them",
            [rate, floor],
            budget,
        );
        table.note(format!("{count} distinct tokens, all kept: {} MiB resident", kibibytes / 1024));
    }
    let (_, kibibytes) = rate(bench, &plain(DEFAULT), bench.effort.distinct)?;
    table.note(format!(
        "{} distinct tokens, default cache of 32 MiB: {} MiB resident",
        bench.effort.distinct,
        kibibytes / 1024
    ));
    Ok(())
}

/// Replies per second of processor time when every one of `count` tokens has been seen once, and
/// the resident memory after it.
fn rate(bench: &Bench<'_>, service: &Service<'_>, count: usize) -> Result<(f64, u64)> {
    let bodies = first(&bench.scratch.join("distinct.reviews"), count)?;
    let (server, url) = bench.start_server(service, false)?;
    let mut seen = 0;
    while seen < count {
        // A round that is cut short starts over, so it must be long enough.
        let seconds = (count / SLOWEST).clamp(2, 600);
        let answered = load::streamed(seconds, &url, &bodies, bench.scratch)?;
        seen = usize::try_from(answered)?;
        ensure!(seen >= count || seconds < 600, "the first turn did not end");
        if seen < count {
            eprintln!("{seen} of {count} tokens were seen in {seconds} s; once more …");
        }
    }
    let before = server.processor_seconds()?;
    let answered = load::streamed(bench.effort.seconds * 2, &url, &bodies, bench.scratch)?;
    let rate = f64::from(answered) / (server.processor_seconds()? - before);
    Ok((rate, server.resident_kibibytes()?))
}

/// A file with the first `count` lines of `file`.
fn first(file: &Path, count: usize) -> Result<PathBuf> {
    let part = file.with_extension(format!("{count}"));
    let source =
        fs::File::open(file).with_context(|| format!("could not read {}", file.display()))?;
    let mut target = BufWriter::new(fs::File::create(&part)?);
    for line in BufReader::new(source).lines().take(count) {
        writeln!(target, "{}", line?)?;
    }
    target.flush()?;
    Ok(part)
}
