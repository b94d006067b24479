"""Counts how likely each slip is, as the tables of `crates/search/src/spelling/channel.rs`.

    python bench/peers/slips.py pairs.tsv

Takes lines of a mistyped query and what was meant, leaves out the half that `mercer eval spelling` holds out, aligns words that
differ (Damerau's distance) and counts letters left out, surplus, replaced and swapped. Counts are smoothed with a guess from
keyboard, vowels and sounds, and told as −ln in halves of a nat, one sign each: `a` is ten halves.
"""

import collections
import difflib
import math
import re
import sys
import zlib

LETTERS = "abcdefghijklmnopqrstuvwxyz"
KEYS = {key: (row, at) for row, keys in enumerate(["qwertyuiop", "asdfghjkl", "zxcvbnm"]) for at, key in enumerate(keys)}
VOWELS = "aeiouy"
ALIKE = ["ckqs", "szcx", "gj", "fv", "dt", "bp", "mn", "lr", "vw", "iy"]
# How many made-up observations stand behind each guess.
REPLACED, LEFT_OUT, SURPLUS = 200, 60, 40


def words(text):
    return re.findall(r"[a-z0-9]+", text.lower())


def slips(meant, typed):
    """The distance, and the slips from their ends: a kind, what was meant, what was typed, both places."""
    n, m = len(meant), len(typed)
    table = [[max(i, j) if not (i and j) else 0 for j in range(m + 1)] for i in range(n + 1)]

    def is_swap(i, j):
        return i > 1 and j > 1 and meant[i - 1] == typed[j - 2] and meant[i - 2] == typed[j - 1] != meant[i - 1]

    for i in range(1, n + 1):
        for j in range(1, m + 1):
            same = meant[i - 1] == typed[j - 1]
            table[i][j] = min(table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (not same))
            if is_swap(i, j):
                table[i][j] = min(table[i][j], table[i - 2][j - 2] + 0.9)
    i, j, found = n, m, []
    while i or j:
        if i and j and meant[i - 1] == typed[j - 1] and table[i][j] == table[i - 1][j - 1]:
            i, j = i - 1, j - 1
        elif is_swap(i, j) and table[i][j] == table[i - 2][j - 2] + 0.9:
            found.append(("swapped", "", "", i, j))
            i, j = i - 2, j - 2
        elif i and j and table[i][j] == table[i - 1][j - 1] + 1:
            found.append(("replaced", meant[i - 1], typed[j - 1], i, j))
            i, j = i - 1, j - 1
        elif i and table[i][j] == table[i - 1][j] + 1:
            found.append(("left out", meant[i - 1], "", i, j))
            i -= 1
        else:
            found.append(("surplus", "", typed[j - 1], i, j))
            j -= 1
    return table[n][m], found


def mistyped(path):
    """Words of the half that is not held out, each with what was meant and the slips."""
    for line in open(path, encoding="utf-8"):
        query, correction = line.rstrip("\n").split("\t")
        if query == "query" or zlib.crc32(query.encode()) % 2 == 1:
            continue
        typed, meant = words(query), words(correction)
        for kind, i, k, j, l in difflib.SequenceMatcher(None, typed, meant, autojunk=False).get_opcodes():
            if kind == "replace" and k - i == l - j:
                for one, other in zip(typed[i:k], meant[j:l]):
                    if one.isalpha() and other.isalpha() and one != other:
                        distance, found = slips(other, one)
                        if distance <= 3 and distance < max(len(one), len(other)) * 0.6:
                            yield one, other, found


def guess(meant, typed):
    """How often one letter is typed for another, before anything was counted."""
    if meant in VOWELS and typed in VOWELS:
        return 0.022
    (row, at), (other_row, other_at) = KEYS[meant], KEYS[typed]
    upper, lower = (at, other_at) if row < other_row else (other_at, at)
    touch = abs(at - other_at) == 1 if row == other_row else abs(row - other_row) == 1 and upper in (lower, lower + 1)
    alike = any(meant in group and typed in group for group in ALIKE)
    return 0.0009 + 0.004 * touch + 0.005 * alike


def sign(probability):
    return "0123456789abcdefghij"[min(19, max(0, round(-2 * math.log(probability))))]


def main():
    found = list(mistyped(sys.argv[1]))
    letters = collections.Counter(letter for _, meant, _ in found for letter in meant)
    total = sum(letters.values())
    replaced, left_out, surplus, others = (collections.Counter() for _ in range(4))
    for typed, meant, made in found:
        for kind, one, other, i, j in made:
            if kind == "replaced":
                replaced[one, other] += 1
            elif kind == "swapped":
                others[kind] += 1
            elif kind == "left out":
                is_double = (i > 1 and meant[i - 2] == one) or (i < len(meant) and meant[i] == one)
                others["undoubled"] += is_double
                left_out[one] += not is_double
            else:
                is_double = (j > 1 and typed[j - 2] == other) or (j < len(typed) and typed[j] == other)
                others["doubled"] += is_double
                surplus[other] += not is_double
    for meant in LETTERS:
        chance = {t: (replaced[meant, t] + REPLACED * guess(meant, t)) / (letters[meant] + REPLACED) for t in LETTERS}
        print("".join("0" if t == meant else sign(chance[t]) for t in LETTERS), meant)
    rate = sum(left_out.values()) / total
    print("left out", "".join(sign((left_out[x] + LEFT_OUT * rate * 0.6) / (letters[x] + LEFT_OUT)) for x in LETTERS))
    count, places = sum(surplus.values()), total + len(found)
    share = {x: (surplus[x] + SURPLUS * (letters[x] / total + 1 / 26) / 2) / (count + SURPLUS) for x in LETTERS}
    print("surplus", "".join(sign(share[x] * count / places) for x in LETTERS))
    doubles = sum(one == other for _, meant, _ in found for one, other in zip(meant, meant[1:]))
    for name, of in [("swapped", total - len(found)), ("undoubled", doubles), ("doubled", total)]:
        print(name, round(-math.log(others[name] / of), 2))


if __name__ == "__main__":
    main()
