"""Players of different inputs: brute-force Shapley and Owen values, and sums, at small sizes."""

from itertools import permutations

import numpy as np
import pytest

from joined_networks import JOINED, joined
from rnnlens.attribution.baselines.baseline import Baseline
from rnnlens.attribution.games.costs import exact_cells, step_cost
from rnnlens.attribution.games.order_batches import Stop, cells_of_pairs
from rnnlens.attribution.games.orders import Atoms
from rnnlens.attribution.joined import PlayerInput, joined_inputs
from rnnlens.attribution.methods.gradient import gradient
from rnnlens.attribution.methods.integrated_gradients import integrated_gradients
from rnnlens.attribution.methods.owen import owen
from rnnlens.attribution.methods.permutation import (
    permutation_of_lags,
    permutation_of_lags_and_features,
)
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.methods.shapley_tree import shapley_tree
from rnnlens.attribution.question import Question
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries, predict

TARGET = ResolvedTarget((0,), 0, 2.0, 1.0)
#: Players of each window at the most: so many that all their orders are gone through.
NEWEST = 1
TOKENS = {"day", "shop"}


def asked(name, rng, newest=NEWEST, players=None):
    network, inputs = joined(name)
    inputs = entries(network, inputs)
    names = list(inputs) if players is None else players
    given = [PlayerInput(n, inputs[n].shape[1:], inputs[n].ndim == 3 or n == "day") for n in names]
    joint, laid, of, layout = joined_inputs(network, inputs, given)
    hidden = {
        n: inputs[n][::-1].copy() if n in TOKENS else rng.normal(size=inputs[n].shape)
        for n in names
    }
    baseline = Baseline("made", (layout.lay(hidden),), np.array([], int))
    question = Question(
        network=joint, inputs=laid, of=of, target=TARGET, baseline=baseline, newest=newest,
        layout=layout,
    )  # fmt: skip
    return network, inputs, hidden, question


def players_of(question):
    """(input, steps) of each player, in the order in which results name them."""
    found = []
    for one in question.layout.inputs:
        if not one.lags:
            found.append((one.name, (0,)))
            continue
        last = one.shape[0] - question.newest
        if last > 0:
            found.append((one.name, tuple(range(last))))
        found += [(one.name, (t,)) for t in range(max(0, last), one.shape[0])]
    return found


def value(network, inputs, hidden, shown):
    """The forecast where some (input, step, feature) are shown; shown: set of such places."""
    mixed = {n: a.copy() for n, a in inputs.items()}
    for n, a in hidden.items():
        flat = mixed[n].reshape(len(a), a.shape[1] if steps(n, a) else 1, -1)
        other = a.reshape(flat.shape)
        for t in range(flat.shape[1]):
            for f in range(flat.shape[2]):
                if (n, t, f) not in shown:
                    flat[:, t, f] = other[:, t, f]
    return predict(network, mixed)[:, 0] * 2.0 + 1.0


def steps(name, array):
    return array.ndim == 3 or name == "day"


def features(name, array):
    return array.shape[2] if array.ndim == 3 else array.shape[1] if not steps(name, array) else 1


def naive(network, inputs, hidden, unions, inner):
    """Mean over all orders of unions, and of members inside them where asked for."""
    known = {}

    def v(shown):
        if shown not in known:
            known[shown] = value(network, inputs, hidden, shown)
        return known[shown]

    atoms = {
        union: [
            frozenset((union[0], t, f) for t in union[1])
            for f in range(features(union[0], inputs[union[0]]))
        ]
        for union in unions
    }
    found = {}
    orders = list(permutations(unions))
    for order in orders:
        before = frozenset()
        for union in order:
            whole = before.union(*atoms[union])
            insides = list(permutations(atoms[union])) if inner else [[whole - before]]
            for inside in insides:
                here = before
                for atom in inside:
                    after = here | atom
                    added = (v(after) - v(here)) / len(insides) / len(orders)
                    found[atom] = found.get(atom, 0.0) + added
                    here = after
            before = whole
    return found


def titles(unions, question):
    last = {one.name: one.steps for one in question.layout.inputs}
    lags = {one.name for one in question.layout.inputs if one.lags}
    made = {}
    for name, there in unions:
        if name not in lags:
            made[name] = (name, there)
        elif len(there) == 1:
            made[f"{name}, lag {last[name] - there[0]}"] = (name, there)
        else:
            made[f"{name}, lags {last[name] - there[-1]} to {last[name]}"] = (name, there)
    return made


@pytest.mark.parametrize("name", JOINED)
def test_shapley_and_owen_values_over_inputs_equal_all_orders(name, rng):
    network, inputs, hidden, question = asked(name, rng)
    unions = titles(players_of(question), question)
    by_union = naive(network, inputs, hidden, unions.values(), inner=False)
    tree = shapley_tree(question)
    assert set(tree.players) == set(unions)
    for k, title in enumerate(tree.players):
        there, own = unions[title]
        key = frozenset((there, t, f) for t in own for f in range(features(there, inputs[there])))
        np.testing.assert_allclose(tree.contribution[:, k], by_union[key], rtol=0, atol=1e-9)
    by_member = naive(network, inputs, hidden, unions.values(), inner=True)
    found = owen(question)
    for k, title in enumerate(found.players):
        there, own = unions[title]
        for f in range(question.layout.width):
            atom = frozenset((there, t, f) for t in own)
            expected = by_member.get(atom, 0.0)
            np.testing.assert_allclose(found.contribution[:, k, f], expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", JOINED)
def test_every_summing_method_sums_over_inputs_to_the_networks_own_change(name, rng):
    network, inputs, hidden, question = asked(name, rng, newest=2)
    change = value(network, inputs, hidden, all_of(inputs)) - value(network, inputs, hidden, set())
    methods = [secant, shapley_tree, owen, permutation_of_lags, permutation_of_lags_and_features]
    if not TOKENS.intersection(inputs):
        methods.append(integrated)
    for method in methods:
        found = method(question)
        total = found.contribution.reshape(len(change), -1).sum(axis=1)
        np.testing.assert_allclose(total, change, rtol=0, atol=1e-6, err_msg=method.__name__)


def integrated(question):
    """Integrated gradients, whose own tolerance is one of the sizes of forecasts."""
    return integrated_gradients(question, tolerance=1e-7)


def all_of(inputs):
    return {
        (n, t, f)
        for n, a in inputs.items()
        for t in range(a.shape[1] if steps(n, a) else 1)
        for f in range(features(n, a))
    }


@pytest.mark.parametrize("name", ["static repeated", "everywhere", "both ways", "two towers"])
def test_sampled_values_tend_to_the_exact_ones(name, rng):
    _, _, _, question = asked(name, rng)
    exact, found = owen(question), permutation_of_lags_and_features(question, seed=3)
    away = np.abs(found.contribution - exact.contribution)
    # five standard errors of a mean: one in a million
    assert (away <= 5 * found.standard_error + 1e-12).all()


def test_derivatives_of_all_inputs_are_those_of_each(rng):
    network, inputs, _, question = asked("everywhere", rng)
    slope = gradient(question).sensitivity[:, ::-1]
    for one in question.layout.inputs:
        found = question.layout.taken(slope, one.name).reshape(inputs[one.name].shape)
        step = rng.normal(size=inputs[one.name].shape)
        up, down = (
            predict(network, inputs | {one.name: inputs[one.name] + s * 1e-6 * step})[:, 0]
            for s in (1, -1)
        )
        expected = 2.0 * (up - down) / 2e-6
        total = (found * step).reshape(len(step), -1).sum(axis=1)
        # differences of a smooth function over 2e-6 in float64
        np.testing.assert_allclose(total, expected, rtol=0, atol=1e-8)


def test_an_input_that_the_forecast_ignores_has_exactly_nothing(rng):
    _, _, _, question = asked("ignored", rng)
    rows = [3 - k for k in range(4)]
    assert rows
    for found in (secant(question), owen(question)):
        parts = found.contribution
        if parts.shape[1] == question.steps:
            laid = parts[:, ::-1]
            assert (question.layout.taken(laid, "extra") == 0).all()
        else:
            mine = [k for k, title in enumerate(found.players) if title.startswith("extra")]
            assert (parts[:, mine] == 0).all()


def test_sequences_that_meet_take_turns_and_share_beginnings(rng):
    _, _, _, question = asked("everywhere", rng)
    x, y, site = question.layout.inputs
    assert (site.rows, x.rows, y.rows) == ((0,), (1, 3, 5, 7), (2, 4, 6, 8))
    cells = owen(question).cells
    unions = question.players(NEWEST)
    assert cells < 4 * 2 * question.steps * unions.coalitions([
        len(one.choices) for one in question.members(unions)
    ])


@pytest.mark.parametrize("name", sorted(set(JOINED) - {"ignored"}))
def test_the_cells_told_of_several_inputs_are_those_that_are_taken(name, rng):
    _, inputs, _, question = asked(name, rng, newest=2)
    assert shapley_tree(question).cells == exact_cells(question, 2, by_feature=False)
    assert owen(question).cells == exact_cells(question, 2, by_feature=True)
    step = step_cost(question.network, question.stand_in, of=question.of)
    windows = len(next(iter(inputs.values())))
    pairs = cells_of_pairs(Atoms(question.players(2), None), 3, step)
    assert permutation_of_lags(question, stop=Stop(3)).cells == windows * pairs
