"""One step and its Jacobian, in floats, in intervals, and as PyTorch and finite differences say."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rnnlens.dynamics.fixed_points.intervals import Interval
from rnnlens.dynamics.fixed_points.step_map import step_map
from rnnlens.network.activations import Activation
from rnnlens.network.cells import GRU, LSTM, Gate, SimpleRNN


def gate(rng, F, H, peephole=False, hidden=None):
    arrays = (F, H), (hidden or H, H), (H,), (H,)
    return Gate(
        *(rng.normal(size=size) for size in arrays), V=rng.normal(size=H) if peephole else None
    )


def gates(rng, F, H, count, **more):
    return [gate(rng, F, H, **more) for _ in range(count)]


CELLS = {
    "LSTM": lambda rng: [LSTM(*gates(rng, 2, 4, 4))],
    "LSTM with peepholes": lambda rng: [
        LSTM(*(gate(rng, 2, 4, peephole=k != 2) for k in range(4)))
    ],
    "LSTM that projects": lambda rng: [
        LSTM(*gates(rng, 2, 4, 4, hidden=3), projection=rng.normal(size=(4, 3)))
    ],
    "LSTM of straight pieces": lambda rng: [
        LSTM(*gates(rng, 2, 4, 4), Activation("hard_tanh"), Activation("hard_sigmoid"))
    ],
    "GRU, reset after": lambda rng: [GRU(*gates(rng, 2, 4, 3), reset_after=True)],
    "GRU, reset before": lambda rng: [GRU(*gates(rng, 2, 4, 3), reset_after=False)],
    "SimpleRNN": lambda rng: [SimpleRNN(gate(rng, 2, 4))],
    "SimpleRNN of relu": lambda rng: [SimpleRNN(gate(rng, 2, 4), Activation("relu"))],
    "stack": lambda rng: [
        LSTM(*gates(rng, 2, 4, 4)),
        GRU(*gates(rng, 4, 3, 3), reset_after=True),
        SimpleRNN(gate(rng, 3, 2)),
    ],
}


@pytest.mark.parametrize("name", CELLS)
def test_the_step_is_the_engines_and_its_jacobian_that_of_differences(name, rng):
    step = step_map(CELLS[name](rng), rng.normal(size=(1, 2)))
    states, x = 0.5 * rng.normal(size=(3, step.size)), step.inputs[0]
    after, J = step.move(states, x)
    np.testing.assert_allclose(after, step.state_after(states, x), rtol=0, atol=1e-14)
    e = 1e-6 * np.eye(step.size)
    rises = [step.state_after(states + d, x) - step.state_after(states - d, x) for d in e]
    # of order e^2 third derivatives, and rounding over e
    np.testing.assert_allclose(J, np.stack(rises, axis=-1) / 2e-6, rtol=0, atol=1e-7)


@pytest.mark.parametrize("name", CELLS)
def test_intervals_hold_every_step_within_them(name, rng):
    step = step_map(CELLS[name](rng), rng.normal(size=(1, 2)))
    states, x = 0.5 * rng.normal(size=(3, step.size)), step.inputs[0]
    after, J = step.move(Interval(states - 1e-3, states + 1e-3), x)
    for _ in range(50):
        own, own_J = step.move(states + 1e-3 * rng.uniform(-1, 1, states.shape), x)
        assert ((after.low <= own) & (own <= after.high)).all()
        assert ((J.low <= own_J) & (own_J <= J.high)).all()
    # no wider than the box times the slopes, and what squares of it add
    assert (after.high - after.low).max() < 0.1


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_the_jacobian_is_torchs(kind, rng):
    torch.manual_seed(3)
    layer = getattr(torch.nn, kind)(2, 4).double()
    arrays = {k: v.detach().numpy() for k, v in layer.state_dict().items()}
    parts = [arrays[f"{n}_l0"] for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    own = [
        Gate(*(a.T for a in one))
        for one in zip(*(np.split(p, len(p) // 4) for p in parts), strict=True)
    ]
    cell = {
        "LSTM": lambda: LSTM(*own),
        "GRU": lambda: GRU(own[1], own[0], own[2], reset_after=True),
        "RNN": lambda: SimpleRNN(own[0]),
    }[kind]()
    x = rng.normal(size=(1, 2))
    step = step_map([cell], x)
    state = 0.5 * rng.normal(size=step.size)

    def after(s):
        begun = s.reshape(-1, 1, 1, 4)
        _, end = layer(torch.tensor(x)[None], tuple(begun) if kind == "LSTM" else begun[0])
        return torch.cat([e.reshape(-1) for e in end]) if kind == "LSTM" else end.reshape(-1)

    told = torch.autograd.functional.jacobian(after, torch.tensor(state)).numpy()
    # two float64 computations of one formula
    np.testing.assert_allclose(step.move(state, x[0])[1], told, rtol=0, atol=1e-10)


def test_a_cycles_map_has_its_points_where_the_steps_lead_round(rng):
    step = step_map(CELLS["GRU, reset after"](rng), rng.normal(size=(3, 2)))
    states = 0.5 * rng.normal(size=(3, 4))
    image = step(states)
    for k in range(3):
        led = step.state_after(states[k], step.inputs[k])
        np.testing.assert_allclose(image[(k + 1) % 3], led, rtol=0, atol=1e-14)
    whole = step.whole(step.jacobians(states))
    around = np.eye(4)
    for J in step.jacobians(states):
        around = J @ around
    cyclic, plain = np.linalg.det(np.eye(12) - whole), np.linalg.det(np.eye(4) - around)
    assert cyclic == pytest.approx(plain, rel=1e-10)
