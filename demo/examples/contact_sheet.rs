//! Draws many tiles on one HTML page, to be looked at: `cargo run -p mercer-demo --example contact_sheet > sheet.html`.
#![allow(clippy::print_stdout, reason = "the page is the output")]

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use mercer_demo::{gift_shop, tile_svg};

fn main() -> Result<(), mercer_demo::Error> {
    let products = gift_shop::catalog()?;
    println!("<!doctype html><meta charset=utf-8><title>Contact sheet</title>");
    println!("<style>body{{display:grid;grid-template-columns:repeat(12,1fr);gap:8px;font:11px sans-serif}}</style>");
    // A stride that shares no factor with the catalog's order shows every corner of it.
    for product in products.iter().step_by(37) {
        let svg = tile_svg(product);
        let data = utf8_percent_encode(&svg, NON_ALPHANUMERIC);
        println!(
            "<div><img alt='' width='100%' src='data:image/svg+xml,{data}'>{}</div>",
            product.title.replace('<', "&lt;")
        );
    }
    Ok(())
}
