//! Results as the server draws them: what `<mercer-search-results>` draws, with links and forms in place of script.
//!
//! Invariant: the same elements, classes and texts as the SDK's, so that nothing moves when the script takes over. The
//! answer stands inside as data, so that nothing is asked twice.

use mercer_schema::{Chip, Facet, FacetValue, SearchAnswer, SearchRequest, WayOn, WayOnKind};

use super::asked::{Asked, PAGE, SORTS};
use super::shop::Shop;
use super::trouble::Trouble;
use super::view::{Link, Tile, safe_url};
use super::visitor::Visitor;

/// Facets that a shop of this size needs.
const FACETS: usize = 6;
/// Values of a facet that are in sight.
const VALUES_AT_ONCE: usize = 8;
/// As many products as Mercer gives at once.
const LARGEST_ANSWER: usize = 200;
/// As much of a product as a tile needs; the same as in `shop.js`.
const FIELDS: [&str; 7] = ["id", "title", "category", "price", "availability", "url", "image_url"];
const CORRECTED: &str = "corrected";

/// A page of results, ready to be drawn.
#[derive(Debug)]
pub(super) struct Results {
    /// The page without its question.
    pub(super) path: String,
    /// The category that the page is about.
    pub(super) category: Option<String>,
    /// All of it as JSON, without a `<`; none when the script has to ask itself.
    pub(super) data: Option<String>,
    pub(super) banners: Vec<Banner>,
    pub(super) corrected: Option<Corrected>,
    pub(super) notes: Vec<String>,
    pub(super) chips: Vec<ChipLink>,
    pub(super) clear: Option<String>,
    pub(super) total: String,
    pub(super) sorts: Vec<Choice>,
    /// What the forms keep of the question beside what is chosen in them.
    pub(super) kept_by_sort: Vec<(String, String)>,
    pub(super) kept_by_facets: Vec<(String, String)>,
    pub(super) filters_name: String,
    pub(super) facets: Vec<FacetGroup>,
    pub(super) tiles: Vec<Tile>,
    pub(super) ways: Vec<Way>,
    pub(super) shown: String,
    pub(super) more: Option<String>,
}

#[derive(Debug)]
pub(super) struct Banner {
    pub(super) text: String,
    pub(super) url: Option<String>,
}

#[derive(Debug)]
pub(super) struct Corrected {
    pub(super) says: String,
    pub(super) typed: String,
    pub(super) url: String,
}

#[derive(Debug)]
pub(super) struct ChipLink {
    pub(super) label: String,
    pub(super) title: String,
    pub(super) url: String,
}

#[derive(Debug)]
pub(super) struct Choice {
    pub(super) value: &'static str,
    pub(super) name: &'static str,
    pub(super) is_chosen: bool,
}

#[derive(Debug)]
pub(super) struct FacetGroup {
    pub(super) field: String,
    pub(super) name: String,
    pub(super) why: String,
    pub(super) early: Vec<FacetValue>,
    pub(super) later: Vec<FacetValue>,
}

#[derive(Debug)]
pub(super) struct Way {
    pub(super) text: String,
    pub(super) count: String,
    pub(super) url: Option<String>,
}

/// What to ask Mercer so that the page shows what its address says.
pub(super) fn request(visitor: &Visitor, asked: &Asked, category: Option<&str>) -> SearchRequest {
    let asked_category = Some(asked.category.clone()).filter(|category| !category.is_empty());
    SearchRequest {
        q: asked.q.clone(),
        customer: visitor.customer.clone(),
        anonymous_id: Some(visitor.anonymous_id.clone()),
        category: category.map(str::to_owned).or(asked_category),
        refine: asked.refine.clone(),
        ignore: asked.ignore.clone(),
        sort: asked.sort,
        limit: Some(if is_whole(asked) { asked.page * PAGE } else { PAGE }),
        cursor: (!is_whole(asked)).then(|| ((asked.page - 1) * PAGE).to_string()),
        facets: Some(FACETS),
        fields: FIELDS.map(str::to_owned).to_vec(),
        locale: visitor.locale.clone(),
        view_as: visitor.view_as.clone(),
        dry_run: visitor.is_prefetch,
        no_personalization: !visitor.may_personalize(),
        ..SearchRequest::default()
    }
}

/// One answer holds all pages. Beyond, those without script see the last page only.
const fn is_whole(asked: &Asked) -> bool {
    asked.page * PAGE <= LARGEST_ANSWER
}

impl Results {
    pub(super) async fn ask(
        shop: &Shop,
        visitor: &Visitor,
        asked: &Asked,
        category: Option<&str>,
    ) -> Result<SearchAnswer, Trouble> {
        shop.mercer().search(&request(visitor, asked, category)).await
    }

    pub(super) fn new(shop: &Shop, path: &str, asked: &Asked, category: Option<&str>, answer: &SearchAnswer) -> Self {
        let at = At { path, asked, category };
        let chosen: usize = asked.refine.iter().map(|one| one.values.len()).sum();
        let text = answer.query.corrected.as_ref().unwrap_or(&answer.query.text);
        let pairs = asked.pairs().into_iter().filter(|(name, _)| name != "page");
        let shown = if is_whole(asked) { answer.items.len() } else { (asked.page - 1) * PAGE + answer.items.len() };
        let (chips, clear) = at.chips(answer);
        Self {
            path: path.to_owned(),
            category: category.map(str::to_owned),
            data: is_whole(asked).then(|| data(answer)).flatten(),
            banners: answer
                .banners
                .iter()
                .map(|banner| Banner { text: banner.text.clone(), url: banner.url.as_deref().and_then(safe_url) })
                .collect(),
            corrected: at.corrected(answer),
            notes: notes(answer),
            chips,
            clear,
            total: total(answer.total, text),
            sorts: SORTS
                .iter()
                .map(|(sort, value, name)| Choice { value, name, is_chosen: *sort == asked.sort })
                .collect(),
            kept_by_sort: pairs.clone().filter(|(name, _)| name != "sort").collect(),
            kept_by_facets: pairs.filter(|(name, _)| !is_among(&answer.facets, name)).collect(),
            filters_name: if chosen > 0 { format!("Filters ({chosen})") } else { "Filters".to_owned() },
            facets: answer.facets.iter().map(group).collect(),
            tiles: tiles(shop, answer),
            ways: answer.ways_on.iter().map(|way| at.way(way, &answer.query.chips)).collect(),
            shown: if answer.next.is_some() { format!("{shown} of {}", answer.total) } else { String::new() },
            more: answer.next.as_ref().map(|_| Asked { page: asked.page + 1, ..asked.clone() }.url(path)),
        }
    }
}

/// Where the page is.
struct At<'a> {
    path: &'a str,
    asked: &'a Asked,
    category: Option<&'a str>,
}

impl At<'_> {
    fn corrected(&self, answer: &SearchAnswer) -> Option<Corrected> {
        let corrected = answer.query.corrected.as_ref()?;
        let typed = answer.query.text.clone();
        Some(Corrected {
            says: format!("Showing results for “{corrected}”."),
            typed,
            url: self.asked.ignoring([CORRECTED]).url(self.path),
        })
    }

    /// What the search is narrowed down by, each to be taken away, and all of them.
    fn chips(&self, answer: &SearchAnswer) -> (Vec<ChipLink>, Option<String>) {
        let asked = self.asked;
        let mut chips = Vec::new();
        let mut put = |label: &str, title: String, without: &Asked| {
            chips.push(ChipLink { label: label.to_owned(), title, url: without.url(self.path) });
        };
        if !asked.category.is_empty() {
            put(leaf(&asked.category), String::new(), &Asked { category: String::new(), page: 1, ..asked.clone() });
        }
        let mut wishes: Vec<&Chip> =
            answer.query.chips.iter().filter(|chip| !asked.ignore.contains(&chip.id)).collect();
        let mut chosen = Vec::new();
        for one in &asked.refine {
            let facet = answer.facets.iter().find(|facet| facet.field == one.field);
            for value in &one.values {
                let known = facet.and_then(|facet| facet.values.iter().find(|known| known.value == *value));
                let label = known.map_or_else(|| leaf(value), |known| &known.label).to_owned();
                let mut without = asked.without(&one.field, value);
                // What was said in words and chosen as well stands there once, and goes at once.
                if let Some(said) = wishes.iter().position(|wish| wish.field == one.field && wish.label == label) {
                    without = without.ignoring([wishes.remove(said).id.as_str()]);
                }
                chosen.push((label, facet.map_or_else(String::new, |facet| facet.name.clone()), without));
            }
        }
        for wish in wishes {
            put(&wish.label, format!("from “{}”", wish.from), &asked.ignoring([wish.id.as_str()]));
        }
        for (label, title, without) in chosen {
            put(&label, title, &without);
        }
        let bare = Asked { category: String::new(), refine: Vec::new(), ..asked.clone() };
        let clear = (chips.len() > 1)
            .then(|| bare.ignoring(answer.query.chips.iter().map(|chip| chip.id.as_str())).url(self.path));
        (chips, clear)
    }

    fn way(&self, way: &WayOn, chips: &[Chip]) -> Way {
        let bare = Asked { sort: self.asked.sort, q: self.asked.q.clone(), page: 1, ..Asked::default() };
        let q = way.q.clone().unwrap_or_else(|| bare.q.clone());
        let there = match way.kind {
            WayOnKind::Category => None,
            WayOnKind::WithoutFilters => {
                // What the shop chose beforehand is a filter too.
                let preset = chips.iter().map(|chip| chip.id.as_str()).filter(|id| id.starts_with("preset:"));
                Some(Asked { q, ..bare }.ignoring(preset))
            }
            WayOnKind::FewerWords => Some(Asked { q, page: 1, ..self.asked.clone() }),
        };
        let category = way.category.as_deref().filter(|_| self.category.is_none());
        Way {
            text: way.text.clone(),
            count: if way.text.contains(&way.total.to_string()) { String::new() } else { way.total.to_string() },
            url: there
                .map(|there| there.url(self.path))
                .or_else(|| category.map(|category| Link::to(leaf(category), 0).url)),
        }
    }
}

fn tiles(shop: &Shop, answer: &SearchAnswer) -> Vec<Tile> {
    let tile = |item: &mercer_schema::DecidedItem| {
        let product = item.whole_product()?;
        shop.saw(&product);
        let reasons = item.reasons.iter().map(|reason| reason.text.clone()).collect();
        Some(Tile { reasons, ..Tile::of(&product) })
    };
    answer.items.iter().filter_map(tile).collect()
}

fn group(facet: &Facet) -> FacetGroup {
    let (mut early, mut later) = (Vec::new(), Vec::new());
    for (place, value) in facet.values.iter().enumerate() {
        let is_early = place < VALUES_AT_ONCE || value.is_chosen;
        if is_early { &mut early } else { &mut later }.push(value.clone());
    }
    FacetGroup { field: facet.field.clone(), name: facet.name.clone(), why: facet.why.clone(), early, later }
}

/// Whether a parameter is a choice in one of the facets.
fn is_among(facets: &[Facet], name: &str) -> bool {
    name.strip_prefix("refine.").is_some_and(|field| facets.iter().any(|facet| facet.field == field))
}

fn total(count: usize, text: &str) -> String {
    let what = if text.is_empty() { String::new() } else { format!(" for “{text}”") };
    match count {
        0 => format!("Nothing found{what}"),
        1 => format!("1 product{what}"),
        _ => format!("{count} products{what}"),
    }
}

fn notes(answer: &SearchAnswer) -> Vec<String> {
    let listed = |words: &[String]| words.iter().map(|word| format!("“{word}”")).collect::<Vec<_>>().join(", ");
    let mut notes = Vec::new();
    if !answer.query.dropped.is_empty() {
        notes.push(format!("No product has all of it. Left out: {}", listed(&answer.query.dropped)));
    }
    if !answer.query.unwanted.is_empty() {
        notes.push(format!("Without {}", listed(&answer.query.unwanted)));
    }
    match answer.query.by_meaning {
        0 => {}
        near if near == answer.total => {
            notes.push("No product has these words. This is near to what they mean.".to_owned());
        }
        1 => notes.push("The last product is only near to what the words mean.".to_owned()),
        near => notes.push(format!("The last {near} are only near to what the words mean.")),
    }
    notes
}

fn leaf(path: &str) -> &str {
    path.rsplit('>').next().map_or(path, str::trim)
}

/// Inside a script element only a `<` could end the data.
fn data(answer: &SearchAnswer) -> Option<String> {
    serde_json::to_string(answer).ok().map(|text| text.replace('<', "\\u003c"))
}
