//! Page decisions at a fixed rate.

use crate::Target;
use crate::client::{post, product_ids};
use crate::open_loop;

type Failure = Box<dyn std::error::Error>;

pub(crate) async fn run(target: &Target, rate: u64, group: &str, page: &str) -> Result<(), Failure> {
    let products = product_ids(&target.server, &target.decide_key).await?;
    let requests = (0..997).map(|number| request(target, group, page, &products, number)).collect();
    open_loop::run(target, rate, requests, |items| {
        format!("page decisions `{group}`, {items:.1} items each, open loop")
    })
    .await
}

/// Half the requests come from known customers, half from browsers; product pages look at a product.
fn request(target: &Target, group: &str, page: &str, products: &[String], number: usize) -> Vec<u8> {
    let visitor = if number.is_multiple_of(2) {
        format!("\"customer\":\"{}\"", 12_347 + number * 5)
    } else {
        format!("\"anonymous_id\":\"bench-{}-{}\"", number % 64, number / 64)
    };
    let seeds = match products.get(number % products.len().max(1)) {
        Some(product) if page == "product" || page == "cart" => format!(",\"product_ids\":[\"{product}\"]"),
        _ => String::new(),
    };
    let body = format!(
        "{{{visitor},\"page\":{{\"type\":\"{page}\"{seeds}}},\"group\":\"{group}\",\
         \"fields\":[\"title\",\"price\",\"image_url\",\"url\"]}}"
    );
    post(&target.server, "/v1/decide", &target.decide_key, &body)
}
