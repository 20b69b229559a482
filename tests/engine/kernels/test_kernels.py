"""The compiled kernels against the NumPy equations.

The tolerance is a running error analysis of the equations themselves: `Rounded` is an array that
carries a bound on its error, and the cells of `rnnlens.engine.cells` are run on it, forward and
back. With the unit roundoff ``u`` of what is computed in (2^-24 or 2^-53):

- a sum, difference, product or quotient is wrong by ``2 u`` of its result (one for its rounding,
  one for a weight or constant that was itself rounded), and by what its operands' errors make
  of it;
- a matrix product of row ``x`` and matrix ``W`` is wrong by ``N u |x| |W|``, where ``N`` is more
  than the number of additions that a term can go through in any order of summation, since kernels
  add ``x W``, ``b`` and ``h U`` in one sum;
- the value of a smooth function is wrong by 4 units in the last place (`functions.py` states 3),
  which are at most ``8 u`` of the value, by the slope times the error of the argument, and by half
  its largest second derivative times that error squared;
- a slope ``phi'(a)`` moves with ``a`` by the largest second derivative; a secant by half of it for
  each end, and is wrong by the rounding of its two values over the distance of its ends. Below the
  distance `buffers.NEAR` the kernels take the slope in the middle, which is wrong by less than the
  distance squared times the second and third derivatives.

The two computations differ by at most the sum of both bounds. Nothing is tuned: the same rules hold
for every cell, type and option.
"""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from networks import CELLS, cell, forecaster, stacked_bidirectional
from rnnlens.engine import activations, cells, step
from rnnlens.engine.backward import multipliers
from rnnlens.engine.cells import ready
from rnnlens.engine.forward import entries, forward
from rnnlens.engine.kernels import buffers
from rnnlens.engine.kernels import run as kernels
from rnnlens.engine.kernels.lowlevel.primitives import columns_of
from rnnlens.engine.operations.recurrent import CellRun
from rnnlens.engine.operations.registry import pull, run
from rnnlens.engine.schedule.context import by_equations, equations
from rnnlens.network.activations import ACTIVATIONS, AXIS_WISE, Activation
from rnnlens.network.cells import GRU, LSTM, Gate, SimpleRNN
from rnnlens.network.layers import Recurrent

TYPES = (np.float32, np.float64)
#: Largest second and third derivative; a function of straight pieces has none between corners.
BENDS = {
    "tanh": (0.77, 2.0),
    "sigmoid": (0.0963, 0.125),
    "softsign": (2.0, 6.0),
    "linear": (0.0, 0.0),
    "relu": (0.0, 0.0),
    "hard_sigmoid": (0.0, 0.0),
}
FUNCTION = 8


class Rounded:
    """An array with a bound on its error, entry by entry."""

    __array_ufunc__ = None
    u = 0.0
    near = 0.0
    terms = 0

    def __init__(self, value, error=0.0):
        self.value = np.asarray(value, float)
        self.error = np.broadcast_to(error, self.value.shape)

    @property
    def shape(self):
        return self.value.shape

    def __getitem__(self, key):
        return Rounded(self.value[key], self.error[key])

    @classmethod
    def of(cls, other):
        return other if isinstance(other, Rounded) else cls(other)

    def result(self, value, error):
        return Rounded(value, error + 2 * self.u * np.abs(value))

    def __add__(self, other):
        other = self.of(other)
        return self.result(self.value + other.value, self.error + other.error)

    def __neg__(self):
        return Rounded(-self.value, self.error)

    def __sub__(self, other):
        return self + (-self.of(other))

    def __mul__(self, other):
        x, y = self, self.of(other)
        error = x.error * np.abs(y.value) + (np.abs(x.value) + x.error) * y.error
        return self.result(x.value * y.value, error)

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other):
        return self.of(other) - self

    def __truediv__(self, number):
        return self * (1 / number)

    def __matmul__(self, W):
        size = np.abs(self.value) + self.error
        error = self.error @ np.abs(W) + self.terms * self.u * (size @ np.abs(W))
        return Rounded(self.value @ W, error)

    def __array_function__(self, function, types, arguments, options):  # noqa: PLW3201
        assert function is np.concatenate
        parts = arguments[0]
        return Rounded(
            np.concatenate([part.value for part in parts], **options),
            np.concatenate([part.error for part in parts], **options),
        )


def rounded_value(phi, a):
    """Evaluate an activation with its error."""
    y = activations.value(phi, a.value)
    slope = np.abs(activations.derivative(phi, a.value))
    bend = BENDS[phi.name][0]
    return Rounded(
        y, slope * a.error + bend / 2 * a.error**2 + FUNCTION * a.u * (np.abs(y) + (slope > 0))
    )


def rounded_pull(phi, a, a0, m):
    """Carry multipliers back through an activation with their error."""
    second, third = BENDS[phi.name]
    y, y0 = rounded_value(phi, a), rounded_value(phi, a0)
    size = np.abs(y.value) + np.abs(y0.value) + (second == 0)
    if a is a0:
        slope = activations.derivative(phi, a.value)
        return m * Rounded(slope, second * a.error + 2 * FUNCTION * a.u * (1 + size))
    slope = activations._slope(phi, a.value, a0.value)
    d = np.abs(a.value - a0.value)
    rounding = FUNCTION * a.u * size / np.maximum(d - a.error - a0.error, 1e-300)
    rounding = np.where(d == 0, 0.0, rounding)
    if second:
        # the secant is taken from `near` on, the slope below; within the errors it may be either
        edge = a.near - a.error - a0.error
        rounding = np.where(d < edge, 0.0, np.minimum(rounding, FUNCTION * a.u * size / edge))
        met = (d < a.near + a.error + a0.error) * (a.near + a.error + a0.error) ** 2
        bend = second / 2 * (a.error + a0.error) + met * (second + third)
    else:
        bend = np.where(d == 0, 0.0, 2 * rounding)  # each end's own rounding, over the distance
    return m * Rounded(slope, bend + rounding + 2 * FUNCTION * a.u * (np.abs(slope) + second))


@contextmanager
def error_analysis(monkeypatch, dtype, layer):
    """Let the cells' equations run on `Rounded` arrays."""
    core = layer.cell
    with monkeypatch.context() as patch:
        # both computations are wrong: the kernels by their unit roundoff, the equations by 2^-53
        patch.setattr(Rounded, "u", float(np.finfo(dtype).eps / 2 + np.finfo(float).eps / 2))
        patch.setattr(Rounded, "near", buffers.NEAR[np.dtype(dtype)])
        terms = core.features + 4 * core.units + core.state_sizes[0] + 5
        patch.setattr(Rounded, "terms", terms)
        patch.setattr(step, "value", rounded_value)
        patch.setattr(cells, "pull_activation", rounded_pull)
        yield


def where(keep, new, old):
    new, old = Rounded.of(new), Rounded.of(old)
    return Rounded(np.where(keep, new.value, old.value), np.where(keep, new.error, old.error))


def rounded_course(layer, x, mask, states):
    """Run a layer in its own order; give what every step computed, the outputs, the last states."""
    core = ready(layer.cell)
    states = tuple(Rounded(s) for s in states) or tuple(Rounded(s) for s in core.start(len(x)))
    output = Rounded(np.zeros_like(states[0].value))
    order = range(x.shape[1])[:: -1 if layer.go_backwards else 1]
    steps, outputs = [], []
    for t in order:
        xW = Rounded(x[:, t]) @ core.W
        xW = xW + Rounded(core.b, Rounded.terms * Rounded.u * np.abs(core.b))
        after, saved = core.advance(xW, states)
        keep = np.ones((len(x), 1), bool) if mask is None else mask[:, t, None]
        states = tuple(where(keep, new, old) for new, old in zip(after, states, strict=True))
        output = where(keep, after[0], 0 * output.value if layer.zero_output_for_mask else output)
        steps.append((t, keep, saved))
        outputs.append(output)
    return steps, outputs, states


def rounded_back(layer, course, course0, m, m_states):
    """Carry multipliers back: those of the inputs by step, and of the states at the start."""
    core = ready(layer.cell)
    states, held = tuple(Rounded(s) for s in m_states), Rounded(np.zeros_like(m_states[0]))
    found = {}
    for k in reversed(range(len(course))):
        (t, keep, saved), (_, _, saved0) = course[k], course0[k]
        held = held if m[k] is None else held + m[k]
        fresh = (states[0] + held, *states[1:])
        reached = tuple(where(keep, s, 0 * s.value) for s in fresh)
        into, before = core.pull(saved, saved0, reached)
        states = tuple(where(keep, new, old) for new, old in zip(before, states, strict=True))
        held = where(keep | layer.zero_output_for_mask, 0 * held.value, held)
        found[t] = into @ core.W.T
    return [found[t] for t in sorted(found)], states


def close(found, expected, bound):
    """Hold what the kernels found against the equations' values, entry by entry."""
    assert found.shape == expected.shape == bound.shape
    excess = np.abs(found.astype(float) - expected) / (bound + 1e-300)
    assert np.isfinite(bound).all()
    assert (excess <= 1).all(), f"{excess.max():.3g} times the bound"


def stacked(parts):
    return np.stack([part.error for part in parts], axis=1)


def compare(layer, dtype, monkeypatch, rng, *, samples=33, steps=7, masked=False, started=False):
    """Forward, derivatives and secants of one layer, by kernels and by the equations."""
    core = layer.cell
    shape = (samples, steps, core.features)
    x, x0 = (rng.normal(size=shape).astype(dtype) for _ in range(2))
    x0[::5] = x[::5]
    mask = rng.random((samples, steps)) > 0.4 if masked else None
    starts = [
        tuple(rng.normal(size=(samples, n)).astype(dtype) * 0.7 for n in core.state_sizes)
        if started
        else ()
        for _ in range(2)
    ]
    given = [(points, *start) for points, start in zip((x, x0), starts, strict=True)]
    tapes = [run(layer, one, (mask,), None) for one in given]
    assert not isinstance(tapes[0].saved, CellRun)
    assert all(output.dtype == dtype for output in tapes[0].outputs)
    m = tuple(rng.normal(size=output.shape).astype(dtype) for output in tapes[0].outputs)
    wide = [tuple(array.astype(float) for array in one) for one in given]
    with equations():
        truth = [run(layer, one, (mask,), None) for one in wide]
    assert isinstance(truth[0].saved, CellRun)
    with error_analysis(monkeypatch, dtype, layer):
        courses = [rounded_course(layer, one[0], mask, one[1:]) for one in wide]
        _, outputs, final = courses[0]
        errors = [stacked(outputs) if layer.return_sequences else outputs[-1].error]
        errors += [s.error for s in final]
        for found, expected, error in zip(tapes[0].outputs, truth[0].outputs, errors, strict=False):
            close(found, expected, error)
        over = [None] * (steps - 1) + [m[0]]
        if layer.return_sequences:
            over = list(m[0].swapaxes(0, 1))
        last = m[1:] or tuple(np.zeros((samples, n)) for n in core.state_sizes)
        for k in (0, 1):
            found = pull(layer, tapes[0], tapes[k], m)
            with monkeypatch.context() as patch:
                patch.setattr(step, "value", activations.value)
                patch.setattr(cells, "pull_activation", activations.pull)
                expected = pull(layer, truth[0], truth[k], tuple(one.astype(float) for one in m))
            m_x, m_start = rounded_back(layer, courses[0][0], courses[k][0], over, last)
            bounds = [stacked(m_x), *(s.error for s in m_start)]
            assert all(one.dtype == dtype for one in found)
            for one, other, bound in zip(found, expected, bounds, strict=False):
                close(one, other, bound)


OPTIONS = {
    "plain": {},
    "sequences": {"return_sequences": True},
    "backwards": {"go_backwards": True, "return_sequences": True, "return_state": True},
    "state": {"return_state": True},
    "masked": {"masked": True},
    "masked_backwards": {"masked": True, "go_backwards": True, "return_state": True},
    "masked_sequences": {"masked": True, "return_sequences": True},
    "zeroes": {"masked": True, "return_sequences": True, "zero_output_for_mask": True},
    "started": {"started": True, "return_state": True},
    "masked_started": {"masked": True, "started": True, "return_sequences": True},
}


@pytest.fixture(params=[1, 10**9], ids=["stretches", "one_stretch"])
def stretch(request, monkeypatch):
    """One step a stretch, or all steps in one."""
    monkeypatch.setattr(kernels, "STRETCH", request.param)


@pytest.mark.usefixtures("stretch")
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("kind", CELLS)
def test_kernels_agree_with_the_equations_whatever_the_options(
    kind, dtype, options, rng, monkeypatch
):
    options = dict(options)
    how = {key: options.pop(key) for key in ("masked", "started") if key in options}
    compare(Recurrent(cell(kind, rng), **options), dtype, monkeypatch, rng, **how)


def test_a_stretch_of_a_few_steps_agrees_too(rng, monkeypatch):
    layer = Recurrent(cell("lstm_peephole", rng), return_sequences=True)
    weights = kernels.packed(layer.cell, np.dtype(float))
    monkeypatch.setattr(kernels, "STRETCH", 3 * weights.record * 8)
    compare(layer, np.float64, monkeypatch, rng, masked=True, steps=8)


@pytest.mark.parametrize("units", [1, 3, 8, 17])
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("kind", CELLS)
def test_kernels_agree_for_sizes_that_do_not_fill_tiles(kind, dtype, units, rng, monkeypatch):
    layer = Recurrent(cell(kind, rng, units=units), return_sequences=True)
    compare(layer, dtype, monkeypatch, rng, samples=9)
    layer = Recurrent(cell(kind, rng, features=1, units=units))
    compare(layer, dtype, monkeypatch, rng, samples=9)


@pytest.mark.parametrize("steps", [1, 7])
@pytest.mark.parametrize("samples", [1, 4, 5, 31, 32, 35, 70])
@pytest.mark.parametrize("kind", ["lstm", "gru_after", "gru_before", "simple_rnn"])
def test_kernels_agree_for_batches_that_do_not_fill_blocks(kind, samples, steps, rng, monkeypatch):
    layer = Recurrent(cell(kind, rng), return_sequences=True)
    compare(layer, np.float64, monkeypatch, rng, samples=samples, steps=steps, masked=True)


@pytest.mark.parametrize(
    ("phi", "sigma"),
    [
        ("softsign", "sigmoid"),
        ("tanh", "softsign"),
        ("sigmoid", "tanh"),
        ("linear", "sigmoid"),
        ("relu", "hard_sigmoid"),
    ],
)
@pytest.mark.parametrize("kind", CELLS)
def test_kernels_agree_for_activations_that_are_not_fused(kind, phi, sigma, rng, monkeypatch):
    core = cell(kind, rng, phi=Activation(phi), sigma=Activation(sigma))
    compare(Recurrent(core, return_sequences=True), np.float64, monkeypatch, rng)


ELEMENTWISE = [Activation(name) for name in sorted(set(ACTIVATIONS) - AXIS_WISE)] + [
    Activation("relu", {"max_value": 2.0, "negative_slope": 0.1, "threshold": 0.5}),
    Activation("relu", {"negative_slope": 0.1}),
    Activation("relu", {"max_value": 1.5}),
    Activation("hard_sigmoid", {"slope": 0.2}),
    Activation("gelu", {"approximate": 1}),
    Activation("elu", {"alpha": 0.7}),
    Activation("celu", {"alpha": 1.7}),
    Activation("threshold", {"threshold": 0.3, "value": -2.0}),
    Activation("squareplus", {"b": 1.5}),
]


def alone(phi):
    """A cell that is its activation: one unit reads the input, nothing recurs."""
    one, zero = np.ones((1, 1)), np.zeros((1, 1))
    return Recurrent(SimpleRNN(Gate(one, zero), phi))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("phi", ELEMENTWISE, ids=str)
def test_every_elementwise_activation_agrees_with_its_definition(phi, dtype, rng):
    """Bounds: the functions are compositions of at most eight operations on numbers of the size of
    ``1 + |a|^3`` (the cube of gelu), each wrong by 8 u as above; derivatives likewise; a secant by
    that over the distance of its ends, and below `NEAR` by the distance squared times the second
    and third derivatives, which are below 6 (softsign's third is the largest).
    """
    u = float(np.finfo(dtype).eps)
    a, a0 = (rng.normal(size=(500, 1, 1)).astype(dtype) * dtype(3) for _ in range(2))
    a0[:50] = a[:50] + rng.normal(size=(50, 1, 1)).astype(dtype) * dtype(1e-9)
    a0[50:60] = a[50:60]
    layer = alone(phi)
    tapes = [run(layer, (points,), (None,), None) for points in (a, a0)]
    assert not isinstance(tapes[0].saved, CellRun)
    m = rng.normal(size=(500, 1)).astype(dtype)
    wide, wide0 = a[:, 0].astype(float), a0[:, 0].astype(float)
    size = 64 * u * (1 + np.abs(wide) ** 3 + np.abs(wide0) ** 3 + np.exp(np.maximum(wide, wide0)))
    if phi.name != "exponential":
        size = 64 * u * (1 + np.abs(wide) ** 3 + np.abs(wide0) ** 3)
    close(tapes[0].outputs[0], activations.value(phi, wide), size)
    (derivative,) = pull(layer, tapes[0], tapes[0], (m,))
    expected = m * activations.derivative(phi, wide)
    close(derivative[:, 0], expected, size * np.abs(m))
    (secant,) = pull(layer, tapes[0], tapes[1], (m,))
    near = buffers.NEAR[np.dtype(dtype)]
    distance = np.abs(wide - wide0)
    smooth = activations._UNARY[phi.name].smooth
    floor = near if smooth else 1e-300
    bound = size + np.where(distance > 0, size / np.maximum(distance, floor), 0.0)
    bound += 12 * near**2 * (1 + np.abs(size / u)) * (distance <= near) * smooth
    expected = m * activations._slope(phi, wide, wide0)
    close(secant[:, 0], expected, bound * np.abs(m))


@pytest.mark.parametrize("phi", ELEMENTWISE, ids=str)
def test_infinities_and_nan_stay_where_they_are(phi):
    x = np.array([np.nan, np.inf, -np.inf, 0.5, 1e300, -1e300]).reshape(-1, 1, 1)
    layer = alone(phi)
    tape = run(layer, (x,), (None,), None)
    (m,) = pull(layer, tape, tape, (np.ones((6, 1)),))
    assert np.isnan(tape.outputs[0][0, 0])
    alone_again = run(layer, (x[3:4],), (None,), None)
    assert tape.outputs[0][3, 0] == alone_again.outputs[0][0, 0]
    assert np.isfinite(m[3, 0, 0])


@pytest.mark.parametrize("kind", CELLS)
def test_one_bad_window_leaves_the_others_alone(kind, rng):
    layer = Recurrent(cell(kind, rng))
    x = rng.normal(size=(40, 5, 3))
    clean = run(layer, (x,), (None,), None)
    bad = x.copy()
    bad[7, 2] = np.nan
    bad[9, 1] = np.inf
    tape = run(layer, (bad,), (None,), None)
    others = np.delete(np.arange(40), [7, 9])
    np.testing.assert_array_equal(tape.outputs[0][others], clean.outputs[0][others])
    assert np.isnan(tape.outputs[0][7]).all()
    m = (np.ones_like(tape.outputs[0]),)
    found, expected = pull(layer, tape, tape, m)[0], pull(layer, clean, clean, m)[0]
    np.testing.assert_array_equal(found[others], expected[others])


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("kind", CELLS)
def test_a_result_is_the_same_for_any_batch_and_any_number_of_threads(
    kind, dtype, rng, monkeypatch
):
    layer = Recurrent(cell(kind, rng, units=9), return_sequences=True)
    x, x0 = rng.normal(size=(2, 70, 4, 3)).astype(dtype)
    mask = rng.random((70, 4)) > 0.3
    m = rng.normal(size=(70, 4, layer.cell.state_sizes[0])).astype(dtype)

    def every(part):
        tape, tape0 = (run(layer, (a[part],), (mask[part],), None) for a in (x, x0))
        return (
            tape.outputs[0],
            pull(layer, tape, tape, (m[part],))[0],
            pull(layer, tape, tape0, (m[part],))[0],
        )

    monkeypatch.setenv("RNNLENS_THREADS", "1")
    whole = every(slice(None))
    singles = [every(slice(k, k + 1)) for k in range(70)]
    for threads in ("2", "3"):
        monkeypatch.setenv("RNNLENS_THREADS", threads)
        for one, other in zip(whole, every(slice(None)), strict=True):
            np.testing.assert_array_equal(one, other)
    for k, one in enumerate(whole):
        np.testing.assert_array_equal(one, np.concatenate([single[k] for single in singles]))


@pytest.mark.parametrize("samples", [5, 7, 19, 24, 32, 45])
@pytest.mark.parametrize("dtype", TYPES)
def test_few_windows_of_much_work_are_shared_in_parts_of_blocks(samples, dtype, rng, monkeypatch):
    layer = Recurrent(cell("lstm", rng, units=9), return_sequences=True)
    weights = kernels.packed(layer.cell, np.dtype(dtype))
    monkeypatch.setattr(kernels, "WORTH", 1)
    # stretches of two steps: the parts of a block share its checkpoints
    monkeypatch.setattr(kernels, "STRETCH", 2 * kernels._record(weights, samples))
    x, x0 = rng.normal(size=(2, samples, 7, 3)).astype(dtype)
    mask = rng.random((samples, 7)) > 0.3
    m = rng.normal(size=(samples, 7, 9)).astype(dtype)
    shared = []

    def pieces(work, count, apiece):
        shared.append(-(-count // apiece))
        share(work, count, apiece)

    share = kernels.share
    monkeypatch.setattr(kernels, "share", pieces)

    def every():
        tape, tape0 = (run(layer, (a,), (mask,), None) for a in (x, x0))
        return tape.outputs[0], pull(layer, tape, tape, (m,))[0], pull(layer, tape, tape0, (m,))[0]

    monkeypatch.setenv("RNNLENS_THREADS", "1")
    whole = every()
    for threads in ("2", "3", "8"):
        monkeypatch.setenv("RNNLENS_THREADS", threads)
        shared.clear()
        for one, other in zip(whole, every(), strict=True):
            np.testing.assert_array_equal(one, other)
        tiles = samples if samples < 7 else -(-samples // columns_of(x.itemsize))
        assert min(shared) >= min(int(threads), tiles, 2)


@pytest.mark.parametrize("kind", CELLS)
def test_the_callers_arrays_are_not_written(kind, rng):
    core = cell(kind, rng)
    layer = Recurrent(core, return_state=True)
    x = rng.normal(size=(33, 4, 3))
    states = [rng.normal(size=(33, n)) for n in core.state_sizes]
    mask = rng.random((33, 4)) > 0.3
    m = [rng.normal(size=(33, n)) for n in (core.state_sizes[0], *core.state_sizes)]
    weights = [array for gate in core.gates.values() for array in gate.arrays().values()]
    arrays = [x, mask, *states, *m, *weights]
    copies = [array.copy() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    tape = run(layer, (x, *states), (mask,), None)
    pull(layer, tape, tape, tuple(m))
    for array, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("build", ["forecaster", "stacked"])
def test_networks_give_the_same_by_kernels_and_by_equations(build, rng):
    network = stacked_bidirectional(rng)
    if build == "forecaster":
        network = forecaster("gru_before", rng, steps=6, units=4)
    x, x0 = rng.normal(size=(2, 40, 6, 3))

    def every():
        here, there = (forward(network, entries(network, a)) for a in (x, x0))
        m = {ref: np.ones_like(here.value(ref)) for ref in network.outputs}
        return here.outputs[0], multipliers(here, there, m)["x", 0]

    found = every()
    with equations():
        expected = every()
    # The layers' own bounds are tested above; here a wrong order or a lost layer must show, and
    # secants of close points lose about half of the digits.
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", sorted(AXIS_WISE - {"glu"}))
def test_axis_wise_activations_take_the_equations_and_keep_the_type(name, rng):
    layer = Recurrent(cell("simple_rnn", rng, phi=Activation(name)), return_state=True)
    x = rng.normal(size=(5, 4, 3)).astype(np.float32)
    tape = run(layer, (x,), (None,), None)
    assert isinstance(tape.saved, CellRun)
    assert [output.dtype for output in tape.outputs] == [np.float32] * 2
    (m_x,) = pull(layer, tape, tape, tuple(np.ones_like(output) for output in tape.outputs))
    assert m_x.dtype == np.float32


def confused(core):
    """The cell with two gates swapped; a cell of one gate with its recurrent kernel turned over."""
    if isinstance(core, LSTM):
        return replace(core, input=core.forget, forget=core.input)
    if isinstance(core, GRU):
        return replace(core, update=core.reset, reset=core.update)
    return replace(core, hidden=replace(core.hidden, U=core.hidden.U.T.copy()))


def forgetful(core):
    """The cell without its peepholes."""
    gates = {name: replace(gate, V=None) for name, gate in core.gates.items()}
    return replace(core, **gates)


def drifted(core):
    """The cell with one weight wrong in its tenth digit."""
    name, gate = next(iter(core.gates.items()))
    U = gate.U.copy()
    U[0, 0] *= 1 + 1e-10
    return replace(core, **{name: replace(gate, U=U)})


def _take(wrong, monkeypatch):
    """Have the kernels, and not the equations, compute with other weights than the layer's."""
    monkeypatch.setattr(
        "rnnlens.engine.operations.recurrent.packed",
        lambda *_: None if by_equations() else wrong,
    )


BREAKS = [(kind, breaking) for kind in CELLS for breaking in (confused, drifted)]


@pytest.mark.parametrize(("kind", "breaking"), [*BREAKS, ("lstm_peephole", forgetful)])
def test_wrong_weights_in_the_kernels_would_be_found(kind, breaking, rng, monkeypatch):
    layer = Recurrent(cell(kind, rng))
    wrong = kernels.packed(breaking(layer.cell), np.dtype(float))
    _take(wrong, monkeypatch)
    with pytest.raises(AssertionError, match="times the bound"):
        compare(layer, np.float64, monkeypatch, rng)


@pytest.mark.parametrize("kind", CELLS)
def test_swapped_gates_would_be_found_in_single_precision(kind, rng, monkeypatch):
    layer = Recurrent(cell(kind, rng))
    wrong = kernels.packed(confused(layer.cell), np.dtype(np.float32))
    _take(wrong, monkeypatch)
    with pytest.raises(AssertionError, match="times the bound"):
        compare(layer, np.float32, monkeypatch, rng)
