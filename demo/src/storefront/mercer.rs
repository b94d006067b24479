//! Mercer's public HTTP API, as far as a shop uses it. Short timeouts: a page that waits is a page that is left.

use std::collections::HashSet;
use std::time::Duration;

use mercer_schema::{
    BrowseAnswer, BrowseTile, DecideRequest, PageDecision, Product, ProductId, Profile, SearchAnswer, SearchRequest,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::settings::ShopSettings;
use super::trouble::Trouble;
use super::visitor::Visitor;
use crate::Error;

const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
const CALL_TIMEOUT: Duration = Duration::from_secs(3);
/// A row that comes later is left out of the page.
const DECIDE_TIMEOUT: Duration = Duration::from_millis(1_200);

#[derive(Debug, Clone)]
pub(super) struct Mercer {
    http: Client,
    base: String,
    write_key: String,
    decide_key: String,
    read_key: String,
}

/// Of a walk through a category, what is below it.
#[derive(Debug, Deserialize)]
struct Below {
    children: Vec<BrowseTile>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Category {
    pub(super) path: Vec<String>,
    pub(super) products: usize,
}

#[derive(Debug, Deserialize)]
struct Categories {
    categories: Vec<Category>,
}

/// What `GET /v1/customers/{id}` tells.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Known {
    pub(super) profile: Profile,
    pub(super) affinities: Affinities,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Affinities {
    #[serde(default)]
    pub(super) categories: Vec<(String, f64)>,
    #[serde(default)]
    pub(super) price_bands: Vec<(u8, f64)>,
}

impl Affinities {
    /// Leaves out what stands above other categories, and shares anew: a look at a mug counts for mugs, and once.
    pub(super) fn narrow(&mut self, categories: &[Category]) {
        let wide: HashSet<&String> =
            categories.iter().filter_map(|category| category.path.split_last()).flat_map(|(_, above)| above).collect();
        self.categories.retain(|(name, _)| !wide.contains(name));
        let sum: f64 = self.categories.iter().map(|(_, share)| share.max(0.0)).sum();
        if sum > 0.0 {
            self.categories.iter_mut().for_each(|(_, share)| *share /= sum);
        }
    }
}

#[derive(Debug, Deserialize)]
struct Collected {
    #[serde(default)]
    rejected: usize,
}

impl Mercer {
    pub(super) fn open(settings: &ShopSettings) -> Result<Self, Error> {
        let http = Client::builder().connect_timeout(CONNECT_TIMEOUT).timeout(CALL_TIMEOUT).no_proxy().build()?;
        Ok(Self {
            http,
            base: settings.api_base.trim_end_matches('/').to_owned(),
            write_key: settings.write_key.clone(),
            decide_key: settings.decide_key.clone(),
            read_key: settings.read_key.clone(),
        })
    }

    pub(super) async fn product(&self, id: &ProductId) -> Result<Option<Product>, Trouble> {
        let path = format!("/v1/products/{}", encode(id.as_str()));
        found("a product", self.get(&path, &self.decide_key)).await
    }

    /// Categories in the order of this visitor.
    pub(super) async fn browse(&self, visitor: &Visitor) -> Result<BrowseAnswer, Trouble> {
        let query = query(&[&asker(visitor)[..], &[("tiles", "40")]].concat());
        let call = self.get(&format!("/v1/browse{query}"), &self.decide_key);
        read("the categories of a visitor", call.timeout(DECIDE_TIMEOUT)).await
    }

    /// The categories right below one, in the order of this visitor.
    pub(super) async fn below(&self, visitor: &Visitor, category: &str) -> Result<Vec<BrowseTile>, Trouble> {
        // The products of the category are asked for with all that was chosen; here they only come along.
        let few = [("limit", "1"), ("facets", "0"), ("dry_run", "true"), ("fields", "id")];
        let query = query(&[&asker(visitor)[..], &few[..]].concat());
        let call = self.get(&format!("/v1/browse/{}{query}", encode(category)), &self.decide_key);
        let below: Below = read("what is below a category", call.timeout(DECIDE_TIMEOUT)).await?;
        Ok(below.children)
    }

    pub(super) async fn categories(&self) -> Result<Vec<Category>, Trouble> {
        let answer: Categories = read("the categories", self.get("/v1/categories", &self.decide_key)).await?;
        Ok(answer.categories)
    }

    pub(super) async fn search(&self, request: &SearchRequest) -> Result<SearchAnswer, Trouble> {
        let call = self.http.post(format!("{}/v1/search", self.base)).bearer_auth(&self.decide_key);
        read("a search", call.json(request)).await
    }

    pub(super) async fn decide(&self, request: &DecideRequest) -> Result<PageDecision, Trouble> {
        let call = self.http.post(format!("{}/v1/decide", self.base)).bearer_auth(&self.decide_key);
        read("a decision", call.timeout(DECIDE_TIMEOUT).json(request)).await
    }

    /// None when nobody of this id is known.
    pub(super) async fn customer(&self, id: &str) -> Result<Option<Known>, Trouble> {
        found("a customer", self.get(&format!("/v1/customers/{}", encode(id)), &self.read_key)).await
    }

    /// Sends events and waits until they are durable.
    pub(super) async fn send(&self, body: &Value) -> Result<(), Trouble> {
        let call = self.http.post(format!("{}/v1/batch", self.base)).basic_auth(&self.write_key, Some(""));
        let collected: Collected = read("events", call.json(body)).await?;
        if collected.rejected > 0 {
            tracing::warn!(rejected = collected.rejected, "Mercer rejected events of the shop; see its bad rows");
        }
        Ok(())
    }

    fn get(&self, path: &str, key: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.base)).bearer_auth(key)
    }
}

async fn read<T: DeserializeOwned>(call: &'static str, request: RequestBuilder) -> Result<T, Trouble> {
    let response = request.send().await?;
    let status = response.status();
    if !status.is_success() {
        return Err(Trouble::Refused { call, status: status.as_u16() });
    }
    Ok(response.json().await?)
}

/// As [`read`], with 404 as nothing.
async fn found<T: DeserializeOwned>(call: &'static str, request: RequestBuilder) -> Result<Option<T>, Trouble> {
    match read(call, request).await {
        Ok(answer) => Ok(Some(answer)),
        Err(Trouble::Refused { status, .. }) if status == StatusCode::NOT_FOUND.as_u16() => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Who asks, as parameters. Whoever wants nothing personal, or is looked over the shoulder of, is nobody.
fn asker(visitor: &Visitor) -> [(&'static str, &str); 3] {
    let is_known = visitor.may_personalize() && visitor.view_as.is_none();
    let customer = visitor.customer.as_ref().map(|customer| customer.as_str()).filter(|_| is_known);
    let anonymous_id = Some(visitor.anonymous_id.as_str()).filter(|_| is_known);
    [
        ("customer", customer.unwrap_or_default()),
        ("anonymous_id", anonymous_id.unwrap_or_default()),
        ("locale", visitor.locale.as_deref().unwrap_or_default()),
    ]
}

/// A query string of those parameters that are not empty.
fn query(parameters: &[(&str, &str)]) -> String {
    let given = parameters.iter().filter(|(_, value)| !value.is_empty());
    let pairs: Vec<String> = given.map(|(name, value)| format!("{name}={}", encode(value))).collect();
    format!("?{}", pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interests_name_the_narrowest_categories_only() {
        let category = |path: &[&str]| Category { path: path.iter().map(|s| (*s).to_owned()).collect(), products: 1 };
        let all = [category(&["Kitchen"]), category(&["Kitchen", "Mugs"]), category(&["Gifts"])];
        let share = |name: &str, share| (name.to_owned(), share);
        let mut affinities = Affinities {
            categories: vec![share("Kitchen", 0.4), share("Mugs", 0.4), share("Gifts", 0.1), share("Gone", -0.1)],
            price_bands: Vec::new(),
        };
        affinities.narrow(&all);
        assert_eq!(affinities.categories, [share("Mugs", 0.8), share("Gifts", 0.2), share("Gone", -0.2)]);
    }
}
