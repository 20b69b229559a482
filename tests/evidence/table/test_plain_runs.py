"""One input at an end of its range, in all windows and lags, against each window by itself."""

import numpy as np
import pytest

from networks import cell, chain
from rnnlens.attribution.question import Question
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries, predict
from rnnlens.evidence.table import plain_runs
from rnnlens.evidence.table.plain_runs import LEAST, TRIED, _moves, tried
from rnnlens.evidence.table.rows import LagSpan, make_rows
from rnnlens.network.layers import Dense, Masking, Recurrent

TARGET = ResolvedTarget((0,), scale=2.0, offset=7.0)
STEPS, FEATURES = 18, 3


def asked(network, x):
    return Question(network=network, inputs=entries(network, x), of="x", target=TARGET)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("tolerance", [1e-12, 1e3])
def test_inputs_at_ends_of_their_ranges_move_forecasts_as_whole_windows_say(masked, tolerance, rng):
    layers = [Masking(-9.0)] if masked else []
    layers += [
        Recurrent(cell("lstm", rng, FEATURES, 5), return_sequences=True),
        Recurrent(cell("gru", rng, 5, 4)),
        Dense(rng.normal(size=(4, 1))),
    ]
    network, x = chain(*layers, shape=(STEPS, FEATURES)), rng.normal(size=(7, STEPS, FEATURES))
    if masked:
        x[2, :4] = -9.0
    ends = [rng.normal(size=(7, STEPS)) for _ in range(2)]
    moves = _moves(asked(network, x), STEPS, tolerance)
    for feature in range(FEATURES):
        expected = np.zeros((7, STEPS))
        for end in ends:
            for lag in range(1, STEPS + 1):
                for w in range(7):
                    one = x[w : w + 1].copy()
                    one[0, STEPS - lag, feature] = end[w, lag - 1]
                    moved = 2.0 * abs(predict(network, one) - predict(network, x[w : w + 1]))[0, 0]
                    expected[w, lag - 1] = max(expected[w, lag - 1], moved)
        # rounding of sums in double precision, and in single where the tolerance lets it
        close = 1e-12 if masked or tolerance < 1 else 1e-5
        np.testing.assert_allclose(moves(feature, ends), expected, rtol=0, atol=close)


def test_fewer_windows_are_tried_where_each_takes_long(rng, monkeypatch):
    network = chain(
        Recurrent(cell("gru", rng, 2, 3)), Dense(rng.normal(size=(3, 1))), shape=(STEPS, 2)
    )
    question = asked(network, rng.normal(size=(900, STEPS, 2)))
    spans = [LagSpan(lag, lag) for lag in range(1, STEPS + 1)]
    rows = make_rows("lag", (STEPS, 2), spans, ("a", "b"), [])
    assert tried(question, rows) == TRIED
    monkeypatch.setattr(plain_runs, "RUNNING", 100 * 4 * STEPS**2)  # of 2 features, 2 ends each
    assert tried(question, rows) == 100
    monkeypatch.setattr(plain_runs, "RUNNING", 0)
    assert tried(question, rows) == LEAST
