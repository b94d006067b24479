//! Rows picked by their numbers, and sums of rows, on a card.
//!
//! A card adds thousands of rows at once as long as no two of them go to the same place. candle's own derivative of picking
//! rows does not know where that happens and goes through them one after the other, which takes most of a step. Here the
//! processor says beforehand which rows belong together, and the card adds each [`FAN`] of them, then the sums of those.

use candle_core::{Device, Result, Tensor};

use super::{Features, Known};

/// Rows that one step adds up; a power of two.
const FAN: usize = 8;
/// candle takes this number for a row of zeros.
pub(crate) const NOTHING: u32 = u32::MAX;

/// Rows of a table by their numbers.
pub(crate) fn pick(table: &Tensor, rows: &[u32]) -> Result<Tensor> {
    if table.device().is_cpu() {
        table.index_select(&Tensor::from_slice(rows, rows.len(), table.device())?, 0)
    } else {
        on_card(table, rows)
    }
}

fn on_card(table: &Tensor, rows: &[u32]) -> Result<Tensor> {
    let device = table.device();
    let result = table.detach().index_select(&Tensor::from_slice(rows, rows.len(), device)?, 0)?;
    let sums = Sums::new(&owners(rows, table.dim(0)?), device)?;
    let backward = move |gradient: &Tensor| Ok([Some(sums.of(gradient)?)]);
    table.apply_op1(Known::of("pick", &result, backward)?)
}

/// The places of each of `count` numbers in a list.
pub(crate) fn owners(list: &[u32], count: usize) -> Features {
    let mut starts = vec![0; count + 1];
    list.iter().for_each(|number| starts[*number as usize + 1] += 1);
    for place in 1..starts.len() {
        starts[place] += starts[place - 1];
    }
    let (mut next, mut entries) = (starts.clone(), vec![0; list.len()]);
    for (place, number) in (0..).zip(list) {
        let into = &mut next[*number as usize];
        entries[*into as usize] = place;
        *into += 1;
    }
    Features { starts, entries }
}

/// How to add up rows, group by group.
#[derive(Debug)]
pub(crate) struct Sums {
    /// Numbers of the rows that each step adds up: first all that are the first of their [`FAN`], then all second ones.
    steps: Vec<Tensor>,
    /// Where the sum of each group is found.
    last: Tensor,
}

impl Sums {
    /// `groups` holds the rows of each group.
    pub(crate) fn new(groups: &Features, device: &Device) -> Result<Self> {
        let Features { mut starts, mut entries } = groups.clone();
        let mut steps = Vec::new();
        while starts.windows(2).any(|pair| pair[1] - pair[0] > 1) {
            let mut fans: Vec<&[u32]> = Vec::new();
            let mut sums = vec![0];
            for pair in starts.windows(2) {
                fans.extend(entries[pair[0] as usize..pair[1] as usize].chunks(FAN));
                sums.push(fans.len() as u32);
            }
            let count = fans.len();
            let mut numbers = vec![NOTHING; FAN * count];
            for (fan, rows) in fans.into_iter().enumerate() {
                rows.iter().enumerate().for_each(|(place, row)| numbers[place * count + fan] = *row);
            }
            steps.push(Tensor::from_vec(numbers, FAN * count, device)?);
            (starts, entries) = (sums, (0..count as u32).collect());
        }
        let only = |pair: &[u32]| if pair[0] < pair[1] { entries[pair[0] as usize] } else { NOTHING };
        let last: Vec<u32> = starts.windows(2).map(only).collect();
        let count = last.len();
        Ok(Self { steps, last: Tensor::from_vec(last, count, device)? })
    }

    pub(crate) fn of(&self, rows: &Tensor) -> Result<Tensor> {
        let mut rows = rows.contiguous()?;
        for numbers in &self.steps {
            rows = rows.index_select(numbers, 0)?;
            let count = rows.dim(0)? / FAN;
            let mut half = rows.dim(0)? / 2;
            while half >= count {
                rows = (rows.narrow(0, 0, half)? + rows.narrow(0, half, half)?)?;
                half /= 2;
            }
        }
        rows.index_select(&self.last, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{alike, some};
    use super::super::values;
    use super::*;

    #[test]
    fn picking_and_its_sums_agree_with_candle() {
        let table = some(&[7, 5], 1);
        let rows: Vec<u32> = (0..300).map(|place| [3, 0, 3, 6, 3, 5][place * place % 6]).collect();
        alike(&[table], |of| pick(&of[0], &rows), |of| on_card(&of[0], &rows));
    }

    #[test]
    fn sums_of_nothing_are_zeros() {
        let groups = Features::new([&[][..], &[1, 1], &[]].into_iter());
        let rows = some(&[2, 3], 1);
        let found = values(&Sums::new(&groups, &Device::Cpu).unwrap().of(&rows).unwrap()).unwrap();
        let twice: Vec<f32> = values(&rows).unwrap()[3..].iter().map(|value| value * 2.0).collect();
        assert_eq!(found, [&[0.0; 3][..], &twice, &[0.0; 3]].concat());
    }
}
