//! Lists the claims that an expression selects, from its tree: for warnings about a configuration.
//! Never decides about a token: only evaluation shows which part of a tree is used.

use std::collections::BTreeSet;

use kubernetes_cel::{
    Value,
    tree::{Kind, Node},
    value::Text,
};

/// Whether the expression selects field `name` of the variable: `claims.email`, `claims.?email`,
/// `has(claims.email)`; not `claims["email"]`.
pub(super) fn selects(tree: Node<'_>, variable: &str, name: &str) -> bool {
    let is_here = match tree.kind() {
        Kind::Call { function, .. } if function != "_?._" => false,
        kind => selected(&kind, variable) == Some(name),
    };
    is_here || tree.children().into_iter().any(|child| selects(child, variable, name))
}

/// All names that are selected from the variable: `claims.email`, `claims.?email`,
/// `has(claims.email)`, `claims["email"]`, `claims[?"email"]`.
pub(super) fn selected_from(tree: Node<'_>, variable: &str) -> BTreeSet<String> {
    let mut names: BTreeSet<String> =
        selected(&tree.kind(), variable).map(str::to_owned).into_iter().collect();
    for child in tree.children() {
        names.extend(selected_from(child, variable));
    }
    names
}

/// The operation that uses the variable as a map or a list, if there is one: `in` or `size`.
pub(super) fn takes_for_container(tree: Node<'_>, variable: &str) -> Option<&'static str> {
    container_use(&tree.kind(), variable).or_else(|| {
        tree.children().into_iter().find_map(|child| takes_for_container(child, variable))
    })
}

fn is_variable(node: Node<'_>, variable: &str) -> bool {
    matches!(node.kind(), Kind::Name(name) if name == variable)
}

fn selected<'p>(kind: &Kind<'p>, variable: &str) -> Option<&'p str> {
    match kind {
        Kind::Select { operand, field, .. } if is_variable(*operand, variable) => Some(field),
        Kind::Call { function: "_?._" | "_[_]" | "_[?_]", target: None, arguments } => {
            let [operand, key] = arguments.as_slice() else { return None };
            match key.kind() {
                Kind::Literal(Value::String(Text::Borrowed(name)))
                    if is_variable(*operand, variable) =>
                {
                    Some(name)
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn container_use(kind: &Kind<'_>, variable: &str) -> Option<&'static str> {
    let Kind::Call { function, target, arguments } = kind else { return None };
    let container = target.as_ref().or_else(|| arguments.last())?;
    match *function {
        _ if !is_variable(*container, variable) => None,
        "@in" => Some("in"),
        "size" => Some("size"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use kubernetes_cel::Program;

    use super::*;
    use crate::claims::variables::claims_environment;

    #[test]
    fn selections_of_claims_are_found_wherever_they_stand() {
        for (source, expected) in [
            ("claims.email", true),
            ("claims.?email.orValue('')", true),
            ("has(claims.email) ? 'a' : 'b'", true),
            ("['a'].map(x, x + claims.email)[0]", true),
            ("{'a': [claims.email]}", true),
            ("claims.email.size() == 1 && true", true),
            ("claims['email']", false),
            ("claims[?'email']", false),
            ("claims.nested.email", false),
            ("claims.emails", false),
            ("'claims.email'", false),
        ] {
            let compiled = Program::compile(source, claims_environment()).unwrap();
            assert_eq!(selects(compiled.tree(), "claims", "email"), expected, "{source}");
        }
    }
}
