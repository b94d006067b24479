//! The kind of device behind a `User-Agent`: a small classifier by whole words.
//!
//! Invariant: it errs towards `Other`, never towards a person: what names itself a program is a bot. It is no
//! defence against programs that pretend, and it tells no models or versions.

use mercer_schema::Device;

/// Programs that [`is_bot`] does not know by their ending. Sorted.
const PROGRAMS: [&str; 37] = [
    "aiohttp",
    "archiver",
    "axios",
    "bingpreview",
    "chatgpt",
    "curl",
    "embedly",
    "facebookcatalog",
    "facebookexternalhit",
    "guzzlehttp",
    "headlesschrome",
    "httpie",
    "httpx",
    "ia_archiver",
    "insomnia",
    "java",
    "libwww",
    "lighthouse",
    "mediapartners",
    "node",
    "pagespeed",
    "perl",
    "phantomjs",
    "php",
    "pingdom",
    "playwright",
    "postmanruntime",
    "puppeteer",
    "python",
    "ruby",
    "scrapy",
    "selenium",
    "slurp",
    "statuscake",
    "validator",
    "vercel",
    "wget",
];

/// How the names of HTTP libraries and of shops' own backends begin. Sorted.
const LIBRARIES: [&str; 35] = [
    "ahc",
    "aiohttp",
    "analytics",
    "apache",
    "axios",
    "bun",
    "curl",
    "dart",
    "deno",
    "faraday",
    "go",
    "got",
    "guzzlehttp",
    "httpie",
    "httpx",
    "hyper",
    "insomnia",
    "java",
    "libcurl",
    "libwww",
    "node",
    "okhttp",
    "perl",
    "php",
    "postmanruntime",
    "python",
    "reqwest",
    "restsharp",
    "ruby",
    "superagent",
    "symfony",
    "undici",
    "ureq",
    "wget",
    "wordpress",
];

/// Whether this names only the library that a program calls with, which says nothing of whom the program calls for.
/// A crawler that is built on a library names itself as well, and is none.
pub(crate) fn is_library(user_agent: &str) -> bool {
    let mut words = user_agent.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    let is_known = |word: &str| LIBRARIES.binary_search(&word).is_ok();
    let is_crawler = |word: &str| {
        let mut buffer = [0_u8; 24];
        lowercase(word, &mut buffer).is_some_and(|word| is_bot(word) && !is_known(word))
    };
    let mut buffer = [0_u8; 24];
    let first = words.next().and_then(|word| lowercase(word, &mut buffer));
    first.is_some_and(is_known) && !words.any(is_crawler)
}

/// `None` for an empty text.
pub(crate) fn classify(user_agent: &str) -> Option<Device> {
    let mut clues = Clues::default();
    let mut buffer = [0_u8; 24];
    let mut words = 0;
    for word in user_agent.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty()) {
        words += 1;
        // Half of the words are version numbers, and the longest are build numbers.
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        if let Some(lower) = lowercase(word, &mut buffer) {
            clues.note(lower);
        }
    }
    (words > 0).then(|| clues.verdict())
}

#[derive(Default)]
struct Clues {
    bot: bool,
    tablet: bool,
    phone: bool,
    android: bool,
    mobile: bool,
    desktop: bool,
    other: bool,
}

impl Clues {
    fn note(&mut self, word: &str) {
        match word {
            "ipad" | "tablet" | "kindle" | "silk" | "playbook" => self.tablet = true,
            "iphone" | "ipod" | "blackberry" | "bb10" | "iemobile" | "mini" | "kaios" => self.phone = true,
            "mobile" | "mobi" => self.mobile = true,
            "android" => self.android = true,
            "windows" | "macintosh" | "x11" | "cros" | "linux" => self.desktop = true,
            "tv" | "smarttv" | "appletv" | "googletv" | "tizen" | "web0s" | "webos" | "bravia" | "aftt" | "hbbtv"
            | "playstation" | "xbox" | "nintendo" | "crkey" | "roku" => self.other = true,
            _ => self.bot |= is_bot(word),
        }
    }

    fn verdict(&self) -> Device {
        match self {
            Self { bot: true, .. } => Device::Bot,
            Self { other: true, .. } => Device::Other,
            Self { tablet: true, .. } => Device::Tablet,
            Self { phone: true, .. } | Self { mobile: true, .. } => Device::Mobile,
            // Android tablets differ from phones by the missing word "Mobile".
            Self { android: true, .. } => Device::Tablet,
            Self { desktop: true, .. } => Device::Desktop,
            _ => Device::Other,
        }
    }
}

fn is_bot(word: &str) -> bool {
    // Cubot makes phones.
    let named = ["bot", "bots", "crawler", "spider"].iter().any(|ending| word.ends_with(ending)) && word != "cubot";
    named || PROGRAMS.binary_search(&word).is_ok()
}

fn lowercase<'b>(word: &str, buffer: &'b mut [u8; 24]) -> Option<&'b str> {
    let target = buffer.get_mut(..word.len())?;
    target.copy_from_slice(word.as_bytes());
    target.make_ascii_lowercase();
    std::str::from_utf8(target).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_sorted() {
        assert!(PROGRAMS.is_sorted());
        assert!(PROGRAMS.iter().all(|program| classify(program) == Some(Device::Bot)));
    }

    #[test]
    fn tells_libraries_from_crawlers() {
        assert!(LIBRARIES.is_sorted());
        for library in [
            "Python-urllib/3.12",
            "python-requests/2.32.3",
            "curl/8.9.1",
            "Go-http-client/1.1",
            "okhttp/4.12.0",
            "axios/1.7.2",
            "node-fetch/1.0 (+https://github.com/node-fetch/node-fetch)",
            "node",
            "Java-http-client/17.0.2",
            "Apache-HttpClient/4.5.13 (Java/11.0.2)",
            "Ruby",
            "GuzzleHttp/7",
            "libwww-perl/6.77",
        ] {
            assert!(is_library(library), "{library}");
        }
        for other in [
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Googlebot/2.1",
            "Scrapy/2.11 (+https://scrapy.org)",
            "python-requests/2.32 SomeBot/1.0",
            "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
            "",
        ] {
            assert!(!is_library(other), "{other}");
        }
    }

    #[test]
    fn tells_devices_apart() {
        let cases = [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
                Device::Desktop,
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
                Device::Desktop,
            ),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", Device::Desktop),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1",
                Device::Mobile,
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
                Device::Mobile,
            ),
            (
                "Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
                Device::Mobile,
            ),
            (
                "Mozilla/5.0 (Linux; Android 13; SM-X906C) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
                Device::Tablet,
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 15_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.6 Mobile/15E148 Safari/604.1",
                Device::Tablet,
            ),
            (
                "Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/2.2 TV Safari/537.36",
                Device::Other,
            ),
            ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", Device::Bot),
            (
                "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) Chrome/131 Mobile Safari/537.36 (compatible; Googlebot/2.1)",
                Device::Bot,
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0.0.0 Safari/537.36",
                Device::Bot,
            ),
            ("python-requests/2.32", Device::Bot),
            ("curl/8.9.1", Device::Bot),
            ("facebookexternalhit/1.1", Device::Bot),
            ("Something/1.0", Device::Other),
        ];
        for (user_agent, device) in cases {
            assert_eq!(classify(user_agent), Some(device), "{user_agent}");
        }
        assert_eq!(classify(" ()"), None);
    }
}
