"""A runner gives what a run gives, to the last bit, and refuses what does not fit."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import rnnlens
from joined_networks import JOINED, joined
from networks import CELLS, cell, chain, forecaster, head, stacked_bidirectional
from rnnlens.engine import runner
from rnnlens.errors import DataError
from rnnlens.network.activations import Activation
from rnnlens.network.layers import Activate, Conv1D, Dense, Masking, Recurrent
from small_networks import SMALL, small

PRECISIONS = pytest.mark.parametrize("precision", ["float64", "float32"])


def several(outputs):
    return outputs if isinstance(outputs, tuple) else (outputs,)


def agree(network, arrays, precision):
    """Whatever the number of windows: one, a few, and more than are run where the caller stands."""
    run = network.runner(precision)
    names = list(network.inputs)
    for count in (1, 5, runner.FEW + 3):
        some = [np.resize(arrays[name], (count, *arrays[name].shape[1:])) for name in names]
        given = dict(zip(names, some, strict=True))
        expected = several(rnnlens.predict(network, given, precision=precision))
        found = several(run(*some))
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)


@PRECISIONS
@pytest.mark.parametrize("kind", CELLS)
def test_a_runner_gives_what_predict_gives_to_the_last_bit(kind, precision, rng):
    for network in (
        forecaster(kind, rng),
        chain(
            Recurrent(cell(kind, rng), return_state=True, go_backwards=True),
            head(rng, cell(kind, rng).state_sizes[0], activation="tanh"),
            shape=(7, 3),
        ),
    ):
        agree(network, {"x": rng.normal(size=(4, 7, 3))}, precision)


@PRECISIONS
def test_layers_that_are_not_made_ready_are_run_as_they_are(precision, rng):
    convolution = Conv1D(rng.normal(size=(2, 3, 3)), rng.normal(size=3))
    masked = rng.normal(size=(4, 7, 3))
    masked[1, 2:] = 0
    for network in (
        stacked_bidirectional(rng, steps=7),
        chain(Masking(0.0), Recurrent(cell("lstm", rng)), head(rng, 5), shape=(7, 3)),
        chain(
            convolution,
            Activate(Activation("relu")),
            Dense(rng.normal(size=(3, 3))),
            Recurrent(cell("gru_after", rng)),
            shape=(7, 3),
        ),
        chain(Dense(rng.normal(size=(3, 4)), activation=Activation("softmax")), shape=(7, 3)),
    ):
        agree(network, {"x": masked}, precision)


@pytest.mark.parametrize("name", sorted(JOINED))
def test_several_inputs_come_in_the_order_of_the_network(name):
    network, arrays = joined(name)
    agree(network, arrays, "float64")


@pytest.mark.parametrize("name", sorted(SMALL))
def test_every_kind_of_small_network_is_run(name):
    network, X = small(name)[:2]
    arrays = X if isinstance(X, dict) else {next(iter(network.inputs)): np.asarray(X)}
    agree(network, arrays, "float64")


def test_threads_may_share_a_runner(rng):
    network = stacked_bidirectional(rng)
    run = network.runner()
    windows = [rng.normal(size=(1 + k % 3, 6, 3)) for k in range(60)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(run, windows))
    for one, x in zip(found, windows, strict=True):
        np.testing.assert_array_equal(one, rnnlens.predict(network, x))


def test_what_a_runner_gave_is_not_written_to_by_its_next_call(rng):
    network = forecaster("lstm", rng)
    run = network.runner()
    first = run(rng.normal(size=(1, 7, 3)))
    kept = first.copy()
    run(rng.normal(size=(1, 7, 3)))
    np.testing.assert_array_equal(first, kept)


def test_the_callers_array_is_taken_as_it_lies(rng):
    network = forecaster("lstm", rng)
    run, x = network.runner(), rng.normal(size=(3, 7, 2, 3))[:, ::-1, 1]
    x.flags.writeable = False
    np.testing.assert_array_equal(run(x), rnnlens.predict(network, x.copy()))
    np.testing.assert_array_equal(run(x.tolist()), run(x))


def test_missing_values_go_through(rng):
    x = rng.normal(size=(2, 7, 3))
    x[1, 3, 0] = np.nan
    found = forecaster("lstm", rng).runner()(x)
    assert np.isfinite(found[0]).all()
    assert np.isnan(found[1]).all()


@pytest.mark.parametrize("shape", [(2, 7, 4), (2, 6, 3), (7, 3), (2, 7, 3, 1)])
def test_an_array_that_does_not_fit_is_refused(shape, rng):
    run = forecaster("lstm", rng).runner()
    with pytest.raises(DataError, match=re.escape("must have shape (sample, 7, 3)")):
        run(np.zeros(shape))


def test_arrays_of_another_number_are_refused(rng):
    network, arrays = joined("static after")
    x, site = arrays.values()
    run = network.runner()
    with pytest.raises(DataError, match=r"has 2 inputs .*, but 1 arrays came: give one an input"):
        run(x)
    with pytest.raises(DataError, match="different numbers of samples"):
        run(x, site[:1])


def test_another_precision_is_refused(rng):
    with pytest.raises(DataError, match="precision must be one of float64, float32"):
        forecaster("lstm", rng).runner("float16")


@pytest.mark.parametrize(
    "given",
    [{"x": np.zeros((2, 7, 3))}, "windows.csv", None, [[1.0], [2.0, 3.0]], [["a"]], object()],
)
def test_what_holds_no_numbers_is_refused_by_its_type(given, rng):
    run = forecaster("lstm", rng).runner()
    kind = type(given).__name__
    with pytest.raises(DataError, match=f"array of numbers, and a {kind} came|must have shape"):
        run(given)


def test_a_mapping_to_a_runner_is_refused_and_its_arrays_are_taken(rng):
    network, arrays = joined("static after")
    run = network.runner()
    with pytest.raises(DataError, match="has 2 inputs"):
        run(arrays)
    run(*(arrays[name] for name in network.inputs))
