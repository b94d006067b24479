//! Hostile searches without end: `cargo xtask fuzz --minutes 5`, or this by itself with `MINUTES FOLDER [SEED]`.
//!
//! Texts are put together from fragments that have broken parsers before, and from slips in words of the catalog; requests
//! from fields out of their bounds; rules from CEL nested deeper than it may be. Each question is asked twice and must get the
//! same answer, which can be written as JSON, keeps its bounds and names no product twice; each request as JSON is also
//! damaged and read. What crashes, breaks a promise or takes longer than [`SLOWEST`] is kept in the folder, as JSON.

use std::collections::BTreeSet;
use std::error::Error;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mercer_decide::{Models, World, check_filter, search, suggest};
use mercer_schema::{
    DecisionId, Explain, Product, ProductId, Refinement, SearchRequest, SearchSort, SuggestRequest, Timestamp,
};
use mercer_search::{Doc, Lexicon, Synonyms};

/// A question that takes longer is kept.
const SLOWEST: Duration = Duration::from_millis(250);
const PRODUCTS: u64 = 400;
const MOST_FRAGMENTS: usize = 12;
/// Faults after which it is pointless to go on.
const MOST_FAULTS: usize = 20;

const WORDS: &[&str] = &[
    "red",
    "blue",
    "lantern",
    "heart",
    "t-shirt",
    "air",
    "conditioner",
    "dv7-1211ea",
    "notebook",
    "bottle",
    "steel",
    "non",
    "stick",
    "pan",
    "lid",
    "laptoptasche",
    "schlüssel",
    "café",
    "500",
    "ml",
    "0.75",
    "l",
    "14\"",
    "size",
    "42",
    "women",
    "kids",
    "acme",
    "lumina",
    "smørrebrød",
    "łódź",
    "ﬁne",
    "Ⅷ",
    "٣",
    "日本語",
    "Ωmega",
];
const NASTY: &[&str] = &[
    "\u{0}",
    "\u{7}",
    "\r\n",
    "\t",
    "\u{1b}[31m",
    "\u{202e}",
    "\u{2066}",
    "\u{200b}",
    "\u{200d}",
    "\u{feff}",
    "\u{301}",
    "\u{489}",
    "e\u{301}\u{302}\u{303}\u{304}",
    "\u{10ffff}",
    "\u{fffd}",
    "\u{ad}",
    "İ",
    "ß",
    "ﬃ",
    "ŉ",
    "ǆ",
    "𝔘",
    "👩‍👩‍👧‍👦",
    "🏳️‍🌈",
    "\u{1f1e9}",
    "(a+)+$",
    "(((((*?+{9}",
    "[[:alpha:]]{1000}",
    ".*.*.*.*",
    "%00",
    "%c0%af",
    "' OR 1=1 --",
    "\"",
    "\\",
    "<script>",
    "${jndi:x}",
    "../..",
    "{{7*7}}",
    "NaN",
    "-0",
    "1e308",
    "1e-400",
    "99999999999999999999999",
    "0x1p-1",
    "1,000,000.00",
    "1.2.3.4",
    "3\"",
    "3'",
    "1/2",
    "5 ml",
    "ml",
    "1e9 kg",
    "0 l",
    ".5 l",
    "under",
    "under 80",
    "under -5",
    "under 1e400",
    "between 10 and",
    "between 99 and 1",
    "from $5 to £3",
    "€",
    "size",
    "size 42",
    "not",
    "without",
    "no",
    "without without",
    "ohne",
    "sans",
    "sin",
    "senza",
    "zonder",
    "bez",
    "not not not",
    "non",
    "-",
    "--",
    "- -",
    "/",
    "//",
    "&",
    "+",
    ",",
    ";",
    "|",
    "'s",
    "l'",
    "’",
    "''''",
    "a'b'c'd",
    "…",
    "™",
    "®",
    " ",
    "  ",
    "\u{a0}",
    "\u{3000}",
    "for",
    "with",
];
const RULES: &[&str] = &[
    "product.price < 20.0",
    "true",
    "false",
    "product.brand == 'Acme'",
    "product.title.contains('a')",
    "!",
    "(",
    ")",
    " && ",
    " || ",
    "? true : false",
    "now",
    "customer.orders > 0",
    "product.categories.exists(c, c == 'Home')",
    "'a' * 3",
    "1 / 0",
    "9223372036854775807 + 1",
    "product.nothing",
    "size(product.title)",
    "[1,2,3].map(x, x * x)",
    "matches('(a+)+$')",
    "product.title.matches('^(a|a)*$')",
    "-",
    "has(product.brand)",
    "{}",
    "\"",
    "\\x",
    "duration('1h')",
    "page.query == ''",
];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, minutes, folder, rest @ ..] = arguments.as_slice() else {
        return Err("usage: fuzz_search MINUTES FOLDER [SEED]".into());
    };
    let time = Duration::from_secs_f64(minutes.parse::<f64>()? * 60.0);
    let seed = rest.first().map_or(Ok(1), |seed| seed.parse())?;
    let told = Fuzz { world: world()?, random: Random(seed), faults: 0, slowest: Duration::ZERO }
        .run(time, Path::new(folder))?;
    writeln!(std::io::stdout(), "{told}")?;
    Ok(())
}

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn of<'a>(&mut self, fragments: &[&'a str]) -> &'a str {
        fragments[self.below(fragments.len())]
    }

    /// A text of fragments; sometimes very long.
    fn text(&mut self) -> String {
        if self.one_in(200) {
            let (fragment, times) = (if self.one_in(2) { self.of(NASTY) } else { self.of(WORDS) }, self.below(10_000));
            return fragment.repeat(times);
        }
        let mut text = String::new();
        for _ in 0..self.below(MOST_FRAGMENTS) {
            match self.below(8) {
                0..3 => text.push_str(self.of(WORDS)),
                3..5 => text.push_str(&self.slipped()),
                5..7 => text.push_str(self.of(NASTY)),
                _ => text.extend(char::from_u32(self.below(0x11_0000) as u32)),
            }
            if !self.one_in(4) {
                text.push(' ');
            }
        }
        text
    }

    /// A word of the catalog with a few slips.
    fn slipped(&mut self) -> String {
        let mut letters: Vec<char> = self.of(WORDS).chars().collect();
        for _ in 0..=self.below(3) {
            let place = self.below(letters.len());
            match self.below(4) {
                0 if letters.len() > 1 => drop(letters.remove(place)),
                1 => letters.insert(place, char::from(b'a' + self.below(26) as u8)),
                2 => letters.swap(place, 0),
                _ => letters[place] = char::from(b'a' + self.below(26) as u8),
            }
        }
        letters.into_iter().collect()
    }

    fn rule(&mut self) -> String {
        if self.one_in(20) {
            let (open, close) = [("(", ")"), ("!", ""), ("[", "]"), ("{1:", "}"), ("-", "")][self.below(5)];
            let depth = self.below(900);
            return format!("{}true{}", open.repeat(depth), close.repeat(depth));
        }
        (0..=self.below(6)).map(|_| self.of(RULES)).collect()
    }

    fn number(&mut self) -> usize {
        [0, 1, 2, 24, 200, 201, 10_000, usize::MAX][self.below(8)]
    }

    fn texts(&mut self) -> Vec<String> {
        (0..self.below(4)).map(|_| self.text()).collect()
    }

    fn request(&mut self) -> SearchRequest {
        let strengths = [0.0, 1.0, 2.0, -1.0, f64::NAN, f64::INFINITY, 1e300];
        let sorts = [
            SearchSort::Relevance,
            SearchSort::Popular,
            SearchSort::Newest,
            SearchSort::PriceUp,
            SearchSort::PriceDown,
        ];
        let explains = [Explain::None, Explain::default(), Explain::Full];
        SearchRequest {
            q: self.text(),
            category: self.one_in(4).then(|| self.text()),
            filter: self.one_in(4).then(|| self.rule()),
            refine: (0..self.below(3)).map(|_| self.refinement()).collect(),
            ignore: self.texts(),
            sort: sorts[self.below(sorts.len())],
            limit: self.one_in(2).then(|| self.number()),
            cursor: self.one_in(4).then(|| if self.one_in(2) { self.number().to_string() } else { self.text() }),
            facets: self.one_in(2).then(|| self.number()),
            fields: self.texts(),
            ungrouped: self.one_in(2),
            typing: self.one_in(2),
            strength: self.one_in(3).then(|| strengths[self.below(strengths.len())]),
            locale: self.one_in(4).then(|| self.text()),
            explain: explains[self.below(explains.len())],
            ..SearchRequest::default()
        }
    }

    fn refinement(&mut self) -> Refinement {
        let field = ["price", "brand", "category", "colour"][self.below(4)];
        let field = if self.one_in(3) { self.text() } else { field.to_owned() };
        let range = ["..", "..5", "9..1", "-1..", "1..99999999999999999999"][self.below(5)];
        let mut values = self.texts();
        values.push(range.to_owned());
        Refinement { field, values }
    }
}

struct Fuzz {
    world: World,
    random: Random,
    faults: usize,
    slowest: Duration,
}

impl Fuzz {
    fn run(mut self, time: Duration, folder: &Path) -> Result<String, Box<dyn Error>> {
        let started = Instant::now();
        let mut executions = 0_u64;
        while started.elapsed() < time && self.faults < MOST_FAULTS {
            let request = self.random.request();
            let damaged = self.damaged(&request);
            let at = Instant::now();
            let outcome = catch_unwind(AssertUnwindSafe(|| ask(&self.world, &request, &damaged)));
            let took = at.elapsed();
            self.slowest = self.slowest.max(took);
            let fault = match outcome {
                Ok(Ok(())) if took <= SLOWEST => None,
                Ok(Ok(())) => Some(format!("slow: {took:?}")),
                Ok(Err(broken)) => Some(broken),
                Err(_) => Some("a crash".to_owned()),
            };
            if let Some(fault) = fault {
                self.faults += 1;
                std::fs::create_dir_all(folder)?;
                let kept = serde_json::json!({ "fault": fault, "request": request, "damaged": String::from_utf8_lossy(&damaged) });
                std::fs::write(folder.join(format!("fault-{}.json", self.faults)), kept.to_string())?;
            }
            executions += 1;
        }
        let seconds = started.elapsed().as_secs_f64();
        Ok(format!("{executions} requests in {seconds:.0} s, slowest {:?}, {} faults", self.slowest, self.faults))
    }

    /// The request as JSON, with a few bytes changed.
    fn damaged(&mut self, request: &SearchRequest) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(request).unwrap_or_default();
        for _ in 0..=self.random.below(4) {
            let place = self.random.below(bytes.len());
            match self.random.below(3) {
                0 if !bytes.is_empty() => drop(bytes.remove(place)),
                1 => bytes.insert(place, self.random.next() as u8),
                _ if !bytes.is_empty() => bytes[place] = self.random.next() as u8,
                _ => {}
            }
        }
        bytes
    }
}

/// Asks a question, and says which promise was broken.
fn ask(world: &World, request: &SearchRequest, damaged: &[u8]) -> Result<(), String> {
    let id = DecisionId::trusted("fuzz");
    let answer = search(world, request, id.clone(), Timestamp(1));
    let text = serde_json::to_string(&answer).map_err(|error| format!("an answer that is no JSON: {error}"))?;
    let again = serde_json::to_string(&search(world, request, id, Timestamp(1))).unwrap_or_default();
    let ids: BTreeSet<&str> = answer.items.iter().map(|item| item.product_id.as_str()).collect();
    let promises = [
        (text == again, "the same answer twice"),
        (ids.len() == answer.items.len(), "no product twice"),
        (answer.items.len() <= request.limit.unwrap_or(24).clamp(1, 200), "a page within its limit"),
        (answer.items.len() <= answer.total, "a total that holds the page"),
        (answer.items.iter().all(|item| item.score.is_finite()), "scores that are numbers"),
        (!answer.query.is_code || answer.query.corrected.is_none(), "a code is never corrected"),
    ];
    if let Some((_, broken)) = promises.into_iter().find(|(is_kept, _)| !is_kept) {
        return Err(format!("broken: {broken}"));
    }
    let suggesting =
        SuggestRequest { q: request.q.clone(), locale: request.locale.clone(), ..SuggestRequest::default() };
    let suggested = suggest(world, &suggesting, Timestamp(1));
    serde_json::to_string(&suggested).map_err(|error| format!("suggestions that are no JSON: {error}"))?;
    let _ = request.filter.as_deref().map(check_filter);
    if let Ok(read) = serde_json::from_slice::<SearchRequest>(damaged) {
        let _ = search(world, &read, DecisionId::trusted("fuzz"), Timestamp(1));
    }
    Ok(())
}

/// A shop of made-up products of the words above.
fn world() -> Result<World, Box<dyn Error>> {
    let mut random = Random(7);
    let mut world = World::default();
    for number in 0..PRODUCTS {
        let title: Vec<&str> = (0..=random.below(6)).map(|_| random.of(WORDS)).collect();
        let mut product = Product::new(ProductId::parse(&format!("P-{number}"))?, title.join(" "));
        product.brand = random.one_in(2).then(|| "Acme".to_owned());
        product.category = vec!["Home".to_owned(), random.of(WORDS).to_owned()];
        product.attributes.insert("colour", random.of(&["red", "blue", "Black, Red"]));
        product.attributes.insert("size", random.of(&["42", "XL", "500 ml"]));
        let product = Arc::new(product);
        let item = world.catalog.save(Arc::clone(&product), Timestamp(0));
        world.search.put(Doc(item.0), None, &product);
    }
    let synonyms = [Synonyms { from: None, to: vec!["lantern".to_owned(), "lamp".to_owned()] }];
    world.models = Arc::new(Models { lexicon: Lexicon::new(&synonyms), ..Models::default() });
    Ok(world)
}
