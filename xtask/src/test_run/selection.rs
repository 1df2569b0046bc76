//! Decides by a filter which tests are built, and which real components they need.
//! Never leaves out a test that the filter may name: a name is looked for in every source.

use crate::{
    components::{CEL_ORACLE, CHROMIUM, DEX, ETCD, KUBE_APISERVER, KUBECTL, NODE_MODULES},
    workspace,
};
use anyhow::Result;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Component, Path},
};

/// The package of the suites that run the real parts.
pub(super) const SUITES_OF: &str = "login-tests";

/// What a suite needs whose sources have such a text: the types of the rig that run the parts.
const PARTS: [(&str, &[&str]); 7] = [
    ("ApiServer", &[KUBE_APISERVER, ETCD]),
    ("api_server::", &[KUBE_APISERVER, ETCD]),
    ("Kubectl::", &[KUBECTL]),
    ("Dex::", &[DEX]),
    ("oracle::", &[CEL_ORACLE]),
    ("OidcProvider::", &[NODE_MODULES]),
    ("Browser::", &[NODE_MODULES, CHROMIUM]),
];

/// The packages and suites in which a filter may name a test.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Selection {
    /// Packages other than that of the suites.
    pub(super) packages: BTreeSet<String>,
    pub(super) suites: BTreeSet<String>,
    /// The components that the suites need.
    pub(super) components: BTreeSet<&'static str>,
}

impl Selection {
    /// Searches the sources below `root`.
    pub(super) fn of(root: &Path, filter: &str) -> Result<Self> {
        let mut selection = Self::default();
        let mut needs: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for file in workspace::files(root)? {
            let name = file.strip_prefix(root).unwrap_or(&file);
            if name.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            let text = fs::read_to_string(&file)?;
            if let Some(suite) = suite_of(name) {
                let named = PARTS.iter().filter(|(part, _)| text.contains(part));
                needs.entry(suite).or_default().extend(named.flat_map(|(_, parts)| *parts));
            }
            if may_name(filter, name, &text) {
                selection.add(name);
            }
        }
        needs.retain(|suite, _| selection.suites.contains(suite));
        selection.components = needs.into_values().flatten().collect();
        Ok(selection)
    }

    fn add(&mut self, file: &Path) {
        self.suites.extend(suite_of(file));
        let parts: Vec<&str> = file.components().filter_map(as_text).collect();
        let package = match parts.as_slice() {
            ["crates", package, ..] => package,
            ["tests", "fuzz", ..] => "login-fuzz",
            ["xtask", ..] => "xtask",
            _ => return,
        };
        self.packages.insert(package.to_owned());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.packages.is_empty() && self.suites.is_empty()
    }
}

/// The suite to which a file belongs.
fn suite_of(file: &Path) -> Option<String> {
    let suite = file.strip_prefix("tests/tests").ok()?.components().find_map(as_text)?;
    Some(suite.trim_end_matches(".rs").to_owned())
}

fn as_text(part: Component<'_>) -> Option<&str> {
    part.as_os_str().to_str()
}

/// Whether a test of this file may have a name that contains `filter`. A name is that of a function
/// or of a case, behind the modules that lead to it, which are folders and files.
fn may_name(filter: &str, file: &Path, text: &str) -> bool {
    filter.split("::").filter(|part| !part.is_empty()).all(|part| {
        text.contains(part) || file.components().filter_map(as_text).any(|it| it.contains(part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components;

    fn selected(filter: &str) -> Selection {
        Selection::of(&workspace::root(), filter).unwrap()
    }

    #[test]
    fn a_rule_of_one_crate_needs_nothing_but_rust() {
        let selection = selected("rows_stand_in_the_order_of_their_names");
        // This file names it, too.
        assert!(selection.packages.contains("kubectl-login"));
        assert!(selection.suites.is_empty() && selection.components.is_empty());
    }

    #[test]
    fn a_case_of_a_suite_needs_what_the_suite_needs() {
        let selection = selected("changes_by_two_of_us_at_one_moment");
        assert!(selection.suites.contains("kubeconfig"));
        assert!(selection.components.contains(KUBECTL));
        assert!(!selection.components.contains(CHROMIUM));
    }

    #[test]
    fn a_name_is_found_behind_its_modules_and_by_them() {
        let file = Path::new("crates/a/src/claims/rules.rs");
        for (filter, expected) in [
            ("a_rule", true),
            ("rules::tests::a_rule", true),
            ("claims::", true),
            ("claims", true),
            ("mapping::tests::a_rule", false),
            ("another", false),
        ] {
            let text = "mod tests { fn a_rule_holds() {} }";
            assert_eq!(may_name(filter, file, text), expected, "{filter}");
        }
    }

    #[test]
    fn each_part_is_named_by_a_suite_and_its_variable_is_read_by_the_rig() {
        let (parts, all) = (PARTS.map(|(_, parts)| parts).concat(), components::ALL);
        assert_eq!(BTreeSet::from_iter(parts), BTreeSet::from(all));

        let tests = workspace::root().join("tests");
        let mut suites = String::new();
        for file in workspace::files(&tests.join("tests")).unwrap() {
            suites += &fs::read_to_string(file).unwrap();
        }
        for (name, _) in PARTS {
            assert!(suites.contains(name), "no suite has {name}");
        }

        // Beside the parts, the rig reads what each run sets.
        let of_the_run = ["LOGIN_TEST_BIN_DIR", "LOGIN_TEST_SKIPPED", "LOGIN_TEST_SCREENSHOTS"];
        let rig = fs::read_to_string(tests.join("src/components.rs")).unwrap();
        let read: BTreeSet<&str> =
            rig.split('"').filter(|text| text.starts_with("LOGIN_TEST_")).collect();
        assert_eq!(read, all.into_iter().chain(of_the_run).collect());
    }
}
