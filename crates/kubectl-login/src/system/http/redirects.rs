//! Reads a public document, following the redirects of its host.
//! Never sends the first host's headers or client certificate to another host.

use login_protocols::oidc::redirect::redirect_target;
use url::Url;

use super::{HttpClient, HttpError, HttpOptions, REQUEST_TIMEOUT, Response, failure::host};

impl HttpClient {
    /// Sends a GET request and follows the redirects that Go's client would follow, but only to the
    /// same scheme; within the time limit of one request.
    pub async fn fetch_following(&self, url: &Url, limit: usize) -> Result<Response, HttpError> {
        let whole = tokio::time::timeout(REQUEST_TIMEOUT, self.follow(url, limit));
        let late = |_| Err(HttpError::Timeout { from: host(url), within: REQUEST_TIMEOUT });
        whole.await.unwrap_or_else(late)
    }

    async fn follow(&self, url: &Url, limit: usize) -> Result<Response, HttpError> {
        let mut elsewhere = None;
        let mut at = url.clone();
        let mut followed = 0;
        loop {
            let client = if at.origin() == url.origin() {
                self
            } else {
                match &mut elsewhere {
                    Some(client) => client,
                    none @ None => none.insert(self.without_credentials()?),
                }
            };
            let answer = client.fetch(&at, limit).await?;
            let location = answer.location.as_deref();
            match redirect_target(&at, answer.status, location, followed)? {
                None => return Ok(answer),
                Some(next) => at = next,
            }
            followed += 1;
        }
    }

    /// A client with the same trusted authorities and without credentials.
    fn without_credentials(&self) -> Result<Self, HttpError> {
        let options = HttpOptions {
            authorities: self.options.authorities.clone(),
            insecure_skip_tls_verify: self.options.insecure_skip_tls_verify,
            headers: Vec::new(),
            client_certificate: None,
        };
        Self::new(options, self.proxies.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fmt::Write as _,
        sync::{Arc, Mutex},
    };

    use login_common::{Secret, proxy::Proxies};

    use super::*;
    use crate::http_server::{self, Response, response};

    /// Responds to every request with `answer`, and records the requests.
    fn host_that(
        answer: impl Fn(&str) -> Response + Send + Sync + 'static,
    ) -> (Url, Arc<Mutex<String>>) {
        let asked = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&asked);
        let url = http_server::serve(move |url, request| {
            let (method, target, headers) = (request.method(), request.uri(), request.headers());
            let _ = writeln!(kept.lock().unwrap(), "{method} {target} {headers:?}");
            Some(answer(url.path()))
        });
        (Url::parse(&url).unwrap(), asked)
    }

    fn moved(to: &str) -> Response {
        let mut found = response(302, "");
        found.headers_mut().insert("location", to.parse().unwrap());
        found
    }

    #[tokio::test]
    async fn another_host_is_shown_nothing_that_was_meant_for_the_first() {
        let (second, asked_second) = host_that(|_| response(200, "{}"));
        let target = second.join("document").unwrap();
        let (first, asked_first) =
            host_that(
                move |path| {
                    if path == "/here" { moved(target.as_str()) } else { moved("/here") }
                },
            );
        let secret = ("x-gateway-key".to_owned(), Secret::new("s3cret".to_owned()));
        let options = HttpOptions { headers: vec![secret], ..HttpOptions::default() };
        let client = HttpClient::new(options, Proxies::default()).unwrap();
        let answer = client.fetch_following(&first, 100).await.unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (200, b"{}".as_slice()));
        assert_eq!(asked_first.lock().unwrap().matches("s3cret").count(), 2);
        let asked = asked_second.lock().unwrap();
        assert!(asked.starts_with("GET /document ") && !asked.contains("s3cret"), "{asked}");
    }

    #[tokio::test]
    async fn a_circle_and_another_scheme_end_the_reading() {
        let client = HttpClient::new(HttpOptions::default(), Proxies::default()).unwrap();
        for to in ["/again", "https://127.0.0.1:1/", "http://id.example/"] {
            let (url, asked) = host_that(move |_| moved(to));
            let fault = client.fetch_following(&url, 100).await.err().unwrap();
            assert!(matches!(fault, HttpError::Redirect(_)), "{fault}");
            let requests = asked.lock().unwrap().matches("GET ").count();
            assert_eq!(requests, if to == "/again" { 11 } else { 1 });
        }
    }
}
