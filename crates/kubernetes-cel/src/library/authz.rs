//! `kubernetes.authz`: declared as upstream declares it, so that the same expressions compile.
//! Never an authorization: no value is an authorizer, so that no value fits these functions.

use crate::error::EvaluationError;
use crate::function::{Declarations, Function, Overload};
use crate::types::Type;

const AUTHORIZER: Type = Type::opaque("kubernetes.authorization.Authorizer");
const PATH: Type = Type::opaque("kubernetes.authorization.PathCheck");
const GROUP: Type = Type::opaque("kubernetes.authorization.GroupCheck");
const RESOURCE: Type = Type::opaque("kubernetes.authorization.ResourceCheck");
const DECISION: Type = Type::opaque("kubernetes.authorization.Decision");

pub(super) fn library() -> Declarations {
    Declarations {
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
        ..Declarations::default()
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
        Err(EvaluationError::no_overload("an authorization check"))
    })
}
