//! Models by name, with settings: `ials`, `ials:dimensions=256:sweeps=12`.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

/// A model as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    text: String,
    name: String,
    settings: BTreeMap<String, String>,
    /// Settings that were asked for, given or not: what an error names.
    known: BTreeSet<String>,
}

/// What is wrong with a model's name or settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("model `{asked}`: {problem}")]
pub struct SpecError {
    pub asked: String,
    pub problem: String,
}

impl Spec {
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let mut parts = text.split(':');
        let name = parts.next().unwrap_or_default().trim().to_owned();
        let mut settings = BTreeMap::new();
        for part in parts {
            let (key, value) = part.split_once('=').ok_or_else(|| SpecError {
                asked: text.to_owned(),
                problem: format!("`{part}` is no setting; write it as key=value"),
            })?;
            settings.insert(key.trim().to_owned(), value.trim().to_owned());
        }
        Ok(Self { text: text.to_owned(), name, settings, known: BTreeSet::new() })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Gives a setting unless it is given already.
    pub fn set(&mut self, key: &str, value: &str) {
        if !self.settings.contains_key(key) {
            self.settings.insert(key.to_owned(), value.to_owned());
            self.text += &format!(":{key}={value}");
        }
    }

    /// Gives a setting another value.
    pub fn replace(&mut self, key: &str, value: &str) {
        self.settings.insert(key.to_owned(), value.to_owned());
        let settings = self.settings.iter().map(|(key, value)| format!(":{key}={value}"));
        self.text = std::iter::once(self.name.clone()).chain(settings).collect();
    }

    /// Moves a setting into its place, if it was given.
    pub fn take<T: FromStr>(&mut self, key: &str, place: &mut T) -> Result<(), SpecError> {
        self.known.insert(key.to_owned());
        if let Some(value) = self.settings.remove(key) {
            *place = value.parse().map_err(|_| self.error(format!("`{value}` cannot be the setting `{key}`")))?;
        }
        Ok(())
    }

    /// The settings that were not taken, all of them numbers.
    pub fn numbers(&self) -> Result<Vec<(String, f32)>, SpecError> {
        let number = |(key, value): (&String, &String)| {
            let number = value.parse().map_err(|_| self.error(format!("`{value}` is no number for `{key}`")))?;
            Ok((key.clone(), number))
        };
        self.settings.iter().map(number).collect()
    }

    /// Every setting must have found its place.
    pub fn finish(self) -> Result<(), SpecError> {
        match self.settings.keys().next() {
            Some(key) if self.known.is_empty() => Err(self.error(format!("it has no setting `{key}`, nor any other"))),
            Some(key) => {
                let known = self.known.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
                Err(self.error(format!("it has no setting `{key}`; there are {known}")))
            }
            None => Ok(()),
        }
    }

    pub fn error(&self, problem: String) -> SpecError {
        SpecError { asked: self.text.clone(), problem }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_find_their_places() {
        let mut spec = Spec::parse("ials:dimensions=8: l2 = 0.5").unwrap();
        let (mut dimensions, mut l2, mut sweeps) = (1_usize, 1.0_f32, 3_usize);
        spec.take("dimensions", &mut dimensions).unwrap();
        spec.take("l2", &mut l2).unwrap();
        spec.take("sweeps", &mut sweeps).unwrap();
        assert_eq!((spec.name(), dimensions, l2, sweeps), ("ials", 8, 0.5, 3));
        assert_eq!(spec.finish(), Ok(()));
        let mut spec = Spec::parse("blend:slim=1:depth=50").unwrap();
        spec.replace("slim", "0.5");
        assert_eq!(spec.text(), "blend:depth=50:slim=0.5");
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let problem = |result: Result<(), SpecError>| result.unwrap_err().to_string();
        assert_eq!(
            problem(Spec::parse("ease:l2").map(|_| ())),
            "model `ease:l2`: `l2` is no setting; write it as key=value"
        );
        let mut spec = Spec::parse("ease:l2=much").unwrap();
        assert_eq!(problem(spec.take("l2", &mut 0.0_f32)), "model `ease:l2=much`: `much` cannot be the setting `l2`");
        let mut spec = Spec::parse("ease:l1=2").unwrap();
        spec.take("l2", &mut 0.0_f32).unwrap();
        spec.take("damping", &mut 0.0_f32).unwrap();
        assert_eq!(problem(spec.finish()), "model `ease:l1=2`: it has no setting `l1`; there are damping, l2");
        let none = problem(Spec::parse("popularity:l1=2").unwrap().finish());
        assert_eq!(none, "model `popularity:l1=2`: it has no setting `l1`, nor any other");
    }
}
