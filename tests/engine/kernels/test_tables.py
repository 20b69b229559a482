"""What players add, summed by the size of the coalition they join, against coalition by coalition.

Values are multiples of a fraction of two, so that every sum is exact in any order.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
import pytest
from numpy.typing import NDArray

from rnnlens.engine.kernels.coalition_tables import marginal_sums
from rnnlens.engine.schedule.context import equations, kernels

Array = NDArray[np.float64]
Way = Callable[[], AbstractContextManager[None]]


def one_by_one(v: Array) -> Array:
    """Go through all coalitions, and through the players that each does not have."""
    players = len(v).bit_length() - 1
    sums = np.zeros((players, max(players, 1), v.shape[1]))
    for coalition in range(len(v)):
        for player in range(players):
            if not coalition >> player & 1:
                joined = v[coalition | 1 << player]
                sums[player, coalition.bit_count()] += joined - v[coalition]
    return sums


@pytest.mark.parametrize("way", [kernels, equations])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("games", [1, 3])
@pytest.mark.parametrize("players", [0, 1, 2, 3, 5, 6, 9, 11, 12])
def test_marginal_sums_are_those_of_every_coalition(
    players: int, games: int, dtype: type, way: Way, rng: np.random.Generator
) -> None:
    v = (rng.integers(-999, 999, (1 << players, games)) / 64).astype(dtype)
    with way():
        sums = marginal_sums(v)
    np.testing.assert_array_equal(sums, one_by_one(v.astype(float)))


@pytest.mark.parametrize("way", [kernels, equations])
@pytest.mark.parametrize("absent", range(11))
def test_a_player_that_adds_nothing_has_exactly_nothing(
    absent: int, way: Way, rng: np.random.Generator
) -> None:
    v = rng.standard_normal((1 << 11, 2))[np.arange(1 << 11) & ~(1 << absent)]
    with way():
        sums = marginal_sums(v)
    assert not sums[absent].any()
    assert sums[absent - 1].any()
