"""A GRU trained to give a sine while its input is held: the cycle that it goes round is proven.

``benchmarks/fixed_points/train_sine.py`` made the file.
"""

from __future__ import annotations

import numpy as np
import pytest

import rnnlens
from flip_flop import FOLDER, cell_of
from networks import chain
from rnnlens.network.layers import Dense, Recurrent

PERIOD = 6


@pytest.fixture(scope="module")
def sine():
    with np.load(FOLDER.parent / "sine" / "gru.npz") as held:
        arrays = dict(held)
    out = Dense(arrays["V"].T.astype(float), arrays["bo"].astype(float))
    net = chain(Recurrent(cell_of(arrays, "gru")), out, shape=(None, 1))
    return net, np.ones((4, 40, 1))


def test_the_sine_is_one_stable_cycle_proven(sine):
    net, X = sine
    cycle = rnnlens.fixed_points(net, X, order=PERIOD, target=0)
    stable = cycle.isel(point=cycle.unstable.values == 0)
    assert stable.sizes["point"] == 1 and float(stable.radius[0]) < 1e-10
    # forecasts once round are the sine, up to where it begins, as well as was learned
    wave = np.sin(2 * np.pi * np.arange(PERIOD) / PERIOD)
    forecast = stable.forecast.values[0]
    away = [np.abs(forecast - np.roll(wave, k)).max() for k in range(PERIOD)]
    assert min(away) < 0.05
    # and what the network itself comes to
    ends = [rnnlens.predict(net, np.ones((1, 300 + k, 1))).item() for k in range(PERIOD)]
    assert min(np.abs(forecast - np.roll(ends, k)).max() for k in range(PERIOD)) < 1e-9


def test_what_swings_rests_nowhere_stable(sine):
    net, X = sine
    rest = rnnlens.fixed_points(net, X, target=0)
    assert rest.attrs["index_sum"] == 1 and (rest.unstable >= 2).any()
    assert not (rest.unstable == 0).any()
    # deviations from the middle grow and turn, near it not at the pace of the whole cycle
    middle = rest.isel(point=int(np.argmax(rest.unstable.values)))
    assert PERIOD - 2 < float(middle.turn[0]) < PERIOD + 2


@pytest.mark.parametrize("order", [4, 5])
def test_no_cycle_of_other_orders_is_proven_where_none_is_gone_round(sine, order):
    net, X = sine
    other = rnnlens.fixed_points(net, X, order=order, target=0)
    assert not (other.unstable == 0).any()
