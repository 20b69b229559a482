"""The derivative of one step is that of its equations, and PyTorch's."""

import numpy as np
import pytest

from networks import CELLS, cell
from rnnlens.dynamics.step_jacobian import push
from rnnlens.engine.cells import ready
from whole_jacobian import state_jacobian

#: Central differences of float64 at this distance err by its square and by rounding over it.
NEAR = 1e-5


def a_step(kind, rng, samples=4):
    """A cell with distinct weights, in the middle of a run: its state, and the step it takes."""
    made = ready(cell(kind, rng, features=3, units=4))
    states = tuple(rng.normal(size=(samples, size)) for size in made.cell.state_sizes)
    xW = made.project(rng.normal(size=(samples, 3)))
    return made, states, xW


@pytest.mark.parametrize("kind", CELLS)
def test_jacobian_of_a_step_equals_finite_differences(kind, rng):
    made, states, xW = a_step(kind, rng)
    exact = state_jacobian(made, made.advance(xW, states)[1])
    whole = np.concatenate(states, axis=1)
    cuts = np.cumsum(made.cell.state_sizes)[:-1]

    def after(state):
        return np.concatenate(made.advance(xW, tuple(np.split(state, cuts, axis=1)))[0], axis=1)

    for k in range(whole.shape[1]):
        moved = np.zeros_like(whole)
        moved[:, k] = NEAR
        slope = (after(whole + moved) - after(whole - moved)) / (2 * NEAR)
        # the square of the distance times a third derivative of about one, and a margin of ten
        np.testing.assert_allclose(exact[:, :, k], slope, atol=1e-7, rtol=0)


@pytest.mark.parametrize("kind", CELLS)
def test_what_pushes_forward_is_the_transpose_of_what_pulls_back(kind, rng):
    made, states, xW = a_step(kind, rng)
    saved = made.advance(xW, states)[1]
    v = tuple(rng.normal(size=state.shape) for state in states)
    m = tuple(rng.normal(size=state.shape) for state in states)
    ahead = push(made, saved, tuple(one[:, None] for one in v))
    _, back = made.pull(saved, saved, m)
    one = sum((a[:, 0] * b).sum(1) for a, b in zip(ahead, m, strict=True))
    other = sum((a * b).sum(1) for a, b in zip(v, back, strict=True))
    np.testing.assert_allclose(one, other, rtol=1e-12)  # sums of fewer than 100 products


@pytest.mark.parametrize(("kind", "layer"), [("lstm", "LSTM"), ("gru_after", "GRU")])
def test_jacobian_of_a_step_equals_that_of_pytorch(kind, layer, rng):
    torch = pytest.importorskip("torch")
    made, states, _ = a_step(kind, rng, samples=1)
    x = rng.normal(size=(1, 3))
    saved = made.advance(made.project(x), states)[1]
    theirs = getattr(torch.nn, f"{layer}Cell")(3, 4).double()
    gates = made.cell.gates
    order = ("input", "forget", "cell", "output") if layer == "LSTM" else (
        "reset", "update", "candidate")  # fmt: skip
    tensors = {
        "weight_ih": np.concatenate([gates[g].W.T for g in order]),
        "weight_hh": np.concatenate([gates[g].U.T for g in order]),
        "bias_ih": np.concatenate([gates[g].b for g in order]),
        "bias_hh": np.concatenate([
            np.zeros(4) if gates[g].b_r is None else gates[g].b_r for g in order
        ]),
    }
    theirs.load_state_dict({name: torch.tensor(array) for name, array in tensors.items()})

    def after(*state):
        given = tuple(one[None] for one in state)
        out = theirs(torch.tensor(x), given if layer == "LSTM" else given[0])
        return torch.cat([one[0] for one in (out if layer == "LSTM" else (out,))])

    parts = torch.autograd.functional.jacobian(after, tuple(torch.tensor(s[0]) for s in states))
    # the same sums in another order
    expected = np.concatenate([part.numpy() for part in parts], axis=1)
    np.testing.assert_allclose(state_jacobian(made, saved)[0], expected, atol=1e-10, rtol=0)
