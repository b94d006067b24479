//! Tunes the session models on a validation file: random settings, the best by the mean of HR@20 and MRR@20 told.
//!
//! `cargo run --release -p mercer-recommend --example sessions -- train.txt valid.txt 60` tries 60 settings of STAN and
//! of VSTAN. What it finds is to be measured once on the test file, with `mercer eval recommend --format sessions`.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use mercer_recommend::benchmark::{SessionData, SessionModel, read_sessions};
use mercer_recommend::evaluate::Settings;
use mercer_recommend::sessions::StanSettings;

/// A fixed walk stands in for chance, so that a run can be repeated.
struct Dice(u64);

impl Dice {
    fn choose<T: Copy>(&mut self, choices: &[T]) -> T {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        choices[(self.0 >> 33) as usize % choices.len()]
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [train, valid, tries] = &arguments[..] else {
        panic!("the training file, the validation file, and how many settings to try")
    };
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let data = read_sessions(&read(train), &read(valid)).unwrap();
    let tries: usize = tries.parse().expect("a number");
    let mut dice = Dice(1);
    for is_vstan in [false, true] {
        let mut best: Option<(f64, StanSettings)> = None;
        for _ in 0..tries {
            let settings = random(&mut dice, is_vstan);
            let reached = measure(&data, SessionModel::Stan(settings));
            if best.is_none_or(|(known, _)| reached > known) {
                println!("{reached:.4} {settings:?}");
                best = Some((reached, settings));
            }
        }
    }
}

fn random(dice: &mut Dice, is_vstan: bool) -> StanSettings {
    let settings = StanSettings {
        sample: dice.choose(&[500, 1_000, 2_500]),
        neighbours: dice.choose(&[100, 200, 500, 1_000, 1_500]),
        order: dice.choose(&[0.4, 0.7, 1.0, 1.5, 2.5, 4.0, 8.0]),
        age_days: dice.choose(&[2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 0.0]),
        distance: dice.choose(&[0.4, 0.7, 1.0, 1.5, 2.5, 4.0, 8.0, 0.0]),
        ..StanSettings::stan()
    };
    if !is_vstan {
        return settings;
    }
    StanSettings {
        newest_shared: dice.choose(&[0.5, 1.0, 2.0, 4.0, 8.0, 0.0]),
        rarity: dice.choose(&[0.0, 0.5, 1.0, 2.0, 5.0]),
        ..settings
    }
}

fn measure(data: &SessionData, model: SessionModel) -> f64 {
    let report = model.run(data, &Settings { bootstrap_rounds: 1, ..Settings::default() }).report;
    f64::midpoint(report.hit_rate.mean, report.mrr.mean)
}
