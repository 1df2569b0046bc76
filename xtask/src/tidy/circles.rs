//! Checks that within each crate files do not import each other in circles.
//! Never checks tests, and permits pairs: two files may be one idea in two halves.

use super::imports::{self, Contents, Import, Kind};
use crate::workspace;
use anyhow::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::{fs, path::Path};

/// Two files that import each other are a pair; more are a circle.
const LARGEST: usize = 2;

/// The most re-exporting files through which a name is followed.
const DEEPEST_REEXPORT: usize = 8;

type Module = Vec<String>;

pub(crate) fn check(root: &Path, faults: &mut Vec<String>) -> Result<()> {
    let mut crates: BTreeMap<String, BTreeMap<Module, (String, Contents)>> = BTreeMap::new();
    for file in workspace::files(root)? {
        let name = file.strip_prefix(root).unwrap_or(&file).to_string_lossy().into_owned();
        if let Some((package, module)) = module_of(&name) {
            let contents = imports::read(&fs::read_to_string(&file)?);
            crates.entry(package).or_default().insert(module, (name, contents));
        }
    }
    for modules in crates.values() {
        check_crate(modules, faults);
    }
    Ok(())
}

/// `crates/a/src/b/c.rs` → (`crates/a`, `b::c`); `None` for files that are not modules of a
/// library or program.
fn module_of(name: &str) -> Option<(String, Module)> {
    let (package, path) = name.strip_suffix(".rs")?.split_once("/src/")?;
    if package.starts_with("tests") || path.starts_with("bin/") {
        return None;
    }
    let mut module: Module = path.split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| last == "mod") {
        module.pop();
    }
    if matches!(module.as_slice(), [only] if only == "main" || only == "lib") {
        module.clear();
    }
    Some((package.to_owned(), module))
}

fn check_crate(modules: &BTreeMap<Module, (String, Contents)>, faults: &mut Vec<String>) {
    let tests = test_modules(modules);
    let mut arrows: BTreeMap<&Module, BTreeMap<&Module, (&Import, usize)>> = BTreeMap::new();
    for (module, (_, contents)) in modules.iter().filter(|(module, _)| !tests.contains(*module)) {
        let targets = arrows.entry(module).or_default();
        for import in &contents.imports {
            let Some(target) = target(modules, module, import) else { continue };
            // A folder's own file re-exports what its files define; that is not a use.
            let is_reexport = import.kind == Kind::Reexport && target.starts_with(module);
            if target != module && !tests.contains(target) && !is_reexport {
                targets.entry(target).or_insert((import, import.line));
            }
        }
    }
    for circle in circles(&arrows) {
        if circle.len() > LARGEST {
            faults.push(describe(modules, &arrows, &circle));
        }
    }
}

fn test_modules(modules: &BTreeMap<Module, (String, Contents)>) -> BTreeSet<Module> {
    let declared: Vec<Module> = modules
        .iter()
        .flat_map(|(module, (_, contents))| {
            contents
                .test_modules
                .iter()
                .map(|name| [module.as_slice(), std::slice::from_ref(name)].concat())
        })
        .collect();
    let is_test = |module: &&Module| {
        module.last().is_some_and(|last| last == "tests")
            || declared.iter().any(|test| module.starts_with(test))
    };
    modules.keys().filter(is_test).cloned().collect()
}

/// The file that defines what is imported, as far as re-exports can be followed.
fn target<'m>(
    modules: &'m BTreeMap<Module, (String, Contents)>,
    from: &Module,
    import: &Import,
) -> Option<&'m Module> {
    let path = absolute(modules, from, &import.path)?;
    resolve(modules, &path, 0)
}

/// The path from the crate's root; `None` for a path of another crate or a name of this file.
fn absolute(
    modules: &BTreeMap<Module, (String, Contents)>,
    from: &Module,
    path: &[String],
) -> Option<Module> {
    let (first, rest) = path.split_first()?;
    match first.as_str() {
        "crate" => Some(rest.to_vec()),
        "self" => Some([from.as_slice(), rest].concat()),
        "super" => {
            let mut base = from.clone();
            base.pop()?;
            let mut rest = rest;
            while let Some((next, after)) = rest.split_first().filter(|(next, _)| *next == "super")
            {
                let _ = next;
                base.pop()?;
                rest = after;
            }
            Some([base.as_slice(), rest].concat())
        }
        name => {
            let child = [from.as_slice(), &[name.to_owned()]].concat();
            modules.contains_key(&child).then(|| [child.as_slice(), rest].concat())
        }
    }
}

fn resolve<'m>(
    modules: &'m BTreeMap<Module, (String, Contents)>,
    path: &[String],
    depth: usize,
) -> Option<&'m Module> {
    let mut prefixes = (0..=path.len()).rev().filter_map(|length| path.get(..length));
    let (module, (_, contents)) = prefixes.find_map(|path| modules.get_key_value(path))?;
    let name = path.get(module.len()).filter(|_| depth < DEEPEST_REEXPORT);
    let Some(name) = name else { return Some(module) };
    let reexport = contents.imports.iter().find(|import| {
        import.kind != Kind::Path
            && import.name.as_deref() == Some(name.as_str())
            && import.path.len() > 1
    });
    match reexport.and_then(|import| absolute(modules, module, &import.path)) {
        Some(next) => resolve(modules, &next, depth + 1).or(Some(module)),
        None => Some(module),
    }
}

/// The strongly connected components of the graph.
fn circles<'m>(
    arrows: &BTreeMap<&'m Module, BTreeMap<&'m Module, (&Import, usize)>>,
) -> Vec<Vec<&'m Module>> {
    let reach = |from: &'m Module| {
        let mut seen: BTreeSet<&'m Module> = BTreeSet::new();
        let mut next = vec![from];
        while let Some(module) = next.pop() {
            for &target in arrows.get(module).into_iter().flat_map(BTreeMap::keys) {
                if seen.insert(target) {
                    next.push(target);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&'m Module, BTreeSet<&'m Module>> =
        arrows.keys().map(|&module| (module, reach(module))).collect();
    let mut done = BTreeSet::new();
    let mut found = Vec::new();
    for (&module, targets) in &reached {
        if !targets.contains(module) || !done.insert(module) {
            continue;
        }
        let mut circle = vec![module];
        for &other in targets {
            if other != module && reached.get(other).is_some_and(|back| back.contains(module)) {
                done.insert(other);
                circle.push(other);
            }
        }
        found.push(circle);
    }
    found
}

fn describe(
    modules: &BTreeMap<Module, (String, Contents)>,
    arrows: &BTreeMap<&Module, BTreeMap<&Module, (&Import, usize)>>,
    circle: &[&Module],
) -> String {
    let file = |module: &Module| modules.get(module).map_or("?", |(name, _)| name.as_str());
    let mut lines = vec![format!("{} files import each other in a circle:", circle.len())];
    for &module in circle {
        for (&target, (import, line)) in arrows.get(module).into_iter().flatten() {
            if circle.contains(&target) {
                let path = import.path.join("::");
                lines.push(format!("  {}:{line}: `{path}` of {}", file(module), file(target)));
            }
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The faults of a crate with these files.
    fn faults(files: &[(&str, &str)]) -> Vec<String> {
        let modules = files.iter().map(|(name, text)| {
            let (_, module) = module_of(&format!("crates/a/src/{name}")).unwrap();
            (module, ((*name).to_owned(), imports::read(text)))
        });
        let mut faults = Vec::new();
        check_crate(&modules.collect(), &mut faults);
        faults
    }

    #[test]
    fn three_files_in_a_circle_are_named_with_the_imports_that_tie_them() {
        let found = faults(&[
            ("lib.rs", "mod a;\nmod b;\nmod c;\n"),
            ("a.rs", "use crate::b::B;\n"),
            ("b.rs", "use super::c;\n"),
            ("c.rs", "\nfn f() { crate::a::f() }\n"),
        ]);
        let [found] = found.as_slice() else { panic!("{found:?}") };
        for tie in ["a.rs:1: `crate::b::B` of b.rs", "b.rs:1: `super::c` of c.rs", "c.rs:2: "] {
            assert!(found.contains(tie), "{found}");
        }
    }

    #[test]
    fn pairs_tests_and_what_a_folder_hands_on_are_no_circle() {
        let ends = |last: &'static str| {
            faults(&[
                ("lib.rs", "mod a;\n#[cfg(test)]\nmod model;\npub use a::C;\n"),
                ("a/mod.rs", "mod b;\nmod c;\npub(crate) use b::B;\npub use c::C;\n"),
                ("a/b.rs", "use super::C;\n"),
                ("a/c.rs", last),
                ("a/tests.rs", "use super::B;\nuse crate::model;\n"),
                ("model.rs", "use crate::a::B;\n"),
            ])
        };
        assert!(ends("use super::B;\n").is_empty());
        assert!(ends("#[cfg(test)]\nmod tests { use crate::model; }\n").is_empty());
        assert!(ends("use crate::model;\n").is_empty());
    }
}
