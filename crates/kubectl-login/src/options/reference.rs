//! Checks that the documentation's pages of options and exit codes match the code.
//! Never shipped: a test compares, and writes the pages if `LOGIN_WRITE_REFERENCE` is set.

use std::fmt::Write as _;

use super::row::{ByCluster, Row, Shape, Use};
use super::table::OPTIONS;
use crate::report::Fault;

const HEAD: &str = "# Options of kubectl-login

What `get-token`, `login`, `setup` and their like take. Each option is also a variable and a key of \
`~/.config/kubectl-login/config.yaml`; of a command line, a variable, the cluster's extension and the file, \
the first that has a value counts. *Cluster* says whether the extension `client.authentication.k8s.io/exec` \
of a cluster may set it: *never*, *own* (about the issuer that the extension itself names), or *yes*.

";

fn options_page() -> String {
    let mut page = HEAD.to_owned();
    for (used, title) in [
        (Use::Issuer, "The issuer"),
        (Use::Request, "What is asked of the issuer"),
        (Use::Proof, "How the client proves who it is"),
        (Use::Anchor, "What is believed to be the issuer"),
        (Use::Here, "This machine and this user"),
    ] {
        let _ =
            writeln!(page, "## {title}\n\n| option | variable | cluster | |\n|---|---|---|---|");
        for row in OPTIONS.iter().filter(|row| row.used == used && !row.hidden) {
            page += &line(row);
        }
        page.push('\n');
    }
    page += "## Accepted for kubeconfigs of int128/kubelogin\n\nRead as kubelogin reads them; not in `--help`.\n\n";
    for row in OPTIONS.iter().filter(|row| row.hidden) {
        let _ = writeln!(page, "- `--{}`: {}.", row.long, plain(&row.help()));
    }
    page
}

fn line(row: &Row) -> String {
    let value = match row.shape {
        Shape::Switch => String::new(),
        Shape::Value => format!("={}", row.value_name),
        Shape::List | Shape::Pairs | Shape::Each => format!("={} …", row.value_name),
    };
    let aliases: Vec<_> = row.aliases.iter().map(|alias| format!("<br>also `--{alias}`")).collect();
    let aliases = aliases.concat();
    let cluster = match row.by_cluster {
        ByCluster::Never => "never",
        ByCluster::OfItsIssuer => "own",
        ByCluster::Always => "yes",
    };
    format!(
        "| `--{}{value}`{aliases} | `{}` | {cluster} | {} |\n",
        row.long,
        row.variable,
        plain(&row.help())
    )
}

/// Escapes the text for one cell of a table.
fn plain(help: &str) -> String {
    help.replace('|', "\\|").replace('\n', " ")
}

fn exit_codes_page() -> String {
    let meaning = |fault| match fault {
        Fault::Refused => "a sign-in was refused or failed, or the answer could not be written",
        Fault::Usage => "the command line, a variable, a file or the kubeconfig must be changed",
        Fault::NeedsPerson => "a user would have to sign in, and cannot or may not be asked",
        Fault::Unreachable => "something that it depends on cannot be reached or is out of order",
    };
    let mut page = "# Exit codes of kubectl-login\n\n| code | meaning |\n|---|---|\n| 0 | done; `get-token` has written one ExecCredential to stdout |\n".to_owned();
    for fault in (0..=u8::MAX).filter_map(Fault::from_exit_code) {
        let _ = writeln!(page, "| {} | {} |", fault.exit_code(), meaning(fault));
    }
    page += "| 130 | Ctrl-C |\n";
    page
}

/// Fails if the page differs; writes it if that is requested.
#[expect(clippy::disallowed_methods, reason = "a test that maintains a document")]
fn check(name: &str, page: &str) {
    let file = format!("{}/../../docs/src/reference/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("LOGIN_WRITE_REFERENCE").is_some() {
        std::fs::write(&file, page).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == page,
        "docs/src/reference/{name} is out of date: run this test with LOGIN_WRITE_REFERENCE=1"
    );
}

#[test]
fn the_reference_of_options_is_the_table() {
    check("options.md", &options_page());
}

#[test]
fn the_reference_of_exit_codes_is_the_program() {
    check("exit-codes.md", &exit_codes_page());
}
