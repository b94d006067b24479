"""Fits the models of the PyPI package `implicit` on interactions, to set beside `mercer eval recommend`.

    pip install implicit
    python bench/peers/implicit_gowalla.py ../shared/data/gowalla-lightgcn/train.txt --factors 256 --iterations 10

Prints seconds of fitting and microseconds of single answers; the matrices are built before the clock starts.
"""

import argparse
import time

import implicit
import numpy
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import TFIDFRecommender
from scipy.sparse import csr_matrix


def interactions(path):
    rows, columns = [], []
    with open(path) as lines:
        for number, line in enumerate(lines):
            items = [int(field) for field in line.split()[1:]]
            rows += [number] * len(items)
            columns += items
    return csr_matrix((numpy.ones(len(rows), dtype=numpy.float32), (rows, columns)))


def answers(model, taken, asked):
    micros = []
    for customer in asked:
        started = time.perf_counter()
        model.recommend(customer, taken[customer], N=20, filter_already_liked_items=True)
        micros.append((time.perf_counter() - started) * 1e6)
    return numpy.percentile(micros, [50, 99])


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("train")
    arguments.add_argument("--factors", type=int, default=256)
    arguments.add_argument("--iterations", type=int, default=10)
    arguments.add_argument("--rounds", type=int, default=3)
    asked = arguments.parse_args()
    taken = interactions(asked.train)
    customers = range(0, taken.shape[0], 10)
    models = {
        "ALS, conjugate gradient": lambda: AlternatingLeastSquares(
            factors=asked.factors, iterations=asked.iterations, regularization=0.01, calculate_training_loss=False
        ),
        "ALS, exact": lambda: AlternatingLeastSquares(
            factors=asked.factors, iterations=asked.iterations, regularization=0.01, use_cg=False
        ),
        "item-kNN, TF-IDF": lambda: TFIDFRecommender(K=100),
    }
    print(f"implicit {implicit.__version__}, {taken.shape[0]} x {taken.shape[1]}, {taken.nnz} interactions")
    for name, new in models.items():
        seconds = []
        for _ in range(asked.rounds):
            model = new()
            started = time.perf_counter()
            model.fit(taken, show_progress=False)
            seconds.append(time.perf_counter() - started)
        p50, p99 = answers(model, taken, customers)
        print(f"{name}: fit {numpy.median(seconds):.1f} s (median of {asked.rounds}), answer p50 {p50:.0f} us, p99 {p99:.0f} us")


if __name__ == "__main__":
    main()
