"""Exact or sampled, by what a budget allows; the default and its audit."""

import numpy as np
import pytest

from networks import cell, chain, forecaster, head, stacked_bidirectional
from questions import question
from rnnlens.attribution.audit import audit, spread
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.default import PER_WINDOW, choose, default, parts_of
from rnnlens.attribution.games.budget import Cost, Limits, within
from rnnlens.attribution.games.costs import BUDGET, NODES_OF_A_CELL, PASS, usual_budget
from rnnlens.attribution.games.players import PlayerGroups
from rnnlens.attribution.methods.owen import owen
from rnnlens.attribution.methods.permutation import (
    SampledLagContribution,
    SampledLagFeatureContribution,
)
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.methods.shapley_tree import shapley_tree
from rnnlens.attribution.refined import fitting_lags, refined
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries
from rnnlens.errors import DataError
from rnnlens.network.activations import Activation
from rnnlens.network.axes import Flip
from rnnlens.network.layers import (
    Add,
    Dense,
    DescribedRecurrent,
    Flatten,
    Input,
    Recurrent,
    Rescaling,
)
from rnnlens.network.layers.described import CellNode
from rnnlens.network.network import Network, Node, Origin

FIRST = ResolvedTarget((0,))


def setting(rng, *, windows=3, steps=12, features=2, kind="lstm"):
    network = forecaster(kind, rng, steps=steps, features=features)
    x = rng.normal(size=(windows, steps, features))
    return network, entries(network, x), FIRST, make_baseline(rng.normal(size=features), x)


@pytest.mark.parametrize("by_feature", [False, True])
def test_what_fits_is_exact_and_what_does_not_is_sampled(by_feature, rng):
    asked = question(*setting(rng), newest=8)
    exact = (owen if by_feature else shapley_tree)(asked)
    just = within(asked, Limits(budget=exact.cells), by_feature=by_feature)
    assert just.choice.method in {"tree", "owen"} and just.choice.cells == exact.cells
    assert just.choice.why.startswith("exact: ")
    np.testing.assert_array_equal(just.values.contribution, exact.contribution)
    below = within(asked, Limits(budget=exact.cells - 1), by_feature=by_feature)
    assert below.choice.method == "permutation"
    assert "sampled: exact values of 8 lags for 3 windows take" in below.choice.why
    assert isinstance(below.values, SampledLagContribution | SampledLagFeatureContribution)
    assert below.values.cells <= exact.cells - 1
    gap = np.abs(below.values.contribution - exact.contribution)
    assert (gap <= 6 * below.values.standard_error + 1e-12).all()


@pytest.mark.parametrize("make", ["older", "whole", "stacked", "groups", "held", "carried"])
def test_the_cells_told_before_are_those_that_are_taken(make, rng):
    groups, held, state = None, [], None
    network = forecaster("lstm", rng, steps=8, features=3)
    if make == "whole":
        network = stacked_bidirectional(rng, steps=8)
    if make == "stacked":
        first = Recurrent(cell("lstm", rng), return_sequences=True)
        second = Recurrent(cell("gru_before", rng, features=5))
        network = chain(first, second, head(rng, 5), shape=(8, 3))
    if make == "groups":
        groups = PlayerGroups(lags={"a": (1, 8), "b": (3, 6)}, features={"w": (0, 2)})
    if make == "held":
        held = [2]
    if make == "carried":
        state = {"recurrent": rng.normal(size=(2, 2, 5))}
    x = rng.normal(size=(2, 8, 3))
    baseline = make_baseline(rng.normal(size=(3, 8, 3)), x, held=np.array(held, int))
    asked = question(
        network,
        entries(network, x),
        FIRST,
        baseline,
        newest=4,
        groups=groups,
        initial_state=state,
    )
    for by_feature in (False, True):
        found = within(asked, by_feature=by_feature)
        assert found.choice.method in {"tree", "owen"}
        assert found.choice.cells == found.values.cells > 0


def test_a_network_in_which_nothing_recurs_costs_a_cell_a_step(rng):
    network = chain(Flatten(), Dense(rng.normal(size=(10, 1))), shape=(5, 2))
    x = rng.normal(size=(2, 5, 2))
    asked = question(network, entries(network, x), FIRST, make_baseline("zero", x))
    found = within(asked, by_feature=False)
    assert found.choice.method == "tree"
    assert found.choice.cells == found.values.cells == 2 * 2**5 * 5
    expected = (x * network["dense"].layer.W.reshape(5, 2)).sum(axis=2)[:, ::-1]
    np.testing.assert_allclose(found.values.contribution, expected, rtol=0, atol=1e-13)


def test_a_cell_that_has_no_name_costs_as_one_and_fewer_are_allowed(rng):
    scaled, before = [], ("state", 0)
    for k in range(2 * NODES_OF_A_CELL - 1):
        scaled.append(CellNode(f"{k}", Rescaling(np.array(0.9), np.array(0.1)), (before,)))
        before = (f"{k}", 0)
    added = CellNode("sum", Add(), (before, ("input", 0)))
    layer = DescribedRecurrent((*scaled, added), (("sum", 0),), (3,), 1, 0)
    shape = (7, 3)
    nodes = (
        Node("x", Input(shape)),
        Node("cell", layer, (("x", 0),)),
        Node("head", head(rng, 3, 1), (("cell", 1),)),  # reads the last state
    )
    network = Network(nodes, (("head", 0),), Origin("made in a test"))
    x = rng.normal(size=(2, *shape))
    baseline = make_baseline(rng.normal(size=shape[1:]), x)
    asked = question(network, entries(network, x), FIRST, baseline, newest=4)
    for by_feature in (False, True):
        found = within(asked, by_feature=by_feature)
        assert found.choice.cells == found.values.cells > 0
    assert 0.99 * BUDGET / 2 < usual_budget(asked) < BUDGET / 2  # the head takes a little
    # so many windows that exact values would take minutes
    many = np.broadcast_to(x[:1], (100_000, *shape))
    assert choose(question(network, entries(network, many), FIRST, baseline)).method == "secant"


def test_more_lags_than_the_budget_bears_are_refused_with_what_fits(rng):
    case = setting(rng, steps=30)

    def lags(newest, **limits):
        return within(question(*case, newest=newest), Limits(**limits), by_feature=False)

    sentence = r"16 lags for 3 windows take [\d,]+ cells, beyond the budget of 9,000 cell"
    with pytest.raises(DataError, match=sentence + r" evaluations: newest=9 fits"):
        lags(16, budget=9_000, exact=True)
    assert lags(9, budget=9_000, exact=True).values.cells <= 9_000
    few = r"and two pairs of random orders [\d,]+, beyond the budget of 900 .*: newest=6 fits"
    with pytest.raises(DataError, match=few):
        lags(16, budget=900)
    with pytest.raises(DataError, match="give fewer windows or a larger budget"):
        lags(16, budget=10)
    with pytest.raises(DataError, match="at least 1 lag"):
        lags(0)


def test_many_lags_or_features_are_sampled_rather_than_refused(rng):
    case = setting(rng, windows=1, steps=40, features=1)
    found = within(question(*case, newest=40), Limits(budget=200_000), by_feature=False)
    assert (
        found.choice.method == "permutation" and "more coalitions than memory" in found.choice.why
    )
    assert found.values.contribution.shape == (1, 40)


def test_the_default_is_exact_where_it_fits_and_says_so(rng):
    case = setting(rng, steps=14)
    found = default(question(*case))
    assert found.choice.method == "owen" and found.choice.newest == 12 and found.audit is None
    assert found.choice.why.startswith("exact Owen values") and found.choice.cells < BUDGET
    exact = owen(question(*case, newest=12))
    np.testing.assert_array_equal(found.contributions.contribution, exact.contribution)
    assert found.choice.cells == exact.cells


def test_the_default_takes_fewer_lags_before_it_gives_exactness_up(rng):
    asked = question(*setting(rng, steps=14))
    ask = Cost(asked, by_feature=True)
    for lags in (12, 11, 10):
        budget = ask.exact(lags)
        choice = choose(asked, budget=budget)
        assert (choice.method, choice.newest) == ("owen", lags)
    choice = choose(asked, budget=ask.exact(10) - 1)
    assert choice.method == "secant" and "beyond the budget" in choice.why
    assert ask.exact(10) < PER_WINDOW


def test_otherwise_the_default_is_secant_with_exact_newest_lags_and_an_audit(rng):
    network, inputs, target, mean = setting(rng, windows=40, steps=14)
    background = make_baseline("background", inputs["x"], count=5)
    asked = question(network, inputs, target, background)
    found = default(question(network, inputs, target, mean), background=background, budget=300_000)
    assert found.choice.method == "secant" and found.baseline is background
    # half of the budget is for exact values: of 7 lags, as 8 would take twice as much
    assert found.exact_lags == 7
    spent = 40 * 5 * (2 * 7 + 2**9 - 4)
    assert found.choice.cells == 40 * (1 + 3 * 5) * 14 + spent <= 300_000
    contribution = found.contributions.contribution
    exact = shapley_tree(asked.with_newest(7)).contribution
    by_lag = contribution.sum(axis=2)
    np.testing.assert_allclose(by_lag[:, :7], exact[:, :7], rtol=0, atol=1e-14)
    np.testing.assert_allclose(by_lag[:, 7:].sum(axis=1), exact[:, 7], rtol=0, atol=1e-14)
    # what is moved is shared among a lag's features by their size
    plain = secant(asked).contribution
    for window, lag in ((0, 0), (17, 6)):
        own = plain[window, lag]
        moved = own + np.abs(own) * (exact[window, lag] - own.sum()) / np.abs(own).sum()
        np.testing.assert_allclose(contribution[window, lag], moved, rtol=0, atol=1e-14)
    checked = found.audit
    # about a seventh of what the contributions took
    assert checked.cells <= 0.15 * found.choice.cells
    # more lags one by one than are exact already, in fewer windows
    lags = len(checked.lag_from) - 1
    assert lags > 7 and len(checked.windows) < 40
    more = shapley_tree(asked.part(checked.windows).with_newest(lags)).contribution
    mine = by_lag[checked.windows]
    mine = np.column_stack([mine[:, :lags], mine[:, lags:].sum(axis=1)])
    np.testing.assert_allclose(checked.difference, mine - more, rtol=0, atol=1e-14)
    assert checked.largest == np.abs(checked.difference).max() > 0
    assert abs(checked.mean_share - checked.mean / np.abs(more).mean()) < 1e-12
    assert ": mean difference" in checked.sentence


def test_exact_newest_lags_change_no_sum_and_leave_zeros_alone(rng):
    network, inputs, target, _ = setting(rng, windows=6, steps=9, features=3)
    x = inputs["x"]
    held = make_baseline("mean", x, held=np.array([1]))
    asked = question(network, inputs, target, held)
    plain = secant(asked)
    lags = [fitting_lags(asked, budget)[0] for budget in (1, 6 * 60, 10**7)]
    none, some, every = (refined(asked, plain, newest) for newest in lags)
    assert none.contributions is plain and none.newest == 0
    assert 0 < some.newest < every.newest == 9
    for one in (some, every):
        made = one.contributions
        assert not made.contribution[..., 1].any()
        total = made.contribution.sum(axis=(1, 2)) + made.residual
        np.testing.assert_allclose(total, made.forecast - made.baseline_forecast, atol=1e-14)
        assert np.abs(made.residual).max() < 1e-14


def test_a_lag_that_secant_gives_nothing_is_shared_by_what_differs(rng):
    network, inputs, target, _ = setting(rng, windows=3, steps=4, features=3)
    asked = question(network, inputs, target, make_baseline("zero", inputs["x"]))
    plain = secant(asked)
    plain.contribution[1, 2] = 0.0
    made = refined(asked, plain, 4).contributions.contribution
    exact = shapley_tree(asked.with_newest(4)).contribution
    np.testing.assert_allclose(made.sum(axis=2), exact, rtol=0, atol=1e-14)
    np.testing.assert_allclose(made[1, 2], exact[1, 2] / 3, rtol=0, atol=1e-14)


def test_where_every_lag_is_asked_for_by_itself_none_stand_together(rng):
    asked = question(*setting(rng, windows=40, steps=14))
    assert default(asked, budget=10**7).choice.method == "owen"
    found = default(asked.with_newest(14), budget=10**7)
    assert found.choice.method == "secant" and found.contributions.contribution.shape[1] == 14


def test_where_no_more_lags_fit_what_secant_missed_of_the_exact_ones_is_the_audit(rng):
    network, inputs, target, mean = setting(rng, windows=4, steps=30, features=7)
    asked = question(network, inputs, target, mean)
    found = default(asked)
    assert found.choice.method == "secant" and found.exact_lags == 12
    plain, exact = secant(asked).contribution.sum(axis=2), shapley_tree(asked.with_newest(12))
    sums = np.column_stack([plain[:, :12], plain[:, 12:].sum(axis=1)])
    np.testing.assert_allclose(found.audit.difference, sums - exact.contribution, atol=1e-14)
    assert found.audit.cells == 0 and found.audit.largest > 1e-6
    assert "in 4 windows, before they took its place: mean difference" in found.audit.sentence


def test_the_audit_keeps_to_its_budget_and_its_windows(rng):
    asked = question(*setting(rng, windows=150, steps=14))
    found = secant(asked).contribution
    many = audit(asked.with_newest(8), found, budget=10**6)
    assert len(many.windows) == 100 and many.cells == 100 * (2 * 6 + 2**10 - 4)
    few = audit(asked, found, budget=2_000)
    assert len(few.lag_from) == 7 and 1 < len(few.windows) < 100 and few.cells <= 2_000
    assert np.isin(few.windows, np.arange(150)).all()


@pytest.mark.parametrize("windows", [1, 30])
@pytest.mark.parametrize("count", [1, 12])
@pytest.mark.parametrize("budget", [50, 2_000, 10_000])
def test_no_audit_takes_longer_than_the_contributions(rng, windows, count, budget):
    network, inputs, target, mean = setting(rng, windows=windows, steps=30)
    data = rng.normal(size=(40, *inputs["x"].shape[1:]))
    background = make_baseline("background", inputs["x"], background=data, count=count)
    asked = question(network, inputs, target, mean)
    found = default(asked, background=background, budget=budget)
    assert found.choice.method == "secant" and found.audit is not None
    whole = windows * (1 + 3 * count) * 30  # cells of secant, each half as long as one of a tree
    contributions = 0.5 * whole + found.choice.cells - whole
    again = 0.5 * 3 * 30 * len(found.audit.windows) * found.audit.backgrounds
    assert found.audit.cells + again <= 1.05 * contributions
    parts = parts_of(asked, background=background, budget=budget)
    # what is announced does not know yet which lags the forecast sees
    assert parts["audit"] <= 1.05 * contributions


def test_an_audit_against_some_of_the_backgrounds_is_of_secant_against_the_same(rng):
    network, inputs, target, _ = setting(rng, windows=1, steps=30)
    data = rng.normal(size=(40, *inputs["x"].shape[1:]))
    background = make_baseline("background", inputs["x"], background=data, count=12)
    asked = question(network, inputs, target, background)
    found = audit(asked, secant(asked).contribution, budget=400)
    assert 0 < found.backgrounds < 12 and len(found.lag_from) == 2
    chosen = np.linspace(0, 11, found.backgrounds).round().astype(int)
    some = make_baseline(np.concatenate([background.windows[k] for k in chosen]), inputs["x"])
    mine = secant(asked.against(some)).contribution.sum(axis=2)[:, :1]
    exact = shapley_tree(asked.against(some).with_newest(1)).contribution[:, :1]
    np.testing.assert_allclose(found.difference[:, :1], mine - exact, rtol=0, atol=1e-14)


def test_targets_share_one_audit(rng):
    network, inputs, target, mean = setting(rng, windows=60, steps=30)
    background = make_baseline("background", inputs["x"], count=5)
    asked = question(network, inputs, target, mean)
    alone, shared = (
        default(asked, background=background, budget=100_000, asked=count).audit for count in (1, 4)
    )
    assert 4 * shared.cells <= 1.05 * max(alone.cells, 0.15 * 0.5 * 60 * 16 * 30)
    assert 4 * len(shared.windows) <= 100 + 4
    told = [
        parts_of(asked, background=background, budget=100_000, asked=count)["audit"]
        for count in (1, 4)
    ]
    assert 4 * told[1] <= 1.05 * max(told[0], 1)


def test_the_audit_finds_a_secant_that_is_wrong(rng):
    asked = question(*setting(rng, windows=5, steps=6))
    found = secant(asked).contribution
    right = audit(asked, found)
    found[2, 1, 0] += 1.0
    found[2, 4, 0] -= 1.0
    wrong = audit(asked, found)
    assert right.largest < 0.1 < 0.9 < wrong.largest
    assert np.unravel_index(np.abs(wrong.difference).argmax(), (5, 6))[0] == 2


def test_audited_windows_are_spread_evenly_and_seeded():
    drawn = spread(1000, 100, seed=4)
    assert (drawn // 10 == np.arange(100)).all()
    assert (spread(1000, 100, seed=4) == drawn).all()
    assert (spread(1000, 100, seed=5) != drawn).any()


def test_a_cell_of_a_large_layer_counts_as_several_where_no_budget_is_given(rng):
    def allowed(network):
        x = rng.normal(size=(2, 4, 20))
        return usual_budget(question(network, entries(network, x), FIRST, make_baseline(x[0], x)))

    small, large = (
        chain(Recurrent(cell("lstm", rng, 20, units)), shape=(4, 20)) for units in (40, 256)
    )
    assert allowed(small) == BUDGET
    numbers = 4 * 256 * (20 + 256 + 1)
    assert allowed(large) == int(BUDGET * 10_000 / numbers)


def test_layers_around_the_cells_count_where_whole_windows_are_run(rng):
    """One after another that flips the steps, which nothing shares: 40 numbers of each, 4 steps."""

    def allowed(layers):
        last = Recurrent(cell("lstm", rng, 20, 40))
        network = chain(*layers, last, shape=(4, 20))
        x = rng.normal(size=(2, 4, 20))
        return usual_budget(question(network, entries(network, x), FIRST, make_baseline(x[0], x)))

    flips = [Flip(1) for _ in range(10)]
    numbers = 4 * 40 * (20 + 40 + 1) + PASS * 10 * 20
    assert allowed(flips) == int(BUDGET * 10_000 / numbers)
    dense = Dense(rng.normal(size=(20, 20)), None, Activation("linear"))
    assert allowed([flips[0], dense]) == int(
        BUDGET * 10_000 / max(10_000, 4 * 40 * 61 + PASS * 2 * 20 + 400)
    )
    assert allowed([dense] * 3) == BUDGET  # steps are taken one by one, and shared
