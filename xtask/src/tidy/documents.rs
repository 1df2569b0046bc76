//! Checks that what the documents name exists: files, folders, links, `cargo xtask` commands.
//! Of their prose it reads only the words that STYLE.md replaces.

use super::sources;
use crate::{COMMANDS, workspace};
use anyhow::Result;
use std::{
    fs,
    path::{Path, PathBuf},
};

pub(crate) fn check(root: &Path, faults: &mut Vec<String>) -> Result<()> {
    let files: Vec<PathBuf> = workspace::files(root)?
        .into_iter()
        .filter_map(|file| file.strip_prefix(root).map(Path::to_path_buf).ok())
        .collect();
    for file in files.iter().filter(|file| file.extension().is_some_and(|e| e == "md")) {
        let text = fs::read_to_string(root.join(file))?;
        for (number, line) in text.lines().enumerate() {
            let place = format!("{}:{}", file.display(), number + 1);
            // The changelog also names files that were removed.
            if file != Path::new("CHANGELOG.md") {
                for named in code_spans(line).filter(|span| !exists(&files, span)) {
                    faults.push(format!("{place}: `{named}` is not in the repository"));
                }
            }
            for target in link_targets(line).filter(|target| !leads(&root.join(file), target)) {
                faults.push(format!("{place}: the link to `{target}` leads nowhere"));
            }
            // STYLE.md shows the words that it replaces; the changelog is history.
            if ![Path::new("CHANGELOG.md"), Path::new("STYLE.md")].contains(&file.as_path()) {
                for (word, better) in sources::replaced_words(line) {
                    faults.push(format!("{place}: `{word}`: STYLE.md writes {better}"));
                }
            }
            for command in xtask_commands(line) {
                if !COMMANDS.iter().any(|(name, ..)| *name == command) {
                    faults.push(format!("{place}: there is no `cargo xtask {command}`"));
                }
            }
        }
    }
    Ok(())
}

/// The texts in backticks.
fn code_spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// Whether a code span names something that exists; true for a span that does not look like a file
/// or folder of the repository.
fn exists(files: &[PathBuf], span: &str) -> bool {
    const TOP: [&str; 5] = ["crates/", "docs/", "tests/", "xtask/", ".ci/"];
    let plain = !span.is_empty()
        && span.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c))
        && !span.starts_with(['/', '~']);
    if !plain {
        return true;
    }
    let from_top = TOP.iter().any(|top| span.starts_with(top));
    // Text about one crate names `cache/store.rs` and `system/` without the crate.
    let inside_a_crate = Path::new(span).extension().is_some_and(|e| e == "rs")
        || (span.ends_with('/') && span != "target/");
    let wanted = Path::new(span);
    if from_top {
        files.iter().any(|file| file.starts_with(wanted))
    } else if inside_a_crate {
        files.iter().any(|file| file.ancestors().any(|part| part.ends_with(wanted)))
    } else {
        true
    }
}

/// Targets of `[text](target)` in this repository: a file beside the document, a heading, or both.
fn link_targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|target| !target.is_empty() && !target.contains("://"))
}

/// Whether the file and the heading of a link in the document at `from` exist.
fn leads(from: &Path, target: &str) -> bool {
    let (file, heading) = target.split_once('#').unwrap_or((target, ""));
    let folder = from.parent().unwrap_or(from);
    let file = if file.is_empty() { from.to_owned() } else { folder.join(file) };
    if heading.is_empty() {
        return file.exists();
    }
    fs::read_to_string(file).is_ok_and(|text| anchors(&text).any(|anchor| anchor == heading))
}

/// The anchors of headings, by the rule of GitHub and mdBook.
fn anchors(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter(|line| line.starts_with('#')).map(|line| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}

/// The words after `cargo xtask`.
fn xtask_commands(line: &str) -> impl Iterator<Item = &str> {
    line.split("cargo xtask ").skip(1).filter_map(|rest| {
        rest.split(|c: char| !c.is_ascii_alphabetic()).next().filter(|word| !word.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_links_and_commands_are_found() {
        let line = "see `a/b.rs`, [the map](crates/MAP.md#top) and `cargo xtask demo --keep`";
        assert_eq!(code_spans(line).collect::<Vec<_>>(), ["a/b.rs", "cargo xtask demo --keep"]);
        assert_eq!(link_targets(line).collect::<Vec<_>>(), ["crates/MAP.md#top"]);
        assert_eq!(xtask_commands(line).collect::<Vec<_>>(), ["demo"]);
    }

    #[test]
    fn a_link_leads_to_a_file_and_a_heading() {
        let folder = tempfile::tempdir().unwrap();
        let page = folder.path().join("page.md");
        fs::write(&page, "# Who may ask, how much, and the end\n\n## Audit\n").unwrap();
        let from = folder.path().join("other.md");
        for good in ["page.md", "page.md#audit", "page.md#who-may-ask-how-much-and-the-end", "."] {
            assert!(leads(&from, good), "{good}");
        }
        for bad in ["pages.md", "page.md#audits", "#audit"] {
            assert!(!leads(&from, bad), "{bad}");
        }
        assert!(leads(&page, "#audit"));
    }

    #[test]
    fn only_what_looks_like_a_path_of_the_repository_must_exist() {
        let files = [PathBuf::from("crates/kubectl-login/src/cache/store.rs")];
        for there in ["cache/store.rs", "store.rs", "cache/", "crates/kubectl-login", "get-token"] {
            assert!(exists(&files, there), "{there}");
        }
        for elsewhere in
            ["/etc/kubernetes/login/webhook.kubeconfig", "~/.cache/", "target/", "--flow"]
        {
            assert!(exists(&files, elsewhere), "{elsewhere}");
        }
        for gone in ["cache/shelf.rs", "crates/kubectl-logout", "ache/store.rs", "shelves/"] {
            assert!(!exists(&files, gone), "{gone}");
        }
    }
}
