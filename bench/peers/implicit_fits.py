"""The models of the PyPI package `implicit` as a peer of `mercer-bench fits`.

    pip install implicit
    mercer-bench fits TRAIN TEST --peer python bench/peers/implicit_fits.py

Prints name, seconds of fitting, microseconds of single answers (p50, p99) and Recall@20, tab separated; the matrices are
built before the clock starts.
"""

import argparse
import os
import time

# As `implicit` itself asks for: it has threads of its own.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import TFIDFRecommender
from scipy.sparse import csr_matrix

ASKED = 10
CUTOFF = 20


def read(path):
    with open(path) as lines:
        return [[int(field) for field in line.split()[1:]] for line in lines if line.strip()]


def matrix(baskets):
    rows = numpy.repeat(numpy.arange(len(baskets)), [len(items) for items in baskets])
    columns = numpy.concatenate([numpy.array(items, dtype=numpy.int64) for items in baskets])
    return csr_matrix((numpy.ones(len(rows), dtype=numpy.float32), (rows, columns)))


def answers(model, taken, held_out):
    micros, recall = [], []
    # In the order of their names, as `mercer-bench fits` takes them.
    for customer in sorted(filter(held_out.__getitem__, range(taken.shape[0])), key=str)[::ASKED]:
        started = time.perf_counter()
        found, _ = model.recommend(customer, taken[customer], N=CUTOFF, filter_already_liked_items=True)
        micros.append((time.perf_counter() - started) * 1e6)
        recall.append(len(set(found) & set(held_out[customer])) / len(set(held_out[customer])))
    return *numpy.percentile(micros, [50, 99]), numpy.mean(recall)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--factors", type=int, default=256)
    arguments.add_argument("--iterations", type=int, default=10)
    arguments.add_argument("--exact", action="store_true", help="the exact solver, too")
    arguments.add_argument("train")
    arguments.add_argument("test")
    asked = arguments.parse_args()
    taken, held_out = matrix(read(asked.train)), read(asked.test)
    als = {"factors": asked.factors, "iterations": asked.iterations, "regularization": 0.01}
    models = {
        "implicit TF-IDF": TFIDFRecommender(K=100),
        "implicit ALS, conjugate gradient": AlternatingLeastSquares(**als),
    }
    if asked.exact:
        models["implicit ALS, exact"] = AlternatingLeastSquares(**als, use_cg=False)
    for name, model in models.items():
        started = time.perf_counter()
        model.fit(taken, show_progress=False)
        seconds = time.perf_counter() - started
        print(name, seconds, *answers(model, taken, held_out), sep="\t")


if __name__ == "__main__":
    main()
