//! What makes one vector of a text's rows: a pooling, then perhaps a dense layer and a length of one.

use std::path::Path;

use serde::Deserialize;

use super::folder::{Folder, broken, json};
use super::weights::{Linear, Weights};
use crate::error::Error;
use crate::lanes;

pub(super) struct Tail {
    width: usize,
    /// Their vectors stand one behind the other.
    poolings: Vec<Pooling>,
    steps: Vec<Step>,
    dimensions: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Pooling {
    /// The first token, which stands for the whole.
    #[serde(rename = "cls")]
    First,
    #[serde(rename = "max")]
    Largest,
    #[serde(rename = "mean")]
    Mean,
    /// The sum over the root of the length.
    #[serde(rename = "mean_sqrt_len_tokens")]
    RootMean,
}

enum Step {
    Dense { linear: Linear, has_tanh: bool },
    Normalize,
}

/// In today's form, and in the form of one yes or no for each way.
#[derive(Deserialize, Default)]
struct PoolingConfig {
    pooling_mode: Option<OneOrMore>,
    #[serde(default)]
    pooling_mode_cls_token: bool,
    #[serde(default)]
    pooling_mode_max_tokens: bool,
    #[serde(default)]
    pooling_mode_mean_tokens: bool,
    #[serde(default)]
    pooling_mode_mean_sqrt_len_tokens: bool,
    #[serde(default)]
    pooling_mode_weightedmean_tokens: bool,
    #[serde(default)]
    pooling_mode_lasttoken: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(Pooling),
    More(Vec<Pooling>),
}

#[derive(Deserialize)]
struct DenseConfig {
    in_features: usize,
    out_features: usize,
    activation_function: String,
}

impl Tail {
    pub(super) fn read(folder: &Folder, width: usize) -> Result<Self, Error> {
        let Some(((kind, first), rest)) = folder.behind.split_first().filter(|((kind, _), _)| kind == "Pooling") else {
            return Err(broken(&folder.transformer, "no Pooling follows the transformer in modules.json"));
        };
        debug_assert_eq!(kind, "Pooling");
        let poolings = read_pooling(&first.join("config.json"))?;
        let mut dimensions = poolings.len() * width;
        let mut steps = Vec::with_capacity(rest.len());
        for (kind, path) in rest {
            steps.push(match kind.as_str() {
                "Normalize" => Step::Normalize,
                "Dense" => read_dense(path, &mut dimensions)?,
                "Dropout" => continue,
                other => return Err(broken(path, format!("modules of the type `{other}` are not known"))),
            });
        }
        Ok(Self { width, poolings, steps, dimensions })
    }

    pub(super) const fn dimensions(&self) -> usize {
        self.dimensions
    }

    pub(super) fn vector(&self, rows: &[f32]) -> Result<Vec<f32>, Error> {
        let mut vector: Vec<f32> = self.poolings.iter().flat_map(|pooling| pooling.of(rows, self.width)).collect();
        for step in &self.steps {
            match step {
                Step::Normalize => lanes::resize(&mut vector, 1.0),
                Step::Dense { linear, has_tanh } => {
                    vector = linear.of(&vector)?;
                    if *has_tanh {
                        vector.iter_mut().for_each(|value| *value = value.tanh());
                    }
                }
            }
        }
        Ok(vector)
    }
}

impl Pooling {
    fn of(self, rows: &[f32], width: usize) -> Vec<f32> {
        let mut rows = rows.chunks_exact(width);
        let count = rows.len() as f32;
        let mut vector = rows.next().map_or_else(|| vec![0.0; width], <[f32]>::to_vec);
        if self == Self::First {
            return vector;
        }
        for row in rows {
            for (value, other) in vector.iter_mut().zip(row) {
                *value = if self == Self::Largest { value.max(*other) } else { *value + other };
            }
        }
        let divisor = match self {
            Self::Mean => count.max(1.0),
            Self::RootMean => count.max(1.0).sqrt(),
            Self::First | Self::Largest => 1.0,
        };
        vector.iter_mut().for_each(|value| *value /= divisor);
        vector
    }
}

fn read_pooling(path: &Path) -> Result<Vec<Pooling>, Error> {
    let config: PoolingConfig = json(path)?;
    if config.pooling_mode_weightedmean_tokens || config.pooling_mode_lasttoken {
        return Err(broken(path, "known poolings are cls, max, mean and mean_sqrt_len_tokens"));
    }
    let poolings = match config.pooling_mode {
        Some(OneOrMore::One(pooling)) => vec![pooling],
        Some(OneOrMore::More(poolings)) => poolings,
        None => {
            let flags = [
                (config.pooling_mode_cls_token, Pooling::First),
                (config.pooling_mode_max_tokens, Pooling::Largest),
                (config.pooling_mode_mean_tokens, Pooling::Mean),
                (config.pooling_mode_mean_sqrt_len_tokens, Pooling::RootMean),
            ];
            flags.into_iter().filter_map(|(is_on, pooling)| is_on.then_some(pooling)).collect()
        }
    };
    if poolings.is_empty() { Err(broken(path, "no pooling is named")) } else { Ok(poolings) }
}

fn read_dense(folder: &Path, dimensions: &mut usize) -> Result<Step, Error> {
    let path = folder.join("config.json");
    let config: DenseConfig = json(&path)?;
    if config.in_features != *dimensions {
        return Err(broken(&path, format!("{} numbers go in, and {dimensions} come", config.in_features)));
    }
    let has_tanh = match config.activation_function.rsplit('.').next() {
        Some("Tanh") => true,
        Some("Identity") => false,
        _ => return Err(broken(&path, format!("`{}` is not known", config.activation_function))),
    };
    let linear = Weights::read(folder, "linear.weight")?.linear(&["linear"], config.out_features, *dimensions)?;
    *dimensions = config.out_features;
    Ok(Step::Dense { linear, has_tanh })
}
