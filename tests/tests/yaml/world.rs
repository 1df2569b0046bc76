//! The answers of both sides, and whether they agree.
//! Never accepts a difference that is not listed.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::ensure;
use login_tests::components::Components;
use login_tests::oracle;
use serde_json::{Value, json};

use crate::differences::{self, Difference};
use crate::same::same;
use crate::{ours, texts};

/// The reader of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reader {
    /// A configuration of login-server, as kube-apiserver reads its own.
    Strict,
    /// `AuthenticationConfiguration` and its rules.
    Authentication,
    /// A kubeconfig.
    Lenient,
}

impl Reader {
    const ALL: [Self; 3] = [Self::Strict, Self::Authentication, Self::Lenient];

    const fn name(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Authentication => "authentication",
            Self::Lenient => "lenient",
        }
    }
}

/// The value of a text, or the reason why it is refused.
pub(crate) type Reading = Result<Value, String>;

pub(crate) struct Answered {
    pub(crate) reader: Reader,
    pub(crate) text: String,
    pub(crate) ours: Reading,
    pub(crate) theirs: Reading,
}

pub(crate) struct World {
    answered: Vec<Answered>,
}

impl World {
    pub(crate) fn start(components: &Arc<Components>) -> anyhow::Result<World> {
        let texts = texts::all()?;
        let questions: Vec<(Reader, String)> = texts
            .into_iter()
            .flat_map(|text| Reader::ALL.map(|reader| (reader, text.clone())))
            .collect();
        let lines =
            questions.iter().map(|(reader, text)| json!({ "reader": reader.name(), "text": text }));
        let said = oracle::answers(&components.cel_oracle()?, lines)?;
        let answered = questions
            .into_iter()
            .zip(said)
            .map(|((reader, text), said)| {
                let theirs = match said.get("error").and_then(Value::as_str) {
                    Some(error) => Err(error.to_owned()),
                    None => Ok(said.get("value").cloned().unwrap_or_default()),
                };
                Answered { reader, ours: ours::reading(reader, &text), theirs, text }
            })
            .collect();
        Ok(World { answered })
    }

    /// Fails with every text that we read differently for no listed reason.
    pub(crate) fn agrees(&self, reader: Reader) -> anyhow::Result<()> {
        let of_reader = self.answered.iter().filter(|answered| answered.reader == reader);
        let (mut taken, mut kinds) = (0, BTreeMap::<String, Vec<&Answered>>::new());
        for answered in of_reader {
            taken += usize::from(answered.ours.is_ok() && answered.theirs.is_ok());
            if !same(answered) && differences::of(answered).is_none() {
                let kind = match (&answered.ours, &answered.theirs) {
                    (Err(ours), Ok(_)) => format!("only we refuse: {}", last_part(ours)),
                    (Ok(_), Err(theirs)) => format!("only they refuse: {}", last_part(theirs)),
                    _ => "other values".to_owned(),
                };
                kinds.entry(kind).or_default().push(answered);
            }
        }
        // A comparison of refusals alone would prove nothing.
        ensure!(taken >= 20, "both take {taken} texts only");
        let count: usize = kinds.values().map(Vec::len).sum();
        let shown: Vec<String> =
            kinds.iter().map(|(kind, answered)| shown(kind, answered)).collect();
        ensure!(shown.is_empty(), "{count} differ\n{}", shown.join("\n"));
        Ok(())
    }

    pub(crate) fn lists_only_differences(&self) -> anyhow::Result<()> {
        let differing: Vec<&Answered> =
            self.answered.iter().filter(|answered| !same(answered)).collect();
        let gone: Vec<&Difference> = differences::ALL
            .iter()
            .filter(|kind| !differing.iter().any(|answered| kind.explains(answered)))
            .collect();
        ensure!(gone.is_empty(), "no text shows these (any more): {gone:#?}");
        Ok(())
    }
}

/// An error without the position at its start.
fn last_part(error: &str) -> &str {
    error.rsplit_once(": ").map_or(error, |(_, last)| last)
}

/// The shortest text of a kind.
fn shown(kind: &str, answered: &[&Answered]) -> String {
    let Some(shortest) = answered.iter().min_by_key(|answered| answered.text.len()) else {
        return String::new();
    };
    format!(
        "{} × {kind}\n  text:   {:?}\n  ours:   {:?}\n  theirs: {:?}",
        answered.len(),
        shortest.text,
        shortest.ours,
        shortest.theirs
    )
}
