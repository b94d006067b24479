//! A running Mercer, reached over its public API: what a command does when `--server` is given.
//!
//! Only calls that the API describes; an answer that is a problem becomes the command's failure, in its own words.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use ureq::http::{Response, StatusCode};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, SendBody};

use crate::cli::Remote;
use crate::failure::Failure;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const KEY_ADVICE: &str = "give one with --key or MERCER_KEY";

/// A server and the key that it wants to see.
pub(crate) struct Server {
    url: String,
    key: String,
    agent: Agent,
}

impl Server {
    /// The server that the command line or the environment names; none means: the data folder.
    pub(crate) fn named(remote: &Remote) -> Result<Option<Self>, Failure> {
        let Some(url) = &remote.server else { return Ok(None) };
        let url = url.trim_end_matches('/').to_owned();
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(Failure::usage(format!("--server: `{url}` must start with http:// or https://")));
        }
        let Some(key) = remote.key.clone() else {
            return Err(Failure::usage(format!("--server needs an API key: {KEY_ADVICE}")));
        };
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .user_agent(concat!("mercer/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Ok(Some(Self { url, key, agent }))
    }

    pub(crate) fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Failure> {
        self.json(self.answer(path, query)?)
    }

    pub(crate) fn post(&self, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let request = self.agent.post(self.address(path)).header("Authorization", self.bearer());
        let sent = match body {
            Some(body) => request.send_json(body),
            None => request.send_empty(),
        };
        self.json(self.checked(sent)?)
    }

    pub(crate) fn delete(&self, path: &str) -> Result<(), Failure> {
        let request = self.agent.delete(self.address(path)).header("Authorization", self.bearer());
        self.checked(request.call()).map(|_| ())
    }

    /// Writes an answer's body as it comes, and gives the place in the log that it reaches to.
    pub(crate) fn download(
        &self,
        path: &str,
        query: &[(&str, &str)],
        out: &mut dyn Write,
    ) -> Result<Option<String>, Failure> {
        let answer = self.answer(path, query)?;
        let position = answer.headers().get("mercer-position").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut body = answer.into_body().into_with_config().limit(u64::MAX).reader();
        match io::copy(&mut body, out).and_then(|_| out.flush()) {
            Ok(()) => Ok(position),
            // A reader that went away (`| head`) has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(None),
            Err(error) => Err(Failure::job(format!("the answer of {} broke off: {error}", self.url))),
        }
    }

    /// Sends a file as it is read; `sent` hears how far.
    pub(crate) fn upload(
        &self,
        path: &str,
        query: &[(&str, &str)],
        file: &Path,
        sent: &dyn Fn(u64),
    ) -> Result<Value, Failure> {
        let unreadable = |error: io::Error| Failure::job(format!("cannot read {}: {error}", file.display()));
        let opened = File::open(file).map_err(unreadable)?;
        let bytes = opened.metadata().map_err(unreadable)?.len();
        let mut body = Counted { inner: opened, done: 0, sent };
        let mut request = self.agent.post(self.address(path)).header("Authorization", self.bearer());
        for (name, value) in query {
            request = request.query(name, value);
        }
        let request = request
            .content_type("application/octet-stream")
            .header("Content-Length", bytes.to_string())
            // A key that may not, or a file that is too large, is refused before it is sent.
            .header("Expect", "100-continue");
        self.json(self.checked(request.send(SendBody::from_reader(&mut body)))?)
    }

    fn answer(&self, path: &str, query: &[(&str, &str)]) -> Result<Response<Body>, Failure> {
        let mut request = self.agent.get(self.address(path)).header("Authorization", self.bearer());
        for (name, value) in query {
            request = request.query(name, value);
        }
        self.checked(request.call())
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.key)
    }

    fn json(&self, mut answer: Response<Body>) -> Result<Value, Failure> {
        if answer.status() == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        let body = answer.body_mut().with_config().limit(u64::MAX).read_json();
        body.map_err(|error| Failure::job(format!("{} answered no JSON ({error}); is it a Mercer?", self.url)))
    }

    /// The answer, or what the server says is wrong.
    fn checked(&self, answer: Result<Response<Body>, ureq::Error>) -> Result<Response<Body>, Failure> {
        let mut answer = answer.map_err(|error| Failure::job(format!("{} cannot be reached: {error}", self.url)))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let problem: Option<Value> = answer.body_mut().read_json().ok();
        let said = problem.as_ref().and_then(|problem| problem["detail"].as_str()).unwrap_or("it gives no reason");
        let status = answer.status().as_u16();
        Err(Failure::answer(status, format!("{} answered {status}: {}", self.url, said.trim_end_matches('.'))))
    }
}

/// A part of a path.
pub(crate) fn segment(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::with_capacity(text.len()), |mut path, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' | b'.' => path.push(char::from(byte)),
            // Writing to a text cannot fail.
            _ => _ = write!(path, "%{byte:02X}"),
        }
        path
    })
}

struct Counted<'a> {
    inner: File,
    done: u64,
    sent: &'a dyn Fn(u64),
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.done += read as u64;
        (self.sent)(self.done);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_become_parts_of_a_path() {
        assert_eq!(segment("a/b c?ä"), "a%2Fb%20c%3F%C3%A4");
    }

    #[test]
    fn a_server_without_a_key_is_a_mistake() {
        let remote = |server: &str, key: Option<&str>| Remote { server: Some(server.into()), key: key.map(Into::into) };
        assert!(Server::named(&remote("http://x", None)).is_err());
        assert!(Server::named(&remote("shop.example", Some("k"))).is_err());
        assert!(Server::named(&Remote { server: None, key: None }).unwrap().is_none());
    }
}
