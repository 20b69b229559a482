"""Add, subtract and multiply two marked numbers: who did it, and by how much.

Windows hold a value between -1 and 1 at every step and a marker at two of them; the target is the
sum, difference or product of the marked values. With the markers held and the values hidden as 0,
the truth is a and b, a and -b, and half the product each. Run it from ``benchmarks``:
``python -m oracles.toys``. Takes half a minute.
"""

from __future__ import annotations

from oracles.training import Net, read, train  # first: it holds the threads

# isort: split

import numpy as np
from harness.question import question
from numpy.typing import NDArray

from oracles.record import Oracle
from oracles.scores import rmse
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.methods.shapley_tree import shapley_tree
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries, predict
from rnnlens.network.network import Network

Array = NDArray[np.float64]

TASKS = ("add", "subtract", "multiply")
STEPS, UNITS, EPOCHS, TRAINED, TESTED = 10, 16, 60, 8000, 200
TARGET = ResolvedTarget((0,))
#: The most that is allowed, and what was found before, by task.
LIMITS = {
    "tree at the operands": (0.01, (".005", ".006", ".006")),
    "secant at the operands": (0.012, (".006", ".008", ".010")),
}


def windows(count: int, task: str, seed: int) -> tuple[Array, Array, NDArray[np.int64], Array]:
    """Draw windows, targets, places of the two markers and what each operand is worth."""
    rng = np.random.default_rng(seed)
    x = np.zeros((count, STEPS, 2))
    x[..., 0] = rng.uniform(-1, 1, (count, STEPS))
    places = np.sort([rng.choice(STEPS, 2, replace=False) for _ in range(count)], axis=1)
    np.put_along_axis(x[..., 1], places, 1.0, axis=1)
    a, b = np.take_along_axis(x[..., 0], places, axis=1).T
    worth = {"add": (a, b), "subtract": (a, -b), "multiply": (a * b / 2, a * b / 2)}[task]
    return x, worth[0] + worth[1], places, np.stack(worth, axis=1)


def main() -> None:
    """Train, explain and score every task."""
    oracle = Oracle(
        "toys",
        f"LSTM H={UNITS}, T={STEPS}, {TRAINED:,} windows (seed 0), {EPOCHS} epochs, network seed "
        f"1; {TESTED} test windows (seed 9); value 0 and markers held; error at the two operands",
    )
    for number, task in enumerate(TASKS[:1] if oracle.quick else TASKS):
        X, Y, _, _ = windows(TRAINED, task, 0)
        net = train(lambda: Net("LSTM", 2, UNITS), X, Y[:, None], epochs=EPOCHS, seed=1, batch=128)
        for method, error in errors(read(net, STEPS), task).items():
            most, earlier = LIMITS.get(method, (None, ("", "", "")))
            oracle.figure(
                f"{task}: RMSE, {method}",
                error,
                most=most,
                published=earlier[number],
                source="earlier measurement, other code",
            )
    oracle.save()


def errors(network: Network, task: str) -> dict[str, float]:
    """Give the network's own error and that of each method at the operands."""
    x, y, places, worth = windows(TESTED, task, 9)
    inputs, baseline = entries(network, x), make_baseline("zero", x, held=np.array([1]))
    fast = secant(question(network, inputs, TARGET, baseline)).contribution.sum(axis=2)
    tree = shapley_tree(question(network, inputs, TARGET, baseline, newest=STEPS)).contribution

    def at_operands(found: Array) -> float:
        return rmse(np.take_along_axis(found[:, ::-1], places, axis=1), worth)

    return {
        "the network's own": rmse(np.asarray(predict(network, x))[:, 0], y),
        "tree at the operands": at_operands(tree),
        "secant at the operands": at_operands(fast),
    }


if __name__ == "__main__":
    main()
