//! Phase *interleave*: on a share of the searches, two settings make one list together, and clicks tell which is better.
//!
//! Team draft (Radlinski, Kurup and Joachims, CIKM 2008): in every round a coin says which team chooses first, and each takes
//! the best of its own list that is not taken. What a team chose is credited to it when it is clicked: with lists that are
//! equally good, either is as likely to be ahead, whatever the customer clicks and wherever people look. As far as both lists
//! begin with the same products, these are nobody's choice: to deal them out would only add chance to the outcome (Chapelle,
//! Joachims, Radlinski and Yue, TOIS 2012). Where both settings show the same, nothing is compared.
//!
//! The dice follow from who searches what on which day in which trial, so that further pages go on from the same list.

use mercer_recommend::Item;
use mercer_schema::{SearchRequest, SearchTeam};
use rustc_hash::FxHashSet;

use super::chance::{Purpose, dice};
use super::chips::Wishes;
use super::narrow::Narrowed;
use super::personal::Preferred;
use super::rules::Rules;
use super::{Hit, meaning, order};
use crate::notes::Notes;
use crate::page::PageView;
use crate::seed::Dice;
use crate::world::TriedSettings;

/// Places in which the lists must differ for anything to be compared.
const LOOKED_AT: usize = 24;

/// What the settings that are tried put in order, for a search that the dice chose.
pub(super) struct Rival<'a> {
    page: &'a PageView<'a>,
    request: &'a SearchRequest,
    rules: Rules<'a>,
    tried: TriedSettings,
    dice: Dice,
    hits: Vec<Hit<'a>>,
}

impl<'a> Rival<'a> {
    /// `hits` are narrowed and not yet in order.
    pub(super) fn drawn(
        page: &'a PageView<'a>,
        request: &'a SearchRequest,
        rules: &Rules<'a>,
        hits: &[Hit<'a>],
    ) -> Option<Self> {
        let tried = page.world.search_trial?;
        if page.person.objects || rules.has_pins() || hits.iter().any(|hit| hit.is_coded) {
            return None;
        }
        let mut dice = dice(page, request, Purpose::Interleaving { since: tried.since })?;
        let is_tried = dice.share() < tried.trial.share;
        is_tried.then(|| {
            let mut hits = hits.to_vec();
            meaning::keep_if(tried.trial.settings.meaning, &mut hits);
            Self { page, request, rules: rules.again(), tried, dice, hits }
        })
    }

    /// Makes one list of both. False where both show the same.
    pub(super) fn interleave(mut self, wishes: &Wishes, hits: &mut Vec<Hit<'a>>) -> bool {
        let Self { page, request, .. } = self;
        let preferred = Preferred::with(page, request, &self.tried.trial.settings);
        order(page, request, wishes, &preferred, &mut self.hits);
        self.rules.arrange(&mut self.hits, &mut Notes::default());
        let mut theirs = Narrowed { hits: self.hits, ..Narrowed::default() };
        if !request.ungrouped {
            theirs.keep_one_of_each_family(&[]);
        }
        let theirs = theirs.hits;
        let items = |hits: &[Hit<'_>]| hits.iter().take(LOOKED_AT).map(|hit| hit.item).collect::<Vec<_>>();
        if items(hits) == items(&theirs) {
            return false;
        }
        *hits = draft(hits, &theirs, !request.ungrouped, &mut self.dice);
        true
    }
}

/// What can be in a list only once.
#[derive(PartialEq, Eq, Hash)]
enum Key<'a> {
    Family(&'a str),
    Item(Item),
}

impl<'a> Key<'a> {
    fn of(hit: &Hit<'a>, is_grouped: bool) -> Self {
        let family = hit.product.group_id.as_deref().filter(|_| is_grouped);
        family.map_or(Self::Item(hit.item), Self::Family)
    }
}

/// Both lists have the same products, or one of each of the same families.
fn draft<'a>(a: &[Hit<'a>], b: &[Hit<'a>], is_grouped: bool, dice: &mut Dice) -> Vec<Hit<'a>> {
    let alike = a.iter().zip(b).take_while(|(a, b)| a.item == b.item).count();
    let beginning = a[..alike].iter().map(|hit| Hit { team: Some(SearchTeam::Both), ..*hit });
    beginning.chain(in_turns(&a[alike..], &b[alike..], is_grouped, dice)).collect()
}

fn in_turns<'a>(a: &[Hit<'a>], b: &[Hit<'a>], is_grouped: bool, dice: &mut Dice) -> Vec<Hit<'a>> {
    let mut taken: FxHashSet<Key<'a>> = FxHashSet::default();
    let mut lists = [(SearchTeam::A, a.iter()), (SearchTeam::B, b.iter())];
    let mut drafted = Vec::with_capacity(a.len());
    loop {
        let before = drafted.len();
        let first = dice.below(2);
        for turn in [first, 1 - first] {
            let (team, list) = &mut lists[turn];
            if let Some(hit) = list.find(|hit| taken.insert(Key::of(hit, is_grouped))) {
                drafted.push(Hit { team: Some(*team), ..*hit });
            }
        }
        if drafted.len() == before {
            return drafted;
        }
    }
}

#[cfg(test)]
mod tests {
    use mercer_schema::{DecisionId, Product, ProductId};
    use proptest::prelude::*;

    use super::*;

    fn list<'a>(product: &'a Product, items: &[u32]) -> Vec<Hit<'a>> {
        items.iter().map(|item| Hit::new(Item(*item), product)).collect()
    }

    fn drafted(a: &[u32], b: &[u32], number: u64) -> Vec<(u32, SearchTeam)> {
        let product = Product::new(ProductId::trusted("p"), "P");
        let mut dice = Dice::new(&DecisionId::trusted(format!("d{number}")), 0);
        let drafted = in_turns(&list(&product, a), &list(&product, b), true, &mut dice);
        drafted.iter().map(|hit| (hit.item.0, hit.team.unwrap())).collect()
    }

    fn orders() -> impl Strategy<Value = (Vec<u32>, Vec<u32>)> {
        (0_u32..40).prop_flat_map(|count| {
            let all: Vec<u32> = (0..count).collect();
            (Just(all.clone()).prop_shuffle(), Just(all).prop_shuffle())
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn every_product_is_there_once_and_teams_take_turns((a, b) in orders(), number in any::<u64>()) {
            let drafted = drafted(&a, &b, number);
            let mut items: Vec<u32> = drafted.iter().map(|(item, _)| *item).collect();
            items.sort_unstable();
            prop_assert_eq!(items, (0..a.len() as u32).collect::<Vec<_>>());
            for round in drafted.chunks_exact(2) {
                prop_assert!(round[0].1 != round[1].1, "each chooses once a round");
            }
            for (team, list) in [(SearchTeam::A, &a), (SearchTeam::B, &b)] {
                let mut above = Vec::new();
                for (item, chosen_by) in &drafted {
                    if *chosen_by == team {
                        let better = list.iter().take_while(|other| *other != item);
                        prop_assert!(better.into_iter().all(|other| above.contains(other)), "the best that is left");
                    }
                    above.push(*item);
                }
            }
        }

        #[test]
        fn settings_that_are_the_same_win_as_often(clicked in prop::collection::btree_set(0_u32..10, 1..5), salt in any::<u32>()) {
            const SEARCHES: u64 = 2_000;
            let list: Vec<u32> = (0..10).collect();
            let (mut a, mut b) = (0_u32, 0_u32);
            for number in 0..SEARCHES {
                let drafted = drafted(&list, &list, number ^ (u64::from(salt) << 20));
                let credit = |team| drafted.iter().filter(|(item, by)| *by == team && clicked.contains(item)).count();
                match credit(SearchTeam::A).cmp(&credit(SearchTeam::B)) {
                    std::cmp::Ordering::Greater => a += 1,
                    std::cmp::Ordering::Less => b += 1,
                    std::cmp::Ordering::Equal => {}
                }
            }
            let deviation = f64::from(a + b).sqrt();
            prop_assert!((f64::from(a) - f64::from(b)).abs() <= 5.0 * deviation, "{a} {b}");
        }
    }

    #[test]
    fn what_both_begin_with_is_nobodys_choice() {
        let product = Product::new(ProductId::trusted("p"), "P");
        let (a, b) = (list(&product, &[7, 1, 2, 3]), list(&product, &[7, 1, 3, 2]));
        let mut dice = Dice::new(&DecisionId::trusted("d"), 0);
        let drafted = draft(&a, &b, true, &mut dice);
        assert_eq!(drafted.iter().take(2).map(|hit| hit.item.0).collect::<Vec<_>>(), [7, 1]);
        let teams: Vec<SearchTeam> = drafted.iter().map(|hit| hit.team.unwrap()).collect();
        assert_eq!(teams[..2], [SearchTeam::Both; 2]);
        assert!(teams[2] != teams[3] && !teams[2..].contains(&SearchTeam::Both));
    }

    #[test]
    fn of_a_family_only_what_was_chosen_first_is_shown() {
        let mut sized = Product::new(ProductId::trusted("s"), "S");
        sized.group_id = Some("shirt".into());
        let other = Product::new(ProductId::trusted("o"), "O");
        let a = [Hit::new(Item(1), &sized), Hit::new(Item(3), &other)];
        let b = [Hit::new(Item(3), &other), Hit::new(Item(2), &sized)];
        for number in 0..20 {
            let mut dice = Dice::new(&DecisionId::trusted(format!("d{number}")), 0);
            let drafted = draft(&a, &b, true, &mut dice);
            assert_eq!(drafted.len(), 2);
            assert_eq!(drafted.iter().filter(|hit| hit.item.0 != 3).count(), 1);
        }
    }
}
