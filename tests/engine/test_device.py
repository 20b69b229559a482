"""On tensors of PyTorch the engine computes what the kernels compute; `cpu` stands for a device."""

from __future__ import annotations

import numpy as np
import pytest

import rnnlens
from networks import CELLS, cell, chain, forecaster
from page_networks import page_network_of
from rnnlens import Effort
from rnnlens.engine import activations
from rnnlens.engine.arrays import as_numpy
from rnnlens.engine.backward import backward, multipliers
from rnnlens.engine.device import leaves as on_device_leaves
from rnnlens.engine.device.choice import chosen, named, placed
from rnnlens.engine.forward import entries, forward, outputs
from rnnlens.engine.kernels.run import evaluate_leaves, packed, takes_pairs
from rnnlens.engine.schedule.cost import cost
from rnnlens.errors import InputError
from rnnlens.network.activations import ACTIVATIONS, AXIS_WISE, Activation
from rnnlens.network.cells import Gate, SimpleRNN
from rnnlens.network.layers import Recurrent
from small_networks import SMALL, small

torch = pytest.importorskip("torch")

#: Rounding of each precision over a few hundred operations on numbers of order one.
TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
PRECISIONS = pytest.mark.parametrize("precision", list(TOLERANCE))


def close(found, expected, precision):
    assert found.dtype == expected.dtype
    scale = max(float(np.abs(expected).max(initial=0)), 0.1)
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE[precision] * scale)


def alike(network, x, precision):
    """Forecasts, derivatives and secant multipliers, there and here."""
    x = {name: np.asarray(one, precision) for name, one in x.items()}
    x0 = {name: one[::-1] for name, one in x.items()}

    def computed():
        alone = outputs(network, x)
        run, run0 = forward(network, x), forward(network, x0)
        m = {
            ref: np.linspace(1, 2, value.size, dtype=value.dtype).reshape(value.shape)
            for ref, value in zip(network.outputs, run.outputs, strict=True)
        }
        given = [(name, 0) for name in network.inputs]
        ways = backward(run, m), multipliers(run, run0, m)
        return [*alone, *run.outputs, *(way[ref] for way in ways for ref in given if ref in way)]

    here = computed()
    with placed("cpu"):
        there = computed()
    assert len(there) == len(here)
    for found, expected in zip(there, here, strict=True):
        close(found, expected, precision)


@PRECISIONS
@pytest.mark.parametrize("kind", CELLS)
def test_every_cell_gives_what_its_kernel_gives(kind, precision, rng):
    network = forecaster(kind, rng)
    alike(network, {name: rng.normal(size=(9, 7, 3)) for name in network.inputs}, precision)


@PRECISIONS
@pytest.mark.parametrize("seed", range(12))
def test_random_networks_with_masks_directions_and_other_activations_do(seed, precision):
    network, windows = page_network_of(seed)
    alike(network, {next(iter(network.inputs)): windows}, precision)


@pytest.mark.parametrize("name", sorted(SMALL))
def test_networks_of_the_smallest_forms_do(name):
    network, windows = small(name)
    windows = entries(network, windows)
    here = outputs(network, windows)
    with placed("cpu"):
        there = outputs(network, windows)
    for found, expected in zip(there, here, strict=True):
        close(found, expected, "float64")


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - AXIS_WISE))
def test_every_activation_has_the_value_and_the_slope_that_numpy_gives(name):
    phi = Activation(name)
    a = np.linspace(-4, 4, 81)
    a0 = np.concatenate([a[:27], a[27:54] + 1e-9, a[54:][::-1]])  # the same, close by, apart
    m = np.linspace(1, 2, a.size)
    there, there0, weight = (torch.from_numpy(one) for one in (a, a0, m))
    found = as_numpy(activations.value(phi, there))
    np.testing.assert_allclose(found, activations.value(phi, a), rtol=0, atol=1e-15)
    # where two points lie 1e-9 apart NumPy's quotient is the less exact one
    pulled = as_numpy(activations.pull(phi, there, there0, weight))
    np.testing.assert_allclose(pulled, activations.pull(phi, a, a0, m), rtol=0, atol=2e-7)
    alone = as_numpy(activations.pull(phi, there, there, weight))
    np.testing.assert_allclose(alone, activations.pull(phi, a, a, m), rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_a_secant_in_single_precision_is_right_wherever_its_points_lie(name, rng):
    phi = Activation(name)
    a = rng.normal(scale=3, size=4000)
    a0 = a + rng.choice([-1, 1], 4000) * 10 ** rng.uniform(-6, 1, 4000)
    exact = activations.pull(phi, a, a0, np.ones_like(a))
    single = [torch.from_numpy(one.astype("float32")) for one in (a, a0, np.ones_like(a))]
    np.testing.assert_allclose(as_numpy(activations.pull(phi, *single)), exact, rtol=0, atol=1e-6)


@PRECISIONS
@pytest.mark.parametrize("most", [1 << 27, 64])
@pytest.mark.parametrize("kind", CELLS)
def test_all_choices_of_steps_are_evaluated(kind, most, precision, rng, monkeypatch):
    monkeypatch.setattr(on_device_leaves, "MOST_NUMBERS", most)  # few: one way after the other
    one = cell(kind, rng, 3, 4)
    weights = packed(one, np.dtype(precision))
    if not takes_pairs(weights):
        return  # the kernel has none of this cell, and nobody asks
    x = rng.normal(size=(2, 5, 3)).astype(precision)
    states = tuple(rng.normal(size=(6, size)).astype(precision) for size in one.state_sizes)
    readout = rng.normal(size=one.state_sizes[0]).astype(precision)
    expected = evaluate_leaves(weights, x, states, readout, 0.25)
    found = on_device_leaves.evaluate_leaves(one, "cpu", x, states, readout, 0.25)
    close(found, expected, precision)


@PRECISIONS
@pytest.mark.parametrize("method", ["secant", "integrated_gradients", "tree", "permutation"])
def test_methods_give_what_they_give_here_and_say_where(method, precision, rng):
    network = forecaster("lstm", rng)
    x, baseline = rng.normal(size=(6, 7, 3)), rng.normal(size=(7, 3))
    asked = {
        "target": 1,
        "method": method,
        "baseline": baseline,
        "effort": Effort(precision=precision),
    }
    here = rnnlens.explain(network, x, **asked)
    with placed("cpu"):
        there = rnnlens.explain(network, x, **asked)
    close(there.contribution.values, here.contribution.values, precision)
    close(there.forecast.values, here.forecast.values, precision)
    assert "device" not in here.attrs and there.attrs["device"] == "cpu"


@pytest.mark.parametrize("abreast", [1, 64])
@pytest.mark.parametrize("method", ["secant", "integrated_gradients"])
def test_backgrounds_are_summed_in_double_precision(method, abreast, rng, monkeypatch):
    # a linear network whose weights are powers of two, from windows of zeros: every contribution
    # of every background is exact, and so is their sum in double precision alone
    quarter, kept = np.full((1, 1), 0.25), np.full((1, 1), 0.5)
    network = chain(
        Recurrent(SimpleRNN(Gate(quarter, kept, np.zeros(1)), Activation("linear"))), shape=(3, 1)
    )
    backgrounds = rng.integers(1, 64, size=(64, 3, 1)) / 64
    backgrounds[0], backgrounds[-1] = 2.0**30, -(2.0**30)
    monkeypatch.setattr("rnnlens.attribution.question.few_at_once", lambda *_, **__: abreast)
    asked = {
        "method": method,
        "baseline": backgrounds,
        "effort": Effort(precision="float32", tolerance=1.0 if "grad" in method else None),
    }
    with placed("cpu"):
        found = rnnlens.explain(network, np.zeros((1, 3, 1)), **asked)
    weights = 0.25 * 0.5 ** np.arange(3)
    expected = -weights * backgrounds[:, ::-1, 0].sum(axis=0) / 64
    np.testing.assert_array_equal(found.contribution[0, :, 0], expected.astype(np.float32))


def test_windows_in_chunks_are_the_same_windows(rng, monkeypatch):
    network = forecaster("gru_after", rng)
    x = rng.normal(size=(200, 7, 3))
    here = rnnlens.predict(network, x)
    monkeypatch.setattr("rnnlens.engine.schedule.plan.DEVICE_BYTES", 1 << 16)
    with placed("cpu"):
        close(np.asarray(rnnlens.predict(network, x)), np.asarray(here), "float64")


def test_what_the_steps_take_on_a_device_is_counted(rng):
    network = forecaster("lstm", rng)
    x = entries(network, rng.normal(size=(4, 7, 3)))
    with placed("cpu"):
        there = cost(network, x)
    units = next(layer.cell.units for _, layer in network.recurrent())
    # at least the eleven numbers a unit and step of an LSTM that its way back needs
    assert there.bytes >= 7 * 11 * units * 8
    assert there.cells == cost(network, x).cells


def test_the_processor_is_the_kernels_and_a_block_ends(monkeypatch):
    monkeypatch.setenv("RNNLENS_DEVICE", "cpu")
    assert not chosen()
    with placed("somewhere"):
        assert chosen() == "somewhere"
        with rnnlens.on_device("cpu"):
            assert not chosen()
    assert not chosen()


@pytest.mark.parametrize("name", ["meta", "nowhere", "cuda:99"])
def test_a_device_that_cannot_be_used_is_refused_in_one_sentence(name):
    named.cache_clear()
    with (
        pytest.raises(InputError, match="leave the device out") as refused,
        rnnlens.on_device(name),
    ):
        pass
    assert "\n" not in str(refused.value)
