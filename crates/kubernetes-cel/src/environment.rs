//! What an expression may name: variables with their types, functions, macros, types.
//! Never a value: those are bound in each evaluation.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use crate::error::EnvironmentError;
use crate::function::{Declarations, Function, Overload};
use crate::library::Library;
use crate::reserved::is_name;
use crate::standard::standard;
use crate::syntax::Dialect;
use crate::types::Type;

/// The declarations against which programs are compiled. It is built once and shared.
pub struct Environment {
    pub(crate) variables: BTreeMap<Arc<str>, Type>,
    pub(crate) functions: HashMap<Cow<'static, str>, Vec<Overload>>,
    pub(crate) dialect: Dialect,
    pub(crate) types: HashMap<&'static str, Type>,
}

impl Environment {
    /// An environment with the standard functions and macros of CEL, to which everything else is
    /// added by name.
    pub fn builder() -> EnvironmentBuilder {
        EnvironmentBuilder::default()
    }

    /// As [`Environment::builder`], with every library that Kubernetes 1.37 enables
    /// ([`Library::KUBERNETES_1_37`]).
    pub fn kubernetes() -> EnvironmentBuilder {
        Environment::builder().libraries(Library::KUBERNETES_1_37)
    }

    fn add(&mut self, declarations: Declarations) {
        for function in declarations.functions {
            self.functions.entry(function.name).or_default().extend(function.overloads);
        }
        self.dialect.add(declarations.macros);
        self.types.extend(declarations.types);
    }

    fn add_variable(&mut self, name: Arc<str>, of: Type) -> Result<(), EnvironmentError> {
        if !is_name(&name) {
            return Err(EnvironmentError::Name(name.to_string()));
        }
        if self.types.contains_key(&*name) {
            return Err(EnvironmentError::HiddenType(name.to_string()));
        }
        match self.variables.insert(Arc::clone(&name), of) {
            None => Ok(()),
            Some(_) => Err(EnvironmentError::DuplicateVariable(name.to_string())),
        }
    }

    fn add_function(&mut self, function: Function) -> Result<(), EnvironmentError> {
        let Function { name, overloads } = function;
        if !is_name(&name) {
            return Err(EnvironmentError::Name(name.into_owned()));
        }
        if overloads.is_empty() {
            return Err(EnvironmentError::NoOverloads(name.into_owned()));
        }
        let known = self.functions.entry(name.clone()).or_default();
        for overload in overloads {
            let signature = || overload.signature(&name);
            let Some(arguments) = overload.parameters.len().checked_sub(overload.member.into())
            else {
                return Err(EnvironmentError::NoTarget(signature()));
            };
            // `a.b(c)` is a call of `b` with a target to the parser, whatever `a` is.
            let (called, member) = match name.rsplit_once('.') {
                Some((_, last)) => (last, true),
                None => (&*name, overload.member),
            };
            if self.dialect.find(called, member, arguments).is_some() {
                return Err(EnvironmentError::HiddenByMacro(signature()));
            }
            if known.iter().any(|other| other.overlaps(&overload)) {
                return Err(EnvironmentError::DuplicateOverload(signature()));
            }
            known.push(Overload { of_host: true, ..overload });
        }
        Ok(())
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

/// Collects the declarations of an [`Environment`]; [`build`](EnvironmentBuilder::build) checks
/// them.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct EnvironmentBuilder {
    libraries: BTreeSet<Library>,
    variables: Vec<(Arc<str>, Type)>,
    functions: Vec<Function>,
}

impl EnvironmentBuilder {
    /// With a variable. Each evaluation binds its value; the name may have dots (`request.user`).
    pub fn variable(mut self, name: impl Into<Arc<str>>, of: Type) -> EnvironmentBuilder {
        self.variables.push((name.into(), of));
        self
    }

    /// With a library. Adding it again changes nothing.
    pub fn library(self, library: Library) -> EnvironmentBuilder {
        self.libraries([library])
    }

    /// With these libraries.
    pub fn libraries(mut self, libraries: impl IntoIterator<Item = Library>) -> EnvironmentBuilder {
        self.libraries.extend(libraries);
        self
    }

    /// With a function of the embedding program.
    pub fn function(mut self, function: Function) -> EnvironmentBuilder {
        self.functions.push(function);
        self
    }

    /// The environment, unless declarations contradict each other or the language.
    pub fn build(self) -> Result<Environment, EnvironmentError> {
        let optionals = self.libraries.contains(&Library::Optionals);
        let mut environment = Environment {
            variables: BTreeMap::new(),
            functions: HashMap::new(),
            dialect: Dialect { optionals, ..Dialect::default() },
            types: HashMap::new(),
        };
        environment.add(standard());
        for library in self.libraries {
            environment.add(library.declarations());
        }
        for (name, of) in self.variables {
            environment.add_variable(name, of)?;
        }
        for function in self.functions {
            environment.add_function(function)?;
        }
        Ok(environment)
    }
}
