//! What templates show: plain texts and addresses, made once here so that templates decide nothing.

use mercer_schema::{BrowseBecause, BrowseTile, Money, PageDecision, PlacementDecision, Product};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::asset;
use super::mercer::Category;
use super::panel::Panel;
use super::shop::{Scene, Shop};
use super::trouble::Trouble;
use super::visitor::Visitor;

/// What stays readable in a path.
pub(super) const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What surrounds every page.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) title: String,
    pub(super) stylesheet: String,
    pub(super) sdk_styles: Vec<String>,
    pub(super) script: String,
    pub(super) departments: Vec<Link>,
    pub(super) pieces: u32,
    pub(super) customer: Option<String>,
    pub(super) query: String,
    /// Path and query of this page, for forms that come back here.
    pub(super) here: String,
    pub(super) notice: Option<String>,
    /// The product whose "not for me" the notice offers to take back.
    pub(super) undo: Option<String>,
    pub(super) is_viewed_as: bool,
    pub(super) personalization: &'static str,
    pub(super) sdk: Option<Sdk>,
    pub(super) console_url: Option<String>,
    /// False on the page that shows all of it anyway.
    pub(super) has_panel: bool,
    pub(super) panel: Panel,
}

/// What the browser needs to report impressions and clicks.
#[derive(Debug)]
pub(super) struct Sdk {
    pub(super) module_url: String,
    pub(super) slots_url: String,
    pub(super) search_url: String,
    pub(super) host: String,
    pub(super) write_key: String,
    pub(super) decide_key: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) name: String,
    pub(super) url: String,
    /// A drawing that stands for the department.
    pub(super) picture: String,
    pub(super) count: usize,
    pub(super) is_current: bool,
    /// Why it stands where it does, where that is this visitor's matter.
    pub(super) why: String,
}

impl Link {
    /// To a department or category.
    pub(super) fn to(name: &str, count: usize) -> Self {
        let slug = slug(name);
        let (url, picture) = (format!("/c/{slug}"), format!("/shop/department/{slug}.svg"));
        Self { name: name.to_owned(), url, picture, count, is_current: false, why: String::new() }
    }

    /// To a category as Mercer tells of it.
    pub(super) fn of(tile: &BrowseTile) -> Self {
        let why = if tile.because == BrowseBecause::Shop { String::new() } else { tile.why.clone() };
        Self { why, ..Self::to(&tile.name, tile.products) }
    }
}

impl Frame {
    pub(super) async fn build(shop: &Shop, visitor: &Visitor, title: &str, scene: Scene) -> Result<Self, Trouble> {
        let settings = shop.settings();
        let categories = shop.categories().await?;
        let sdk = visitor.view_as.is_none().then(|| Sdk {
            module_url: settings.module_url.clone(),
            slots_url: settings.slots_url.clone(),
            search_url: settings.search_url.clone(),
            host: settings.browser_api_base.clone(),
            write_key: settings.write_key.clone(),
            decide_key: settings.decide_key.clone(),
        });
        Ok(Self {
            title: title.to_owned(),
            stylesheet: asset::stylesheet_url(),
            sdk_styles: settings.sdk_styles.clone(),
            script: asset::script_url(),
            departments: departments(&categories),
            pieces: visitor.cart.pieces(),
            customer: visitor.customer.as_ref().map(|customer| customer.as_str().to_owned()),
            query: String::new(),
            here: visitor.here.clone(),
            notice: visitor.notice.as_ref().map(|notice| notice.text.clone()),
            undo: visitor.notice.as_ref().and_then(|notice| notice.undo.clone()),
            is_viewed_as: visitor.view_as.is_some(),
            personalization: if visitor.may_personalize() { "on" } else { "off" },
            sdk,
            console_url: settings.console_url.clone(),
            has_panel: true,
            panel: Panel::build(visitor, scene, shop.now()),
        })
    }
}

/// A product in a row or a list.
#[derive(Debug)]
pub(super) struct Tile {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) url: String,
    pub(super) image: String,
    pub(super) price: String,
    pub(super) is_buyable: bool,
    /// Why it is there; empty in lists that nobody personalized.
    pub(super) reasons: Vec<String>,
}

impl Tile {
    pub(super) fn of(product: &Product) -> Self {
        Self {
            id: product.id.as_str().to_owned(),
            title: product.title.clone(),
            url: product_url(product.id.as_str()),
            image: image_url(product),
            price: product.price.map(price_text).unwrap_or_default(),
            is_buyable: product.is_buyable(),
            reasons: Vec::new(),
        }
    }
}

/// A recommended row.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) placement: String,
    pub(super) decision_id: String,
    pub(super) title: String,
    pub(super) tiles: Vec<Tile>,
}

/// The rows of a decision that have something to show.
pub(super) fn rows(shop: &Shop, decision: Option<PageDecision>) -> Vec<Row> {
    let placements = decision.map(|decision| decision.placements).unwrap_or_default();
    placements.iter().map(|placement| row(shop, placement)).filter(|row| !row.tiles.is_empty()).collect()
}

fn row(shop: &Shop, placement: &PlacementDecision) -> Row {
    let tiles = placement.items.iter().filter_map(|item| {
        let product = item.whole_product()?;
        shop.saw(&product);
        let mut reasons: Vec<String> = item.reasons.iter().map(|reason| reason.text.clone()).collect();
        if reasons.is_empty() {
            reasons.push("Chosen for this place by the shop".to_owned());
        }
        Some(Tile { reasons, ..Tile::of(&product) })
    });
    Row {
        placement: placement.placement.as_str().to_owned(),
        decision_id: placement.decision_id.as_str().to_owned(),
        title: placement.title.clone(),
        tiles: tiles.collect(),
    }
}

pub(super) fn tiles(shop: &Shop, products: &[Product]) -> Vec<Tile> {
    products.iter().inspect(|product| shop.saw(product)).map(Tile::of).collect()
}

/// The widest categories, those with most products first. An entry counts what is in and below it.
pub(super) fn departments(categories: &[Category]) -> Vec<Link> {
    links(categories.iter().filter_map(|category| match category.path.as_slice() {
        [name] => Some((name.as_str(), category.products)),
        _ => None,
    }))
}

/// The categories right below a department.
pub(super) fn below(categories: &[Category], department: &str) -> Vec<Link> {
    links(categories.iter().filter_map(|category| match category.path.as_slice() {
        [first, name] if first == department => Some((name.as_str(), category.products)),
        _ => None,
    }))
}

fn links<'a>(counts: impl Iterator<Item = (&'a str, usize)>) -> Vec<Link> {
    let mut links: Vec<Link> = counts.map(|(name, count)| Link::to(name, count)).collect();
    links.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    links
}

pub(super) fn encoded(text: &str, set: &'static AsciiSet) -> String {
    utf8_percent_encode(text, set).to_string()
}

/// An address that shows something: of this shop, or of another site.
pub(super) fn safe_url(url: &str) -> Option<String> {
    let is_own = url.starts_with('/') && !url.starts_with("//") && !url.starts_with("/\\");
    (is_own || url.starts_with("https://") || url.starts_with("http://")).then(|| url.to_owned())
}

pub(super) fn product_url(id: &str) -> String {
    format!("/p/{}", utf8_percent_encode(id, PATH))
}

/// `Candles & Holders` becomes `candles-holders`.
pub(super) fn slug(name: &str) -> String {
    let words = name.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    let slug = words.map(str::to_lowercase).collect::<Vec<_>>().join("-");
    utf8_percent_encode(&slug, PATH).to_string()
}

/// The shop's own picture where the catalog names one, else a drawing. Pictures of other sites are not loaded.
fn image_url(product: &Product) -> String {
    let own = product.image_url.as_deref().filter(|url| url.starts_with('/') && !url.starts_with("//"));
    own.map_or_else(|| format!("/shop/tile/{}.svg", utf8_percent_encode(product.id.as_str(), PATH)), str::to_owned)
}

pub(super) fn price_text(price: Money) -> String {
    let amount = grouped(&price.amount());
    match price.currency.code() {
        "GBP" => format!("£{amount}"),
        "EUR" => format!("€{amount}"),
        "USD" => format!("${amount}"),
        code => format!("{amount} {code}"),
    }
}

/// `4788.77` becomes `4,788.77`.
fn grouped(amount: &str) -> String {
    let (whole, rest) = amount.split_at(amount.find('.').unwrap_or(amount.len()));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut text = sign.to_owned();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use mercer_schema::{Currency, ProductId};

    use super::*;

    #[test]
    fn addresses_hold_any_name() {
        assert_eq!(Link::to("Candles & Holders", 0).url, "/c/candles-holders");
        assert_eq!(slug("Blå / \"1\""), "bl%C3%A5-1");
        assert_eq!(product_url("a/b?c#d \"<"), "/p/a%2Fb%3Fc%23d%20%22%3C");
    }

    #[test]
    fn foreign_pictures_are_not_loaded() {
        let mut product = Product::new(ProductId::trusted("a b"), "x");
        for (given, used) in [
            (None, "/shop/tile/a%20b.svg"),
            (Some("https://elsewhere.example/x.png"), "/shop/tile/a%20b.svg"),
            (Some("//elsewhere.example/x.png"), "/shop/tile/a%20b.svg"),
            (Some("/pictures/x.png"), "/pictures/x.png"),
        ] {
            product.image_url = given.map(str::to_owned);
            assert_eq!(Tile::of(&product).image, used);
        }
    }

    #[test]
    fn a_product_counts_once_for_its_department() {
        let category =
            |path: &[&str], products| Category { path: path.iter().map(|s| (*s).to_owned()).collect(), products };
        let all = [
            category(&["Garden"], 5),
            category(&["Garden", "Pots"], 5),
            category(&["Kitchen"], 8),
            category(&["Kitchen", "Mugs"], 3),
            category(&["Kitchen", "Jars"], 4),
            category(&["Kitchen", "Jars", "Large"], 2),
        ];
        let counted = |links: Vec<Link>| links.into_iter().map(|link| (link.name, link.count)).collect::<Vec<_>>();
        assert_eq!(counted(departments(&all)), [("Kitchen".to_owned(), 8), ("Garden".to_owned(), 5)]);
        assert_eq!(counted(below(&all, "Kitchen")), [("Jars".to_owned(), 4), ("Mugs".to_owned(), 3)]);
    }

    #[test]
    fn prices_are_written_as_people_do() {
        let price = |code| Money::parse("2.5", Currency::parse(code).unwrap()).unwrap();
        assert_eq!((price_text(price("GBP")), price_text(price("SEK"))), ("£2.50".into(), "2.50 SEK".into()));
        let large = ["4788.77", "478", "1000", "-1234567.00"].map(grouped);
        assert_eq!(large, ["4,788.77", "478", "1,000", "-1,234,567.00"]);
    }
}
