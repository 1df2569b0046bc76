//! Fetches the certificate that a server presents, trusted or not, to show it to the user.
//! Sends nothing but a request without secrets, and never uses the response.

use login_common::proxy::Proxies;
use url::Url;

use super::http::route;

/// The server's own certificate as DER.
pub async fn of(url: &Url, proxies: &Proxies) -> Option<Vec<u8>> {
    let builder = route::builder(&proxies.route(url).ok()?).ok()?;
    let client = builder.tls_danger_accept_invalid_certs(true).tls_info(true).build().ok()?;
    let answer = client.head(url.clone()).send().await.ok()?;
    let shown = answer.extensions().get::<reqwest::tls::TlsInfo>()?;
    shown.peer_certificate().map(<[u8]>::to_vec)
}
