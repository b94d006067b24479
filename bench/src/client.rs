//! A lean HTTP/1.1 client on one kept-alive connection, so that the load generator leaves the cores to the server.
//!
//! It sends requests that were written beforehand and reads answers with a content length: no more than the
//! benchmark needs.

use std::io::{Error, ErrorKind};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(server: &str) -> std::io::Result<Self> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::with_capacity(64 * 1024) })
    }

    pub(crate) async fn send(&mut self, request: &[u8]) -> std::io::Result<Answer> {
        self.stream.write_all(request).await?;
        let (head_end, status, length) = loop {
            if let Some(head) = parse_head(&self.received)? {
                break head;
            }
            self.fill().await?;
        };
        while self.received.len() < head_end + length {
            self.fill().await?;
        }
        let body = self.received[head_end..head_end + length].to_vec();
        self.received.drain(..head_end + length);
        Ok(Answer { status, body })
    }

    async fn fill(&mut self) -> std::io::Result<()> {
        match self.stream.read_buf(&mut self.received).await? {
            0 => Err(Error::new(ErrorKind::UnexpectedEof, "the server closed the connection")),
            _ => Ok(()),
        }
    }
}

/// End of the head, status and content length, once the head is there.
fn parse_head(received: &[u8]) -> std::io::Result<Option<(usize, u16, usize)>> {
    let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let bad = || Error::new(ErrorKind::InvalidData, "an answer without status or content length");
    let head = std::str::from_utf8(&received[..end]).map_err(|_| bad())?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(bad)?;
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .ok_or_else(bad)?;
    Ok(Some((end + 4, status, length)))
}

/// A whole POST request with a JSON body.
pub(crate) fn post(server: &str, path: &str, key: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: {server}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A whole GET request.
pub(crate) fn get(server: &str, path: &str, key: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {server}\r\nAuthorization: Bearer {key}\r\n\r\n").into_bytes()
}

/// Product ids to ask about, from the server's own catalog.
pub(crate) async fn product_ids(server: &str, key: &str) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let mut connection = Connection::open(server).await?;
    let answer = connection.send(&get(server, "/v1/products?limit=200", key)).await?;
    if answer.status != 200 {
        return Err(format!("GET /v1/products: status {}", answer.status).into());
    }
    let page: serde_json::Value = serde_json::from_slice(&answer.body)?;
    let products = page["products"].as_array().into_iter().flatten();
    Ok(products.filter_map(|product| product["id"].as_str().map(str::to_owned)).collect())
}
