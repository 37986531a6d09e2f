"""MNIST test error of a logistic regression on the features p(h | v) of a trained machine.

    pip install -r benches/features/requirements.txt
    python3 benches/features/classify.py RUN [--binary target/release/harmonium]

RUN is the folder of a run on MNIST. The features are those of `harmonium transform`, the labels
those of datasets/mnist. The strength of the regression's penalty is chosen by the last 10,000
training images; then all 60,000 are fitted and the test images are looked at once.
"""
import argparse
import gzip
import json
import pathlib
import subprocess
import tempfile
import time

import numpy as np
from sklearn.linear_model import LogisticRegression

ROOT = pathlib.Path(__file__).resolve().parents[2]
VALIDATION = 10_000
STRENGTHS = [0.03, 0.1, 0.3, 1.0]


def labels(name):
    """The labels in an IDX file: 8 bytes of head, then one byte each."""
    with gzip.open(ROOT / "datasets" / "mnist" / f"{name}-labels-idx1-ubyte.gz") as file:
        return np.frombuffer(file.read()[8:], dtype=np.uint8)


def features(binary, run, split, binarize):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "features.npy"
        command = [binary, "transform", run, "mnist", "--split", split, "--out", out]
        subprocess.run(command + ["--binarize", binarize], check=True, stdout=subprocess.DEVNULL)
        return np.load(out)


def fitted(x, y, strength):
    return LogisticRegression(C=strength, max_iter=300, tol=1e-3).fit(x, y)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run")
    parser.add_argument("--binary", default=ROOT / "target" / "release" / "harmonium")
    parser.add_argument("--binarize", default="threshold:0.5")
    parser.add_argument("--validate-only", action="store_true", help="leave the test images alone")
    arguments = parser.parse_args()

    start = time.time()
    x = features(arguments.binary, arguments.run, "train", arguments.binarize)
    y = labels("train")
    errors = {}
    for strength in STRENGTHS:
        model = fitted(x[:-VALIDATION], y[:-VALIDATION], strength)
        errors[strength] = 1 - model.score(x[-VALIDATION:], y[-VALIDATION:])
    best = min(errors, key=errors.get)
    result = {"validation_errors": errors, "strength": best, "n_features": x.shape[1]}
    if not arguments.validate_only:
        model = fitted(x, y, best)
        test = features(arguments.binary, arguments.run, "test", arguments.binarize)
        result["test_error"] = 1 - model.score(test, labels("t10k"))
    result["seconds"] = round(time.time() - start, 1)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
