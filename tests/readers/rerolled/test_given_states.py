"""Loops that give their states after every step are layers that give them."""

import numpy as np
import pytest
import torch

import rnnlens
from handwritten_cells import (
    FEATURES,
    STATIC,
    EntityAwareStep,
    GRUAfter,
    LayerNormed,
    PackedIFGO,
    Peephole,
    Projected,
    Stacking,
    WholeCell,
)

CELLS = [EntityAwareStep, PackedIFGO, WholeCell, Peephole, Projected, LayerNormed, GRUAfter]


def windows(cell, samples, steps):
    """x, and the statics where the cell takes some."""
    x = torch.randn(samples, steps, FEATURES, dtype=torch.float64)
    return (x, torch.randn(samples, STATIC).double()) if cell is EntityAwareStep else (x,)


@pytest.fixture(params=CELLS, ids=lambda cell: cell.__name__, scope="module")
def read(request):
    torch.manual_seed(13)
    cell = request.param
    module = Stacking(cell()).double().eval()
    return cell, module, rnnlens.read(module, example=windows(cell, 5, 6))


def named(net, given):
    return dict(zip(net.inputs, (one.numpy() for one in given), strict=True))


def test_states_of_every_step_are_those_of_the_code_at_any_length(read):
    cell, module, net = read
    given = windows(cell, 4, 9)
    ours = rnnlens.predict(net, named(net, given))
    ours = ours.values() if isinstance(ours, dict) else ours
    theirs = module(*given)
    assert len(ours) == len(theirs)
    for mine, their in zip(ours, theirs, strict=True):
        # the same sums in another order
        np.testing.assert_allclose(mine, their.detach().numpy(), rtol=0, atol=1e-12)


def test_nothing_of_the_loop_is_left(read):
    cell, _, net = read
    kinds = [type(node.layer).__name__ for node in net.nodes]
    assert len(kinds) <= 9, kinds
    if cell is not LayerNormed:
        assert len(list(net.recurrent())) == 1


def test_contributions_to_a_state_within_the_window_sum_to_its_change(read):
    cell, module, net = read
    given = windows(cell, 4, 6)
    zero = tuple(torch.zeros_like(one) for one in given)
    number = 1 if cell is GRUAfter else 2
    change = (module(*given)[number] - module(*zero)[number])[:, 2, 1].detach().numpy()
    target = rnnlens.Target(1, horizon=3, output=number)
    told = rnnlens.explain(net, named(net, given), target=target, baseline="zero")
    parts = list(told.children.values()) if cell is EntityAwareStep else [told]
    total = sum(np.asarray(part["contribution"]).reshape(4, -1).sum(1) for part in parts)
    np.testing.assert_allclose(total, change, rtol=0, atol=1e-12)


def test_gradients_of_a_state_within_the_window_are_those_of_the_code(read):
    cell, module, net = read
    given = windows(cell, 4, 6)
    x = given[0].requires_grad_()
    number = 1 if cell is GRUAfter else 2
    module(*given)[number][:, 3, 0].sum().backward()
    target = rnnlens.Target(0, horizon=4, output=number)
    inputs = named(net, [one.detach() for one in given])
    told = rnnlens.explain(net, inputs, target=target, method="gradient", of=next(iter(net.inputs)))
    steps = told["sensitivity"].sortby("lag", ascending=False)
    np.testing.assert_allclose(steps, x.grad.numpy(), rtol=0, atol=1e-12)
