"""Sampled values: what one pair gives exactly, what every order sums to, what intervals hold."""

import tracemalloc

import numpy as np
import pytest

import rnnlens
from networks import CELLS, cell, chain, forecaster, head, stacked_bidirectional
from questions import question
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.baselines.conditional import gaussian_conditional
from rnnlens.attribution.games import order_batches, sampling
from rnnlens.attribution.games.budget import Limits, within
from rnnlens.attribution.games.costs import step_cost
from rnnlens.attribution.games.order_batches import OrderBatch, Stop, cells_of_pairs
from rnnlens.attribution.games.orders import Atoms, Running, drawn_orders
from rnnlens.attribution.games.players import PlayerGroups
from rnnlens.attribution.methods.owen import owen
from rnnlens.attribution.methods.permutation import (
    permutation_of_lags,
    permutation_of_lags_and_features,
)
from rnnlens.attribution.methods.shapley_tree import shapley_tree
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries
from rnnlens.engine.stepwise import coalitions
from rnnlens.engine.stepwise.players import lag_players
from rnnlens.errors import DataError
from rnnlens.network.layers import Dense, Flatten, Masking, Multiply, Recurrent
from rnnlens.network.network import Network, Node, Origin

FIRST = ResolvedTarget((0,))


def split(method, network, x, x0, newest, held=(), groups=None, initial_state=None, **options):
    asked = question(
        network,
        entries(network, x),
        FIRST,
        make_baseline(x0, x, held=np.array(held, int)),
        newest=newest,
        groups=groups,
        initial_state=initial_state,
    )
    return method(asked, **options)


def lags(*args, pairs=8, **options):
    return split(permutation_of_lags, *args, stop=Stop(pairs), **options)


def both(*args, pairs=8, **options):
    return split(permutation_of_lags_and_features, *args, stop=Stop(pairs), **options)


def squared(rng, steps=6, features=2):
    """A forecast that is a product of two linear maps: lags act alone and in pairs only."""

    def linear():
        return Dense(rng.normal(size=(steps * features, 1)), rng.normal(size=1))

    nodes = (
        Node("x", chain(Flatten(), shape=(steps, features))["x"].layer),
        Node("flat", Flatten(), (("x", 0),)),
        Node(
            "a", Dense(rng.normal(size=(steps * features, 1)), rng.normal(size=1)), (("flat", 0),)
        ),
        Node(
            "b", Dense(rng.normal(size=(steps * features, 1)), rng.normal(size=1)), (("flat", 0),)
        ),
        Node("out", Multiply(), (("a", 0), ("b", 0))),
    )
    return Network(nodes, (("out", 0),), Origin("made in a test"))


@pytest.mark.parametrize("newest", [6, 3])
def test_one_antithetic_pair_is_exact_where_players_act_in_pairs(newest, rng):
    network = squared(rng)
    x, many = rng.normal(size=(3, 6, 2)), rng.normal(size=(2, 6, 2))
    found = lags(network, x, many, newest, pairs=1)
    exact = split(shapley_tree, network, x, many, newest)
    np.testing.assert_allclose(found.contribution, exact.contribution, rtol=0, atol=1e-13)
    cells = both(network, x, many, newest, pairs=1)
    exact = split(owen, network, x, many, newest)
    np.testing.assert_allclose(cells.contribution, exact.contribution, rtol=0, atol=1e-13)
    assert found.permutations.tolist() == [2, 2, 2] and np.isnan(found.standard_error).all()


def test_one_pair_is_not_exact_for_a_network_at_large(rng):
    network = forecaster("lstm", rng, steps=6, scale=3.0)
    x, x0 = rng.normal(size=(3, 6, 3)), rng.normal(size=(6, 3))
    gap = lags(network, x, x0, 6, pairs=1).contribution
    gap = gap - split(shapley_tree, network, x, x0, 6).contribution
    assert np.abs(gap).max() > 1e-3


@pytest.mark.parametrize("kind", CELLS)
def test_every_number_of_pairs_sums_to_the_change(kind, rng):
    network = forecaster(kind, rng, steps=9, scale=3.0)
    x, many = rng.normal(size=(4, 9, 3)), rng.normal(size=(3, 9, 3))
    for pairs in (1, 3):
        for method in (lags, both):
            found = method(network, x, many, 5, pairs=pairs)
            axes = tuple(range(1, found.contribution.ndim))
            change = found.forecast - found.baseline_forecast
            total = found.contribution.sum(axis=axes)
            np.testing.assert_allclose(total, change, rtol=0, atol=1e-13)


@pytest.mark.parametrize("method", [lags, both])
def test_many_pairs_come_to_the_exact_values_at_the_rate_of_the_square_root(method, rng):
    network = forecaster("lstm", rng, steps=7, features=2, scale=3.0)
    x, x0 = rng.normal(size=(6, 7, 2)), rng.normal(size=(7, 2))
    exact = split(shapley_tree if method is lags else owen, network, x, x0, 5).contribution
    gaps = []
    for pairs in (16, 1024):
        found = method(network, x, x0, 5, pairs=pairs, seed=3)
        gaps.append(np.sqrt(((found.contribution - exact) ** 2).mean()))
        # the standard error is of the size of the error, up to what 6 windows can tell
        assert 0.5 < gaps[-1] / np.sqrt((found.standard_error**2).mean()) < 2.0
    assert gaps[1] < gaps[0] / 4  # 8 expected


@pytest.mark.parametrize("scale", [1.0, 4.0])
@pytest.mark.parametrize("method", [lags, both])
def test_95_percent_intervals_hold_in_90_to_99_percent_of_200_runs(method, scale, rng):
    network = forecaster("gru_after", rng, steps=8, features=2, scale=scale)
    x, x0 = rng.normal(size=(1, 8, 2)), rng.normal(size=(8, 2))
    exact = split(shapley_tree if method is lags else owen, network, x, x0, 6).contribution
    held = []
    for seed in range(200):
        found = method(network, x, x0, 6, pairs=32, seed=seed)
        held.append(np.abs(found.contribution - exact) <= found.half_width(0.95))
    share = np.mean(held, axis=0)
    assert 0.90 <= share.mean() <= 0.99, share
    # the share of a single value in 200 runs: three standard errors of a share below 0.90
    assert share.min() > 0.84, share


def test_intervals_hold_where_sampling_stops_at_a_tolerance(rng):
    network = forecaster("lstm", rng, steps=7, features=2, scale=2.0)
    x, x0 = rng.normal(size=(1, 7, 2)), rng.normal(size=(7, 2))
    exact = split(shapley_tree, network, x, x0, 6).contribution
    first = lags(network, x, x0, 6, pairs=16).standard_error.max()
    held, pairs = [], set()
    for seed in range(200):
        stop = Stop(tolerance=first * 0.9)
        found = split(permutation_of_lags, network, x, x0, 6, stop=stop, seed=seed)
        held.append(np.abs(found.contribution - exact) <= found.half_width(0.95))
        pairs.add(int(found.permutations[0]) // 2)
    assert 0.90 <= np.mean(held) <= 0.99
    assert len(pairs) > 1


def test_a_seed_gives_the_same_numbers_whatever_runs_together(rng, monkeypatch):
    network = forecaster("gru_after", rng, steps=8)
    x, x0 = rng.normal(size=(6, 8, 3)), rng.normal(size=(8, 3))
    one = both(network, x, x0, 5, pairs=24, seed=5)
    alone = both(network, x[2:3], x0, 5, pairs=24, seed=5)
    np.testing.assert_allclose(alone.contribution[0], one.contribution[2], rtol=0, atol=1e-14)
    assert (
        both(network, x, x0, 5, pairs=24, seed=6).contribution[0, 0, 0] != one.contribution[0, 0, 0]
    )
    monkeypatch.setattr(coalitions, "MOST_HISTORIES", 5)
    monkeypatch.setattr(order_batches, "FIRST_PAIRS", 3)
    monkeypatch.setattr(order_batches, "COALITIONS", 150)
    other = both(network, x, x0, 5, pairs=24, seed=5)
    np.testing.assert_allclose(other.contribution, one.contribution, rtol=0, atol=1e-14)
    np.testing.assert_allclose(other.standard_error, one.standard_error, rtol=1e-10)


def test_sampling_leaves_the_callers_random_numbers_alone(rng):
    network = forecaster("lstm", rng, steps=5)
    x = rng.normal(size=(2, 5, 3))
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    lags(network, x, np.zeros(3), 5)
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002


def test_the_budget_is_kept_and_spent(rng):
    network = forecaster("lstm", rng, steps=12)
    x, many = rng.normal(size=(3, 12, 3)), rng.normal(size=(2, 12, 3))
    for budget in (6_000, 20_000, 100_000):
        found = split(permutation_of_lags, network, x, many, 8, stop=Stop(10_000, budget=budget))
        assert 0.8 * budget < found.cells <= budget
        assert found.permutations.min() == found.permutations.max()


def test_a_budget_below_two_pairs_is_refused_with_what_they_take(rng):
    network = forecaster("lstm", rng, steps=12)
    x = rng.normal(size=(10, 12, 3))
    with pytest.raises(DataError, match=r"leaves 50 cell evaluations .* two pairs .* 12 players"):
        split(permutation_of_lags, network, x, np.zeros(3), 12, stop=Stop(budget=500))


def test_each_window_stops_at_the_tolerance_by_itself(rng):
    network = forecaster("lstm", rng, steps=8, scale=2.0)
    x, x0 = rng.normal(size=(8, 8, 3)) * np.linspace(0.2, 3, 8)[:, None, None], np.zeros(3)
    tolerance = 0.003
    stop = Stop(4096, tolerance=tolerance)
    found = split(permutation_of_lags, network, x, x0, 8, stop=stop)
    assert len(set(found.permutations.tolist())) > 1
    assert found.standard_error.max() <= tolerance
    single = split(permutation_of_lags, network, x[3:4], x0, 8, stop=stop)
    assert single.permutations[0] == found.permutations[3]
    np.testing.assert_allclose(single.contribution[0], found.contribution[3], rtol=0, atol=1e-14)
    windows = [
        split(permutation_of_lags, network, x[k : k + 1], x0, 8, stop=stop).cells for k in range(8)
    ]
    assert found.cells == sum(windows)


def test_cells_are_counted_before_and_after_alike(rng):
    network = forecaster("lstm", rng, steps=9, features=2)
    x, many = rng.normal(size=(3, 9, 2)), rng.normal(size=(2, 9, 2))
    found = both(network, x, many, 4, pairs=8, seed=1)
    atoms = Atoms(lag_players(9, 4), [np.eye(2, dtype=bool)] * 5)
    step = step_cost(network, make_baseline(many, x), of="x")
    assert found.cells == 3 * 2 * cells_of_pairs(atoms, 8, step, seed=1)
    # far fewer than the coalitions would take one by one
    assert found.cells < 0.6 * 3 * 2 * 8 * 2 * 10 * 9


def test_members_of_a_lag_come_one_after_the_other(rng):
    unions = lag_players(6, 4, {"a": [1, 5]}, carried=True)
    atoms = Atoms(unions, [np.eye(3, dtype=bool)] * len(unions.blocks))
    orders = drawn_orders(atoms, 50, rng)
    unions = (orders + 2) // 3  # the carried state is atom 0, and union 0
    for order, union in zip(orders, unions, strict=True):
        assert sorted(order) == list(range(atoms.count))
        assert 1 + np.count_nonzero(np.diff(union)) == atoms.unions.count
    assert len({tuple(order) for order in orders}) == 50


@pytest.mark.parametrize("make", ["masked", "bidirectional"])
def test_any_graph_and_padding(make, rng):
    if make == "masked":
        core = Recurrent(cell("lstm", rng), return_sequences=True)
        top = Recurrent(cell("gru_after", rng, features=5))
        network = chain(Masking(0.0), core, top, head(rng, 5), shape=(6, 3))
    else:
        network = stacked_bidirectional(rng)
    x = rng.normal(size=(3, 6, 3))
    x[1, :2] = 0.0
    exact = split(owen, network, x, np.full(3, 0.4), 6)
    found = both(network, x, np.full(3, 0.4), 6, pairs=64)
    gap = np.abs(found.contribution - exact.contribution)
    assert (gap <= 6 * found.standard_error + 1e-12).all()
    assert np.abs(found.contribution).max() > 10 * gap.max()
    if make == "masked":
        assert not found.contribution[1, ::-1][:2].any()
        assert not found.standard_error[1, ::-1][:2].any()


def test_groups_held_features_and_a_carried_state(rng):
    network = forecaster("lstm", rng, steps=6)
    x, x0 = rng.normal(size=(3, 6, 3)), rng.normal(size=(6, 3))
    options = {
        "groups": PlayerGroups(lags={"a": (2, 6)}, features={"w": (0, 2)}),
        "initial_state": {"recurrent": rng.normal(size=(2, 3, 5))},
    }
    exact = split(owen, network, x, x0, 3, **options)
    found = both(network, x, x0, 3, pairs=512, **options)
    assert found.players == exact.players and found.columns == exact.columns
    gap = np.abs(found.contribution - exact.contribution)
    assert (gap <= 6 * found.standard_error).all()
    assert (np.abs(found.carried - exact.carried) <= 6 * found.carried_standard_error).all()
    assert (found.carried_standard_error < 0.1 * np.abs(exact.contribution).max()).all()
    held = both(network, x, x0, 3, held=[1], pairs=256)
    exact = split(owen, network, x, x0, 3, held=[1])
    assert not held.contribution[..., 1].any()
    assert (np.abs(held.contribution - exact.contribution) <= 6 * held.standard_error).all()


def test_running_means_do_not_depend_on_how_values_come(rng):
    values = rng.normal(size=(4, 30, 5)) + 1e6
    runs = []
    for cuts in ([30], [1, 7, 30], [8, 16, 30]):
        running = Running(np.zeros((4, 5)), np.zeros((4, 5)), np.zeros(4, int))
        for low, high in zip([0, *cuts[:-1]], cuts, strict=True):
            running.add(np.arange(4), values[:, low:high])
        runs.append(running)
    for running in runs:
        np.testing.assert_allclose(running.mean, values.mean(axis=1), rtol=1e-14)
        spread = values.std(axis=1, ddof=1) / np.sqrt(30)
        np.testing.assert_allclose(running.standard_error, spread, rtol=1e-8)


def test_student_s_quantile_widens_intervals_of_few_pairs():
    error = np.ones((2, 1))
    found = sampling.half_width(error, np.array([4, 20_000]), 0.95)
    # t with 1 degree of freedom, and the normal quantile
    np.testing.assert_allclose(found[:, 0], [12.7062, 1.96021], rtol=1e-5)
    with pytest.raises(DataError, match="between 0 and 1"):
        sampling.half_width(error, np.array([4, 4]), 95)


def test_what_cannot_be_explained_is_refused(rng):
    network = forecaster("lstm", rng, steps=5)
    x = rng.normal(size=(2, 5, 3))
    with pytest.raises(DataError, match="at least 1 lag must be a player, but 0 were asked for"):
        lags(network, x, np.zeros(3), 0)
    with pytest.raises(DataError, match="every feature is held"):
        both(network, x, np.zeros(3), 3, held=[0, 1, 2])


def test_a_conditional_baseline_is_sampled_split_and_priced_too(rng):
    network = forecaster("lstm", rng, steps=4, features=2)
    data = rng.normal(size=(200, 4, 2)).cumsum(axis=1)
    given = gaussian_conditional(data, held=np.array([], int))
    x = data[:3]
    case = (network, entries(network, x), FIRST, given)
    exact = shapley_tree(question(*case, newest=3))
    cells = owen(question(*case, newest=3))
    by_lag = cells.contribution.sum(axis=2)
    np.testing.assert_allclose(by_lag, exact.contribution, rtol=0, atol=1e-14)
    stop = Stop(512, tolerance=0.002)
    found = permutation_of_lags(question(*case, newest=3), stop=stop)
    gap = np.abs(found.contribution - exact.contribution)
    assert (gap <= 6 * found.standard_error + 1e-12).all()
    for budget in (exact.cells, exact.cells - 1):
        limits = Limits(budget=budget)
        method = within(question(*case, newest=3), limits, by_feature=False).choice.method
        assert method == ("tree" if budget == exact.cells else "permutation")
    with pytest.raises(DataError, match="no distribution of a carried state"):
        shapley_tree(question(*case, initial_state={"recurrent": rng.normal(size=(2, 3, 5))}))


def test_standard_errors_of_few_pairs_are_widened_and_said_to_be(rng):
    network = forecaster("lstm", rng, steps=4)
    x = rng.normal(size=(3, 4, 3))
    few, many = (
        rnnlens.explain(
            network, x, target=0, method="permutation", baseline="zero",
            effort=rnnlens.Effort(budget=budget),
        )
        for budget in (500, 40_000)
    )  # fmt: skip
    pairs = few.attrs["permutations"] // 2
    assert 2 <= pairs < 10 <= many.attrs["permutations"] // 2
    assert "standard_errors" not in many.attrs
    assert few.attrs["standard_errors"].startswith("widened by up to")
    asked = question(network, entries(network, x), FIRST, make_baseline("zero", x))
    plain = permutation_of_lags_and_features(asked, stop=Stop(10**6, 500, None))
    # Student's quantile at 95 % in the normal one, from tables
    factor = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306}
    np.testing.assert_allclose(
        few.standard_error, plain.standard_error * factor[pairs] / 1.95996, rtol=1e-3
    )


def test_what_long_windows_would_take_is_counted_without_their_masks(rng):
    atoms = Atoms(lag_players(600, 12), [np.eye(8, dtype=bool)] * 13)
    step = step_cost(
        forecaster("lstm", rng, steps=600, features=8),
        make_baseline(np.zeros((1, 600, 8)), np.zeros((1, 600, 8))),
        of="x",
    )
    tracemalloc.start()
    counted = cells_of_pairs(atoms, 2, step)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    whole = OrderBatch(drawn_orders(atoms, 2, np.random.default_rng(0)), atoms, ends=True)
    assert counted == whole.cells(step)
    assert peak < whole.masks.nbytes / 2
