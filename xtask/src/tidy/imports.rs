//! Reads from a Rust file's text which names of its own crate it imports.
//! Never follows a macro, and never counts what is compiled only for tests.

/// One `use` of the crate's own names, or one such path in the code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Import {
    /// As written, from `crate`, `super`, `self` or a name: `["crate", "time", "Seconds"]`.
    pub(super) path: Vec<String>,
    /// Its name in this file; `None` for `*`.
    pub(super) name: Option<String>,
    pub(super) line: usize,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// `use crate::a::B;`
    Use,
    /// `pub(crate) use a::B;`
    Reexport,
    /// `crate::a::b()` in the code.
    Path,
}

/// What a file imports and declares of its crate.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    pub(super) imports: Vec<Import>,
    /// The modules that it declares only for tests (`#[cfg(test)] mod model;`).
    pub(super) test_modules: Vec<String>,
}

/// Reads a file without its inline test modules.
pub(super) fn read(text: &str) -> Contents {
    let tokens = without_tests(tokens(text));
    let mut contents = Contents { test_modules: tokens.1, ..Contents::default() };
    let tokens = tokens.0;
    let mut at = 0;
    while at < tokens.len() {
        if word(&tokens, at) == "use" {
            let before = at.checked_sub(1).map_or("", |before| word(&tokens, before));
            let kind = if matches!(before, "pub" | ")") { Kind::Reexport } else { Kind::Use };
            at = tree(&tokens, at + 1, (&[], kind), &mut contents.imports);
        } else if matches!(word(&tokens, at), "crate" | "super") && word(&tokens, at + 1) == "::" {
            at = path(&tokens, at, &mut contents.imports);
        } else {
            at += 1;
        }
    }
    contents
}

struct Token {
    text: String,
    line: usize,
}

fn word(tokens: &[Token], at: usize) -> &str {
    tokens.get(at).map_or("", |token| token.text.as_str())
}

/// Words, `::` and single characters; without comments, strings and character literals.
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '"' => string(rest),
            'r' if raw_string(rest).is_some() => raw_string(rest).unwrap_or(1),
            '\'' => character(rest),
            ':' if rest.starts_with("::") => 2,
            _ if is_of_word(first) => rest.find(|c| !is_of_word(c)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (token, after) = rest.split_at(length.max(1));
        if !first.is_whitespace() && !matches!(first, '"' | '\'') && !token.starts_with('/') {
            tokens.push(Token { text: token.to_owned(), line });
        }
        line += token.matches('\n').count();
        rest = after;
    }
    tokens
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn raw_string(text: &str) -> Option<usize> {
    let fences = text.strip_prefix('r')?.chars().take_while(|&c| c == '#').count();
    let body = text.get(1 + fences..)?.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(fences));
    Some(2 + fences + body.find(&end).map_or(body.len(), |at| at + end.len()))
}

/// The length of a character literal, or of the quote of a lifetime or label.
fn character(text: &str) -> usize {
    let mut characters = text.char_indices().skip(1);
    match characters.next() {
        Some((_, '\\')) => text.get(3..).and_then(|t| t.find('\'')).map_or(1, |at| 3 + at + 1),
        Some(_) => match characters.next() {
            Some((at, '\'')) => at + 1,
            _ => 1,
        },
        None => 1,
    }
}

/// Removes each item below a `#[cfg(test)]`, and returns the names of modules declared there.
fn without_tests(tokens: Vec<Token>) -> (Vec<Token>, Vec<String>) {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut modules = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let is_mark =
            MARK.iter().enumerate().all(|(offset, sign)| word(&tokens, at + offset) == *sign);
        if is_mark {
            at += MARK.len();
            if let Some(declared) = (at..at + 4).find(|&i| word(&tokens, i) == "mod")
                && word(&tokens, declared + 2) == ";"
            {
                modules.push(word(&tokens, declared + 1).to_owned());
            }
            at = item_end(&tokens, at);
        } else if let Some(token) = tokens.get(at) {
            kept.push(Token { text: token.text.clone(), line: token.line });
            at += 1;
        }
    }
    (kept, modules)
}

/// The position after the `;` or the closing brace of the item that begins here.
fn item_end(tokens: &[Token], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while at < tokens.len() {
        match word(tokens, at) {
            "{" | "(" | "[" => depth += 1,
            ")" | "]" => depth = depth.saturating_sub(1),
            "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 && word(tokens, at + 1) != ";" {
                    return at + 1;
                }
            }
            ";" | "," if depth == 0 => return at + 1,
            _ => {}
        }
        at += 1;
    }
    at
}

/// A `use` tree: what it imports, and where it ends.
fn tree(
    tokens: &[Token],
    mut at: usize,
    (before, kind): (&[String], Kind),
    imports: &mut Vec<Import>,
) -> usize {
    let line = tokens.get(at).map_or(0, |token| token.line);
    let mut path = before.to_vec();
    loop {
        match word(tokens, at) {
            "::" => at += 1,
            "{" => {
                at += 1;
                while !matches!(word(tokens, at), "}" | "") {
                    at = if word(tokens, at) == "," {
                        at + 1
                    } else {
                        tree(tokens, at, (&path, kind), imports)
                    };
                }
                return at + 1;
            }
            "*" => {
                imports.push(Import { path, name: None, line, kind });
                return at + 1;
            }
            "as" => {
                let name = Some(word(tokens, at + 1).to_owned());
                imports.push(Import { path, name, line, kind });
                return at + 2;
            }
            "," | "}" | ";" | "" => {
                if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
                    path.pop();
                }
                let name = path.last().cloned();
                imports.push(Import { path, name, line, kind });
                return at;
            }
            name => {
                path.push(name.to_owned());
                at += 1;
            }
        }
    }
}

/// A path in the code: `crate::time::now()`.
fn path(tokens: &[Token], mut at: usize, imports: &mut Vec<Import>) -> usize {
    let line = tokens.get(at).map_or(0, |token| token.line);
    let mut path = vec![word(tokens, at).to_owned()];
    at += 1;
    while word(tokens, at) == "::" && word(tokens, at + 1).starts_with(is_of_word) {
        path.push(word(tokens, at + 1).to_owned());
        at += 2;
    }
    let name = path.last().cloned();
    imports.push(Import { path, name, line, kind: Kind::Path });
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        read(text).imports.iter().map(|import| import.path.join("::")).collect()
    }

    #[test]
    fn every_leaf_of_a_use_is_an_import() {
        let text =
            "use crate::a::{b, c::{self, D}, e as f};\npub(crate) use super::g;\nuse super::*;\n";
        let expected =
            ["crate::a::b", "crate::a::c", "crate::a::c::D", "crate::a::e", "super::g", "super"];
        assert_eq!(paths(text), expected);
        assert_eq!(read(text).imports[3].name.as_deref(), Some("f"));
        assert_eq!(read(text).imports[4].line, 2);
        assert_eq!(read(text).imports[4].kind, Kind::Reexport);
        assert_eq!(read(text).imports[5].kind, Kind::Use);
    }

    #[test]
    fn paths_in_the_code_count_and_texts_do_not() {
        let text = "fn a<'a>(x: &'a str) { crate::b::c(); let _ = ('\"', \"crate::no\", r#\"crate::no\"#); /* crate::no */ }\n// crate::no\nfn d() { super::e::F::new() }\n";
        assert_eq!(paths(text), ["crate::b::c", "super::e::F::new"]);
    }

    #[test]
    fn what_is_for_tests_does_not_count() {
        let text = "use crate::a;\n#[cfg(test)]\nmod model;\n#[cfg(test)]\nuse crate::b;\n#[cfg(test)]\nmod tests {\n    use crate::c;\n    fn d() { crate::e() }\n}\n#[cfg(unix)]\nuse crate::f;\n";
        assert_eq!(paths(text), ["crate::a", "crate::f"]);
        assert_eq!(read(text).test_modules, ["model"]);
    }
}
