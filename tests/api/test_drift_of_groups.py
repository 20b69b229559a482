"""Windows of several places stand one place after the other, which is no drift in time."""

from dataclasses import replace

import numpy as np

import rnnlens
from networks import cell, head
from rnnlens.network import layers as L
from rnnlens.network.network import Network, Node, Origin
from rnnlens.series.joint.arrays import plain_by_input

#: Windows of each of two places.
EACH = 60


def _network(rng):
    nodes = (
        Node("past", L.Input((3, 1))),
        Node("site", L.Input((1,))),
        Node("gru", L.Recurrent(cell("gru_after", rng, 1, 2)), (("past", 0),)),
        Node("both", L.Concatenate(), (("gru", 0), ("site", 0))),
        Node("dense", head(rng, 3, 1), (("both", 0),)),
    )
    return Network(nodes, (("dense", 0),), Origin("made in a test"))


def _fits(rng, level):
    """What is said of the sampler of each input: level (sample,) is added to the series."""
    place = np.repeat([0.0, 5.0], EACH)
    arrays = {"past": rng.normal(size=(2 * EACH, 3, 1)) + level[:, None, None]}
    windows = plain_by_input(arrays | {"site": place[:, None]}, ["past"], ["flow"])
    days = np.tile(np.arange(EACH).astype("datetime64[D]").astype("datetime64[ns]"), 2)
    own = {name: replace(one, times=days, issued=days) for name, one in windows.items()}
    table = rnnlens.lags(
        _network(rng),
        replace(windows, parts=own),
        certificates=None,
        test=rnnlens.Test(replacements=0),
    )
    return {name: node.attrs["sampler_fit"] for name, node in table.children.items()}


def test_levels_of_places_are_no_drift_of_a_series_nor_of_what_never_changes(rng):
    said = _fits(rng, np.repeat([0.0, 9.0], EACH))
    assert all("drifts" not in one and "walk" not in one for one in said.values())


def test_what_has_another_level_later_at_all_places_drifts(rng):
    later = np.tile(np.repeat([0.0, 9.0], EACH // 2), 2)
    said = _fits(rng, later)
    assert "feature 0 drifts: its level in the newer half of the windows" in said["past"]
    assert "above the older half's" in said["past"]
    assert "drifts" not in said["site"]
