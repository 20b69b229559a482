"""Products by tiles are those of the matrices, whatever does not fill a tile, and touch no more."""

import numpy as np
import pytest

from rnnlens.engine.kernels.lowlevel.compiling import ALLOCATING, uncached
from rnnlens.evidence.proof.zonotope.products import in_tiles, rows_times


@uncached(ALLOCATING)
def times(rows, count, matrix, tiles, into):
    rows_times(rows, count, matrix, tiles, into)


@pytest.mark.parametrize("units", [1, 2, 3, 16, 17, 33])
@pytest.mark.parametrize("gates", [1, 3, 4])
@pytest.mark.parametrize("count", [0, 1, 3, 4, 7, 8, 21])
def test_rows_times_a_matrix_in_tiles(count, gates, units, rng):
    rows, matrix = rng.normal(size=(25, units)), rng.normal(size=(units, gates * units))
    into = np.full((25, gates * units), 7.0)
    times(rows, count, matrix, in_tiles(matrix), into)
    np.testing.assert_allclose(into[:count], rows[:count] @ matrix, rtol=1e-13, atol=1e-13)
    assert (into[count:] == 7).all()


def test_what_is_no_number_stays_in_its_row(rng):
    rows, matrix = rng.normal(size=(9, 4)), rng.normal(size=(4, 16))
    rows[2, 1], rows[5, 0] = np.nan, np.inf
    into = np.empty((9, 16))
    times(rows, 9, matrix, in_tiles(matrix), into)
    assert np.isnan(into[2]).all()
    assert np.isinf(into[5]).all()
    assert np.isfinite(np.delete(into, [2, 5], axis=0)).all()
