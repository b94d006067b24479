//! What the storefront is told from outside: where Mercer answers, with which keys, and whose clock to use.

use mercer_schema::Timestamp;

use crate::Error;
use crate::gift_shop::{SampleCustomer, sample_customers};

#[derive(Debug, Clone)]
pub struct ShopSettings {
    /// Where the shop's server reaches Mercer: `http://127.0.0.1:7878`.
    pub api_base: String,
    /// Where the visitor's browser reaches Mercer; empty means the page's own origin.
    pub browser_api_base: String,
    pub write_key: String,
    pub decide_key: String,
    /// For the panel that shows what Mercer knows. It stays on the server.
    pub read_key: String,
    /// The browser SDK's core, and beside it the modules with `<mercer-slot>` and with the elements of the search.
    pub module_url: String,
    pub slots_url: String,
    pub search_url: String,
    /// The SDK's stylesheets.
    pub sdk_styles: Vec<String>,
    /// A link for the curious shopkeeper.
    pub console_url: Option<String>,
    /// Whom a visitor can sign in as.
    pub customers: Vec<SampleCustomer>,
    pub clock: fn() -> Timestamp,
    /// Fresh random bits for ids.
    pub random: fn() -> u128,
}

impl ShopSettings {
    /// The demo's settings, with the keys that are valid on loopback.
    pub fn demo(api_base: impl Into<String>, clock: fn() -> Timestamp, random: fn() -> u128) -> Result<Self, Error> {
        Ok(Self {
            api_base: api_base.into(),
            browser_api_base: String::new(),
            write_key: "demo-write".to_owned(),
            decide_key: "demo-decide".to_owned(),
            read_key: "demo-read".to_owned(),
            module_url: "/sdk/mercer.js".to_owned(),
            slots_url: "/sdk/slots.js".to_owned(),
            search_url: "/sdk/search.js".to_owned(),
            sdk_styles: ["/sdk/mercer.css", "/sdk/search.css"].map(str::to_owned).to_vec(),
            console_url: Some("/console".to_owned()),
            customers: sample_customers()?,
            clock,
            random,
        })
    }
}
