"""Checks of long windows look at fewer points, evenly placed, and say at which."""

import numpy as np

from rnnlens.checks import faithfulness


def test_curves_of_long_windows_have_half_the_points_evenly_placed():
    short, long = faithfulness._grid(240), faithfulness._grid(600)
    assert len(long) < len(short) and long[0] == 0 and long[-1] == 600
    np.testing.assert_array_equal(long, 600 - long[::-1])  # the same from either end
    assert np.diff(long).max() == 50 and 120 in long
