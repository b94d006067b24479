//! The sentences that a customer reads, by language.
//!
//! Every sentence says what was observed in this shop and nothing more. Languages are chosen by the page's
//! locale; what is not translated is English.

use mercer_schema::ReasonCode;

/// Longest title inside a sentence, in letters.
const MOST_LETTERS: usize = 80;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    German,
}

impl Language {
    /// By the first part of `de-AT` or `de_AT`.
    pub(crate) fn of(locale: Option<&str>) -> Self {
        let language = locale.and_then(|locale| locale.split(['-', '_']).next()).unwrap_or_default();
        if language.eq_ignore_ascii_case("de") { Self::German } else { Self::English }
    }
}

/// Which sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sentence<'a> {
    /// The plain sentence of a code.
    Plain(ReasonCode),
    /// The same, naming the product that led there.
    Naming(ReasonCode, &'a str),
    /// `ForYou`, from a product that was bought.
    Bought(&'a str),
}

pub(crate) fn say(language: Language, sentence: Sentence<'_>) -> String {
    match sentence {
        Sentence::Plain(code) => plain(language, code).to_owned(),
        Sentence::Naming(code, title) => name(naming(language, code), title),
        Sentence::Bought(title) => name(
            match language {
                Language::English => "Because you bought {}",
                Language::German => "Weil Sie {} gekauft haben",
            },
            title,
        ),
    }
}

const fn plain(language: Language, code: ReasonCode) -> &'static str {
    let (english, german) = match code {
        ReasonCode::Popular => ("Popular now", "Gerade beliebt"),
        ReasonCode::Trending => ("Trending this week", "Diese Woche im Trend"),
        ReasonCode::Newest => ("New in the shop", "Neu im Shop"),
        ReasonCode::RecentlyViewed => ("You looked at this", "Zuletzt angesehen"),
        ReasonCode::BuyAgain => ("You bought this before", "Schon einmal gekauft"),
        ReasonCode::AlsoViewed => ("Often viewed together", "Oft zusammen angesehen"),
        ReasonCode::BoughtTogether => ("Often bought together", "Oft zusammen gekauft"),
        ReasonCode::Similar => ("Something similar", "Etwas Ähnliches"),
        ReasonCode::SessionNext => ("Goes with what you are looking at", "Passt zu dem, was Sie gerade ansehen"),
        ReasonCode::ForYou => ("Chosen from what you liked here", "Ausgewählt nach dem, was Ihnen hier gefiel"),
        ReasonCode::Complements => ("Goes with what you chose", "Passt zu Ihrer Auswahl"),
        ReasonCode::Bundle => ("Bought as a set", "Als Set gekauft"),
        ReasonCode::Taste => ("Suits your taste", "Passt zu Ihrem Geschmack"),
        ReasonCode::Sequence => ("A likely next choice", "Wird oft als Nächstes gewählt"),
        ReasonCode::Pinned => ("Picked by the shop", "Vom Shop ausgesucht"),
        ReasonCode::Boosted => ("Recommended by the shop", "Vom Shop empfohlen"),
        ReasonCode::Explored => ("Something different", "Mal etwas anderes"),
    };
    match language {
        Language::English => english,
        Language::German => german,
    }
}

const fn naming(language: Language, code: ReasonCode) -> &'static str {
    let (english, german) = match code {
        ReasonCode::AlsoViewed => ("Often viewed with {}", "Oft angesehen mit {}"),
        ReasonCode::BoughtTogether => ("Often bought with {}", "Oft gekauft mit {}"),
        ReasonCode::Complements => ("Goes with {}", "Passt zu {}"),
        ReasonCode::Bundle => ("Often bought as a set with {}", "Oft als Set gekauft mit {}"),
        ReasonCode::Similar => ("Similar to {}", "Ähnlich wie {}"),
        ReasonCode::SessionNext | ReasonCode::ForYou | ReasonCode::Taste => {
            ("Because you looked at {}", "Weil Sie {} angesehen haben")
        }
        _ => return plain(language, code),
    };
    match language {
        Language::English => english,
        Language::German => german,
    }
}

fn name(pattern: &str, title: &str) -> String {
    let shortened: String = match title.char_indices().nth(MOST_LETTERS) {
        Some((end, _)) => format!("{}…", title[..end].trim_end()),
        None => title.to_owned(),
    };
    pattern.replacen("{}", &shortened, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales_choose_the_language() {
        for (locale, expected) in [
            (None, Language::English),
            (Some("de"), Language::German),
            (Some("de-AT"), Language::German),
            (Some("DE_ch"), Language::German),
            (Some("den"), Language::English),
            (Some("fr-FR"), Language::English),
        ] {
            assert_eq!(Language::of(locale), expected, "{locale:?}");
        }
    }

    #[test]
    fn names_the_product_and_shortens_long_titles() {
        let naming = |title| say(Language::English, Sentence::Naming(ReasonCode::BoughtTogether, title));
        assert_eq!(naming("Paper Lantern"), "Often bought with Paper Lantern");
        assert_eq!(naming("{}"), "Often bought with {}");
        assert!(naming(&"ü".repeat(500)).chars().count() < 110);
        let german = say(Language::German, Sentence::Bought("Papierlaterne"));
        assert_eq!(german, "Weil Sie Papierlaterne gekauft haben");
    }
}
