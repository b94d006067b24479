//! One or two plain sentences about a product, made only from what its name and category say.

use super::attributes::Said;

/// The sentence under the title on the product's page.
pub(super) fn describe(said: &Said, category: &[String], code: &str) -> String {
    let mut sentences = Vec::with_capacity(4);
    if let Some(pieces) = said.pieces {
        sentences.push(format!("A set of {pieces}."));
    }
    if let Some(material) = &said.material {
        sentences.push(format!("Material: {}.", material.to_lowercase()));
    }
    if !said.colours.is_empty() {
        let noun = if said.colours.len() > 1 { "Colours" } else { "Colour" };
        sentences.push(format!("{noun}: {}.", list(&said.colours).to_lowercase()));
    }
    if let Some(design) = &said.design {
        sentences.push(format!("Design: {design}."));
    }
    if let [department, leaf] = category {
        sentences.push(format!("From our {leaf} in {department}, stock code {code}."));
    }
    sentences.join(" ")
}

fn list(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_only_what_is_known() {
        let path = ["Kitchen & Dining".to_owned(), "Plates & Bowls".to_owned()];
        let said = Said {
            colours: vec!["Red".into(), "White".into()],
            material: Some("Glass".into()),
            design: None,
            pieces: Some(5),
        };
        assert_eq!(
            describe(&said, &path, "20914"),
            "A set of 5. Material: glass. Colours: red and white. From our Plates & Bowls in Kitchen & Dining, stock code 20914."
        );
        assert_eq!(describe(&Said::default(), &[], "1"), "");
    }
}
