"""Published cycles of piecewise linear maps in two dimensions: found and proven.

    python -m benchmarks.fixed_points.relu_cycles

``z' = A z + W relu(z) + h`` with diagonal A and W beside the diagonal: the systems with a stable
and an unstable cycle in Eisenmann, Monfared, Göring and Durstewitz 2023, "Bifurcations and loss
jumps in RNN training". Each is written as a plain cell of relu with four units, ``z = p - n``.
"""

from __future__ import annotations

import time

import numpy as np

from rnnlens.dynamics.fixed_points.find import find
from rnnlens.dynamics.fixed_points.step_map import step_map
from rnnlens.network.activations import Activation
from rnnlens.network.cells import Gate, SimpleRNN

#: a1, w1, w2, h2 by order; a2 and h1 are the same in all.
SYSTEMS = {
    16: (0.8377689, -0.64375, 0.52505308, -0.97931491),
    27: (0.9777689, -0.14375, 0.52505308, -0.97931491),
    31: (0.9777689, -0.14375, 1.17505308, -0.97931491),
    40: (0.9777689, -0.64375, 0.52505308, -0.97931491),
    53: (0.9377689, -0.64375, 0.52505308, -0.97931491),
    65: (0.9777689, -0.14375, 1.32505308, -0.97931491),
    80: (0.9777689, -0.14375, 0.52505308, -0.77931491),
    83: (0.9777689, -0.14375, 0.67505308, -0.97931491),
}
A2, H1 = 0.96461297, 0.37298253


def main() -> None:
    """Print a line a system."""
    for order, (a1, w1, w2, h2) in SYSTEMS.items():
        A, W, h = np.diag([a1, A2]), np.array([[0, w1], [w2, 0]]), np.array([H1, h2])
        U = np.block([[(A + W).T, -(A + W).T], [-A.T, A.T]])
        cell = SimpleRNN(Gate(np.zeros((1, 4)), U, np.concatenate([h, -h])), Activation("relu"))
        z = 10 * np.random.default_rng(0).normal(size=(500, 2))
        begun = time.process_time()
        found = find(
            step_map([cell], np.zeros((order, 1))),
            np.concatenate([np.maximum(z, 0), np.maximum(-z, 0)], axis=1),
        )
        kinds = ", ".join(
            f"unstable in {proof.unstable}, exact within {proof.radius:.0e}"
            for proof in found.proofs
        )
        seconds = time.process_time() - begun
        print(f"order {order}: {len(found.points)} cycles ({kinds}), {seconds:.1f} s", flush=True)


if __name__ == "__main__":
    main()
