//! Who may use the console: people with passwords, and the sessions they hold.
//!
//! Passwords are kept as Argon2id, session tokens as SHA-256. A session also carries the token that every form of
//! the console must send back, so that no foreign page can act in its name.

use std::sync::Arc;

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, PasswordHash};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mercer_schema::Timestamp;
use mercer_store::{Scan, Tables, Write};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const USERS: &str = "console_users";
const SESSIONS: &str = "console_sessions";
const SETTINGS: &str = "settings";
const FIRST_START: &[u8] = b"first_start_token";

/// A session ends this long after it was last used.
const SESSION_LIFE: i64 = 12 * Timestamp::HOUR;
/// Shorter passwords are refused.
pub(crate) const SHORTEST_PASSWORD: usize = 10;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct User {
    name: String,
    /// PHC string.
    password: String,
    created_at: Timestamp,
}

/// A signed-in person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Session {
    pub user: String,
    /// Goes into every form.
    pub form_token: String,
    pub expires_at: Timestamp,
}

#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error("name and password do not fit together")]
    WrongPassword,
    #[error("this link was used already or is not the newest one; restart Mercer to get a new one")]
    UsedLink,
    #[error("choose a password of at least {SHORTEST_PASSWORD} characters")]
    ShortPassword,
    #[error("choose a name of 1 to 64 characters")]
    Name,
    #[error(transparent)]
    Store(#[from] mercer_store::Error),
    #[error("the password could not be hashed: {0}")]
    Hash(String),
}

/// Accounts on the tables of this installation.
#[derive(Clone)]
pub struct Accounts {
    tables: Arc<dyn Tables>,
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts").finish_non_exhaustive()
    }
}

impl Accounts {
    pub fn new(tables: Arc<dyn Tables>) -> Self {
        Self { tables }
    }

    /// While nobody has an account: a fresh secret that lets one person make the first one.
    pub fn first_start_token(&self, random: [u8; 32]) -> Result<Option<String>, AccountError> {
        if !self.tables.scan(USERS, Scan::all(), 1)?.is_empty() {
            return Ok(None);
        }
        let token = URL_SAFE_NO_PAD.encode(random);
        self.tables.write(&[Write::put(SETTINGS, FIRST_START, hash(&token).to_vec())])?;
        Ok(Some(token))
    }

    /// Does this secret still open the first start?
    pub fn is_first_start_token(&self, token: &str) -> Result<bool, AccountError> {
        let kept = self.tables.get(SETTINGS, FIRST_START)?;
        Ok(kept.is_some_and(|kept| kept.ct_eq(&hash(token)).into()))
    }

    /// Makes the first account and uses the secret up.
    pub fn claim(&self, token: &str, name: &str, password: &str, now: Timestamp) -> Result<(), AccountError> {
        if !self.is_first_start_token(token)? {
            return Err(AccountError::UsedLink);
        }
        let user = self.new_user(name, password, now)?;
        Ok(self.tables.write(&[user, Write::delete(SETTINGS, FIRST_START)])?)
    }

    /// Makes an account or changes its password.
    pub fn save(&self, name: &str, password: &str, now: Timestamp) -> Result<(), AccountError> {
        let user = self.new_user(name, password, now)?;
        Ok(self.tables.write(&[user])?)
    }

    /// Checks a password and opens a session. Returns the cookie's value. Slow on purpose: call it off the
    /// async threads.
    pub fn sign_in(
        &self,
        name: &str,
        password: &str,
        random: [u8; 64],
        now: Timestamp,
    ) -> Result<String, AccountError> {
        let user: Option<User> =
            self.tables.get(USERS, name.trim().as_bytes())?.and_then(|value| serde_json::from_slice(&value).ok());
        // An unknown name costs the same time as a wrong password.
        let stored = user.as_ref().map_or(NOBODY, |user| user.password.as_str());
        let parsed = PasswordHash::new(stored).map_err(|error| AccountError::Hash(error.to_string()))?;
        let is_right = Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
        let user = user.filter(|_| is_right).ok_or(AccountError::WrongPassword)?;
        let (secret, form_token) = random.split_at(32);
        let (secret, form_token) = (URL_SAFE_NO_PAD.encode(secret), URL_SAFE_NO_PAD.encode(form_token));
        let session = Session { user: user.name, form_token, expires_at: now.plus(SESSION_LIFE) };
        self.tables.write(&[put_session(&hash(&secret), &session)])?;
        Ok(secret)
    }

    /// The session behind a cookie; using it keeps it alive.
    pub fn session(&self, secret: &str, now: Timestamp) -> Result<Option<Session>, AccountError> {
        let key = hash(secret);
        let kept = self.tables.get(SESSIONS, &key)?;
        let Some(mut session) = kept.and_then(|value| serde_json::from_slice::<Session>(&value).ok()) else {
            return Ok(None);
        };
        if session.expires_at <= now {
            self.tables.write(&[Write::delete(SESSIONS, key)])?;
            return Ok(None);
        }
        if session.expires_at.since(now) < SESSION_LIFE / 2 {
            session.expires_at = now.plus(SESSION_LIFE);
            self.tables.write(&[put_session(&key, &session)])?;
        }
        Ok(Some(session))
    }

    pub fn sign_out(&self, secret: &str) -> Result<(), AccountError> {
        Ok(self.tables.write(&[Write::delete(SESSIONS, hash(secret))])?)
    }

    fn new_user(&self, name: &str, password: &str, now: Timestamp) -> Result<Write, AccountError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
            return Err(AccountError::Name);
        }
        if password.chars().count() < SHORTEST_PASSWORD {
            return Err(AccountError::ShortPassword);
        }
        let hashed = Argon2::default()
            .hash_password(password.as_bytes())
            .map_err(|error| AccountError::Hash(error.to_string()))?;
        let user = User { name: name.to_owned(), password: hashed.to_string(), created_at: now };
        Ok(Write::put(USERS, name.as_bytes(), serde_json::to_vec(&user).unwrap_or_default()))
    }
}

impl Session {
    /// Did this form come from our own page?
    pub fn owns_form(&self, form_token: &str) -> bool {
        self.form_token.as_bytes().ct_eq(form_token.as_bytes()).into()
    }
}

/// A password hash that fits no password, with the same cost as real ones.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn put_session(key: &[u8], session: &Session) -> Write {
    Write::put(SESSIONS, key, serde_json::to_vec(session).unwrap_or_default())
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use mercer_store::MemoryTables;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    #[test]
    fn the_first_link_works_once() {
        let accounts = Accounts::new(Arc::new(MemoryTables::default()));
        let token = accounts.first_start_token([1; 32]).unwrap().unwrap();
        assert!(matches!(accounts.claim("wrong", "ada", "correct horse", NOW), Err(AccountError::UsedLink)));
        assert!(matches!(accounts.claim(&token, "ada", "short", NOW), Err(AccountError::ShortPassword)));
        accounts.claim(&token, "ada", "correct horse", NOW).unwrap();
        assert!(matches!(accounts.claim(&token, "eve", "correct horse", NOW), Err(AccountError::UsedLink)));
        assert!(accounts.first_start_token([2; 32]).unwrap().is_none(), "there is an account now");
    }

    #[test]
    fn sessions_end() {
        let accounts = Accounts::new(Arc::new(MemoryTables::default()));
        accounts.save("ada", "correct horse", NOW).unwrap();
        assert!(matches!(accounts.sign_in("ada", "wrong horse", [3; 64], NOW), Err(AccountError::WrongPassword)));
        assert!(matches!(accounts.sign_in("bob", "correct horse", [3; 64], NOW), Err(AccountError::WrongPassword)));
        let secret = accounts.sign_in("ada", "correct horse", [3; 64], NOW).unwrap();
        let session = accounts.session(&secret, NOW).unwrap().unwrap();
        assert_eq!(session.user, "ada");
        assert!(session.owns_form(&session.form_token) && !session.owns_form("other"));
        assert!(accounts.session("guess", NOW).unwrap().is_none());
        assert!(accounts.session(&secret, NOW.plus(SESSION_LIFE)).unwrap().is_none(), "expired");
        let secret = accounts.sign_in("ada", "correct horse", [4; 64], NOW).unwrap();
        accounts.sign_out(&secret).unwrap();
        assert!(accounts.session(&secret, NOW).unwrap().is_none(), "signed out");
    }
}
