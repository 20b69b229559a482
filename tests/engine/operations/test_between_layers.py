"""What stands between layers: values against loops, derivatives against differences, and sums."""

import numpy as np
import pytest

import naive_between as naive
from networks import cell
from rnnlens.engine.activations import derivative, pull, value
from rnnlens.engine.backward import backward, multipliers
from rnnlens.engine.forward import entries, forward
from rnnlens.network import axes as A
from rnnlens.network import layers as L
from rnnlens.network.activations import FUNCTIONS, Activation
from rnnlens.network.network import Network, Node, Origin
from rnnlens.network.shapes import output_shapes

STEPS = ("ceil", "floor", "is_zero", "round", "sign", "step", "truncate")
#: Functions that are defined above zero alone, or above minus one.
ABOVE = ("log", "log1p", "power", "sqrt")


def joined(layer, *before, shape=(6, 3), more=()):
    """A layer that takes what several layers make of the same sequence."""
    nodes = [Node("x", L.Input(shape))]
    for k, one in enumerate(before):
        ref = ("x", 0)
        for j, part in enumerate(one if isinstance(one, list) else [one]):
            nodes.append(Node(f"part_{k}_{j}", part, (ref,)))
            ref = (f"part_{k}_{j}", 0)
        more = (*more, ref)
    nodes.append(Node("y", layer, more or (("x", 0),)))
    return Network(tuple(nodes), (("y", 0),), Origin("test"))


def positive(rng):
    return [L.Dense(rng.normal(size=(3, 3))), L.Activate(Activation("softplus"))]


def above_one(rng):
    return [*positive(rng), L.Rescaling(np.array(1.0), np.array(1.0))]


def sequence(rng, units=5):
    return L.Recurrent(cell("lstm", rng, units=units), return_sequences=True)


def networks(rng):
    """Every layer, and what a loop makes of the numbers that it took."""
    to = lambda n: L.Dense(rng.normal(size=(3, n)))  # noqa: E731 - a short name for one line each
    yield "divide", joined(L.Binary("divide"), to(3), positive(rng)), naive.divide
    yield "divide_wide", joined(L.Binary("divide"), to(3), [A.Index(-1), to(3)]), naive.divide
    yield "power", joined(L.Binary("power"), above_one(rng), to(3)), naive.power
    yield "maximum", joined(L.Binary("maximum"), to(3), to(3)), naive.maximum
    yield "minimum", joined(L.Binary("minimum"), to(3), [A.Index(1)]), naive.minimum
    asked = [to(3), L.Activate(Activation("step"))]
    yield "where", joined(L.Where(), asked, to(3), to(3)), naive.where
    for kind in ("sum", "max", "min", "product", "variance", "logsumexp"):
        for axes, keep in (((1,), False), ((-1,), True), ((1, 2), False)):
            layer = L.Reduction(kind, axes, keep)
            yield f"{kind}{axes}{keep}", joined(layer, to(4)), naive.reduction
    yield "unbiased", joined(L.Reduction("variance", (1,), correction=1), to(4)), naive.reduction
    yield "cumulative", joined(L.CumulativeSum(1), to(2)), naive.cumulative
    yield "cumulative_back", joined(L.CumulativeSum(-1, reverse=True), to(4)), naive.cumulative
    for equation in ("aij,akj->aik", "aij,akj->ajk", "aij,aij->ai", "aij,aij->aij", "aij,aki->ajk"):
        left, right = to(4), to(4)
        if equation == "aij,aki->ajk":
            right = [to(6), A.Slice(0, 3)]
        yield equation, joined(L.Einsum(equation), left, right), naive.einsum
    yield "at,atd->ad", joined(L.Einsum("at,atd->ad"), [to(1), A.Squeeze(2)], to(4)), naive.einsum
    yield "ad,atd->at", joined(L.Einsum("ad,atd->at"), [A.Index(2), to(4)], to(4)), naive.einsum
    yield "at,ad->atd", joined(L.Einsum("at,ad->atd"), [A.Index(2)], [A.Index(1)]), naive.einsum
    yield "aij,ak->ak", joined(L.Einsum("aij,ak->ak"), to(4), [A.Index(2)]), naive.einsum
    yield "take", joined(A.Take((0, 2, 2, -1), 1)), naive.take
    yield "take_features", joined(A.Take((2, 0, 1), -1)), naive.take
    yield "repeat", joined(A.Repeat(2, 3)), naive.repeat
    beside = [A.Index(-1), A.ExpandDims(1)]
    yield "repeat_like", joined(A.Repeat(1), beside, to(2)), naive.repeat


NAMES = [name for name, *_ in networks(np.random.default_rng(0))]


def built(name, rng):
    return next(made for made in networks(rng) if made[0] == name)


@pytest.mark.parametrize("name", NAMES)
def test_the_value_is_that_of_plain_loops_and_its_shape_is_told(name, rng):
    _, network, loop = built(name, rng)
    run = forward(network, entries(network, rng.normal(size=(3, 6, 3))))
    layer, tape = network["y"].layer, run.tapes["y"]
    # sums of some products of numbers of order one, and quotients of them
    np.testing.assert_allclose(tape.outputs[0], loop(layer, *tape.inputs), rtol=1e-11, atol=1e-12)
    assert output_shapes(network)["y"][0] == tape.outputs[0].shape[1:]


@pytest.mark.parametrize("name", NAMES)
def test_the_derivative_equals_central_differences(name, rng):
    _, network, _ = built(name, rng)
    x, e = rng.normal(size=(2, 6, 3)), 1e-6
    run = forward(network, entries(network, x))
    m = {("y", 0): rng.normal(size=run.value(("y", 0)).shape)}
    found = backward(run, m)["x", 0][0]
    for place in np.ndindex(6, 3):
        totals = []
        for sign in (1, -1):
            moved = x.copy()
            moved[0, *place] += sign * e
            moved_run = forward(network, entries(network, moved))
            totals.append((m["y", 0] * moved_run.value(("y", 0))).sum())
        # rounding 1e-15 of values up to some hundreds, over 1e-6; some are curved strongly
        difference = (totals[0] - totals[1]) / (2 * e)
        assert abs(found[place] - difference) < 1e-6 * (1 + abs(difference)) * 10


@pytest.mark.parametrize("scale", [1.0, 20.0])
@pytest.mark.parametrize("name", NAMES)
def test_multipliers_sum_to_the_change_of_the_output(name, scale, rng):
    _, network, _ = built(name, rng)
    x, x0 = rng.normal(size=(2, 4, 6, 3)) * (1.0 if name == "power" else scale)
    x0[1] = x[1] + 1e-9 * rng.normal(size=(6, 3))
    x0[2] = x[2]
    run, run0 = (forward(network, entries(network, one)) for one in (x, x0))
    m = {("y", 0): rng.normal(size=run.value(("y", 0)).shape)}
    values = run.value(("y", 0)), run0.value(("y", 0))
    change = (m["y", 0] * (values[0] - values[1])).reshape(4, -1).sum(axis=1)
    carried = (multipliers(run, run0, m)["x", 0] * (x - x0)).reshape(4, -1).sum(axis=1)
    # relative to the terms of the sum, of which the change itself is a difference
    size = np.abs(m["y", 0] * values[0]).reshape(4, -1).sum(axis=1)
    size += np.abs(m["y", 0] * values[1]).reshape(4, -1).sum(axis=1)
    assert (np.abs(carried - change) <= 1e-12 * size + 1e-13).all()


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_functions_have_their_derivatives_and_exact_secants(name, rng):
    phi = Activation(name, {"exponent": 2.5} if name == "power" else {})
    a, a0 = rng.normal(size=(2, 400)) * 3
    if name == "clip":
        phi = Activation(name, {"min_value": -0.5, "max_value": 1.25})
    if name in ABOVE:
        a, a0 = np.abs(a) + 0.01, np.abs(a0) + 0.01
    a0[:50] = a[:50] * (1 + 1e-9)
    a0[50:60] = a[50:60]
    np.testing.assert_allclose(value(phi, a), naive.function(phi, a), rtol=1e-14, atol=1e-15)
    if name not in STEPS:
        e = 1e-7 * np.maximum(1, np.abs(a))
        # near the pole of a reciprocal the third derivative is large: 1e-14 / a^4
        difference = (value(phi, a + e) - value(phi, a - e)) / (2 * e)
        np.testing.assert_allclose(derivative(phi, a), difference, rtol=3e-6, atol=1e-7)
    change = value(phi, a) - value(phi, a0)
    carried = pull(phi, a, a0, np.ones_like(a)) * (a - a0)
    size = np.abs(value(phi, a)) + np.abs(value(phi, a0))
    assert (np.abs(carried - change) <= 1e-14 * size + 1e-12 * np.abs(change)).all()


@pytest.mark.parametrize("exponent", [2.0, 3.0, -1.0, -2.0])
def test_whole_powers_serve_numbers_of_either_sign_and_zero(exponent, rng):
    phi = Activation("power", {"exponent": exponent})
    a, a0 = rng.normal(size=(2, 200))
    if exponent > 0:
        a[:20] = 0.0
        a0[10:30] = 0.0
    change = value(phi, a) - value(phi, a0)
    carried = pull(phi, a, a0, np.ones_like(a)) * (a - a0)
    size = np.abs(value(phi, a)) + np.abs(value(phi, a0))
    assert (np.abs(carried - change) <= 1e-12 * size).all()


def test_what_is_not_chosen_may_be_undefined(rng):
    # where(x > 0, log(x), x): the log of negative numbers is chosen nowhere
    asked = [L.Activate(Activation("step"))]
    log = [L.Activate(Activation("log"))]
    network = joined(L.Where(), asked, log, [L.Identity("none")])
    x = rng.normal(size=(5, 6, 3))
    x0 = np.where(x > 0, np.abs(rng.normal(size=x.shape)), -np.abs(rng.normal(size=x.shape)))
    run, run0 = (forward(network, entries(network, one)) for one in (x, x0))
    m = {("y", 0): rng.normal(size=x.shape)}
    carried = (multipliers(run, run0, m)["x", 0] * (x - x0)).sum()
    change = (m["y", 0] * (run.value(("y", 0)) - run0.value(("y", 0)))).sum()
    np.testing.assert_allclose(carried, change, rtol=1e-12)


def test_the_mask_of_a_sequence_is_given_as_numbers(rng):
    nodes = (
        Node("x", L.Input((5, 2))),
        Node("mask", L.Masking(0.0), (("x", 0),)),
        Node("y", L.MaskValues(), (("mask", 0),)),
    )
    network = Network(nodes, (("y", 0),), Origin("test"))
    x = rng.normal(size=(3, 5, 2))
    x[1, :2] = 0.0
    run = forward(network, entries(network, x))
    np.testing.assert_array_equal(run.value(("y", 0)), (x != 0).any(axis=-1))
    assert output_shapes(network)["y"] == ((5,),)


@pytest.mark.parametrize("equation", ["ij,jk->ik", "aii,ai->a", "ab,ac->ad", "ab->ab"])
def test_an_equation_that_mixes_samples_or_makes_no_sense_is_no_layer(equation):
    with pytest.raises(ValueError, match=r"no product of two values|not enough values"):
        L.Einsum(equation)


def attention(rng, heads=2, width=4):
    """Scaled dot products of a sequence with itself, by heads, from the layers that there are."""
    nodes = [Node("x", L.Input((None, 3))), Node("lstm", sequence(rng), (("x", 0),))]
    for name in ("query", "key", "value"):
        dense = L.Dense(rng.normal(size=(5, heads * width)), rng.normal(size=heads * width))
        nodes += [
            Node(name, dense, (("lstm", 0),)),
            Node(f"{name}_apart", L.Reshape((-1, heads, width)), ((name, 0),)),
            Node(f"{name}_heads", L.Permute((2, 1, 3)), ((f"{name}_apart", 0),)),
        ]
    softmax = Activation("softmax", {"axis": -1})
    nodes += [
        Node("scores", L.Einsum("ahqd,ahkd->ahqk"), (("query_heads", 0), ("key_heads", 0))),
        Node("scaled", L.Rescaling(np.array(width**-0.5), np.array(0.0)), (("scores", 0),)),
        Node("weights", L.Activate(softmax), (("scaled", 0),)),
        Node("mixed", L.Einsum("ahqk,ahkd->ahqd"), (("weights", 0), ("value_heads", 0))),
        Node("together", L.Permute((2, 1, 3)), (("mixed", 0),)),
        Node("flat", L.Reshape((-1, heads * width)), (("together", 0),)),
        Node("last", A.Index(-1), (("flat", 0),)),
    ]
    return Network(tuple(nodes), (("last", 0),), Origin("test"))


def test_attention_by_heads_is_that_of_loops_and_its_contributions_sum(rng):
    network = attention(rng)
    x, x0 = rng.normal(size=(2, 3, 7, 3))
    run, run0 = (forward(network, entries(network, one)) for one in (x, x0))
    q, k, v = (run.value((name, 0)) for name in ("query", "key", "value"))
    expected = naive.attention(q, k, v, heads=2)
    np.testing.assert_allclose(run.value(("flat", 0)), expected, rtol=1e-12, atol=1e-13)
    m = {("last", 0): rng.normal(size=(3, 8))}
    change = (m["last", 0] * (run.value(("last", 0)) - run0.value(("last", 0)))).sum(axis=1)
    carried = (multipliers(run, run0, m)["x", 0] * (x - x0)).sum(axis=(1, 2))
    np.testing.assert_allclose(carried, change, rtol=1e-12, atol=1e-13)
