//! Which files are valid: kube-apiserver starts with one or not, `check-config` exits with 0 or 2.

mod expressions;
mod issuers;
mod judge;
mod mappings;
mod shape;

use std::fmt::Write as _;

use anyhow::{Result, ensure};
use login_tests::{certificates::Authority, scratch::Scratch};

use crate::world::{Rule, World};
pub(crate) use judge::Judge;

pub(crate) const RULES: &[Rule] = &[
    ("issuers_are_refused_at_load_as_by_kube_apiserver", |world| compare(world, issuers::FILES)),
    ("mappings_are_refused_at_load_as_by_kube_apiserver", |world| compare(world, mappings::FILES)),
    ("expressions_are_refused_at_load_as_by_kube_apiserver", |world| {
        compare(world, expressions::FILES)
    }),
    ("the_shape_of_a_file_is_refused_at_load_as_by_kube_apiserver", |world| {
        compare(world, shape::FILES)
    }),
    ("a_printed_authentication_configuration_is_taken_by_both", printed),
    ("a_bundle_of_certificates_is_whole_or_refused", bundles),
    ("sixty_four_issuers_are_taken_and_no_more", sixty_four),
];

/// A file and the expected outcome.
struct File {
    part: Part,
    /// YAML for that part.
    text: &'static str,
    expected: Expected,
}

/// Where the text of a row goes in an otherwise valid file.
#[derive(Clone, Copy)]
enum Part {
    /// The whole file.
    Whole,
    /// Instead of `apiVersion` and `kind`.
    Head,
    /// Beside `jwt`.
    Top,
    /// Instead of the entry of `jwt`.
    Entry,
    /// Instead of the fields of `issuer`.
    Issuer,
    /// Instead of the fields of `claimMappings`.
    Mappings,
    /// Beside `issuer` and `claimMappings`.
    Rules,
}

enum Expected {
    BothTake,
    /// Both refuse the file, and `check-config` names this place.
    BothRefuse(&'static str),
    /// Only kube-apiserver accepts it; the reason follows.
    OnlyTheyTake(&'static str),
    /// Only login-server accepts it; the reason follows.
    OnlyWeTake(&'static str),
}

const fn taken(part: Part, text: &'static str) -> File {
    File { part, text, expected: Expected::BothTake }
}

const fn refused(part: Part, at: &'static str, text: &'static str) -> File {
    File { part, text, expected: Expected::BothRefuse(at) }
}

const fn only_they_take(part: Part, because: &'static str, text: &'static str) -> File {
    File { part, text, expected: Expected::OnlyTheyTake(because) }
}

const fn only_we_take(part: Part, because: &'static str, text: &'static str) -> File {
    File { part, text, expected: Expected::OnlyWeTake(because) }
}

const HEAD: &str = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n";
const ISSUER: &str = "url: https://id.example.com\naudiences: [kubectl]";
const MAPPINGS: &str = "username: {claim: sub, prefix: \"\"}";

impl File {
    fn whole(&self) -> String {
        let entry = |issuer: &str, mappings: &str, rules: &str| {
            let (issuer, mappings) = (indented(issuer, 4), indented(mappings, 4));
            let rules = indented(rules, 2);
            format!("{HEAD}jwt:\n- issuer:\n{issuer}  claimMappings:\n{mappings}{rules}")
        };
        match self.part {
            // A block in the source is indented; a text of one line is used as it is.
            Part::Whole if self.text.starts_with('\n') => indented(self.text, 0),
            Part::Whole => self.text.to_owned(),
            Part::Head => {
                let whole = entry(ISSUER, MAPPINGS, "");
                whole.replacen(HEAD, &format!("{}\n", self.text), 1)
            }
            Part::Top => entry(ISSUER, MAPPINGS, "") + &indented(self.text, 0),
            Part::Entry => format!("{HEAD}jwt:\n- {}", indented(self.text, 2).trim_start()),
            Part::Issuer => entry(self.text, MAPPINGS, ""),
            Part::Mappings => entry(ISSUER, self.text, ""),
            Part::Rules => entry(ISSUER, MAPPINGS, self.text),
        }
    }
}

fn indented(block: &str, depth: usize) -> String {
    crate::table::indented(block, depth)
}

fn compare(world: &World, files: &[File]) -> Result<()> {
    let mut faults = String::new();
    for file in files {
        let text = file.whole();
        if let Err(fault) = compare_one(world, file, &text) {
            writeln!(faults, "----\n{text}\n{fault:#}")?;
        }
    }
    ensure!(faults.is_empty(), "{faults}");
    Ok(())
}

fn compare_one(world: &World, file: &File, text: &str) -> Result<()> {
    let (they_take, theirs) = world.judge.kube_apiserver(text)?;
    let (we_take, ours) = world.judge.login_server(text)?;
    let expected = match file.expected {
        Expected::BothTake => (true, true),
        Expected::BothRefuse(_) => (false, false),
        Expected::OnlyTheyTake(_) => (true, false),
        Expected::OnlyWeTake(_) => (false, true),
    };
    let because = match file.expected {
        Expected::OnlyTheyTake(because) | Expected::OnlyWeTake(because) => because,
        Expected::BothTake | Expected::BothRefuse(_) => "no difference is listed",
    };
    ensure!(
        (they_take, we_take) == expected,
        "(kube-apiserver, login-server) takes the file: expected {expected:?}, got {:?} \
         ({because})\nkube-apiserver: {theirs}\nlogin-server: {ours}",
        (they_take, we_take)
    );
    if let Expected::BothRefuse(at) = file.expected {
        ensure!(ours.contains(at), "login-server does not name `{at}`: {ours}");
    }
    Ok(())
}

fn printed(world: &World) -> Result<()> {
    let plain = ["--issuer-url", "https://id.example.com", "--client-id", "kubectl"];
    let mapped = [
        &plain[..],
        &["--username-claim", "email", "--username-prefix", "", "--groups-prefix", "a: #'\""],
    ]
    .concat();
    for arguments in [&[][..], &["--api-version", "v1beta1"]] {
        let text = world.judge.printed(arguments)?;
        ensure!(text.contains("/configmaps/cluster-info"), "`kubeadm join` cannot read: {text}");
        let (they_take, theirs) = world.judge.kube_apiserver(&text)?;
        let (we_take, ours) = world.judge.login_server(&text)?;
        ensure!(they_take && we_take, "{text}\n{theirs}\n{ours}");
    }
    for arguments in [&plain[..], &mapped] {
        let text = world.judge.printed(arguments)?;
        ensure!(text.contains("!user.username.startsWith('system:')"), "no guard: {text}");
        let (they_take, theirs) = world.judge.kube_apiserver(&text)?;
        let (we_take, ours) = world.judge.login_server(&text)?;
        ensure!(they_take && we_take, "{text}\n{theirs}\n{ours}");
    }
    Ok(())
}

fn sixty_four(world: &World) -> Result<()> {
    let file = |count: usize| {
        (0..count).fold(format!("{HEAD}jwt:\n"), |mut text, number| {
            let _ = writeln!(
                text,
                "- issuer: {{url: \"https://{number}.example.com\", audiences: [a]}}\n  \
                 claimMappings: {{username: {{claim: sub, prefix: \"{number}:\"}}}}"
            );
            text
        })
    };
    for (count, taken) in [(1, true), (64, true), (65, false)] {
        let text = file(count);
        let (they_take, theirs) = world.judge.kube_apiserver(&text)?;
        let (we_take, ours) = world.judge.login_server(&text)?;
        ensure!(they_take == taken && we_take == taken, "{count}: {theirs}\n{ours}");
    }
    Ok(())
}

fn bundles(world: &World) -> Result<()> {
    let scratch = Scratch::new()?;
    let pem = |name| Authority::new(&scratch, name)?.pem();
    let (one, two) = (pem("one")?, pem("two")?);
    let glued = format!("{}{two}", one.trim_end());
    let text = |bundle: &str| {
        let bundle = bundle.replace('\n', "\n      ");
        let bundle = bundle.trim_end();
        format!(
            "{HEAD}jwt:\n- issuer:\n    url: https://id.example.com\n    audiences: [a]\n    \
             certificateAuthority: |\n      {bundle}\n  claimMappings:\n    {MAPPINGS}\n"
        )
    };
    // login-server refuses what kube-apiserver silently ignores.
    for (bundle, they, we) in [
        (format!("{one}{two}"), true, true),
        (format!("a comment: one\n{one}\nand two\n{two}"), true, true),
        (one.replace("\nMI", "\n\tMI"), true, true),
        (glued.clone(), false, false),
        (format!("{glued}{one}"), true, false),
        (format!("a comment\n {one}"), false, false),
        (one.replace("-----END CERTIFICATE-----", ""), false, false),
    ] {
        let text = text(&bundle);
        let (they_take, theirs) = world.judge.kube_apiserver(&text)?;
        let (we_take, ours) = world.judge.login_server(&text)?;
        ensure!((they_take, we_take) == (they, we), "{text}\n{theirs}\n{ours}");
        ensure!(we || ours.contains("jwt[0].issuer.certificateAuthority"), "{ours}");
    }
    // A line with only a tab is not a line of the certificate.
    let tabbed = text(&one).replacen("      -----END", "\t\n      -----END", 1);
    ensure!(!world.judge.kube_apiserver(&tabbed)?.0 && !world.judge.login_server(&tabbed)?.0);
    Ok(())
}
