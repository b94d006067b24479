//! "View the shop as": a token that lets one page be decided as a given customer would see it.
//!
//! `payload.signature`, base64url; the signature is HMAC-SHA256 with a secret of this installation. Whoever
//! holds the token sees what that customer sees, for an hour; nothing is counted or logged.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use mercer_schema::{Timestamp, Visitor};
use mercer_store::{Tables, Write};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

const VALID_FOR: i64 = Timestamp::HOUR;
const TABLE: &str = "settings";
const KEY: &[u8] = b"view_as_secret";

#[derive(Debug, Serialize, Deserialize)]
struct Claim {
    visitor: Visitor,
    expires_at: Timestamp,
}

/// Signs and checks tokens.
pub struct Signer {
    mac: Hmac<Sha256>,
}

impl Signer {
    /// Reads the installation's secret, or keeps `fresh` as the secret from now on.
    pub fn load(tables: &dyn Tables, fresh: [u8; 32]) -> Result<Self, mercer_store::Error> {
        let secret = match tables.get(TABLE, KEY)? {
            Some(secret) => secret,
            None => {
                tables.write(&[Write::put(TABLE, KEY.to_vec(), fresh.to_vec())])?;
                fresh.to_vec()
            }
        };
        Ok(Self::new(&secret))
    }

    fn new(secret: &[u8]) -> Self {
        #[allow(clippy::expect_used, reason = "HMAC takes keys of every length")]
        let mac = Hmac::new_from_slice(secret).expect("a key of any length");
        Self { mac }
    }

    pub fn sign(&self, visitor: Visitor, now: Timestamp) -> String {
        let claim = Claim { visitor, expires_at: now.plus(VALID_FOR) };
        let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claim).unwrap_or_default());
        let signature = URL_SAFE_NO_PAD.encode(self.mac_of(&payload).finalize().into_bytes());
        format!("{payload}.{signature}")
    }

    /// The visitor whom the token names, while it is genuine and fresh.
    pub fn verify(&self, token: &str, now: Timestamp) -> Option<Visitor> {
        let (payload, signature) = token.split_once('.')?;
        self.mac_of(payload).verify_slice(&URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
        let claim: Claim = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        (claim.expires_at > now).then_some(claim.visitor)
    }

    fn mac_of(&self, payload: &str) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(payload.as_bytes());
        mac
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer")
    }
}

#[cfg(test)]
mod tests {
    use mercer_schema::CustomerId;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_token_of_any_text_is_refused(text in ".{0,80}", parts in "[A-Za-z0-9_-]{0,60}\\.[A-Za-z0-9_-]{0,60}") {
            let signer = Signer::new(b"secret");
            prop_assert_eq!(signer.verify(&text, Timestamp(0)), None);
            prop_assert_eq!(signer.verify(&parts, Timestamp(0)), None);
        }

        /// Even what is rightly signed need not be a claim.
        #[test]
        fn a_signed_payload_of_any_bytes_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..80), at in any::<prop::sample::Index>()) {
            let (signer, now) = (Signer::new(b"secret"), Timestamp::from_seconds(1_000));
            let sign = |payload: &str| format!("{payload}.{}", URL_SAFE_NO_PAD.encode(signer.mac_of(payload).finalize().into_bytes()));
            prop_assert_eq!(signer.verify(&sign(&URL_SAFE_NO_PAD.encode(&bytes)), now), None);
            let visitor = Visitor { customer_id: Some(CustomerId::trusted("c1")), anonymous_id: None };
            let genuine = signer.sign(visitor, now);
            prop_assert_eq!(signer.verify(&genuine[..at.index(genuine.len())], now), None, "cut");
            let payload = genuine.split_once('.').unwrap().0;
            prop_assert_eq!(signer.verify(&sign(&payload[..at.index(payload.len())]), now), None, "cut and signed");
        }
    }

    #[test]
    fn only_genuine_fresh_tokens_are_believed() {
        let (signer, now) = (Signer::new(b"secret"), Timestamp::from_seconds(1_000));
        let visitor = Visitor { customer_id: Some(CustomerId::trusted("c1")), anonymous_id: None };
        let token = signer.sign(visitor.clone(), now);
        assert_eq!(signer.verify(&token, now), Some(visitor));
        assert_eq!(signer.verify(&token, now.plus(VALID_FOR)), None, "too old");
        assert_eq!(Signer::new(b"other").verify(&token, now), None, "another installation's");
        let (payload, signature) = token.split_once('.').unwrap();
        assert_eq!(signer.verify(&format!("{payload}x.{signature}"), now), None, "changed");
        assert_eq!(signer.verify("", now), None);
    }
}
