//! The gift shop: real products and orders to try Mercer with, pictures for them, and a storefront to walk through.
//!
//! The shop is a customer of Mercer like any other: its catalog and orders go through the ordinary importers, its
//! storefront knows nothing but the public API. Nothing here reaches into the engine.
//!
//! The data are the UCI Online Retail transactions (CC BY 4.0, see `data/ATTRIBUTION.md`).

mod error;
pub mod gift_shop;
mod storefront;
mod tiles;
mod words;

pub use error::Error;
pub use storefront::{ShopSettings, storefront};
pub use tiles::tile_svg;
