//! Every dependency must come under a licence that lets a shop run and pass on the binary.

use serde_json::Value;

use crate::metadata::{name, packages, read};

/// One of these must be among the alternatives that a crate offers.
const ALLOWED: [&str; 13] = [
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "MIT",
    "MIT-0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "0BSD",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "CC0-1.0",
    "BSL-1.0",
    "CDLA-Permissive-2.0",
];

/// File-level copyleft, fit to be linked unchanged; each one is named here on purpose.
const EXCEPTIONS: [&str; 2] = ["imbl", "imbl-sized-chunks"];

pub(crate) fn check() -> Result<Vec<String>, String> {
    let metadata = read(true)?;
    let fault = |package: &Value| {
        let licence = package["license"].as_str().unwrap_or_default();
        let is_fine = package["source"].is_null() || is_allowed(licence) || EXCEPTIONS.contains(&name(package));
        (!is_fine)
            .then(|| format!("{}: licence `{licence}` is not on the list in xtask/src/licences.rs", name(package)))
    };
    Ok(packages(&metadata).filter_map(fault).collect())
}

/// An SPDX expression: every part joined by AND must offer an allowed alternative.
fn is_allowed(expression: &str) -> bool {
    let flat = expression.replace('/', " OR ").replace(['(', ')'], " ");
    flat.split(" AND ").all(|part| part.split(" OR ").any(|licence| ALLOWED.contains(&licence.trim())))
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[test]
    fn one_allowed_alternative_is_enough_but_all_parts_need_one() {
        assert!(is_allowed("MIT OR GPL-3.0"));
        assert!(is_allowed("MIT/Apache-2.0"));
        assert!(is_allowed("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(!is_allowed("MIT AND GPL-3.0"));
        assert!(!is_allowed(""));
    }
}
