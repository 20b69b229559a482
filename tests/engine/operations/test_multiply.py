"""A product of masked sequences: 1 stands in for a masked step of one factor, 0 for one of all."""

import numpy as np
import pytest

from rnnlens.engine.backward import backward, multipliers
from rnnlens.engine.forward import entries, forward
from rnnlens.network import layers as L
from rnnlens.network.network import Network, Node, Origin


@pytest.fixture
def network(rng):
    """``Multiply`` of a masked sequence, a function of another masked one, and one without."""
    nodes = (
        Node("a", L.Input((3, 2))),
        Node("b", L.Input((3, 2))),
        Node("masked_a", L.Masking(0.0), (("a", 0),)),
        Node("masked_b", L.Masking(0.0), (("b", 0),)),
        Node("dense", L.Dense(rng.normal(size=(2, 2)), rng.normal(size=2)), (("masked_b", 0),)),
        Node("both", L.Multiply(), (("masked_a", 0), ("dense", 0))),
        Node("some", L.Multiply(), (("masked_a", 0), ("b", 0))),
    )
    return Network(nodes, (("both", 0), ("some", 0)), Origin("made by hand"))


@pytest.fixture
def X(rng):
    """Step 0 is padding in ``a``, step 1 in both."""
    given = {name: rng.normal(size=(4, 3, 2)) for name in "ab"}
    given["a"][:, :2] = 0
    given["b"][:, 1] = 0
    return given


def test_masked_factors_count_as_one_and_steps_masked_in_all_as_zero(network, X):
    run = forward(network, entries(network, X))
    both, some = run.outputs
    dense = run.value(("dense", 0))
    np.testing.assert_array_equal(both[:, 0], dense[:, 0])
    np.testing.assert_array_equal(both[:, 1], 0)
    np.testing.assert_array_equal(both[:, 2], X["a"][:, 2] * dense[:, 2])
    np.testing.assert_array_equal(some[:, 0], X["b"][:, 0])


@pytest.mark.parametrize("output", ["both", "some"])
def test_multipliers_sum_to_the_change_and_masked_steps_get_nothing(network, X, rng, output):
    run = forward(network, entries(network, X))
    other = {name: rng.normal(size=values.shape) for name, values in X.items()}
    run0 = forward(network, entries(network, other), masks_of=run)
    m = rng.normal(size=(4, 3, 2))
    found = multipliers(run, run0, {(output, 0): m})
    change = ((run.value((output, 0)) - run0.value((output, 0))) * m).sum(axis=(1, 2))
    parts = sum((found[name, 0] * (X[name] - other[name])).sum(axis=(1, 2)) for name in "ab")
    # Sums of a dozen float64 products.
    np.testing.assert_allclose(parts, change, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(found["a", 0][:, :2], 0)


def test_derivatives_equal_differences(network, X, rng):
    run = forward(network, entries(network, X))
    m = rng.normal(size=(4, 3, 2))
    found = backward(run, {("both", 0): m})
    step = 1e-6
    for name, index in (("b", (slice(None), 0, 1)), ("a", (slice(None), 2, 0))):
        values = []
        for sign in (1, -1):
            moved = {key: value.copy() for key, value in X.items()}
            moved[name][index] += sign * step
            output = forward(network, entries(network, moved), masks_of=run).value(("both", 0))
            values.append((output * m).sum(axis=(1, 2)))
        # Central differences of a polynomial of second degree: rounding alone, 1e-16 / 1e-6.
        difference = (values[0] - values[1]) / (2 * step)
        np.testing.assert_allclose(found[name, 0][index], difference, rtol=0, atol=1e-8)
