//! What an expression may name: variables with their types, functions, macros, types.
//!
//! Never here: values.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use crate::function::{Library, Overload};
use crate::library::libraries;
use crate::standard::standard;
use crate::syntax::Macro;
use crate::types::Type;

/// The declarations against which a text is compiled.
pub struct Environment {
    pub(crate) variables: BTreeMap<&'static str, Type>,
    pub(crate) functions: HashMap<&'static str, Vec<Overload>>,
    pub(crate) macros: HashMap<&'static str, Vec<Macro>>,
    pub(crate) types: HashMap<&'static str, Type>,
}

impl Environment {
    /// The standard functions, all libraries, and these variables.
    pub fn new(variables: impl IntoIterator<Item = (&'static str, Type)>) -> Environment {
        let mut environment = Environment {
            variables: variables.into_iter().collect(),
            functions: HashMap::new(),
            macros: HashMap::new(),
            types: HashMap::new(),
        };
        for library in std::iter::once(standard()).chain(libraries()) {
            environment.add(library);
        }
        environment
    }

    /// With `claims`, as kube-apiserver declares it: nothing is known of the values.
    pub fn of_claims() -> Environment {
        Environment::new([("claims", Type::map(Type::String, Type::Any))])
    }

    /// With `user`, as kube-apiserver declares it.
    pub fn of_user() -> Environment {
        let strings = || Type::list(Type::String);
        let fields = [
            ("username", Type::String),
            ("uid", Type::String),
            ("groups", strings()),
            ("extra", Type::map(Type::String, strings())),
        ];
        Environment::new([("user", Type::object("kubernetes.UserInfo", fields))])
    }

    fn add(&mut self, library: Library) {
        for function in library.functions {
            self.functions.entry(function.name).or_default().extend(function.overloads);
        }
        for rewriting in library.macros {
            self.macros.entry(rewriting.name).or_default().push(rewriting);
        }
        self.types.extend(library.types);
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Environment")
            .field("variables", &self.variables)
            .finish_non_exhaustive()
    }
}
