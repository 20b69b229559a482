"""Write random forecasters for Keras, PyTorch and ONNX, and have each library run them.

The forecasters are those of ``tests/makers/random_graphs.py``: recurrent layers of every cell with
attention, convolutions, pools, norms, slices and merges around them. Prints, for each target, how
many were written, and the largest difference between what its library gives and what the network
does, of outputs of the order of one. Arguments: how many (40), from which seed (0).
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")
TESTS = Path(__file__).resolve().parents[1] / "tests"
# in the place of this folder, which holds one named as a library that Keras looks for
sys.path[:1] = [str(TESTS / part) for part in ("", "makers", "twins")]

import rnnlens  # noqa: E402
from random_graphs import random_graph  # noqa: E402
from rnnlens.errors import InputError  # noqa: E402
from writers_zoo import as_float32  # noqa: E402


def main() -> None:
    """Write each seed in each format."""
    count, first = (int(given) for given in (*sys.argv[1:], *("40", "0")[len(sys.argv) - 1 :]))
    for ending in (".keras", ".safetensors", ".onnx"):
        differences, refused = [], []
        for seed in range(first, first + count):
            with tempfile.TemporaryDirectory() as folder:
                network = as_float32(random_graph(seed))
                try:
                    done = rnnlens.convert(network, Path(folder) / f"model{ending}")
                except InputError as error:
                    refused.append(f"{seed}: {error}")
                    continue
            assert done.library_difference is not None, done.notes
            differences.append(done.library_difference)
        print(
            f"{ending}: {len(differences)} of {count} written and run by {done.library}, largest "
            f"difference {max(differences, default=0.0):.2g}"
        )
        for said in refused:
            print(f"  refused: {said}")


if __name__ == "__main__":
    main()
