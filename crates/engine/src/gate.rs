//! The gate: a candidate serves only when it does not lose to the champion.
//!
//! Both are asked the same questions, all from recent days, and neither may have learned from the answers:
//!
//! - *Fresh days*, the usual way. The cases come after everything that the champion learned from, and the candidate is a
//!   second fit of its recipes on what was before them. So the champion is judged as it serves, and what is measured is
//!   what a fresher model is worth on days that both have never seen.
//! - *Same recipes*. Where too little has happened since the champion was trained, its files know the held-out days. When
//!   code and settings are the same, a refit on the days before is the same model for both: the difference is nought, and
//!   the figures only tell how good the recipe is.
//! - Where the recipes changed and too little has happened, nothing fair can be said: the candidate waits.
//!
//! The order of search results is compared on days of its own (`search_ranking`), which no ranker has learned from.
//!
//! Differences are paired, case by case. A check fails when the whole bootstrap interval of the difference lies below zero;
//! the intervals are widened for the number of checks (Bonferroni; Dunn 1961), so that a candidate that is as good fails
//! one time in forty, not once for every slice. What is not a difference of means has a tolerance, in `tolerances`.

mod compare;
mod finding;
mod questions;
mod tolerances;

use std::sync::Arc;

use mercer_decide::{Models, World};
use mercer_recommend::Item;
use mercer_schema::Timestamp;
use mercer_store::{Check, Gate, Manifest};

use self::questions::{Question, Topic};
use crate::ModelOptions;
use crate::lessons::Lessons;
use crate::search_ranking::Contested;

/// Cases below which nothing is compared.
pub(crate) const LEAST_CASES: usize = 30;

/// The champion, as far as it can be compared with.
pub(crate) struct Rival {
    pub(crate) manifest: Manifest,
    pub(crate) models: std::sync::Arc<Models>,
    /// The candidate's code and settings.
    pub(crate) has_same_recipes: bool,
}

impl Rival {
    /// What was fitted to judge it, its order of search results among that, knows nothing of what came from here on.
    pub(crate) fn knows_until(&self) -> Timestamp {
        self.manifest.gate.cut.unwrap_or(self.manifest.data.last_at)
    }
}

/// What is asked, and of whom.
pub(crate) struct Plan {
    protocol: Protocol,
    pub(crate) cut: Timestamp,
    questions: Vec<Question>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Alone,
    FreshDays,
    SameRecipes,
    NotComparable,
}

impl Plan {
    /// Chooses the days whose cases are held out.
    pub(crate) fn new(lessons: &Lessons, rival: Option<&Rival>, options: &ModelOptions) -> Self {
        let (last, days) = (lessons.data.last_at, i64::from(options.held_out_days.max(1)));
        let recent = last.plus(-days * Timestamp::DAY);
        let mut topics = Topic::ALL.to_vec();
        topics.retain(|topic| *topic != Topic::Follows || options.transformer);
        let plan = |protocol, cut| Self { protocol, cut, questions: questions::after(lessons, cut, &topics) };
        let Some(rival) = rival else { return plan(Protocol::Alone, recent) };
        let fresh = plan(Protocol::FreshDays, recent.max(rival.manifest.data.last_at.plus(1)));
        if fresh.questions.len() >= LEAST_CASES {
            return fresh;
        }
        plan(if rival.has_same_recipes { Protocol::SameRecipes } else { Protocol::NotComparable }, recent)
    }

    fn words(&self) -> String {
        let cases = self.questions.len();
        match self.protocol {
            Protocol::Alone => "There was no champion to compare with; the figures are those of a fit on the days before.".into(),
            Protocol::FreshDays => format!(
                "{cases} cases that came after everything the champion had learned from; the candidate's recipes were fitted on the days before them."
            ),
            Protocol::SameRecipes => "Too little has happened since the champion was trained to compare the two on days that neither knows. Code and settings are the same, so a fit on the days before is the same model: only the data are newer.".into(),
            Protocol::NotComparable => format!(
                "Code or settings changed, and fewer than {LEAST_CASES} cases have come since the champion was trained. Nothing fair can be said yet: try it on a share of the customers, promote it by hand, or train again in a few days."
            ),
        }
    }
}

/// The models of a comparison.
pub(crate) struct Contenders<'a> {
    /// Fitted on what was before the cut.
    pub(crate) before_cut: &'a Arc<Models>,
    /// The candidate as it would serve.
    pub(crate) candidate: &'a Arc<Models>,
    pub(crate) rival: Option<&'a Rival>,
    /// The orders of search results of candidate and champion, where they can be told apart.
    pub(crate) searches: Option<&'a Contested>,
}

/// Asks, compares, and says whether the candidate may serve.
pub(crate) fn judge(plan: &Plan, lessons: &Lessons, world: &World, contenders: &Contenders<'_>) -> Gate {
    let answered_by = |models: &Arc<Models>| world.answered_by(Arc::clone(models));
    let ask = |models| {
        let world = answered_by(models);
        plan.questions.iter().map(|question| question.ask(&world)).collect::<Vec<_>>()
    };
    let ours: Vec<Vec<Item>> = ask(contenders.before_cut);
    let theirs: Option<Vec<Vec<Item>>> = match plan.protocol {
        Protocol::Alone => None,
        Protocol::SameRecipes => Some(ours.clone()),
        Protocol::FreshDays | Protocol::NotComparable => contenders.rival.map(|rival| ask(&rival.models)),
    };
    let cold = questions::cold_items(lessons, plan.cut);
    let mut checks = compare::quality(&plan.questions, (&ours, theirs.as_deref()), contenders.searches, &cold);
    checks.push(tolerances::coverage(&ours, theirs.as_deref()));
    if let Some(rival) = contenders.rival {
        let worlds = [contenders.candidate, &rival.models].map(answered_by);
        checks.push(tolerances::latency(&plan.questions, &worlds[0], &worlds[1]));
        checks.push(tolerances::memory(contenders.candidate.heap_bytes(), rival.models.heap_bytes()));
    }
    checks.extend(finding::order_of_results(&contenders.candidate.search_ranker));
    checks.push(answers_at_all(&plan.questions, &answered_by(contenders.candidate)));
    if plan.protocol == Protocol::NotComparable {
        checks.iter_mut().for_each(|check| check.words = format!("Unfair to the candidate: {}", check.words));
    }
    Gate {
        passed: plan.protocol != Protocol::NotComparable && checks.iter().all(|check| check.passed),
        champion: contenders.rival.map(|rival| rival.manifest.version.clone()),
        protocol: plan.words(),
        cut: Some(plan.cut),
        cases: plan.questions.len(),
        checks,
    }
}

/// A model without a word to say is broken, whatever the figures of its recipe are.
fn answers_at_all(questions: &[Question], candidate: &World) -> Check {
    let answered = questions.iter().filter(|question| !question.ask(candidate).is_empty()).count();
    let share = answered as f64 / questions.len().max(1) as f64;
    let passed = answered > 0 || questions.is_empty() || candidate.catalog.is_empty();
    let words = match passed {
        true => format!("The files were read back; {answered} of {} questions were answered.", questions.len()),
        false => "The files were read back and answer nothing.".into(),
    };
    Check {
        name: "Answers".into(),
        slice: "all".into(),
        cases: questions.len(),
        candidate: share,
        passed,
        words,
        ..Check::default()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mercer_recommend::interactions::{Customer, Order};
    use mercer_schema::{ModelVersion, Position, Product, ProductId, Properties};
    use mercer_store::{DataRange, Lineage};

    use super::*;
    use crate::recipes::{RECIPES, read_models};

    const DAYS: i64 = 60;

    /// Every customer orders one of ten families each few days; what is ordered together stays together.
    fn lessons() -> Lessons {
        let order = |number: i64| {
            let customer = number % 90;
            let family = (customer % 10 * 5 + number / 90 % 2) as u32;
            let lines = (0..4).map(|step| (Item(family + step), 1.0)).collect();
            let at = Timestamp(number * DAYS * Timestamp::DAY / 1_200);
            Order { customer: Some(Customer(customer as u32)), at, lines }
        };
        let last_at = Timestamp(DAYS * Timestamp::DAY);
        Lessons {
            orders: (0..1_200).map(order).collect(),
            data: DataRange { last_at, ..DataRange::default() },
            ..Lessons::default()
        }
    }

    fn world() -> World {
        let mut world = World::default();
        for number in 0..60 {
            let product = Product::new(ProductId::trusted(format!("p{number}")), format!("Thing {number}"));
            world.catalog.save(Arc::new(product), Timestamp(0));
        }
        world
    }

    fn fitted(lessons: &Lessons, world: &World) -> Arc<Models> {
        let file = |name: &str| {
            let recipe = RECIPES.iter().find(|recipe| recipe.file == name).ok_or("no such recipe")?;
            Ok(Some((recipe.fit)(lessons, world)))
        };
        Arc::new(read_models(&world.catalog, file).unwrap())
    }

    /// A champion that learned up to five days before the end.
    fn rival(models: Arc<Models>, last_at: Timestamp) -> Rival {
        let manifest = Manifest {
            format: 1,
            version: ModelVersion::trusted("000001"),
            created_at: last_at,
            code_version: "another".into(),
            settings: serde_json::Value::Null,
            data: DataRange { last: Position(1), last_at, ..DataRange::default() },
            metrics: Properties::new(),
            lineage: Lineage::default(),
            gate: Gate::default(),
            files: [].into(),
        };
        Rival { manifest, models, has_same_recipes: false }
    }

    fn judged(candidate: &Arc<Models>, champion: Arc<Models>) -> Gate {
        judged_with(candidate, champion, None)
    }

    fn judged_with(candidate: &Arc<Models>, champion: Arc<Models>, searches: Option<&Contested>) -> Gate {
        let (lessons, world) = (lessons(), world());
        let rival = rival(champion, lessons.data.last_at.plus(-5 * Timestamp::DAY));
        let plan = Plan::new(&lessons, Some(&rival), &ModelOptions::default());
        assert_eq!(plan.protocol, Protocol::FreshDays);
        assert!(plan.cut > rival.manifest.data.last_at, "the champion has learned from none of the cases");
        let contenders = Contenders { before_cut: candidate, candidate, rival: Some(&rival), searches };
        judge(&plan, &lessons, &world, &contenders)
    }

    #[test]
    fn who_loses_on_recent_days_does_not_pass_and_the_verdict_says_where() {
        let (lessons, world) = (lessons(), world());
        let before = fitted(&lessons.before(Timestamp((DAYS - 5) * Timestamp::DAY)), &world);
        // A fit on the first days alone knows a part of the families.
        let half = fitted(&lessons.before(Timestamp(Timestamp::DAY / 2)), &world);
        let gate = judged(&half, before);
        assert!(!gate.passed, "{gate:?}");
        let lost: Vec<_> = gate.checks.iter().filter(|check| !check.passed).collect();
        assert!(lost.iter().any(|check| check.words.contains("beyond chance") && check.difference.unwrap().high < 0.0));
    }

    #[test]
    fn who_is_as_good_or_better_passes() {
        let (lessons, world) = (lessons(), world());
        let fit = || fitted(&lessons.before(Timestamp((DAYS - 5) * Timestamp::DAY)), &world);
        let same = judged(&fit(), fit());
        assert!(same.passed, "{same:?}");
        let better = judged(&fit(), fitted(&lessons.before(Timestamp(Timestamp::DAY / 2)), &world));
        assert!(better.passed && better.checks.iter().any(|check| check.words.contains("Better")), "{better:?}");
    }

    #[test]
    fn whose_order_of_search_results_loses_does_not_pass() {
        let (lessons, world) = (lessons(), world());
        let fit = || fitted(&lessons.before(Timestamp((DAYS - 5) * Timestamp::DAY)), &world);
        let judged = |candidate: f64| {
            let of = |mean: f64| (0..200).map(|case| mean + 0.1 * f64::from(case % 3)).collect();
            let gate = judged_with(&fit(), fit(), Some(&Contested { candidate: of(candidate), champion: of(0.5) }));
            let check = gate.checks.iter().find(|check| check.name.starts_with("Search: ")).unwrap().clone();
            (gate.passed, check)
        };
        let (passed, worse) = judged(0.4);
        assert!(!passed && !worse.passed && worse.words.contains("beyond chance"), "{worse:?}");
        let (passed, same) = judged(0.5);
        assert!(passed && same.passed && same.cases == 200, "{same:?}");
    }

    #[test]
    fn who_takes_far_more_memory_does_not_pass_however_small_its_files_are() {
        let (lessons, world) = (lessons(), world());
        let fit = || fitted(&lessons.before(Timestamp((DAYS - 5) * Timestamp::DAY)), &world);
        let champion = fit();
        assert!((1_000..10_000_000).contains(&champion.heap_bytes()), "{}", champion.heap_bytes());
        let mut large = Arc::into_inner(fit()).unwrap();
        large.sequence = mercer_decide::Sequence::new(Arc::new(champion.for_you.clone()), 400_000_000);
        let gate = judged(&Arc::new(large), champion);
        let memory = gate.checks.iter().find(|check| check.name == "Memory, bytes").unwrap();
        assert!(!gate.passed && !memory.passed && memory.candidate > 4e8, "{memory:?}");
        assert!(gate.checks.iter().all(|check| check.passed || check.name == "Memory, bytes"), "{gate:?}");
    }

    #[test]
    fn files_that_answer_nothing_do_not_pass() {
        let (lessons, world) = (lessons(), world());
        let gate = {
            let plan = Plan::new(&lessons, None, &ModelOptions::default());
            let fit = fitted(&lessons.before(plan.cut), &world);
            let contenders = Contenders { before_cut: &fit, candidate: &Arc::default(), rival: None, searches: None };
            judge(&plan, &lessons, &world, &contenders)
        };
        assert!(!gate.passed && gate.champion.is_none(), "{gate:?}");
    }
}
