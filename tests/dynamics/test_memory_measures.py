"""Every measure of memory gives what is known on paper of constructed cells."""

from dataclasses import replace

import numpy as np
import pytest

from linear_networks import linear_network
from networks import CELLS, cell, chain, forecaster, head
from rnnlens.dynamics.fixed_points.find import find
from rnnlens.dynamics.fixed_points.result import described
from rnnlens.dynamics.fixed_points.step_map import step_map
from rnnlens.dynamics.memory import along, lyapunov, plan
from rnnlens.dynamics.memory.histories import _each_window, _walked, history_changes, way_of
from rnnlens.dynamics.memory.jacobian_profile import jacobian_profile
from rnnlens.dynamics.memory.lyapunov import lyapunov_spectra
from rnnlens.dynamics.memory.plan import planned, steps_of_cells
from rnnlens.dynamics.memory.question import MemoryQuestion
from rnnlens.dynamics.memory.units import unit_memories
from rnnlens.engine.cells import ready
from rnnlens.engine.forward import predict
from rnnlens.engine.stepwise.walk import Walk
from rnnlens.network.activations import Activation
from rnnlens.network.cells import GRU, LSTM, Gate
from rnnlens.network.layers import Dense, Recurrent
from whole_jacobian import state_jacobian

LINEAR = Activation("linear")
RHO = 0.5


def ask(net, x, kept=None, histories=4, **options):
    """What is asked of the first number of a network's output."""

    def weight(run):
        ref = run.network.outputs[0]
        m = np.zeros_like(run.value(ref))
        m.reshape(len(m), -1)[:, 0] = 1.0
        return {ref: m}

    return MemoryQuestion(
        network=net,
        inputs={"x": x},
        of="x",
        value=lambda outputs: outputs[0].reshape(len(outputs[0]), -1)[:, 0],
        weight=weight,
        histories=np.linspace(0, len(x) - 1, histories).round().astype(int),
        kept=np.arange(1, x.shape[1]) if kept is None else np.array(kept),
        **options,
    )


def constant(value, features, units):
    """A gate that is what it is whatever comes: sigmoid of its bias."""
    zero = np.zeros((features, units)), np.zeros((units, units))
    return Gate(*zero, np.full(units, np.log(value / (1 - value))))


def leaky(kind, rho=RHO, features=1, units=1):
    """A leaky integrator: each unit keeps ``rho`` of what it holds at every step."""
    W, none = np.ones((features, units)), np.zeros((units, units))
    if kind == "GRU":
        gates = constant(rho, features, units), constant(0.5, features, units), Gate(W, none)
        return GRU(*gates, True, LINEAR)
    half = constant(0.5, features, units)
    return LSTM(half, constant(rho, features, units), Gate(W, none), half, LINEAR)


def series_windows(rng, count, steps, features):
    series = rng.normal(size=(count + steps - 1, features))
    return np.stack([series[t : t + steps] for t in range(count)])


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_leaky_integrator_has_one_rate_by_every_measure(kind, rng):
    net = chain(Recurrent(leaky(kind)), Dense(np.ones((1, 1))), shape=(30, 1))
    question = ask(net, series_windows(rng, 40, 30, 1))
    # the half-life of rho^k, by the gate; sums of 1,200 logarithms
    (units,) = unit_memories(question).values()
    np.testing.assert_allclose(units.half_life, np.log(2) / -np.log(RHO), rtol=1e-12)
    (spectrum,) = lyapunov_spectra(question, 50).values()
    np.testing.assert_allclose(spectrum.exponents[0], np.log(RHO), rtol=1e-12)
    # the eigenvalue of the step where the input is held
    step = step_map([net.nodes[1].layer.cell], np.array([[0.3]]))
    settling = find(step, rng.normal(size=(20, step.size)))
    rest = described(step, settling)
    np.testing.assert_allclose(rest.eigenvalue_real[:, 0], [RHO], rtol=1e-12)
    np.testing.assert_allclose(rest.time_constant[:, 0], [-1 / np.log(RHO)], rtol=1e-12)
    sensitivity = jacobian_profile(question, 50).sensitivity[:, 0]
    np.testing.assert_allclose(sensitivity[1:] / sensitivity[:-1], RHO, rtol=1e-12)
    full = question.value((predict(net, question.x),))
    largest = history_changes(question, full).largest
    # one step more is kept of the next window; its own first step, 30 back, is worth rho^30
    np.testing.assert_allclose(largest[1:, 1:], RHO * largest[:-1, :-1], atol=1e-7)


def test_gate_that_is_open_keeps_for_ever_and_one_that_is_shut_nothing(rng):
    sigma = Activation("hard_sigmoid")
    made = leaky("LSTM", units=2)
    forget = replace(made.forget, b=np.array([50.0, -50.0]))
    made = replace(made, forget=forget, recurrent_activation=sigma)
    net = chain(Recurrent(made), head(rng, 2), shape=(6, 1))
    (units,) = unit_memories(ask(net, rng.normal(size=(5, 6, 1)))).values()
    assert units.half_life.tolist() == [np.inf, 0.0]


def test_unit_that_nothing_reads_has_no_influence_however_long_it_remembers(rng):
    made = cell("lstm", rng, features=2, units=4)
    gates = {}
    for name, gate in made.gates.items():
        U = gate.U.copy()
        U[1] = 0.0
        gates[name] = replace(gate, U=U)
    W = rng.normal(size=(4, 1))
    W[1] = 0.0
    net = chain(Recurrent(replace(made, **gates)), Dense(W), shape=(9, 2))
    (units,) = unit_memories(ask(net, rng.normal(size=(6, 9, 2)))).values()
    assert units.influence[1] == 0.0
    assert units.read.tolist() == [True, False, True, True]


@pytest.mark.parametrize("kind", CELLS)
def test_exponents_sum_to_the_mean_logarithm_of_the_determinant(kind, rng):
    from rnnlens.dynamics.memory.cell_runs import layer_runs

    net = forecaster(kind, rng, steps=8, units=3)
    question = ask(net, rng.normal(size=(12, 8, 3)))
    (spectrum,) = lyapunov_spectra(question, 20).values()
    (one,) = layer_runs(question, slice(None), back=False)
    logs = [np.linalg.slogdet(state_jacobian(one.run.ready, s))[1] for s in one.run.steps]
    assert len(spectrum.exponents) == {"lstm_projected": 5, "lstm": 6, "lstm_peephole": 6}.get(
        kind, 3
    )
    # logarithms of products of a few numbers, by another factorisation
    np.testing.assert_allclose(spectrum.exponents.sum(), np.mean(logs), rtol=1e-7)


@pytest.mark.parametrize("kind", ["lstm", "gru_after"])
def test_along_a_series_state_and_frame_are_carried_on(kind, rng, monkeypatch):
    from rnnlens.dynamics.memory.cell_runs import layer_runs

    monkeypatch.setattr(lyapunov, "CHAINS", 3)
    net = forecaster(kind, rng, steps=10, units=3)
    question = ask(net, series_windows(rng, 120, 10, 3), kept=[1])
    (spectrum,) = lyapunov_spectra(question, 20).values()
    series = np.concatenate([question.x[0], question.x[1:, -1]])
    settling = length = 32  # a quarter of 129 steps, and a third of the rest
    logs = []
    for begin in (0, length, 2 * length):
        x = series[begin : begin + settling + length][None]
        whole = replace(question, network=chain(*[n.layer for n in net.nodes[1:]],
                        shape=(None, 3)), inputs={"x": x})  # fmt: skip
        (one,) = layer_runs(whole, slice(None), back=False)
        steps = one.run.steps[settling:]
        logs += [np.linalg.slogdet(state_jacobian(one.run.ready, s))[1] for s in steps]
    assert spectrum.steps == len(logs) == 3 * length
    np.testing.assert_allclose(spectrum.exponents.sum(), np.mean(logs), rtol=1e-7)


def test_two_runs_become_one_as_fast_as_the_largest_exponent_says(rng):
    """A state of zero forgets nothing at first: what is said is of states that have a past."""
    net = forecaster("lstm", rng, steps=20, units=4)
    series = rng.normal(size=(3000, 3))
    windows = np.stack([series[t : t + 20] for t in range(2981)])
    (spectrum,) = lyapunov_spectra(ask(net, windows, kept=[1]), 50).values()
    made = ready(net.nodes[1].layer.cell)
    states = tuple(np.repeat(rng.normal(size=(1, 4)), 2, axis=0) for _ in range(2))
    states[1][1] += 1e-9
    logs = []
    for x in made.project(series[:200]):
        before = np.linalg.norm(np.concatenate([one[1] - one[0] for one in states]))
        states, _ = made.advance(np.repeat(x[None], 2, axis=0), states)
        gap = np.concatenate([one[1] - one[0] for one in states])
        logs.append(np.log(np.linalg.norm(gap) / before))
        # begun again at the same small distance
        states = tuple(np.stack([one[0], one[0] + (one[1] - one[0]) * 1e-6 / np.linalg.norm(gap)])
                       for one in states)  # fmt: skip
    low, high = spectrum.low[0], spectrum.high[0]
    assert low - 0.1 < np.mean(logs[20:]) < high + 0.1


def test_exponents_do_not_depend_on_the_first_frame(rng):
    net = forecaster("gru_after", rng, steps=60, units=3)
    question = ask(net, rng.normal(size=(40, 60, 3)))
    found = [
        lyapunov_spectra(question, 20, frame=np.random.default_rng(seed))["recurrent"].exponents
        for seed in (1, 2)
    ]
    # 60 steps settle a frame whose exponents lie 0.3 and more apart
    np.testing.assert_allclose(found[0], found[1], atol=1e-7)


def test_fewer_exponents_are_the_largest_of_all(rng):
    net = forecaster("lstm", rng, steps=60, units=4)
    question = ask(net, rng.normal(size=(40, 60, 3)))
    (whole,) = lyapunov_spectra(question, 20).values()
    (some,) = lyapunov_spectra(question, 20, most=3).values()
    # frames begin elsewhere, and settle over 60 steps of a gap of 0.2: exp(-12) over the steps
    np.testing.assert_allclose(some.exponents, whole.exponents[:3], atol=1e-4)


def test_delay_line_forgets_at_once_when_its_lag_is_kept(rng):
    coefficients = np.zeros((6, 1))
    coefficients[5] = 2.0
    net = linear_network(coefficients)
    question = ask(net, series_windows(rng, 60, 12, 1), histories=8)
    full = question.value((predict(net, question.x),))
    changes = history_changes(question, full)
    bound = np.nanmax(changes.largest, axis=1)
    assert (bound[:5] > 0.5).all()
    assert not bound[5:].any()
    profile = jacobian_profile(question, 20)
    assert profile.share.tolist() == [0, 0, 0, 0, 0, 1] + [0] * 6
    assert profile.within_half[0] == profile.within_most[0] == 6


@pytest.mark.parametrize("kind", CELLS)
def test_histories_along_a_series_are_those_of_each_window(kind, rng):
    net = forecaster(kind, rng, steps=7)
    question = ask(net, series_windows(rng, 15, 7, 3), kept=[1, 2, 4, 6])
    full = question.value((predict(net, question.x),))
    along = history_changes(question, full)
    each = _each_window(question, _walked(question), full, None)
    assert (along.way, each.way) == ("series", "suffix")
    # the same sums, a step at a time or a window at a time
    np.testing.assert_allclose(along.largest, each.largest, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(along.mean, each.mean, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(along.short, each.short, rtol=1e-9, atol=1e-13)


def test_history_is_another_window_before_the_kept_steps(rng):
    net = forecaster("lstm", rng, steps=7)
    question = ask(net, rng.normal(size=(9, 7, 3)), kept=[2, 5], histories=3)
    assert way_of(question) == "suffix"
    full = question.value((predict(net, question.x),))
    changes = history_changes(question, full)
    longer = chain(*(node.layer for node in net.nodes[1:]), shape=(None, 3))
    for row, k in enumerate((2, 5)):
        for sample in range(9):
            moved = [
                predict(longer, np.concatenate([question.x[j], question.x[sample, -k:]])[None])
                for j in question.histories
            ]
            sizes = [abs(float(one[0, 0]) - full[sample]) for one in moved]
            np.testing.assert_allclose(changes.largest[row, sample], max(sizes), rtol=1e-9)
            np.testing.assert_allclose(changes.mean[row, sample], np.mean(sizes), rtol=1e-9)
        alone = predict(longer, question.x[:, -k:])[:, 0]
        np.testing.assert_allclose(changes.short[row], alone, rtol=1e-9)


def test_single_precision_serves_where_its_error_is_far_below_what_is_resolved(rng, monkeypatch):
    monkeypatch.setattr(plan, "WORTH", 0.0)  # small questions ask too
    net = forecaster("lstm", rng, steps=9)
    question = ask(net, series_windows(rng, 60, 9, 3))
    full = question.value((predict(net, question.x),))
    chosen, first, off = planned(question, full, None, 8, float(full.std()))
    assert (chosen.x.dtype, first) == (np.float32, 0)
    assert 0 < off < 1e-3 * full.std()
    double = replace(chosen, inputs=question.inputs)
    gap = history_changes(chosen, full).largest - history_changes(double, full).largest
    # every window's error is that of the few on which it was measured, some steps of rounding apart
    assert np.nanmax(np.abs(gap)) < 10 * off
    exact, _, none = planned(question, full, None, 8, 1e-6)
    assert (exact.x.dtype, none) == (np.float64, None)


def test_work_along_a_series_is_counted_as_it_is_done(rng, monkeypatch):
    net = forecaster("gru", rng, steps=7)
    question = ask(net, series_windows(rng, 40, 7, 3), kept=[1, 2, 4])
    monkeypatch.setattr(along, "ENDED", 0.0)
    monkeypatch.setattr(along, "STATES", 1)  # one place at a time
    count = 0

    def advanced(walk, *arguments):
        nonlocal count
        count += 1
        return step(walk, *arguments)

    step = Walk._advanced
    monkeypatch.setattr(Walk, "_advanced", advanced)
    history_changes(question, question.value((predict(net, question.x),)))
    walked_by_histories = 7
    assert count - walked_by_histories == steps_of_cells("series", 7, 40, question.kept)
