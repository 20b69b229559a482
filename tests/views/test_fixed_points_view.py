"""Fixed points in words, as a table and as a chart: each sentence says what is in the result."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

import rnnlens
from flip_flop import flip_flop
from networks import chain, forecaster
from rnnlens.network.layers import Dense, Recurrent
from rnnlens.views import charts
from rnnlens.views.tables.fixed_points import fixed_points_summary, fixed_points_view
from rnnlens.views.words.inside.fixed_points import fixed_points_sentences


@pytest.fixture(scope="module")
def found():
    core, X, readout = flip_flop("gru")
    net = chain(Recurrent(core), Dense(readout[:16], readout[16]), shape=(None, 3))
    return rnnlens.fixed_points(net, X, at=np.zeros(3), target=0)


def shown(result):
    screen = Console(file=io.StringIO(), width=140)
    screen.print(fixed_points_view(result))
    return screen.file.getvalue()


def test_points_are_counted_by_their_unstable_directions(found):
    first, second, *_ = fixed_points_sentences(found)
    assert "27 fixed points proven: 8 stable, 12 unstable in 1 direction, 6 unstable in 2" in first
    assert "sum to 1, as those of all points must" in second


def test_a_sum_other_than_one_says_that_points_are_missing(found):
    fewer = found.isel(point=slice(1, None)).assign_attrs(index_sum=0)
    assert (
        "sum to 0, and those of all points to 1: points are missing"
        in (fixed_points_sentences(fewer)[1])
    )


def test_the_table_has_a_row_a_point_and_json_their_numbers(found):
    text = shown(found)
    assert text.count("1e-1") >= 27  # radii are powers of ten
    summary = fixed_points_summary(found)
    assert len(summary["points"]) == 27 and summary["index_sum"] == 1
    assert summary["points"][0]["radius"] == float(found.radius[0])


def test_a_result_without_points_is_shown_too(rng):
    net = forecaster("gru_after", rng, scale=0.5)
    none = rnnlens.fixed_points(net, rng.normal(size=(4, 7, 3)), order=2, target=0)
    assert none.sizes["point"] == 0
    assert "no cycle of 2 steps was found that could be proven" in shown(none)
    assert charts.fixed_points(none).to_dict()


def test_the_chart_has_every_eigenvalue(found):
    drawn = charts.fixed_points(found).to_dict()
    rows = max(drawn["datasets"].values(), key=len)
    assert len(rows) == 27 * 16
    kinds = {row["kind"] for row in rows}
    assert "stable" in kinds and "unstable in 1 direction" in kinds


def test_the_unit_circle_is_round_however_far_eigenvalues_lie(found):
    drawn = charts.fixed_points(found).to_dict()
    ends = [
        layer["encoding"][axis]["scale"]["domain"]
        for layer in drawn["layer"]
        for axis in ("x", "y")
    ]
    assert drawn["width"] == drawn["height"] and all(end == ends[0] for end in ends)
    sizes = np.abs([found["eigenvalue_real"], found["eigenvalue_imag"]])
    assert ends[0][1] == -ends[0][0] > max(sizes.max(), 1.0)
