//! One tree after the other, until the validation part gets no better.

use rayon::prelude::*;

use super::bins::Bins;
use super::grow::Grower;
use super::objective::{Gradient, Group};
use super::{BoostedTrees, BoostingSettings, Examples};
use crate::random::Random;

impl BoostedTrees {
    /// Learns from `train` and keeps as many trees as order `validation` best; without a validation part, all.
    pub fn fit(train: &Examples, validation: &Examples, settings: &BoostingSettings) -> Self {
        let mut model = Self { width: train.width, trees: Vec::new() };
        let taught: Vec<usize> =
            (0..train.groups()).filter(|group| is_lesson(&train.relevance[train.group(*group)])).collect();
        if taught.is_empty() || train.width == 0 {
            return model;
        }
        let mut random = Random::new(settings.seed);
        let bins = Bins::new(train, random.next());
        let (mut scores, mut held_out) = (train.starts.clone(), validation.starts.clone());
        let mut best = (mean_ndcg(validation, &held_out, settings.cutoff), 0);
        for _ in 0..settings.trees {
            let groups = drawn(&taught, settings.group_share, &mut random);
            let columns: Vec<usize> = (0..bins.width()).collect();
            let columns = drawn(&columns, settings.column_share, &mut random);
            let gradients = gradients(train, &groups, &scores, settings);
            let mut rows: Vec<u32> =
                groups.iter().flat_map(|group| train.group(*group)).map(|row| row as u32).collect();
            let grower = Grower { bins: &bins, gradients: &gradients, columns: &columns, settings };
            let tree = grower.grow(&mut rows);
            if tree.nodes.len() == 1 {
                break;
            }
            let answer =
                |(row, score): (usize, &mut f32), examples: &Examples| *score += tree.answer(examples.row(row));
            scores.par_iter_mut().enumerate().for_each(|at| answer(at, train));
            held_out.par_iter_mut().enumerate().for_each(|at| answer(at, validation));
            model.trees.push(tree);
            let reached = mean_ndcg(validation, &held_out, settings.cutoff);
            if reached > best.0 {
                best = (reached, model.trees.len());
            } else if validation.groups() > 0 && model.trees.len() >= best.1 + settings.patience {
                break;
            }
        }
        if validation.groups() > 0 {
            model.trees.truncate(best.1);
        }
        model
    }
}

/// Something is wanted, and something is not.
fn is_lesson(relevance: &[f32]) -> bool {
    relevance.iter().any(|relevance| *relevance > 0.0) && relevance.iter().any(|relevance| *relevance <= 0.0)
}

/// A share of them, at least one, in their order.
fn drawn(all: &[usize], share: f64, random: &mut Random) -> Vec<usize> {
    let mut drawn = all.to_vec();
    random.shuffle(&mut drawn);
    drawn.truncate(((all.len() as f64 * share).ceil() as usize).clamp(1, all.len()));
    drawn.sort_unstable();
    drawn
}

fn group<'a>(examples: &'a Examples, number: usize, scores: &'a [f32], cutoff: usize) -> Group<'a> {
    let rows = examples.group(number);
    let relevance = &examples.relevance[rows.clone()];
    Group { scores: &scores[rows], relevance, wanted: examples.wanted[number], cutoff }
}

fn gradients(train: &Examples, groups: &[usize], scores: &[f32], settings: &BoostingSettings) -> Vec<Gradient> {
    let of_group = |number: &usize| group(train, *number, scores, settings.cutoff).gradients(settings.objective);
    let parts: Vec<Vec<Gradient>> = groups.par_iter().map(of_group).collect();
    let mut gradients = vec![Gradient::default(); train.rows()];
    for (number, part) in groups.iter().zip(parts) {
        gradients[train.group(*number)].copy_from_slice(&part);
    }
    gradients
}

fn mean_ndcg(examples: &Examples, scores: &[f32], cutoff: usize) -> f64 {
    let groups: Vec<f64> =
        (0..examples.groups()).into_par_iter().map(|number| group(examples, number, scores, cutoff).ndcg()).collect();
    groups.iter().sum::<f64>() / groups.len().max(1) as f64
}
