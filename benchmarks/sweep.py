"""Every verb and method over all model files of a folder: what comes out that is no error of ours.

    python benchmarks/sweep.py FOLDER [--seconds 60]

Each file that is read is asked all questions of ``tests/makers/every_question.py`` on twelve random
windows, warnings turned into errors. A network's questions end after so many seconds of computing.
ONNX's own node tests take their weights as inputs: they are given those that lie beside the file.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "tests" / part) for part in ("makers", "")]

import numpy as np  # noqa: E402

import rnnlens  # noqa: E402
from every_question import questions  # noqa: E402
from rnnlens.checks.inputs import random_inputs  # noqa: E402
from rnnlens.errors import RnnlensError  # noqa: E402

#: Windows that each network is asked about, and seconds that its questions may take.
WINDOWS, SECONDS = 12, 60
#: Numbers of a window beyond which a single question would take minutes.
LARGEST = 400


def weights_beside(path: Path) -> dict[str, np.ndarray]:
    """Give the arrays that a node test of ONNX keeps beside its file, by input, but for windows."""
    data = path.parent / "test_data_set_0"
    if path.suffix != ".onnx" or not data.is_dir():
        return {}
    import onnx

    given = {}
    for number, entry in enumerate(onnx.load(path).graph.input):
        message = onnx.TensorProto()
        message.ParseFromString((data / f"input_{number}.pb").read_bytes())
        given[entry.name] = onnx.numpy_helper.to_array(message)
    return {name: array for name, array in given.items() if name in {"W", "R", "B", "P"}}


def sweep(path: Path, folder: Path, seconds: int) -> Counter[str]:
    """Ask all questions of one file; print what is neither an answer nor an error of ours."""
    counts: Counter[str] = Counter()
    try:
        weights = weights_beside(path)
        net = rnnlens.read(path, weights=weights) if weights else rnnlens.read(path)
    except RnnlensError as said:
        print(f"  {path.name}: {said}")
        return Counter({"not read": 1})
    x = random_inputs(net, samples=WINDOWS)
    if max(one[0].size for one in x.values()) > LARGEST:
        return Counter({"too large": 1})
    asked = x if len(x) > 1 else next(iter(x.values()))
    which = None if len(x) == 1 else max(x, key=lambda name: x[name].ndim)
    begun = time.process_time()
    for name, ask in questions(net, asked, folder, which):
        if time.process_time() - begun > seconds:
            counts["left out"] += 1
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                ask()
                counts["answered"] += 1
            except RnnlensError as said:
                counts["refused"] += 1
                print(f"  {path.name}: {name}: refused: {said}")
            except Exception as other:
                counts["other errors"] += 1
                print(f"  {path.name}: {name}: {type(other).__name__}: {other}")
    return counts


def main() -> int:
    """Sweep a folder; the exit status says whether all errors were ours."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=int, default=SECONDS)
    given = parser.parse_args()
    total: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(given.folder.rglob("*")):
            if path.suffix in {".h5", ".keras", ".pt", ".onnx", ".npz", ".safetensors"}:
                counts = sweep(path, Path(folder), given.seconds)
                total += counts
                print(f"{path.relative_to(given.folder)}: {dict(counts)}", flush=True)
    print(f"in all: {dict(total)}")
    return int(total["other errors"] > 0)


if __name__ == "__main__":
    raise SystemExit(main())
