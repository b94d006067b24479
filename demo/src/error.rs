//! What can go wrong while the shop's data are prepared. The storefront has its own, milder faults.

use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the shop's order file (Parquet) cannot be read: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    #[error("the shop's order file cannot be decoded: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
    #[error("the shop's order file has no column `{0}` of the expected type")]
    Column(&'static str),
    #[error("`{file}`, which is compiled in, is no valid TOML: {source}")]
    Rules { file: &'static str, source: Box<toml::de::Error> },
    #[error("cannot write `{}`: {source}. Check that the folder exists and can be written to", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error("the storefront cannot make an HTTP client: {0}")]
    Client(#[from] reqwest::Error),
    #[error("a product cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}
