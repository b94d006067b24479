//! Why an import cannot start. What goes wrong row by row is a [`BadRow`](crate::BadRow), not an error.

use std::path::PathBuf;

/// The file, its format or its mapping is at fault as a whole; nothing was read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{name} is empty: there is nothing to import")]
    Empty { name: String },
    #[error("{name} is UTF-16 text; save it as UTF-8 (in a spreadsheet: \"CSV UTF-8\") and import that")]
    Utf16 { name: String },
    #[error("`{given}` is no format; known are {known}", known = super::Format::NAMES.join(", "))]
    UnknownFormat { given: String },
    #[error("{name} is no readable {format} file: {message}")]
    Unreadable { name: String, format: super::Format, message: String },
    #[error("mapping `{mapping}`: {message}")]
    Mapping { mapping: String, message: String },
    #[error("there is no mapping named `{given}`; built in are {known}{hint}")]
    UnknownMapping { given: String, known: String, hint: String },
    #[error("mapping `{mapping}` is for {has}, not for {wanted}; choose another with --mapping")]
    WrongKind { mapping: String, has: super::Kind, wanted: super::Kind },
    #[error(transparent)]
    MissingColumn(#[from] Box<MissingColumn>),
}

/// A table lacks a column without which its rows mean nothing.
#[derive(Debug, thiserror::Error)]
#[error(
    "{name} has no column for `{field}`: mapping `{mapping}` looks for {wanted}, the file has {columns}{hint}; \
     name the column in a mapping of your own and pass it with --mapping"
)]
pub struct MissingColumn {
    pub name: String,
    pub field: &'static str,
    pub mapping: String,
    pub wanted: String,
    pub columns: String,
    pub hint: String,
}

/// ` (did you mean `price`?)`, or nothing when no known name is near.
pub(super) fn did_you_mean<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> String {
    match nearest(given, known) {
        Some(name) => format!(" (did you mean `{name}`?)"),
        None => String::new(),
    }
}

/// The known name that is most like the given one, if any is like it at all.
pub(super) fn nearest<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const ALIKE: f64 = 0.75;
    let given = given.to_lowercase();
    known
        .map(|name| (strsim::jaro_winkler(&given, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_nearest_name_or_none() {
        let known = ["price", "product_id", "quantity"];
        assert_eq!(nearest("prise", known.into_iter()), Some("price"));
        assert_eq!(nearest("Quantty", known.into_iter()), Some("quantity"));
        assert_eq!(nearest("zzz", known.into_iter()), None);
    }
}
