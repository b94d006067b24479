//! Small named changes that a mapping may apply to a text.
//!
//! Invariant: each is total; a text that does not fit comes back as it was, to be judged by the field's type.

use std::borrow::Cow;

use quick_xml::escape::resolve_xml_entity;
use serde::Deserialize;

/// A change of a text, by the name that mappings use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Transform {
    Lower,
    Upper,
    /// `WHITE  MUG` becomes `White mug`.
    Sentence,
    /// Markup out, entities resolved, white space single.
    StripHtml,
    /// `17850.0` becomes `17850`.
    WholeNumber,
    /// `gid://shopify/Product/42` becomes `42`.
    AfterLastSlash,
}

impl Transform {
    pub(super) fn apply(self, text: Cow<'_, str>) -> Cow<'_, str> {
        match self {
            Self::Lower => Cow::Owned(text.to_lowercase()),
            Self::Upper => Cow::Owned(text.to_uppercase()),
            Self::Sentence => Cow::Owned(sentence(&text)),
            Self::StripHtml => Cow::Owned(strip_html(&text)),
            Self::WholeNumber => match whole_number(&text).map(str::len) {
                Some(length) if length < text.len() => Cow::Owned(text[..length].to_owned()),
                _ => text,
            },
            Self::AfterLastSlash => match text.rfind('/') {
                Some(slash) => Cow::Owned(text[slash + 1..].to_owned()),
                None => text,
            },
        }
    }
}

fn sentence(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => text,
    }
}

/// The digits of a number whose fraction, if it has one, is zero.
pub(super) fn whole_number(text: &str) -> Option<&str> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let is_whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    (is_whole && fraction.bytes().all(|byte| byte == b'0')).then_some(whole)
}

/// The readable text of a piece of HTML.
pub(super) fn strip_html(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        text.push_str(&rest[..open]);
        let inside = &rest[open + 1..];
        let is_markup = inside.starts_with(|first: char| first.is_ascii_alphabetic() || matches!(first, '/' | '!'));
        if !is_markup {
            text.push('<');
            rest = inside;
            continue;
        }
        let name: String = inside.chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_lowercase();
        rest = match name.as_str() {
            "script" | "style" => after_element(inside, &name),
            _ if inside.starts_with("!--") => inside.find("-->").map_or("", |end| &inside[end + 3..]),
            _ => inside.find('>').map_or("", |end| &inside[end + 1..]),
        };
        if !matches!(name.as_str(), "b" | "i" | "em" | "strong" | "a" | "span" | "sup" | "sub")
            && !is_inline_end(inside)
        {
            text.push(' ');
        }
    }
    text.push_str(rest);
    unescape(&text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `</b` and its kin end inside of words.
fn is_inline_end(inside: &str) -> bool {
    ["/b>", "/i>", "/em>", "/strong>", "/a>", "/span>", "/sup>", "/sub>"].iter().any(|end| inside.starts_with(end))
}

/// What follows the end of a script or a style, whose content is no text for people.
fn after_element<'a>(inside: &'a str, name: &str) -> &'a str {
    let end = format!("</{name}");
    // Lowering ASCII letters only keeps the byte positions.
    match inside.to_ascii_lowercase().find(&end) {
        Some(start) => inside[start..].find('>').map_or("", |close| &inside[start + close + 1..]),
        None => "",
    }
}

fn unescape(text: &str) -> String {
    const LONGEST: usize = 12;
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        plain.push_str(&rest[..start]);
        let after = &rest[start + 1..];
        let name = after.find(';').filter(|end| *end <= LONGEST).map(|end| &after[..end]);
        match name.and_then(|name| Some((name, character(name)?))) {
            Some((name, letters)) => {
                plain.push_str(&letters);
                rest = &after[name.len() + 1..];
            }
            None => {
                plain.push('&');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain
}

fn character(name: &str) -> Option<Cow<'static, str>> {
    let Some(number) = name.strip_prefix('#') else {
        return resolve_xml_entity(name).or_else(|| entity(name)).map(Cow::Borrowed);
    };
    let number = match number.strip_prefix(['x', 'X']) {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok(),
        None => number.parse().ok(),
    };
    number.and_then(char::from_u32).filter(|letter| !letter.is_control()).map(|letter| Cow::Owned(letter.to_string()))
}

/// The named entities that product texts use, besides XML's own five.
pub(super) fn entity(name: &str) -> Option<&'static str> {
    const ENTITIES: &[(&str, &str)] = &[
        ("nbsp", "\u{a0}"),
        ("pound", "£"),
        ("euro", "€"),
        ("cent", "¢"),
        ("yen", "¥"),
        ("copy", "©"),
        ("reg", "®"),
        ("trade", "™"),
        ("deg", "°"),
        ("times", "×"),
        ("frac12", "½"),
        ("frac14", "¼"),
        ("frac34", "¾"),
        ("hellip", "…"),
        ("ndash", "–"),
        ("mdash", "—"),
        ("lsquo", "‘"),
        ("rsquo", "’"),
        ("ldquo", "“"),
        ("rdquo", "”"),
        ("laquo", "«"),
        ("raquo", "»"),
        ("bull", "•"),
        ("middot", "·"),
        ("sup2", "²"),
        ("sup3", "³"),
        ("micro", "µ"),
        ("szlig", "ß"),
        ("auml", "ä"),
        ("ouml", "ö"),
        ("uuml", "ü"),
        ("Auml", "Ä"),
        ("Ouml", "Ö"),
        ("Uuml", "Ü"),
        ("eacute", "é"),
        ("egrave", "è"),
        ("ecirc", "ê"),
        ("agrave", "à"),
        ("aacute", "á"),
        ("acirc", "â"),
        ("ccedil", "ç"),
        ("ntilde", "ñ"),
        ("iacute", "í"),
        ("oacute", "ó"),
        ("uacute", "ú"),
        ("aring", "å"),
        ("oslash", "ø"),
        ("aelig", "æ"),
        ("eth", "ð"),
    ];
    ENTITIES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_becomes_readable_text() {
        let html = "<p>A <b>big</b>ger mug,&nbsp;5&nbsp;&lt; 6 &pound;</p><ul><li>blue</li><li>red</li></ul>\
            <script>alert('</p>')</SCRIPT><!-- no > --> x < 3 &unknown; &#8211;";
        assert_eq!(strip_html(html), "A bigger mug, 5 < 6 £ blue red x < 3 &unknown; –");
        assert_eq!(strip_html("<p"), "");
        assert_eq!(strip_html("a <"), "a <");
    }

    #[test]
    fn whole_numbers_lose_a_zero_fraction_only() {
        for (text, expected) in
            [("17850.0", "17850"), ("17850", "17850"), ("1.5", "1.5"), ("A.0", "A.0"), ("-2.", "-2")]
        {
            assert_eq!(Transform::WholeNumber.apply(text.into()), expected);
        }
    }

    #[test]
    fn sentences_and_paths() {
        assert_eq!(Transform::Sentence.apply("WHITE  METAL lantern".into()), "White metal lantern");
        assert_eq!(Transform::AfterLastSlash.apply("gid://shopify/Product/42".into()), "42");
    }
}
