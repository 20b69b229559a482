"""The announced time of certificates: of what will be done, lags that share checkpoints together.

Clocks are replaced by ones that say the same each time, so that nothing has a tolerance but the
rounding of a division.
"""

from dataclasses import replace

import pytest

from networks import forecaster
from rnnlens.api.shared import pace, planning
from rnnlens.evidence.options import Certificates
from rnnlens.evidence.proof.checkpoints import STRIDE
from rnnlens.evidence.proof.stopping import TIME, Stop

#: Seconds that every timing takes by the clock of these tests.
TAKEN = 3.0
LONG, SHORT = 40, 16


class Clock(Stop):
    """Three seconds have always gone by; it ends the search after some looks, or never."""

    looks = 10**9

    def __init__(self, seconds=None):
        super().__init__()
        self.left = self.looks

    @property
    def taken(self):
        return TAKEN

    def due(self):
        self.left -= 1
        if self.left < 0:
            self.why = TIME
        return bool(self.why)


@pytest.fixture
def asked(rng, monkeypatch):
    """Give what is announced for all lags of one window, and the lags of each timed call."""
    monkeypatch.setattr(pace, "Stop", Clock)
    calls, honest = [], pace.certify_each

    def noted(few, several, limits, *, rows, stop):
        calls.append((few.windows, [list(one.lags) for one in several]))
        return honest(few, several, limits, rows=rows, stop=stop)

    monkeypatch.setattr(pace, "certify_each", noted)

    def announced(steps):
        network = forecaster("lstm", rng, steps=steps, features=2)
        x = rng.normal(size=(6, steps, 2))
        lags, certificates = list(range(1, steps + 1)), Certificates(range=0.1)
        made = planning.expected_certificates(
            network, x[:1], lags=lags, features=["feature 0"], target=0, background=x,
            certificates=certificates,
        )  # fmt: skip
        return made.seconds, calls

    return announced


def test_lags_that_share_checkpoints_are_timed_in_one_call(asked):
    seconds, calls = asked(LONG)
    assert calls == [(1, [list(range(1, LONG + 1))])]
    assert seconds == pytest.approx(TAKEN, rel=1e-12)  # all lags were timed


def test_lags_of_short_windows_are_timed_in_one_call(asked):
    seconds, calls = asked(SHORT)
    some = [1, 2, 4, 5, 6, 8, 9, 11, 12, 13, 15, 16]
    assert len(some) == pace.LAGS_TIMED
    assert calls == [(1, [some])]
    assert seconds == pytest.approx(TAKEN / len(some) * SHORT, rel=1e-12)


def test_a_table_is_timed_as_it_asks_in_all_its_windows_and_by_its_rows(rng, asked, monkeypatch):
    """Both features of a lag speak of one row, and are freed one by one."""
    _, [(_, [lags])] = asked(SHORT)
    places = [lag - 1 for lag in lags]
    spoken_of, honest = [], pace.certify_each

    def noted(few, several, limits, *, rows, stop):
        spoken_of.append((rows.tolist(), limits))
        return honest(few, several, limits, rows=rows, stop=stop)

    monkeypatch.setattr(pace, "certify_each", noted)
    network = forecaster("lstm", rng, steps=SHORT, features=2)
    x = rng.normal(size=(6, SHORT, 2))

    def announced(**stated):
        options = replace(
            planning.USUAL,
            test=None,
            certificates=Certificates(range=0.1, windows=4, together=False, **stated),
        )
        made = planning.expected_lags(network, x, options, target=0, background=x)
        bare = planning.expected_lags(
            network, x, replace(options, certificates=None), target=0, background=x
        )
        return made.seconds - bare.seconds

    assert announced() == pytest.approx(TAKEN * SHORT / pace.LAGS_TIMED, rel=1e-9)
    ((rows, limits),) = spoken_of
    assert rows == [places, places]
    assert limits.by_row and limits.share > 0
    spoken_of.clear()
    announced(budget=7)
    ((_, limits),) = spoken_of
    assert not limits.by_row and limits.budget == 7
    spoken_of.clear()
    # the first question takes three seconds, and all of them are given two
    assert announced(budget="2 s") == 2.0
    assert not spoken_of


def test_of_lags_that_were_not_all_settled_those_that_were_stand_for_the_rest(asked, monkeypatch):
    """Four looks: at the eight lags of each of the four newest stretches between checkpoints."""
    monkeypatch.setattr(Clock, "looks", 4)
    seconds, _ = asked(LONG)
    assert TAKEN * LONG / (4 * STRIDE) <= seconds < float("inf")
