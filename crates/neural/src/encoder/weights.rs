//! Weights by name and shape out of a safetensors file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor, safetensors};

use super::folder::{broken, weights};
use crate::error::Error;
use crate::ops::values;

/// Rows times a matrix, and a vector more.
pub(super) struct Linear {
    /// One row for each number that comes out.
    matrix: Tensor,
    shift: Vec<f32>,
}

impl Linear {
    pub(super) fn of(&self, rows: &[f32]) -> Result<Vec<f32>, Error> {
        let (across, inner) = self.matrix.dims2()?;
        let rows = Tensor::from_slice(rows, (rows.len() / inner, inner), &Device::Cpu)?;
        let mut result = values(&rows.matmul(&self.matrix.t()?)?)?;
        for row in result.chunks_exact_mut(across) {
            row.iter_mut().zip(&self.shift).for_each(|(value, shift)| *value += shift);
        }
        Ok(result)
    }
}

pub(super) struct Weights {
    path: PathBuf,
    tensors: HashMap<String, Tensor>,
    /// Before every name, where the encoder was saved as a part of something larger.
    prefix: String,
}

impl Weights {
    /// Of a module's folder. The prefix is what stands before `anchor`.
    pub(super) fn read(folder: &Path, anchor: &str) -> Result<Self, Error> {
        let (path, bytes) = weights(folder)?;
        let tensors =
            safetensors::load_buffer(&bytes, &Device::Cpu).map_err(|error| broken(&path, error.to_string()))?;
        let prefix = tensors.keys().filter_map(|name| name.strip_suffix(anchor)).min().map(str::to_owned);
        let Some(prefix) = prefix else { return Err(broken(&path, format!("there is no {anchor}"))) };
        Ok(Self { path, tensors, prefix })
    }

    pub(super) fn rows_of(&self, name: &str) -> usize {
        self.tensors.get(&format!("{}{name}", self.prefix)).and_then(|tensor| tensor.dim(0).ok()).unwrap_or(0)
    }

    /// The numbers of a tensor, which must have this shape.
    pub(super) fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, Error> {
        let name = format!("{}{name}", self.prefix);
        let tensor = self.tensors.remove(&name).ok_or_else(|| broken(&self.path, format!("there is no {name}")))?;
        if tensor.dims() != shape {
            return Err(broken(&self.path, format!("{name} is {:?} and should be {shape:?}", tensor.dims())));
        }
        let numbers = values(&tensor.to_dtype(DType::F32)?)?;
        if numbers.iter().any(|number| !number.is_finite()) {
            return Err(broken(&self.path, format!("{name} holds what is no number")));
        }
        Ok(numbers)
    }

    /// Several layers of `inner` numbers each, side by side.
    pub(super) fn linear(&mut self, names: &[&str], across: usize, inner: usize) -> Result<Linear, Error> {
        let (mut matrix, mut shift) = (Vec::new(), Vec::new());
        for name in names {
            matrix.extend(self.take(&format!("{name}.weight"), &[across, inner])?);
            shift.extend(self.take(&format!("{name}.bias"), &[across])?);
        }
        Ok(Linear { matrix: Tensor::from_vec(matrix, (names.len() * across, inner), &Device::Cpu)?, shift })
    }

    /// Gain and shift of a layer normalization.
    pub(super) fn norm(&mut self, name: &str, width: usize) -> Result<(Vec<f32>, Vec<f32>), Error> {
        // Some early models keep the names of the original code.
        let is_old = self.tensors.contains_key(&format!("{}{name}.gamma", self.prefix));
        let (gain, shift) = if is_old { ("gamma", "beta") } else { ("weight", "bias") };
        Ok((self.take(&format!("{name}.{gain}"), &[width])?, self.take(&format!("{name}.{shift}"), &[width])?))
    }
}
