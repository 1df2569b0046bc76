//! Checks that the recipes of the architecture name exactly the files that are marked with them.
//! Never says what a recipe should contain: the marks are set where a change of that kind goes.

use crate::workspace;
use anyhow::Result;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

const DOCUMENT: &str = "crates/ARCHITECTURE.md";

/// Written in two parts so that this file does not find itself.
const MARK: &str = concat!("// recipe", ": ");

/// The files of each recipe.
type Recipes = BTreeMap<String, BTreeSet<String>>;

pub(crate) fn check(root: &Path, faults: &mut Vec<String>) -> Result<()> {
    let mut marked = Recipes::new();
    for file in workspace::files(root)? {
        if file.extension().is_some_and(|extension| extension == "rs") {
            let name = file.strip_prefix(root).unwrap_or(&file).to_string_lossy().into_owned();
            for recipe in marks(&fs::read_to_string(&file)?) {
                marked.entry(recipe.to_owned()).or_default().insert(name.clone());
            }
        }
    }
    compare(&documented(&fs::read_to_string(root.join(DOCUMENT))?), &marked, faults);
    Ok(())
}

/// The recipes that a file is marked with.
fn marks(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.trim_start().strip_prefix(MARK)).map(str::trim)
}

/// The recipes of the document: items of its section, each with its name in bold, then files.
fn documented(text: &str) -> Recipes {
    let section = text.split("\n### Recipes\n").nth(1).unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
    let item = |line: &str| {
        let (name, rest) = line.strip_prefix("- **")?.split_once("**")?;
        let spans = rest.split('`').skip(1).step_by(2);
        let is_rust = |span: &&str| Path::new(span).extension().is_some_and(|it| it == "rs");
        let files = spans.filter(is_rust).map(ToOwned::to_owned).collect();
        Some((name.to_owned(), files))
    };
    section.lines().filter_map(item).collect()
}

fn compare(documented: &Recipes, marked: &Recipes, faults: &mut Vec<String>) {
    let none = BTreeSet::new();
    for recipe in documented.keys().chain(marked.keys()).collect::<BTreeSet<_>>() {
        let named = documented.get(recipe).unwrap_or(&none);
        let found = marked.get(recipe).unwrap_or(&none);
        for file in named.difference(found) {
            faults.push(format!("{DOCUMENT}: {file} has no mark `{MARK}{recipe}`"));
        }
        for file in found.difference(named) {
            faults.push(format!("{file}: the recipe `{recipe}` in {DOCUMENT} does not name it"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\n### Recipes\n\nHow:\n\n- **flow**: a row in `a/b.rs`, a file in `a/`.\n\n## Next\n- **x**: `c.rs`\n";

    fn faults(marked: &[(&str, &str)]) -> Vec<String> {
        let mut recipes = Recipes::new();
        for (recipe, file) in marked {
            recipes.entry((*recipe).to_owned()).or_default().insert((*file).to_owned());
        }
        let mut faults = Vec::new();
        compare(&documented(TEXT), &recipes, &mut faults);
        faults
    }

    #[test]
    fn a_recipe_names_the_files_with_its_mark_and_no_others() {
        assert!(faults(&[("flow", "a/b.rs")]).is_empty());
        assert_eq!(faults(&[]).len(), 1);
        assert!(faults(&[("flow", "a/b.rs"), ("flow", "d.rs")])[0].starts_with("d.rs: "));
        assert!(faults(&[("flow", "a/b.rs"), ("source", "d.rs")])[0].contains("`source`"));
    }

    #[test]
    fn a_mark_is_a_line_of_its_own() {
        let text = format!("fn a() {{}}\n    {MARK}flow\nlet b = 1; {MARK}no\n");
        assert_eq!(marks(&text).collect::<Vec<_>>(), ["flow"]);
    }
}
