//! Decides by a filter which tests are built, and which real components they need.
//! Never leaves out a test that the filter may name: a name is looked for in every source.

use crate::workspace;
use anyhow::Result;
use std::{
    collections::BTreeSet,
    fs,
    path::{Component, Path},
};

/// The package of the suites that run the real parts.
pub(super) const SUITES_OF: &str = "login-tests";

/// What each of its suites uses, by the variables of `components`. A test holds this against the
/// types that the suites name.
const NEEDS: [(&str, &[&str]); 13] = [
    ("bad_input", &[NODE_MODULES]),
    ("cel", &[CEL_ORACLE]),
    ("cluster", &[KUBECTL, KUBE_APISERVER, ETCD, NODE_MODULES]),
    ("commands", &[KUBECTL, KUBE_APISERVER, ETCD, NODE_MODULES]),
    ("differential", &[KUBECTL, KUBE_APISERVER, ETCD]),
    ("get_token", &[NODE_MODULES]),
    ("identities", &[KUBECTL, KUBE_APISERVER, ETCD, DEX, NODE_MODULES]),
    ("kubeconfig", &[KUBECTL, KUBE_APISERVER, ETCD, NODE_MODULES]),
    ("plugin_contract", &[KUBECTL, KUBE_APISERVER, ETCD, DEX, NODE_MODULES]),
    ("rig", &[KUBECTL, KUBE_APISERVER, ETCD, DEX, NODE_MODULES, CHROMIUM]),
    ("sign_in", &[NODE_MODULES, CHROMIUM]),
    ("webhook", &[KUBECTL, KUBE_APISERVER, ETCD]),
    ("yaml", &[CEL_ORACLE]),
];

const KUBECTL: &str = "LOGIN_TEST_KUBECTL_DIR";
const KUBE_APISERVER: &str = "LOGIN_TEST_KUBE_APISERVER";
const ETCD: &str = "LOGIN_TEST_ETCD";
const DEX: &str = "LOGIN_TEST_DEX";
const CEL_ORACLE: &str = "LOGIN_TEST_CEL_ORACLE";
const NODE_MODULES: &str = "LOGIN_TEST_NODE_MODULES";
const CHROMIUM: &str = "LOGIN_TEST_CHROMIUM";

/// The packages and suites in which a filter may name a test.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Selection {
    /// Packages other than that of the suites.
    pub(super) packages: BTreeSet<String>,
    pub(super) suites: BTreeSet<String>,
}

impl Selection {
    /// Searches the sources below `root`.
    pub(super) fn of(root: &Path, filter: &str) -> Result<Self> {
        let mut selection = Self::default();
        for file in workspace::files(root)? {
            let name = file.strip_prefix(root).unwrap_or(&file);
            if name.extension().is_some_and(|extension| extension == "rs")
                && may_name(filter, name, &fs::read_to_string(&file)?)
            {
                selection.add(name);
            }
        }
        Ok(selection)
    }

    fn add(&mut self, file: &Path) {
        let parts: Vec<&str> = file.components().filter_map(as_text).collect();
        match parts.as_slice() {
            ["tests", "tests", suite, ..] => {
                self.suites.insert(suite.trim_end_matches(".rs").to_owned());
            }
            ["crates", package, ..] => {
                self.packages.insert((*package).to_owned());
            }
            ["tests", "fuzz", ..] => {
                self.packages.insert("login-fuzz".to_owned());
            }
            ["xtask", ..] => {
                self.packages.insert("xtask".to_owned());
            }
            _ => {}
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.packages.is_empty() && self.suites.is_empty()
    }

    /// The components that the suites need.
    pub(super) fn components(&self) -> BTreeSet<&'static str> {
        // A suite that is not in the table may need everything.
        let all = || NEEDS.iter().flat_map(|(_, needs)| *needs).copied().collect::<Vec<_>>();
        let needs = |suite: &String| {
            let row = NEEDS.iter().find(|(known, _)| known == suite);
            row.map_or_else(all, |(_, needs)| needs.to_vec())
        };
        self.suites.iter().flat_map(needs).collect()
    }
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

    fn selected(filter: &str) -> Selection {
        Selection::of(&workspace::root(), filter).unwrap()
    }

    #[test]
    fn a_rule_of_one_crate_needs_nothing_but_rust() {
        let selection = selected("rows_stand_in_the_order_of_their_names");
        // This file names it, too.
        assert!(selection.packages.contains("kubectl-login"));
        assert!(selection.suites.is_empty() && selection.components().is_empty());
    }

    #[test]
    fn a_case_of_a_suite_needs_what_the_suite_needs() {
        let selection = selected("changes_by_two_of_us_at_one_moment");
        assert!(selection.suites.contains("kubeconfig"));
        assert!(selection.components().contains(KUBECTL));
        assert!(!selection.components().contains(CHROMIUM));
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
    fn suites_need_the_parts_whose_types_they_name() {
        const TYPES: [(&str, &[&str]); 7] = [
            ("ApiServer", &[KUBE_APISERVER, ETCD]),
            ("api_server::", &[KUBE_APISERVER, ETCD]),
            ("Kubectl::", &[KUBECTL]),
            ("Dex::", &[DEX]),
            ("oracle::", &[CEL_ORACLE]),
            ("OidcProvider::", &[NODE_MODULES]),
            ("Browser::", &[NODE_MODULES, CHROMIUM]),
        ];
        let suites = workspace::root().join("tests").join("tests");
        for (suite, needs) in NEEDS {
            let mut text = String::new();
            for file in workspace::files(&suites.join(suite)).unwrap() {
                text += &fs::read_to_string(file).unwrap();
            }
            assert!(!text.is_empty(), "{suite}");
            let named = TYPES.iter().filter(|(name, _)| text.contains(name));
            for needed in named.flat_map(|(_, parts)| *parts) {
                assert!(needs.contains(needed), "{suite} uses {needed}");
            }
        }
        let folders = fs::read_dir(&suites).unwrap().count();
        assert_eq!(folders, NEEDS.len(), "each suite has its row");
    }
}
