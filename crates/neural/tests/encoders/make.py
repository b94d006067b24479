"""Makes the folders of this directory: tiny sentence encoders with random weights, one of each family that Mercer
reads, and what the Python libraries answer for a few texts.

    pip install torch transformers sentence-transformers && python make.py

Tested with transformers 5.24, sentence-transformers 6.2 and tokenizers 0.23.
"""

import json
import pathlib
import shutil

import torch
from sentence_transformers import SentenceTransformer, models
from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors, trainers
from tokenizers.models import BPE, Unigram, WordPiece
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

HERE = pathlib.Path(__file__).parent
TEXTS = [
    "red tea mug",
    "Blue café cup, 250 ml",
    "",
    "garden lantern with a candle, for the garden and for the table; a lantern that shines over the whole garden",
    "Teetasse für zwei – 茶杯",
    "mug",
]
SAMPLE = TEXTS * 3 + ["a red mug and a blue mug", "tea for two", "garden table", "cup of coffee", "candle"]
SIZES = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 40}


def word_piece():
    tokenizer = Tokenizer(WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(SAMPLE, trainers.WordPieceTrainer(vocab_size=90, special_tokens=special))
    ends = [(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )


def sentence_pieces(tokenizer, special):
    ends = [(name, tokenizer.token_to_id(name)) for name in ("<s>", "</s>")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=ends
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        cls_token="<s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
    )


def byte_pairs():
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator(SAMPLE, trainer)
    return sentence_pieces(tokenizer, special)


def unigrams():
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("  ", " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=90, special_tokens=special, unk_token="<unk>")
    tokenizer.train_from_iterator(SAMPLE, trainer)
    return sentence_pieces(tokenizer, special)


def spread(model):
    """Weights far from those that training begins with, so that every part counts."""
    for parameter in model.parameters():
        parameter.data = parameter.data + torch.randn_like(parameter) * 0.3
    return model.eval()


def make(name, tokenizer, model, longest, after, half=False, old_pooling=None):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    bare = HERE / "bare"
    spread(model)
    (model.half() if half else model).save_pretrained(bare)
    tokenizer.model_max_length = longest
    tokenizer.save_pretrained(bare)
    transformer = models.Transformer(str(bare), max_seq_length=longest, model_kwargs={"dtype": torch.float32})
    encoder = SentenceTransformer(modules=[transformer, *after], device="cpu")
    vectors = encoder.encode(TEXTS, batch_size=4)
    for_save = encoder.half() if half else encoder
    for_save.save(str(folder), create_model_card=False)
    shutil.rmtree(bare)
    if old_pooling:
        path = folder / "1_Pooling" / "config.json"
        path.write_text(json.dumps(old_pooling, indent=2) + "\n")
    expected = {"texts": TEXTS, "vectors": [[round(float(value), 6) for value in vector] for vector in vectors]}
    (folder / "expected.json").write_text(json.dumps(expected, ensure_ascii=False) + "\n")
    (folder / ".gitattributes").unlink(missing_ok=True)


def main():
    torch.manual_seed(1)
    tokenizer = word_piece()
    # As older versions of the library wrote it.
    old = {"word_embedding_dimension": 24, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
    make(
        "bert",
        tokenizer,
        BertModel(BertConfig(vocab_size=len(tokenizer), max_position_embeddings=32, **SIZES)),
        16,
        [models.Pooling(24, "mean"), models.Normalize()],
        old_pooling=old,
    )
    small = {"dim": 24, "n_layers": 2, "n_heads": 3, "hidden_dim": 40}
    make(
        "distilbert",
        tokenizer,
        DistilBertModel(DistilBertConfig(vocab_size=len(tokenizer), max_position_embeddings=32, **small)),
        32,
        [models.Pooling(24, "cls"), models.Dense(24, 10, activation_function=torch.nn.Tanh())],
    )
    tokenizer = byte_pairs()
    ids = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
    make(
        "roberta",
        tokenizer,
        RobertaModel(
            RobertaConfig(vocab_size=len(tokenizer), max_position_embeddings=26, type_vocab_size=1, **ids, **SIZES),
            add_pooling_layer=False,
        ),
        24,
        [models.Pooling(24, "max")],
    )
    tokenizer = unigrams()
    make(
        "xlm-roberta",
        tokenizer,
        XLMRobertaModel(
            XLMRobertaConfig(vocab_size=len(tokenizer), max_position_embeddings=34, type_vocab_size=1, **ids, **SIZES)
        ),
        32,
        [models.Pooling(24, "mean"), models.Normalize()],
        half=True,
    )


if __name__ == "__main__":
    main()
