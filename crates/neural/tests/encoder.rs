//! Sentence encoders answer as the Python libraries do, and a folder that is wrong is refused by the name of the file.
//!
//! `encoders/make.py` makes the folders with what they should answer.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

use mercer_neural::Encoder;
use serde::Deserialize;
use tempfile::TempDir;

const FAMILIES: [&str; 4] = ["bert", "distilbert", "roberta", "xlm-roberta"];

#[derive(Deserialize)]
struct Expected {
    texts: Vec<String>,
    vectors: Vec<Vec<f32>>,
}

fn folder(family: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/encoders").join(family)
}

fn copy(family: &str) -> TempDir {
    let copy = TempDir::new().unwrap();
    let copy_all = |from: &Path, to: &Path| {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file()) {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    };
    copy_all(&folder(family), copy.path());
    for entry in fs::read_dir(folder(family)).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_dir()) {
        copy_all(&entry.path(), &copy.path().join(entry.file_name()));
    }
    copy
}

/// What is said after one text in one file was replaced.
fn problem(family: &str, file: &str, from: &str, to: &str) -> String {
    let copy = copy(family);
    let path = copy.path().join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} has no {from}: {text}");
    fs::write(&path, text.replace(from, to)).unwrap();
    Encoder::open(copy.path()).unwrap_err().to_string()
}

#[test]
fn the_vectors_are_those_of_the_python_library() {
    for family in FAMILIES {
        let expected: Expected =
            serde_json::from_slice(&fs::read(folder(family).join("expected.json")).unwrap()).unwrap();
        let encoder = Encoder::open(&folder(family)).unwrap();
        let texts: Vec<&str> = expected.texts.iter().map(String::as_str).collect();
        let found = encoder.embed(&texts).unwrap();
        assert_eq!(found.len(), texts.len());
        for ((text, found), expected) in texts.iter().zip(&found).zip(&expected.vectors) {
            assert_eq!((found.len(), encoder.dimensions()), (expected.len(), expected.len()));
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-4, "{family}, `{text}`: {found} is not {expected}");
            }
        }
        assert_eq!(encoder.embed(&texts[3..4]).unwrap()[0], found[3], "alone and in company");
    }
}

#[test]
fn many_texts_go_in_several_batches() {
    let encoder = Encoder::open(&folder("bert")).unwrap();
    let texts: Vec<String> = (0..1_000).map(|number| format!("red mug {number} with a candle")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let found = encoder.embed(&texts).unwrap();
    assert_eq!(found[777], encoder.embed(&texts[777..778]).unwrap()[0]);
    assert!(encoder.embed(&[]).unwrap().is_empty());
}

#[test]
fn a_prompt_goes_before_every_text() {
    let plain = Encoder::open(&folder("bert")).unwrap();
    let expected = plain.embed(&["passage: mug"]).unwrap();
    assert_eq!(plain.with_prompt("passage: ").embed(&["mug"]).unwrap(), expected);
    let copy = copy("bert");
    let path = copy.path().join("config_sentence_transformers.json");
    fs::write(path, r#"{"prompts": {"query": "q: ", "document": "passage: "}}"#).unwrap();
    assert_eq!(Encoder::open(copy.path()).unwrap().embed(&["mug"]).unwrap(), expected);
}

#[test]
fn missing_files_are_named() {
    for (family, file) in [
        ("bert", "modules.json"),
        ("bert", "config.json"),
        ("bert", "tokenizer.json"),
        ("bert", "model.safetensors"),
        ("bert", "1_Pooling/config.json"),
        ("distilbert", "2_Dense/config.json"),
        ("distilbert", "2_Dense/model.safetensors"),
    ] {
        let copy = copy(family);
        fs::remove_file(copy.path().join(file)).unwrap();
        let problem = Encoder::open(copy.path()).unwrap_err().to_string();
        assert!(problem.contains(file), "{problem}");
    }
    let copy = copy("bert");
    fs::rename(copy.path().join("model.safetensors"), copy.path().join("pytorch_model.bin")).unwrap();
    assert!(Encoder::open(copy.path()).unwrap_err().to_string().contains("save the model as safetensors"));
    assert!(Encoder::open(Path::new("/nowhere")).is_err());
}

#[test]
fn what_is_not_known_is_said() {
    for (file, from, to, said) in [
        ("config.json", r#""model_type": "bert""#, r#""model_type": "t5""#, "type `t5`"),
        ("config.json", r#""hidden_act": "gelu""#, r#""hidden_act": "mish""#, "unknown variant `mish`"),
        ("config.json", r#""hidden_size": 24"#, r#""hidden_size": 25"#, "no multiple of the heads"),
        ("config.json", r#""hidden_size": 24"#, r#""hidden_size": 48"#, "should be [90, 48]"),
        ("config.json", r#""num_hidden_layers": 2"#, r#""num_hidden_layers": 3"#, "no encoder.layer.2.attention"),
        (
            "config.json",
            r#""intermediate_size": 40"#,
            r#""intermediate_size": 4000000000000"#,
            "should be [4000000000000, 24]",
        ),
        ("config.json", r#""num_attention_heads": 3"#, r#""num_attention_heads": 0"#, "no multiple of the heads"),
        ("config.json", r#""num_attention_heads": 3"#, r#""num_attention_heads": -3"#, "config.json"),
        ("modules.json", "1_Pooling", "../1_Pooling", "leads out of the folder"),
        ("modules.json", "normalize.Normalize", "lstm.LSTM", "type `LSTM`"),
        ("modules.json", "pooling.Pooling", "lstm.LSTM", "no Pooling follows"),
        ("modules.json", "transformer.Transformer", "clip.CLIPModel", "no Transformer"),
        ("modules.json", "[", "{", "modules.json"),
        (
            "1_Pooling/config.json",
            r#""pooling_mode_mean_tokens": true"#,
            r#""pooling_mode_lasttoken": true"#,
            "known poolings",
        ),
        ("1_Pooling/config.json", "true", "false", "no pooling is named"),
        ("tokenizer.json", "WordPiece", "Morphemes", "tokenizer.json"),
        ("tokenizer.json", r#""[UNK]": 1,"#, r#""[UNK]": 90,"#, "token 90"),
    ] {
        let problem = problem("bert", file, from, to);
        assert!(problem.contains(said), "{problem} does not say {said}");
    }
    for (from, to, said) in [("10", "11", "should be [11, 24]"), ("24", "23", "numbers go in"), ("Tanh", "ELU", "ELU")]
    {
        let problem = problem("distilbert", "2_Dense/config.json", from, to);
        assert!(problem.contains(said), "{problem} does not say {said}");
    }
}

#[test]
fn marks_around_a_text_must_fit_and_have_weights() {
    let problem = problem("bert", "tokenizer_config.json", r#""model_max_length": 16"#, r#""model_max_length": 2"#);
    assert!(problem.contains("2 marks around a text"), "{problem}");
    let copy = copy("bert");
    let path = copy.path().join("tokenizer.json");
    let mut tokenizer: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    tokenizer["post_processor"]["special_tokens"]["[CLS]"]["ids"] = serde_json::json!([5_000]);
    fs::write(&path, tokenizer.to_string()).unwrap();
    let problem = Encoder::open(copy.path()).unwrap().embed(&["mug"]).unwrap_err().to_string();
    assert!(problem.contains("token 5000"), "{problem}");
}

#[test]
fn damaged_weights_are_refused_or_are_weights() {
    let copy = copy("xlm-roberta");
    let path = copy.path().join("model.safetensors");
    let whole = fs::read(&path).unwrap();
    for cut in (0..whole.len()).step_by(997).chain([1, 7, 8, 9]) {
        fs::write(&path, &whole[..cut]).unwrap();
        let problem = Encoder::open(copy.path()).unwrap_err().to_string();
        assert!(problem.contains("model.safetensors"), "{cut}: {problem}");
    }
    for place in (0..4_000).step_by(13) {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x15;
        fs::write(&path, &damaged).unwrap();
        if let Ok(encoder) = Encoder::open(copy.path()) {
            assert_eq!(encoder.embed(&["red mug"]).unwrap()[0].len(), 24);
        }
    }
    let mut not_a_number = whole.clone();
    let head = whole.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)).unwrap();
    let first = 8 + head as usize;
    not_a_number[first..first + 2].copy_from_slice(&[0xff, 0x7f]);
    fs::write(&path, &not_a_number).unwrap();
    assert!(Encoder::open(copy.path()).unwrap_err().to_string().contains("no number"));
}
