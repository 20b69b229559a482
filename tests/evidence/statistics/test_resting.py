"""On how many windows a change rests, and that no claim is made from a handful of them."""

import numpy as np
import pytest

from linear_networks import ar, cut_windows, linear_network
from naive_rests import carrying, dependence
from rnnlens.attribution.dependence import cosine_count, dependence_length
from rnnlens.attribution.question import Question
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries
from rnnlens.evidence.statistics.criterion import Criterion
from rnnlens.evidence.statistics.dependent_mean import dependent_means
from rnnlens.evidence.statistics.equivalence import equivalence
from rnnlens.evidence.statistics.horizon import horizon
from rnnlens.evidence.statistics.losses import LossChange, Losses
from rnnlens.evidence.statistics.parts import lag_parts
from rnnlens.evidence.statistics.replacement import Replacement
from rnnlens.evidence.statistics.resting import FEW, few_note, heavy_tails, windows_carrying
from rnnlens.evidence.statistics.samplers import OwnSampler

#: The network's coefficients of lags 1 to 4.
B = np.array([1.0, 0.0, 0.3, 0.0])
(THIRD,) = lag_parts((4, 1), lags=[3])


def rain(wet):
    """Independent steps that are wet with some probability, exponential amounts."""
    return lambda rng, size: np.where(rng.random(size) < wet, rng.exponential(size=size), 0.0)


def normal(rng, size):
    return rng.normal(size=size)


def losses_at(draw, effect, seed, windows, blind=False):
    """Windows of independent steps, drawn anew from their true distribution; lag 3 matters."""
    rng = np.random.default_rng(seed)
    x = cut_windows(draw(rng, windows + 4), 4)
    y = x[:, ::-1, 0] @ np.array([1.0, 0.0, effect, 0.0]) + rng.normal(size=windows)
    network = linear_network(B[:, None])
    question = Question(
        network=network, inputs=entries(network, x), of="x", target=ResolvedTarget((0,))
    )

    def anew(x, hidden, rng):
        other = x.copy()
        other[:, hidden] = draw(rng, (len(x), int(hidden.sum())))
        return other

    return Losses(Replacement(question), OwnSampler(anew), None if blind else y, seed=seed)


def test_the_count_is_its_formula(rng):
    calm_and_wild = np.abs(rng.normal(size=150)) * np.exp(ar(150, 0.9, rng))
    rare = np.where(rng.random(150) < 0.1, rng.exponential(size=150), 0.0)
    lengths = []
    for sizes in (calm_and_wild, rare, rng.exponential(size=150)):
        lengths.append(dependence_length(sizes))
        assert lengths[-1] == pytest.approx(dependence(sizes.tolist()), rel=1e-9)
        assert windows_carrying(sizes) == pytest.approx(carrying(sizes.tolist()), rel=1e-9)
        assert windows_carrying(sizes * 1e-200) == pytest.approx(windows_carrying(sizes), rel=1e-9)
    assert lengths[0] > 3  # and both branches of the length are seen
    assert 1.0 in lengths[1:]


def test_equal_changes_rest_on_all_windows_and_one_change_on_one():
    assert windows_carrying(np.full(70, 0.3)) == pytest.approx(70)
    assert windows_carrying(np.eye(70)[3]) == pytest.approx(1)
    assert np.isnan(windows_carrying(np.zeros(70)))


def test_windows_that_depend_on_each_other_for_longer_leave_fewer_cosines():
    assert [cosine_count(1000, length) for length in (1, 2, 5, 90)] == [39, 19, 7, 4]


@pytest.mark.parametrize("scale", [0.2, 20.0])
def test_a_change_rests_on_the_fewer_of_its_loss_and_of_its_move_less_dependence(scale, rng):
    """Sizes of the one and of the other are the more uneven in turn."""
    moved = np.exp(ar(300, 0.9, rng))
    changed = LossChange(rng.normal(size=300) * moved ** (0.1 * scale), moved, 0.5)
    both = [carrying(np.abs(changed.change).tolist()), carrying(moved.tolist())]
    assert (both[0] < both[1]) == (scale > 1)
    assert changed.resting_on == pytest.approx(min(both) / dependence(moved.tolist()), rel=1e-9)
    assert changed.length == pytest.approx(dependence(moved.tolist()), rel=1e-9) != 1


def test_rare_rain_at_the_margin_is_not_called_equivalent_and_the_reason_is_said():
    """3 % wet, a change of exactly the margin: two one-sided t tests call it equivalent in a third
    of sets, for few of 200 windows carry it."""
    variance, margin = 2 * 0.03 - 0.03**2, 0.05
    effect = margin / (2 * 0.3 * variance)
    for seed in range(40):
        losses = losses_at(rain(0.03), effect, seed, 200)
        found = equivalence(losses, [THIRD], Criterion(margin=margin))
        assert found.verdict[0] != "equivalent"
        assert found.resting_on[0] < FEW
        assert found.p_equivalent[0] == 1.0
        assert found.note[0].startswith("the change rests on about ")
        far = horizon(losses, Criterion(margin=margin))
        assert far.looks_back == 3  # lag 4 has no weight, and lag 3 stops the test
        assert far.resting_on[-1] < FEW
        assert far.stopped_by.startswith("the change rests on about ")
        assert far.stopped_by in far.sentence


def test_dense_inputs_without_effect_are_still_called_equivalent():
    """The network uses lag 3 for nothing: its change is zero, well inside the margin."""
    words = []
    for seed in range(20):
        losses = losses_at(normal, 0.0, seed, 300)
        found = equivalence(losses, [THIRD], Criterion(margin=0.3))
        assert found.resting_on[0] > 80  # of 300: a product of two normal numbers weighs 0.4
        words.append(found.verdict[0])
        assert horizon(losses, Criterion(margin=0.3)).stopped_by == ""
    assert words.count("equivalent") >= 18


def test_a_strong_use_is_claimed_from_few_windows_too():
    """An effect of thrice the noise in 2 % of 300 windows: the level is a fifth, and it is met."""
    losses = losses_at(lambda rng, size: (rng.random(size) < 0.02) * 10.0, 0.3, 1, 300)
    found = equivalence(losses, [THIRD], Criterion(margin=0.01))
    assert found.resting_on[0] < FEW
    assert found.verdict[0] == "used"
    raw = Criterion().means(losses.change(THIRD).change[:, None], 0)[0][0].above(0.0)
    assert found.p_used[0] == pytest.approx(5 * raw)


def test_a_change_that_no_window_shows_is_not_refused_for_the_few_that_round():
    """Far below the margin in every window, though but one window carries it."""
    losses = losses_at(lambda rng, size: (rng.random(size) < 0.01) * 1e-9, 0.3, 2, 200)
    found = equivalence(losses, [THIRD], Criterion(margin=0.01))
    assert found.resting_on[0] < FEW
    assert found.verdict[0] == "equivalent"


def test_without_actuals_how_far_forecasts_move_is_what_they_rest_on(rng):
    losses = losses_at(rain(0.1), 0.3, 3, 250, blind=True)
    changed = losses.change(THIRD)
    np.testing.assert_array_equal(changed.change, changed.moved)
    assert changed.resting_on == windows_carrying(changed.moved) / changed.length


def test_calm_and_wild_times_make_the_windows_depend(rng):
    wild = np.exp(0.5 * ar(2000, 0.95, rng)) * np.abs(rng.normal(size=2000))
    assert dependence_length(wild) > 5
    assert dependence_length(rng.permutation(wild)) < 2


def test_heavy_tails_of_moves_widen_the_error_and_ask_for_more_windows(rng):
    moved = rng.pareto(1.5, size=400) ** 2
    large = [m for m in moved if m > moved.mean() / 20]
    uneven = len(large) * sum(m * m for m in moved) / sum(moved) ** 2
    change = LossChange(rng.normal(size=400), moved, 0.5)
    assert change.heaviness == pytest.approx(uneven / 1.9, rel=1e-12)
    assert change.heaviness > 1.5
    assert change.needed == 100
    assert "small from 100 on" in few_note(change.resting_on, change.needed)
    share = min(1, 100 / change.resting_on)
    assert change.stretch == pytest.approx(1 + (uneven / 1.9 - 1) * share, rel=1e-12)

    series = rng.normal(size=(400, 1))
    for how in ("cosine", "newey-west", "bootstrap"):
        plain, wide = (dependent_means(series, how=how, stretch=h)[0][0] for h in (None, [1.5]))
        assert wide.error == pytest.approx(1.5 * plain.error, rel=1e-12)
        assert wide.within(0.3) > plain.within(0.3)


def test_moves_of_one_size_and_of_normal_inputs_are_not_heavy(rng):
    assert heavy_tails(np.zeros(50)) == heavy_tails(np.full(50, 0.2)) == 1.0
    # zero in most windows and of one size in the others: rare, and without a tail
    assert heavy_tails(np.where(np.arange(500) % 10 == 0, 1.0, 0.0)) == 1.0
    squares = (rng.normal(size=(1000, 1)) - rng.normal(size=(1000, 5))) ** 2
    assert heavy_tails(squares.mean(axis=1)) == 1.0
