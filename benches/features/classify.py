"""MNIST test error of a logistic regression on the features p(h | v) of a trained model.

    pip install -r benches/features/requirements.txt
    cargo run --release -- train --preset features --out runs/features
    python3 benches/features/classify.py runs/features

The features are those of `harmonium transform`, means over 16 draws of the bits, the labels those of
datasets/mnist. The strength of the penalty is chosen by the last 10,000 training images, fitted on
the other 50,000; then all 60,000 are fitted and the test images are looked at once. Takes half a
minute.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy as np
import zstandard

ROOT = pathlib.Path(__file__).resolve().parents[2]
VALIDATION = 10_000
PENALTIES = [1e-6, 1e-5, 3e-5, 1e-4]
EPOCHS, BATCH, RATE = 30, 500, 0.01


def labels(name):
    """The labels in an IDX file: 8 bytes of head, then one byte each."""
    with zstandard.open(ROOT / "datasets" / "mnist" / f"{name}-labels-idx1-ubyte.zst") as file:
        return np.frombuffer(file.read()[8:], dtype=np.uint8)


def features(binary, run, split, draws):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "features.npy"
        command = [binary, "transform", run, "mnist", "--split", split, "--out", out]
        subprocess.run(command + ["--draws", str(draws)], check=True, stdout=subprocess.DEVNULL)
        return np.load(out)


class LogisticRegression:
    """Softmax regression with an L2 penalty on the weights, by Adam (Kingma and Ba, 2015) with a
    rate that falls linearly to zero; the features are centred first."""

    def __init__(self, x, y, penalty):
        self.mean = x.mean(axis=0)
        x = x - self.mean
        rng = np.random.default_rng(0)
        n, classes = len(x), int(y.max()) + 1
        targets = np.eye(classes, dtype=np.float32)[y]
        theta = np.zeros((x.shape[1] + 1, classes), np.float32)
        first, second = np.zeros_like(theta), np.zeros_like(theta)
        total, step = EPOCHS * (n // BATCH), 0
        for _ in range(EPOCHS):
            order = rng.permutation(n)
            for start in range(0, n - BATCH + 1, BATCH):
                batch = order[start : start + BATCH]
                excess = (self._softmax(x[batch] @ theta[:-1] + theta[-1]) - targets[batch]) / BATCH
                gradient = np.vstack([x[batch].T @ excess + penalty * theta[:-1], excess.sum(axis=0)])
                step += 1
                first += 0.1 * (gradient - first)
                second += 0.001 * (gradient**2 - second)
                scale = np.sqrt(second / (1 - 0.999**step)) + 1e-8
                rate = RATE * (1 - step / total)
                theta -= (rate / (1 - 0.9**step)) * first / scale
        self.theta = theta

    @staticmethod
    def _softmax(z):
        z = np.exp(z - z.max(axis=1, keepdims=True))
        return z / z.sum(axis=1, keepdims=True)

    def error(self, x, y):
        logits = (x - self.mean) @ self.theta[:-1] + self.theta[-1]
        return float(np.mean(logits.argmax(axis=1) != y))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", help="the folder of a run on MNIST")
    parser.add_argument("--binary", default=ROOT / "target" / "release" / "harmonium")
    parser.add_argument("--draws", type=int, default=16, help="draws of bits, averaged over")
    parser.add_argument("--validate-only", action="store_true", help="leave the test images alone")
    arguments = parser.parse_args()

    x = features(arguments.binary, arguments.run, "train", arguments.draws)
    y = labels("train")
    errors = {}
    for penalty in PENALTIES:
        model = LogisticRegression(x[:-VALIDATION], y[:-VALIDATION], penalty)
        errors[penalty] = model.error(x[-VALIDATION:], y[-VALIDATION:])
    best = min(errors, key=errors.get)
    result = {"n_features": x.shape[1], "validation_errors": errors, "penalty": best}
    if not arguments.validate_only:
        test = features(arguments.binary, arguments.run, "test", arguments.draws)
        result["test_error"] = LogisticRegression(x, y, best).error(test, labels("t10k"))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
