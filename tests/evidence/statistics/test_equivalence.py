"""Lags that are used, equivalent to nothing, out of reach, or undecided."""

import math
from dataclasses import asdict
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from linear_networks import ar, arx, cut_windows, linear_network
from naive import lstm_loop
from networks import cell, chain, equations, forecaster, head
from rnnlens.attribution.question import Question
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries, predict
from rnnlens.errors import DataError, InputError
from rnnlens.evidence.statistics.criterion import Criterion
from rnnlens.evidence.statistics.equivalence import VERDICTS, equivalence, verdict
from rnnlens.evidence.statistics.horizon import horizon
from rnnlens.evidence.statistics.losses import Losses, make_margin
from rnnlens.evidence.statistics.parts import group_parts, lag_feature_parts, lag_parts
from rnnlens.evidence.statistics.replacement import Replacement
from rnnlens.evidence.statistics.samplers import OwnSampler, gaussian_sampler
from rnnlens.network.layers import Recurrent
from rnnlens.readers.open import read
from rnnlens.results.label import label

FIRST = ResolvedTarget((0,))


def windows_of(network, x, target=FIRST):
    inputs = entries(network, x)
    return Replacement(Question(network=network, inputs=inputs, of="x", target=target))


def losses_of(network, x, y, **options):
    return Losses(windows_of(network, x), gaussian_sampler(x), y, **options)


def test_the_change_of_the_loss_is_what_a_loop_gives(rng):
    """A sampler that turns the part's sign, an LSTM unit by unit, errors in the target's unit."""
    core = cell("lstm", rng, 2, 4)
    dense = head(rng, 4, targets=2)
    network = chain(Recurrent(core), dense, shape=(5, 2))
    x, y = rng.normal(size=(40, 5, 2)), rng.normal(size=40) + 20

    def turned(x, hidden, rng):
        return np.where(hidden, -x, x)

    target = ResolvedTarget((1,), scale=4.0, offset=20.0)
    parts = lag_feature_parts((5, 2), lags=[1, 4])

    def forecast(window):
        h = lstm_loop(equations(core), window.tolist())[-1]["h"]
        own = sum(h[u] * dense.W[u, 1] for u in range(4)) + dense.b[1]
        return 4.0 * own + 20.0

    for loss, size in (("squared", lambda e: e * e), ("absolute", abs)):
        losses = Losses(windows_of(network, x, target), OwnSampler(turned), y, loss=loss, draws=2)
        for part, place in zip(parts, [(4, 0), (4, 1), (1, 0), (1, 1)], strict=True):
            found = losses.change(part)
            for i in range(40):
                other = x[i].copy()
                other[place] *= -1
                wanted = size(forecast(other) - y[i]) - size(forecast(x[i]) - y[i])
                assert found.change[i] == pytest.approx(wanted, rel=1e-9, abs=1e-9)
            value = x[:, place[0], place[1]]
            assert found.variance_left == pytest.approx(np.mean(4 * value**2) / (2 * value.var()))


@cache
def known_process():
    """A network of 16 units trained on the known process, and 8,000 windows that it never saw."""
    network = read(Path(__file__).parents[2] / "attribution" / "arx.npz")
    series = arx(8000, seed=5)
    return network, cut_windows(series, 10), series[10:, 0]


def test_exactly_the_three_true_lags_of_a_known_process_are_used():
    network, x, y = known_process()
    parts = lag_feature_parts((10, 2), names=["y", "u"])
    found = equivalence(losses_of(network, x, y, draws=10), parts)
    used = {"y at lag 1", "y at lag 2", "u at lag 5"}
    assert {t for t, v in zip(found.title, found.verdict, strict=True) if v == "used"} == used
    others = [v for t, v in zip(found.title, found.verdict, strict=True) if t not in used]
    assert others == ["equivalent"] * 17
    # closed form for the best forecast: 2 a^2 times the variance that is left, by the noise 0.09
    share = dict(zip(found.title, found.change / found.loss, strict=True))
    left = dict(zip(found.title, found.variance_left, strict=True))
    variance = {"y": x[:, -1, 0].var(), "u": x[:, -1, 1].var()}
    for title, a in (("y at lag 1", 0.6), ("y at lag 2", -0.3), ("u at lag 5", 0.5)):
        wanted = 2 * a**2 * left[title] * variance[title[0]] / 0.09
        assert share[title] == pytest.approx(wanted, rel=0.25)  # the network is not the process
    assert found.margin == pytest.approx(0.01 * found.loss)
    assert found.margin_text == "1 % of the mean squared error"


def test_replacement_from_anywhere_does_not_clear_lags_that_are_not_used():
    """The same network and test; draws that do not go with the rest are the only difference."""
    network, x, y = known_process()

    def shuffled(x, hidden, rng):
        found = x.copy()
        found[:, hidden] = x[rng.permutation(len(x))][:, hidden]
        return found

    losses = Losses(windows_of(network, x), OwnSampler(shuffled), y, draws=10)
    found = equivalence(losses, lag_feature_parts((10, 2), names=["y", "u"], lags=[3, 4, 6]))
    assert {"used", "undecided"} & set(found.verdict)


def test_the_horizon_of_the_known_process_is_five():
    network, x, y = known_process()
    found = horizon(losses_of(network, x, y))
    assert found.looks_back == 5
    assert found.lag_from.tolist() == [10, 9, 8, 7, 6, 5]
    assert (found.p_equivalent[:-1] <= 0.05).all() and found.p_equivalent[-1] > 0.05
    assert found.sentence == (
        "everything older than t-5 together changes nothing beyond the margin of "
        f"{found.margin:.3g}, at 5 % family-wise"
    )


@pytest.mark.parametrize("errors", ["cosine", "newey-west", "bootstrap"])
def test_a_feature_without_weights_is_structural_has_no_p_value_and_changes_exactly_nothing(
    errors, rng
):
    core = cell("lstm", rng, 2, 4)
    for gate in core.gates.values():
        gate.W[1] = 0.0
    network = chain(Recurrent(core), head(rng, 4, targets=1), shape=(4, 2))
    x = rng.normal(size=(200, 4, 2))
    y = predict(network, x)[:, 0] + 0.1 * rng.normal(size=200)
    losses = losses_of(network, x, y)
    parts = lag_feature_parts((4, 2), lags=[1, 3])
    found = equivalence(losses, parts, Criterion(errors=errors))
    for k in (1, 3):
        assert (losses.change(parts[k]).change == 0.0).all()
        assert found.change[k] == found.error[k] == 0.0
        assert found.verdict[k] == "structural"
        assert np.isnan([found.p_equivalent[k], found.p_used[k]]).all()
    # what is structural is no test: the others are corrected for one other, not for three
    alone = equivalence(losses, [parts[0], parts[2]], Criterion(errors=errors))
    np.testing.assert_array_equal(found.p_used[[0, 2]], alone.p_used)
    assert horizon(losses, held=[0]).looks_back == 0


def test_an_exactly_linear_network_uses_its_lag_and_no_other(rng):
    """Lags beside it change exactly nothing, as zeros among its weights show."""
    network = linear_network(np.array([[0.0], [0.7], [0.0]]))
    x = cut_windows(ar(600, 0.5, rng), 3)
    y = 0.7 * x[:, 1, 0] + 0.3 * rng.normal(size=len(x))
    found = equivalence(losses_of(network, x, y), lag_parts((3, 1)))
    assert found.verdict.tolist() == ["structural", "used", "structural"]
    assert found.change[0] == found.change[2] == 0.0
    assert np.isnan(found.p_equivalent[::2]).all()


def test_the_verdict_follows_from_the_numbers():
    given = {"unreached": False, "note": "", "alpha": 0.05}
    assert verdict(**given, p_equivalent=0.05, p_used=0.9) == "equivalent"
    assert verdict(**given, p_equivalent=0.01, p_used=0.01) == "equivalent"  # but negligible
    assert verdict(**given, p_equivalent=0.06, p_used=0.05) == "used"
    assert verdict(**given, p_equivalent=0.06, p_used=0.06) == "undecided"
    given["note"] = "it never changes"
    assert verdict(**given, p_equivalent=0.0, p_used=1.0) == "undecided"
    given["unreached"] = True
    assert verdict(**given, p_equivalent=math.nan, p_used=math.nan) == "structural"
    assert set(VERDICTS) == {"structural", "equivalent", "used", "undecided"}


def test_what_others_determine_and_what_never_changes_is_not_shown_to_be_irrelevant(rng):
    """The network uses feature 0 alone; 1 is its copy and 2 is constant."""
    base = cut_windows(ar(800, 0.7, rng), 3)
    x = np.concatenate([base, base, np.full_like(base, 2.0)], axis=2)
    network = linear_network(np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]))
    y = base[:, -1, 0] + 2.0 + 0.1 * rng.normal(size=len(x))
    parts = (
        *lag_feature_parts((3, 3), lags=[1, 2]),
        *group_parts((3, 3), {"both": ([1], [0, 1])}),
    )
    found = equivalence(losses_of(network, x, y), parts)
    words = dict(zip(found.title, found.verdict, strict=True))
    notes = dict(zip(found.title, found.note, strict=True))
    assert words["feature 0 at lag 1"] == "undecided"
    assert "test it together with what determines it" in notes["feature 0 at lag 1"]
    assert words["feature 2 at lag 2"] == "undecided"
    assert notes["feature 2 at lag 2"].startswith("it never changes in these windows")
    assert words["both"] == "used"
    assert notes["both"] == ""


def test_without_actuals_the_question_is_whether_forecasts_move(rng):
    """A forecast of noise: a lag that it uses in vain changes no error and moves the forecast."""
    network = linear_network(np.array([[0.0], [0.5], [0.0]]))
    x = cut_windows(ar(1500, 0.3, rng), 3)
    y = rng.normal(size=len(x))
    part = lag_parts((3, 1), lags=[2])
    with_y = equivalence(losses_of(network, x, y), part, Criterion(margin=0.2))
    assert with_y.verdict[0] == "equivalent"
    assert with_y.question.startswith("how much worse this network forecasts")
    without = equivalence(losses_of(network, x, None), part, Criterion(margin=0.2))
    assert without.verdict[0] == "used"
    assert without.question.startswith("how far forecasts move")
    # 2 a^2 times the variance left between neighbours
    assert without.change[0] == pytest.approx(2 * 0.25 / (1 + 0.3**2), rel=0.15)
    assert without.loss == 0.0
    # used means beyond the margin: every change of a forecast is above zero
    assert equivalence(losses_of(network, x, None), part, Criterion(margin=0.5)).p_used[0] > 0.05


def test_a_lag_that_does_harm_is_not_equivalent_to_nothing(rng):
    """The forecast takes it with the wrong sign: replacing it makes the error smaller."""
    network = linear_network(np.array([[0.0], [0.5], [0.0]]))
    x = cut_windows(ar(600, 0.5, rng), 3)
    y = -0.5 * x[:, 1, 0] + 0.3 * rng.normal(size=len(x))
    found = equivalence(losses_of(network, x, y), lag_parts((3, 1), lags=[2]))
    assert found.change_high[0] < -found.margin
    assert found.p_equivalent[0] > 0.9 and found.p_used[0] > 0.9
    assert found.verdict[0] == "undecided"
    assert found.note[0] == "forecasts are better without it, by more than the margin"


def test_a_part_gets_the_same_answer_whatever_else_is_asked_but_for_the_correction(rng):
    network = forecaster("gru_after", rng, steps=4, features=2, targets=1)
    x = rng.normal(size=(150, 4, 2))
    losses = losses_of(network, x, rng.normal(size=150))
    every = equivalence(losses, lag_parts((4, 2)), correction="none")
    alone = equivalence(losses, lag_parts((4, 2), lags=[3]), correction="none")
    assert every.change[2] == alone.change[0]
    assert every.p_used[2] == alone.p_used[0]
    holm = equivalence(losses, lag_parts((4, 2)))
    assert (holm.p_used >= every.p_used).all()
    assert (holm.p_used > every.p_used).any()


def test_large_sets_are_cut_without_changing_what_is_tested(rng, monkeypatch):
    """In blocks the draws differ, and nothing else: where replacing is fixed, so is the answer."""
    network = forecaster("lstm", rng, steps=4, features=2, targets=1)
    x, y = rng.normal(size=(70, 4, 2)), rng.normal(size=70)
    own = OwnSampler(lambda x, hidden, rng: np.where(hidden, 0.5 * x, x))
    part = lag_parts((4, 2), lags=[2])[0]
    whole = Losses(windows_of(network, x), own, y).change(part)
    monkeypatch.setattr("rnnlens.evidence.statistics.replacement.NUMBERS", 500)
    cut = Losses(windows_of(network, x), own, y).change(part)
    np.testing.assert_allclose(cut.change, whole.change, rtol=1e-12)
    assert cut.variance_left == pytest.approx(whole.variance_left)


def test_results_can_be_labelled(rng):
    network = forecaster("lstm", rng, steps=4, features=2, targets=1)
    x, y = rng.normal(size=(60, 4, 2)), rng.normal(size=60)
    losses = losses_of(network, x, y)
    found = label(equivalence(losses, lag_parts((4, 2))), keep=("margin", "correction"))
    assert dict(found.sizes) == {"part": 4}
    assert found.attrs["correction"] == "Holm (family-wise error)"
    assert "lag" in label(horizon(losses)).sizes


def test_bad_input_is_refused_in_one_sentence(rng):
    network = forecaster("lstm", rng, steps=4, features=2, targets=1)
    x, y = rng.normal(size=(60, 4, 2)), rng.normal(size=60)
    windows, sampler = windows_of(network, x), gaussian_sampler(x)
    losses, parts = Losses(windows, sampler, y), lag_parts((4, 2))
    for run in (
        lambda **o: equivalence(losses, parts, Criterion(**o)),
        lambda **o: horizon(losses, Criterion(**o)),
    ):
        with pytest.raises(InputError, match="the margin must be above zero, but is 0: no number"):
            run(margin=0.0)
        with pytest.raises(InputError, match=r"alpha must be between 0 and 0\.5, but is 0\.5"):
            run(alpha=0.5)
        with pytest.raises(DataError, match="blocks of 20 windows need at least 80 windows, but"):
            run(block_length=20)
    blind = Losses(windows, sampler)
    with pytest.raises(InputError, match="without actuals there is no loss to take a share of"):
        equivalence(blind, parts)
    assert make_margin(blind, 0.3).value == 0.3
    perfect = Losses(windows, sampler, predict(network, x)[:, 0])
    with pytest.raises(InputError, match="the margin must be above zero"):
        equivalence(perfect, parts)
    with pytest.raises(InputError, match="there is no part to test"):
        equivalence(losses, ())
    with pytest.raises(InputError, match="there is no lag to test"):
        horizon(losses, lags=())
    with pytest.raises(DataError, match="lag 5 is beyond the window"):
        horizon(losses, lags=[5])
    with pytest.raises(DataError, match=r"actuals must have shape \(60,\), one a window"):
        Losses(windows, sampler, y[:-1])
    with pytest.raises(DataError, match="the actual of window 3 is missing"):
        Losses(windows, sampler, np.where(np.arange(60) == 3, np.nan, y))
    with pytest.raises(InputError, match="the loss must be one of squared, absolute"):
        Losses(windows, sampler, y, loss="log")
    with pytest.raises(InputError, match="the number of draws must be 1 or more, but is 0"):
        Losses(windows, sampler, y, draws=0)
    assert asdict(make_margin(losses, None))["text"] == "1 % of the mean squared error"
