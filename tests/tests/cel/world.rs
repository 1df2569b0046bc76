//! The answers of both engines, and whether they agree.
//! Never accepts a difference that is not listed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::ensure;
use login_tests::components::Components;

use crate::corpus::{self, Answer, Compared, Differences, Outcome, Question};
use crate::{oracle, ours, random};

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/cel");

/// How often the oracle is asked before its answers are recorded. Go walks a map of two entries
/// in the rarer order once in eight times.
const TIMES: u32 = 100;

pub(crate) struct World {
    compared: Vec<Compared>,
    differences: Differences,
}

impl World {
    pub(crate) fn start(components: &Arc<Components>) -> anyhow::Result<World> {
        let differences = corpus::differences(Path::new(CORPUS))?;
        let mut questions = corpus::questions(Path::new(CORPUS))?;
        let oracle = components.cel_oracle()?;
        #[expect(clippy::disallowed_methods, reason = "a person asks for new records by hand")]
        if std::env::var_os("LOGIN_TEST_CEL_RECORD").is_some() {
            record(&oracle, &questions)?;
        }
        questions.extend(random::questions(&questions, &differences));
        let theirs = oracle::answers(&oracle, &questions)?;
        let compared = questions
            .into_iter()
            .zip(theirs)
            .map(|(question, theirs)| {
                let ours = ours::answer(&question);
                Compared { question, ours, theirs }
            })
            .collect();
        Ok(World { compared, differences })
    }

    pub(crate) fn has_expressions(&self, least: usize) -> anyhow::Result<()> {
        ensure!(self.compared.len() >= least, "{} expressions", self.compared.len());
        Ok(())
    }

    /// Fails with every expression of the theme on which the engines differ.
    pub(crate) fn agrees(&self, theme: &str) -> anyhow::Result<()> {
        let of_theme = || self.compared.iter().filter(|compared| compared.question.theme == theme);
        ensure!(of_theme().next().is_some(), "there are no expressions about `{theme}`");
        let differing = corpus::differing(of_theme(), &self.differences);
        ensure!(differing.is_empty(), "{} differ\n{}", differing.len(), differing.join("\n"));
        Ok(())
    }

    pub(crate) fn lists_only_differences(&self) -> anyhow::Result<()> {
        let gone = corpus::gone_differences(&self.compared, &self.differences);
        ensure!(gone.is_empty(), "these do not differ (any more): {gone:#?}");
        Ok(())
    }

    /// Without random expressions: these iterate over maps, whose order neither engine promises.
    fn of_the_corpus(&self) -> impl Iterator<Item = &Compared> {
        let is_random = |theme: &str| [random::PATTERNS, random::EXPRESSIONS].contains(&theme);
        self.compared.iter().filter(move |compared| !is_random(&compared.question.theme))
    }

    pub(crate) fn costs_alike(&self) -> anyhow::Result<()> {
        corpus::costs_alike(self.of_the_corpus())
    }

    /// Compares kinds, values and costs with the record, except costs that were found to vary.
    pub(crate) fn is_recorded(&self) -> anyhow::Result<()> {
        let questions: Vec<&Question> =
            self.of_the_corpus().map(|compared| &compared.question).collect();
        let recorded = corpus::recorded(Path::new(CORPUS), &questions)?;
        let mut changed = Vec::new();
        for (Compared { question, theirs, .. }, recorded) in self.of_the_corpus().zip(recorded) {
            let varies = matches!(recorded.outcome, Outcome::Value(_)) && recorded.cost.is_none();
            let cost = theirs.cost.filter(|_| !varies);
            let found = corpus::line(question, &Answer { outcome: theirs.outcome.clone(), cost });
            let expected = corpus::line(question, &recorded);
            if expected != found {
                changed.push(format!("{expected}\n  is now {found}"));
            }
        }
        ensure!(
            changed.is_empty(),
            "recorded otherwise; `LOGIN_TEST_CEL_RECORD=1` records it again:\n{}",
            changed.join("\n")
        );
        Ok(())
    }
}

/// Asks several times, since the cost of some expressions depends on the order in which Go
/// iterates over a map: that cost is not recorded.
#[expect(clippy::disallowed_methods, reason = "the files are in version control")]
fn record(oracle: &Path, questions: &[Question]) -> anyhow::Result<()> {
    let mut answers = oracle::answers(oracle, questions)?;
    // Slow expressions loop over lists, whose order is fixed.
    let (again, places): (Vec<Question>, Vec<usize>) = questions
        .iter()
        .enumerate()
        .filter(|(_, question)| question.theme != "limits")
        .map(|(place, question)| (question.clone(), place))
        .unzip();
    for _ in 1..TIMES {
        for (place, found) in places.iter().zip(oracle::answers(oracle, &again)?) {
            let Some(answer) = answers.get_mut(*place) else { continue };
            ensure!(answer.outcome.is_same(&found.outcome), "outcome {place} varies");
            answer.cost = answer.cost.filter(|_| found.cost == answer.cost);
        }
    }
    let folder = Path::new(CORPUS).join("recorded");
    fs::create_dir_all(&folder)?;
    let mut lines: BTreeMap<&str, String> = BTreeMap::new();
    for (question, answer) in questions.iter().zip(&answers) {
        let text = lines.entry(&question.theme).or_default();
        text.push_str(&corpus::line(question, answer));
        text.push('\n');
    }
    for (theme, text) in lines {
        fs::write(folder.join(theme).with_extension("jsonl"), text)?;
    }
    Ok(())
}
