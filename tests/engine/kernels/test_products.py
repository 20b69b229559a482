"""Cells that read the products of their input, against the equations on the input itself."""

import numpy as np
import pytest

from networks import cell
from rnnlens.engine.kernels.run import Products, packed, run_from_products
from rnnlens.engine.operations.registry import run
from rnnlens.engine.schedule.context import equations
from rnnlens.network.layers import Recurrent

FEATURES, STEPS = 7, 4


def by_equations(core, x, states):
    with equations():
        tape = run(Recurrent(core, return_sequences=True), (x, *states), (None,), None)
    return tape.outputs[0], tape.saved.final


@pytest.mark.parametrize("runs", [1, 5, 43])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["lstm", "gru_before", "gru_after", "simple_rnn"])
def test_products_of_what_is_read_take_the_steps_that_reading_takes(kind, dtype, runs, rng):
    core = cell(kind, rng, FEATURES, 5)
    weights = packed(core, np.dtype(dtype))
    table = rng.normal(size=(9, FEATURES)).astype(dtype)
    which = rng.integers(0, 9, size=(runs, STEPS))
    which[:, 1] = 3  # a step that all read
    states = tuple(rng.uniform(-0.5, 0.5, size=(runs, n)).astype(dtype) for n in core.state_sizes)
    rows, x = table @ weights.W, table[which]
    columns = rng.integers(0, FEATURES, size=runs)
    away = rng.normal(size=(runs, STEPS)).astype(dtype)
    away[:, 2] = 0.0  # a step in which none differs
    moved = x.copy()
    moved[np.arange(runs)[:, None], np.arange(STEPS), columns[:, None]] += away
    # a dozen sums of numbers of about one, and four steps after one another
    close = {"rtol": 0, "atol": 200 * np.finfo(dtype).eps}
    for read, products in (
        (x, Products(rows, which, columns[:0], away[:0, :0])),
        (moved, Products(rows, which, columns, away)),
    ):
        whole, last = by_equations(core, read.astype(float), [s.astype(float) for s in states])
        every, after = run_from_products(weights, products, states, sequences=True)
        only, _ = run_from_products(weights, products, states, sequences=False)
        np.testing.assert_allclose(every, whole, **close)
        np.testing.assert_array_equal(only[:, 0], every[:, -1])
        for found, expected in zip(after, last, strict=False):
            np.testing.assert_allclose(found, expected, **close)
    assert (
        np.abs(by_equations(core, moved, states)[0] - by_equations(core, x, states)[0]).max() > 0.1
    )
