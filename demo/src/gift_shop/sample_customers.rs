//! Real customers of the data to sign in as, each with a sentence. A short list for a picker, not a customer base.

use serde::Deserialize;

use crate::Error;

const FILE: &str = "demo/customers.toml";

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleCustomer {
    pub id: String,
    /// How many orders with goods the data hold.
    pub orders: u32,
    /// What stands out.
    pub line: String,
}

#[derive(Deserialize)]
struct List {
    customer: Vec<SampleCustomer>,
}

pub fn sample_customers() -> Result<Vec<SampleCustomer>, Error> {
    let list: List = toml::from_str(include_str!("../../customers.toml"))
        .map_err(|source| Error::Rules { file: FILE, source: Box::new(source) })?;
    Ok(list.customer)
}
