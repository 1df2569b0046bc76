//! `kubernetes.authz`: declared as upstream declares it, so that the same expressions are refused.
//!
//! Never here: authorization. No variable holds an authorizer, so no value fits these functions.

use crate::error::EvaluationError;
use crate::function::{Function, Library, Overload};
use crate::types::Type;

const AUTHORIZER: Type = Type::Opaque("kubernetes.authorization.Authorizer");
const PATH: Type = Type::Opaque("kubernetes.authorization.PathCheck");
const GROUP: Type = Type::Opaque("kubernetes.authorization.GroupCheck");
const RESOURCE: Type = Type::Opaque("kubernetes.authorization.ResourceCheck");
const DECISION: Type = Type::Opaque("kubernetes.authorization.Decision");

pub(super) fn library() -> Library {
    Library {
        functions: vec![
            function("path", [AUTHORIZER, Type::String], PATH),
            function("group", [AUTHORIZER, Type::String], GROUP),
            function("serviceAccount", [AUTHORIZER, Type::String, Type::String], AUTHORIZER),
            function("resource", [GROUP, Type::String], RESOURCE),
            function("subresource", [RESOURCE, Type::String], RESOURCE),
            function("namespace", [RESOURCE, Type::String], RESOURCE),
            function("name", [RESOURCE, Type::String], RESOURCE),
            function("fieldSelector", [RESOURCE, Type::String], RESOURCE),
            function("labelSelector", [RESOURCE, Type::String], RESOURCE),
            Function::new(
                "check",
                [
                    overload([PATH, Type::String], DECISION),
                    overload([RESOURCE, Type::String], DECISION),
                ],
            ),
            function("errored", [DECISION], Type::Bool),
            function("error", [DECISION], Type::String),
            function("allowed", [DECISION], Type::Bool),
            function("reason", [DECISION], Type::String),
        ],
        ..Library::default()
    }
}

fn function(
    name: &'static str,
    parameters: impl IntoIterator<Item = Type>,
    result: Type,
) -> Function {
    Function::new(name, [overload(parameters, result)])
}

fn overload(parameters: impl IntoIterator<Item = Type>, result: Type) -> Overload {
    Overload::member(parameters, result, |_, _| {
        Err(EvaluationError::NoSuchOverload("an authorization check"))
    })
}
