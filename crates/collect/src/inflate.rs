//! Unpacks request bodies.
//!
//! Invariant: never more than `Limits::inflated_bytes` come out, however little went in.
//! The content type is not looked at: some clients label gzipped JSON as a form.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use crate::{Limits, Refusal};

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Unpacks by `Content-Encoding`, and without one when the body starts as gzip does. A body that is labelled
/// as packed but is plain JSON passes unchanged: some proxies unpack and leave the label.
pub fn inflate<'a>(body: &'a [u8], encoding: Option<&str>, limits: &Limits) -> Result<Cow<'a, [u8]>, Refusal> {
    let label = encoding.unwrap_or_default().trim().to_ascii_lowercase();
    let is_gzip = body.starts_with(&GZIP_MAGIC);
    match label.as_str() {
        "gzip" | "x-gzip" | "deflate" if is_plain_json(body) => Ok(Cow::Borrowed(body)),
        "gzip" | "x-gzip" => unpack(MultiGzDecoder::new(body), "gzip", limits),
        _ if is_gzip => unpack(MultiGzDecoder::new(body), "gzip", limits),
        // The standard means zlib; some clients send the bare deflate stream.
        "deflate" if has_zlib_header(body) => unpack(ZlibDecoder::new(body), "deflate", limits),
        "deflate" => unpack(DeflateDecoder::new(body), "deflate", limits),
        "" | "identity" => Ok(Cow::Borrowed(body)),
        _ => Err(Refusal::UnknownEncoding(label.chars().take(64).collect())),
    }
}

fn unpack<'a>(reader: impl Read, encoding: &'static str, limits: &Limits) -> Result<Cow<'a, [u8]>, Refusal> {
    let limit = limits.inflated_bytes;
    let mut unpacked = Vec::new();
    // One byte more than allowed tells a full body from one that goes on.
    match reader.take(limit as u64 + 1).read_to_end(&mut unpacked) {
        Ok(read) if read > limit => Err(Refusal::InflatesTooFar { limit }),
        Ok(_) => Ok(Cow::Owned(unpacked)),
        Err(error) => Err(Refusal::BrokenEncoding { encoding, message: error.to_string() }),
    }
}

/// RFC 1950: method 8 in the low half of the first byte, and both bytes together a multiple of 31.
fn has_zlib_header(body: &[u8]) -> bool {
    match body {
        [first, second, ..] => first & 0x0f == 8 && u16::from_be_bytes([*first, *second]) % 31 == 0,
        _ => false,
    }
}

/// No packed stream starts so: 0x7b is a reserved block type in deflate and no zlib method.
fn is_plain_json(body: &[u8]) -> bool {
    body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use proptest::prelude::*;

    use super::*;

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn inflated(body: &[u8], encoding: Option<&str>) -> Result<Vec<u8>, Refusal> {
        inflate(body, encoding, &Limits::default()).map(Cow::into_owned)
    }

    #[test]
    fn unpacks_each_encoding_under_each_label() {
        let plain = br#"{"batch":[]}"#.to_vec();
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(&plain).unwrap();
        let mut bare = DeflateEncoder::new(Vec::new(), Compression::fast());
        bare.write_all(&plain).unwrap();
        assert_eq!(inflated(&gzip(&plain), Some("GZIP ")), Ok(plain.clone()));
        assert_eq!(inflated(&gzip(&plain), None), Ok(plain.clone()));
        assert_eq!(inflated(&zlib.finish().unwrap(), Some("deflate")), Ok(plain.clone()));
        assert_eq!(inflated(&bare.finish().unwrap(), Some("deflate")), Ok(plain.clone()));
        assert_eq!(inflated(&plain, Some("gzip")), Ok(plain.clone()));
        assert_eq!(inflated(&plain, Some("identity")), Ok(plain));
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let limits = Limits::default();
        let full = vec![b' '; limits.inflated_bytes];
        assert_eq!(inflated(&gzip(&full), Some("gzip")).map(|out| out.len()), Ok(limits.inflated_bytes));
        let bomb = gzip(&vec![b' '; 64 * 1024 * 1024]);
        assert!(bomb.len() < 100_000);
        let refusal = inflated(&bomb, Some("gzip")).unwrap_err();
        assert_eq!(refusal, Refusal::InflatesTooFar { limit: limits.inflated_bytes });
        assert!(refusal.is_too_large());
    }

    #[test]
    fn says_what_is_wrong_with_a_broken_body() {
        let mut cut = gzip(br#"{"batch":[1,2,3]}"#);
        cut.truncate(cut.len() - 6);
        assert_eq!(inflated(&cut, Some("gzip")).unwrap_err().code(), "broken_encoding");
        assert_eq!(inflated(b"{}", Some("br")).unwrap_err(), Refusal::UnknownEncoding("br".into()));
    }

    proptest! {
        #[test]
        fn any_bytes_under_any_label_end_in_an_answer(body: Vec<u8>, label in "gzip|deflate|identity|br|") {
            let _ = inflated(&body, Some(&label));
        }

        #[test]
        fn what_was_packed_comes_back(body: Vec<u8>) {
            prop_assert_eq!(inflated(&gzip(&body), Some("gzip")), Ok(body));
        }
    }
}
