//! `mercer embed`: the catalog as vectors, by a sentence encoder in a local folder.
//!
//! The file is the JSON object that `mercer eval recommend --vectors` reads: the id of each product with its numbers.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use mercer_neural::Encoder;
use mercer_schema::Product;

use crate::cli::Embed;
use crate::config::Config;
use crate::failure::Failure;
use crate::home::Home;
use crate::output;

/// Products between two signs of life.
const STEP: usize = 256;

pub(crate) fn run(asked: &Embed, config: &Config) -> Result<(), Failure> {
    // Before the data folder is opened: most of what can be wrong is in there.
    let encoder = open(&asked.encoder, asked.prompt.as_deref())?;
    let products = match &asked.products {
        Some(path) => read(path)?,
        None => {
            let home = Home::open_existing(config)?;
            home.engine.snapshot().world.catalog.products().map(|(_, product)| Product::clone(product)).collect()
        }
    };
    let vectors = embed(&encoder, &products.iter().collect::<Vec<_>>())?;
    let by_id: BTreeMap<&str, Vec<f32>> = products.iter().map(|product| product.id.as_str()).zip(vectors).collect();
    let text = serde_json::to_string(&by_id).map_err(|error| Failure::job(error.to_string()))?;
    fs::write(&asked.out, text).map_err(|error| failed(&asked.out, &error))?;
    output::remark(format!("{} products have {} numbers each", by_id.len(), encoder.dimensions()));
    Ok(())
}

pub(super) fn open(folder: &Path, prompt: Option<&str>) -> Result<Encoder, Failure> {
    let encoder = Encoder::open(folder).map_err(|error| Failure::job(error.to_string()))?;
    Ok(match prompt {
        Some(prompt) => encoder.with_prompt(prompt),
        None => encoder,
    })
}

pub(super) fn embed(encoder: &Encoder, products: &[&Product]) -> Result<Vec<Vec<f32>>, Failure> {
    let bar = output::bar("Embedding", products.len() as u64);
    let mut vectors = Vec::with_capacity(products.len());
    for products in products.chunks(STEP) {
        let texts: Vec<String> = products.iter().map(|product| text_of(product)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        vectors.extend(encoder.embed(&texts).map_err(|error| Failure::job(error.to_string()))?);
        bar.inc(products.len() as u64);
    }
    bar.finish_and_clear();
    Ok(vectors)
}

/// What says most comes first: encoders cut off what is too long.
fn text_of(product: &Product) -> String {
    let mut parts = vec![product.title.clone()];
    parts.extend(product.brand.clone());
    parts.push(product.category.join(", "));
    parts.extend(product.attributes.iter().map(|(name, value)| format!("{name}: {value}")));
    parts.push(product.description.clone());
    parts.retain(|part| !part.trim().is_empty());
    parts.join(". ")
}

/// Lines as `mercer export products` writes them.
fn read(path: &PathBuf) -> Result<Vec<Product>, Failure> {
    let text = fs::read_to_string(path).map_err(|error| failed(path, &error))?;
    let product = |(number, line): (usize, &str)| {
        serde_json::from_str(line)
            .map_err(|error| Failure::job(format!("{}: line {}: {error}", path.display(), number + 1)))
    };
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(product).collect()
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::job(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use mercer_schema::ProductId;

    use super::*;

    #[test]
    fn the_title_comes_first_and_empty_parts_are_left_out() {
        let mut product = Product::new(ProductId::trusted("mug-1"), "Red mug");
        assert_eq!(text_of(&product), "Red mug");
        product.category = vec!["Kitchen".into(), "Mugs".into()];
        product.attributes.insert("colour", "red");
        product.description = "Holds tea.".into();
        assert_eq!(text_of(&product), "Red mug. Kitchen, Mugs. colour: red. Holds tea.");
    }
}
