//! The files of a folder and what they say of the whole; nothing is trusted that was not checked.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokenizers::{PostProcessor, Tokenizer, TruncationParams};

use crate::error::Error;

/// Larger files are none of ours.
const LARGEST_CONFIG: u64 = 1 << 20;
const LARGEST_TOKENIZER: u64 = 64 << 20;
const LARGEST_WEIGHTS: u64 = 4 << 30;
/// Names under which a folder keeps what goes before a text that is not a question.
const PROMPTS: [&str; 3] = ["document", "passage", "corpus"];

pub(super) struct Folder {
    root: PathBuf,
    /// Where the files of the transformer are, and its kind.
    pub(super) transformer: PathBuf,
    /// What comes behind it: the kind of each module, and its folder.
    pub(super) behind: Vec<(String, PathBuf)>,
    /// Most tokens of a text.
    pub(super) longest: usize,
    pub(super) lowercases: bool,
    pub(super) prompt: String,
}

#[derive(Deserialize)]
struct Module {
    path: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize, Default)]
struct Reading {
    max_seq_length: Option<usize>,
    do_lower_case: Option<bool>,
}

#[derive(Deserialize, Default)]
struct TokenizerConfig {
    /// Something like 10³⁰ where there is no bound.
    model_max_length: Option<f64>,
}

#[derive(Deserialize, Default)]
struct Prompts {
    #[serde(default)]
    prompts: BTreeMap<String, String>,
    default_prompt_name: Option<String>,
}

impl Folder {
    pub(super) fn open(root: &Path) -> Result<Self, Error> {
        let path = root.join("modules.json");
        let modules: Vec<Module> = json(&path)?;
        let mut folders = Vec::with_capacity(modules.len());
        for module in modules {
            let kind = module.kind.rsplit('.').next().unwrap_or_default().to_owned();
            let inside = Path::new(&module.path);
            if !inside.components().all(|part| matches!(part, Component::Normal(_))) {
                return Err(broken(&path, format!("`{}` leads out of the folder", module.path)));
            }
            folders.push((kind, root.join(inside)));
        }
        let transformer = match folders.first() {
            Some((kind, folder)) if kind == "Transformer" => folder.clone(),
            _ => return Err(broken(&path, "the first module is no Transformer")),
        };
        let reading: Reading = json_if_there(&transformer.join("sentence_bert_config.json"))?;
        let tokenizer: TokenizerConfig = json_if_there(&transformer.join("tokenizer_config.json"))?;
        let prompts: Prompts = json_if_there(&root.join("config_sentence_transformers.json"))?;
        let longest = reading.max_seq_length.unwrap_or(usize::MAX);
        Ok(Self {
            root: root.to_path_buf(),
            transformer,
            behind: folders.split_off(1),
            longest: longest.min(tokenizer.model_max_length.map_or(usize::MAX, |length| length as usize)),
            lowercases: reading.do_lower_case.unwrap_or(false),
            prompt: prompts.of_documents(),
        })
    }

    /// The tokenizer, which cuts off what is too long and pads nothing. All its tokens have vectors.
    pub(super) fn tokenizer(&self, longest: usize, vocabulary: usize) -> Result<Tokenizer, Error> {
        let mut path = self.transformer.join("tokenizer.json");
        if !path.exists() {
            path = self.root.join("tokenizer.json");
        }
        let bytes = read(&path, LARGEST_TOKENIZER)?;
        let mut tokenizer = Tokenizer::from_bytes(&bytes).map_err(|error| broken(&path, error.to_string()))?;
        let last = tokenizer.get_vocab(true).into_values().max().unwrap_or(0);
        if last as usize >= vocabulary {
            return Err(broken(&path, format!("token {last} is not among the {vocabulary} that have weights")));
        }
        let marks = tokenizer.get_post_processor().map_or(0, |processor| processor.added_tokens(false));
        if longest <= marks {
            return Err(broken(&path, format!("{marks} marks around a text leave no place of {longest} for it")));
        }
        tokenizer.with_padding(None);
        let truncation = TruncationParams { max_length: longest, ..TruncationParams::default() };
        tokenizer.with_truncation(Some(truncation)).map_err(|error| broken(&path, error.to_string()))?;
        Ok(tokenizer)
    }
}

impl Prompts {
    fn of_documents(&self) -> String {
        let names = PROMPTS.into_iter().chain(self.default_prompt_name.as_deref());
        names.filter_map(|name| self.prompts.get(name)).find(|prompt| !prompt.is_empty()).cloned().unwrap_or_default()
    }
}

pub(super) fn broken(path: &Path, problem: impl Into<String>) -> Error {
    Error::Folder { path: path.to_path_buf(), problem: problem.into() }
}

pub(super) fn json<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    serde_json::from_slice(&read(path, LARGEST_CONFIG)?).map_err(|error| broken(path, error.to_string()))
}

fn json_if_there<T: DeserializeOwned + Default>(path: &Path) -> Result<T, Error> {
    if path.exists() { json(path) } else { Ok(T::default()) }
}

/// The bytes of the weights of a module.
pub(super) fn weights(folder: &Path) -> Result<(PathBuf, Vec<u8>), Error> {
    let path = folder.join("model.safetensors");
    if !path.exists() && folder.join("pytorch_model.bin").exists() {
        return Err(broken(&path, "not there, only a pytorch_model.bin; save the model as safetensors"));
    }
    let bytes = read(&path, LARGEST_WEIGHTS)?;
    Ok((path, bytes))
}

fn read(path: &Path, largest: u64) -> Result<Vec<u8>, Error> {
    let failed = |error: std::io::Error| broken(path, error.to_string());
    let size = fs::metadata(path).map_err(failed)?.len();
    if size > largest {
        return Err(broken(path, format!("{size} bytes are more than the {largest} that are read")));
    }
    fs::read(path).map_err(failed)
}
