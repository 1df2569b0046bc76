//! OpenID Connect: who an issuer is, and what its tokens say.
//! Never fetches: documents, tokens, keys and the time are given.
//!
//! Reading order: `claims`, `token` (what a server checks), `id_token` (what a client checks),
//! `discovery`, `redirect` (where its fetch may be sent).

pub mod claims;
pub mod discovery;
pub mod id_token;
pub mod redirect;
pub mod token;

pub use claims::{Claims, ClaimsError};
pub use discovery::{DiscoveryError, EndpointFault, ProviderMetadata, metadata_url};
pub use id_token::{IdTokenFacts, IdTokenProblem, check_from_token_endpoint};
pub use token::{Expectations, NOT_BEFORE_LEEWAY, TokenRefusal, Verified, verify};
