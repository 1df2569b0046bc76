//! What Kubernetes adds to the language for `AuthenticationConfiguration`: one file per library.
//!
//! Never here: the standard functions and macros (`standard`, `syntax`).

use crate::function::Library;

/// Every library, in the order in which kube-apiserver declares them.
pub(crate) fn libraries() -> Vec<Library> {
    Vec::new()
}
