"""Every verb and method over all model files of a folder: what comes out that is no error of ours.

    python benchmarks/sweep.py FOLDER

Each file that is read is asked all questions of ``tests/makers/every_question.py`` on twelve random
windows, warnings turned into errors. A network's questions end after a minute.
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

import rnnlens
from every_question import questions
from rnnlens.checks.inputs import random_inputs
from rnnlens.errors import RnnlensError

#: Windows that each network is asked about, and seconds that its questions may take.
WINDOWS, SECONDS = 12, 60.0


def sweep(path: Path, folder: Path) -> Counter[str]:
    """Ask all questions of one file; print what is neither an answer nor an error of ours."""
    counts: Counter[str] = Counter()
    try:
        net = rnnlens.read(path)
    except RnnlensError:
        return Counter({"not read": 1})
    x = random_inputs(net, samples=WINDOWS)
    asked = x if len(x) > 1 else next(iter(x.values()))
    which = None if len(x) == 1 else max(x, key=lambda name: x[name].ndim)
    begun = time.perf_counter()
    for name, ask in questions(net, asked, folder, which):
        if time.perf_counter() - begun > SECONDS:
            counts["left out"] += 1
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                ask()
                counts["answered"] += 1
            except RnnlensError as said:
                counts["refused"] += 1
                if "broadcast" in str(said) or "\n" in str(said):
                    print(f"  {path.name}: {name}: {said}")
            except Exception as other:
                counts["other errors"] += 1
                print(f"  {path.name}: {name}: {type(other).__name__}: {other}")
    return counts


def main() -> int:
    """Sweep a folder; the exit status says whether all errors were ours."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    total: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(given.folder.rglob("*")):
            if path.suffix in {".h5", ".keras", ".pt", ".onnx", ".npz", ".safetensors"}:
                counts = sweep(path, Path(folder))
                total += counts
                print(f"{path.relative_to(given.folder)}: {dict(counts)}", flush=True)
    print(f"in all: {dict(total)}")
    return int(total["other errors"] > 0)


if __name__ == "__main__":
    raise SystemExit(main())
