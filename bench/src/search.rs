//! Searches and suggestions at a fixed rate, of queries in a file: half from known customers, half from browsers.

use std::path::Path;

use serde_json::json;

use crate::Target;
use crate::client::post;
use crate::open_loop;

type Failure = Box<dyn std::error::Error>;

/// Letters after which somebody who types asks for suggestions.
const PREFIXES: std::ops::RangeInclusive<usize> = 1..=10;

pub(crate) async fn run(
    target: &Target,
    rate: u64,
    queries: &Path,
    suggests: bool,
    facets: usize,
) -> Result<(), Failure> {
    let queries = read(queries)?;
    let requests: Vec<Vec<u8>> = if suggests {
        let prefixes = queries.iter().flat_map(|query| {
            PREFIXES.filter_map(|letters| query.char_indices().nth(letters).map(|(end, _)| &query[..end]))
        });
        prefixes.enumerate().map(|(number, prefix)| ask(target, "/v1/suggest", number, prefix, None)).collect()
    } else {
        queries
            .iter()
            .enumerate()
            .map(|(number, query)| ask(target, "/v1/search", number, query, Some(facets)))
            .collect()
    };
    let what = if suggests { "suggestions" } else { "searches" };
    open_loop::run(target, rate, requests, |items| format!("{what}, {items:.1} items each, open loop")).await
}

/// The first column of each line, once.
fn read(path: &Path) -> Result<Vec<String>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut queries: Vec<String> =
        text.lines().skip(1).filter_map(|line| line.split('\t').next()).map(str::to_owned).collect();
    queries.dedup();
    if queries.is_empty() { Err("the file holds no query".into()) } else { Ok(queries) }
}

fn ask(target: &Target, path: &str, number: usize, q: &str, facets: Option<usize>) -> Vec<u8> {
    let mut body = json!({ "q": q });
    if number.is_multiple_of(2) {
        body["customer"] = json!((12_347 + number * 5).to_string());
    } else {
        body["anonymous_id"] = json!(format!("bench-{}", number % 64));
    }
    if let Some(facets) = facets {
        body["facets"] = json!(facets);
        body["fields"] = json!(["title", "price", "image_url", "url"]);
    }
    post(&target.server, path, &target.decide_key, &body.to_string())
}
