//! The storefront on a small stand-in for Mercer, to work on its looks: `cargo run -p mercer-demo --example storefront_alone`.
//!
//! It takes two ports on loopback (7879 the shop, 7880 the stand-in) and serves until it is stopped.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a program of its own, with its own clock")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::{SystemTime, UNIX_EPOCH};

use mercer_demo::{ShopSettings, storefront};
use mercer_schema::Timestamp;

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or_default())
}

/// Not secret enough for more than looking at.
fn random() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().wrapping_mul(0x2545_f491_4f6c_dd1d)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let fake = tokio::net::TcpListener::bind("127.0.0.1:7880").await?;
    let shop = tokio::net::TcpListener::bind("127.0.0.1:7879").await?;
    let settings = ShopSettings::demo("http://127.0.0.1:7880", now, random)?;
    let router = storefront(settings)?;
    tokio::spawn(async move { axum::serve(fake, common::FakeMercer::default().router()).await });
    println!("ready http://127.0.0.1:7879");
    axum::serve(shop, router).await?;
    Ok(())
}
