"""Spelling correctors beside Mercer's: the same titles as their vocabulary, the same queries, the same figures.

    python -m venv venv && venv/bin/pip install symspellpy pyspellchecker textblob
    venv/bin/python bench/spelling/peers.py --products products.jsonl --pairs pairs.tsv --clean clean.txt

Words and how many titles have each are all that a peer is given, and neighbouring words where it takes them. A word with a
digit and one of fewer than three letters is left as it is, and so is a word that the titles have: without that every peer alters more
clean queries. Programs of `aspell` and `hunspell` are asked when they are installed; `jamspell` when it can be imported. Norvig's
corrector, in both of its packages, is slow: it is asked `--slow` clean queries only. Writes one line of JSON a peer.
"""

import argparse
import collections
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

WORD = re.compile(r"[a-z0-9]+")
SHORTEST = 3
RESAMPLES = 2_000


def words(text):
    return WORD.findall(text.lower())


def fold(text):
    return "".join(words(text))


def is_held(query):
    """The half that nothing was tuned on, as `mercer eval spelling` splits it."""
    return zlib.crc32(query.encode()) % 2 == 1


def interval(values):
    draw = random.Random(1)
    means = sorted(sum(draw.choices(values, k=len(values))) / len(values) for _ in range(RESAMPLES))
    return [means[int(RESAMPLES * 0.025)], means[int(RESAMPLES * 0.975)]]


class Catalog:
    def __init__(self, path):
        self.titles = [words(json.loads(line)["title"]) for line in open(path, encoding="utf-8")]
        self.counts = collections.Counter(word for title in self.titles for word in set(title))
        self.pairs = collections.Counter(pair for title in self.titles for pair in zip(title, title[1:]))

    def plain(self):
        """Words of letters alone: what a corrector may offer."""
        return {word: count for word, count in self.counts.items() if word.isalpha() and len(word) >= SHORTEST}


def by_word(catalog, correct):
    """A corrector of single words as one of queries."""
    known = {}

    def one(word):
        if len(word) < SHORTEST or not word.isalpha() or word in catalog.counts:
            return word
        if word not in known:
            known[word] = correct(word) or word
        return known[word]

    return lambda query: " ".join(one(word) for word in words(query))


def symspell(catalog, distance):
    from symspellpy import SymSpell

    speller = SymSpell(max_dictionary_edit_distance=distance, prefix_length=7)
    for word, count in catalog.plain().items():
        speller.create_dictionary_entry(word, count)
    return speller


def symspell_lookup(catalog, distance=2):
    from symspellpy import Verbosity

    speller = symspell(catalog, distance)

    def correct(word):
        found = speller.lookup(word, Verbosity.TOP, max_edit_distance=distance)
        return found[0].term if found else None

    return by_word(catalog, correct)


def symspell_compound(catalog):
    speller = symspell(catalog, 2)
    for word, count in catalog.counts.items():
        speller.create_dictionary_entry(word, count)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as pairs:
        pairs.writelines(f"{one} {other} {count}\n" for (one, other), count in catalog.pairs.items())
        pairs.flush()
        speller.load_bigram_dictionary(pairs.name, 0, 2)

    def correct(query):
        found = speller.lookup_compound(
            " ".join(words(query)), max_edit_distance=2, ignore_non_words=True, ignore_term_with_digits=True
        )
        return found[0].term if found else query

    return correct


def symspell_segmentation(catalog):
    speller = symspell(catalog, 2)
    for word, count in catalog.counts.items():
        speller.create_dictionary_entry(word, count)
    return lambda query: speller.word_segmentation(" ".join(words(query)), max_edit_distance=2).corrected_string


def symspell_and_split(catalog):
    """Per word; what has nothing near it is taken apart where it can be."""
    from symspellpy import Verbosity

    speller = symspell(catalog, 2)

    def correct(word):
        found = speller.lookup(word, Verbosity.TOP, max_edit_distance=2)
        if found and found[0].distance <= 1:
            return found[0].term
        parts = [(word[:at], word[at:]) for at in range(SHORTEST, len(word) - SHORTEST + 1)]
        parts = [(catalog.pairs[pair], pair) for pair in parts if catalog.pairs[pair] > 0]
        if parts:
            return " ".join(max(parts)[1])
        return found[0].term if found else None

    return by_word(catalog, correct)


def pyspellchecker(catalog):
    from spellchecker import SpellChecker

    speller = SpellChecker(language=None, distance=2)
    speller.word_frequency.load_json(catalog.plain())
    return by_word(catalog, speller.correction)


def textblob(catalog):
    from textblob.en import Spelling

    speller = Spelling()
    speller.update(catalog.plain())
    return by_word(catalog, lambda word: speller.suggest(word)[0][0])


def piped(command, catalog):
    """A program that speaks ispell's protocol."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
    process.stdout.readline()

    def correct(word):
        process.stdin.write(f"^{word}\n")
        process.stdin.flush()
        best = None
        while line := process.stdout.readline().strip():
            if line.startswith("&"):
                offered = [offer.strip().lower() for offer in line.split(":", 1)[1].split(",")]
                best = next((offer for offer in offered if fold(offer)), None)
        return best

    return by_word(catalog, correct)


def aspell(catalog, mode="normal"):
    if not shutil.which("aspell"):
        raise ImportError("aspell is not installed")
    place = Path(tempfile.mkdtemp()) / "titles.rws"
    made = ["aspell", "--lang=en", "--encoding=utf-8", "create", "master", str(place)]
    subprocess.run(made, input="\n".join(sorted(catalog.plain())), text=True, check=True, capture_output=True)
    return piped(["aspell", "-a", "--lang=en", f"--master={place}", f"--sug-mode={mode}"], catalog)


def hunspell(catalog):
    if not shutil.which("hunspell"):
        raise ImportError("hunspell is not installed")
    folder = Path(tempfile.mkdtemp())
    plain = sorted(catalog.plain(), key=catalog.counts.get, reverse=True)
    (folder / "titles.dic").write_text(f"{len(plain)}\n" + "\n".join(plain) + "\n")
    (folder / "titles.aff").write_text("SET UTF-8\nTRY esianrtolcdugmphbyfvkw\nKEY qwertyuiop|asdfghjkl|zxcvbnm\n")
    return piped(["hunspell", "-a", "-i", "utf-8", "-d", str(folder / "titles")], catalog)


def jamspell(catalog):
    import jamspell

    folder = Path(tempfile.mkdtemp())
    (folder / "letters").write_text("abcdefghijklmnopqrstuvwxyz")
    (folder / "titles").write_text(".\n".join(" ".join(title) for title in catalog.titles))
    speller = jamspell.TSpellCorrector()
    speller.TrainLangModel(str(folder / "titles"), str(folder / "letters"), str(folder / "model"))
    return speller.FixFragment


PEERS = {
    "symspellpy lookup": symspell_lookup,
    "symspellpy lookup (distance 3)": lambda catalog: symspell_lookup(catalog, 3),
    "symspellpy lookup then split": symspell_and_split,
    "symspellpy lookup_compound": symspell_compound,
    "symspellpy word_segmentation": symspell_segmentation,
    "aspell": aspell,
    "aspell (bad spellers)": lambda catalog: aspell(catalog, "bad-spellers"),
    "hunspell": hunspell,
    "jamspell": jamspell,
    "pyspellchecker": pyspellchecker,
    "TextBlob": textblob,
}
SLOW = {"hunspell", "pyspellchecker", "TextBlob"}


def asked(correct, queries):
    answers, times = [], []
    for query in queries:
        started = time.perf_counter()
        answers.append(correct(query))
        times.append((time.perf_counter() - started) * 1e3)
    return answers, times


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--products", required=True)
    parser.add_argument("--pairs", required=True)
    parser.add_argument("--clean", required=True)
    parser.add_argument("--slow", type=int, default=1_000, help="clean queries that a slow peer is asked")
    parser.add_argument("--peers", default=",".join(PEERS))
    options = parser.parse_args()
    catalog = Catalog(options.products)
    lines = [line.rstrip("\n").split("\t") for line in open(options.pairs, encoding="utf-8")]
    pairs = [line for line in lines if len(line) == 2 and line != ["query", "correction"]]
    clean = [line.strip() for line in open(options.clean, encoding="utf-8") if fold(line)]
    for name in options.peers.split(","):
        try:
            correct = PEERS[name](catalog)
        except (ImportError, OSError, subprocess.CalledProcessError) as error:
            print(f"{name}: left out, {error}", file=sys.stderr)
            continue
        answers, times = asked(correct, [typed for typed, _ in pairs])
        right = [float(fold(answer) == fold(meant)) for answer, (_, meant) in zip(answers, pairs)]
        held = [value for value, (typed, _) in zip(right, pairs) if is_held(typed)]
        some = clean[:: max(1, len(clean) // options.slow)] if name in SLOW else clean
        kept, _ = asked(correct, some)
        altered = [float(fold(answer) != fold(query)) for answer, query in zip(kept, some)]
        known = [value for value, query in zip(altered, some) if all(word in catalog.counts for word in words(query))]
        times.sort()
        told = {
            "peer": name,
            "top_1": sum(right) / len(right),
            "interval": interval(right),
            "held_top_1": sum(held) / len(held),
            "held_interval": interval(held),
            "clean": len(some),
            "altered": sum(altered) / len(altered),
            "altered_interval": interval(altered),
            "altered_known": sum(known) / len(known),
            "query_ms": {"p50": times[len(times) // 2], "p99": times[len(times) * 99 // 100]},
        }
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
