//! The same steps on a card: all weights as one long row, so that a step is a few tensor operations and not a few for each
//! weight.

use candle_core::backprop::GradStore;
use candle_core::{Device, Result, Tensor, Var};

use super::{BETA_1, BETA_2, EPSILON, Stride};

#[derive(Debug)]
pub(super) struct Flat {
    variables: Vec<Var>,
    decays: Tensor,
    first: Tensor,
    second: Tensor,
    /// Running average of the values, where it is wanted.
    average: Option<Tensor>,
}

impl Flat {
    /// Each variable with its decay.
    pub(super) fn new(variables: Vec<(Var, f32)>, averages: bool) -> Result<Self> {
        let device = variables.first().map_or(Device::Cpu, |(variable, _)| variable.device().clone());
        let decays = variables.iter().flat_map(|(variable, decay)| std::iter::repeat_n(*decay, variable.elem_count()));
        let decays = decays.collect::<Vec<f32>>();
        let decays = Tensor::from_slice(&decays, decays.len(), &device)?;
        let variables: Vec<Var> = variables.into_iter().map(|(variable, _)| variable).collect();
        let average = if averages { Some(row(&variables)?) } else { None };
        Ok(Self { first: decays.zeros_like()?, second: decays.zeros_like()?, decays, average, variables })
    }

    pub(super) fn step(&mut self, gradients: &GradStore, stride: Stride) -> Result<()> {
        let [rate, first, second, averaging] =
            [stride.rate, stride.first, stride.second, stride.averaging].map(f64::from);
        let (beta_1, beta_2) = (f64::from(BETA_1), f64::from(BETA_2));
        let gradient = |variable: &Var| match gradients.get(variable) {
            Some(gradient) => gradient.detach().flatten_all(),
            None => variable.zeros_like()?.flatten_all(),
        };
        let gradient = Tensor::cat(&self.variables.iter().map(gradient).collect::<Result<Vec<_>>>()?, 0)?;
        self.first = ((&self.first * beta_1)? + (&gradient * (1.0 - beta_1))?)?;
        self.second = ((&self.second * beta_2)? + (gradient.sqr()? * (1.0 - beta_2))?)?;
        let size = ((&self.second * (1.0 / second))?.sqrt()? + f64::from(EPSILON))?;
        let step = ((&self.first / size)? * (rate / first))?;
        let weights = ((row(&self.variables)? * self.decays.affine(-rate, 1.0)?)? - step)?;
        let mut from = 0;
        for variable in &self.variables {
            let count = variable.elem_count();
            variable.set(&weights.narrow(0, from, count)?.reshape(variable.shape())?)?;
            from += count;
        }
        if let Some(average) = &mut self.average {
            *average = ((&*average * averaging)? + (weights * (1.0 - averaging))?)?;
        }
        Ok(())
    }

    /// The values that a variable had on average, or has now where no average is kept.
    pub(super) fn average(&self, variable: &Var) -> Result<Tensor> {
        let place = self.variables.iter().position(|other| other.id() == variable.id());
        match (place, &self.average) {
            (Some(place), Some(average)) => {
                let from = self.variables[..place].iter().map(|before| before.elem_count()).sum();
                average.narrow(0, from, variable.elem_count())
            }
            _ => Ok(variable.as_detached_tensor()),
        }
    }
}

/// All variables one behind the other.
fn row(variables: &[Var]) -> Result<Tensor> {
    let flat = |variable: &Var| variable.as_detached_tensor().flatten_all();
    Tensor::cat(&variables.iter().map(flat).collect::<Result<Vec<_>>>()?, 0)
}
